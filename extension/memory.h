/*
 * memory.h - where the extension's long-lived memory comes from.
 */
#ifndef PGSJ_MEMORY_H
#define PGSJ_MEMORY_H

#include "postgres.h"

#include <sjwt.h>

/* The one context of all that outlives a transaction: keys and identities. */
extern MemoryContext pgsj_memory;

/* Once, from _PG_init(). */
void pgsj_memory_create(void);

/* The core's allocator on a memory context: NULL where there is no memory,
 * never an ERROR, so that no longjmp passes the core's frames. */
sjwt_allocator pgsj_allocator(MemoryContext context);

/* Where to have a token put that was made by the context's allocator: it is freed
 * when the context is reset or deleted, as not all of a token is the allocator's. */
sjwt_token **pgsj_token_of(MemoryContext context);

/* Where to have a key set put that was made by the context's allocator: it is freed when
 * the context is reset or deleted. A set has more than the allocator's memory once a key
 * of it was prepared: what the crypto library made. Raises an error if there is no memory. */
sjwt_keyset **pgsj_keyset_of(MemoryContext context);

#endif
