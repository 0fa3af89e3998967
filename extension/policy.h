/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - what a token is verified against, and the digest that names it.
 */
#ifndef PGSJ_POLICY_H
#define PGSJ_POLICY_H

#include "postgres.h"

#include "common/sha2.h"

#include <sjwt.h>

#include "extension/key_source.h"

/* SHA-256. */
typedef struct pgsj_digest {
    uint8 octets[PG_SHA256_DIGEST_LENGTH];
} pgsj_digest;

/* The files that have keys of one issuer. */
typedef struct pgsj_key_files {
    const pgsj_key_source **files;
    size_t count;
} pgsj_key_files;

typedef struct pgsj_verification_policy {
    const sjwt_issuer_policy *issuers;
    size_t issuer_count;
    const pgsj_key_files *key_files; /* each issuer's; NULL: no files */
    uint32 leeway;                   /* seconds */
    bool require_increasing_jti;     /* each token's jti must be above the last one accepted */
    /* Names all that decides whether a token is accepted, but its times: a token that
     * was accepted under a policy of the same digest need not be verified again.
     * leeway is not part of it, since exp and nbf are compared at each read. */
    pgsj_digest digest;
} pgsj_verification_policy;

/*
 * Sets policy->digest from its other members: the keys' octets, kids and algorithms,
 * issuers, algorithms, audiences, types, required claims, how subjects are named,
 * require_increasing_jti, and whether the key is a session's. It is the same in each process. Returns false where
 * the server's cryptography failed; raises an ERROR where there is no memory.
 */
bool pgsj_policy_set_digest(pgsj_verification_policy *policy);

/* The same for a policy of this process alone, at no cost. version is another number for each
 * policy that differs. The first SHA-256 of a process takes about 0.2 ms with OpenSSL 3. */
void pgsj_policy_set_version(pgsj_verification_policy *policy, uint64 version);

static inline bool pgsj_digest_equals(const pgsj_digest *left, const pgsj_digest *right)
{
    return memcmp(left->octets, right->octets, sizeof(left->octets)) == 0;
}

#endif
