/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_memory.c - areas of shared memory that all processes of the server share.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

#include "extension/shared_memory.h"
#include "extension/compat.h"

#ifdef PGSJ_NAMED_SEGMENTS

void pgsj_shared_area_request(pgsj_shared_area *area)
{
    (void)area;
}

static void initialize(void *address, void *area)
{
    pgsj_shared_area *const definition = area;

    definition->initialize(address, definition->size());
}

static void *attach(pgsj_shared_area *area)
{
    MemoryContext caller = CurrentMemoryContext;
    void *volatile address = NULL;

    PG_TRY();
    {
        address = pgsj_named_segment(area->name, area->size(), initialize, area);
    }
    PG_CATCH();
    {
        ErrorData *error;

        MemoryContextSwitchTo(caller);
        error = CopyErrorData();
        FlushErrorState();
        /* Of the registry of segments. No caller of a SQL function holds another lock. */
        LWLockReleaseAll();
        ereport(LOG, (errmsg("pg_session_jwt goes on without shared memory"),
                      errdetail_internal("%s", error->message), errhidestmt(true)));
        FreeErrorData(error);
    }
    PG_END_TRY();
    return address;
}

void *pgsj_shared_area_find(pgsj_shared_area *area)
{
    return pgsj_shared_area_address(area);
}

#else

#define MOST_AREAS 4

static pgsj_shared_area *requested[MOST_AREAS];
static size_t requested_count;
static shmem_startup_hook_type next_startup;

static void *attach(pgsj_shared_area *area)
{
    /* The server did not make it when it started. */
    (void)area;
    return NULL;
}

void *pgsj_shared_area_find(pgsj_shared_area *area)
{
    bool found;

    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    area->address = ShmemInitStruct(area->name, area->size(), &found);
    if (!found)
        area->initialize(area->address, area->size());
    LWLockRelease(AddinShmemInitLock);
    area->attached = true;
    return area->address;
}

static Size requested_size(void)
{
    Size size = 0;

    for (size_t i = 0; i < requested_count; i++)
        size = add_size(size, requested[i]->size());
    return size;
}

static void make_areas(void)
{
    if (next_startup != NULL)
        next_startup();
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    for (size_t i = 0; i < requested_count; i++) {
        pgsj_shared_area *area = requested[i];
        const Size size = area->size();
        bool found;

        if (size > 0) {
            area->address = ShmemInitStruct(area->name, size, &found);
            if (!found)
                area->initialize(area->address, size);
        }
        area->attached = true;
    }
    LWLockRelease(AddinShmemInitLock);
}

void pgsj_shared_area_request(pgsj_shared_area *area)
{
    if (requested_count == 0) {
        next_startup = shmem_startup_hook;
        shmem_startup_hook = make_areas;
    }
    Assert(requested_count < lengthof(requested));
    requested[requested_count++] = area;
    pgsj_request_shared_memory(requested_size, area->size);
}

#endif

void pgsj_shared_area_attach(pgsj_shared_area *area)
{
    area->attached = true;
    /* A server process of its own, without others to share with. */
    if (!IsUnderPostmaster || area->size() == 0)
        return;
    area->address = attach(area);
}
