/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h - the identity of the session.
 *
 * The settings decide which token, or which claims, the session has. Values of its identity stay
 * readable until the transaction's end, also when the token is replaced meanwhile.
 */
#ifndef PGSJ_SESSION_H
#define PGSJ_SESSION_H

#include "postgres.h"

#include "extension/claims.h"
#include "extension/errors.h"
#include "extension/identity.h"
#include "extension/seal.h"

/* The identity, validated for the run of the executor that is going on; NULL: call
 * pgsj_session_resolve(). */
extern const pgsj_identity *pgsj_executor_identity;

/* A run of the executor begins, maybe inside of another one. It ends, also by an error. */
void pgsj_session_begin_run(void);
void pgsj_session_end_run(void);

/* Did the client call this function itself, and not another function or a DO block? */
bool pgsj_session_at_top_level(void);

/* pgsj_session_identity() outside of a run of the executor, and for its first call in a run. */
const pgsj_identity *pgsj_session_resolve(void);

/* The session's identity, never NULL. Raises where its token is refused, or where there is no
 * identity and pg_session_jwt.require_identity is on. */
static inline const pgsj_identity *pgsj_session_identity(void)
{
    if (likely(pgsj_executor_identity != NULL))
        return pgsj_executor_identity;
    return pgsj_session_resolve();
}

/* The same, but returns NULL and sets *failure where the token is refused. */
const pgsj_identity *pgsj_session_find(pgsj_failure *failure);

/* Is there no user? There is neither a token nor claims, or the claims have no subject. Sets *reason
 * then, in the current context. */
bool pgsj_session_lacks_identity(const pgsj_identity *identity, const char **reason);

/* The values of the session's identity. Both raise where its token is refused; the second one
 * also where its claims are not acceptable as jsonb. */
static inline const pgsj_claims *pgsj_session_claims(void)
{
    return &pgsj_session_identity()->claims;
}

static inline const pgsj_jsonb_claims *pgsj_session_jsonb_claims(void)
{
    return pgsj_identity_jsonb_claims(pgsj_session_identity());
}

/* For auth.init(): raises where keys are missing or not usable. */
void pgsj_session_check_key(void);

/* Verifies the session's token, if there is one. Raises where it is refused or there is no key
 * to verify it. */
void pgsj_session_verify(void);

/* Verifies a token, makes it that of the session, and seals it until the transaction ends. Raises
 * where it is refused or the session is sealed already, and changes nothing then. */
void pgsj_session_seal_transaction(const char *text);

/* Seals the session's identity, which must come from a token, until pgsj_session_unseal(). A
 * rollback does not undo it. Raises where the token is refused, the secret too short, or the
 * session sealed already, and changes nothing then. */
void pgsj_session_seal(const pgsj_secret *secret);

/* The connection logged in with this token, which was verified, or it is a fresh one for the same
 * login: it is the identity that RESET returns to. Raises where there is no memory, and changes
 * nothing then. */
void pgsj_session_log_in(const char *text);

/* Is the session's token that of the login? */
bool pgsj_session_is_login(void);

/* Ends that seal. The identity is that of the settings again. Raises where the secret is another
 * one, or the session is not sealed that way. */
void pgsj_session_unseal(const pgsj_secret *secret);

/* The session's token, sealed or not; NULL: none. It is not verified. The pointer is valid until
 * the token changes. */
const char *pgsj_session_token_text(void);

/* pgsj_settings_begin_workers() with the session's token, which must be set. */
char *pgsj_session_begin_workers(void);

/* For the leader of a parallel query. Verifies the session's token, if there is one, and publishes
 * the verdict for workers that start now. Returns false where a read of the identity raises an
 * error; this function does not raise it. */
bool pgsj_session_accept(void);

/* A setting that decides over the identity has changed. Never fails. */
void pgsj_session_changed(void);

/* pg_session_jwt.jwt was assigned a value. Never fails. */
void pgsj_session_token_changed(void);

/* Once, from _PG_init(). */
void pgsj_session_install(void);

#endif
