/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.c - contenders, clocks, tokens.
 */
#include "bench.h"

#include "jwt/base64url.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

_Noreturn void bench_die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void *bench_allocate(size_t size)
{
    void *memory = malloc(size);

    if (memory == NULL)
        bench_die("out of memory");
    return memory;
}

double bench_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void bench_print(const char *group, const char *name, const char *x, const char *unit,
                 const double *values, size_t count)
{
    printf("%s\t%s\t%s\t%s", group, name, x, unit);
    for (size_t i = 0; i < count; i++)
        printf("\t%.6g", values[i]);
    putchar('\n');
    fflush(stdout);
}

static double turn_of(const bench_contender *contender, size_t n)
{
    const double start = bench_clock();

    contender->run(contender->context, n);
    return bench_clock() - start;
}

/* The number of repetitions that fit in this time; also warms up. */
static size_t calibrate(const bench_contender *contender, double turn)
{
    size_t n = 1;
    double took;

    while ((took = turn_of(contender, n)) < turn / 4)
        n *= 2;
    return (size_t)((double)n * turn / took) + 1;
}

void bench_compare(const char *group, const char *x, const bench_contender *contenders,
                   size_t count, size_t rounds, double turn)
{
    double *values = bench_allocate(count * rounds * sizeof(*values));
    size_t *times = bench_allocate(count * sizeof(*times));

    for (size_t i = 0; i < count; i++)
        times[i] = calibrate(&contenders[i], turn);
    for (size_t round = 0; round < rounds; round++)
        for (size_t turns = 0; turns < count; turns++) {
            const size_t i = (round + turns) % count;

            values[i * rounds + round] = turn_of(&contenders[i], times[i]) / (double)times[i] * 1e6;
        }
    for (size_t i = 0; i < count; i++)
        bench_print(group, contenders[i].name, x, "µs", values + i * rounds, rounds);
    free(values);
    free(times);
}

static bench_key with_public_half(sjwt_private_key *private)
{
    bench_key key = {.private = private, .alg = sjwt_private_key_algorithm(private)};
    size_t len;

    if (sjwt_private_key_print_public(private, &key.public_jwk, &len, NULL) != SJWT_OK)
        bench_die("no public key of a key for %s", key.alg);
    return key;
}

bench_key bench_key_generate(const char *alg, const char *kid)
{
    sjwt_private_key *private;

    if (sjwt_private_key_generate(NULL, alg, 0, kid, &private, NULL) != SJWT_OK)
        bench_die("no key for %s", alg);
    return with_public_half(private);
}

bench_key bench_key_parse(const char *jwk)
{
    sjwt_private_key *private;
    sjwt_error error;

    if (sjwt_private_key_parse(NULL, jwk, strlen(jwk), &private, &error) != SJWT_OK)
        bench_die("private key: %s", sjwt_status_text(error.status));
    return with_public_half(private);
}

size_t bench_key_octets(const bench_key *key, const char *member, uint8_t *out, size_t size)
{
    char name[16];
    const char *value;
    size_t len;

    snprintf(name, sizeof(name), "\"%s\":\"", member);
    value = strstr(key->public_jwk, name);
    if (value == NULL)
        bench_die("a key for %s without %s", key->alg, member);
    value += strlen(name);
    len = strcspn(value, "\"");
    if (SJWT_BASE64URL_DECODED_LEN(len) > size || !sjwt_base64url_decode(value, len, out, NULL))
        bench_die("%s of a key for %s", member, key->alg);
    return SJWT_BASE64URL_DECODED_LEN(len);
}

char *bench_claims(int64_t jti, size_t len)
{
    static const char who[] = ",\"role\":\"" BENCH_USER "\",\"email\":\"" BENCH_USER
                              "\",\"o\":{\"id\":\"" BENCH_USER "\"}";
    static const char padding[] = ",\"x\":\"\"}";
    char *claims = bench_allocate(len + 1);
    size_t used = (size_t)snprintf(claims, len + 1,
                                   "{\"iss\":\"" BENCH_ISSUER "\",\"sub\":\"" BENCH_USER
                                   "\",\"iat\":1700000000,\"exp\":4102444800,\"jti\":%" PRId64,
                                   jti);

    if (used + strlen(padding) > len)
        bench_die("no room for claims in %zu octets", len);
    if (used + strlen(who) + strlen(padding) <= len)
        used += (size_t)sprintf(claims + used, "%s", who);
    /* The rest of the length is filled with more members, as in real tokens. */
    for (int i = 0; used + 32 + strlen(padding) <= len; i++)
        used += (size_t)sprintf(claims + used, ",\"claim_%04d\":\"value_%04d\"", i, i);
    used += (size_t)sprintf(claims + used, ",\"x\":\"");
    while (used < len - 2)
        claims[used++] = 'x';
    strcpy(claims + used, "\"}");
    return claims;
}

static size_t encoded_length(size_t octets)
{
    return (octets * 4 + 2) / 3;
}

char *bench_sign(const bench_key *key, const char *claims)
{
    char *token;
    size_t len;
    sjwt_error error;

    if (sjwt_sign(NULL, key->private, &(sjwt_jws_header){0}, claims, strlen(claims), &token, &len,
                  &error) != SJWT_OK)
        bench_die("signing with %s: %s", key->alg, sjwt_status_text(error.status));
    return token;
}

size_t bench_claims_length(const bench_key *key, size_t len)
{
    char *token = bench_sign(key, "{}");
    const size_t other = strlen(token) - encoded_length(2);

    free(token);
    return len <= other ? 0 : (len - other) * 3 / 4;
}

char *bench_token(const bench_key *key, int64_t jti, size_t len)
{
    char *claims = bench_claims(jti, bench_claims_length(key, len));
    char *token = bench_sign(key, claims);

    free(claims);
    if (strlen(token) > len || strlen(token) + 2 < len)
        bench_die("a token of %zu octets instead of %zu", strlen(token), len);
    return token;
}
