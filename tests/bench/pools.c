/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pools.c - what a token costs where many users share connections: single sessions.
 *
 *   bench_pools users KEY N        N users in turn on one connection, each with a token of 1 KB
 *   bench_pools elsewhere KEY N    N tokens of 1 KB that another session of the cluster verified
 *   bench_pools transaction KEY N  N transactions, each with a new token of 370 octets
 *   bench_pools memory KEY N       the memory of a session after N tokens of 1 KB
 *   bench_pools hostile KEY N      one session sets N tokens, while others go on with their own
 *
 * KEY is a file with a private key (a JWK). The server has its public key. Each prints series in
 * the form of bench.h. libpq's environment says where the server is.
 */
#include "bare.h"
#include "connection.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INIT "SELECT auth.jwt_session_init($1)"
#define CLAIMS "SELECT set_config('request.jwt.claims', $1, false)"

/* No token of an earlier run has it: the cluster's table may know that one. */
static int64_t next_jti(void)
{
    static int64_t jti;

    if (jti == 0)
        jti = (int64_t)time(NULL) * 10000000;
    return ++jti;
}

static char *next_token(const bench_key *key, size_t size)
{
    return bench_token(key, next_jti(), size);
}

static char **make_tokens(const bench_key *key, size_t n, size_t size)
{
    char **tokens = bench_allocate(n * sizeof(*tokens));

    for (size_t i = 0; i < n; i++)
        tokens[i] = next_token(key, size);
    return tokens;
}

static void free_tokens(char **tokens, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(tokens[i]);
    free(tokens);
}

static PGconn *connect_alone(void)
{
    PGconn *connection = bench_connect(NULL);

    bench_share_processor(connection);
    bench_prepare(connection, "empty", "SELECT");
    bench_prepare(connection, "init", INIT);
    bench_prepare(connection, "claims", CLAIMS);
    return connection;
}

/* ---- statements in turns ----------------------------------------------- */

enum { BARE, EMPTY, SET, UNVERIFIED, SERIES };

/* One of each, another one first in each turn; the times are in microseconds. */
static void take_turns(PGconn *connection, size_t turn, const char *token, const bench_bare *bare,
                       double took[SERIES])
{
    for (size_t turns = 0; turns < SERIES; turns++) {
        const size_t i = (turn + turns) % SERIES;
        const double start = bench_clock();

        if (i == BARE)
            bench_bare_verify(bare);
        else if (i == EMPTY)
            bench_execute(connection, "empty", NULL);
        else if (i == SET)
            bench_execute(connection, "init", token);
        else
            bench_execute(connection, "claims", token);
        took[i] = (bench_clock() - start) * 1e6;
    }
}

/* Sets the tokens in turn, rounds times calls of them. A round's figure is its median call: some
 * calls wait for other programs. */
static void measure(PGconn *connection, const bench_key *key, char **tokens, size_t n,
                    const char *group, const char *what, const char *x, bool unverified,
                    size_t rounds, size_t calls)
{
    const bench_library *library = bench_library_of(key);
    void *bare_key = library->import(key);
    double *call_times[SERIES];
    double *round_times[SERIES];
    size_t next = 0;

    for (int i = 0; i < SERIES; i++) {
        call_times[i] = bench_allocate(calls * sizeof(double));
        round_times[i] = bench_allocate(rounds * sizeof(double));
    }
    for (size_t round = 0; round < rounds; round++) {
        for (size_t call = 0; call < calls; call++) {
            const bench_bare bare = bench_bare_of(library, bare_key, tokens[next]);
            double took[SERIES];

            take_turns(connection, call, tokens[next], &bare, took);
            next = (next + 1) % n;
            for (int i = 0; i < SERIES; i++)
                call_times[i][call] = took[i] - (i == BARE ? 0 : took[EMPTY]);
        }
        for (int i = 0; i < SERIES; i++)
            round_times[i][round] = bench_median(call_times[i], calls);
    }
    bench_print(group, library->name, x, "µs", round_times[BARE], rounds);
    bench_print(group, what, x, "µs", round_times[SET], rounds);
    if (unverified)
        bench_print(group, "set_config('request.jwt.claims', $1)", x, "µs", round_times[UNVERIFIED],
                    rounds);
    for (int i = 0; i < SERIES; i++) {
        free(call_times[i]);
        free(round_times[i]);
    }
}

