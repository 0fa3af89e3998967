/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/claims.h"
#include "jwt/ascii.h"
#include "jwt/claim_rules.h"
#include "jwt/error.h"
#include "jwt/subjects.h"
#include "jwt/token.h"

#include <string.h>

#define MICROSECONDS 1000000

/* ---- almost an accepted value -------------------------------------------- */

static bool differs_in_slash(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    size_t common = a_len < b_len ? a_len : b_len;

    return (a_len < b_len ? b_len - a_len : a_len - b_len) == 1 && memcmp(a, b, common) == 0 &&
           (a_len < b_len ? b : a)[common] == '/';
}

static bool differs_in_case(const char *a, const char *b)
{
    while (*a != '\0' && sjwt_lower(*a) == sjwt_lower(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

/* The text after "https://", "api://" and the like, or all of it. */
static const char *beyond_scheme(const char *text)
{
    const char *colon = strchr(text, ':');

    return colon != NULL && strncmp(colon, "://", 3) == 0 ? colon + 3 : text;
}

/* How has differs from wanted, if only slightly; else NULL. */
static const char *near_miss(const char *has, const char *wanted)
{
    if (differs_in_slash(has, wanted))
        return "differs only in a trailing slash";
    if (differs_in_case(has, wanted))
        return "differs only in letter case";
    if (strcmp(beyond_scheme(has), beyond_scheme(wanted)) == 0)
        return "differs only in the scheme";
    return NULL;
}

/* ---- the issuer -------------------------------------------------------- */

static const char *near_issuer(const char *issuer, const sjwt_policy *policy)
{
    const char *found = NULL;

    for (size_t i = 0; issuer != NULL && found == NULL && i < policy->issuer_count; i++) {
        const char *wanted = policy->issuers[i].issuer;
        if (wanted != NULL && !sjwt_issuer_is_pattern(wanted))
            found = near_miss(issuer, wanted);
    }
    return found;
}

/* An exact name goes before a pattern, and the first pattern that fits before others. */
static bool find_pattern(const sjwt_json *claims, const sjwt_policy *policy, const char *issuer,
                         size_t *index)
{
    for (size_t i = 0; issuer != NULL && i < policy->issuer_count; i++) {
        const sjwt_issuer_policy *candidate = &policy->issuers[i];
        if (candidate->issuer != NULL &&
            sjwt_issuer_matches(candidate->issuer, candidate->claims, issuer, claims->root)) {
            *index = i;
            return true;
        }
    }
    return false;
}

sjwt_status sjwt_claims_find_issuer(const sjwt_json *claims, const sjwt_policy *policy,
                                    size_t *index, sjwt_error *error)
{
    const sjwt_json_value *claim = sjwt_json_member(claims->root, "iss");
    const char *issuer = sjwt_json_string(claim);

    if (claim == NULL)
        return sjwt_fail(error, SJWT_ISSUER_MISSING, 0, NULL);
    for (size_t i = 0; i < policy->issuer_count; i++) {
        const char *wanted = policy->issuers[i].issuer;
        if (wanted != NULL && issuer != NULL && strcmp(issuer, wanted) == 0 &&
            !sjwt_issuer_is_pattern(wanted)) {
            *index = i;
            return SJWT_OK;
        }
    }
    if (find_pattern(claims, policy, issuer, index))
        return SJWT_OK;
    return sjwt_fail(error, SJWT_ISSUER_REFUSED, 0, near_issuer(issuer, policy));
}

/* ---- the other claims -------------------------------------------------- */

/* a + b for b >= 0, limited to the range of int64. */
static int64_t add(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

int64_t sjwt_valid_until(int64_t expires_at, uint32_t leeway)
{
    return add(expires_at, (int64_t)leeway * MICROSECONDS);
}

/* Keeps a NumericDate; false where it is present and no number. */
static bool read_time(const sjwt_json *claims, const char *name, sjwt_time *time,
                      const sjwt_json_number **number)
{
    *number = sjwt_json_find_number(claims, name);
    if (*number == NULL)
        return sjwt_json_member(claims->root, name) == NULL;
    time->is_present = true;
    time->microseconds = sjwt_json_number_scaled(claims, *number, 6);
    return true;
}

static sjwt_status check_times(const sjwt_policy *policy, sjwt_token *token, sjwt_error *error)
{
    const sjwt_json *claims = &token->claims;
    int64_t leeway = (int64_t)policy->leeway * MICROSECONDS;
    const sjwt_json_number *number;

    if (!read_time(claims, "nbf", &token->not_before, &number))
        return sjwt_fail(error, SJWT_NBF_INVALID, 0, NULL);
    if (number != NULL && add(policy->now, leeway) < token->not_before.microseconds)
        return sjwt_fail_time(error, SJWT_NOT_YET_VALID,
                              sjwt_json_number_scaled(claims, number, 0));

    if (!read_time(claims, "exp", &token->expires_at, &number))
        return sjwt_fail(error, SJWT_EXP_INVALID, 0, NULL);
    if (number != NULL &&
        policy->now > sjwt_valid_until(token->expires_at.microseconds, policy->leeway))
        return sjwt_fail_time(error, SJWT_EXPIRED, sjwt_json_number_scaled(claims, number, 0));
    return SJWT_OK;
}

/* The distance from a to b >= a, limited to the range of int64. */
static int64_t distance(int64_t a, int64_t b)
{
    return a < 0 && b > INT64_MAX + a ? INT64_MAX : b - a;
}

/* A token without exp is valid for ever. An iat that is in the future must not make the time
 * from now on any longer. */
static sjwt_status check_lifetime(const sjwt_policy *policy, uint32_t max_lifetime,
                                  const sjwt_token *token, sjwt_error *error)
{
    const int64_t max = (int64_t)max_lifetime * MICROSECONDS;
    const int64_t expires_at = token->expires_at.microseconds;
    const int64_t issued_at = token->issued_at.microseconds;
    bool accepted = token->expires_at.is_present;

    if (max_lifetime == 0)
        return SJWT_OK;
    if (accepted && expires_at > policy->now)
        accepted =
            distance(policy->now, expires_at) <= add(max, (int64_t)policy->leeway * MICROSECONDS);
    if (accepted && token->issued_at.is_present && expires_at > issued_at)
        accepted = distance(issued_at, expires_at) <= max;
    return accepted ? SJWT_OK : sjwt_fail(error, SJWT_LIFETIME_REFUSED, 0, NULL);
}

static sjwt_status check_id(const sjwt_policy *policy, sjwt_token *token, sjwt_error *error)
{
    const sjwt_json_number *number = sjwt_json_find_number(&token->claims, "jti");

    token->has_integer_id =
        number != NULL && sjwt_json_number_int64(&token->claims, number, &token->integer_id);
    if (policy->last_jti == NULL)
        return SJWT_OK;
    if (!token->has_integer_id)
        return sjwt_fail(error, SJWT_JTI_INVALID, 0, NULL);
    if (token->integer_id <= *policy->last_jti)
        return sjwt_fail(error, SJWT_JTI_REPLAYED, 0, NULL);
    return SJWT_OK;
}

static sjwt_status check_required(const sjwt_json *claims, const sjwt_string_list *names,
                                  sjwt_error *error)
{
    for (size_t i = 0; i < names->count; i++) {
        const sjwt_json_value *claim = sjwt_json_member(claims->root, names->items[i]);
        if (claim == NULL || sjwt_json_is_null(claim)) {
            sjwt_fail(error, SJWT_CLAIM_MISSING, 0, names->items[i]);
            if (error != NULL)
                error->claim_index = i;
            return SJWT_CLAIM_MISSING;
        }
    }
    return SJWT_OK;
}

static bool is_in_list(const char *string, const sjwt_string_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], string) == 0)
            return true;
    }
    return false;
}

