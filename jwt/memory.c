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

jwt_allocator jwt_allocator_resolve(const jwt_allocator *allocator)
{
    return allocator != NULL ? *allocator
                             : (jwt_allocator){default_allocate, default_release, NULL};
}

void *jwt_allocate(const jwt_allocator *allocator, size_t size)
{
    return allocator->allocate(allocator->context, size);
}

void jwt_release(const jwt_allocator *allocator, void *pointer)
{
    if (pointer != NULL)
        allocator->release(allocator->context, pointer);
}

void jwt_wipe(void *pointer, size_t size)
{
    static void *(*const volatile overwrite)(void *, int, size_t) = memset;

    if (size > 0)
        overwrite(pointer, 0, size);
}
