/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h - the lines that pg_session_jwt.audit_log asks for.
 */
#ifndef PGSJ_AUDIT_H
#define PGSJ_AUDIT_H

#include "postgres.h"

#include "extension/claims.h"
#include "extension/identity.h"

/* Logs that a token with these claims was verified. */
void pgsj_audit_token(const pgsj_jsonb_claims *claims);

/* Logs that a SQL function read the identity. Raises where its claims are not acceptable as
 * jsonb. */
void pgsj_audit_read(const pgsj_identity *identity);

/* Is this UTF-8 text without characters that end a line, change its direction, or are invisible? */
bool pgsj_is_visible(const char *utf8);

#endif
