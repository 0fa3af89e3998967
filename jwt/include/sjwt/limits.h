/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sjwt/limits.h - how much the library takes.
 */
#ifndef SJWT_LIMITS_H
#define SJWT_LIMITS_H

/* The largest token accepted, in octets, unless the policy says otherwise. */
#define SJWT_MAX_TOKEN_SIZE 65536
/* The largest JWK or JWK Set parsed, in octets. */
#define SJWT_MAX_KEYSET_SIZE (4 * 1024 * 1024)
/* The most usable keys of a JWK Set. */
#define SJWT_MAX_KEYS 2000
/* How many files an issuer of a document may list in "jwks_files". */
#define SJWT_MAX_KEY_FILES 16
/* The longest line of a list of revoked tokens, in octets. */
#define SJWT_MAX_REVOCATION_LINE 65536
/* The largest list of revoked tokens that the server reads, in octets, and its most values that
 * have not ended. */
#define SJWT_MAX_REVOCATION_FILE (95 * 1024 * 1024)
#define SJWT_MAX_REVOCATIONS 1000000
/* How deep arrays and objects may nest. */
#define SJWT_MAX_JSON_DEPTH 128
/* The most claims whose values a policy names, and the most values of one. */
#define SJWT_MAX_CLAIM_RULES 32
#define SJWT_MAX_CLAIM_VALUES 1000
/* How many keys are tried for a token. */
#define SJWT_MAX_CANDIDATE_KEYS 8

#endif
