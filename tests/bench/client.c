/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.c - the time that a client waits for the server.
 *
 *   bench_client scan GROUP ROUNDS X   statements from the standard input take
 *                                      turns; a line is a name, what goes before
 *                                      and the statement, separated by tabs
 *   bench_client tokens KEY N          a session that gets rounds of N tokens
 *   bench_client pinned KEY N          the same with a key that the server already has
 *   bench_client users KEY N           a session of N users in turn, each with a token of 1 KB;
 *                                      the server already has the key
 *   bench_client cold KEY N            N fresh connections: LOAD, auth.init(), the first token
 *   bench_client memory KEY N          the memory of a session after N tokens
 *   bench_client copy KEY N            N tokens and their claims, for COPY
 *
 * KEY is a file with the private key (a JWK) of the session's tokens. libpq's
 * environment says where the server is.
 */
#include "bare.h"
#include "connection.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static PGconn *connection;

/* more: options before it. As -c in a connection's options: a blank and a backslash need a backslash. */
static PGconn *connect_with_key(const bench_key *key, const char *more)
{
    char *options = bench_allocate(strlen(key->public_jwk) * 2 + strlen(more) + 64);
    char *to = options + sprintf(options, "%s -c pg_session_jwt.jwk=", more);
    PGconn *new_connection;

    for (const char *from = key->public_jwk; *from != '\0'; from++) {
        if (*from == ' ' || *from == '\\')
            *to++ = '\\';
        *to++ = *from;
    }
    *to = '\0';
    new_connection = bench_connect(options);
    free(options);
    return new_connection;
}

/* ---- scan -------------------------------------------------------------- */

#define MAX_STATEMENTS 32

typedef struct statement {
    char *name, *before, *sql;
    double *values;
} statement;

static size_t read_statements(statement *statements, size_t rounds)
{
    size_t count = 0;
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        statement *next = &statements[count];

        if (count++ == MAX_STATEMENTS)
            bench_die("too many statements");
        line[strcspn(line, "\n")] = '\0';
        next->name = strdup(line);
        next->before = strchr(next->name, '\t');
        next->sql = next->before == NULL ? NULL : strchr(next->before + 1, '\t');
        if (next->sql == NULL)
            bench_die("not three fields: %s", line);
        *next->before++ = '\0';
        *next->sql++ = '\0';
        next->values = bench_allocate(rounds * sizeof(*next->values));
    }
    free(line);
    return count;
}

static void scan(const char *group, size_t rounds, const char *x)
{
    statement statements[MAX_STATEMENTS];
    const size_t count = read_statements(statements, rounds);
    char found[256] = "";

    connection = bench_connect(NULL);
    /* The first time is not counted. */
    for (size_t round = 0; round <= rounds; round++)
        for (size_t turns = 0; turns < count; turns++) {
            const size_t i = (round + turns) % count;
            double start;
            const char *answer;

            if (statements[i].before[0] != '\0')
                bench_query(connection, statements[i].before);
            start = bench_clock();
            answer = bench_query(connection, statements[i].sql);
            if (round > 0)
                statements[i].values[round - 1] = (bench_clock() - start) * 1e3;
            /* All statements of a group must have the same result. */
            if (found[0] == '\0')
                strcpy(found, answer);
            if (strcmp(found, answer) != 0)
                bench_die("%s: %s finds %s, not %s", group, statements[i].name, answer, found);
        }
    for (size_t i = 0; i < count; i++)
        bench_print(group, statements[i].name, x, "ms", statements[i].values, rounds);
    PQfinish(connection);
}

/* ---- tokens ------------------------------------------------------------ */

static char *next_token(const bench_key *key, size_t size)
{
    static int64_t jti;

    return bench_token(key, ++jti, size);
}

enum { BARE, EMPTY, NEW, AGAIN, CLAIMS, SERIES };

/* Runs each statement once, in turn, and measures its time. */
static void take_turns(size_t turn, const char *previous, const char *token, const bench_bare *bare,
                       double took[SERIES])
{
    const char *last = previous;

    for (int turns = 0; turns < SERIES; turns++) {
        const int i = (int)((turn + (size_t)turns) % SERIES);
        const double start = bench_clock();

        switch (i) {
        case BARE:
            bench_bare_verify(bare);
            break;
        case EMPTY:
            bench_execute(connection, "empty", NULL);
            break;
        case NEW:
            bench_execute(connection, "init", last = token);
            break;
        case AGAIN:
            bench_execute(connection, "init", last);
            break;
        default:
            bench_execute(connection, "claims", token);
        }
        took[i] = (bench_clock() - start) * 1e6;
    }
}