static void users(const bench_key *key, size_t n)
{
    char **tokens = make_tokens(key, n, 1024);
    PGconn *connection = connect_alone();
    char group[128];
    char x[32];

    for (size_t i = 0; i < n; i++)
        bench_execute(connection, "init", tokens[i]);
    snprintf(group, sizeof(group), "one connection: %s, users in turn, less an empty SELECT",
             key->alg);
    snprintf(x, sizeof(x), "%zu", n);
    measure(connection, key, tokens, n, group, "jwt_session_init($1), users in turn", x, true, 31,
            100);
    PQfinish(connection);
    free_tokens(tokens, n);
}

static void elsewhere(const bench_key *key, size_t n)
{
    enum { CALLS = 50 };
    char **tokens = make_tokens(key, n + 1, 1024);
    PGconn *first = bench_connect(NULL);
    PGconn *connection;
    char group[128];

    bench_prepare(first, "init", INIT);
    for (size_t i = 0; i <= n; i++)
        bench_execute(first, "init", tokens[i]);
    PQfinish(first);
    connection = connect_alone();
    /* The first token of a session costs more. */
    bench_execute(connection, "init", tokens[n]);
    snprintf(group, sizeof(group), "cluster: %s, less an empty SELECT", key->alg);
    measure(connection, key, tokens, n, group, "jwt_session_init($1), verified by another session",
            "-", false, n / CALLS, CALLS);
    PQfinish(connection);
    free_tokens(tokens, n + 1);
}

/* ---- transactions ------------------------------------------------------ */

/* The statements are separate messages, as drivers send them. */
static double transaction(PGconn *connection, const char *set, const char *read)
{
    const double start = bench_clock();

    bench_query(connection, "BEGIN");
    bench_query(connection, set);
    bench_query(connection, read);
    bench_query(connection, "COMMIT");
    return (bench_clock() - start) * 1e6;
}

static double set_claims(PGconn *connection, const char *claims)
{
    char sql[1024];

    snprintf(sql, sizeof(sql), "SELECT set_config('request.jwt.claims', '%s', true)", claims);
    return transaction(connection, sql,
                       "SELECT current_setting('request.jwt.claims')::json ->> 'sub'");
}

static double set_token(PGconn *connection, const char *token)
{
    char sql[1024];

    snprintf(sql, sizeof(sql), "SET LOCAL pg_session_jwt.jwt = '%s'", token);
    return transaction(connection, sql, "SELECT auth.user_id()");
}

/* Both sides get the same claims. */
static void transactions(const bench_key *key, size_t n)
{
    enum { ROUNDS = 31 };
    const bench_library *library = bench_library_of(key);
    void *bare_key = library->import(key);
    PGconn *connection = connect_alone();
    double *bare_times = bench_allocate(n * sizeof(double));
    double *ours = bench_allocate(n * sizeof(double));
    double *plain = bench_allocate(n * sizeof(double));
    double rounds[3][ROUNDS];
    char group[128];

    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < n; i++) {
            char *claims = bench_claims(next_jti(), bench_claims_length(key, 370));
            char *token = bench_sign(key, claims);
            const bench_bare bare = bench_bare_of(library, bare_key, token);
            const double start = bench_clock();

            bench_bare_verify(&bare);
            bare_times[i] = (bench_clock() - start) * 1e6;
            /* Another one first in each turn. */
            if (i % 2 == 0)
                plain[i] = set_claims(connection, claims);
            ours[i] = set_token(connection, token) - bare_times[i];
            if (i % 2 == 1)
                plain[i] = set_claims(connection, claims);
            free(token);
            free(claims);
        }
        rounds[0][round] = bench_median(plain, n);
        rounds[1][round] = bench_median(ours, n);
        rounds[2][round] = bench_median(bare_times, n);
    }
    PQfinish(connection);
    snprintf(group, sizeof(group), "one connection: %s, transaction with a new token of 370 octets",
             key->alg);
    bench_print(group, "set_config('request.jwt.claims', …)", "-", "µs", rounds[0], ROUNDS);
    bench_print(group, "SET LOCAL pg_session_jwt.jwt, less the bare verification", "-", "µs",
                rounds[1], ROUNDS);
    bench_print(group, library->name, "-", "µs", rounds[2], ROUNDS);
    free(bare_times);
    free(ours);
    free(plain);
}

