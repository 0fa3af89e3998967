/* SPDX-License-Identifier: Apache-2.0 */
/*
 * footprint.c - the heap and the stack that one verification needs.
 *
 *   footprint ALG...   prints for each "heap-ALG N" and "stack-ALG N", in octets
 *
 * One verification: the key is parsed and prepared, a token of 600 octets verified, everything
 * freed. The crypto library is initialized before. Heap: the most that is allocated at one
 * time, as malloc_usable_size() counts it, in the crypto library and in cJSON too. Stack: the
 * deepest octet written, counted from the caller's frame, on a stack that was painted before.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* RTLD_NEXT */
#endif
#include "tests/bench/bench.h"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the heap ----------------------------------------------------------- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *pointer, size_t size);
void __libc_free(void *pointer);

static size_t allocated;
static size_t most;

static void *count_in(void *pointer)
{
    if (pointer != NULL)
        allocated += malloc_usable_size(pointer);
    if (allocated > most)
        most = allocated;
    return pointer;
}

static void count_out(void *pointer)
{
    if (pointer != NULL)
        allocated -= malloc_usable_size(pointer);
}

#define EXPORTED __attribute__((visibility("default")))

EXPORTED void *malloc(size_t size)
{
    return count_in(__libc_malloc(size));
}

EXPORTED void *calloc(size_t count, size_t size)
{
    return count_in(__libc_calloc(count, size));
}

/* The old block and the new one may both be there for a time. */
EXPORTED void *realloc(void *pointer, size_t size)
{
    const size_t old = pointer != NULL ? malloc_usable_size(pointer) : 0;
    void *moved = count_in(__libc_realloc(pointer, size));

    if (moved != NULL)
        allocated -= old;
    return moved;
}

EXPORTED void free(void *pointer)
{
    count_out(pointer);
    __libc_free(pointer);
}

/* ---- one verification --------------------------------------------------- */

typedef struct job {
    const char *jwk;
    const char *token;
    char *frame; /* of the caller */
    bool verified;
} job;

static void verify(job *j)
{
    sjwt_keyset *keys = NULL;
    sjwt_token *token = NULL;

    if (sjwt_keyset_parse(NULL, j->jwk, strlen(j->jwk), &keys, NULL) == SJWT_OK) {
        const sjwt_issuer_policy issuer_policy = {
            .issuer = BENCH_ISSUER, .keys = keys, .algorithms = sjwt_all_algorithms()};
        const sjwt_policy policy = {
            .issuers = &issuer_policy, .issuer_count = 1, .now = BENCH_NOW, .leeway = 60};

        j->verified =
            sjwt_verify(NULL, j->token, strlen(j->token), &policy, &token, NULL) == SJWT_OK;
    }
    sjwt_token_free(token);
    sjwt_keyset_free(keys);
}

/* ---- the stack ---------------------------------------------------------- */

enum { STACK_SIZE = 1 << 20, PAINT = 0xa5 };
static _Alignas(1 << 16) unsigned char stack[STACK_SIZE];

static void *on_painted_stack(void *argument)
{
    job *j = argument;

    j->frame = __builtin_frame_address(0);
    verify(j);
    return NULL;
}

static size_t stack_depth(job *j)
{
    pthread_attr_t attributes;
    pthread_t thread;
    size_t untouched = 0;

    memset(stack, PAINT, sizeof(stack));
    if (pthread_attr_init(&attributes) != 0 ||
        pthread_attr_setstack(&attributes, stack, sizeof(stack)) != 0 ||
        pthread_create(&thread, &attributes, on_painted_stack, j) != 0 ||
        pthread_join(thread, NULL) != 0)
        bench_die("no thread");
    pthread_attr_destroy(&attributes);
    while (untouched < sizeof(stack) && stack[untouched] == PAINT)
        untouched++;
    return (size_t)(j->frame - (char *)stack) - untouched;
}

/* The text with which a verifier knows the key: a shared secret has no public half. */
static void print_key(bench_key *key, size_t *len)
{
    const sjwt_status status =
        strncmp(key->alg, "HS", 2) == 0
            ? sjwt_private_key_print(key->private, &key->public_jwk, len, NULL)
            : sjwt_private_key_print_public(key->private, &key->public_jwk, len, NULL);

    if (status != SJWT_OK)
        bench_die("the key for %s: %s", key->alg, sjwt_status_text(status));
}

static void measure(const char *alg)
{
    bench_key key = {.alg = alg};
    size_t jwk_len;

    if (sjwt_private_key_generate(NULL, alg, 0, NULL, &key.private, NULL) != SJWT_OK)
        bench_die("no key for %s", alg);
    print_key(&key, &jwk_len);
    char *token = bench_token(&key, 1, 600);

    job j = {.jwk = key.public_jwk, .token = token};
    const size_t depth = stack_depth(&j);
    const size_t before = allocated;
    most = allocated;
    j.verified = false;
    verify(&j);
    if (!j.verified)
        bench_die("the token with %s is refused", alg);
    if (allocated != before)
        bench_die("%s: a leak", alg);
    printf("heap-%s %zu\nstack-%s %zu\n", alg, most - before, alg, depth);

    sjwt_secret_text_free(key.private, key.public_jwk, jwk_len);
    sjwt_private_key_free(key.private);
    free(token);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        measure(argv[i]);
    return 0;
}
