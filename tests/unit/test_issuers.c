/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of several issuers: each file of tests/vectors/issuers is a test. The tests
 * below cover what these files cannot express. */
#include "support.h"

#include <dirent.h>

#include "fake_backend.h"

#define MAX_FILES 200

#define OKP_KEY_Z                                                                                  \
    "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo\""
#define KEYS_OF(key) "\"jwks\":{" key "}"
#define FILE_A "\"jwks_file\":\"a.json\""
#define ENTRY(issuer, subjects)                                                                    \
    "{\"issuer\":\"" issuer "\",\"subjects\":\"" subjects "\"," FILE_A "}"

/* Parses and expects no leak; NULL if it fails. */
static sjwt_issuers *parse(const char *text, size_t len, sjwt_status wanted, sjwt_error *error)
{
    counting memory = {0};
    sjwt_allocator allocator = counting_allocator(&memory);
    sjwt_issuers *issuers = (sjwt_issuers *)&memory;

    assert_status(sjwt_issuers_parse(&allocator, text, len, &issuers, error), wanted, text);
    if (error != NULL && wanted != SJWT_OK)
        assert_int_equal(error->status, wanted);
    assert_int_equal(issuers != NULL, wanted == SJWT_OK);
    sjwt_issuers_free(issuers);
    assert_int_equal(memory.live, 0);
    if (wanted == SJWT_OK)
        assert_status(sjwt_issuers_parse(NULL, text, len, &issuers, NULL), SJWT_OK, text);
    return issuers;
}

static sjwt_issuers *issuers_of(const char *text)
{
    sjwt_error error;

    return parse(text, strlen(text), SJWT_OK, &error);
}

static void assert_list(const sjwt_string_list *list, const char *wanted)
{
    char joined_items[200] = "";

    for (size_t i = 0; i < list->count; i++) {
        strcat(joined_items, list->items[i]);
        strcat(joined_items, ";");
    }
    assert_string_equal(joined_items, wanted);
}

static void test_members(void **state)
{
    sjwt_issuers *issuers = issuers_of(
        "{\"issuers\":["
        "{\"issuer\":\"https:\\/\\/a\",\"jwks_file\":\"dir/a\\u00e9.json\"},"
        "{\"issuer\":\"b\",\"jwks\":{\"keys\":[{" OKP_KEY "},{" EC_KEY "},{}]},"
        "\"jwks_files\":[\"b\",\"c\"],\"audiences\":[\"x\"],\"algorithms\":[\"RS256\","
        "\"Ed25519\",\"RS256\"],"
        "\"required_claims\":[\"exp\",\"sub\",\"\\u0022\"],"
        "\"token_types\":[\"JWT\",\"at+jwt\"]},"
        "{\"issuer\":\"B\"," KEYS_OF(OCT_KEY) "},"
                                              "{\"issuer\":\"c\",\"jwks_url\":\"https:\\/\\/c\"},"
                                              "{\"issuer\":\"d\",\"discovery\":true}]}");

    (void)state;
    assert_int_equal(sjwt_issuers_count(issuers), 5);
    assert_string_equal(sjwt_issuers_get(issuers, 3)->keys_url, "https://c");
    assert_false(sjwt_issuers_get(issuers, 3)->discovery);
    assert_true(sjwt_issuers_get(issuers, 4)->discovery);
    assert_null(sjwt_issuers_get(issuers, 4)->keys_url);

    const sjwt_issuer *entry = sjwt_issuers_get(issuers, 0);
    assert_string_equal(entry->issuer, "https://a");
    assert_string_equal(entry->keys_file, "dir/a\xC3\xA9.json");
    assert_null(entry->keys);
    assert_int_equal(entry->keys_files.count, 0);
    assert_int_equal(entry->algorithms, 0);
    assert_int_equal(entry->audiences.count, 0);
    assert_int_equal(entry->required_claims.count, 0);
    assert_int_equal(entry->types.count, 0);

    entry = sjwt_issuers_get(issuers, 1);
    assert_string_equal(entry->issuer, "b");
    assert_null(entry->keys_file);
    assert_list(&entry->keys_files, "b;c;");
    assert_int_equal(sjwt_keyset_count(entry->keys), 2);
    assert_int_equal(sjwt_keyset_skipped_count(entry->keys), 1);
    assert_int_equal(entry->algorithms, SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS256) |
                                            SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA));
    assert_list(&entry->audiences, "x;");
    assert_list(&entry->required_claims, "exp;sub;\";");
    assert_list(&entry->types, "JWT;at+jwt;");

    entry = sjwt_issuers_get(issuers, 2);
    assert_string_equal(entry->issuer, "B");
    assert_int_equal(sjwt_keyset_algorithms(entry->keys), SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS256));
    sjwt_issuers_free(issuers);
    sjwt_issuers_free(NULL);
}