/* ---- memory and hostile clients ---------------------------------------- */

static double own_memory(PGconn *connection)
{
    return strtod(
               bench_query(connection,
                           "SELECT coalesce(sum(total_bytes), 0) FROM pg_backend_memory_contexts "
                           "WHERE name LIKE 'pg\\_session\\_jwt%' "
                           "OR parent LIKE 'pg\\_session\\_jwt%'"),
               NULL) /
           1024;
}

static double counter(PGconn *connection, const char *name)
{
    char sql[160];

    snprintf(sql, sizeof(sql), "SELECT sum(value) FROM auth.jwt_stats() WHERE counter = '%s'",
             name);
    return strtod(bench_query(connection, sql), NULL);
}

/* The size of the cluster's table does not change. Its entries that were evicted tell that it is
 * full. */
static void memory(const bench_key *key, size_t n)
{
    PGconn *connection = connect_alone();
    char x[32];

    for (size_t i = 1; i <= n; i++) {
        char *token = next_token(key, 1024);

        bench_execute(connection, "init", token);
        free(token);
        if (i == 1 || i == n / 1000 || i == n / 100 || i == n / 10 || i == n / 2 || i == n) {
            const double own = own_memory(connection);
            const double evicted = counter(connection, "shared_evictions");

            snprintf(x, sizeof(x), "%zu", i);
            bench_print("memory: of a session, tokens of 1 KB", "the extension's contexts", x, "KB",
                        &own, 1);
            bench_print("memory: entries that the cluster's table evicted", "evictions", x, "",
                        &evicted, 1);
        }
    }
    PQfinish(connection);
}

/* 200 users in turn on a session that remembers nothing itself, one of them after each 100 tokens
 * of the hostile session. */
static void hostile(const bench_key *key, size_t n)
{
    enum { USERS = 200, STEP = 100 };
    char **tokens = make_tokens(key, USERS, 1024);
    PGconn *attacker = bench_connect(NULL);
    PGconn *victim = bench_connect("-c pg_session_jwt.cache_size=0");
    const char *group = "hostile: one session sets new valid tokens";
    const double before_all = counter(attacker, "verified");
    double missed;
    double hits;
    double own[2];
    size_t used = 0;
    char x[32];

    bench_prepare(attacker, "init", INIT);
    bench_prepare(victim, "init", INIT);
    for (size_t round = 0; round < 2; round++)
        for (size_t i = 0; i < USERS; i++)
            bench_execute(victim, "init", tokens[i]);
    for (size_t i = 1; i <= n; i++) {
        char *token = next_token(key, 370);

        bench_execute(attacker, "init", token);
        free(token);
        if (i == n / 2)
            own[0] = own_memory(attacker);
        if (i % STEP == 0)
            bench_execute(victim, "init", tokens[used++ % USERS]);
    }
    own[1] = own_memory(attacker);
    missed = counter(attacker, "verified") - before_all - (double)n - USERS;
    hits = 100 * (1 - missed / (double)used);
    snprintf(x, sizeof(x), "%zu", n / 2);
    bench_print(group, "memory of that session", x, "KB", &own[0], 1);
    snprintf(x, sizeof(x), "%zu", n);
    bench_print(group, "memory of that session", x, "KB", &own[1], 1);
    bench_print(group, "other users: hits in the cluster's table", x, "%", &hits, 1);
    PQfinish(attacker);
    PQfinish(victim);
    free_tokens(tokens, USERS);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(const bench_key *key, size_t n);
    } modes[] = {{"users", users},
                 {"elsewhere", elsewhere},
                 {"transaction", transactions},
                 {"memory", memory},
                 {"hostile", hostile}};
    const size_t n = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;

    if (n == 0)
        bench_die("usage: bench_pools users|elsewhere|transaction|memory|hostile KEY N");
    if (sodium_init() < 0)
        bench_die("libsodium does not start");
    const bench_key key = bench_read_key(argv[2]);
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
        if (strcmp(argv[1], modes[i].name) == 0) {
            modes[i].run(&key, n);
            return 0;
        }
    bench_die("there is no mode %s", argv[1]);
}
