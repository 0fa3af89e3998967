/* SPDX-License-Identifier: Apache-2.0 */
/* The fetcher: addresses, places of metadata, times, files; and what a name resolves to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fetch/address.h"
#include "fetch/discovery.h"
#include "fetch/fetch.h"
#include "fetch/store.h"

/* ---- addresses --------------------------------------------------------- */

static struct sockaddr_storage parse_address(const char *text)
{
    struct sockaddr_storage storage = {.ss_family = AF_INET};
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        memcpy(&storage, &in, sizeof(in));
    else {
        assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
        memcpy(&storage, &in6, sizeof(in6));
    }
    return storage;
}

/* The first and the last of each block, and their neighbours. */
static const char *const not_public[] = {
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.0",
    "100.127.255.255",
    "127.0.0.0",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.0.0",
    "169.254.169.254",
    "169.254.255.255",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.255",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.255.255",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.0",
    "239.255.255.255",
    "240.0.0.0",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "::8.8.8.8",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::8.8.8.8",
    "100::1",
    "1fff:ffff::",
    "2001::1",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2002:808:808::1",
    "3fff::1",
    "3fff:fff::1",
    "4000::1",
    "fc00::1",
    "fdff::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
};

static const char *const are_public[] = {
    "1.0.0.0",         "9.255.255.255",   "11.0.0.0",
    "100.63.255.255",  "100.128.0.0",     "126.255.255.255",
    "128.0.0.0",       "169.253.255.255", "169.255.0.0",
    "172.15.255.255",  "172.32.0.0",      "192.0.1.0",
    "192.167.255.255", "192.169.0.0",     "198.17.255.255",
    "198.20.0.0",      "223.255.255.255", "8.8.8.8",
    "2000::1",         "2001:200::1",     "2001:4860:4860::8888",
    "2003::1",         "2606:4700::1111", "3ffe::1",
    "3fff:1000::1",    "::ffff:8.8.8.8",  "64:ff9b::8.8.8.8",
};

static void test_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(not_public) / sizeof(not_public[0]); i++) {
        struct sockaddr_storage address = parse_address(not_public[i]);

        if (sjwt_address_is_public((struct sockaddr *)&address))
            fail_msg("%s is public", not_public[i]);
    }
    for (size_t i = 0; i < sizeof(are_public) / sizeof(are_public[0]); i++) {
        struct sockaddr_storage address = parse_address(are_public[i]);

        if (!sjwt_address_is_public((struct sockaddr *)&address))
            fail_msg("%s is not public", are_public[i]);
        assert_false(sjwt_address_is_loopback((struct sockaddr *)&address));
    }
    assert_false(sjwt_address_is_public(&(struct sockaddr){.sa_family = AF_UNIX}));
}

static void test_loopback(void **state)
{
    static const char *const loopback[] = {"127.0.0.1", "127.255.255.255", "::1",
                                           "::ffff:127.1.2.3"};
    static const char *const others[] = {"0.0.0.0", "128.0.0.1", "10.0.0.1",
                                         "::",      "::2",       "::ffff:10.0.0.1"};

    (void)state;
    for (size_t i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++) {
        struct sockaddr_storage address = parse_address(loopback[i]);

        assert_true(sjwt_address_is_loopback((struct sockaddr *)&address));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct sockaddr_storage address = parse_address(others[i]);

        assert_false(sjwt_address_is_loopback((struct sockaddr *)&address));
    }
}

/* ---- metadata ---------------------------------------------------------- */

