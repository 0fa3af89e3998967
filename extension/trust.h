/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust.h - which tokens are accepted: the mode and the policy that the settings ask for.
 */
#ifndef PGSJ_TRUST_H
#define PGSJ_TRUST_H

#include "postgres.h"

#include "extension/errors.h"
#include "extension/key_source.h"
#include "extension/policy.h"

typedef enum pgsj_trust_mode {
    PGSJ_TRUST_NONE,        /* nothing is accepted: there is no identity */
    PGSJ_TRUST_CLAIMS,      /* request.jwt.claims, from a gateway */
    PGSJ_TRUST_SESSION_KEY, /* tokens signed with pg_session_jwt.jwk */
    PGSJ_TRUST_ISSUER       /* tokens of the issuers that the administrator pinned */
} pgsj_trust_mode;

/* Settings alone decide the mode. */
pgsj_trust_mode pgsj_trust_current_mode(void);

/* Does pg_session_jwt.mode name it? Then nothing that is missing leads to another mode. */
bool pgsj_trust_mode_is_pinned(void);

/* As auth.jwt_status() has it. */
const char *pgsj_trust_mode_name(pgsj_trust_mode mode);

/* Are tokens verified in the current mode? */
bool pgsj_trust_verifies(void);

/* The current policy, valid until a setting or a key file changes; NULL: see *failure.
 * Call it once a statement, not once a row: it checks whether a key file has changed. */
const pgsj_verification_policy *pgsj_trust_policy(pgsj_failure *failure);

/* policy is the current one, and has refused a token as failure->jwt says. Where the
 * issuer's key is missing, *failure says afterwards how many keys there are and where, or that
 * its key file cannot be used as it is now. */
void pgsj_trust_add_key_detail(const pgsj_verification_policy *policy, pgsj_failure *failure);

/* The mode needs pg_session_jwt.jwk, which is not set: *failure says why. Returns false. */
bool pgsj_trust_set_missing_key(pgsj_failure *failure);

/* Of the current trust, for SQL to tell: the n-th issuer (NULL: any), and where its keys come
 * from. source is NULL where the document of issuers has them. False where there is no n-th. */
typedef struct pgsj_key_binding {
    const char *issuer;
    const pgsj_key_source *source;
    const sjwt_keyset *keys; /* NULL: none */
} pgsj_key_binding;

bool pgsj_trust_key_binding(size_t n, pgsj_key_binding *out);

/* The token was refused as *failure says, and the missing key may be among those that are being
 * fetched: waits for it as pg_session_jwt.unknown_kid_wait says. Returns true where a second try
 * may find it. Can be interrupted. */
bool pgsj_trust_wait_for_key(const pgsj_failure *failure);

/* Returns false where keys are configured that the mode does not use: the client brought
 * one and the administrator pinned keys or claims mode, or the administrator pinned keys and
 * another mode. Then the session has no identity, see *failure. */
bool pgsj_trust_check_conflict(pgsj_failure *failure);

/* A setting that decides which tokens are accepted is about to change. Never fails. */
void pgsj_trust_changed(void);

/* A check of the key files may be due, even within the same statement. Never fails. */
void pgsj_trust_transaction_ended(void);

#endif
