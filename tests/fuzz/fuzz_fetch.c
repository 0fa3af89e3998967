/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a provider answers: lines of headers, an empty line, and metadata of an issuer. The
 * metadata are read as those of https://a and as those of the first line.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <strings.h>

#include "fetch/discovery.h"
#include "fetch/headers.h"
#include "fetch/request.h"

#define ISSUER "https://a"

/* ---- headers ----------------------------------------------------------- */

static void must_be_printable(const char *text, size_t size)
{
    must(memchr(text, '\0', size) != NULL);
    for (; *text != '\0'; text++)
        must(*text >= ' ' && *text <= '~');
}

/* RFC 9111 section 5.2 for a Cache-Control without quotes: directives between commas. */
static uint32_t plain_max_age(const char *cache_control)
{
    char *text = copied(cache_control, strlen(cache_control)), *rest = NULL;
    uint32_t age = 300;
    bool no_cache = false;

    for (char *directive = strtok_r(text, ",", &rest); directive != NULL;
         directive = strtok_r(NULL, ",", &rest)) {
        size_t len;

        directive += strspn(directive, " \t");
        len = strcspn(directive, " \t=");
        if (len == 8 && (strncasecmp(directive, "no-store", 8) == 0 ||
                         strncasecmp(directive, "no-cache", 8) == 0))
            no_cache = true;
        if (len == 7 && strncasecmp(directive, "max-age", 7) == 0) {
            const char *value = directive + 7;

            value += strspn(value, " \t");
            if (*value != '=')
                continue;
            value += 1 + strspn(value + 1, " \t");
            if (*value >= '0' && *value <= '9') {
                const unsigned long long seconds = strtoull(value, NULL, 10);

                age = seconds > 86400 ? 86400 : (uint32_t)seconds;
            }
        }
    }
    free(text);
    return no_cache || age < 60 ? 60 : age;
}

static void look_at_headers(const sjwt_headers *headers)
{
    uint32_t age = sjwt_fetch_max_age(headers->cache_control);

    must_be_printable(headers->etag, sizeof(headers->etag));
    must_be_printable(headers->last_modified, sizeof(headers->last_modified));
    must_be_printable(headers->cache_control, sizeof(headers->cache_control));
    must(headers->len <= SJWT_FETCH_MAX_HEADERS);
    must(age >= 60 && age <= 86400);
    if (strchr(headers->cache_control, '"') == NULL)
        must(age == plain_max_age(headers->cache_control));
}

/* Takes lines up to an empty one. Returns what comes after that. */
static const char *take_headers(const char *text, const char *end)
{
    sjwt_headers headers = {.len = 0};

    while (text < end && *text != '\n') {
        const char *feed = memchr(text, '\n', (size_t)(end - text));
        const size_t len = (size_t)((feed == NULL ? end : feed + 1) - text);
        /* Not more octets than the line has, for the sanitizer. */
        char *line = malloc(len);

        must(line != NULL);
        memcpy(line, text, len);
        must(sjwt_headers_take(&headers, line, len));
        free(line);
        look_at_headers(&headers);
        text += len;
    }
    return text < end ? text + 1 : end;
}

/* ---- metadata ---------------------------------------------------------- */

typedef struct metadata {
    const char *text;
    size_t len;
    const char *issuer;
} metadata;

static int read_again(const void *context)
{
    const metadata *given = context;
    char url[SJWT_FETCH_URL_SIZE];
    const char *problem;

    return (int)sjwt_discovery_read(given->text, given->len, given->issuer, url, &problem);
}

static sjwt_discovery_verdict read_metadata(const metadata *given)
{
    char url[SJWT_FETCH_URL_SIZE];
    const char *problem = NULL;
    sjwt_discovery_verdict verdict =
        sjwt_discovery_read(given->text, given->len, given->issuer, url, &problem);

    must(verdict != SJWT_DISCOVERY_NO_MEMORY);
    must((verdict == SJWT_DISCOVERY_UNUSABLE) == (problem != NULL));
    if (verdict == SJWT_DISCOVERY_FOUND)
        must(memchr(url, '\0', sizeof(url)) != NULL);
    return verdict;
}

/* ---- URLs -------------------------------------------------------------- */

static void look_at_place(const char *issuer, sjwt_discovery_place place)
{
    char url[SJWT_FETCH_URL_SIZE];
    const sjwt_fetch_options strict = {.ca_file = NULL};

    if (!sjwt_discovery_url(issuer, place, url))
        return;
    must(memchr(url, '\0', sizeof(url)) != NULL);
    must(strstr(url, "/.well-known/") != NULL && strpbrk(url, "?#") == NULL);
    /* It has no other origin than the issuer. */
    if (sjwt_request_check_url(&strict, issuer) == NULL &&
        sjwt_request_check_url(&strict, url) == NULL)
        must(sjwt_request_same_origin(issuer, url));
}

static void look_at_url(const char *url)
{
    const sjwt_fetch_options strict = {.ca_file = NULL}, with_http = {.allow_http = true};

    if (sjwt_request_check_url(&strict, url) == NULL) {
        must(strncasecmp(url, "https:", 6) == 0);
        must(sjwt_request_check_url(&with_http, url) == NULL);
        must(sjwt_request_same_origin(url, url));
    } else if (sjwt_request_check_url(&with_http, url) == NULL)
        must(strncasecmp(url, "http:", 5) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = copied(data, size), *first = copied(data, size);
    const char *body = take_headers(text, text + size);
    const metadata given = {body, (size_t)(text + size - body), ISSUER};
    const metadata other = {given.text, given.len, first};

    first[strcspn(first, "\n")] = '\0';
    /* Metadata are those of one issuer alone. */
    must(read_metadata(&given) != SJWT_DISCOVERY_FOUND ||
         read_metadata(&other) != SJWT_DISCOVERY_FOUND || strcmp(first, ISSUER) == 0);
    look_at_place(first, SJWT_DISCOVERY_OPENID);
    look_at_place(first, SJWT_DISCOVERY_OAUTH);
    look_at_url(first);
    fail_each_allocation(read_again, &given, SJWT_DISCOVERY_NO_MEMORY, hash_of(data, size));
    free(first);
    free(text);
    return 0;
}
