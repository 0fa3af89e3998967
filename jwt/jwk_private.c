/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/private_key.h"

#include "jwt/base64url.h"
#include "jwt/error.h"
#include "jwt/json.h"
#include "jwt/jwk.h"
#include "jwt/memory.h"
#include "jwt/text_fault.h"
#include "jwt/writer.h"

#include <string.h>

/* ---- the octets of a JWK ------------------------------------------------ */

/* The members of each type in the order in which they are printed, and the offset of each
 * in a key. All are required; the public ones are first. */
typedef struct key_member {
    sjwt_crypto_key_type type;
    const char *name;
    size_t offset;
    bool is_private;
} key_member;

#define PUBLIC(type, name) type, #name, offsetof(sjwt_crypto_private_key, public_key.name), false
#define PRIVATE(type, name) type, #name, offsetof(sjwt_crypto_private_key, name), true

static const key_member key_members[] = {
    {PUBLIC(SJWT_CRYPTO_KEY_OKP, x)},
    {PRIVATE(SJWT_CRYPTO_KEY_OKP, d)},
    {PUBLIC(SJWT_CRYPTO_KEY_EC, x)},
    {PUBLIC(SJWT_CRYPTO_KEY_EC, y)},
    {PRIVATE(SJWT_CRYPTO_KEY_EC, d)},
    {PUBLIC(SJWT_CRYPTO_KEY_RSA, n)},
    {PUBLIC(SJWT_CRYPTO_KEY_RSA, e)},
    {PRIVATE(SJWT_CRYPTO_KEY_RSA, d)},
    {PRIVATE(SJWT_CRYPTO_KEY_RSA, p)},
    {PRIVATE(SJWT_CRYPTO_KEY_RSA, q)},
    {PRIVATE(SJWT_CRYPTO_KEY_RSA, dp)},
    {PRIVATE(SJWT_CRYPTO_KEY_RSA, dq)},
    {PRIVATE(SJWT_CRYPTO_KEY_RSA, qi)},
    {SJWT_CRYPTO_KEY_OCT, "k", offsetof(sjwt_crypto_private_key, public_key.k), true},
};

#define KEY_MEMBER_COUNT (sizeof key_members / sizeof key_members[0])

static sjwt_crypto_span *span_of(sjwt_crypto_private_key *key, const key_member *member)
{
    return (sjwt_crypto_span *)(void *)((char *)key + member->offset);
}

static sjwt_crypto_span get_span(const sjwt_crypto_private_key *key, const key_member *member)
{
    return *(const sjwt_crypto_span *)(const void *)((const char *)key + member->offset);
}

/* ---- algorithms -------------------------------------------------------- */

const sjwt_crypto_algorithm *sjwt_find_algorithm(const char *name, const char **constant)
{
    const sjwt_crypto_algorithm *row = sjwt_crypto_algorithm_find(name, strlen(name));

    if (row != NULL && constant != NULL)
        *constant = strcmp(name, row->name) == 0 ? row->name : row->alias;
    return row;
}

const char *sjwt_private_key_algorithm(const sjwt_private_key *key)
{
    if (key->alg != NULL)
        return key->alg;
    sjwt_jwk_profile profile = {.type = key->key.public_key.type,
                                .curve = key->key.public_key.curve};
    /* RS256 and HS256 are the first rows of their types. */
    for (int alg = 0; alg < SJWT_CRYPTO_ALG_COUNT; alg++) {
        const sjwt_crypto_algorithm *row = sjwt_crypto_algorithm_get((sjwt_crypto_alg)alg);

        if (sjwt_jwk_fits(&profile, row))
            return row->name;
    }
    return NULL;
}

sjwt_status sjwt_check_string(const sjwt_allocator *given, const char *text, sjwt_status invalid)
{
    sjwt_allocator allocator = sjwt_allocator_resolve(given);
    sjwt_writer writer;
    sjwt_status status = SJWT_NO_MEMORY;
    sjwt_json json;

    sjwt_writer_start(&writer, &allocator);
    sjwt_writer_member(&writer, "text", text);
    sjwt_writer_put(&writer, "}", 1);
    if (!writer.failed)
        status = sjwt_json_parse(&allocator, writer.text, writer.len, invalid, &json, NULL);
    if (status == SJWT_OK)
        sjwt_json_free(&json);
    sjwt_writer_discard(&writer);
    return status;
}

