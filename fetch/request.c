/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fetch/address.h"

#define FIRST_SIZE 16384

/* ---- URLs -------------------------------------------------------------- */

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(url, part, &text, 0);

    curl_free(text);
    return code == CURLUE_OK;
}

/* Is the part, with a default port filled in, the same text? */
static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
    char *left = NULL, *right = NULL;
    bool same = curl_url_get(a, part, &left, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                curl_url_get(b, part, &right, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                strcasecmp(left, right) == 0;

    curl_free(left);
    curl_free(right);
    return same;
}

static bool is_scheme(CURLU *url, const char *name)
{
    char *scheme = NULL;
    bool same = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                strcasecmp(scheme, name) == 0;

    curl_free(scheme);
    return same;
}

static const char *check_parts(const sjwt_fetch_options *options, CURLU *parts)
{
    if (!is_scheme(parts, "https") && !(options->allow_http && is_scheme(parts, "http")))
        return "the URL is not one of https";
    if (has_part(parts, CURLUPART_USER) || has_part(parts, CURLUPART_PASSWORD))
        return "the URL has a user name or a password";
    if (has_part(parts, CURLUPART_FRAGMENT))
        return "the URL has a fragment";
    return NULL;
}

const char *sjwt_request_check_url(const sjwt_fetch_options *options, const char *url)
{
    const char *problem = "it is not a URL";
    CURLU *parts;

    if (strlen(url) >= SJWT_FETCH_URL_SIZE)
        return "the URL is too long";
    parts = curl_url();
    if (parts == NULL)
        return "out of memory";
    if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK)
        problem = check_parts(options, parts);
    curl_url_cleanup(parts);
    return problem;
}

bool sjwt_request_same_origin(const char *a, const char *b)
{
    CURLU *left = curl_url(), *right = curl_url();
    bool same = left != NULL && right != NULL &&
                curl_url_set(left, CURLUPART_URL, a, 0) == CURLUE_OK &&
                curl_url_set(right, CURLUPART_URL, b, 0) == CURLUE_OK &&
                same_part(left, right, CURLUPART_SCHEME) &&
                same_part(left, right, CURLUPART_HOST) && same_part(left, right, CURLUPART_PORT);

    curl_url_cleanup(left);
    curl_url_cleanup(right);
    return same;
}

/* ---- libcurl's callbacks ----------------------------------------------- */

static bool may_connect(const sjwt_request *request, const struct sockaddr *address)
{
    if (request->is_http)
        return sjwt_address_is_loopback(address);
    return request->options->allow_private || sjwt_address_is_public(address);
}

/* The address was resolved, and nothing has been sent to it. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    sjwt_request *request = context;
    int type = address->socktype;

    if (purpose != CURLSOCKTYPE_IPCXN || !may_connect(request, &address->addr)) {
        request->address_refused = true;
        return CURL_SOCKET_BAD;
    }
#ifdef SOCK_CLOEXEC
    type |= SOCK_CLOEXEC;
#endif
    return socket(address->family, type, address->protocol);
}

static bool grow(sjwt_request *request, size_t needed)
{
    size_t size = request->size == 0 ? FIRST_SIZE : request->size;
    char *body;

    while (size < needed)
        size *= 2;
    body = realloc(request->body, size);
    if (body == NULL)
        return false;
    request->body = body;
    request->size = size;
    return true;
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    sjwt_request *request = context;
    size_t len = size * count;

    if (len > SJWT_FETCH_MAX_SIZE - request->len) {
        request->exceeded = SJWT_FETCH_MAX_SIZE;
        return 0;
    }
    if (request->len + len + 1 > request->size && !grow(request, request->len + len + 1)) {
        request->no_memory = true;
        return 0;
    }
    memcpy(request->body + request->len, data, len);
    request->len += len;
    request->body[request->len] = '\0';
    return len;
}

static size_t take_header(char *line, size_t size, size_t count, void *context)
{
    sjwt_request *request = context;
    const size_t len = size * count;

    if (sjwt_headers_take(&request->received, line, len))
        return len;
    request->exceeded = SJWT_FETCH_MAX_HEADERS;
    return 0;
}

/* ---- requests ---------------------------------------------------------- */

static bool add_header(sjwt_request *request, const char *name, const char *value)
{
    char line[sizeof("If-Modified-Since: ") + sizeof(request->received.etag)];
    struct curl_slist *headers;

    snprintf(line, sizeof(line), "%s%s", name, value);
    headers = curl_slist_append(request->headers, line);
    if (headers == NULL)
        return false;
    request->headers = headers;
    return true;
}