/* The time of one statement, for each call and for each round. */
typedef struct statement_times {
    double *calls, *calls_less; /* less: minus the time of the empty statement next to it */
    double *rounds, *rounds_less;
} statement_times;

/* The figure of a round is its median call: on a shared processor some calls wait for other
 * programs. */
static void tokens(const bench_key *key, bool pinned, size_t n, size_t rounds)
{
    const bench_library *library = bench_library_of(key);
    void *bare_key = library->import(key);
    const bool eddsa = strcmp(key->alg, "EdDSA") == 0;
    char group[128];
    char less[160];
    const char *const names[SERIES] = {
        library->name, "SELECT", "jwt_session_init($1), new token each time",
        "jwt_session_init($1), same token", "set_config('request.jwt.claims', $1)"};
    statement_times times[SERIES];
    char *previous = next_token(key, 600);

    snprintf(group, sizeof(group), "server: setting %s token%s", eddsa ? "a" : key->alg,
             pinned ? ", the key pinned in a file" : "");
    snprintf(less, sizeof(less), "%s, less an empty SELECT", group);
    if (pinned)
        connection = bench_connect(NULL);
    else
        connection = connect_with_key(key, "");
    bench_share_processor(connection);
    bench_prepare(connection, "empty", "SELECT");
    bench_prepare(connection, "init", "SELECT auth.jwt_session_init($1)");
    bench_prepare(connection, "claims", "SELECT set_config('request.jwt.claims', $1, false)");
    for (int i = 0; i < SERIES; i++)
        times[i] = (statement_times){.calls = bench_allocate(n * sizeof(double)),
                                     .calls_less = bench_allocate(n * sizeof(double)),
                                     .rounds = bench_allocate(rounds * sizeof(double)),
                                     .rounds_less = bench_allocate(rounds * sizeof(double))};
    bench_execute(connection, "init", previous);
    for (size_t round = 0; round < rounds; round++) {
        for (size_t call = 0; call < n; call++) {
            char *next = next_token(key, 600);
            const bench_bare bare = bench_bare_of(library, bare_key, next);
            double took[SERIES];

            take_turns(call, previous, next, &bare, took);
            free(previous);
            previous = next;
            for (int i = 0; i < SERIES; i++) {
                times[i].calls[call] = took[i];
                times[i].calls_less[call] = took[i] - took[EMPTY];
            }
        }
        for (int i = 0; i < SERIES; i++) {
            times[i].rounds[round] = bench_median(times[i].calls, n);
            times[i].rounds_less[round] = bench_median(times[i].calls_less, n);
        }
    }
    PQfinish(connection);
    for (int i = 0; i < SERIES; i++)
        bench_print(group, names[i], "-", "µs", times[i].rounds, rounds);
    bench_print(less, names[BARE], "-", "µs", times[BARE].rounds, rounds);
    for (int i = NEW; i < SERIES; i++)
        bench_print(less, names[i], "-", "µs", times[i].rounds_less, rounds);
    for (int i = 0; i < SERIES; i++) {
        free(times[i].calls);
        free(times[i].calls_less);
        free(times[i].rounds);
        free(times[i].rounds_less);
    }
    free(previous);
}

/* ---- users ------------------------------------------------------------- */

