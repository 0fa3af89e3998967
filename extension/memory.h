/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.h - the memory contexts of the extension.
 */
#ifndef PGSJ_MEMORY_H
#define PGSJ_MEMORY_H

#include "postgres.h"

#include <sjwt.h>

/* The parent of everything that outlives a transaction: keys and identities. */
extern MemoryContext pgsj_memory;

/* Creates pgsj_memory; once, from _PG_init(). */
void pgsj_memory_create(void);

/* An allocator for the core that takes memory from context. Its allocate returns NULL when
 * there is no memory and never raises: no longjmp() passes through the core. */
sjwt_allocator pgsj_allocator(MemoryContext context);

/*
 * The same, but that its allocate returns NULL also while the statement is being cancelled or
 * the session ended. Then the call of the core ends soon, as if there were no memory, and
 * CHECK_FOR_INTERRUPTS() after it raises. For calls that may take long.
 */
sjwt_allocator pgsj_cancellable_allocator(MemoryContext context);

/*
 * A place for a token that sjwt_verify() makes; NULL at first. The token there is freed when
 * context is reset or deleted: a part of a token is not allocated from its allocator.
 */
sjwt_token **pgsj_owned_token(MemoryContext context);

/*
 * A place for a key set that is made with an allocator on context; NULL at first. The set there
 * is freed when context is reset or deleted: a prepared key has memory of the crypto library.
 * Both raise when there is no memory.
 */
sjwt_keyset **pgsj_owned_keyset(MemoryContext context);

/* Calls function(argument) with a new memory context as the current one. Deletes that context
 * afterwards, also when function raises. */
void pgsj_with_temp_context(void (*function)(void *argument), void *argument);

#endif
