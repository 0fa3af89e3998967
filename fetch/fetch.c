/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fetch/discovery.h"
#include "fetch/request.h"

struct sjwt_fetcher {
    CURLM *multi;
    sjwt_fetch_options options;
    sjwt_fetch *fetches;
};

typedef enum stage { STAGE_OPENID, STAGE_OAUTH, STAGE_KEYS } stage;

struct sjwt_fetch {
    sjwt_fetcher *fetcher;
    sjwt_fetch *next;
    bool finished;
    stage stage;
    int64_t deadline; /* of clock_ms() */
    unsigned redirects;
    char issuer[SJWT_FETCH_URL_SIZE]; /* "": the URL of the keys was given */
    char url[SJWT_FETCH_URL_SIZE];    /* of the request that runs */
    sjwt_fetch_validators known;
    sjwt_request request;
    sjwt_fetch_result result;
};

static int64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool sjwt_fetch_options_allow(sjwt_fetch_options *options, const char *name, size_t len)
{
    const struct {
        const char *name;
        bool *option;
    } names[] = {
        {"private", &options->allow_private},
        {"http", &options->allow_http},
        {"redirects", &options->allow_redirects},
        {"proxy", &options->allow_proxy},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i].name) == len && memcmp(names[i].name, name, len) == 0) {
            *names[i].option = true;
            return true;
        }
    }
    return false;
}

/* ---- results ----------------------------------------------------------- */

static void finish(sjwt_fetch *fetch, sjwt_fetch_status status)
{
    fetch->result.status = status;
    fetch->finished = true;
}

static void fail(sjwt_fetch *fetch, sjwt_fetch_status status, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

static void fail(sjwt_fetch *fetch, sjwt_fetch_status status, const char *format, ...)
{
    static const char *const places[] = {[STAGE_OPENID] = "OpenID metadata: ",
                                         [STAGE_OAUTH] = "OAuth metadata: ",
                                         [STAGE_KEYS] = ""};
    char *problem = fetch->result.problem;
    size_t size = sizeof(fetch->result.problem), len;
    va_list arguments;

    snprintf(problem, size, "%s", places[fetch->stage]);
    len = strlen(problem);
    va_start(arguments, format);
    vsnprintf(problem + len, size - len, format, arguments);
    va_end(arguments);
    /* libcurl may quote a server. */
    for (char *at = problem; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~')
            *at = '?';
    }
    finish(fetch, status);
}

/* text was checked, or has the size of out. */
static void copy(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text);
}

static void fail_memory(sjwt_fetch *fetch)
{
    fail(fetch, SJWT_FETCH_NO_MEMORY, "out of memory");
}

/* ---- requests ---------------------------------------------------------- */

/* Begins the request for fetch->url. */
static void send_request(sjwt_fetch *fetch)
{
    const sjwt_fetch_options *options = &fetch->fetcher->options;
    const char *problem = sjwt_request_check_url(options, fetch->url);
    bool is_known = fetch->stage == STAGE_KEYS && strcmp(fetch->url, fetch->known.url) == 0;

    if (problem != NULL) {
        fail(fetch, SJWT_FETCH_FORBIDDEN, "%s", problem);
        return;
    }
    if (!sjwt_request_begin(&fetch->request, fetch->fetcher->multi, fetch->url,
                            (long)(fetch->deadline - clock_ms()), is_known ? &fetch->known : NULL))
        fail_memory(fetch);
}

static void enter_stage(sjwt_fetch *fetch, stage next)
{
    fetch->stage = next;
    fetch->redirects = 0;
    if (next != STAGE_KEYS &&
        !sjwt_discovery_url(fetch->issuer,
                            next == STAGE_OPENID ? SJWT_DISCOVERY_OPENID : SJWT_DISCOVERY_OAUTH,
                            fetch->url))
        fail(fetch, SJWT_FETCH_FORBIDDEN, "the issuer is not a URL without query and fragment");
    else
        send_request(fetch);
}

static void follow_redirect(sjwt_fetch *fetch)
{
    const char *location = fetch->request.location;
    const char *problem = NULL;

    if (!fetch->fetcher->options.allow_redirects)
        problem = "the server redirects";
    else if (fetch->redirects++ == SJWT_FETCH_MAX_REDIRECTS)
        problem = "the server redirects too often";
    else if (strlen(location) >= SJWT_FETCH_URL_SIZE ||
             !sjwt_request_same_origin(fetch->url, location))
        problem = "the server redirects to another origin";
    if (problem != NULL) {
        fail(fetch, SJWT_FETCH_FORBIDDEN, "%s", problem);
        return;
    }
    copy(fetch->url, sizeof(fetch->url), location);
    send_request(fetch);
}

/* ---- answers ----------------------------------------------------------- */