sjwt_status sjwt_status_of_signing(sjwt_crypto_status status)
{
    switch (status) {
    case SJWT_CRYPTO_OK:
        return SJWT_OK;
    case SJWT_CRYPTO_BAD_KEY:
        return SJWT_JWK_KEY_REFUSED;
    case SJWT_CRYPTO_UNSUPPORTED:
        return SJWT_ALG_UNSUPPORTED;
    case SJWT_CRYPTO_NO_MEMORY:
        return SJWT_NO_MEMORY;
    case SJWT_CRYPTO_BAD_SIGNATURE:
    case SJWT_CRYPTO_INTERNAL:
        break;
    }
    return SJWT_INTERNAL;
}

/* ---- freeing ----------------------------------------------------------- */

static sjwt_private_key *new_key(const sjwt_allocator *given)
{
    sjwt_allocator allocator = sjwt_allocator_resolve(given);
    sjwt_private_key *key = sjwt_allocate(&allocator, sizeof *key);

    if (key != NULL) {
        memset(key, 0, sizeof *key);
        key->allocator = allocator;
    }
    return key;
}

static bool make_room(sjwt_private_key *key, size_t size)
{
    key->octets = sjwt_allocate(&key->allocator, size);
    key->octets_size = key->octets != NULL ? size : 0;
    return key->octets != NULL;
}

static bool keep_kid(sjwt_private_key *key, const char *kid)
{
    size_t size = strlen(kid) + 1;

    key->kid = sjwt_allocate(&key->allocator, size);
    if (key->kid != NULL)
        memcpy(key->kid, kid, size);
    return key->kid != NULL;
}

void sjwt_private_key_free(sjwt_private_key *key)
{
    if (key == NULL)
        return;
    sjwt_wipe(key->octets, key->octets_size);
    sjwt_release(&key->allocator, key->octets);
    sjwt_release(&key->allocator, key->kid);
    sjwt_release(&key->allocator, key);
}

void sjwt_secret_text_free(const sjwt_private_key *key, char *text, size_t len)
{
    if (text == NULL)
        return;
    sjwt_wipe(text, len);
    sjwt_release(&key->allocator, text);
}

/* ---- parsing ----------------------------------------------------------- */

/* RFC 7518 section 2, Base64urlUInt. */
static bool is_integer(const key_member *member)
{
    return member->type == SJWT_CRYPTO_KEY_RSA;
}

/* The buffer has the size of the whole text when decoded, which is enough for all members. */
static sjwt_status read_octets(const sjwt_json_value *jwk, sjwt_private_key *key, sjwt_error *error)
{
    uint8_t *next = key->octets;

    for (size_t i = 0; i < KEY_MEMBER_COUNT; i++) {
        const key_member *member = &key_members[i];
        sjwt_status status;
        const char *text;

        if (member->type != key->key.public_key.type)
            continue;
        if ((status = sjwt_jwk_read_text(jwk, member->name, is_integer(member), &text, error)) !=
                SJWT_OK ||
            (status = sjwt_jwk_decode(text, member->name, is_integer(member), next,
                                      span_of(&key->key, member), error)) != SJWT_OK)
            return status;
        next += SJWT_BASE64URL_DECODED_LEN(strlen(text));
    }
    /* A key with more than two primes is refused: no signer uses the others. */
    if (key->key.public_key.type == SJWT_CRYPTO_KEY_RSA && sjwt_jwk_member(jwk, "oth") != NULL)
        return sjwt_fail(error, SJWT_JWK_KEY_REFUSED, 0, "it has \"oth\": more than two primes");
    return SJWT_OK;
}

static sjwt_status read_jwk(const sjwt_json_value *jwk, sjwt_private_key *key, sjwt_error *error)
{
    sjwt_jwk_profile profile;
    sjwt_status status = sjwt_jwk_read_profile(jwk, "sign", &profile, error);

    if (status != SJWT_OK)
        return status;
    key->key.public_key.type = profile.type;
    key->key.public_key.curve = profile.curve;
    key->has_use = sjwt_jwk_member(jwk, "use") != NULL;
    if (profile.alg != NULL)
        sjwt_find_algorithm(sjwt_json_string(sjwt_json_member(jwk, "alg")), &key->alg);
    if (profile.kid != NULL && !keep_kid(key, profile.kid))
        return sjwt_fail(error, SJWT_NO_MEMORY, 0, NULL);
    return read_octets(jwk, key, error);
}

