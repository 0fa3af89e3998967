/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/memory.h"

#include <stdlib.h>
#include <string.h>

static void *default_allocate(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void default_release(void *context, void *pointer)
{
    (void)context;
    free(pointer);
}

sjwt_allocator sjwt_allocator_resolve(const sjwt_allocator *allocator)
{
    return allocator != NULL ? *allocator
                             : (sjwt_allocator){default_allocate, default_release, NULL};
}

void *sjwt_allocate(const sjwt_allocator *allocator, size_t size)
{
    return allocator->allocate(allocator->context, size);
}

void sjwt_release(const sjwt_allocator *allocator, void *pointer)
{
    if (pointer != NULL)
        allocator->release(allocator->context, pointer);
}

void sjwt_wipe(void *pointer, size_t size)
{
    static void *(*const volatile overwrite)(void *, int, size_t) = memset;

    if (size > 0)
        overwrite(pointer, 0, size);
}
