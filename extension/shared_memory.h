/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_memory.h - areas of shared memory that all processes of the server share.
 *
 * From PostgreSQL 17 on an area is made when a process first needs it. Before, the server makes
 * it at its start, where shared_preload_libraries has this library; else there is none.
 */
#ifndef PGSJ_SHARED_MEMORY_H
#define PGSJ_SHARED_MEMORY_H

#include "postgres.h"

typedef struct pgsj_shared_area {
    const char *name;
    Size (*size)(void);                        /* in octets; 0: there is to be no such area */
    void (*initialize)(void *area, Size size); /* before any process uses it; never fails */
    void *address;                             /* of this process; NULL: see attached */
    bool attached;                             /* false: this process has not asked for it yet */
} pgsj_shared_area;

/* While the server starts, before PostgreSQL 17: has it make the area. The area is static. Areas
 * are made in the order of these calls. */
void pgsj_shared_area_request(pgsj_shared_area *area);

/* Attaches this process to the area. Does not raise: where there is no memory, the area is not
 * there for this process, and the log says so. */
void pgsj_shared_area_attach(pgsj_shared_area *area);

/* From another module, which requested nothing: the area that a server with this library made.
 * Returns NULL where there is none for this process. */
void *pgsj_shared_area_find(pgsj_shared_area *area);

/* The area; NULL where there is none. */
static inline void *pgsj_shared_area_address(pgsj_shared_area *area)
{
    if (unlikely(!area->attached))
        pgsj_shared_area_attach(area);
    return area->address;
}

#endif
