/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.h - shared by the fuzz targets.
 */
#ifndef PG_SESSION_JWT_TESTS_FUZZ_H
#define PG_SESSION_JWT_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts the program if a property does not hold, and says which. */
#define must(holds) ((holds) ? (void)0 : must_have_held(#holds, __FILE__, __LINE__))

static inline _Noreturn void must_have_held(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

/* A copy of the octets that ends with one NUL; free() it. */
static inline char *copied(const void *data, size_t size)
{
    char *text = malloc(size + 1);

    must(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

/* A number that depends on each octet, for choices that an input makes (FNV-1a). */
static inline uint32_t hash_of(const void *data, size_t size)
{
    const uint8_t *octets = data;
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ octets[i]) * 16777619U;
    return hash;
}

/*
 * Calls use again and again, and each time one more allocation fails: of this project's
 * code each of the first sixteen in turn, of the JSON parser one that choice selects. use
 * frees what it makes, and returns a status. That must be the one without any failure, or
 * no_memory. (memory.c)
 */
void fail_each_allocation(int (*use)(const void *context), const void *context, int no_memory,
                          uint32_t choice);

#endif
