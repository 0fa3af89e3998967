/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.h - the caller's allocator, or malloc() and free() where there is none.
 */
#ifndef PG_SESSION_JWT_JWT_MEMORY_H
#define PG_SESSION_JWT_JWT_MEMORY_H

#include <sjwt/memory.h>

/* A copy of *allocator; the default where it is NULL. */
sjwt_allocator sjwt_allocator_resolve(const sjwt_allocator *allocator);

/* size > 0; NULL when there is no memory. */
void *sjwt_allocate(const sjwt_allocator *allocator, size_t size);

/* pointer may be NULL. */
void sjwt_release(const sjwt_allocator *allocator, void *pointer);

/* Overwrites with zeros in a way that no compiler leaves out. */
void sjwt_wipe(void *pointer, size_t size);

#endif
