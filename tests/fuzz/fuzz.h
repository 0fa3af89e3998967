/*
 * fuzz.h - shared by the fuzz targets.
 */
#ifndef PG_SESSION_JWT_TESTS_FUZZ_H
#define PG_SESSION_JWT_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts the program if a property does not hold. */
static inline void must(int holds)
{
    if (!holds)
        abort();
}

/* A copy of the octets that ends with one NUL; free() it. */
static inline char *copied(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    must(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

#endif
