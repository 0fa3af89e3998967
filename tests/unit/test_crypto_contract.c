/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every backend must answer: the vectors of tests/vectors/crypto, each
 * file a test, put to the registry and to each backend that declares the
 * algorithm; and SJWT_CRYPTO_UNSUPPORTED for what no backend of the build declares.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "once.h"

#include "crypto/registry.h"
#include "crypto/sign.h"
#include "crypto_backends.h"
#include "crypto_expectation.h"

#define VECTORS TEST_VECTORS_DIR "/crypto"

#define DECLARATION(name) extern const sjwt_crypto_backend sjwt_crypto_##name##_backend;
#define ADDRESS(name) &sjwt_crypto_##name##_backend,

SJWT_CRYPTO_BACKEND_LIST(DECLARATION)

static const sjwt_crypto_backend *const backends[] = {SJWT_CRYPTO_BACKEND_LIST(ADDRESS)};

#define BACKEND_COUNT (sizeof backends / sizeof backends[0])
#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* ---- vectors ------------------------------------------------------------ */

/* One question with its answers; README.md beside the files says what the
 * fields mean. */
struct record {
    struct vector_file *file;
    size_t line;
    sjwt_crypto_alg alg;
    sjwt_crypto_private_key key;
    sjwt_crypto_span message, signature;
    bool form_fits;                /* does the algorithm table accept the key? */
    sjwt_crypto_status key_status; /* what a backend says of the key */
    sjwt_crypto_status verdict;    /* and of the signature */
    const char *blind;             /* the backend whose library cannot tell a bad key, or NULL */
};

struct vector_file {
    char *name;
    char *text;
    uint8_t *octets; /* what the spans of its records point into */
    size_t first, count;
};

static struct record *records;
static size_t record_count;
static struct vector_file *files;
static size_t file_count;

static void die(const struct vector_file *file, size_t line, const char *what)
{
    fprintf(stderr, "%s:%zu: %s\n", file->name, line, what);
    exit(EXIT_FAILURE);
}

static void *grown(void *array, size_t count, size_t size)
{
    void *bigger = realloc(array, count * size);

    if (bigger == NULL)
        exit(EXIT_FAILURE);
    return bigger;
}

static const struct {
    const char *name;
    sjwt_crypto_key_type type;
} key_types[] = {{"OKP", SJWT_CRYPTO_KEY_OKP},
                 {"EC", SJWT_CRYPTO_KEY_EC},
                 {"RSA", SJWT_CRYPTO_KEY_RSA},
                 {"oct", SJWT_CRYPTO_KEY_OCT}};

static const struct {
    const char *name;
    sjwt_crypto_curve curve;
} curves[] = {{"Ed25519", SJWT_CRYPTO_CURVE_ED25519},
              {"P-256", SJWT_CRYPTO_CURVE_P256},
              {"P-384", SJWT_CRYPTO_CURVE_P384},
              {"P-521", SJWT_CRYPTO_CURVE_P521},
              {"secp256k1", SJWT_CRYPTO_CURVE_SECP256K1}};

static bool set_name(struct record *record, const char *field, const char *value)
{
    if (strcmp(field, "alg") == 0) {
        const sjwt_crypto_algorithm *row = sjwt_crypto_algorithm_find(value, strlen(value));
        if (row == NULL)
            return false;
        record->alg = row->alg;
        return true;
    }
    if (strcmp(field, "kty") == 0) {
        for (size_t i = 0; i < LENGTH(key_types); i++) {
            if (strcmp(value, key_types[i].name) == 0) {
                record->key.public_key.type = key_types[i].type;
                return true;
            }
        }
    }
    if (strcmp(field, "crv") == 0) {
        for (size_t i = 0; i < LENGTH(curves); i++) {
            if (strcmp(value, curves[i].name) == 0) {
                record->key.public_key.curve = curves[i].curve;
                return true;
            }
        }
    }
    if (strcmp(field, "key") == 0) {
        record->form_fits = strcmp(value, "bad-form") != 0;
        record->key_status = strcmp(value, "ok") == 0 ? SJWT_CRYPTO_OK : SJWT_CRYPTO_BAD_KEY;
        return strcmp(value, "ok") == 0 || strcmp(value, "bad-key") == 0 || !record->form_fits;
    }
    if (strcmp(field, "blind") == 0) {
        record->blind = value;
        return true;
    }
    if (strcmp(field, "verdict") == 0) {
        record->verdict = strcmp(value, "ok") == 0              ? SJWT_CRYPTO_OK
                          : strcmp(value, "bad-signature") == 0 ? SJWT_CRYPTO_BAD_SIGNATURE
                                                                : SJWT_CRYPTO_BAD_KEY;
        return record->verdict != SJWT_CRYPTO_BAD_KEY || strcmp(value, "bad-key") == 0;
    }
    return false;
}

