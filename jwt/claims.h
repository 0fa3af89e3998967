/*
 * claims.h - the registered claims of RFC 7519 section 4.1 against a policy.
 */
#ifndef PG_SESSION_JWT_JWT_CLAIMS_H
#define PG_SESSION_JWT_JWT_CLAIMS_H

#include "jwt/json.h"
#include "jwt/jwt.h"

/* Which of the policy's trusts may vouch for these claims: the one of exactly
 * this "iss". JWT_OK or JWT_ISSUER_REFUSED. */
jwt_status jwt_claims_find_trust(const jwt_json *claims, const jwt_policy *policy, size_t *index,
                                 jwt_error *error);

/* Holds the token's claims against policy and trust, in the order of
 * jwt_verify(), and keeps the times and the integer jti in token. */
jwt_status jwt_claims_check(const jwt_policy *policy, const jwt_trust *trust, jwt_token *token,
                            jwt_error *error);

#endif
