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

#include "access/xact.h"

#include "extension/claims.h"

/* The identity last handed out, and the statement it was found good for. */
typedef struct psj_ready_claims {
    const psj_claims *claims; /* NULL: to be found again */
    TimestampTz statement;
} psj_ready_claims;

extern psj_ready_claims psj_ready;

/* The slow path of psj_session_claims(): once a statement. */
const psj_claims *psj_session_resolve(void);

/* The claims in force, never NULL; raises where the token in force is refused. */
static inline const psj_claims *psj_session_claims(void)
{
    if (likely(psj_ready.claims != NULL &&
               psj_ready.statement == GetCurrentStatementStartTimestamp()))
        return psj_ready.claims;
    return psj_session_resolve();
}

/* auth.init(): raises where the key is missing or of no use. */
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