/* The entry, its problem, and the position: that of the first "@" of the text, which is
 * removed. */
static void test_errors(void **state)
{
    static const struct {
        const char *text;
        sjwt_status status;
        const char *detail;
    } rows[] = {
        {" @[]", SJWT_ISSUERS_INVALID, "it must be an object with \"issuers\""},
        {"@{\"issuer\":\"a\"}", SJWT_ISSUERS_INVALID, "it must be an object with \"issuers\""},
        {"{\"issuers\":@{}}", SJWT_ISSUERS_INVALID, "\"issuers\" must be an array, and not empty"},
        {"{\"issuers\": @[ ]}", SJWT_ISSUERS_INVALID,
         "\"issuers\" must be an array, and not empty"},
        {"{\"issuers\":[],\"secret\":@1}", SJWT_ISSUERS_INVALID, "a member is not known"},
        {"{\"issuers\":[{\"issuer\":\"a\"," FILE_A "},@\"x\"]}", SJWT_ISSUERS_INVALID,
         "issuers[1]: must be an object"},
        {"{\"issuers\":[{\"issuer\":\"a\"," FILE_A ",\"secret\":@{}}]}", SJWT_ISSUERS_INVALID,
         "issuers[0]: a member is not known"},
        {"{\"issuers\":[@{" FILE_A "}]}", SJWT_ISSUERS_INVALID,
         "issuers[0]: \"issuer\" is missing"},
        {"{\"issuers\":[{\"issuer\":@\"\"}]}", SJWT_ISSUERS_INVALID,
         "issuers[0]: \"issuer\" must be a string, and not empty"},
        {"{\"issuers\":[{\"jwks_file\":@1}]}", SJWT_ISSUERS_INVALID,
         "issuers[0]: \"jwks_file\" must be a string, and not empty"},
        {"{\"issuers\":[@{\"issuer\":\"a\"}]}", SJWT_ISSUERS_INVALID,
         "issuers[0]: \"jwks\", \"jwks_file\", \"jwks_files\", \"jwks_url\" or "
         "\"discovery\" is missing"},
        {"{\"issuers\":[{\"jwks_files\":@\"a\"}]}", SJWT_ISSUERS_INVALID,
         "issuers[0]: \"jwks_files\" must be an array, and not empty"},
        {"{\"issuers\":[{\"jwks_files\":@[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\","
         "\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"]}]}",
         SJWT_ISSUERS_INVALID, "issuers[0]: \"jwks_files\" has more than 16 items"},
        {"{\"issuers\":[{\"issuer\":\"a\",\"discovery\":@false}]}", SJWT_ISSUERS_INVALID,
         "issuers[0]: \"discovery\" must be true"},
        {"{\"issuers\":[{\"issuer\":\"a\",\"discovery\":@1}]}", SJWT_ISSUERS_INVALID,
         "issuers[0]: \"discovery\" must be true"},
        {"{\"issuers\":[{\"issuer\":\"a\",\"jwks_url\":@\"\"}]}", SJWT_ISSUERS_INVALID,
         "issuers[0]: \"jwks_url\" must be a string, and not empty"},
        {"{\"issuers\":[{\"audiences\":@\"x\"}]}", SJWT_ISSUERS_INVALID,
         "issuers[0]: \"audiences\" must be an array, and not empty"},
        {"{\"issuers\":[{\"token_types\":@[]}]}", SJWT_ISSUERS_INVALID,
         "issuers[0]: \"token_types\" must be an array, and not empty"},
        {"{\"issuers\":[{\"required_claims\":[\"x\", @2]}]}", SJWT_ISSUERS_INVALID,
         "issuers[0]: \"required_claims\" has an item that is no string, or empty"},
        {"{\"issuers\":[{\"algorithms\":[@\"\"]}]}", SJWT_ISSUERS_INVALID,
         "issuers[0]: \"algorithms\" has an item that is no string, or empty"},
        {"{\"issuers\":[{\"algorithms\":[\"ES256\",@\"secret\"]}]}", SJWT_ISSUERS_INVALID,
         "issuers[0]: \"algorithms\" names one that is not known"},
        {"{\"issuers\":[{\"issuer\":\"b\"," FILE_A "},{\"issuer\":\"a\"," FILE_A "},"
         "@{\"issuer\":\"\\u0062\"," KEYS_OF(OKP_KEY) "}]}",
         SJWT_ISSUERS_INVALID, "issuers[2]: is of the same \"issuer\" as issuers[0]"},

        {"{\"issuers\":[{\"subjects\":@\"QUALIFIED\"}]}", SJWT_ISSUERS_INVALID,
         "issuers[0]: \"subjects\" must be \"plain\", \"qualified\" or \"shared\""},
        {"{\"issuers\":[" ENTRY("a", "plain") "," ENTRY("b", "qualified") ",@" ENTRY("c",
                                                                                     "plain") "]}",
         SJWT_ISSUERS_INVALID,
         "issuers[2]: equal subjects of issuers[0] would be one user, which \"shared\" in both "
         "allows"},
        {"{\"issuers\":[" ENTRY("a", "plain") ",@" ENTRY("b", "shared") "]}", SJWT_ISSUERS_INVALID,
         "issuers[1]: equal subjects of issuers[0] would be one user, which \"shared\" in both "
         "allows"},
        {"{\"issuers\":[" ENTRY("a", "shared") "," ENTRY("b", "shared") ",@" ENTRY("c",
                                                                                   "plain") "]}",
         SJWT_ISSUERS_INVALID,
         "issuers[2]: equal subjects of issuers[1] would be one user, which \"shared\" in both "
         "allows"},

        {"{\"issuers\":[@{\"issuer\":\"a/{t}\"," FILE_A "}]}", SJWT_ISSUERS_INVALID,
         "issuers[0]: \"issuer\" has a claim in braces that is not in \"claims\""},
        {"{\"issuers\":[@{\"issuer\":\"a/{t}\"," FILE_A
         ",\"claims\":{\"t\":\"*\"},\"subjects\":\"plain\"}]}",
         SJWT_ISSUERS_INVALID,
         "issuers[0]: equal subjects of its several issuers would be one user, which \"shared\" "
         "allows"},
        {"{\"issuers\":[@{\"issuer\":\"a/{t}\",\"discovery\":true,\"claims\":{\"t\":\"*\"}}]}",
         SJWT_ISSUERS_INVALID, "issuers[0]: \"discovery\" needs an \"issuer\" without braces"},
        {"{\"issuers\":[{\"claims\":{\"t\":@1}}]}", SJWT_ISSUERS_INVALID,
         "issuers[0]: \"claims\" has a value that is no string, true or false"},
        {"{\"issuers\":[{\"max_lifetime\":@1.5}]}", SJWT_ISSUERS_INVALID,
         "issuers[0]: \"max_lifetime\" must be a whole number of seconds from 1 up"},

        {"{\"issuers\":[@", SJWT_ISSUERS_MALFORMED, ""},
        {"{\"issuers\":[{\"issuer\":\"a\"," FILE_A "}]}@x", SJWT_ISSUERS_MALFORMED, ""},
        {"@{\"issuers\":[{\"issuer\":\"a\",\"issuer\":\"a\"," FILE_A "}]}", SJWT_ISSUERS_MALFORMED,
         ""},

        {"{\"issuers\":[{\"issuer\":\"a\"," FILE_A "},{\"issuer\":\"b\",\"jwks\":@[]}]}",
         SJWT_JWK_NOT_A_KEY_SET, "issuers[1]: it is not an object"},
        {"{\"issuers\":[{\"jwks\":@{\"keys\":[]}}]}", SJWT_JWK_NONE_USABLE,
         "issuers[0]: the set is empty"},
        {"{\"issuers\":[{\"jwks\":@{\"keys\":[{\"kty\":\"secret\"},1]}}]}", SJWT_JWK_NONE_USABLE,
         "issuers[0]: 2 skipped, the first: key type ('kty') is not known"},
        {"{\"issuers\":[{\"jwks\":@{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"=\"}}]}",
         SJWT_JWK_MEMBER_INVALID, "issuers[0]: \"x\" is not unpadded base64url"},
        {"{\"issuers\":[{\"jwks\":@{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" K32
         "\",\"y\":\"" Y32 "\"}}]}",
         SJWT_JWK_UNSUPPORTED, "issuers[0]: ES256K"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *text = strcpy(allocate_or_fail(strlen(rows[i].text) + 1), rows[i].text);
        char *at = strchr(text, '@');
        sjwt_error error;
        assert_non_null(at);
        memmove(at, at + 1, strlen(at));
        parse(text, strlen(text), rows[i].status, &error);
        assert_string_equal(error.detail, rows[i].detail);
        if (error.position != (size_t)(at - text))
            fail_msg("at %zu instead of %zu: %s", error.position, (size_t)(at - text), text);
        parse(text, strlen(text), rows[i].status, NULL);
        free(text);
    }
}

