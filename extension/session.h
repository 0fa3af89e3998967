/*
 * session.h - who the user is, right now.
 *
 * The identity is that of the token (or the claims) in force, made into Datums
 * once and handed out as it is. What is handed out stays readable until the end
 * of the transaction, whatever becomes of the token.
 */
#ifndef PSJ_SESSION_H
#define PSJ_SESSION_H

#include "postgres.h"

#include "extension/claims.h"
#include "extension/errors.h"

/* The claims in force, found good for the run of the executor that goes on; NULL:
 * to be found again. */
extern const psj_claims *psj_running_claims;

/* The executor begins a run, which may be one within another, and ends it,
 * whatever its end. */
void psj_session_begin_run(void);
void psj_session_end_run(void);

/* The slow path of psj_session_claims(): once a run, and wherever none goes on. */
const psj_claims *psj_session_resolve(void);

/* What SQL is told of the token in force; strings live as long as the claims. */
typedef struct psj_session_state {
    const psj_claims *claims; /* NULL: see failure */
    psj_failure failure;
    const char *algorithm; /* NULL where there is no verified token */
    const char *backend;
    const char *key_id; /* UTF-8; NULL: the token names none */
    bool has_issued_at;
    bool has_expires_at;
    int64 issued_at; /* microseconds since the Unix epoch */
    int64 expires_at;
} psj_session_state;

/* The same as psj_session_claims(), but a refusal is told instead of raised. */
void psj_session_describe(psj_session_state *state);

/* The claims in force, never NULL; raises where the token in force is refused. */
static inline const psj_claims *psj_session_claims(void)
{
    if (likely(psj_running_claims != NULL))
        return psj_running_claims;
    return psj_session_resolve();
}

/* The slow path of psj_session_whole_of(): once a token. */
const psj_whole_claims *psj_session_make_whole(const psj_claims *claims);

/* The whole of the claims that this file handed out, for as long as these are
 * readable; raises where jsonb does not take it. */
static inline const psj_whole_claims *psj_session_whole_of(const psj_claims *claims)
{
    return likely(claims->whole != NULL) ? claims->whole : psj_session_make_whole(claims);
}

/* The same of the claims in force. */
static inline const psj_whole_claims *psj_session_whole_claims(void)
{
    return psj_session_whole_of(psj_session_claims());
}

/* auth.init(): raises where keys are missing or of no use. */
void psj_session_check_key(void);

/* Verifies the token in force, where there is one, and raises where it is
 * refused or there is no key to verify it. */
void psj_session_verify(void);

/* The same, but says nothing, and does nothing where it is known already. */
void psj_session_accept(void);

/* A setting that decides who the user is has changed. Never fails. */
void psj_session_changed(void);
/* So has the token: psj_mark_in_force is the new one's. */
void psj_session_token_changed(void);

/* In a starting parallel worker: has the leader accepted the token that comes
 * with the settings, and the last jti that it accepted. */
void psj_session_inherit(bool accepted, int64 last_jti);

/* Once, from _PG_init(). */
void psj_session_install(void);

#endif
