/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sjwt/verify.h - verifies a token.
 */
#ifndef SJWT_VERIFY_H
#define SJWT_VERIFY_H

#include <stddef.h>

#include <sjwt/export.h>
#include <sjwt/memory.h>
#include <sjwt/policy.h>
#include <sjwt/status.h>
#include <sjwt/token.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Verifies a compact JWS whose payload is a claims set (RFC 7519 section 7.2).
 *
 * The checks, in order; the first that fails is reported: size; two dots; the
 * signature's encoding; header (encoding, JSON, crit, alg, typ); issuer, if the
 * policy names one and the payload can be read; kid; key; the signature's length;
 * the signature; payload (encoding, JSON); jti; nbf; exp; iat; required claims; greatest
 * lifetime; audience; values of claims; subject. Before the signature is verified nothing is reported of the payload,
 * except SJWT_ISSUER_MISSING and SJWT_ISSUER_REFUSED. If the policy has several issuers, the issuer is checked
 * before the header's alg and typ, and a payload that cannot be read is
 * SJWT_ISSUER_REFUSED.
 *
 * Which keys are candidates: those of the token's kid; if no key has that kid, those
 * without a kid; for a token without a kid (or with null), all. They are tried in the
 * order of the set, if they have the header's alg and signatures of this length. A key
 * that the crypto library refuses is passed over; if there is no other, that is
 * SJWT_KEY_REFUSED. SJWT_KEY_NOT_FOUND: no key has that kid, and the signature is by none
 * without one. SJWT_ALG_MISMATCH: no candidate has the header's alg.
 * SJWT_KEYS_NOT_ALL_TRIED: there are more than SJWT_MAX_CANDIDATE_KEYS, and the signature
 * is not by one of the first. A backend that fails is SJWT_INTERNAL.
 *
 * Times: the token is valid while now <= exp + leeway and now + leeway >= nbf. iat
 * must be a number; it is compared with exp where there is a greatest lifetime, and the time
 * from now to exp is then at most that lifetime and the leeway.
 *
 * detail of SJWT_MALFORMED, SJWT_SIGNATURE_ENCODING, SJWT_HEADER_ENCODING and
 * SJWT_HEADER_JSON: what the text has beside the token, such as an authentication scheme,
 * quotes, blanks or a byte order mark; else "".
 *
 * If the issuer or an audience is almost an accepted one, detail of
 * SJWT_ISSUER_REFUSED or SJWT_AUDIENCE_REFUSED is one of "differs only in a
 * trailing slash", "differs only in letter case" and "differs only in the
 * scheme" ("https://" and the like, or none); else it is "".
 *
 * Always refused, whatever the policy: "alg":"none", any "crit" (RFC 7515 4.1.11),
 * "b64" (RFC 7797), a header or payload that is not strict JSON (invalid
 * UTF-8, U+0000, duplicate members at any level, nesting, numbers that no
 * double holds, are longer than 63 octets or have an exponent beyond 999), and
 * an algorithm that is not the key's.
 */
SJWT_API sjwt_status sjwt_verify(const sjwt_allocator *allocator, const char *token, size_t len,
                                 const sjwt_policy *policy, sjwt_token **out, sjwt_error *error);

/* Who verifies the signature. */
typedef enum sjwt_signature_check {
    SJWT_SIGNATURE_VERIFY,          /* this call, as sjwt_verify() does */
    SJWT_SIGNATURE_ALREADY_VERIFIED /* an earlier call; never without proof of it, see below */
} sjwt_signature_check;

/*
 * The same as sjwt_verify(), but the caller may know already that the signature is valid.
 *
 * With SJWT_SIGNATURE_ALREADY_VERIFIED the signature is decoded and not verified. All other checks
 * are made, in the same order, and kid and algorithm must still mean a key of the policy; no key is
 * prepared. The caller must have proof that sjwt_verify() accepted the same octets under a policy
 * with the same issuers, keys and algorithms. Whoever can forge that proof can forge tokens.
 * sjwt_token_backend() returns the backend that verifies the algorithm in this process.
 */
SJWT_API sjwt_status sjwt_verify_with(sjwt_signature_check signature_check,
                                      const sjwt_allocator *allocator, const char *token,
                                      size_t len, const sjwt_policy *policy, sjwt_token **out,
                                      sjwt_error *error);

/*
 * Verifies a compact JWS only (RFC 7515 section 5.2): header and signature as
 * above, against policy->issuers[0] without its issuer, audiences and required
 * claims; the payload may be anything.
 *
 * SJWT_OK or, in the order of sjwt_verify(): SJWT_TOO_LARGE, SJWT_MALFORMED,
 * SJWT_SIGNATURE_ENCODING, SJWT_HEADER_ENCODING, SJWT_HEADER_JSON,
 * SJWT_CRITICAL_HEADER, SJWT_ALG_UNKNOWN, SJWT_ALG_MISSING, SJWT_ALG_NOT_ALLOWED,
 * SJWT_ALG_UNSUPPORTED, SJWT_TYPE_REFUSED, SJWT_KID_INVALID, SJWT_KEY_NOT_FOUND
 * (also, before all others, if the policy has no issuers), SJWT_ALG_MISMATCH,
 * SJWT_SIGNATURE_ENCODING (its length), SJWT_KEY_REFUSED, SJWT_SIGNATURE_INVALID,
 * SJWT_KEYS_NOT_ALL_TRIED,
 * SJWT_PAYLOAD_ENCODING; SJWT_NO_MEMORY or SJWT_INTERNAL.
 */
SJWT_API sjwt_status sjwt_jws_verify(const sjwt_allocator *allocator, const char *token, size_t len,
                                     const sjwt_policy *policy, sjwt_token **out,
                                     sjwt_error *error);

#ifdef __cplusplus
}
#endif

#endif
