/*
 * errors.h - why there is no identity, and how SQL is told.
 *
 * The layers below return a failure; only the SQL functions raise it.
 */
#ifndef PGSJ_ERRORS_H
#define PGSJ_ERRORS_H

#include "postgres.h"

#include <sjwt.h>

typedef enum pgsj_failure_kind {
    PGSJ_FAILURE_JWT,           /* a key or a token was refused: see jwt */
    PGSJ_FAILURE_MISSING_KEY,   /* pg_session_jwt.jwk is needed and not set */
    PGSJ_FAILURE_ENCODING,      /* verified, but the database's encoding cannot hold it */
    PGSJ_FAILURE_MISCONFIGURED, /* what the administrator set is a contradiction: see detail */
    PGSJ_FAILURE_KEY_FILE,      /* no key for this token, whose keys are in a file that cannot be
                                  used as it is now: see detail */
    PGSJ_FAILURE_NO_KEYS,       /* what the administrator pinned has no keys: see detail */
    PGSJ_FAILURE_KEYS_PINNED    /* a client brings a key where the administrator pinned some */
} pgsj_failure_kind;

#define PGSJ_DETAIL_SIZE 512

typedef struct pgsj_failure {
    pgsj_failure_kind kind;
    sjwt_error jwt;                /* where kind is PGSJ_FAILURE_JWT */
    bool key_is_token;             /* where jwt is about pg_session_jwt.jwk, or for KEYS_PINNED: it
                                     has what looks like a token */
    char detail[PGSJ_DETAIL_SIZE]; /* where the kind says so; in the database's encoding */
} pgsj_failure;

/* Raises failure as an ERROR. Neither the message nor the log shows a part of
 * a token: the statement, which may hold one, is kept out of the log. */
_Noreturn void pgsj_raise(const pgsj_failure *failure);

/* The same as one sentence or more, for SQL to show. Allocates in the current
 * context. */
char *pgsj_explain(const pgsj_failure *failure);

/* failure->detail, cut where a character ends. */
void pgsj_set_detail(pgsj_failure *failure, const char *format, ...) pg_attribute_printf(2, 3);

/* The same, where failure says nothing about token and keys: there was no memory,
 * or the crypto library failed. */
void pgsj_raise_unless_verdict(const pgsj_failure *failure);

/* The keys handed to auth.jwt_verify() are of no use, or could not be judged. */
_Noreturn void pgsj_raise_unusable_keys(const sjwt_error *error);

/* They have more octets than these. */
_Noreturn void pgsj_raise_too_large_keys(int limit);

/* Keeps the statement, which may hold a token, out of the log whatever error or
 * log line comes until pgsj_show_statement(); the server's own errors too. */
void pgsj_hide_statement(ErrorContextCallback *callback);
void pgsj_show_statement(const ErrorContextCallback *callback);

/* The same, but of such errors only as this file raises: for a leader, which
 * repeats what a parallel worker raised without knowing that it was to be hidden. */
void pgsj_hide_statement_of_worker(ErrorContextCallback *callback);

/* 'sub' is not a string, in a token that was verified. */
_Noreturn void pgsj_raise_invalid_subject(void);

#endif
