/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sjwt/status.h - what a call returns, and the particulars of a failure.
 */
#ifndef SJWT_STATUS_H
#define SJWT_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sjwt/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Every status with its stable, lower-case text. The enum, sjwt_status_name()
 * and sjwt_status_text() are all made from this list.
 */
#define SJWT_STATUS_LIST(X)                                                                        \
    X(SJWT_OK, "valid")                                                                            \
    X(SJWT_NO_MEMORY, "out of memory")                                                             \
    X(SJWT_INTERNAL, "the crypto backend failed")                                                  \
    /* the token's form */                                                                         \
    X(SJWT_TOO_LARGE, "token is too large")                                                        \
    X(SJWT_MALFORMED, "token is not three parts separated by dots")                                \
    X(SJWT_SIGNATURE_ENCODING, "signature is not unpadded base64url of the right length")          \
    X(SJWT_HEADER_ENCODING, "header is not unpadded base64url")                                    \
    X(SJWT_HEADER_JSON, "header is not a strict JSON object")                                      \
    X(SJWT_PAYLOAD_ENCODING, "payload is not unpadded base64url")                                  \
    X(SJWT_PAYLOAD_JSON, "payload is not a strict JSON object")                                    \
    /* the header */                                                                               \
    X(SJWT_ALG_MISSING, "header names no algorithm")                                               \
    X(SJWT_ALG_UNKNOWN, "header names no known algorithm")                                         \
    X(SJWT_ALG_NOT_ALLOWED, "algorithm is not allowed here")                                       \
    X(SJWT_ALG_MISMATCH, "algorithm does not fit the key")                                         \
    X(SJWT_ALG_UNSUPPORTED, "algorithm is not supported by this build")                            \
    X(SJWT_CRITICAL_HEADER, "header has critical extensions")                                      \
    X(SJWT_KID_INVALID, "key id is not a string")                                                  \
    X(SJWT_TYPE_REFUSED, "token type is not accepted")                                             \
    /* whose key */                                                                                \
    X(SJWT_ISSUER_MISSING, "token names no issuer: claim 'iss' is missing")                        \
    X(SJWT_ISSUER_REFUSED, "issuer is not trusted")                                                \
    X(SJWT_KEY_NOT_FOUND, "no key for this token")                                                 \
    X(SJWT_KEY_REFUSED, "the crypto library refuses the key for this token")                       \
    X(SJWT_SIGNATURE_INVALID, "signature is not valid")                                            \
    X(SJWT_KEYS_NOT_ALL_TRIED, "signature is by none of the first 8 keys; not all were tried")     \
    /* claims */                                                                                   \
    X(SJWT_CLAIM_MISSING, "a required claim is missing")                                           \
    X(SJWT_CLAIM_REFUSED, "a claim has a value that is not accepted")                              \
    X(SJWT_JTI_INVALID, "'jti' is not a 64-bit integer")                                           \
    X(SJWT_JTI_REPLAYED, "'jti' is not greater than the last one accepted")                        \
    X(SJWT_NBF_INVALID, "'nbf' is not a number")                                                   \
    X(SJWT_NOT_YET_VALID, "token is not valid yet")                                                \
    X(SJWT_EXP_INVALID, "'exp' is not a number")                                                   \
    X(SJWT_EXPIRED, "token has expired")                                                           \
    X(SJWT_IAT_INVALID, "'iat' is not a number")                                                   \
    X(SJWT_LIFETIME_REFUSED, "token is valid for longer than is accepted")                         \
    X(SJWT_AUDIENCE_MISSING, "token names no audience: claim 'aud' is missing")                    \
    X(SJWT_AUDIENCE_INVALID, "'aud' is not a string or an array of strings")                       \
    X(SJWT_AUDIENCE_REFUSED, "token is not for this audience")                                     \
    X(SJWT_SUBJECT_REFUSED, "subject has the form of another issuer's")                            \
    /* Logout Tokens */                                                                            \
    X(SJWT_LOGOUT_INVALID, "not a logout token as it must be")                                     \
    /* revoked tokens */                                                                           \
    X(SJWT_REVOCATION_TOO_LARGE, "line of revoked tokens is too long")                             \
    X(SJWT_REVOCATION_MALFORMED, "line of revoked tokens is not strict JSON")                      \
    X(SJWT_REVOCATION_INVALID, "line of revoked tokens is not as it must be")                      \
    /* several issuers */                                                                          \
    X(SJWT_ISSUERS_TOO_LARGE, "document of issuers is too large")                                  \
    X(SJWT_ISSUERS_MALFORMED, "document of issuers is not strict JSON")                            \
    X(SJWT_ISSUERS_INVALID, "document of issuers is not as it must be")                            \
    X(SJWT_CLAIM_RULES_MALFORMED, "values of claims are not strict JSON")                          \
    X(SJWT_CLAIM_RULES_INVALID, "values of claims are not as they must be")                        \
    /* keys */                                                                                     \
    X(SJWT_JWK_TOO_LARGE, "key set is too large")                                                  \
    X(SJWT_JWK_MALFORMED, "not strict JSON")                                                       \
    X(SJWT_JWK_NOT_A_KEY, "not a JWK")                                                             \
    X(SJWT_JWK_NOT_A_KEY_SET, "not a JWK or JWK Set")                                              \
    X(SJWT_JWK_KTY_UNKNOWN, "key type ('kty') is not known")                                       \
    X(SJWT_JWK_CRV_UNKNOWN, "curve ('crv') is not known")                                          \
    X(SJWT_JWK_MEMBER_INVALID, "a member of the key is invalid")                                   \
    X(SJWT_JWK_KEY_REFUSED, "key has the wrong length, is too weak or is not on the curve")        \
    X(SJWT_JWK_USE_REFUSED, "key is not for signatures")                                           \
    X(SJWT_JWK_ALG_UNKNOWN, "key is for an algorithm ('alg') that is not known")                   \
    X(SJWT_JWK_ALG_MISMATCH, "key is for an algorithm ('alg') of another key type")                \
    X(SJWT_JWK_UNSUPPORTED, "key is for an algorithm that this build does not support")            \
    X(SJWT_JWK_SYMMETRIC, "symmetric key where a public key is needed")                            \
    X(SJWT_JWK_TOO_MANY, "more than 2000 usable keys in the set")                                  \
    X(SJWT_JWK_REPEATED, "the same key is in the set before")                                      \
    X(SJWT_JWK_NONE_USABLE, "no usable key in the set")

