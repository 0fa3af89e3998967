/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection.c - connections to the server that is measured.
 */
#define _GNU_SOURCE /* for sched_setaffinity() */
#include "connection.h"

#include <sched.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

PGconn *bench_connect(const char *options)
{
    const char *const names[] = {options == NULL ? NULL : "options", NULL};
    const char *const values[] = {options, NULL};
    PGconn *connection = PQconnectdbParams(names, values, 0);

    if (PQstatus(connection) != CONNECTION_OK)
        bench_die("%s", PQerrorMessage(connection));
    return connection;
}

static void check_result(PGconn *connection, PGresult *result, const char *sql)
{
    const ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        bench_die("%s: %s", sql, PQerrorMessage(connection));
}

const char *bench_query(PGconn *connection, const char *sql)
{
    static char value[256];
    PGresult *result = PQexec(connection, sql);

    check_result(connection, result, sql);
    value[0] = '\0';
    if (PQntuples(result) > 0 && PQnfields(result) > 0)
        snprintf(value, sizeof(value), "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    return value;
}

void bench_prepare(PGconn *connection, const char *name, const char *sql)
{
    PGresult *result = PQprepare(connection, name, sql, 0, NULL);

    check_result(connection, result, sql);
    PQclear(result);
}

void bench_execute(PGconn *connection, const char *name, const char *argument)
{
    const char *const values[] = {argument};
    PGresult *result =
        PQexecPrepared(connection, name, argument == NULL ? 0 : 1, values, NULL, NULL, 0);

    check_result(connection, result, name);
    PQclear(result);
}

void bench_share_processor(PGconn *connection)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(sched_getcpu(), &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0 ||
        sched_setaffinity(PQbackendPID(connection), sizeof(set), &set) != 0)
        bench_die("the client and its server cannot be bound to a processor");
}

bench_key bench_read_key(const char *path)
{
    char jwk[4096];
    FILE *file = fopen(path, "r");
    bench_key key;

    if (file == NULL)
        bench_die("cannot read %s", path);
    jwk[fread(jwk, 1, sizeof(jwk) - 1, file)] = '\0';
    fclose(file);
    key = bench_key_parse(jwk);
    sodium_memzero(jwk, sizeof(jwk));
    return key;
}

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;

    return (a > b) - (a < b);
}

double bench_median(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), compare);
    return values[n / 2];
}
