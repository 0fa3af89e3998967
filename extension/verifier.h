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

/*
 * Verifies a token that is not the session's, which text has, NUL-terminated. Sets *subjects to
 * how its issuer names its users. The current memory context owns the token. Returns NULL and sets
 * *failure where it is refused or no token is verified in the current mode. Needs no database.
 * Raises where there is no memory.
 */
const sjwt_token *pgsj_verifier_verify(const char *text, int64 now, sjwt_subjects *subjects,
                                       pgsj_failure *failure);

/* Was this token accepted at any time? */
bool pgsj_verifier_accepted_before(const pgsj_session_token *token);

/*
 * For parallel workers that start from now on; both never fail. publish: is the session's token
 * accepted, and the last accepted jti. publish_verdict: the token is that of identity, which is
 * good for the current statement; NULL: it is refused.
 */
void pgsj_verifier_publish(bool accepted);
void pgsj_verifier_publish_verdict(const pgsj_identity *identity);

/* In a starting parallel worker: what the leader published. */
void pgsj_verifier_receive_leader_state(const pgsj_leader_state *received);

#endif
