/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login.h - the login with a token: who may log in as whom, and with what the connection begins.
 *
 * The database's and the role's settings do not apply yet, and there is no database to look
 * into: what verifies a login's token is the configuration file alone, and revoked tokens are
 * those of pg_session_jwt.revoked_file.
 */
#ifndef PGSJ_LOGIN_H
#define PGSJ_LOGIN_H

#include "postgres.h"

#include "extension/errors.h"

/* What a line of pg_hba.conf asks for. */
typedef struct pgsj_login_line {
    const char *issuer; /* claim "iss" must be equal to it, octet by octet */
    const char *scope;  /* divided by blanks: the token must have each */
    bool names_role;    /* delegate_ident_mapping: a claim names the role */
    const char *role;   /* that the client wants to log in as */
    /* Options of the line. NULL: the setting decides. */
    const char *claim;      /* pg_session_jwt.login_claim */
    const char *role_claim; /* pg_session_jwt.login_role_claim */
    const char *roles;      /* pg_session_jwt.login_roles */
} pgsj_login_line;

/*
 * Verifies token, NUL-terminated, and makes it the identity of this connection. line is copied.
 * Sets *name to the name of who logs in, in the current memory context; NULL where the token is
 * not valid. It is set also where a valid token is refused for this login. Returns false and
 * sets *failure where the token is refused, and changes nothing then. Raises where there is no
 * memory.
 */
bool pgsj_login_accept(const char *token, const pgsj_login_line *line, const char **name,
                       pgsj_failure *failure);

/*
 * Verifies token, which must be for the same login as the present one's, and no older, and puts it
 * in its place. A rollback does not undo it. Raises where it is refused, where the connection
 * did not log in with a token, or where a function sealed the session, and changes nothing then.
 */
void pgsj_login_refresh(const char *token);

#endif