/* OpenID Connect Discovery 1.0 section 4.1 and RFC 8414 section 3.1 have the examples. */
static void test_places(void **state)
{
    static const struct {
        const char *issuer, *openid, *oauth;
    } examples[] = {
        {"https://example.com", "https://example.com/.well-known/openid-configuration",
         "https://example.com/.well-known/oauth-authorization-server"},
        {"https://example.com/", "https://example.com/.well-known/openid-configuration",
         "https://example.com/.well-known/oauth-authorization-server"},
        {"https://example.com/issuer1",
         "https://example.com/issuer1/.well-known/openid-configuration",
         "https://example.com/.well-known/oauth-authorization-server/issuer1"},
        {"https://example.com:8443/a/b/",
         "https://example.com:8443/a/b/.well-known/openid-configuration",
         "https://example.com:8443/.well-known/oauth-authorization-server/a/b"},
    };
    char url[SJWT_FETCH_URL_SIZE];
    char longest[SJWT_FETCH_URL_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        assert_true(sjwt_discovery_url(examples[i].issuer, SJWT_DISCOVERY_OPENID, url));
        assert_string_equal(url, examples[i].openid);
        assert_true(sjwt_discovery_url(examples[i].issuer, SJWT_DISCOVERY_OAUTH, url));
        assert_string_equal(url, examples[i].oauth);
    }
    assert_false(sjwt_discovery_url("example.com", SJWT_DISCOVERY_OPENID, url));
    assert_false(sjwt_discovery_url("https://example.com?a", SJWT_DISCOVERY_OPENID, url));
    assert_false(sjwt_discovery_url("https://example.com/#a", SJWT_DISCOVERY_OAUTH, url));
    assert_false(sjwt_discovery_url("https:///example.com", SJWT_DISCOVERY_OAUTH, url));
    assert_false(sjwt_discovery_url("https://", SJWT_DISCOVERY_OPENID, url));
    assert_false(sjwt_discovery_url("https:/a://b", SJWT_DISCOVERY_OAUTH, url));
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    memcpy(longest, "https://", 8);
    assert_false(sjwt_discovery_url(longest, SJWT_DISCOVERY_OPENID, url));
    assert_false(sjwt_discovery_url(longest, SJWT_DISCOVERY_OAUTH, url));
}

static sjwt_discovery_verdict read_metadata(const char *text, char *url)
{
    const char *problem;

    return sjwt_discovery_read(text, strlen(text), "https://a", url, &problem);
}

static void test_metadata(void **state)
{
    char url[SJWT_FETCH_URL_SIZE];

    (void)state;
    assert_int_equal(
        read_metadata("{\"issuer\":\"https:\\/\\/a\",\"jwks_uri\":\"https://b/keys\",\"more\":[1]}",
                      url),
        SJWT_DISCOVERY_FOUND);
    assert_string_equal(url, "https://b/keys");
    assert_int_equal(read_metadata("{\"issuer\":\"https://a/\",\"jwks_uri\":\"b\"}", url),
                     SJWT_DISCOVERY_UNUSABLE);
    assert_int_equal(read_metadata("{\"issuer\":\"https://A\",\"jwks_uri\":\"b\"}", url),
                     SJWT_DISCOVERY_UNUSABLE);
    assert_int_equal(read_metadata("{\"issuer\":\"https://a\",\"jwks_uri\":1}", url),
                     SJWT_DISCOVERY_UNUSABLE);
    assert_int_equal(read_metadata("{\"Issuer\":\"https://a\"}", url), SJWT_DISCOVERY_NO_METADATA);
    assert_int_equal(read_metadata("[\"issuer\"]", url), SJWT_DISCOVERY_NO_METADATA);
    assert_int_equal(read_metadata("{\"issuer\":\"https://a\",\"issuer\":\"https://a\"}", url),
                     SJWT_DISCOVERY_NO_METADATA);
    assert_int_equal(read_metadata("", url), SJWT_DISCOVERY_NO_METADATA);
}

/* ---- times ------------------------------------------------------------- */

static void test_max_age(void **state)
{
    static const struct {
        const char *cache_control;
        uint32_t seconds;
    } examples[] = {
        {"", 300},
        {"public", 300},
        {"max-age=600", 600},
        {"public, max-age=600, must-revalidate", 600},
        {"Max-Age=\"600\"", 600},
        {"max-age = 600", 600},
        {"max-age=0", 60},
        {"max-age=59", 60},
        {"max-age=86401", 86400},
        {"max-age=99999999999999999999", 86400},
        {"max-age=-1", 300},
        {"max-age", 300},
        {"s-maxage=600", 300},
        {"x-max-age=600", 300},
        {"note=\"a, max-age=600\"", 300},
        {"note=\"\\\", max-age=600\", max-age=120", 120},
        {"no-store", 60},
        {"max-age=600, no-cache", 60},
        {"no-cachet, max-age=600", 600},
        {",,max-age=600", 600},
        {"note=\"", 300},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        if (sjwt_fetch_max_age(examples[i].cache_control) != examples[i].seconds)
            fail_msg("%s: %u", examples[i].cache_control,
                     (unsigned)sjwt_fetch_max_age(examples[i].cache_control));
    }
}