static bool build_headers(sjwt_request *request, const sjwt_fetch_validators *known)
{
    if (!add_header(request, "Accept: ", "application/json, application/jwk-set+json") ||
        !add_header(request, "Accept-Encoding: ", "identity"))
        return false;
    if (known == NULL)
        return true;
    if (known->etag[0] != '\0')
        return add_header(request, "If-None-Match: ", known->etag);
    return known->last_modified[0] == '\0' ||
           add_header(request, "If-Modified-Since: ", known->last_modified);
}

/* The same option for versions of libcurl that name its values in other ways. */
static CURLcode allow_protocols(const sjwt_request *request)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(request->easy, CURLOPT_PROTOCOLS_STR,
                            request->is_http ? "http" : "https");
#else
    return curl_easy_setopt(request->easy, CURLOPT_PROTOCOLS,
                            request->is_http ? (long)CURLPROTO_HTTP : (long)CURLPROTO_HTTPS);
#endif
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool set_options(sjwt_request *request, const char *url, long limit_ms)
{
    const sjwt_fetch_options *options = request->options;
    CURL *easy = request->easy;
    bool set = true;

#define SET(option, value) set &= curl_easy_setopt(easy, option, value) == CURLE_OK
    set &= allow_protocols(request) == CURLE_OK;
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PRIVATE, request);
    SET(CURLOPT_ERRORBUFFER, request->curl_error);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_HTTPHEADER, request->headers);
    SET(CURLOPT_USERAGENT, "pg_session_jwt");
    SET(CURLOPT_CONNECTTIMEOUT_MS,
        limit_ms < SJWT_FETCH_CONNECT_MS ? limit_ms : SJWT_FETCH_CONNECT_MS);
    SET(CURLOPT_TIMEOUT_MS, limit_ms);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, request);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, request);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, request);
    /* A connection that is kept was checked against other options, and may be dead. */
    SET(CURLOPT_FORBID_REUSE, 1L);
    SET(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    SET(CURLOPT_FRESH_CONNECT, 1L);
    if (!options->allow_proxy)
        SET(CURLOPT_PROXY, "");
    if (is_set(options->ca_file)) {
        SET(CURLOPT_CAINFO, options->ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
#undef SET
    return set;
}

bool sjwt_request_begin(sjwt_request *request, CURLM *multi, const char *url, long limit_ms,
                        const sjwt_fetch_validators *known)
{
    sjwt_request_reset(request, multi);
    request->is_http = strncasecmp(url, "http:", 5) == 0;
    request->easy = curl_easy_init();
    if (request->easy != NULL && build_headers(request, known) &&
        set_options(request, url, limit_ms < 1 ? 1 : limit_ms) &&
        curl_multi_add_handle(multi, request->easy) == CURLM_OK)
        return true;
    sjwt_request_reset(request, multi);
    return false;
}

static void end_transfer(sjwt_request *request, CURLM *multi)
{
    if (request->easy != NULL) {
        (void)curl_multi_remove_handle(multi, request->easy);
        curl_easy_cleanup(request->easy);
    }
    curl_slist_free_all(request->headers);
    request->easy = NULL;
    request->headers = NULL;
}

void sjwt_request_finish(sjwt_request *request, CURLM *multi, CURLcode code)
{
    char *text = NULL;

    (void)curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &request->http_status);
    if (curl_easy_getinfo(request->easy, CURLINFO_CONTENT_TYPE, &text) == CURLE_OK &&
        text != NULL) {
        size_t len = strcspn(text, "; \t");

        if (len < sizeof(request->type)) {
            memcpy(request->type, text, len);
            request->type[len] = '\0';
        }
    }
    text = NULL;
    if (curl_easy_getinfo(request->easy, CURLINFO_REDIRECT_URL, &text) == CURLE_OK &&
        text != NULL) {
        request->location = strdup(text);
        request->no_memory |= request->location == NULL;
    }
    if (code == CURLE_OUT_OF_MEMORY)
        request->no_memory = true;
    if (request->curl_error[0] == '\0')
        snprintf(request->curl_error, sizeof(request->curl_error), "%s", curl_easy_strerror(code));
    end_transfer(request, multi);
}

void sjwt_request_reset(sjwt_request *request, CURLM *multi)
{
    const sjwt_fetch_options *options = request->options;

    end_transfer(request, multi);
    free(request->body);
    free(request->location);
    memset(request, 0, sizeof(*request));
    request->options = options;
}
