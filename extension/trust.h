/*
 * trust.h - whose word counts for who the user is.
 */
#ifndef PSJ_TRUST_H
#define PSJ_TRUST_H

#include "postgres.h"

#include "jwt/jwt.h"

#include "extension/errors.h"

typedef enum psj_trust_mode {
    PSJ_TRUST_CLAIMS,     /* request.jwt.claims, from a gateway */
    PSJ_TRUST_SESSION_KEY /* tokens signed with pg_session_jwt.jwk */
} psj_trust_mode;

/* What a token is held against. */
typedef struct psj_trust {
    uint64 generation; /* another number: what was accepted before must be verified again */
    const jwt_trust *trusts;
    size_t trust_count;
    uint32 leeway;   /* seconds */
    bool rising_jti; /* each token's jti must be above the last one accepted */
} psj_trust;

/* Decided by configuration alone. */
psj_trust_mode psj_trust_mode_in_force(void);

/* The trust in force, in a mode that verifies tokens; valid until the keys
 * change. NULL: see *failure. Asked once a statement, not once a row. */
const psj_trust *psj_trust_in_force(psj_failure *failure);

/* pg_session_jwt.jwk is about to change: forget what came of it. */
void psj_trust_changed(void);

#endif