static void test_retry(void **state)
{
    static const uint32_t greatest[] = {0,     0,     1000,  2000,   4000,   8000,
                                        16000, 32000, 64000, 128000, 256000, 300000};

    (void)state;
    for (unsigned failures = 1; failures < sizeof(greatest) / sizeof(greatest[0]); failures++) {
        bool differs = failures < 2;

        assert_int_equal(sjwt_fetch_retry_ms(failures, 0), greatest[failures]);
        for (uint32_t random = 0; random < 4000000000U; random += 999999937U) {
            uint32_t ms = sjwt_fetch_retry_ms(failures, random);

            assert_true(ms <= greatest[failures] && ms >= greatest[failures] / 2);
            differs |= ms != greatest[failures];
        }
        assert_true(differs);
    }
    assert_int_equal(sjwt_fetch_retry_ms(1000000, 0), 300000);
}

/* ---- options and URLs -------------------------------------------------- */

static void test_options(void **state)
{
    sjwt_fetch_options options = {.ca_file = NULL};

    (void)state;
    assert_true(sjwt_fetch_options_allow(&options, "http", 4) && options.allow_http);
    assert_false(options.allow_private || options.allow_redirects || options.allow_proxy);
    assert_true(sjwt_fetch_options_allow(&options, "private,", 7) && options.allow_private);
    assert_true(sjwt_fetch_options_allow(&options, "redirects", 9) && options.allow_redirects);
    assert_true(sjwt_fetch_options_allow(&options, "proxy", 5) && options.allow_proxy);
    assert_false(sjwt_fetch_options_allow(&options, "HTTP", 4));
    assert_false(sjwt_fetch_options_allow(&options, "", 0));
}

/* ---- files ------------------------------------------------------------- */

static void read_whole(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t len;

    assert_non_null(file);
    len = fread(out, 1, size - 1, file);
    out[len] = '\0';
    fclose(file);
}

static void test_store(void **state)
{
    char directory[] = "/tmp/test_fetch_XXXXXX", path[64], other[64], content[16];
    struct stat before, after;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/keys", directory);
    snprintf(other, sizeof(other), "%s/keys.new", directory);
    assert_true(sjwt_store_file(path, "one", 3));
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(before.st_mode & 07777, 0600);

    /* Left behind by a writer that was killed: a link is not followed. */
    assert_int_equal(symlink(path, other), 0);
    assert_true(sjwt_store_file(path, "two!", 4));
    assert_int_equal(lstat(path, &after), 0);
    assert_true(S_ISREG(after.st_mode) && after.st_ino != before.st_ino);
    read_whole(path, content, sizeof(content));
    assert_string_equal(content, "two!");
    assert_int_equal(access(other, F_OK), -1);

    assert_true(sjwt_store_touch(path));
    assert_int_equal(unlink(path), 0);
    assert_false(sjwt_store_touch(path));
    assert_int_equal(errno, ENOENT);

    /* Something is in the way: nothing remains, and the reason is told. */
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(sjwt_store_file(path, "three", 5));
    assert_int_equal(errno, EISDIR);
    assert_int_equal(access(other, F_OK), -1);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(directory), 0);
    assert_false(sjwt_store_file(path, "four", 4));
    assert_int_equal(errno, ENOENT);
}

/* ---- names ------------------------------------------------------------- */

#define PUBLIC_ADDRESS "198.41.0.4"

/* What the next look-ups of "keys.example" answer, in turn; the last is repeated. */
static const char *const *answers;
static int lookups, connections;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* In place of the C library's functions, also for libcurl. */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **out)
{
    int (*original)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(
            RTLD_NEXT, "getaddrinfo");

    pthread_mutex_lock(&mutex);
    if (node != NULL && strcmp(node, "keys.example") == 0) {
        node = *answers;
        if (answers[1] != NULL)
            answers++;
        lookups++;
    }
    pthread_mutex_unlock(&mutex);
    return original(node, service, hints, out);
}

/* Nothing leaves this machine. */
__attribute__((visibility("default"))) int connect(int fd, const struct sockaddr *address,
                                                   socklen_t len)
{
    (void)fd;
    (void)address;
    (void)len;
    connections++;
    errno = ECONNREFUSED;
    return -1;
}

