/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity.h - an identity: the claims of one token, or of one value of request.jwt.claims.
 *
 * An identity is one chunk of memory, and a second one for claims as jsonb where these are made
 * later. SQL functions return pointers into it, so that it must stay readable for as long as a
 * row of a running query may hold such a pointer.
 */
#ifndef PGSJ_IDENTITY_H
#define PGSJ_IDENTITY_H

#include "postgres.h"

#include "lib/ilist.h"
#include "lib/pairingheap.h"

#include <sjwt.h>

#include "extension/claims.h"
#include "extension/policy.h"

typedef enum pgsj_identity_origin {
    PGSJ_ORIGIN_NONE,           /* the anonymous identity: no token and no claims */
    PGSJ_ORIGIN_CLAIMS,         /* request.jwt.claims */
    PGSJ_ORIGIN_TOKEN,          /* a token that this process verified */
    PGSJ_ORIGIN_LEADER_VERDICT, /* a token that the leader of this parallel worker verified */
} pgsj_identity_origin;

/* What an identity was made from. Two identities with the same key are equal. */
typedef struct pgsj_identity_key {
    pgsj_identity_origin origin;
    pgsj_digest policy; /* of the policy that the token was verified under; else zeros */
    const char *source; /* the token, or the value of request.jwt.claims */
    size_t source_len;  /* in octets */
    uint64 hash;        /* of identity_cache.c; 0: not known yet */
} pgsj_identity_key;

typedef struct pgsj_identity {
    pgsj_claims claims;
    uint64 id; /* of no other identity that this process made; not 0 */
    pgsj_identity_key key;
    bool referenced; /* a row may hold a pointer into this identity */
    uint32 pins;     /* how many parts of the session point to it */
    /* Of a token that this process verified; see pgsj_revocation_check(). */
    uint64 revocation_checked;
    struct pgsj_identity *next_retired;

    /* Of identity_cache.c alone. */
    bool cached;  /* it is in the table */
    bool visited; /* it was found since the hand of the eviction passed it */
    struct pgsj_identity *next_in_bucket;
    dlist_node queue_node;
    pairingheap_node expiry_node; /* where has_expires_at */

    sjwt_subjects subjects; /* how claims.user_id and claims.uid were made */

    /* Of a token that this process verified. */
    const char *algorithm; /* NULL without such a token */
    const char *backend;   /* likewise */
    const char *key_id;    /* the header's kid, in UTF-8; NULL where there is none */
    bool has_not_before;
    bool has_expires_at;
    bool has_issued_at;
    int64 not_before; /* microseconds since the Unix epoch, as the other times */
    int64 expires_at;
    int64 issued_at;

    void *jsonb_chunk; /* the second chunk; NULL: none */
} pgsj_identity;

/* What a new identity is made from; it is copied. */
typedef struct pgsj_identity_input {
    pgsj_identity_key key;
    pgsj_claims claims;
    sjwt_subjects subjects;  /* claims.user_id and claims.uid are named accordingly */
    const sjwt_token *token; /* NULL, only with claims.jsonb: no token that this process verified;
                                else the token that key.source is */
} pgsj_identity_input;

/* A new identity. Raises when there is no memory. */
pgsj_identity *pgsj_identity_create(const pgsj_identity_input *input);

/* The one identity of whoever has neither token nor claims. Raises when there is no memory. */
pgsj_identity *pgsj_anonymous_identity(void);

/* Are the keys equal? Compares sources in a time that depends only on their length, because a
 * source may be a token. */
bool pgsj_identity_has_key(const pgsj_identity *identity, const pgsj_identity_key *key);

/* A part of the session points to the identity until pgsj_identity_unpin(). Never fails. */
static inline void pgsj_identity_pin(pgsj_identity *identity)
{
    identity->pins++;
}

/* Gives the identity up where nothing else pins it and the cache does not hold it. Never fails. */
void pgsj_identity_unpin(pgsj_identity *identity);

/* Gives an identity up that nothing pins: frees it now, or in pgsj_free_retired_identities() where
 * rows may hold pointers into it. */
void pgsj_identity_retire(pgsj_identity *identity);

/* The memory of all identities that are not given up, in octets. */
Size pgsj_identity_memory(void);

/* Frees the identities given up so far. No row may hold a pointer into one. */
void pgsj_free_retired_identities(void);

/* Makes claims.jsonb. Raises where the payload is not acceptable as jsonb. */
const pgsj_jsonb_claims *pgsj_identity_make_jsonb_claims(const pgsj_identity *identity);

/* The claims as jsonb, which live as long as the identity. Raises as above. */
static inline const pgsj_jsonb_claims *pgsj_identity_jsonb_claims(const pgsj_identity *identity)
{
    if (likely(identity->claims.jsonb != NULL))
        return identity->claims.jsonb;
    return pgsj_identity_make_jsonb_claims(identity);
}

#endif
