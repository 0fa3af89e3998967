/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/discovery.h"

#include <stdio.h>
#include <string.h>

#include "jwt/json.h"
#include "jwt/memory.h"

/* The length without one "/" at the end. */
static size_t trimmed_length(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && text[len - 1] == '/' ? len - 1 : len;
}

bool sjwt_discovery_url(const char *issuer, sjwt_discovery_place place,
                        char out[SJWT_FETCH_URL_SIZE])
{
    const char *authority = strstr(issuer, "://");
    int len = (int)trimmed_length(issuer), path_at, needed;

    if (authority == NULL || strpbrk(issuer, "?#") != NULL || strlen(issuer) >= SJWT_FETCH_URL_SIZE)
        return false;
    /* Scheme and host come first. libcurl takes what follows three slashes for the host. */
    if (authority != issuer + strcspn(issuer, ":/") || authority[3] == '/' || authority[3] == '\0')
        return false;
    path_at = (int)(authority + 3 - issuer);
    path_at += (int)strcspn(issuer + path_at, "/");
    if (path_at > len)
        path_at = len;
    if (place == SJWT_DISCOVERY_OPENID)
        needed = snprintf(out, SJWT_FETCH_URL_SIZE, "%.*s/.well-known/openid-configuration", len,
                          issuer);
    else
        needed =
            snprintf(out, SJWT_FETCH_URL_SIZE, "%.*s/.well-known/oauth-authorization-server%.*s",
                     path_at, issuer, len - path_at, issuer + path_at);
    return needed > 0 && needed < SJWT_FETCH_URL_SIZE;
}

static sjwt_discovery_verdict unusable(const char **problem, const char *text)
{
    *problem = text;
    return SJWT_DISCOVERY_UNUSABLE;
}

static sjwt_discovery_verdict read_object(const sjwt_json_value *root, const char *issuer,
                                          char out[SJWT_FETCH_URL_SIZE], const char **problem)
{
    const char *claimed = sjwt_json_string(sjwt_json_member(root, "issuer"));
    const char *url = sjwt_json_string(sjwt_json_member(root, "jwks_uri"));

    if (claimed == NULL)
        return SJWT_DISCOVERY_NO_METADATA;
    if (strcmp(claimed, issuer) != 0)
        return unusable(problem, "the metadata are those of another issuer");
    if (url == NULL)
        return unusable(problem, "the metadata have no \"jwks_uri\"");
    if (strlen(url) >= SJWT_FETCH_URL_SIZE)
        return unusable(problem, "the metadata have a \"jwks_uri\" that is too long");
    snprintf(out, SJWT_FETCH_URL_SIZE, "%s", url);
    return SJWT_DISCOVERY_FOUND;
}

sjwt_discovery_verdict sjwt_discovery_read(const char *text, size_t len, const char *issuer,
                                           char out[SJWT_FETCH_URL_SIZE], const char **problem)
{
    sjwt_allocator allocator = sjwt_allocator_resolve(NULL);
    sjwt_discovery_verdict verdict;
    sjwt_json json;
    sjwt_status status = sjwt_json_parse(&allocator, text, len, SJWT_JWK_MALFORMED, &json, NULL);

    if (status != SJWT_OK)
        return status == SJWT_NO_MEMORY ? SJWT_DISCOVERY_NO_MEMORY : SJWT_DISCOVERY_NO_METADATA;
    verdict = read_object(json.root, issuer, out, problem);
    sjwt_json_free(&json);
    return verdict;
}