/* Of each entry in order, by the first letter. */
static void test_subjects(void **state)
{
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"{\"issuers\":[{\"issuer\":\"a\"," FILE_A "}]}", "p"},
        {"{\"issuers\":[" ENTRY("a", "qualified") "]}", "q"},
        {"{\"issuers\":[" ENTRY("a", "shared") "]}", "s"},
        {"{\"issuers\":[{\"issuer\":\"a\"," FILE_A "},{\"issuer\":\"b\"," FILE_A "}]}", "qq"},
        {"{\"issuers\":[{\"issuer\":\"a\"," FILE_A "}," ENTRY("b", "plain") "]}", "qp"},
        {"{\"issuers\":[" ENTRY("a", "shared") ",{\"issuer\":\"b\"," FILE_A
                                               "}," ENTRY("c", "shared") "]}",
         "sqs"},
    };
    static const char letters[] = {[SJWT_SUBJECTS_UNCHECKED] = '-',
                                   [SJWT_SUBJECTS_PLAIN] = 'p',
                                   [SJWT_SUBJECTS_SHARED] = 's',
                                   [SJWT_SUBJECTS_QUALIFIED] = 'q'};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        sjwt_issuers *issuers = issuers_of(rows[i].text);
        assert_int_equal(sjwt_issuers_count(issuers), strlen(rows[i].wanted));
        for (size_t n = 0; n < sjwt_issuers_count(issuers); n++)
            assert_int_equal(letters[sjwt_issuers_get(issuers, n)->subjects], rows[i].wanted[n]);
        sjwt_issuers_free(issuers);
    }
}

