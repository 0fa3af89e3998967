/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.c - the memory contexts of the extension.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "extension/memory.h"

MemoryContext pgsj_memory;

void pgsj_memory_create(void)
{
    Assert(pgsj_memory == NULL);
    pgsj_memory = AllocSetContextCreate(TopMemoryContext, "pg_session_jwt", ALLOCSET_SMALL_SIZES);
}

static void *allocate(void *context, size_t size)
{
    /* For such a size the server raises in spite of MCXT_ALLOC_NO_OOM. */
    if (!AllocSizeIsValid(size))
        return NULL;
    return MemoryContextAllocExtended(context, size, MCXT_ALLOC_NO_OOM);
}

static void release(void *context, void *pointer)
{
    (void)context;
    pfree(pointer);
}

sjwt_allocator pgsj_allocator(MemoryContext context)
{
    return (sjwt_allocator){.allocate = allocate, .release = release, .context = context};
}

static void *allocate_unless_cancelled(void *context, size_t size)
{
    if (unlikely(InterruptPending) && INTERRUPTS_CAN_BE_PROCESSED() &&
        (QueryCancelPending || ProcDiePending))
        return NULL;
    return allocate(context, size);
}

sjwt_allocator pgsj_cancellable_allocator(MemoryContext context)
{
    return (sjwt_allocator){
        .allocate = allocate_unless_cancelled, .release = release, .context = context};
}

typedef struct owned_token {
    MemoryContextCallback callback; /* of the context that owns the token */
    sjwt_token *token;
} owned_token;

static void free_token(void *argument)
{
    sjwt_token_free(((owned_token *)argument)->token);
}

sjwt_token **pgsj_owned_token(MemoryContext context)
{
    owned_token *owned = MemoryContextAllocZero(context, sizeof(*owned));

    owned->callback.func = free_token;
    owned->callback.arg = owned;
    MemoryContextRegisterResetCallback(context, &owned->callback);
    return &owned->token;
}

typedef struct owned_keyset {
    MemoryContextCallback callback; /* of the context that owns the set */
    sjwt_keyset *keys;
} owned_keyset;

static void free_keyset(void *argument)
{
    sjwt_keyset_free(((owned_keyset *)argument)->keys);
}

sjwt_keyset **pgsj_owned_keyset(MemoryContext context)
{
    owned_keyset *owned = MemoryContextAllocZero(context, sizeof(*owned));

    owned->callback.func = free_keyset;
    owned->callback.arg = owned;
    MemoryContextRegisterResetCallback(context, &owned->callback);
    return &owned->keys;
}

void pgsj_with_temp_context(void (*function)(void *argument), void *argument)
{
    MemoryContext caller = CurrentMemoryContext;
    MemoryContext temporary =
        AllocSetContextCreate(caller, "pg_session_jwt temporary", ALLOCSET_DEFAULT_SIZES);

    PG_TRY();
    {
        MemoryContextSwitchTo(temporary);
        function(argument);
    }
    PG_FINALLY();
    {
        MemoryContextSwitchTo(caller);
        MemoryContextDelete(temporary);
    }
    PG_END_TRY();
}
