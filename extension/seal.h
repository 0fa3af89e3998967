/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.h - the token of a sealed identity.
 *
 * A sealed identity does not come from pg_session_jwt.jwt, whatever value that setting has. The
 * token is here, and only the functions below change it. While the session is sealed,
 * pgsj_settings_sealed() says so, and the setting refuses new values.
 *
 * The login with a token seals the session where the settings say so. No function ends that seal,
 * and none takes its place.
 */
#ifndef PGSJ_SEAL_H
#define PGSJ_SEAL_H

#include "postgres.h"

#include "access/xact.h"

#include "extension/errors.h"
#include "extension/settings.h"

static inline bool pgsj_seal_is_on(void)
{
    return pgsj_settings_sealed() != NULL;
}

/* Raises where the session is sealed. */
void pgsj_seal_refuse_change(void);

/* Raises where the session is sealed, and not to the token that RESET returns to. */
void pgsj_seal_refuse_reset(void);

/* The sealed token. NULL: there is none, because the transaction was rolled back to a savepoint
 * from before the seal, or only a login's token counts and there was none; the session then
 * has no identity. The session must be sealed. */
pgsj_session_token *pgsj_seal_token(void);

/* Seals the session until the transaction ends. token is a chunk of its own, which then belongs
 * to the seal. The session must not be sealed. Never fails. */
void pgsj_seal_transaction(pgsj_session_token *token);

/* A secret of auth.jwt_seal(): octets of any value. */
typedef struct pgsj_secret {
    const char *octets;
    size_t len;
} pgsj_secret;

#define PGSJ_MIN_SECRET_SIZE 16

/* The same until pgsj_seal_end(), whatever becomes of the transaction. Keeps a digest of the
 * secret. Raises where the secret is too short or there is no memory, and then changes nothing;
 * token still belongs to the caller then. */
void pgsj_seal_session(pgsj_session_token *token, const pgsj_secret *secret);

/* Ends the seal of pgsj_seal_session(). Raises where there is none or the secret is another. */
void pgsj_seal_end(const pgsj_secret *secret);

/* In a starting parallel worker, whose leader is sealed. */
void pgsj_seal_in_worker(void);

/*
 * pg_session_jwt.jwt was assigned a value while the session is sealed. Not every way to do that
 * asks the check hook: set_config('pg_session_jwt.jwt', NULL, ...) does not. The identity stays,
 * but the transaction must not go on as if nothing had happened. Never fails.
 */
void pgsj_seal_setting_assigned(void);

/* Was it, since the start of the transaction, and not rolled back? Then *failure says so. */
bool pgsj_seal_was_attacked(pgsj_failure *failure);

/* Raises where it was. */
void pgsj_seal_raise_attack(void);

/* A transaction or subtransaction ends. Returns true where the identity changes by that. Neither
 * fails. */
bool pgsj_seal_end_transaction(void);
bool pgsj_seal_end_subtransaction(SubXactEvent event, SubTransactionId subtransaction,
                                  SubTransactionId parent);

#endif