/* No library is asked: a failure of one cannot refuse a document. */
static void test_no_library_is_asked(void **state)
{
    static const char text[] = "{\"issuers\":[{\"issuer\":\"a\"," KEYS_OF(OKP_KEY) "}]}";
    sjwt_error error;

    (void)state;
    fake.init = fake.prepare = SJWT_CRYPTO_INTERNAL;
    sjwt_issuers_free(parse(text, strlen(text), SJWT_OK, &error));
    fake.init = fake.prepare = SJWT_CRYPTO_OK;
}

static void test_size(void **state)
{
    static const char start[] = "{\"issuers\":[{\"issuer\":\"a\"," FILE_A "}]}";
    char *text = allocate_or_fail(SJWT_MAX_KEYSET_SIZE + 1);
    sjwt_error error;

    (void)state;
    memset(text, ' ', SJWT_MAX_KEYSET_SIZE + 1);
    memcpy(text, start, strlen(start));
    sjwt_issuers_free(parse(text, SJWT_MAX_KEYSET_SIZE, SJWT_OK, &error));
    parse(text, SJWT_MAX_KEYSET_SIZE + 1, SJWT_ISSUERS_TOO_LARGE, &error);
    free(text);
    parse(NULL, 0, SJWT_ISSUERS_MALFORMED, &error);
}

/* Many issuers out of order: each keeps its position, and a duplicate name is found at
 * any position. */
static void test_many(void **state)
{
    enum { MANY = 500, ENTRY = 48 };
    static const size_t pairs[][2] = {{0, MANY - 1}, {7, 8}, {100, 400}};
    char *text = allocate_or_fail(MANY * ENTRY + 32);
    char name[16], detail[96];
    sjwt_error error;

    (void)state;
    for (size_t pair = 0; pair <= COUNT(pairs); pair++) {
        char *next = text + sprintf(text, "{\"issuers\":[");
        for (size_t i = 0; i < MANY; i++) {
            size_t number = pair < COUNT(pairs) && i == pairs[pair][1] ? pairs[pair][0] : i;
            next += sprintf(next, "%s{\"issuer\":\"%zu\"," FILE_A "}", i == 0 ? "" : ",",
                            number * 7919 % MANY);
        }
        strcpy(next, "]}");
        sjwt_issuers *issuers =
            parse(text, strlen(text), pair < COUNT(pairs) ? SJWT_ISSUERS_INVALID : SJWT_OK, &error);
        if (issuers == NULL) {
            snprintf(detail, sizeof(detail),
                     "issuers[%zu]: is of the same \"issuer\" as issuers[%zu]", pairs[pair][1],
                     pairs[pair][0]);
            assert_string_equal(error.detail, detail);
            continue;
        }
        assert_int_equal(sjwt_issuers_count(issuers), MANY);
        for (size_t i = 0; i < MANY; i++) {
            sprintf(name, "%zu", i * 7919 % MANY);
            assert_string_equal(sjwt_issuers_get(issuers, i)->issuer, name);
        }
        sjwt_issuers_free(issuers);
    }
    free(text);
}

