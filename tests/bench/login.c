/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login.c - the time that a login with a token takes, beside a validator that looks at nothing.
 *
 *   bench_login KEY ROUNDS
 *
 * KEY is a file with the private key (a JWK) of the tokens. libpq's environment says where the
 * server is; login.sh prepares it. In each round each kind of login takes place once, with
 * another kind first.
 */
#include "bare.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *current_token;

static int give_token(PGauthData type, PGconn *connection, void *data)
{
    (void)connection;
    if (type != PQAUTHDATA_OAUTH_BEARER_TOKEN)
        return 0;
    ((PGoauthBearerRequest *)data)->token = current_token;
    return 1;
}

/* With the address of the discovery document libpq asks for the token at once, and connects once. */
static void log_in(const char *database)
{
    char conninfo[512];
    PGconn *connection;

    snprintf(conninfo, sizeof(conninfo),
             "dbname=%s oauth_client_id=bench "
             "oauth_issuer=" BENCH_ISSUER "/.well-known/openid-configuration",
             database);
    connection = PQconnectdb(conninfo);
    if (PQstatus(connection) != CONNECTION_OK)
        bench_die("%s", PQerrorMessage(connection));
    PQfinish(connection);
}

enum { EMPTY, VALIDATOR, NEW, AGAIN, BARE, SERIES };

static void measure(const bench_key *key, size_t rounds)
{
    static const char *const names[SERIES] = {
        [EMPTY] = "empty validator",           [VALIDATOR] = "bare verification in a validator",
        [NEW] = "pg_session_jwt, a new token", [AGAIN] = "pg_session_jwt, the same token",
        [BARE] = "bare verification",
    };
    static const char *const databases[SERIES] = {
        [EMPTY] = "empty", [VALIDATOR] = "bare", [NEW] = "ours", [AGAIN] = "ours"};
    double *values[SERIES];
    char *same = bench_token(key, 0, 600);
    const bench_library *library = bench_library_of(key);
    const bench_bare bare = bench_bare_of(library, library->import(key), same);

    for (int i = 0; i < SERIES; i++)
        values[i] = bench_allocate(rounds * sizeof(*values[i]));
    /* The first rounds are not counted: the server fills its caches. */
    for (size_t round = 0; round < rounds + 5; round++) {
        char *new = bench_token(key, (int64_t)round + 1, 600);

        for (size_t turns = 0; turns < SERIES; turns++) {
            const size_t i = (round + turns) % SERIES;
            double start;

            current_token = i == AGAIN ? same : new;
            start = bench_clock();
            if (i == BARE)
                bench_bare_verify(&bare);
            else
                log_in(databases[i]);
            if (round >= 5)
                values[i][round - 5] = (bench_clock() - start) * 1e6;
        }
        free(new);
    }
    for (int i = 0; i < SERIES; i++) {
        bench_print("server: login, ES256", names[i], "-", "us", values[i], rounds);
        free(values[i]);
    }
    free(same);
}

int main(int argc, char **argv)
{
    char jwk[4096];
    size_t len;
    FILE *file;

    if (argc != 3)
        bench_die("usage: bench_login KEY ROUNDS");
    file = fopen(argv[1], "r");
    if (file == NULL)
        bench_die("%s cannot be opened", argv[1]);
    len = fread(jwk, 1, sizeof(jwk) - 1, file);
    jwk[len] = '\0';
    fclose(file);
    const bench_key key = bench_key_parse(jwk);

    PQsetAuthDataHook(give_token);
    measure(&key, (size_t)strtoul(argv[2], NULL, 10));
    return 0;
}