static sjwt_crypto_span *find_span(struct record *record, const char *field)
{
    const struct {
        const char *name;
        sjwt_crypto_span *span;
    } spans[] = {{"x", &record->key.public_key.x},
                 {"y", &record->key.public_key.y},
                 {"n", &record->key.public_key.n},
                 {"e", &record->key.public_key.e},
                 {"k", &record->key.public_key.k},
                 {"d", &record->key.d},
                 {"p", &record->key.p},
                 {"q", &record->key.q},
                 {"dp", &record->key.dp},
                 {"dq", &record->key.dq},
                 {"qi", &record->key.qi},
                 {"message", &record->message},
                 {"signature", &record->signature}};

    for (size_t i = 0; i < LENGTH(spans); i++) {
        if (strcmp(field, spans[i].name) == 0)
            return spans[i].span;
    }
    return NULL;
}

/* Decodes hex to *octets, which it moves on. */
static bool set_span(sjwt_crypto_span *span, const char *hex, uint8_t **octets)
{
    size_t len = strlen(hex);

    if (len % 2 != 0)
        return false;
    *span = (sjwt_crypto_span){*octets, len / 2};
    for (; len > 0; len -= 2, hex += 2) {
        const char digits[] = {hex[0], hex[1], '\0'};
        char *end;
        *(*octets)++ = (uint8_t)strtoul(digits, &end, 16);
        if (*end != '\0')
            return false;
    }
    return true;
}

static void parse_file(struct vector_file *file)
{
    uint8_t *octets = file->octets;
    struct record *record = NULL;
    size_t line = 0;

    file->first = record_count;
    for (char *next, *at = file->text; *at != '\0'; at = next) {
        next = at + strcspn(at, "\n");
        if (*next != '\0')
            *next++ = '\0';
        line++;
        if (*at == '#')
            continue;
        if (*at == '\0') {
            record = NULL;
            continue;
        }
        char *value = strstr(at, ": ");
        if (value == NULL)
            die(file, line, "not a field");
        *value = '\0';
        value += 2;
        if (record == NULL) {
            records = grown(records, ++record_count, sizeof *records);
            record = &records[record_count - 1];
            *record = (struct record){.file = file, .line = line};
        }
        sjwt_crypto_span *span = find_span(record, at);
        if (!(span != NULL ? set_span(span, value, &octets) : set_name(record, at, value)))
            die(file, line, "bad field");
    }
    file->count = record_count - file->first;
}

static int is_vector_file(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 4 && strcmp(entry->d_name + len - 4, ".txt") == 0;
}

static void read_vectors(void)
{
    struct dirent **entries;
    int count = scandir(VECTORS, &entries, is_vector_file, alphasort);

    if (count <= 0) {
        fprintf(stderr, "no vectors in %s\n", VECTORS);
        exit(EXIT_FAILURE);
    }
    file_count = (size_t)count;
    files = grown(NULL, file_count, sizeof *files);
    for (size_t i = 0; i < file_count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", VECTORS, entries[i]->d_name);
        FILE *stream = fopen(path, "rb");
        if (stream == NULL || fseek(stream, 0, SEEK_END) != 0)
            exit(EXIT_FAILURE);
        size_t size = (size_t)ftell(stream);
        rewind(stream);
        files[i] = (struct vector_file){.name = strdup(entries[i]->d_name),
                                        .text = grown(NULL, size + 1, 1),
                                        .octets = grown(NULL, size, 1)};
        if (fread(files[i].text, 1, size, stream) != size)
            exit(EXIT_FAILURE);
        files[i].text[size] = '\0';
        fclose(stream);
        free(entries[i]);
        parse_file(&files[i]);
    }
    free(entries);
}

