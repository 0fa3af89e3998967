/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key's octets, a message and a signature, put to each backend of the build. All that serve
 * the algorithm must agree, and what was verified must no longer verify once it is changed.
 *
 * The input has the form of tests/vectors/crypto, which are its seeds: lines "field: value"
 * with octets in hex. "change" has groups of three octets: a position in signature and message
 * (two) and what is added there (one).
 */
#include "fuzz.h"

#include <stdio.h>

#include "crypto/crypto.h"
#include "crypto/registry.h"
#include "crypto_backends.h"

#define DECLARATION(name) extern const sjwt_crypto_backend sjwt_crypto_##name##_backend;
#define ADDRESS(name) &sjwt_crypto_##name##_backend,

SJWT_CRYPTO_BACKEND_LIST(DECLARATION)

static const sjwt_crypto_backend *const backends[] = {SJWT_CRYPTO_BACKEND_LIST(ADDRESS)};

#define BACKEND_COUNT (sizeof backends / sizeof backends[0])
/* Of the input, so that one with many records does not take seconds. */
#define MAX_RECORDS 4

typedef struct record {
    sjwt_crypto_alg alg;
    sjwt_crypto_key_octets key;
    sjwt_crypto_span message, signature, change;
    const sjwt_crypto_backend *backend; /* the one asked */
} record;

/* ---- reading ------------------------------------------------------------ */

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes in place, up to what is no hex. */
static sjwt_crypto_span decode_hex(char *text)
{
    size_t len = 0;

    while (digit(text[2 * len]) >= 0 && digit(text[2 * len + 1]) >= 0) {
        text[len] = (char)(digit(text[2 * len]) << 4 | digit(text[2 * len + 1]));
        len++;
    }
    return (sjwt_crypto_span){(const uint8_t *)text, len};
}

static void read_field(record *r, const char *name, char *value)
{
    const struct {
        const char *name;
        sjwt_crypto_span *span;
    } spans[] = {{"x", &r->key.x},
                 {"y", &r->key.y},
                 {"n", &r->key.n},
                 {"e", &r->key.e},
                 {"k", &r->key.k},
                 {"message", &r->message},
                 {"signature", &r->signature},
                 {"change", &r->change}};

    if (strcmp(name, "alg") == 0) {
        const sjwt_crypto_algorithm *row = sjwt_crypto_algorithm_find(value, strlen(value));
        if (row == NULL)
            return;
        r->alg = row->alg;
        r->key.type = row->key_type;
        r->key.curve = row->curve;
    }
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        if (strcmp(name, spans[i].name) == 0)
            *spans[i].span = decode_hex(value);
    }
}

/* Reads a record, up to an empty line, and returns where the next one is; NULL at the end. */
static char *read_record(char *text, record *r)
{
    *r = (record){.key = {.curve = SJWT_CRYPTO_CURVE_ED25519}};
    while (*text != '\0' && *text != '\n') {
        char *next = text + strcspn(text, "\n");
        if (*next != '\0')
            *next++ = '\0';
        char *value = strstr(text, ": ");
        if (value != NULL) {
            *value = '\0';
            read_field(r, text, value + 2);
        }
        text = next;
    }
    return *text == '\0' ? NULL : text + 1;
}

/* ---- asking ------------------------------------------------------------- */

static bool serves(const sjwt_crypto_backend *backend, sjwt_crypto_alg alg)
{
    return (backend->verifies & SJWT_CRYPTO_BIT(alg)) != 0;
}

static sjwt_crypto_status ask(const sjwt_crypto_backend *backend, const record *r)
{
    sjwt_crypto_key key = {.alg = r->alg, .octets = &r->key};

    must(backend->init() == SJWT_CRYPTO_OK);
    sjwt_crypto_status status = backend->prepare(r->alg, &r->key, &key.handle);
    if (status != SJWT_CRYPTO_OK) {
        must(key.handle == NULL);
        return status;
    }
    status = backend->verify(&key, r->message, r->signature);
    if (key.handle != NULL)
        backend->release(key.handle);
    return status;
}

static int ask_one(const void *context)
{
    const record *r = context;

    return ask(r->backend, r);
}

static sjwt_crypto_status ask_registry(const record *r)
{
    sjwt_crypto_key key;

    sjwt_crypto_status status = sjwt_crypto_prepare(r->alg, &r->key, &key);
    if (status != SJWT_CRYPTO_OK)
        return status;
    status = sjwt_crypto_verify(&key, r->message, r->signature);
    sjwt_crypto_release(&key);
    return status;
}