/* claim is a string or an array of strings. */
static const char *near_audience(const sjwt_json_value *claim, const sjwt_string_list *audiences)
{
    bool is_array = sjwt_json_is_array(claim);
    const char *found = NULL;

    for (const sjwt_json_value *item = is_array ? sjwt_json_first(claim) : claim;
         item != NULL && found == NULL; item = is_array ? sjwt_json_next(item) : NULL) {
        for (size_t i = 0; found == NULL && i < audiences->count; i++)
            found = near_miss(sjwt_json_string(item), audiences->items[i]);
    }
    return found;
}

/* Every element is checked, so that the status does not depend on their order. */
static sjwt_status check_audience(const sjwt_json *claims, const sjwt_string_list *audiences,
                                  sjwt_error *error)
{
    if (audiences->count == 0)
        return SJWT_OK;
    const sjwt_json_value *claim = sjwt_json_member(claims->root, "aud");
    if (claim == NULL)
        return sjwt_fail(error, SJWT_AUDIENCE_MISSING, 0, NULL);

    bool found = false;
    if (sjwt_json_is_array(claim)) {
        for (const sjwt_json_value *item = sjwt_json_first(claim); item != NULL;
             item = sjwt_json_next(item)) {
            const char *audience = sjwt_json_string(item);
            if (audience == NULL)
                return sjwt_fail(error, SJWT_AUDIENCE_INVALID, 0, NULL);
            found = found || is_in_list(audience, audiences);
        }
    } else {
        const char *audience = sjwt_json_string(claim);
        if (audience == NULL)
            return sjwt_fail(error, SJWT_AUDIENCE_INVALID, 0, NULL);
        found = is_in_list(audience, audiences);
    }
    return found ? SJWT_OK
                 : sjwt_fail(error, SJWT_AUDIENCE_REFUSED, 0, near_audience(claim, audiences));
}

