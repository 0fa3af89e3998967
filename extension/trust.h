/*
 * trust.h - whose word counts for who the user is.
 */
#ifndef PGSJ_TRUST_H
#define PGSJ_TRUST_H

#include "postgres.h"

#include <sjwt.h>

#include "extension/errors.h"
#include "extension/keyfile.h"

typedef enum pgsj_trust_mode {
    PGSJ_TRUST_NONE,        /* nobody's */
    PGSJ_TRUST_CLAIMS,      /* request.jwt.claims, from a gateway */
    PGSJ_TRUST_SESSION_KEY, /* tokens signed with pg_session_jwt.jwk */
    PGSJ_TRUST_ISSUER       /* tokens of the issuers that the administrator pinned */
} pgsj_trust_mode;

/* What a token is held against. */
typedef struct pgsj_verification_policy {
    uint64 generation; /* another number: what was accepted before must be verified again */
    const sjwt_issuer_policy *issuers;
    size_t issuer_count;
    const pgsj_keyfile *const *files; /* each trust's key file, or NULL; NULL: no files */
    uint32 leeway;                    /* seconds */
    bool require_increasing_jti;      /* each token's jti must be above the last one accepted */
} pgsj_verification_policy;

/* Decided by configuration alone. */
pgsj_trust_mode pgsj_trust_mode_in_force(void);

/* Does the mode in force take tokens, and verify them? */
bool pgsj_trust_verifies(void);

/* The trust in force, in a mode that verifies tokens; valid until the keys
 * change. NULL: see *failure. Asked once a statement, not once a row: it looks
 * whether a key file has changed. */
const pgsj_verification_policy *pgsj_trust_in_force(pgsj_failure *failure);

/* trust, which is in force, has refused a token as failure->jwt tells. Where it
 * lacks a key, and its key file cannot be used as it is now, failure says so. */
void pgsj_trust_explain(const pgsj_verification_policy *trust, pgsj_failure *failure);

/* Are keys pinned in files, one of which cannot be used as it is now? */
bool pgsj_trust_lacks_files(void);

/* May this session have an identity at all? False: see *failure. */
bool pgsj_trust_permits(pgsj_failure *failure);

/* A setting that decides whom to trust is about to change. Never fails. */
void pgsj_trust_changed(void);

/* Key files are to be looked at again, though it be for the same statement. */
void pgsj_trust_look_again(void);

#endif