typedef enum sjwt_status {
#define SJWT_STATUS_MEMBER(name, text) name,
    SJWT_STATUS_LIST(SJWT_STATUS_MEMBER)
#undef SJWT_STATUS_MEMBER
        SJWT_STATUS_COUNT
} sjwt_status;

/* "SJWT_EXPIRED"; a constant string, also for a number that is no status. */
SJWT_API const char *sjwt_status_name(sjwt_status status);
/* "token has expired"; likewise. */
SJWT_API const char *sjwt_status_text(sjwt_status status);

/* Does the status say nothing about token, keys or document? There was no memory, or the
 * crypto library failed: the same call may succeed later. */
SJWT_API bool sjwt_status_is_transient(sjwt_status status);

/* The particulars of a failure. It owns no memory and holds no octet of a token or a key:
 * names of members and claims in detail are the library's or the policy's own. */
typedef struct sjwt_error {
    sjwt_status status;
    size_t position;     /* octet offset where parsing stopped, for JSON of a token within the
                         decoded part; 0 where there is none */
    bool has_seconds;    /* for SJWT_EXPIRED and SJWT_NOT_YET_VALID */
    int64_t seconds;     /* the claim's time, whole seconds since the epoch */
    size_t issuer_index; /* for SJWT_KEY_NOT_FOUND of sjwt_verify(): the index of the policy's
                           issuer that the token names */
    size_t claim_index;  /* for SJWT_CLAIM_MISSING and SJWT_CLAIM_REFUSED: which of the
                           required_claims, and after those which of claims */
    char detail[160];    /* particulars, or "" */
} sjwt_error;

#ifdef __cplusplus
}
#endif

#endif