static sjwt_status parse_text(const char *text, size_t len, sjwt_private_key *key,
                              sjwt_error *error)
{
    sjwt_json json;
    size_t position = 0;
    sjwt_status status =
        sjwt_json_parse_secret(&key->allocator, text, len, SJWT_JWK_MALFORMED, &json, &position);

    if (status != SJWT_OK) {
        const char *fault = status == SJWT_JWK_MALFORMED ? sjwt_json_text_fault(text, len) : NULL;
        return sjwt_fail(error, status, fault == NULL ? position : 0, fault);
    }
    status = read_jwk(json.root, key, error);
    sjwt_json_free(&json);
    return status;
}

sjwt_status sjwt_private_key_parse(const sjwt_allocator *allocator, const char *json, size_t len,
                                   sjwt_private_key **out, sjwt_error *error)
{
    sjwt_private_key *key;
    sjwt_status status;

    *out = NULL;
    if (len > SJWT_MAX_KEYSET_SIZE)
        return sjwt_fail(error, SJWT_JWK_TOO_LARGE, 0, NULL);
    key = new_key(allocator);
    if (key == NULL)
        return sjwt_fail(error, SJWT_NO_MEMORY, 0, NULL);
    if (!make_room(key, len + 1)) {
        sjwt_private_key_free(key);
        return sjwt_fail(error, SJWT_NO_MEMORY, 0, NULL);
    }

    status = parse_text(json, len, key, error);
    if (status != SJWT_OK) {
        sjwt_private_key_free(key);
        return status;
    }
    *out = key;
    return SJWT_OK;
}

/* ---- generating -------------------------------------------------------- */

static sjwt_status fill_new_key(sjwt_private_key *key, const sjwt_crypto_algorithm *row,
                                size_t bits, const char *kid)
{
    if (!make_room(key, sizeof(sjwt_crypto_key_buffer)))
        return SJWT_NO_MEMORY;
    if (kid != NULL && !keep_kid(key, kid))
        return SJWT_NO_MEMORY;
    return sjwt_status_of_signing(sjwt_crypto_generate_key(row->alg, bits, key->octets, &key->key));
}

sjwt_status sjwt_private_key_generate(const sjwt_allocator *allocator, const char *alg, size_t bits,
                                      const char *kid, sjwt_private_key **out, sjwt_error *error)
{
    const char *name;
    const sjwt_crypto_algorithm *row = sjwt_find_algorithm(alg, &name);
    sjwt_private_key *key;
    sjwt_status status;

    *out = NULL;
    if (row == NULL)
        return sjwt_fail(error, SJWT_ALG_UNKNOWN, 0, NULL);
    if (kid != NULL && (status = sjwt_check_string(allocator, kid, SJWT_KID_INVALID)) != SJWT_OK)
        return sjwt_fail(error, status, 0, status == SJWT_NO_MEMORY ? NULL : "not UTF-8");
    key = new_key(allocator);
    if (key == NULL)
        return sjwt_fail(error, SJWT_NO_MEMORY, 0, NULL);
    key->alg = name;
    status = fill_new_key(key, row, bits, kid);
    if (status != SJWT_OK) {
        sjwt_private_key_free(key);
        return sjwt_fail(error, status, 0, NULL);
    }
    *out = key;
    return SJWT_OK;
}

/* ---- documents --------------------------------------------------------- */

static sjwt_status status_of_reading(sjwt_crypto_status status)
{
    switch (status) {
    case SJWT_CRYPTO_BAD_KEY:
        return SJWT_JWK_MALFORMED;
    case SJWT_CRYPTO_UNSUPPORTED:
        return SJWT_JWK_UNSUPPORTED;
    default:
        return sjwt_status_of_signing(status);
    }
}

static bool fits_an_algorithm(const sjwt_crypto_key_octets *key, const sjwt_crypto_algorithm *only)
{
    const sjwt_jwk_profile profile = {.type = key->type, .curve = key->curve};

    for (int alg = 0; alg < SJWT_CRYPTO_ALG_COUNT; alg++) {
        const sjwt_crypto_algorithm *row = sjwt_crypto_algorithm_get((sjwt_crypto_alg)alg);

        if ((only == NULL || row == only) && sjwt_jwk_fits(&profile, row) &&
            sjwt_crypto_check_octets((sjwt_crypto_alg)alg, key) == SJWT_CRYPTO_OK)
            return true;
    }
    return false;
}