/* Verification with a document: a key of one issuer verifies no token of another. */
static void test_verify(void **state)
{
    static const struct {
        const char *payload;
        char letter; /* of the key */
        sjwt_status status;
    } rows[] = {
        {"{\"iss\":\"https://a\"}", 'K', SJWT_OK},
        {"{\"iss\":\"https://a\"}", 'Z', SJWT_SIGNATURE_INVALID},
        {"{\"iss\":\"https://b\",\"aud\":\"x\"}", 'Z', SJWT_OK},
        {"{\"iss\":\"https://b\",\"aud\":\"x\"}", 'K', SJWT_SIGNATURE_INVALID},
        {"{\"iss\":\"https://b\"}", 'Z', SJWT_AUDIENCE_MISSING},
        {"{\"iss\":\"https://c\"}", 'K', SJWT_ISSUER_REFUSED},
    };
    sjwt_issuers *document = issuers_of("{\"issuers\":[{\"issuer\":\"https://a\"," KEYS_OF(
        OKP_KEY) "},"
                 "{\"issuer\":\"https://b\"," KEYS_OF(OKP_KEY_Z) ",\"audiences\":[\"x\"]}]}");
    sjwt_issuer_policy issuers[2];
    sjwt_policy policy = {.issuers = issuers, .issuer_count = COUNT(issuers)};

    (void)state;
    for (size_t i = 0; i < COUNT(issuers); i++) {
        const sjwt_issuer *entry = sjwt_issuers_get(document, i);
        issuers[i] = (sjwt_issuer_policy){.issuer = entry->issuer,
                                          .keys = entry->keys,
                                          .algorithms = sjwt_public_key_algorithms(),
                                          .audiences = entry->audiences};
    }
    for (size_t i = 0; i < COUNT(rows); i++) {
        char signature[64];
        sjwt_token *token;
        memset(signature, rows[i].letter, sizeof(signature));
        char *text = compact("{\"alg\":\"EdDSA\"}", rows[i].payload, signature, sizeof(signature));
        assert_status(sjwt_verify(NULL, text, strlen(text), &policy, &token, NULL), rows[i].status,
                      rows[i].payload);
        sjwt_token_free(token);
        free(text);
    }
    sjwt_issuers_free(document);
}

/* The document may contain secrets: freed memory must not contain one. */
static size_t freed_secrets;

static void *zeroed_allocate(void *context, size_t size)
{
    (void)context;
    return calloc(1, size + 1);
}

static void watch_release(void *context, void *pointer)
{
    (void)context;
    if (strstr(pointer, K32) != NULL)
        freed_secrets++;
    free(pointer);
}

static void test_secrets_are_wiped(void **state)
{
    static const char text[] = "{\"issuers\":[{\"issuer\":\"a\"," KEYS_OF(OCT_KEY) "}]}";
    sjwt_allocator allocator = {zeroed_allocate, watch_release, NULL};
    sjwt_issuers *issuers;

    (void)state;
    freed_secrets = 0;
    assert_status(sjwt_issuers_parse(&allocator, text, strlen(text), &issuers, NULL), SJWT_OK,
                  text);
    sjwt_issuers_free(issuers);
    assert_int_equal(freed_secrets, 0);
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 65537);

    assert_non_null(file);
    assert_non_null(text);
    assert_in_range(fread(text, 1, 65536, file), 1, 65535);
    fclose(file);
    return text;
}

/* The schema's list of algorithms is the core's. */
static void test_algorithms_of_the_schema(void **state)
{
    char *schema = read_file(TEST_VECTORS_DIR "/../../docs/issuers.schema.json");
    const char *name, *backend;
    char quoted[32];
    size_t count = 1; /* "Ed25519", another name of EdDSA */

    (void)state;
    const char *start = strstr(schema, "\"enum\": [");
    assert_non_null(start);
    char *end = strchr(start, ']');
    assert_non_null(end);
    *end = '\0';
    for (size_t n = 0; sjwt_algorithm_info(n, &name, &backend); n++, count++) {
        snprintf(quoted, sizeof(quoted), "\"%s\"", name);
        assert_non_null(strstr(start, quoted));
    }
    assert_non_null(strstr(start, "\"Ed25519\""));
    size_t quotes = 0;
    for (const char *c = strchr(start, '['); *c != '\0'; c++)
        quotes += *c == '"';
    assert_int_equal(quotes, 2 * count);
    free(schema);
}