/* "The first time" is the median of all tokens, each of which was set once before. */
static void users(const bench_key *key, size_t n)
{
    enum { ROUNDS = 31, CALLS = 100 };
    const bench_library *library = bench_library_of(key);
    void *bare_key = library->import(key);
    char **texts = bench_allocate(n * sizeof(*texts));
    double *times[SERIES];
    double *rounds[SERIES];
    const char *const names[SERIES] = {
        library->name, "SELECT", "jwt_session_init($1), the first time",
        "jwt_session_init($1), users in turn", "set_config('request.jwt.claims', $1)"};
    char group[128];
    char x[32];
    size_t next = 0;

    connection = bench_connect(NULL);
    bench_share_processor(connection);
    bench_prepare(connection, "empty", "SELECT");
    bench_prepare(connection, "init", "SELECT auth.jwt_session_init($1)");
    bench_prepare(connection, "claims", "SELECT set_config('request.jwt.claims', $1, false)");
    for (int i = 0; i < SERIES; i++) {
        times[i] = bench_allocate((n + CALLS) * sizeof(double));
        rounds[i] = bench_allocate(ROUNDS * sizeof(double));
    }
    for (size_t i = 0; i < n; i++)
        texts[i] = next_token(key, 1024);
    for (size_t i = 0; i < n; i++) {
        double start = bench_clock();
        double empty;

        bench_execute(connection, "empty", NULL);
        empty = bench_clock() - start;
        start = bench_clock();
        bench_execute(connection, "init", texts[i]);
        times[NEW][i] = (bench_clock() - start - empty) * 1e6;
    }
    const double first = bench_median(times[NEW], n);
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t call = 0; call < CALLS; call++) {
            const bench_bare bare = bench_bare_of(library, bare_key, texts[next]);
            double took[SERIES];

            for (int turns = 0; turns < SERIES; turns++) {
                const int i = (int)((call + (size_t)turns) % SERIES);
                const double start = bench_clock();

                if (i == BARE)
                    bench_bare_verify(&bare);
                else if (i == EMPTY)
                    bench_execute(connection, "empty", NULL);
                else if (i == AGAIN)
                    bench_execute(connection, "init", texts[next]);
                else if (i == CLAIMS)
                    bench_execute(connection, "claims", texts[next]);
                took[i] = (bench_clock() - start) * 1e6;
            }
            next = (next + 1) % n;
            for (int i = 0; i < SERIES; i++)
                times[i][call] = took[i] - (i == BARE ? 0 : took[EMPTY]);
        }
        for (int i = 0; i < SERIES; i++)
            rounds[i][round] = bench_median(times[i], CALLS);
    }
    PQfinish(connection);
    snprintf(group, sizeof(group),
             "server: %s users in turn on one connection, less an empty SELECT", key->alg);
    snprintf(x, sizeof(x), "%zu", n);
    bench_print(group, names[BARE], x, "µs", rounds[BARE], ROUNDS);
    bench_print(group, names[AGAIN], x, "µs", rounds[AGAIN], ROUNDS);
    bench_print(group, names[CLAIMS], x, "µs", rounds[CLAIMS], ROUNDS);
    bench_print(group, names[NEW], x, "µs", &first, 1);
    for (int i = 0; i < SERIES; i++) {
        free(times[i]);
        free(rounds[i]);
    }
    for (size_t i = 0; i < n; i++)
        free(texts[i]);
    free(texts);
}

/* ---- cold -------------------------------------------------------------- */

enum { CONNECT, LOAD, INIT, TOKEN, STEPS };

/* One fresh connection; the times are in microseconds, from the end of the one before. */
static void connect_once(const bench_key *key, const char *options, bool load, double took[STEPS])
{
    char *token = next_token(key, 370);
    char sql[1024];
    double times[STEPS + 1];

    times[CONNECT] = bench_clock();
    connection = connect_with_key(key, options);
    bench_query(connection, "SELECT");
    times[LOAD] = bench_clock();
    if (load)
        bench_query(connection, "LOAD '$libdir/pg_session_jwt'");
    times[INIT] = bench_clock();
    bench_query(connection, "SELECT auth.init()");
    times[TOKEN] = bench_clock();
    snprintf(sql, sizeof(sql), "SELECT auth.jwt_session_init('%s')", token);
    bench_query(connection, sql);
    times[STEPS] = bench_clock();
    for (int i = 0; i < STEPS; i++)
        took[i] = (times[i + 1] - times[i]) * 1e6;
    PQfinish(connection);
    free(token);
}