static sjwt_status fill_from_document(sjwt_private_key *key, sjwt_crypto_span document,
                                      bool with_private, const char *alg, const char *kid)
{
    const sjwt_crypto_algorithm *row = NULL;
    sjwt_status status;

    if (alg != NULL && (row = sjwt_find_algorithm(alg, &key->alg)) == NULL)
        return SJWT_ALG_UNKNOWN;
    if (!make_room(key, sizeof(sjwt_crypto_key_buffer)))
        return SJWT_NO_MEMORY;
    status = status_of_reading(
        sjwt_crypto_read_document(document, with_private, key->octets, &key->key));
    if (status != SJWT_OK)
        return status;
    if (!fits_an_algorithm(&key->key.public_key, row))
        return SJWT_JWK_KEY_REFUSED;
    key->has_use = true;
    if (kid == NULL)
        return sjwt_make_thumbprint(&key->allocator, &key->key.public_key, &key->kid);
    return keep_kid(key, kid) ? SJWT_OK : SJWT_NO_MEMORY;
}

sjwt_status sjwt_private_key_read_document(const sjwt_allocator *allocator, const char *document,
                                           size_t len, bool with_private, const char *alg,
                                           const char *kid, sjwt_private_key **out,
                                           sjwt_error *error)
{
    sjwt_private_key *key;
    sjwt_status status;

    *out = NULL;
    if (kid != NULL && (status = sjwt_check_string(allocator, kid, SJWT_KID_INVALID)) != SJWT_OK)
        return sjwt_fail(error, status, 0, status == SJWT_NO_MEMORY ? NULL : "not UTF-8");
    key = new_key(allocator);
    if (key == NULL)
        return sjwt_fail(error, SJWT_NO_MEMORY, 0, NULL);
    status = fill_from_document(key, (sjwt_crypto_span){(const uint8_t *)document, len},
                                with_private, alg, kid);
    if (status != SJWT_OK) {
        sjwt_private_key_free(key);
        return sjwt_fail(error, status, 0, NULL);
    }
    *out = key;
    return SJWT_OK;
}

/* ---- printing ---------------------------------------------------------- */

static sjwt_status print(const sjwt_private_key *key, const sjwt_crypto_private_key *octets,
                         bool with_private, char **json, size_t *len, sjwt_error *error)
{
    const char *crv = sjwt_curve_name(octets->public_key.curve);
    sjwt_writer writer;
    sjwt_status status;

    sjwt_writer_start(&writer, &key->allocator);
    sjwt_writer_member(&writer, "kty", sjwt_key_type_name(octets->public_key.type));
    if (crv != NULL)
        sjwt_writer_member(&writer, "crv", crv);
    if (key->kid != NULL)
        sjwt_writer_member(&writer, "kid", key->kid);
    if (key->has_use)
        sjwt_writer_member(&writer, "use", "sig");
    if (key->alg != NULL)
        sjwt_writer_member(&writer, "alg", key->alg);
    for (size_t i = 0; i < KEY_MEMBER_COUNT; i++) {
        const key_member *member = &key_members[i];

        if (member->type == octets->public_key.type && (with_private || !member->is_private))
            sjwt_writer_member_octets(&writer, member->name, get_span(octets, member));
    }
    sjwt_writer_put(&writer, "}", 1);

    status = sjwt_writer_finish(&writer, json, len);
    return status == SJWT_OK ? SJWT_OK : sjwt_fail(error, status, 0, NULL);
}

sjwt_status sjwt_private_key_print(const sjwt_private_key *key, char **json, size_t *len,
                                   sjwt_error *error)
{
    *json = NULL;
    return print(key, &key->key, true, json, len, error);
}

sjwt_status sjwt_private_key_print_public(const sjwt_private_key *key, char **json, size_t *len,
                                          sjwt_error *error)
{
    const sjwt_crypto_algorithm *row = sjwt_find_algorithm(sjwt_private_key_algorithm(key), NULL);
    sjwt_crypto_private_key half = {.public_key = key->key.public_key};
    sjwt_crypto_key_buffer buffer;
    sjwt_status status;

    *json = NULL;
    if (key->key.public_key.type == SJWT_CRYPTO_KEY_OCT)
        return sjwt_fail(error, SJWT_JWK_SYMMETRIC, 0, NULL);
    /* There is no private half to derive it from. */
    if (key->key.d.len == 0)
        return print(key, &half, false, json, len, error);
    status = sjwt_status_of_signing(
        sjwt_crypto_public_from_private(row->alg, &key->key, &buffer, &half.public_key));
    if (status != SJWT_OK)
        return sjwt_fail(error, status, 0, NULL);
    return print(key, &half, false, json, len, error);
}