static void take_validators(sjwt_fetch *fetch)
{
    const sjwt_request *request = &fetch->request;
    sjwt_fetch_validators *validators = &fetch->result.validators;

    fetch->result.max_age_s = sjwt_fetch_max_age(request->received.cache_control);
    if (fetch->result.not_modified) {
        *validators = fetch->known;
        return;
    }
    copy(validators->url, sizeof(validators->url), fetch->url);
    copy(validators->etag, sizeof(validators->etag), request->received.etag);
    copy(validators->last_modified, sizeof(validators->last_modified),
         request->received.last_modified);
}

static void take_keys(sjwt_fetch *fetch)
{
    const sjwt_request *request = &fetch->request;
    sjwt_fetch_result *result = &fetch->result;
    const char *text = request->body == NULL ? "" : request->body;
    sjwt_error error;
    sjwt_status status = sjwt_keyset_parse(NULL, text, request->len, &result->keys, &error);

    if (status == SJWT_OK)
        status = sjwt_keyset_prepare_all(result->keys, &error);
    if (status == SJWT_NO_MEMORY) {
        fail_memory(fetch);
        return;
    }
    if (status != SJWT_OK) {
        fail(fetch, SJWT_FETCH_UNUSABLE, "%s", sjwt_status_text(status));
        return;
    }
    /* Everybody can fetch a secret that the provider can. */
    if ((sjwt_keyset_algorithms(result->keys) & sjwt_public_key_algorithms()) == 0) {
        fail(fetch, SJWT_FETCH_UNUSABLE, "the keys are shared secrets, which are never public");
        return;
    }
    result->text = text;
    result->len = request->len;
    take_validators(fetch);
    finish(fetch, SJWT_FETCH_OK);
}

static void take_metadata(sjwt_fetch *fetch)
{
    const sjwt_request *request = &fetch->request;
    const char *problem = NULL;
    char url[SJWT_FETCH_URL_SIZE];

    switch (sjwt_discovery_read(request->body == NULL ? "" : request->body, request->len,
                                fetch->issuer, url, &problem)) {
    case SJWT_DISCOVERY_FOUND:
        copy(fetch->url, sizeof(fetch->url), url);
        enter_stage(fetch, STAGE_KEYS);
        return;
    case SJWT_DISCOVERY_NO_METADATA:
        /* Sites exist that answer any path with a page of HTML and the status 200. */
        if (fetch->stage == STAGE_OPENID)
            enter_stage(fetch, STAGE_OAUTH);
        else
            fail(fetch, SJWT_FETCH_UNUSABLE, "the answer is not metadata of an issuer");
        return;
    case SJWT_DISCOVERY_UNUSABLE:
        fail(fetch, SJWT_FETCH_UNUSABLE, "%s", problem);
        return;
    case SJWT_DISCOVERY_NO_MEMORY:
        fail_memory(fetch);
        return;
    }
}

static void take_answer(sjwt_fetch *fetch)
{
    const sjwt_request *request = &fetch->request;

    if (request->received.is_encoded)
        fail(fetch, SJWT_FETCH_UNUSABLE, "the answer is compressed, which was not asked for");
    else if (fetch->stage != STAGE_KEYS)
        take_metadata(fetch);
    else if (strcasecmp(request->type, "text/html") == 0)
        fail(fetch, SJWT_FETCH_UNUSABLE, "the answer is text/html");
    else
        take_keys(fetch);
}

static void judge_answer(sjwt_fetch *fetch)
{
    const sjwt_request *request = &fetch->request;
    long status = request->http_status;

    if (status == 200)
        take_answer(fetch);
    else if (status == 304 && fetch->stage == STAGE_KEYS &&
             strcmp(fetch->url, fetch->known.url) == 0) {
        fetch->result.not_modified = true;
        take_validators(fetch);
        finish(fetch, SJWT_FETCH_OK);
    } else if (request->location != NULL)
        follow_redirect(fetch);
    else if (status >= 400 && status < 500 && fetch->stage == STAGE_OPENID)
        enter_stage(fetch, STAGE_OAUTH);
    else
        fail(fetch, SJWT_FETCH_UNUSABLE, "the answer has the HTTP status %ld", status);
}

static void request_done(sjwt_fetch *fetch, CURLcode code)
{
    sjwt_request *request = &fetch->request;

    sjwt_request_finish(request, fetch->fetcher->multi, code);
    if (request->no_memory)
        fail_memory(fetch);
    else if (request->exceeded > 0)
        fail(fetch, SJWT_FETCH_UNUSABLE, "the answer is larger than %zu octets", request->exceeded);
    else if (code == CURLE_OK)
        judge_answer(fetch);
    else if (request->address_refused && code == CURLE_COULDNT_CONNECT)
        fail(fetch, SJWT_FETCH_FORBIDDEN,
             request->is_http ? "the address is not a loopback address, as http needs"
                              : "the address is not public");
    else
        fail(fetch, SJWT_FETCH_UNREACHABLE, "%s", request->curl_error);
}