/* OpenID Connect Back-Channel Logout 1.0 section 2.4. */
static bool is_logout(const sjwt_json *claims)
{
    const sjwt_json_value *events = sjwt_json_member(claims->root, "events");

    return sjwt_json_is_object(
        sjwt_json_member(events, "http://schemas.openid.net/event/backchannel-logout"));
}

/* A token that ends a session must not begin one, and the other way round. */
static sjwt_status check_purpose(const sjwt_policy *policy, const sjwt_issuer_policy *issuer_policy,
                                 const sjwt_json *claims, sjwt_error *error)
{
    if (policy->is_logout)
        return is_logout(claims) ? SJWT_OK
                                 : sjwt_fail(error, SJWT_LOGOUT_INVALID, 0,
                                             "'events' has no back-channel logout");
    if (!issuer_policy->session_key && is_logout(claims))
        return sjwt_fail(error, SJWT_TYPE_REFUSED, 0, NULL);
    return SJWT_OK;
}

sjwt_status sjwt_claims_check(const sjwt_policy *policy, const sjwt_issuer_policy *issuer_policy,
                              sjwt_token *token, sjwt_error *error)
{
    const sjwt_json *claims = &token->claims;
    const sjwt_json_number *number;
    sjwt_status status;

    if ((status = check_purpose(policy, issuer_policy, claims, error)) != SJWT_OK ||
        (status = check_id(policy, token, error)) != SJWT_OK ||
        (status = check_times(policy, token, error)) != SJWT_OK)
        return status;
    /* The contract asks no valid iat of a session key's tokens. */
    if (!read_time(claims, "iat", &token->issued_at, &number) && !issuer_policy->session_key)
        return sjwt_fail(error, SJWT_IAT_INVALID, 0, NULL);
    if ((status = check_required(claims, &issuer_policy->required_claims, error)) != SJWT_OK ||
        (status = check_lifetime(policy, issuer_policy->max_lifetime, token, error)) != SJWT_OK)
        return status;
    if ((status = check_audience(claims, &issuer_policy->audiences, error)) != SJWT_OK ||
        (status = sjwt_claim_rules_check(claims->root, issuer_policy->claims,
                                         issuer_policy->required_claims.count, error)) != SJWT_OK)
        return status;
    return sjwt_subjects_check(claims, policy, issuer_policy, error);
}