/* Do two answers agree? One library may refuse a key that another takes: mbedTLS an RSA
 * modulus whose length is not whole octets. OpenSSL takes points off the curve of Ed25519,
 * and then no signature is good. */
static bool agree(const record *r, sjwt_crypto_status one, sjwt_crypto_status other)
{
    if (one == other)
        return true;
    if (one != SJWT_CRYPTO_BAD_KEY && other != SJWT_CRYPTO_BAD_KEY)
        return false;
    if (r->key.type == SJWT_CRYPTO_KEY_RSA)
        return true;
    return r->key.type == SJWT_CRYPTO_KEY_OKP && one != SJWT_CRYPTO_OK && other != SJWT_CRYPTO_OK;
}

/* The verdict of all. */
static sjwt_crypto_status ask_all(record *r)
{
    const sjwt_crypto_status verdict = ask_registry(r);
    uint8_t nothing = 0;

    if (sjwt_crypto_check_octets(r->alg, &r->key) != SJWT_CRYPTO_OK ||
        r->signature.len != sjwt_crypto_signature_length(r->alg, &r->key)) {
        must(verdict != SJWT_CRYPTO_OK);
        return verdict;
    }
    if (r->message.data == NULL)
        r->message.data = &nothing;
    must((sjwt_crypto_verifiable_algorithms() & SJWT_CRYPTO_BIT(r->alg)) != 0);
    for (size_t i = 0; i < BACKEND_COUNT; i++) {
        if (!serves(backends[i], r->alg))
            continue;
        sjwt_crypto_status answer = ask(backends[i], r);
        if (answer > SJWT_CRYPTO_BAD_KEY || !agree(r, answer, verdict)) {
            fprintf(stderr, "%s, %s: status %d, and not %d\n",
                    sjwt_crypto_algorithm_get(r->alg)->name, backends[i]->name, answer, verdict);
            abort();
        }
    }
    if (r->message.data == &nothing)
        r->message.data = NULL;
    return verdict;
}

/* ---- changing ----------------------------------------------------------- */

static bool is_same(sjwt_crypto_span a, sjwt_crypto_span b)
{
    return a.len == 0 || memcmp(a.data, b.data, a.len) == 0;
}

/* Adds to the octet at position of the signature and the message behind it. */
static void add(char *signature, size_t signature_len, char *message, size_t message_len,
                size_t position, uint8_t what)
{
    position %= signature_len + message_len;
    char *octet =
        position < signature_len ? &signature[position] : &message[position - signature_len];
    *octet = (char)((uint8_t)*octet + what);
}

static void change_and_ask(const record *good, uint32_t choice)
{
    char *signature = copied(good->signature.data, good->signature.len);
    char *message = copied(good->message.data, good->message.len);
    record changed = *good;

    changed.signature.data = (const uint8_t *)signature;
    changed.message.data = (const uint8_t *)message;
    for (size_t i = 0; i + 2 < good->change.len; i += 3)
        add(signature, good->signature.len, message, good->message.len,
            (size_t)good->change.data[i] << 8 | good->change.data[i + 1], good->change.data[i + 2]);
    if (good->change.len < 3)
        add(signature, good->signature.len, message, good->message.len, choice >> 8,
            (uint8_t)(1U << (choice & 7)));
    if (!is_same(good->signature, changed.signature) || !is_same(good->message, changed.message))
        must(ask_all(&changed) != SJWT_CRYPTO_OK);
    free(signature);
    free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint32_t choice = hash_of(data, size);
    char *text = copied(data, size);
    char *next = text;

    for (int n = 0; n < MAX_RECORDS && next != NULL; n++) {
        record r;
        next = read_record(next, &r);
        sjwt_crypto_status verdict = ask_all(&r);
        if (verdict == SJWT_CRYPTO_OK)
            change_and_ask(&r, choice);
        if (verdict != SJWT_CRYPTO_OK && verdict != SJWT_CRYPTO_BAD_SIGNATURE)
            continue;
        r.backend = backends[choice % BACKEND_COUNT];
        if (r.signature.len == sjwt_crypto_signature_length(r.alg, &r.key) &&
            r.message.data != NULL && serves(r.backend, r.alg))
            fail_each_allocation(ask_one, &r, SJWT_CRYPTO_NO_MEMORY, choice);
    }
    free(text);
    return 0;
}