/* ---- fetcher ----------------------------------------------------------- */

sjwt_fetcher *sjwt_fetcher_create(const sjwt_fetch_options *options)
{
    sjwt_fetcher *fetcher = calloc(1, sizeof(*fetcher));

    if (fetcher == NULL)
        return NULL;
    fetcher->options = *options;
    if (options->ca_file != NULL)
        fetcher->options.ca_file = strdup(options->ca_file);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        fetcher->multi = curl_multi_init();
        if (fetcher->multi != NULL &&
            (options->ca_file == NULL || fetcher->options.ca_file != NULL))
            return fetcher;
        (void)curl_multi_cleanup(fetcher->multi);
        curl_global_cleanup();
    }
    free((void *)fetcher->options.ca_file);
    free(fetcher);
    return NULL;
}

static void free_fetch(sjwt_fetch *fetch)
{
    sjwt_request_reset(&fetch->request, fetch->fetcher->multi);
    sjwt_keyset_free(fetch->result.keys);
    free(fetch);
}

void sjwt_fetcher_free(sjwt_fetcher *fetcher)
{
    if (fetcher == NULL)
        return;
    for (sjwt_fetch *fetch = fetcher->fetches, *next; fetch != NULL; fetch = next) {
        next = fetch->next;
        free_fetch(fetch);
    }
    (void)curl_multi_cleanup(fetcher->multi);
    curl_global_cleanup();
    free((void *)fetcher->options.ca_file);
    free(fetcher);
}

sjwt_fetch *sjwt_fetch_begin(sjwt_fetcher *fetcher, const char *issuer, const char *url,
                             const sjwt_fetch_validators *known)
{
    sjwt_fetch *fetch = calloc(1, sizeof(*fetch));
    const char *given = url == NULL ? issuer : url;

    if (fetch == NULL)
        return NULL;
    fetch->fetcher = fetcher;
    fetch->next = fetcher->fetches;
    fetcher->fetches = fetch;
    fetch->request.options = &fetcher->options;
    fetch->deadline = clock_ms() + SJWT_FETCH_TOTAL_MS;
    fetch->stage = url == NULL ? STAGE_OPENID : STAGE_KEYS;
    if (known != NULL)
        fetch->known = *known;
    if (strlen(given) >= SJWT_FETCH_URL_SIZE) {
        fail(fetch, SJWT_FETCH_FORBIDDEN, "the URL is too long");
        return fetch;
    }
    copy(url == NULL ? fetch->issuer : fetch->url, SJWT_FETCH_URL_SIZE, given);
    enter_stage(fetch, fetch->stage);
    return fetch;
}

static size_t count_running(const sjwt_fetcher *fetcher)
{
    size_t count = 0;

    for (const sjwt_fetch *fetch = fetcher->fetches; fetch != NULL; fetch = fetch->next)
        count += !fetch->finished;
    return count;
}

static sjwt_fetch *fetch_of(const sjwt_fetcher *fetcher, const CURL *easy)
{
    for (sjwt_fetch *fetch = fetcher->fetches; fetch != NULL; fetch = fetch->next) {
        if (fetch->request.easy == easy)
            return fetch;
    }
    return NULL;
}

static void perform(sjwt_fetcher *fetcher)
{
    const CURLMsg *message;
    int count;

    (void)curl_multi_perform(fetcher->multi, &count);
    while ((message = curl_multi_info_read(fetcher->multi, &count)) != NULL) {
        /* The message is gone with its handle. */
        CURLcode code = message->data.result;
        sjwt_fetch *fetch = fetch_of(fetcher, message->easy_handle);

        if (message->msg == CURLMSG_DONE && fetch != NULL)
            request_done(fetch, code);
    }
}

size_t sjwt_fetcher_run(sjwt_fetcher *fetcher, int wait_ms)
{
    size_t running;

    perform(fetcher);
    running = count_running(fetcher);
    if (running > 0 && wait_ms > 0) {
        (void)curl_multi_poll(fetcher->multi, NULL, 0, wait_ms, NULL);
        perform(fetcher);
        running = count_running(fetcher);
    }
    return running;
}

const sjwt_fetch_result *sjwt_fetch_result_get(const sjwt_fetch *fetch)
{
    return fetch->finished ? &fetch->result : NULL;
}

void sjwt_fetch_end(sjwt_fetch *fetch)
{
    if (fetch == NULL)
        return;
    for (sjwt_fetch **link = &fetch->fetcher->fetches; *link != NULL; link = &(*link)->next) {
        if (*link == fetch) {
            *link = fetch->next;
            break;
        }
    }
    free_fetch(fetch);
}
