/* SPDX-License-Identifier: Apache-2.0 */
/* Published tokens and keys: each file of tests/vectors/jws is a test. The
 * format is described there. */
#include "support.h"

#include <dirent.h>

#include "crypto/crypto.h"

#define MAX_FILES 200

typedef struct vector {
    const char *path;
    bool is_valid;
} vector;

typedef struct fields {
    char *source, *verify, *now, *alg, *key, *token, *payload, *status;
} fields;

static char **field_of(fields *f, const char *name, size_t len)
{
    struct {
        const char *name;
        char **value;
    } const known[] = {
        {"source", &f->source},   {"verify", &f->verify}, {"now", &f->now},
        {"alg", &f->alg},         {"key", &f->key},       {"token", &f->token},
        {"payload", &f->payload}, {"status", &f->status},
    };

    for (size_t i = 0; i < COUNT(known); i++) {
        if (strlen(known[i].name) == len && memcmp(known[i].name, name, len) == 0)
            return known[i].value;
    }
    fail_msg("an unknown field: %.*s", (int)len, name);
    return NULL;
}

static void append(char **value, const char *text, size_t len)
{
    size_t had = *value == NULL ? 0 : strlen(*value);
    char *longer = realloc(*value, had + len + 1);

    assert_non_null(longer);
    memcpy(longer + had, text, len);
    longer[had + len] = '\0';
    *value = longer;
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

static void read_fields(const char *path, fields *f)
{
    char *text = read_file(path);
    char **value = NULL;

    memset(f, 0, sizeof(*f));
    for (char *line = text, *next; *line != '\0'; line = next) {
        size_t len = strcspn(line, "\n");
        next = line + len + (line[len] == '\n');
        if (*line == '#')
            continue;
        if (*line != ' ') {
            char *colon = memchr(line, ':', len);
            assert_non_null(colon);
            value = field_of(f, line, (size_t)(colon - line));
            assert_null(*value);
            len -= (size_t)(colon + 1 - line);
            line = colon + 1;
        }
        while (len > 0 && *line == ' ') {
            line++;
            len--;
        }
        assert_non_null(value);
        append(value, line, len);
    }
    free(text);
    assert_non_null(f->source);
    assert_non_null(f->verify);
    assert_non_null(f->alg);
    assert_non_null(f->key);
    assert_non_null(f->token);
}

static void free_fields(fields *f)
{
    char *values[] = {f->source, f->verify, f->now,     f->alg,
                      f->key,    f->token,  f->payload, f->status};

    for (size_t i = 0; i < COUNT(values); i++)
        free(values[i]);
}

static sjwt_status verify(const fields *f, const sjwt_keyset *keys, const char *text,
                          sjwt_token **token)
{
    sjwt_issuer_policy issuer_policy = {.keys = keys, .algorithms = sjwt_all_algorithms()};
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};

    if (f->now != NULL)
        policy.now = strtoll(f->now, NULL, 10) * 1000000;
    if (strcmp(f->verify, "jwt") == 0)
        return sjwt_verify(NULL, text, strlen(text), &policy, token, NULL);
    assert_string_equal(f->verify, "jws");
    return sjwt_jws_verify(NULL, text, strlen(text), &policy, token, NULL);
}

static bool build_lacks(const char *alg)
{
    const sjwt_crypto_algorithm *row = sjwt_crypto_algorithm_find(alg, strlen(alg));

    assert_non_null(row);
    return sjwt_crypto_backend_name(row->alg) == NULL;
}

/* Does the token's header contain this name? */
static bool names_algorithm(const fields *f, const char *alg)
{
    char name[32], *header, *payload;
    size_t header_len, payload_len;

    if (sjwt_decode_unverified(NULL, f->token, strlen(f->token), &header, &header_len, &payload,
                               &payload_len, NULL) != SJWT_OK)
        return false;
    snprintf(name, sizeof(name), "\"%s\"", alg);
    bool found = strstr(header, name) != NULL;
    free(header);
    free(payload);
    return found;
}

static bool names_lacking_algorithm(const fields *f)
{
    bool found = false;

    for (int alg = 0; alg < SJWT_CRYPTO_ALG_COUNT; alg++) {
        const char *name = sjwt_crypto_algorithm_get((sjwt_crypto_alg)alg)->name;
        found = found || (build_lacks(name) && names_algorithm(f, name));
    }
    return found;
}

/* The key is unsupported, or unusable for a reason that each build detects. The same holds
 * for the token with any keys: here those of RFC 7515 A.1 and A.3 and of RFC 8037 A.2 that
 * the build can use. */