static void free_vectors(void)
{
    for (size_t i = 0; i < file_count; i++) {
        free(files[i].name);
        free(files[i].text);
        free(files[i].octets);
    }
    free(files);
    free(records);
}

/* ---- asking ------------------------------------------------------------- */

static const char *const status_names[] = {"OK",          "BAD_SIGNATURE", "BAD_KEY",
                                           "UNSUPPORTED", "NO_MEMORY",     "INTERNAL"};

#define expect(record, what, who, got, want)                                                       \
    do {                                                                                           \
        sjwt_crypto_status got_ = (got), want_ = (want);                                           \
        if (got_ != want_)                                                                         \
            fail_msg("%s:%zu: %s by %s is %s, not %s", (record)->file->name, (record)->line, what, \
                     who, status_names[got_], status_names[want_]);                                \
    } while (0)

/* Do its bits, and its library as it is configured, say that the backend can answer? */
static bool serves(const sjwt_crypto_backend *backend, sjwt_crypto_alg alg)
{
    if ((backend->verifies & SJWT_CRYPTO_BIT(alg)) == 0)
        return false;
    return backend->probe == NULL ||
           (backend->init() == SJWT_CRYPTO_OK && backend->probe(alg) == SJWT_CRYPTO_OK);
}

static bool is_served(sjwt_crypto_alg alg)
{
    for (size_t i = 0; i < BACKEND_COUNT; i++) {
        if ((backends[i]->verifies & SJWT_CRYPTO_BIT(alg)) != 0)
            return serves(backends[i], alg);
    }
    return false;
}

static void expect_verdict(const struct record *record, const char *what,
                           const sjwt_crypto_key_octets *key, sjwt_crypto_span message,
                           sjwt_crypto_span signature, sjwt_crypto_status want)
{
    expect(record, what, "the registry", verify_once(record->alg, key, message, signature), want);
    for (size_t i = 0; i < BACKEND_COUNT; i++) {
        if (serves(backends[i], record->alg))
            expect(record, what, backends[i]->name,
                   verify_once_by(backends[i], record->alg, key, message, signature), want);
    }
}

/* Does this backend take the bad key, and then refuse every signature? */
static bool is_blind(const struct record *record, const char *backend)
{
    return record->blind != NULL && backend != NULL && strcmp(record->blind, backend) == 0;
}

/* The vector itself. */
static void check_as_it_is(const struct record *record)
{
    const sjwt_crypto_key_octets *key = &record->key.public_key;
    sjwt_crypto_status key_status = record->key_status;
    sjwt_crypto_status verdict = record->verdict;

    if (record->form_fits && !is_served(record->alg))
        key_status = verdict = SJWT_CRYPTO_UNSUPPORTED;
    if (is_blind(record, sjwt_crypto_backend_name(record->alg))) {
        key_status = SJWT_CRYPTO_OK;
        verdict = SJWT_CRYPTO_BAD_SIGNATURE;
    }
    expect(record, "the key", "the registry", check_key(record->alg, key), key_status);
    expect(record, "the signature", "the registry",
           verify_once(record->alg, key, record->message, record->signature), verdict);
    if (!record->form_fits)
        return;

    for (size_t i = 0; i < BACKEND_COUNT; i++) {
        if (!serves(backends[i], record->alg))
            continue;
        expect(record, "init", backends[i]->name, backends[i]->init(), SJWT_CRYPTO_OK);
        bool blind = is_blind(record, backends[i]->name);
        expect(record, "the key", backends[i]->name, check_key_by(backends[i], record->alg, key),
               blind ? SJWT_CRYPTO_OK : record->key_status);
        if (record->signature.len == sjwt_crypto_signature_length(record->alg, key))
            expect(
                record, "the signature", backends[i]->name,
                verify_once_by(backends[i], record->alg, key, record->message, record->signature),
                blind ? SJWT_CRYPTO_BAD_SIGNATURE : record->verdict);
    }
}

