/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection.h - connections to the server that is measured. Each failure ends the program.
 */
#ifndef BENCH_CONNECTION_H
#define BENCH_CONNECTION_H

#include "bench.h"

#include <libpq-fe.h>

/* options: of the connection; NULL: none. libpq's environment says where the server is. */
PGconn *bench_connect(const char *options);

/* Returns the first value, in a buffer that the next call reuses; "" if there is none. */
const char *bench_query(PGconn *connection, const char *sql);

void bench_prepare(PGconn *connection, const char *name, const char *sql);

/* argument: of the prepared statement; NULL: it has none. */
void bench_execute(PGconn *connection, const char *name, const char *argument);

/* Binds the client and its server to one processor: neither waits for the other to wake up. */
void bench_share_processor(PGconn *connection);

/* The private key in a file: a JWK. */
bench_key bench_read_key(const char *path);

/* Sorts the values. */
double bench_median(double *values, size_t n);

#endif
