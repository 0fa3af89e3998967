/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verifier.h - from the session's token to an identity.
 */
#ifndef PGSJ_VERIFIER_H
#define PGSJ_VERIFIER_H

#include "postgres.h"

#include "extension/errors.h"
#include "extension/identity.h"
#include "extension/settings.h"

/*
 * The identity of a token of the session, in a mode that verifies tokens. Returns
 * NULL and sets *failure where the token is refused or expired. now: microseconds since the Unix
 * epoch. current: the identity that this function returned last for the same token; NULL where
 * there is none. Pin the identity before the next call. Raises when there is no
 * memory, and changes nothing then.
 */
pgsj_identity *pgsj_verifier_identity(pgsj_session_token *token, pgsj_identity *current, int64 now,
                                      pgsj_failure *failure);

/* Was this token accepted at any time? */
bool pgsj_verifier_accepted_before(const pgsj_session_token *token);

/* Tells parallel workers that start from now on whether the session's token is accepted, and the
 * last accepted jti. Never fails. */
void pgsj_verifier_publish(bool accepted);

/* In a starting parallel worker: what the leader published. */
void pgsj_verifier_receive_leader_state(bool accepted, int64 last_jti);

#endif