typedef struct document {
    const char *path;
    bool is_valid;
} document;

static void test_document(void **state)
{
    const document *d = *state;
    char *text = read_file(d->path);
    sjwt_issuers *issuers;
    sjwt_error error;

    sjwt_status status = sjwt_issuers_parse(NULL, text, strlen(text), &issuers, &error);
    if ((status == SJWT_OK) != d->is_valid)
        fail_msg("%s: %s", sjwt_status_name(status), status == SJWT_OK ? "" : error.detail);
    sjwt_issuers_free(issuers);
    free(text);
}

static struct CMUnitTest documents_tests[MAX_FILES];
static document documents[MAX_FILES];
static size_t count;

static int is_document(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0;
}

static bool add_directory(const char *path, bool is_valid)
{
    struct dirent **entries;
    int found = scandir(path, &entries, is_document, alphasort);

    for (int i = 0; i < found && count < MAX_FILES; i++) {
        size_t size = strlen(path) + strlen(entries[i]->d_name) + 2;
        char *file = malloc(size);
        if (file == NULL)
            return false;
        snprintf(file, size, "%s/%s", path, entries[i]->d_name);
        documents[count] = (document){file, is_valid};
        documents_tests[count] = (struct CMUnitTest){strrchr(file, '/') + 1, test_document, NULL,
                                                     NULL, &documents[count]};
        count++;
        free(entries[i]);
    }
    if (found >= 0)
        free(entries);
    return found > 0 && count < MAX_FILES;
}

/* What an entry with values of claims has, and how its users are named. */
static void test_claim_rules(void **state)
{
    static const struct {
        const char *text;
        sjwt_subjects subjects;
    } rows[] = {
        {"{\"issuers\":[{\"issuer\":\"a/{t}\"," FILE_A
         ",\"claims\":{\"t\":\"*\"},\"max_lifetime\":9}]}",
         SJWT_SUBJECTS_QUALIFIED},
        {"{\"issuers\":[{\"issuer\":\"a/{t}\"," FILE_A
         ",\"claims\":{\"t\":[\"x\",\"y\"]},\"max_lifetime\":9}]}",
         SJWT_SUBJECTS_QUALIFIED},
        {"{\"issuers\":[{\"issuer\":\"a/{t}\"," FILE_A
         ",\"claims\":{\"t\":\"x\"},\"max_lifetime\":9}]}",
         SJWT_SUBJECTS_PLAIN},
        {"{\"issuers\":[{\"issuer\":\"a/{t}\"," FILE_A
         ",\"claims\":{\"t\":\"*\"},\"max_lifetime\":9,\"subjects\":\"shared\"}]}",
         SJWT_SUBJECTS_SHARED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        sjwt_issuers *issuers;
        assert_status(sjwt_issuers_parse(NULL, rows[i].text, strlen(rows[i].text), &issuers, NULL),
                      SJWT_OK, rows[i].text);
        const sjwt_issuer *issuer = sjwt_issuers_get(issuers, 0);
        assert_int_equal(issuer->subjects, rows[i].subjects);
        assert_int_equal(issuer->max_lifetime, 9);
        assert_int_equal(issuer->claims->count, 1);
        assert_string_equal(issuer->claims->items[0].name, "t");
        sjwt_issuers_free(issuers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_subjects),
        cmocka_unit_test(test_no_library_is_asked),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_claim_rules),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_verify),
        cmocka_unit_test(test_secrets_are_wiped),
        cmocka_unit_test(test_algorithms_of_the_schema),
    };

    if (!add_directory(TEST_VECTORS_DIR "/issuers/valid", true) ||
        !add_directory(TEST_VECTORS_DIR "/issuers/invalid", false)) {
        fprintf(stderr, "no documents below %s, or too many\n", TEST_VECTORS_DIR "/issuers");
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL) +
                 _cmocka_run_group_tests("documents", documents_tests, count, NULL, NULL);
    for (size_t i = 0; i < count; i++)
        free((char *)documents[i].path);
    return failed;
}
