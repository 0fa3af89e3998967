/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sjwt/memory.h - where memory comes from.
 */
#ifndef SJWT_MEMORY_H
#define SJWT_MEMORY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sjwt_allocator {
    /* size > 0. NULL when there is no memory; must return to its caller. */
    void *(*allocate)(void *context, size_t size);
    /* pointer came from allocate() and is not NULL. */
    void (*release)(void *context, void *pointer);
    void *context;
} sjwt_allocator;

#ifdef __cplusplus
}
#endif

#endif
