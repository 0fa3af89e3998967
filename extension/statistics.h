/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statistics.h - counters of the cluster, and what each session tells of its identity.
 *
 * Both are in shared memory; without it nothing is counted. Each process writes to its own slot
 * alone, so that no process waits for another. A slot keeps its counters for the next process.
 */
#ifndef PGSJ_STATISTICS_H
#define PGSJ_STATISTICS_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "extension/errors.h"
#include "extension/identity.h"

/* Every counter that is not a reason, with its name. */
#define PGSJ_COUNTERS(X)                                                                           \
    X(VERIFIED, "verified")                   /* signatures that were valid */                     \
    X(SESSION_HITS, "session_hits")           /* tokens found in the session's table */            \
    X(SHARED_HITS, "shared_hits")             /* tokens found in the cluster's table */            \
    X(SESSION_EVICTIONS, "session_evictions") /* identities that a session had no room for */      \
    X(SHARED_EVICTIONS, "shared_evictions") /* tokens that the cluster's table had no room for */  \
    X(KEY_RELOADS, "key_reloads")           /* key files and documents that were read again */     \
    X(LOGINS, "logins")                     /* tokens that a login was accepted with */            \
    X(LOGINS_REFUSED, "logins_refused")     /* tokens that a login was refused with */

#define PGSJ_COUNTER(name, text) PGSJ_COUNT_##name,
typedef enum pgsj_counter { PGSJ_COUNTERS(PGSJ_COUNTER) PGSJ_COUNTER_COUNT } pgsj_counter;
#undef PGSJ_COUNTER

/* Each counts one; a failure is counted by its reason. Never fail. */
void pgsj_count(pgsj_counter counter);
void pgsj_count_failure(const pgsj_failure *failure);

/* The session has this identity, which is copied; NULL: none. mode: a pgsj_trust_mode. Never
 * fails. */
void pgsj_report_identity(int mode, const pgsj_identity *identity);

/* While the server starts: requests the shared memory. */
void pgsj_statistics_request(void);

/* Is there shared memory to count in? */
bool pgsj_statistics_available(void);

/* The n-th value, n from 0: *counter is its name, *reason NULL or why a token was refused
 * or a fetch failed; both are static. Returns false after the last one. There must be shared memory. */
bool pgsj_statistics_get(size_t n, const char **counter, const char **reason, int64 *value);

/* Since when values are counted. */
TimestampTz pgsj_statistics_since(void);

/* All values begin anew, from 0. */
void pgsj_statistics_reset(void);

#define PGSJ_SESSION_TEXT 128

/* What a session tells. Texts are cut at the end of a character. */
typedef struct pgsj_session_report {
    int pid; /* 0: there is no such session */
    Oid database;
    int encoding; /* of the texts */
    int mode;     /* as reported */
    bool has_identity;
    bool sealed;
    bool has_expires_at;
    int64 expires_at;               /* microseconds since the Unix epoch */
    char issuer[PGSJ_SESSION_TEXT]; /* "": none; likewise the next ones */
    char subject[PGSJ_SESSION_TEXT];
    char key_id[PGSJ_SESSION_TEXT]; /* in UTF-8 */
} pgsj_session_report;

/* Copies the report of slot n, n from 0. Returns false after the last one. There must be shared
 * memory. */
bool pgsj_session_report_get(size_t n, pgsj_session_report *out);

/* In octets; fixed while the server runs. 0: there is no table of the cluster. */
Size pgsj_statistics_table_size(void);

#endif
