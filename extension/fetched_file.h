/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetched_file.h - the files of fetched keys below the data directory.
 *
 * The background worker writes them, and every backend reads them. The name of a file
 * depends on what is fetched alone: a database's own setting and the server's
 * configuration that name the same source name the same file.
 *
 *   pg_session_jwt/NAME.jwks    the keys as they arrived; its modification time is the time
 *                               of the last fetch that succeeded
 *   pg_session_jwt/NAME.state   how the fetches went, see pgsj_fetch_state
 */
#ifndef PGSJ_FETCHED_FILE_H
#define PGSJ_FETCHED_FILE_H

#include "postgres.h"

/* Relative to the data directory. */
#define PGSJ_FETCHED_DIRECTORY "pg_session_jwt"

/* The most octets of a path, with its NUL. */
#define PGSJ_FETCHED_PATH_SIZE 64

/* A source of keys: its files, and its number in shared memory. */
typedef struct pgsj_fetched_file {
    uint64 id; /* of the source; never 0 */
    char keys[PGSJ_FETCHED_PATH_SIZE];
    char state[PGSJ_FETCHED_PATH_SIZE];
} pgsj_fetched_file;

/* url: the JWK Set; NULL: the metadata of issuer tell it. Returns false where there is no
 * memory for the hash. */
bool pgsj_fetched_file_of(const char *issuer, const char *url, pgsj_fetched_file *out);

/* Times in seconds since the Unix epoch, 0 for never. Strings are printable ASCII. */
typedef struct pgsj_fetch_state {
    char url[2048]; /* where the keys came from, and their validators: see fetch.h */
    char etag[256];
    char last_modified[64];
    uint64 hash; /* of the keys */
    int64 fetched_at;
    int64 next_at;
    int64 failing_since; /* 0: the last fetch succeeded */
    char problem[256];   /* of the last fetch; "": none */
} pgsj_fetch_state;

/* Reads the state. Returns false, and *out all zero, where there is none or it has another
 * form. */
bool pgsj_fetch_state_read(const pgsj_fetched_file *file, pgsj_fetch_state *out);

/* The greatest length of a state as text, with its NUL; and the text. */
#define PGSJ_FETCH_STATE_SIZE 4096
size_t pgsj_fetch_state_print(const pgsj_fetch_state *state, char out[PGSJ_FETCH_STATE_SIZE]);

#endif