static sjwt_crypto_span copy(uint8_t *to, sjwt_crypto_span from)
{
    if (from.len > 0)
        memcpy(to, from.data, from.len);
    return (sjwt_crypto_span){to, from.len};
}

static void check_flipped_signature(const struct record *record)
{
    uint8_t octets[SJWT_CRYPTO_MAX_SIGNATURE_SIZE];
    sjwt_crypto_span signature = copy(octets, record->signature);
    const size_t places[] = {0, signature.len / 2 - 1, signature.len / 2, signature.len - 1};

    for (size_t i = 0; i < LENGTH(places); i++) {
        octets[places[i]] ^= 1;
        expect_verdict(record, "a flipped signature", &record->key.public_key, record->message,
                       signature, SJWT_CRYPTO_BAD_SIGNATURE);
        octets[places[i]] ^= 1;
    }
}

static void check_other_message(const struct record *record)
{
    uint8_t octets[2048] = {0};
    sjwt_crypto_span message = copy(octets, record->message);

    message.len++;
    expect_verdict(record, "a longer message", &record->key.public_key, message, record->signature,
                   SJWT_CRYPTO_BAD_SIGNATURE);
    message.len--;
    if (message.len == 0)
        return;
    octets[message.len / 2] ^= 0x80;
    expect_verdict(record, "a flipped message", &record->key.public_key, message, record->signature,
                   SJWT_CRYPTO_BAD_SIGNATURE);
    octets[message.len / 2] ^= 0x80;
    message.len--;
    expect_verdict(record, "a shorter message", &record->key.public_key, message, record->signature,
                   SJWT_CRYPTO_BAD_SIGNATURE);
}

