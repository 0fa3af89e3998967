/*
 * errors.h - why there is no identity, and how SQL is told.
 *
 * The layers below return a failure; only the SQL functions raise it.
 */
#ifndef PSJ_ERRORS_H
#define PSJ_ERRORS_H

#include "postgres.h"

#include "jwt/jwt.h"

typedef enum psj_failure_kind {
    PSJ_FAILURE_JWT,         /* a key or a token was refused: see jwt */
    PSJ_FAILURE_MISSING_KEY, /* pg_session_jwt.jwk is needed and not set */
    PSJ_FAILURE_ENCODING     /* verified, but the database's encoding cannot hold it */
} psj_failure_kind;

typedef struct psj_failure {
    psj_failure_kind kind;
    jwt_error jwt; /* where kind is PSJ_FAILURE_JWT */
} psj_failure;

/* Raises failure as an ERROR. Neither the message nor the log shows a part of
 * a token: the statement, which may hold one, is kept out of the log. */
_Noreturn void psj_raise(const psj_failure *failure);

/* Keeps the statement, which may hold a token, out of the log whatever error or
 * log line comes until psj_show_statement(); the server's own errors too. */
void psj_hide_statement(ErrorContextCallback *callback);
void psj_show_statement(const ErrorContextCallback *callback);

/* The same, but of such errors only as this file raises: for a leader, which
 * repeats what a parallel worker raised without knowing that it was to be hidden. */
void psj_hide_statement_of_worker(ErrorContextCallback *callback);

/* 'sub' is not a string, in a token that was verified. */
_Noreturn void psj_raise_invalid_subject(void);

#endif
