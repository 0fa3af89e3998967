/*
 * trust.h - whose word counts for who the user is.
 */
#ifndef PSJ_TRUST_H
#define PSJ_TRUST_H

#include "postgres.h"

#include "jwt/jwt.h"

#include "extension/errors.h"
#include "extension/keyfile.h"

typedef enum psj_trust_mode {
    PSJ_TRUST_NONE,        /* nobody's */
    PSJ_TRUST_CLAIMS,      /* request.jwt.claims, from a gateway */
    PSJ_TRUST_SESSION_KEY, /* tokens signed with pg_session_jwt.jwk */
    PSJ_TRUST_ISSUER       /* tokens of the issuers that the administrator pinned */
} psj_trust_mode;

/* What a token is held against. */
typedef struct psj_trust {
    uint64 generation; /* another number: what was accepted before must be verified again */
    const jwt_trust *trusts;
    size_t trust_count;
    const psj_keyfile *const *files; /* each trust's key file, or NULL; NULL: no files */
    uint32 leeway;                   /* seconds */
    bool rising_jti;                 /* each token's jti must be above the last one accepted */
} psj_trust;

/* Decided by configuration alone. */
psj_trust_mode psj_trust_mode_in_force(void);

/* Does the mode in force take tokens, and verify them? */
bool psj_trust_verifies(void);

/* The trust in force, in a mode that verifies tokens; valid until the keys
 * change. NULL: see *failure. Asked once a statement, not once a row: it looks
 * whether a key file has changed. */
const psj_trust *psj_trust_in_force(psj_failure *failure);

/* trust, which is in force, has refused a token as failure->jwt tells. Where it
 * lacks a key, and its key file cannot be used as it is now, failure says so. */
void psj_trust_explain(const psj_trust *trust, psj_failure *failure);

/* Are keys pinned in files, one of which cannot be used as it is now? */
bool psj_trust_lacks_files(void);

/* May this session have an identity at all? False: see *failure. */
bool psj_trust_permits(psj_failure *failure);

/* A setting that decides whom to trust is about to change. Never fails. */
void psj_trust_changed(void);

/* Key files are to be looked at again, though it be for the same statement. */
void psj_trust_look_again(void);

#endif
