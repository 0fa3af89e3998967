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
 * When several things are wrong, the first of this order is reported: size;
 * two dots; the signature's encoding; header (encoding, JSON, crit, alg, typ);
 * issuer where trusts name one and the payload can be read; kid; key; the
 * signature's length, then the signature; payload (encoding, JSON); jti; nbf;
 * exp; iat; required claims; audience. Nothing of a payload is reported before
 * its signature was found valid, but that its issuer is not one of those
 * trusted. With several issuers the issuer comes before what a trust decides of
 * the header (is alg allowed and supported, is typ accepted), and a payload
 * that cannot be read names no issuer.
 *
 * A token with a kid is held against the keys of that kid alone, one without
 * against the first SJWT_MAX_CANDIDATE_KEYS that serve its algorithm. Keys, but
 * none for the header's alg, are SJWT_ALG_MISMATCH; no key of that kid is
 * SJWT_KEY_NOT_FOUND. A time is valid while now <= exp + leeway and
 * now + leeway >= nbf. iat is but a number, and not looked at for an agreed
 * key. A key that the crypto library refuses is passed over; if there is no other,
 * that is SJWT_KEY_REFUSED. A backend that fails is SJWT_INTERNAL.
 *
 * Where the issuer or an audience is nearly the one wanted, detail of
 * SJWT_ISSUER_REFUSED and SJWT_AUDIENCE_REFUSED is one of "differs only in a
 * trailing slash", "differs only in letter case" and "differs only in the
 * scheme" ("https://" and the like, or none); else it is "".
 *
 * Refused, whatever the policy: "alg":"none", any "crit" (RFC 7515 4.1.11),
 * "b64" (RFC 7797), a header or payload that is not strict JSON (invalid
 * UTF-8, U+0000, duplicate members at any level, nesting, numbers that no
 * double holds, are longer than 63 octets or have an exponent beyond 999), and
 * an algorithm that is not the key's.
 */
SJWT_API sjwt_status sjwt_verify(const sjwt_allocator *allocator, const char *token, size_t len,
                                 const sjwt_policy *policy, sjwt_token **out, sjwt_error *error);

/*
 * Verifies a compact JWS only (RFC 7515 section 5.2): header and signature as
 * above, against policy->issuers[0] without its issuer, audiences and required
 * claims; the payload may be anything.
 *
 * SJWT_OK or, in the order of sjwt_verify(): SJWT_TOO_LARGE, SJWT_MALFORMED,
 * SJWT_SIGNATURE_ENCODING, SJWT_HEADER_ENCODING, SJWT_HEADER_JSON,
 * SJWT_CRITICAL_HEADER, SJWT_ALG_UNKNOWN, SJWT_ALG_MISSING, SJWT_ALG_NOT_ALLOWED,
 * SJWT_ALG_UNSUPPORTED, SJWT_TYPE_REFUSED, SJWT_KID_INVALID, SJWT_KEY_NOT_FOUND
 * (also, before all others, where the policy has no issuer_policy), SJWT_ALG_MISMATCH,
 * SJWT_SIGNATURE_ENCODING (its length), SJWT_KEY_REFUSED, SJWT_SIGNATURE_INVALID,
 * SJWT_PAYLOAD_ENCODING; SJWT_NO_MEMORY or SJWT_INTERNAL.
 */
SJWT_API sjwt_status sjwt_jws_verify(const sjwt_allocator *allocator, const char *token, size_t len,
                                     const sjwt_policy *policy, sjwt_token **out,
                                     sjwt_error *error);

#ifdef __cplusplus
}
#endif

#endif
