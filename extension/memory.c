/*
 * memory.c - where the extension's long-lived memory comes from.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "extension/memory.h"

MemoryContext pgsj_memory;

void pgsj_memory_create(void)
{
    pgsj_memory = AllocSetContextCreate(TopMemoryContext, "pg_session_jwt", ALLOCSET_SMALL_SIZES);
}

static void *allocate(void *context, size_t size)
{
    /* An oversized request ERRORs in spite of MCXT_ALLOC_NO_OOM. */
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

/* A token, and when it goes. */
typedef struct owned_token {
    MemoryContextCallback callback;
    sjwt_token *token;
} owned_token;

static void free_token(void *argument)
{
    sjwt_token_free(((owned_token *)argument)->token);
}

sjwt_token **pgsj_token_of(MemoryContext context)
{
    owned_token *owned = MemoryContextAllocZero(context, sizeof(*owned));

    owned->callback.func = free_token;
    owned->callback.arg = owned;
    MemoryContextRegisterResetCallback(context, &owned->callback);
    return &owned->token;
}

/* A key set, and when it goes. */
typedef struct owned_keyset {
    MemoryContextCallback callback;
    sjwt_keyset *keys;
} owned_keyset;

static void free_keyset(void *argument)
{
    sjwt_keyset_free(((owned_keyset *)argument)->keys);
}

sjwt_keyset **pgsj_keyset_of(MemoryContext context)
{
    owned_keyset *owned = MemoryContextAllocZero(context, sizeof(*owned));

    owned->callback.func = free_keyset;
    owned->callback.arg = owned;
    MemoryContextRegisterResetCallback(context, &owned->callback);
    return &owned->keys;
}
