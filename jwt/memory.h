/*
 * memory.h - the caller's allocator, or malloc() and free() where there is none.
 */
#ifndef PG_SESSION_JWT_JWT_MEMORY_H
#define PG_SESSION_JWT_JWT_MEMORY_H

#include "jwt/jwt.h"

/* A copy of *allocator; the default where it is NULL. */
jwt_allocator jwt_allocator_resolve(const jwt_allocator *allocator);

/* size > 0; NULL when there is no memory. */
void *jwt_allocate(const jwt_allocator *allocator, size_t size);

/* pointer may be NULL. */
void jwt_release(const jwt_allocator *allocator, void *pointer);

/* Overwrites with zeros in a way that no compiler leaves out. */
void jwt_wipe(void *pointer, size_t size);

#endif
