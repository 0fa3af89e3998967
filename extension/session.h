/*
 * session.h - who the user is, right now.
 *
 * The identity is that of the token (or the claims) in force, made into Datums
 * once and handed out as it is. What is handed out stays readable until the end
 * of the transaction, whatever becomes of the token.
 */
#ifndef PGSJ_SESSION_H
#define PGSJ_SESSION_H

#include "postgres.h"

#include "extension/claims.h"
#include "extension/errors.h"

/* The claims in force, found good for the run of the executor that goes on; NULL:
 * to be found again. */
extern const pgsj_claims *pgsj_running_claims;

/* The executor begins a run, which may be one within another, and ends it,
 * whatever its end. */
void pgsj_session_begin_run(void);
void pgsj_session_end_run(void);

/* The slow path of pgsj_session_claims(): once a run, and wherever none goes on. */
const pgsj_claims *pgsj_session_resolve(void);

/* What SQL is told of the token in force; strings live as long as the claims. */
typedef struct pgsj_session_state {
    const pgsj_claims *claims; /* NULL: see failure */
    pgsj_failure failure;
    const char *algorithm; /* NULL where there is no verified token */
    const char *backend;
    const char *key_id; /* UTF-8; NULL: the token names none */
    bool has_issued_at;
    bool has_expires_at;
    int64 issued_at; /* microseconds since the Unix epoch */
    int64 expires_at;
} pgsj_session_state;

/* The same as pgsj_session_claims(), but a refusal is told instead of raised. */
void pgsj_session_describe(pgsj_session_state *state);

/* The claims in force, never NULL; raises where the token in force is refused. */
static inline const pgsj_claims *pgsj_session_claims(void)
{
    if (likely(pgsj_running_claims != NULL))
        return pgsj_running_claims;
    return pgsj_session_resolve();
}

/* The slow path of pgsj_session_whole_of(): once a token. */
const pgsj_whole_claims *pgsj_session_make_whole(const pgsj_claims *claims);

/* The whole of the claims that this file handed out, for as long as these are
 * readable; raises where jsonb does not take it. */
static inline const pgsj_whole_claims *pgsj_session_whole_of(const pgsj_claims *claims)
{
    return likely(claims->whole != NULL) ? claims->whole : pgsj_session_make_whole(claims);
}

/* The same of the claims in force. */
static inline const pgsj_whole_claims *pgsj_session_whole_claims(void)
{
    return pgsj_session_whole_of(pgsj_session_claims());
}

/* auth.init(): raises where keys are missing or of no use. */
void pgsj_session_check_key(void);

/* Verifies the token in force, where there is one, and raises where it is
 * refused or there is no key to verify it. */
void pgsj_session_verify(void);

/* The same, but says nothing, and does nothing where it is known already. */
void pgsj_session_accept(void);

/* A setting that decides who the user is has changed. Never fails. */
void pgsj_session_changed(void);
/* So has the token: current_token_extra is the new one's. */
void pgsj_session_token_changed(void);

/* In a starting parallel worker: has the leader accepted the token that comes
 * with the settings, and the last jti that it accepted. */
void pgsj_session_inherit(bool accepted, int64 last_jti);

/* Once, from _PG_init(). */
void pgsj_session_install(void);

#endif