static sjwt_fetch_status resolve_to(sjwt_fetcher *fetcher, const char *const *in_turn,
                                    const char *url)
{
    sjwt_fetch *fetch;
    sjwt_fetch_status status;

    answers = in_turn;
    lookups = 0;
    connections = 0;
    fetch = sjwt_fetch_begin(fetcher, NULL, url, NULL);
    assert_non_null(fetch);
    while (sjwt_fetcher_run(fetcher, 100) > 0)
        continue;
    status = sjwt_fetch_result_get(fetch)->status;
    sjwt_fetch_end(fetch);
    return status;
}

static void test_rebinding(void **state)
{
    static const char *const public_first[] = {PUBLIC_ADDRESS, NULL};
    static const char *const then[] = {"127.0.0.1", "169.254.169.254", NULL};
    sjwt_fetcher *fetcher = sjwt_fetcher_create(&(sjwt_fetch_options){.ca_file = NULL});

    (void)state;
    assert_non_null(fetcher);
    assert_int_equal(resolve_to(fetcher, public_first, "https://keys.example/"),
                     SJWT_FETCH_UNREACHABLE);
    assert_true(lookups > 0 && connections > 0);
    /* The same name, looked up again: nothing is connected to. */
    assert_int_equal(resolve_to(fetcher, then, "https://keys.example/"), SJWT_FETCH_FORBIDDEN);
    assert_true(lookups > 0);
    assert_int_equal(connections, 0);
    assert_int_equal(resolve_to(fetcher, then + 1, "https://keys.example/"), SJWT_FETCH_FORBIDDEN);
    assert_int_equal(connections, 0);
    sjwt_fetcher_free(fetcher);
}

static void test_literal_addresses(void **state)
{
    static const char *const urls[] = {"https://127.0.0.1/",         "https://[::1]/",
                                       "https://2130706433/",        "https://0x7f.1/",
                                       "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/",
                                       "https://localhost/"};
    static const char *const none[] = {"127.0.0.1", NULL};
    sjwt_fetcher *fetcher = sjwt_fetcher_create(&(sjwt_fetch_options){.allow_http = true});

    (void)state;
    assert_non_null(fetcher);
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        if (resolve_to(fetcher, none, urls[i]) != SJWT_FETCH_FORBIDDEN || connections != 0)
            fail_msg("%s", urls[i]);
    }
    /* http, which is allowed, goes nowhere else than to loopback. */
    assert_int_equal(resolve_to(fetcher, none, "http://198.41.0.4/"), SJWT_FETCH_FORBIDDEN);
    assert_int_equal(connections, 0);
    assert_int_equal(resolve_to(fetcher, none, "http://127.0.0.1:1/"), SJWT_FETCH_UNREACHABLE);
    assert_true(connections > 0);
    sjwt_fetcher_free(fetcher);

    fetcher = sjwt_fetcher_create(&(sjwt_fetch_options){.allow_private = true});
    assert_non_null(fetcher);
    assert_int_equal(resolve_to(fetcher, none, "https://127.0.0.1:1/"), SJWT_FETCH_UNREACHABLE);
    assert_true(connections > 0);
    sjwt_fetcher_free(fetcher);
}

/* A fetcher that is freed ends what runs. */
static void test_cancel(void **state)
{
    static const char *const none[] = {PUBLIC_ADDRESS, NULL};
    sjwt_fetcher *fetcher = sjwt_fetcher_create(&(sjwt_fetch_options){.ca_file = "/nowhere"});
    sjwt_fetch *fetch;

    (void)state;
    answers = none;
    assert_non_null(fetcher);
    assert_non_null(sjwt_fetch_begin(fetcher, "https://keys.example", NULL, NULL));
    fetch = sjwt_fetch_begin(fetcher, NULL, "https://keys.example/keys", NULL);
    assert_non_null(fetch);
    assert_null(sjwt_fetch_result_get(fetch));
    sjwt_fetch_end(fetch);
    (void)sjwt_fetcher_run(fetcher, 0);
    sjwt_fetcher_free(fetcher);
    sjwt_fetch_end(NULL);
    sjwt_fetcher_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_places),    cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_max_age),   cmocka_unit_test(test_retry),
        cmocka_unit_test(test_options),   cmocka_unit_test(test_store),
        cmocka_unit_test(test_rebinding), cmocka_unit_test(test_literal_addresses),
        cmocka_unit_test(test_cancel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
