/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.h - shared by the benchmark programs: contenders that take turns, and tokens of a
 * given size.
 *
 * Each failure ends the program. The program writes one line for each series to standard
 * output, with fields separated by tabs:
 *
 *   group  contender  x  unit  value of round 1  value of round 2 ...
 *
 * The others are compared with the first contender of their group, round by round; x is the
 * abscissa of a plot, or "-".
 */
#ifndef PG_SESSION_JWT_BENCH_H
#define PG_SESSION_JWT_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sjwt.h>

#include "jwt/sign.h"

/* Every token's sub, role, email and organization. */
#define BENCH_USER "6f0c1d6e-8c1a-4a5e-9b1e-3d2f00000007"
#define BENCH_ISSUER "https://id.example"
/* Between iat and exp of every token, in microseconds since the epoch. */
#define BENCH_NOW (INT64_C(1800000000) * 1000000)

_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

void *bench_allocate(size_t size);

/* Seconds; only differences are meaningful. */
double bench_clock(void);

void bench_print(const char *group, const char *name, const char *x, const char *unit,
                 const double *values, size_t count);

typedef struct bench_contender {
    const char *name;
    /* Runs the contender n times. */
    void (*run)(void *context, size_t n);
    void *context;
} bench_contender;

/* Runs the contenders in turns of about this many seconds, with another one first in each
 * round, and prints the microseconds of each. */
void bench_compare(const char *group, const char *x, const bench_contender *contenders,
                   size_t count, size_t rounds, double turn);

typedef struct bench_key {
    sjwt_private_key *private;
    char *public_jwk; /* NUL-terminated */
    const char *alg;
} bench_key;

bench_key bench_key_generate(const char *alg, const char *kid);
bench_key bench_key_parse(const char *jwk);

/* A member of the public key, decoded; returns its length. */
size_t bench_key_octets(const bench_key *key, const char *member, uint8_t *out, size_t size);

/* Claims of exactly len octets (at least 144; those with role, email and o need
 * 310) that differ in jti. */
char *bench_claims(int64_t jti, size_t len);

/* The length of the claims for a token of about len octets. */
size_t bench_claims_length(const bench_key *key, size_t len);

char *bench_sign(const bench_key *key, const char *claims);

/* A token of len octets, or one less. */
char *bench_token(const bench_key *key, int64_t jti, size_t len);

#endif
