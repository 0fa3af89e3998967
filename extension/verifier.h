/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verifier.h - from the session's token to an identity.
 */
#ifndef PGSJ_VERIFIER_H
#define PGSJ_VERIFIER_H

#include "postgres.h"

#include "extension/errors.h"
#include "extension/identity.h"

/*
 * The identity of the session's token, which must be set, in a mode that verifies tokens. Returns
 * NULL and sets *failure where the token is refused or expired. now: microseconds since the Unix
 * epoch. current: the identity that this function returned last for the same value of the
 * setting; NULL where there is none. Pin the identity before the next call. Raises when there is no
 * memory, and changes nothing then.
 */
pgsj_identity *pgsj_verifier_identity(pgsj_identity *current, int64 now, pgsj_failure *failure);

/* Was the current value of the session's token accepted at any time? The token must be set. */
bool pgsj_verifier_accepted_before(void);

/* Tells parallel workers that start from now on whether the session's token is accepted, and the
 * last accepted jti. Never fails. */
void pgsj_verifier_publish(bool accepted);

/* In a starting parallel worker: what the leader published. */
void pgsj_verifier_receive_leader_state(bool accepted, int64 last_jti);

#endif
