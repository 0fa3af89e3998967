/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocations that fail. The linker sends each malloc() and calloc() of the statically linked
 * code here (--wrap), and cJSON is told to come here. The crypto libraries are not: their
 * allocations fail in tests/unit/test_out_of_memory.c.
 */
#include "fuzz.h"

#include <stdbool.h>

#include <cjson/cJSON.h>

#define MOST_FAILURES 16

typedef struct counter {
    size_t asked;   /* since the counting began */
    size_t fail_at; /* this one fails, counted from 1; 0: none does */
} counter;

static counter own, parser;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool fails(counter *counter)
{
    return ++counter->asked == counter->fail_at;
}

void *__wrap_malloc(size_t size)
{
    return fails(&own) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails(&own) ? NULL : __real_calloc(count, size);
}

static void *parser_malloc(size_t size)
{
    return fails(&parser) ? NULL : __real_malloc(size);
}

static int call(int (*use)(const void *context), const void *context, size_t own_fails,
                size_t parser_fails)
{
    own = (counter){.fail_at = own_fails};
    parser = (counter){.fail_at = parser_fails};
    int status = use(context);
    own.fail_at = parser.fail_at = 0;
    return status;
}

void fail_each_allocation(int (*use)(const void *context), const void *context, int no_memory,
                          uint32_t choice)
{
    cJSON_InitHooks(&(cJSON_Hooks){parser_malloc, free});
    const int wanted = call(use, context, 0, 0);
    const size_t own_count = own.asked, parser_count = parser.asked;

    for (size_t n = 1; n <= own_count && n <= MOST_FAILURES; n++) {
        int status = call(use, context, n, 0);
        must(status == wanted || status == no_memory);
    }
    if (parser_count > 0) {
        int status = call(use, context, 0, 1 + choice % parser_count);
        must(status == wanted || status == no_memory);
    }
    cJSON_InitHooks(NULL);
}
