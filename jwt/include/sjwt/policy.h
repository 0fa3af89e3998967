/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sjwt/policy.h - which tokens are accepted.
 */
#ifndef SJWT_POLICY_H
#define SJWT_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sjwt/algorithms.h>
#include <sjwt/claim_rules.h>
#include <sjwt/export.h>
#include <sjwt/keyset.h>
#include <sjwt/limits.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sjwt_string_list {
    const char *const *items; /* NUL-terminated each */
    size_t count;
} sjwt_string_list;

/* How the users are named that the subjects ("sub") of an issuer stand for. Where several
 * issuers are trusted, equal subjects of two of them are two users, unless both share one
 * name space. */
typedef enum sjwt_subjects {
    SJWT_SUBJECTS_UNCHECKED, /* the subject; nothing is checked, since there is one issuer only */
    SJWT_SUBJECTS_PLAIN,     /* the subject, which must not have the form of a qualified one */
    SJWT_SUBJECTS_SHARED,    /* likewise; other issuers name the same users */
    SJWT_SUBJECTS_QUALIFIED  /* the issuer and the subject, see sjwt_quote_issuer() */
} sjwt_subjects;

/* Which tokens of one issuer are accepted. */
typedef struct sjwt_issuer_policy {
    const char *issuer; /* "iss" must be exactly this, or as the pattern says, see
                           sjwt_issuer_check(); NULL: "iss" is not checked */
    const sjwt_keyset *keys;
    sjwt_algorithm_set algorithms;    /* those accepted; none by default */
    sjwt_string_list audiences;       /* one must be in "aud"; empty: "aud" is not checked */
    sjwt_string_list required_claims; /* each must be present and not null */
    sjwt_string_list types;           /* accepted header "typ", without regard to case and to a
                                          leading "application/" (RFC 7515 4.1.9); empty: any */
    const sjwt_claim_rules *claims;   /* values of other claims; NULL: none is checked */
    uint32_t max_lifetime;            /* seconds from iat to exp, and from now to exp; 0: any */
    /* The set holds one key, which the parties have agreed on for this session. The
     * header needs no "alg" if the key has only one algorithm. "kid" and "iat" are not
     * checked. */
    bool session_key;
    sjwt_subjects subjects;
} sjwt_issuer_policy;

/*
 * A qualified subject is the quoted issuer, "|", and the subject as it is. Quoting writes
 * "%" of the issuer as "%25" and "|" as "%7C": the first "|" ends the issuer. Writes the
 * len octets of issuer, quoted and without a NUL, to out, which has room for 3 * len octets.
 * Returns how many octets it wrote.
 */
SJWT_API size_t sjwt_quote_issuer(const char *issuer, size_t len, char *out);

/* What sjwt_verify() checks a token against. */
typedef struct sjwt_policy {
    /* The accepted issuers. If there are several, each one names its issuer, and a token
     * is checked against the one whose name is its "iss". */
    const sjwt_issuer_policy *issuers;
    size_t issuer_count;

    int64_t now;           /* microseconds since 1970-01-01 00:00 UTC */
    uint32_t leeway;       /* seconds that clocks may differ, for exp and nbf */
    size_t max_token_size; /* octets; 0: SJWT_MAX_TOKEN_SIZE */

    /* If not NULL, "jti" must be a 64-bit integer greater than this. */
    const int64_t *last_jti;

    /* A Logout Token is wanted: set by sjwt_verify_logout_token(), else false. */
    bool is_logout;
} sjwt_policy;

#ifdef __cplusplus
}
#endif

#endif
