/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sjwt/logout_token.h - Logout Tokens of OpenID Connect Back-Channel Logout 1.0.
 */
#ifndef SJWT_LOGOUT_TOKEN_H
#define SJWT_LOGOUT_TOKEN_H

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
 * Verifies a Logout Token (section 2.6). The signature, the algorithm, the issuer, the
 * audience and the times are checked as sjwt_verify() does, with the keys, algorithms and
 * audiences of policy. The policy's types, required claims, values of claims, greatest lifetime
 * and last_jti are for other tokens, and are not used.
 *
 * Besides: "typ" is absent, "JWT" or "logout+jwt"; "iss", "aud", "iat", "exp", "jti" and
 * "events" are present; "iat" is not ahead; "events" has
 * "http://schemas.openid.net/event/backchannel-logout", which is an object; "jti" is a string;
 * "sid" or "sub" is present, and each that is present is a string; there is no "nonce".
 *
 * SJWT_LOGOUT_INVALID, with a detail that says which of these is wrong, or a status of
 * sjwt_verify(). sjwt_verify() itself refuses a Logout Token with SJWT_TYPE_REFUSED. On success
 * sjwt_token_claim_string() has "iss", "jti", "sid" and "sub".
 */
SJWT_API sjwt_status sjwt_verify_logout_token(const sjwt_allocator *allocator, const char *token,
                                              size_t len, const sjwt_policy *policy,
                                              sjwt_token **out, sjwt_error *error);

#ifdef __cplusplus
}
#endif

#endif