/* With and without session_preload_libraries, in turn. */
static void cold(const bench_key *key, size_t n)
{
    static const char *const names[STEPS] = {"connect, SELECT", "LOAD", "auth.init()",
                                             "the first token"};
    static const struct {
        const char *group, *options;
        bool load;
    } kinds[] = {
        {"server: a fresh connection", "", true},
        {"server: a fresh connection with session_preload_libraries",
         "-c session_preload_libraries=$libdir/pg_session_jwt", false},
    };
    enum { KINDS = sizeof(kinds) / sizeof(*kinds) };
    double *times[KINDS][STEPS];

    for (size_t kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < STEPS; i++)
            times[kind][i] = bench_allocate(n * sizeof(double));
    for (size_t round = 0; round < n; round++)
        for (size_t turns = 0; turns < KINDS; turns++) {
            const size_t kind = (round + turns) % KINDS;
            double took[STEPS];

            connect_once(key, kinds[kind].options, kinds[kind].load, took);
            for (int i = 0; i < STEPS; i++)
                times[kind][i][round] = took[i];
        }
    for (size_t kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < STEPS; i++) {
            if (i != LOAD || kinds[kind].load)
                bench_print(kinds[kind].group, names[i], "-", "µs", times[kind][i], n);
            free(times[kind][i]);
        }
}

/* ---- memory ------------------------------------------------------------ */

#define OWN_CONTEXTS                                                                               \
    "SELECT coalesce(sum(total_bytes), 0) FROM pg_backend_memory_contexts "                        \
    "WHERE name LIKE 'pg\\_session\\_jwt%' OR parent LIKE 'pg\\_session\\_jwt%'"

static double resident(void)
{
    char line[256];
    double kilobytes = 0;
    FILE *status;

    snprintf(line, sizeof(line), "/proc/%d/status", PQbackendPID(connection));
    status = fopen(line, "r");
    if (status == NULL)
        bench_die("cannot read %s", line);
    while (fgets(line, sizeof(line), status) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            kilobytes = strtod(line + 6, NULL);
    fclose(status);
    return kilobytes;
}

static void print_memory(const char *when)
{
    const double own = strtod(bench_query(connection, OWN_CONTEXTS), NULL) / 1024;
    const double rss = resident();

    bench_print("server: memory of a session with tokens of 2 KB", "the extension's contexts", when,
                "KB", &own, 1);
    bench_print("server: resident memory of that process, shared pages included", "VmRSS", when,
                "KB", &rss, 1);
}

static void memory(const bench_key *key, size_t n)
{
    char when[64];

    connection = connect_with_key(key, "");
    bench_prepare(connection, "init", "SELECT auth.jwt_session_init($1)");
    bench_prepare(connection, "read", "SELECT auth.user_id()");
    for (size_t i = 1; i <= n; i++) {
        char *next = next_token(key, 2000);

        bench_execute(connection, "init", next);
        bench_execute(connection, "read", NULL);
        free(next);
        if (i == 1 || i == n / 100 || i == n / 10 || i == n / 2 || i == n) {
            snprintf(when, sizeof(when), "%zu", i);
            print_memory(when);
        }
    }
    PQfinish(connection);
}

/* ---- copy -------------------------------------------------------------- */

static void copy(const bench_key *key, size_t n)
{
    for (size_t i = 1; i <= n; i++) {
        char *claims = bench_claims((int64_t)i, bench_claims_length(key, 600));
        char *token = bench_sign(key, claims);

        printf("%zu\t%s\t%s\n", i, token, claims);
        free(claims);
        free(token);
    }
}

int main(int argc, char **argv)
{
    const char *mode = argc > 3 ? argv[1] : "";
    const size_t n = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;

    if (sodium_init() < 0)
        bench_die("libsodium does not start");
    if (strcmp(mode, "scan") == 0 && argc == 5) {
        scan(argv[2], n, argv[4]);
        return 0;
    }
    if (n == 0)
        bench_die(
            "usage: bench_client scan GROUP ROUNDS X | tokens|pinned|users|cold|memory|copy KEY N");
    const bench_key key = bench_read_key(argv[2]);
    if (strcmp(mode, "tokens") == 0 || strcmp(mode, "pinned") == 0)
        tokens(&key, mode[0] == 'p', n, 61);
    else if (strcmp(mode, "users") == 0)
        users(&key, n);
    else if (strcmp(mode, "cold") == 0)
        cold(&key, n);
    else if (strcmp(mode, "memory") == 0)
        memory(&key, n);
    else if (strcmp(mode, "copy") == 0)
        copy(&key, n);
    else
        bench_die("there is no mode %s", mode);
    return 0;
}