static bool is_same(sjwt_crypto_span a, sjwt_crypto_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* A good key of the algorithm, of the same size, that is not this one. */
static const sjwt_crypto_key_octets *find_other_key(const struct record *record)
{
    const sjwt_crypto_key_octets *own = &record->key.public_key;

    for (size_t i = 0; i < record_count; i++) {
        const sjwt_crypto_key_octets *key = &records[i].key.public_key;
        if (records[i].key_status == SJWT_CRYPTO_OK && key->type == own->type &&
            key->curve == own->curve && key->n.len == own->n.len && key->k.len >= own->k.len &&
            !(is_same(key->x, own->x) && is_same(key->n, own->n) && is_same(key->k, own->k)))
            return key;
    }
    return NULL;
}

static void check_other_key(const struct record *record)
{
    const sjwt_crypto_key_octets *key = &record->key.public_key;
    const sjwt_crypto_key_octets *other = find_other_key(record);
    uint8_t octets[SJWT_CRYPTO_MAX_SIGNATURE_SIZE];
    sjwt_crypto_key_octets flipped = *key;

    if (other != NULL)
        expect_verdict(record, "another key", other, record->message, record->signature,
                       SJWT_CRYPTO_BAD_SIGNATURE);
    else
        assert_true(key->type == SJWT_CRYPTO_KEY_RSA || key->type == SJWT_CRYPTO_KEY_OCT);
    /* Of these two any octets, nearly, are a key. */
    if (key->type == SJWT_CRYPTO_KEY_RSA) {
        flipped.n = copy(octets, key->n);
        octets[key->n.len / 2] ^= 0x10;
        expect_verdict(record, "a flipped modulus", &flipped, record->message, record->signature,
                       SJWT_CRYPTO_BAD_SIGNATURE);
    } else if (key->type == SJWT_CRYPTO_KEY_OCT) {
        flipped.k = copy(octets, key->k);
        octets[key->k.len - 1] ^= 0x80;
        expect_verdict(record, "a flipped secret", &flipped, record->message, record->signature,
                       SJWT_CRYPTO_BAD_SIGNATURE);
    }
}

static void check_other_lengths(const struct record *record)
{
    uint8_t octets[2 * SJWT_CRYPTO_MAX_SIGNATURE_SIZE] = {0};
    sjwt_crypto_span signature = copy(octets, record->signature);
    const size_t lengths[] = {
        0, 1, signature.len / 2, signature.len - 1, signature.len + 1, 2 * signature.len};

    for (size_t i = 0; i < LENGTH(lengths); i++)
        expect(record, "a signature of another length", "the registry",
               verify_once(record->alg, &record->key.public_key, record->message,
                           (sjwt_crypto_span){octets, lengths[i]}),
               SJWT_CRYPTO_BAD_SIGNATURE);
}

static void test_vector_file(void **state)
{
    const struct vector_file *file = *state;

    assert_true(file->count > 0);
    for (size_t i = file->first; i < file->first + file->count; i++) {
        const struct record *record = &records[i];
        check_as_it_is(record);
        if (record->verdict != SJWT_CRYPTO_OK || !is_served(record->alg))
            continue;
        check_flipped_signature(record);
        check_other_message(record);
        check_other_key(record);
        check_other_lengths(record);
    }
}

/* ---- over all vectors --------------------------------------------------- */

/* Each algorithm has a valid vector, so that no bit is declared unasked. */
static void test_each_algorithm_has_a_vector(void **state)
{
    (void)state;
    for (size_t alg = 0; alg < SJWT_CRYPTO_ALG_COUNT; alg++) {
        size_t valid = 0;
        for (size_t i = 0; i < record_count; i++)
            valid += records[i].alg == alg && records[i].verdict == SJWT_CRYPTO_OK;
        if (valid == 0)
            fail_msg("%s has no valid vector",
                     sjwt_crypto_algorithm_get((sjwt_crypto_alg)alg)->name);
    }
}

static void test_undeclared_is_unsupported(void **state)
{
    (void)state;
    for (size_t i = 0; i < record_count; i++) {
        const struct record *record = &records[i];
        if (!record->form_fits)
            continue;
        bool unsupported =
            check_key(record->alg, &record->key.public_key) == SJWT_CRYPTO_UNSUPPORTED;
        assert_int_equal(unsupported, !is_served(record->alg));
        /* Whatever the signature looks like. */
        unsupported = verify_once(record->alg, &record->key.public_key, record->message,
                                  (sjwt_crypto_span){NULL, 0}) == SJWT_CRYPTO_UNSUPPORTED;
        assert_int_equal(unsupported, !is_served(record->alg));
    }
}

/* A key never serves an algorithm of another family or curve, however its
 * octets lie: every span of the wrong key is filled as the right one would be. */
static void test_no_key_serves_another_family(void **state)
{
    uint8_t signature[2 * SJWT_CRYPTO_MAX_SIGNATURE_SIZE] = {0};

    (void)state;
    for (size_t i = 0; i < record_count; i++) {
        const struct record *record = &records[i];
        if (record->verdict != SJWT_CRYPTO_OK)
            continue;
        for (size_t j = 0; j < SJWT_CRYPTO_ALG_COUNT; j++) {
            const sjwt_crypto_algorithm *row = sjwt_crypto_algorithm_get((sjwt_crypto_alg)j);
            sjwt_crypto_key_octets key = record->key.public_key;
            if (row->key_type == key.type && row->curve == key.curve)
                continue;
            const sjwt_crypto_span octets = key.n.len != 0 ? key.n : key.k.len != 0 ? key.k : key.x;
            key.x = key.y = (sjwt_crypto_span){octets.data, row->coordinate_len};
            if (octets.len < row->coordinate_len)
                key.x = key.y = octets;
            key.k = key.n = octets;
            key.e = (sjwt_crypto_span){octets.data, 1};
            expect(record, row->name, "the key of another family", check_key(row->alg, &key),
                   SJWT_CRYPTO_BAD_KEY);
            expect(record, row->name, "the key of another family",
                   verify_once(row->alg, &key, record->message,
                               (sjwt_crypto_span){signature, row->signature_len != 0
                                                                 ? row->signature_len
                                                                 : octets.len}),
                   SJWT_CRYPTO_BAD_KEY);
        }
    }
}

/* ---- the build ---------------------------------------------------------- */

/* A modulus of 4096 bits and an exponent of 64; one of 65 is too long. */
static void test_the_largest_rsa_key(void **state)
{
    uint8_t n[512];
    static const uint8_t e[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t longer[9] = {1, 0, 0, 0, 0, 0, 0, 0, 1};
    sjwt_crypto_key_octets key = {.type = SJWT_CRYPTO_KEY_RSA, .n = {n, sizeof n}};

    (void)state;
    memset(n, 0xff, sizeof n);
    for (unsigned i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++) {
        const sjwt_crypto_alg alg = (sjwt_crypto_alg)i;
        if (sjwt_crypto_algorithm_get(alg)->key_type != SJWT_CRYPTO_KEY_RSA)
            continue;
        key.e = (sjwt_crypto_span){e, sizeof e};
        assert_int_equal(check_key(alg, &key),
                         is_served(alg) ? SJWT_CRYPTO_OK : SJWT_CRYPTO_UNSUPPORTED);
        key.e = (sjwt_crypto_span){longer, sizeof longer};
        assert_int_equal(check_key(alg, &key), SJWT_CRYPTO_BAD_KEY);
    }
}

/* Each backend takes a secret of 8191 octets, and none is asked of a longer one. */
static void test_the_longest_secret(void **state)
{
    static const uint8_t octets[8192] = {1};
    const sjwt_crypto_span longest = {octets, 8191}, longer = {octets, 8192};

    (void)state;
    for (unsigned i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++) {
        const sjwt_crypto_algorithm *row = sjwt_crypto_algorithm_get((sjwt_crypto_alg)i);
        const sjwt_crypto_span wrong = {octets, row->signature_len};
        sjwt_crypto_key_octets key = {.type = SJWT_CRYPTO_KEY_OCT, .k = longest};

        if (row->key_type != SJWT_CRYPTO_KEY_OCT)
            continue;
        for (size_t j = 0; j < BACKEND_COUNT; j++) {
            if (!serves(backends[j], row->alg))
                continue;
            assert_int_equal(backends[j]->init(), SJWT_CRYPTO_OK);
            assert_int_equal(check_key_by(backends[j], row->alg, &key), SJWT_CRYPTO_OK);
            assert_int_equal(verify_once_by(backends[j], row->alg, &key, longest, wrong),
                             SJWT_CRYPTO_BAD_SIGNATURE);
        }
        assert_int_equal(check_key(row->alg, &key),
                         is_served(row->alg) ? SJWT_CRYPTO_OK : SJWT_CRYPTO_UNSUPPORTED);
        key.k = longer;
        assert_int_equal(check_key(row->alg, &key), SJWT_CRYPTO_BAD_KEY);
        assert_int_equal(verify_once(row->alg, &key, longest, wrong), SJWT_CRYPTO_BAD_KEY);
    }
}

static void test_backends_are_the_chosen_ones(void **state)
{
    char names[256] = "";

    (void)state;
    for (size_t i = 0; i < BACKEND_COUNT; i++) {
        if (i > 0)
            strcat(names, ", ");
        strcat(names, backends[i]->name);
    }
    assert_string_equal(sjwt_crypto_backend_names(), names);
}

/* What the configuration printed is what the backends declare. */
static void test_capabilities_are_the_configured_ones(void **state)
{
#define EXPECTED(alg, backend, signer) [alg] = backend,
    static const char *const expected[SJWT_CRYPTO_ALG_COUNT] = {
        SJWT_CRYPTO_EXPECTATION_LIST(EXPECTED)};

    (void)state;
    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++) {
        const char *actual = sjwt_crypto_backend_name((sjwt_crypto_alg)i);
        assert_int_equal(actual != NULL, expected[i] != NULL);
        if (actual != NULL)
            assert_string_equal(actual, expected[i]);
    }
}

/* ---- signing ------------------------------------------------------------ */

static void test_signers_agree_with_the_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < record_count; i++) {
        const struct record *record = &records[i];
        const sjwt_crypto_private_key *key = &record->key;
        uint8_t octets[SJWT_CRYPTO_MAX_SIGNATURE_SIZE];
        size_t len = 1;

        if (record->verdict != SJWT_CRYPTO_OK ||
            (key->d.len == 0 && key->public_key.type != SJWT_CRYPTO_KEY_OCT))
            continue;
        /* A module that does not offer an algorithm does not sign with it either. */
        if (sjwt_crypto_signer_name(record->alg) != NULL && !is_served(record->alg))
            continue;
        sjwt_crypto_status status = sjwt_crypto_make_signature(record->alg, key, record->message,
                                                               octets, sizeof octets, &len);
        if (sjwt_crypto_signer_name(record->alg) == NULL) {
            expect(record, "signing", "nobody", status, SJWT_CRYPTO_UNSUPPORTED);
            assert_int_equal(len, 0);
            continue;
        }
        expect(record, "signing", sjwt_crypto_signer_name(record->alg), status, SJWT_CRYPTO_OK);

        sjwt_crypto_span signature = {octets, len};
        switch (record->alg) {
        case SJWT_CRYPTO_ALG_EDDSA:
        case SJWT_CRYPTO_ALG_RS256:
        case SJWT_CRYPTO_ALG_RS384:
        case SJWT_CRYPTO_ALG_RS512:
        case SJWT_CRYPTO_ALG_HS256:
        case SJWT_CRYPTO_ALG_HS384:
        case SJWT_CRYPTO_ALG_HS512:
            assert_true(is_same(signature, record->signature));
            break;
        default:
            expect_verdict(record, "the signature made", &key->public_key, record->message,
                           signature, SJWT_CRYPTO_OK);
        }
    }
}

