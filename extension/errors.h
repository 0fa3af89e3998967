/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errors.h - the reasons why there is no identity, and the errors raised for them.
 *
 * The layers below return a failure; only the SQL functions raise it.
 */
#ifndef PGSJ_ERRORS_H
#define PGSJ_ERRORS_H

#include "postgres.h"

#include <sjwt.h>

typedef enum pgsj_failure_kind {
    PGSJ_FAILURE_JWT,            /* a key or a token was refused: see jwt */
    PGSJ_FAILURE_NO_IDENTITY,    /* pg_session_jwt.require_identity is on: see detail */
    PGSJ_FAILURE_SEALED,         /* SQL tried to change a sealed identity: see detail */
    PGSJ_FAILURE_LOGIN,          /* valid, and not for this login: see detail */
    PGSJ_FAILURE_MISSING_KEY,    /* pg_session_jwt.jwk is needed and not set: see detail */
    PGSJ_FAILURE_ENCODING,       /* verified, but the database's encoding cannot hold it */
    PGSJ_FAILURE_MISCONFIGURED,  /* what the administrator set is a contradiction: see detail */
    PGSJ_FAILURE_KEY_FILE,       /* no key for this token; its issuer's key file cannot be used as
                                  it is now: see detail */
    PGSJ_FAILURE_NO_KEYS,        /* what the administrator pinned has no keys: see detail */
    PGSJ_FAILURE_REVOKED,        /* valid, and revoked: see detail */
    PGSJ_FAILURE_NO_REVOCATIONS, /* nothing tells whether the token is revoked: see detail */
    PGSJ_FAILURE_KEYS_PINNED,    /* the client brought a key, and the administrator pinned keys */
    PGSJ_FAILURE_MODE,           /* the pinned mode verifies no token: see detail */
    PGSJ_FAILURE_JWK_IN_MODE,    /* the client brought a key, and the pinned mode uses none: see
                                  detail */
    PGSJ_FAILURE_KEYS_IN_MODE    /* the administrator pinned keys, and a mode that does not use
                                  them: see detail */
} pgsj_failure_kind;

/* The name of a kind; NULL behind the last one. */
const char *pgsj_failure_kind_name(pgsj_failure_kind kind);

#define PGSJ_DETAIL_SIZE 512

typedef struct pgsj_failure {
    pgsj_failure_kind kind;
    sjwt_error jwt;                /* where kind is PGSJ_FAILURE_JWT */
    bool key_is_token;             /* where jwt is about pg_session_jwt.jwk, or for KEYS_PINNED: it
                                     has what looks like a token */
    char detail[PGSJ_DETAIL_SIZE]; /* where the kind says so; in the database's encoding */
} pgsj_failure;

/* Raises failure as an ERROR. Neither the message nor the log shows a part of a token: the
 * statement, which may hold one, is not logged. */
_Noreturn void pgsj_raise(const pgsj_failure *failure);

/* Returns message, detail and hint of failure as one text, for SQL to show. Allocates in
 * the current context. */
char *pgsj_explain(const pgsj_failure *failure);

/* The same two with a hint in place of the failure's own; NULL: that one. */
_Noreturn void pgsj_raise_with_hint(const pgsj_failure *failure, const char *hint);
char *pgsj_explain_with_hint(const pgsj_failure *failure, const char *hint);

/* Sets kind and detail; a text that is too long is cut at the end of a character. Returns
 * false. */
bool pgsj_set_failure(pgsj_failure *failure, pgsj_failure_kind kind, const char *format, ...)
    pg_attribute_printf(3, 4);

/* Writes status, detail and position of a refused text, one sentence without its end. Returns
 * buf. */
char *pgsj_format_error(char *buf, size_t size, const sjwt_error *error);

/* Raises a failure that is transient; else returns. */
void pgsj_raise_unless_verdict(const pgsj_failure *failure);

/* The keys given to auth.jwt_verify() cannot be used, or could not be checked. */
_Noreturn void pgsj_raise_unusable_keys(const sjwt_error *error);

/* These keys have more than limit octets. */
_Noreturn void pgsj_raise_too_large_keys(int limit);

/* Until pgsj_show_statement(), no error and no log line, the server's own included, shows
 * the statement, which may hold a token. */
void pgsj_hide_statement(ErrorContextCallback *callback);
void pgsj_show_statement(const ErrorContextCallback *callback);

/* The same for the errors that this file raises, and no others. For the leader of a
 * parallel query: it raises an error of a worker again, without the worker's mark that
 * hides the statement. */
void pgsj_hide_statement_of_worker(ErrorContextCallback *callback);

/* The identity is sealed, as detail says, and may not be changed. */
_Noreturn void pgsj_raise_sealed(const char *detail);

/* 'sub' is not a string, in a token that was verified. */
#define PGSJ_INVALID_SUBJECT "invalid subject claim in the JWT"
_Noreturn void pgsj_raise_invalid_subject(void);

#endif
