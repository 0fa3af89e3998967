/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation_index.h - the index of a file of revoked tokens: what all sessions of the server
 * share. It is a file itself, in the directory of the server's temporary statistics, which no
 * base backup contains. An index is of one run of the server.
 *
 * path is everywhere the value of pg_session_jwt.revoked_file; each value has an index.
 */
#ifndef PGSJ_REVOCATION_INDEX_H
#define PGSJ_REVOCATION_INDEX_H

#include "postgres.h"

#include <sys/stat.h>

#include "extension/revocation_match.h"

#define PGSJ_INDEX_PROBLEM_SIZE 256

/* The state of the file that was read. Compared octet by octet. */
typedef struct pgsj_index_source {
    int64 device, inode, size;
    int64 mtime, ctime; /* nanoseconds since the Unix epoch */
} pgsj_index_source;

typedef struct pgsj_index_header {
    uint64 magic;
    int64 server_start;
    pgsj_index_source source;
    int64 read_at; /* nanoseconds since the Unix epoch */
    uint64 count;
    char problem[PGSJ_INDEX_PROBLEM_SIZE]; /* why the file cannot be used; "": it can */
} pgsj_index_header;

void pgsj_index_source_set(pgsj_index_source *source, const struct stat *state);

/* The time of day in nanoseconds since the Unix epoch. */
int64 pgsj_index_now(void);

/* Collects entries. Lives as long as the current memory context. Raises where there is no
 * memory. */
typedef struct pgsj_index_builder pgsj_index_builder;

pgsj_index_builder *pgsj_index_begin(void);

/* Adds an entry; times are in seconds since the Unix epoch, at least 0. Returns false where there
 * are too many. */
bool pgsj_index_add(pgsj_index_builder *builder, const pgsj_fingerprint *fingerprint,
                    bool has_issued_before, int64 issued_before, bool has_until, int64 until);

/* Opens the file whose lock (flock()) is held while an index is made. Returns a transient file, or
 * -1 and errno. */
int pgsj_index_open_lock(const char *path);

/* Makes the index of the entries, or writes down why there is none, under the lock. header has
 * source, read_at and problem. Return false and errno on failure. */
bool pgsj_index_write(const char *path, pgsj_index_builder *builder, pgsj_index_header *header);
bool pgsj_index_write_problem(const char *path, pgsj_index_header *header);

/* What came of the file in this state, when it was read last in this run of the server: the header
 * of its index, or one with the problem. Returns false where it was not read. */
bool pgsj_index_find(const char *path, const pgsj_index_source *source, pgsj_index_header *out);

/* Looks a match up. Returns false and errno where there is no index that can be read. */
bool pgsj_index_look_up(const char *path, pgsj_revocation_match *match);

#endif