static void test_public_halves_agree_with_the_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < record_count; i++) {
        const struct record *record = &records[i];
        sjwt_crypto_private_key key = record->key;
        sjwt_crypto_key_octets public_key;
        sjwt_crypto_key_buffer buffer;

        if (key.d.len == 0 || sjwt_crypto_signer_name(record->alg) == NULL ||
            !is_served(record->alg))
            continue;
        /* SP 800-56B has no exponent below 2^16 + 1, and a FIPS module keeps to it. */
        if (strcmp(sjwt_crypto_signer_name(record->alg), "openssl-fips") == 0 &&
            key.public_key.type == SJWT_CRYPTO_KEY_RSA && key.public_key.e.len < 3)
            continue;
        key.public_key.x = key.public_key.y = (sjwt_crypto_span){NULL, 0};
        expect(record, "the public half", sjwt_crypto_signer_name(record->alg),
               sjwt_crypto_public_from_private(record->alg, &key, &buffer, &public_key),
               SJWT_CRYPTO_OK);
        assert_int_equal(public_key.type, key.public_key.type);
        assert_int_equal(public_key.curve, key.public_key.curve);
        assert_true(is_same(public_key.x, record->key.public_key.x));
        assert_true(is_same(public_key.y, record->key.public_key.y));
        assert_true(is_same(public_key.n, record->key.public_key.n));
        assert_true(is_same(public_key.e, record->key.public_key.e));
    }
}

int main(void)
{
    const struct CMUnitTest fixed[] = {
        cmocka_unit_test(test_each_algorithm_has_a_vector),
        cmocka_unit_test(test_undeclared_is_unsupported),
        cmocka_unit_test(test_no_key_serves_another_family),
        cmocka_unit_test(test_the_largest_rsa_key),
        cmocka_unit_test(test_the_longest_secret),
        cmocka_unit_test(test_backends_are_the_chosen_ones),
        cmocka_unit_test(test_capabilities_are_the_configured_ones),
        cmocka_unit_test(test_signers_agree_with_the_vectors),
        cmocka_unit_test(test_public_halves_agree_with_the_vectors),
    };

    read_vectors();
    struct CMUnitTest *tests = grown(NULL, LENGTH(fixed) + file_count, sizeof *tests);
    memcpy(tests, fixed, sizeof fixed);
    for (size_t i = 0; i < file_count; i++)
        tests[LENGTH(fixed) + i] =
            (struct CMUnitTest){files[i].name, test_vector_file, NULL, NULL, &files[i]};
    int failed = _cmocka_run_group_tests("crypto", tests, LENGTH(fixed) + file_count, NULL, NULL);
    free(tests);
    free_vectors();
    return failed;
}