static void expect_unsupported(const fields *f)
{
    static const char others[] =
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"
        "1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"},"
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
        "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},"
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
        "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";
    sjwt_keyset *keys;
    sjwt_token *token;

    sjwt_status status = sjwt_keyset_parse(NULL, f->key, strlen(f->key), &keys, NULL);
    bool is_set = strncmp(f->key, "{\"keys\"", strlen("{\"keys\"")) == 0;
    if (f->status == NULL || strcmp(sjwt_status_name(status), f->status) != 0)
        assert_status(status, is_set ? SJWT_JWK_NONE_USABLE : SJWT_JWK_UNSUPPORTED, f->key);
    assert_null(keys);

    keys = keys_of(others);
    status = verify(f, keys, f->token, &token);
    if (status == SJWT_OK)
        fail_msg("verified: %s", f->token);
    if (names_algorithm(f, f->alg) &&
        (f->status == NULL || strcmp(sjwt_status_name(status), f->status) != 0))
        assert_status(status, SJWT_ALG_UNSUPPORTED, f->token);
    assert_null(token);
    sjwt_keyset_free(keys);
}

/* If any character of the token changes, the token is not valid. */
static void expect_changes_refused(const fields *f, const sjwt_keyset *keys)
{
    char *changed = strcpy(allocate_or_fail(strlen(f->token) + 1), f->token);

    for (size_t i = 0, len = strlen(changed); i < len; i += 7) {
        sjwt_token *token;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        sjwt_status status = verify(f, keys, changed, &token);
        if (status == SJWT_OK)
            fail_msg("still valid: %s", changed);
        assert_null(token);
        changed[i] = f->token[i];
    }
    free(changed);
}

static void expect_valid(const fields *f)
{
    sjwt_keyset *keys = keys_of(f->key);
    sjwt_token *token;
    size_t len;

    assert_status(verify(f, keys, f->token, &token), SJWT_OK, f->source);
    assert_string_equal(sjwt_token_algorithm(token), f->alg);
    const char *payload = sjwt_token_payload(token, &len);
    char *text = encoded(payload, len);
    assert_string_equal(text, f->payload);
    free(text);
    sjwt_token_free(token);
    expect_changes_refused(f, keys);
    sjwt_keyset_free(keys);
}

static void expect_invalid(const fields *f)
{
    const char *wanted = f->status;
    sjwt_keyset *keys;
    sjwt_token *token;

    /* An algorithm that the build does not verify is refused before the key is compared. */
    if (strcmp(wanted, "SJWT_ALG_MISMATCH") == 0 && names_lacking_algorithm(f))
        wanted = "SJWT_ALG_UNSUPPORTED";

    sjwt_status status = sjwt_keyset_parse(NULL, f->key, strlen(f->key), &keys, NULL);
    if (status == SJWT_OK) {
        const bool is_usable = sjwt_keyset_prepare_any(keys, NULL) == SJWT_OK;
        status = verify(f, keys, f->token, &token);
        if (!is_usable) { /* a key that only the library can refuse */
            assert_status(status, SJWT_KEY_REFUSED, f->key);
            status = SJWT_JWK_KEY_REFUSED;
        }
        assert_int_equal(token != NULL, status == SJWT_OK);
        sjwt_token_free(token);
        sjwt_keyset_free(keys);
    }
    assert_string_equal(sjwt_status_name(status), wanted);
}

static void test_vector(void **state)
{
    const vector *v = *state;
    fields f;

    read_fields(v->path, &f);
    assert_int_equal(f.payload != NULL, v->is_valid);
    assert_int_equal(f.status != NULL, !v->is_valid);
    if (build_lacks(f.alg))
        expect_unsupported(&f);
    else if (v->is_valid)
        expect_valid(&f);
    else
        expect_invalid(&f);
    free_fields(&f);
}

static struct CMUnitTest tests[MAX_FILES];
static vector vectors[MAX_FILES];
static size_t count;

static int is_vector(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 4 && strcmp(entry->d_name + len - 4, ".txt") == 0;
}

static bool add_directory(const char *path, bool is_valid)
{
    struct dirent **entries;
    int found = scandir(path, &entries, is_vector, alphasort);

    for (int i = 0; i < found && count < MAX_FILES; i++) {
        size_t size = strlen(path) + strlen(entries[i]->d_name) + 2;
        char *file = malloc(size);
        if (file == NULL)
            return false;
        snprintf(file, size, "%s/%s", path, entries[i]->d_name);
        vectors[count] = (vector){file, is_valid};
        tests[count] =
            (struct CMUnitTest){strrchr(file, '/') + 1, test_vector, NULL, NULL, &vectors[count]};
        count++;
        free(entries[i]);
    }
    if (found >= 0)
        free(entries);
    return found > 0 && count < MAX_FILES;
}

int main(void)
{
    if (!add_directory(TEST_VECTORS_DIR "/jws/valid", true) ||
        !add_directory(TEST_VECTORS_DIR "/jws/invalid", false)) {
        fprintf(stderr, "no vectors below %s, or too many\n", TEST_VECTORS_DIR "/jws");
        return 1;
    }
    int failed = _cmocka_run_group_tests("vectors", tests, count, NULL, NULL);
    for (size_t i = 0; i < count; i++)
        free((char *)vectors[i].path);
    return failed;
}
