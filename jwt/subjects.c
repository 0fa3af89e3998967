/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/subjects.h"
#include "jwt/error.h"

#include <string.h>

/* One octet of an issuer, quoted: 1 or 3 octets. */
static size_t quote(char octet, char out[3])
{
    if (octet != '%' && octet != '|') {
        out[0] = octet;
        return 1;
    }
    out[0] = '%';
    out[1] = octet == '%' ? '2' : '7';
    out[2] = octet == '%' ? '5' : 'C';
    return 3;
}

size_t sjwt_quote_issuer(const char *issuer, size_t len, char *out)
{
    size_t written = 0;

    for (size_t i = 0; i < len; i++)
        written += quote(issuer[i], out + written);
    return written;
}

/* Are the len octets of text the issuer, quoted? */
static bool is_quoted(const char *text, size_t len, const char *issuer)
{
    char octets[3];
    size_t at = 0;

    for (; *issuer != '\0'; issuer++) {
        size_t count = quote(*issuer, octets);
        if (count > len - at || memcmp(text + at, octets, count) != 0)
            return false;
        at += count;
    }
    return at == len;
}

/* Do the len octets of text begin as the pattern's issuers do, quoted? More than its issuers
 * may begin so. */
static bool is_pattern_of(const char *text, size_t len, const char *pattern)
{
    size_t literal = strcspn(pattern, "{}");
    char octets[3];
    size_t at = 0;

    for (size_t i = 0; i < literal; i++) {
        size_t count = quote(pattern[i], octets);
        if (count > len - at || memcmp(text + at, octets, count) != 0)
            return false;
        at += count;
    }
    return pattern[literal] != '\0';
}

static bool has_scheme(const char *text, size_t len)
{
    const char *found = strstr(text, "://");

    return found != NULL && (size_t)(found - text) < len;
}

static bool looks_qualified(const char *subject, const sjwt_policy *policy)
{
    const char *end = strchr(subject, '|');

    if (end == NULL)
        return false;
    size_t len = (size_t)(end - subject);
    if (has_scheme(subject, len))
        return true;
    for (size_t i = 0; i < policy->issuer_count; i++) {
        const sjwt_issuer_policy *other = &policy->issuers[i];
        if (other->subjects != SJWT_SUBJECTS_QUALIFIED)
            continue;
        if (is_quoted(subject, len, other->issuer) || is_pattern_of(subject, len, other->issuer))
            return true;
    }
    return false;
}

sjwt_status sjwt_subjects_check(const sjwt_json *claims, const sjwt_policy *policy,
                                const sjwt_issuer_policy *issuer_policy, sjwt_error *error)
{
    const char *subject;

    if (issuer_policy->subjects != SJWT_SUBJECTS_PLAIN &&
        issuer_policy->subjects != SJWT_SUBJECTS_SHARED)
        return SJWT_OK;
    subject = sjwt_json_string(sjwt_json_member(claims->root, "sub"));
    if (subject == NULL || !looks_qualified(subject, policy))
        return SJWT_OK;
    return sjwt_fail(error, SJWT_SUBJECT_REFUSED, 0, NULL);
}
