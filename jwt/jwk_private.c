#include "jwt/private_key.h"

#include "jwt/base64url.h"
#include "jwt/error.h"
#include "jwt/json.h"
#include "jwt/jwk.h"
#include "jwt/memory.h"
#include "jwt/writer.h"

#include <string.h>

/* ---- the octets of a JWK ------------------------------------------------ */

/* A type's members in the order in which they are printed, and where each is in
 * a key. All are needed, public ones first. */
typedef struct key_member {
    crypto_key_type type;
    const char *name;
    size_t offset;
    bool is_private;
} key_member;

#define PUBLIC(type, name) type, #name, offsetof(crypto_private_key, public_key.name), false
#define PRIVATE(type, name) type, #name, offsetof(crypto_private_key, name), true

static const key_member key_members[] = {
    {PUBLIC(CRYPTO_KEY_OKP, x)},
    {PRIVATE(CRYPTO_KEY_OKP, d)},
    {PUBLIC(CRYPTO_KEY_EC, x)},
    {PUBLIC(CRYPTO_KEY_EC, y)},
    {PRIVATE(CRYPTO_KEY_EC, d)},
    {PUBLIC(CRYPTO_KEY_RSA, n)},
    {PUBLIC(CRYPTO_KEY_RSA, e)},
    {PRIVATE(CRYPTO_KEY_RSA, d)},
    {PRIVATE(CRYPTO_KEY_RSA, p)},
    {PRIVATE(CRYPTO_KEY_RSA, q)},
    {PRIVATE(CRYPTO_KEY_RSA, dp)},
    {PRIVATE(CRYPTO_KEY_RSA, dq)},
    {PRIVATE(CRYPTO_KEY_RSA, qi)},
    {CRYPTO_KEY_OCT, "k", offsetof(crypto_private_key, public_key.k), true},
};

#define KEY_MEMBER_COUNT (sizeof key_members / sizeof key_members[0])

static crypto_span *span_of(crypto_private_key *key, const key_member *member)
{
    return (crypto_span *)(void *)((char *)key + member->offset);
}

static crypto_span get_span(const crypto_private_key *key, const key_member *member)
{
    return *(const crypto_span *)(const void *)((const char *)key + member->offset);
}

/* ---- algorithms -------------------------------------------------------- */

const crypto_algorithm *jwt_find_algorithm(const char *name, const char **constant)
{
    const crypto_algorithm *row = crypto_algorithm_find(name, strlen(name));

    if (row != NULL && constant != NULL)
        *constant = strcmp(name, row->name) == 0 ? row->name : row->alias;
    return row;
}

const char *jwt_private_key_algorithm(const jwt_private_key *key)
{
    if (key->alg != NULL)
        return key->alg;
    jwt_jwk_profile profile = {.type = key->key.public_key.type,
                               .curve = key->key.public_key.curve};
    /* RS256 and HS256 are the first rows of their types. */
    for (int alg = 0; alg < CRYPTO_ALG_COUNT; alg++) {
        const crypto_algorithm *row = crypto_algorithm_get((crypto_alg)alg);

        if (jwt_jwk_fits(&profile, row))
            return row->name;
    }
    return NULL;
}

jwt_status jwt_check_string(const jwt_allocator *given, const char *text, jwt_status invalid)
{
    jwt_allocator allocator = jwt_allocator_resolve(given);
    jwt_writer writer;
    jwt_status status = JWT_NO_MEMORY;
    jwt_json json;

    jwt_writer_start(&writer, &allocator);
    jwt_writer_member(&writer, "text", text);
    jwt_writer_put(&writer, "}", 1);
    if (!writer.failed)
        status = jwt_json_parse(&allocator, writer.text, writer.len, invalid, &json, NULL);
    if (status == JWT_OK)
        jwt_json_free(&json);
    jwt_writer_discard(&writer);
    return status;
}

jwt_status jwt_status_of_signing(crypto_status status)
{
    switch (status) {
    case CRYPTO_OK:
        return JWT_OK;
    case CRYPTO_BAD_KEY:
        return JWK_KEY_REFUSED;
    case CRYPTO_UNSUPPORTED:
        return JWT_ALG_UNSUPPORTED;
    case CRYPTO_NO_MEMORY:
        return JWT_NO_MEMORY;
    case CRYPTO_BAD_SIGNATURE:
    case CRYPTO_INTERNAL:
        break;
    }
    return JWT_INTERNAL;
}

/* ---- life -------------------------------------------------------------- */

static jwt_private_key *new_key(const jwt_allocator *given)
{
    jwt_allocator allocator = jwt_allocator_resolve(given);
    jwt_private_key *key = jwt_allocate(&allocator, sizeof *key);

    if (key != NULL) {
        memset(key, 0, sizeof *key);
        key->allocator = allocator;
    }
    return key;
}

static bool make_room(jwt_private_key *key, size_t size)
{
    key->octets = jwt_allocate(&key->allocator, size);
    key->octets_size = key->octets != NULL ? size : 0;
    return key->octets != NULL;
}

static bool keep_kid(jwt_private_key *key, const char *kid)
{
    size_t size = strlen(kid) + 1;

    key->kid = jwt_allocate(&key->allocator, size);
    if (key->kid != NULL)
        memcpy(key->kid, kid, size);
    return key->kid != NULL;
}

void jwt_private_key_free(jwt_private_key *key)
{
    if (key == NULL)
        return;
    jwt_wipe(key->octets, key->octets_size);
    jwt_release(&key->allocator, key->octets);
    jwt_release(&key->allocator, key->kid);
    jwt_release(&key->allocator, key);
}

void jwt_secret_text_free(const jwt_private_key *key, char *text, size_t len)
{
    if (text == NULL)
        return;
    jwt_wipe(text, len);
    jwt_release(&key->allocator, text);
}

/* ---- parsing ----------------------------------------------------------- */

/* RFC 7518 section 2, Base64urlUInt: no leading zero octet. */
static bool is_integer(const key_member *member)
{
    return member->type == CRYPTO_KEY_RSA;
}

/* The octets' room is what the whole text could stand for: enough for all. */
static jwt_status read_octets(const jwt_json_value *jwk, jwt_private_key *key, jwt_error *error)
{
    uint8_t *next = key->octets;

    for (size_t i = 0; i < KEY_MEMBER_COUNT; i++) {
        const key_member *member = &key_members[i];
        const char *text;
        size_t len;

        if (member->type != key->key.public_key.type)
            continue;
        text = jwt_json_string(jwt_json_member(jwk, member->name));
        if (text == NULL)
            return jwt_fail(error, JWK_MEMBER_INVALID, 0, member->name);
        len = strlen(text);
        if (len == 0 || !jwt_base64url_decode(text, len, next, NULL) ||
            (is_integer(member) && next[0] == 0))
            return jwt_fail(error, JWK_MEMBER_INVALID, 0, member->name);
        len = JWT_BASE64URL_DECODED_LEN(len);
        *span_of(&key->key, member) = (crypto_span){.data = next, .len = len};
        next += len;
    }
    /* More than two primes: nothing here signs with the others. */
    if (key->key.public_key.type == CRYPTO_KEY_RSA && jwt_json_member(jwk, "oth") != NULL)
        return jwt_fail(error, JWK_KEY_REFUSED, 0, "oth");
    return JWT_OK;
}

static jwt_status read_jwk(const jwt_json_value *jwk, jwt_private_key *key, jwt_error *error)
{
    jwt_jwk_profile profile;
    jwt_status status = jwt_jwk_read_profile(jwk, "sign", &profile, error);

    if (status != JWT_OK)
        return status;
    key->key.public_key.type = profile.type;
    key->key.public_key.curve = profile.curve;
    key->has_use = jwt_json_member(jwk, "use") != NULL;
    if (profile.alg != NULL)
        jwt_find_algorithm(jwt_json_string(jwt_json_member(jwk, "alg")), &key->alg);
    if (profile.kid != NULL && !keep_kid(key, profile.kid))
        return jwt_fail(error, JWT_NO_MEMORY, 0, NULL);
    return read_octets(jwk, key, error);
}

static jwt_status parse_text(const char *text, size_t len, jwt_private_key *key, jwt_error *error)
{
    jwt_json json;
    size_t position = 0;
    jwt_status status =
        jwt_json_parse_secret(&key->allocator, text, len, JWK_MALFORMED, &json, &position);

    if (status != JWT_OK)
        return jwt_fail(error, status, position, NULL);
    status = read_jwk(json.root, key, error);
    jwt_json_free(&json);
    return status;
}

jwt_status jwt_private_key_parse(const jwt_allocator *allocator, const char *json, size_t len,
                                 jwt_private_key **out, jwt_error *error)
{
    jwt_private_key *key;
    jwt_status status;

    *out = NULL;
    if (len > JWT_MAX_KEYSET_SIZE)
        return jwt_fail(error, JWK_TOO_LARGE, 0, NULL);
    key = new_key(allocator);
    if (key == NULL)
        return jwt_fail(error, JWT_NO_MEMORY, 0, NULL);
    if (!make_room(key, len + 1)) {
        jwt_private_key_free(key);
        return jwt_fail(error, JWT_NO_MEMORY, 0, NULL);
    }

    status = parse_text(json, len, key, error);
    if (status != JWT_OK) {
        jwt_private_key_free(key);
        return status;
    }
    *out = key;
    return JWT_OK;
}

/* ---- making ------------------------------------------------------------ */

static jwt_status fill_new_key(jwt_private_key *key, const crypto_algorithm *row, size_t bits,
                               const char *kid)
{
    if (!make_room(key, sizeof(crypto_key_buffer)))
        return JWT_NO_MEMORY;
    if (kid != NULL && !keep_kid(key, kid))
        return JWT_NO_MEMORY;
    return jwt_status_of_signing(crypto_generate_key(row->alg, bits, key->octets, &key->key));
}

jwt_status jwt_private_key_generate(const jwt_allocator *allocator, const char *alg, size_t bits,
                                    const char *kid, jwt_private_key **out, jwt_error *error)
{
    const char *name;
    const crypto_algorithm *row = jwt_find_algorithm(alg, &name);
    jwt_private_key *key;
    jwt_status status;

    *out = NULL;
    if (row == NULL)
        return jwt_fail(error, JWT_ALG_UNKNOWN, 0, NULL);
    if (kid != NULL && (status = jwt_check_string(allocator, kid, JWT_KID_INVALID)) != JWT_OK)
        return jwt_fail(error, status, 0, status == JWT_NO_MEMORY ? NULL : "not UTF-8");
    key = new_key(allocator);
    if (key == NULL)
        return jwt_fail(error, JWT_NO_MEMORY, 0, NULL);
    key->alg = name;
    status = fill_new_key(key, row, bits, kid);
    if (status != JWT_OK) {
        jwt_private_key_free(key);
        return jwt_fail(error, status, 0, NULL);
    }
    *out = key;
    return JWT_OK;
}

/* ---- printing ---------------------------------------------------------- */

static jwt_status print(const jwt_private_key *key, const crypto_private_key *octets,
                        bool with_private, char **json, size_t *len, jwt_error *error)
{
    const char *crv = jwt_curve_name(octets->public_key.curve);
    jwt_writer writer;
    jwt_status status;

    jwt_writer_start(&writer, &key->allocator);
    jwt_writer_member(&writer, "kty", jwt_key_type_name(octets->public_key.type));
    if (crv != NULL)
        jwt_writer_member(&writer, "crv", crv);
    if (key->kid != NULL)
        jwt_writer_member(&writer, "kid", key->kid);
    if (key->has_use)
        jwt_writer_member(&writer, "use", "sig");
    if (key->alg != NULL)
        jwt_writer_member(&writer, "alg", key->alg);
    for (size_t i = 0; i < KEY_MEMBER_COUNT; i++) {
        const key_member *member = &key_members[i];

        if (member->type == octets->public_key.type && (with_private || !member->is_private))
            jwt_writer_member_octets(&writer, member->name, get_span(octets, member));
    }
    jwt_writer_put(&writer, "}", 1);

    status = jwt_writer_finish(&writer, json, len);
    return status == JWT_OK ? JWT_OK : jwt_fail(error, status, 0, NULL);
}

jwt_status jwt_private_key_print(const jwt_private_key *key, char **json, size_t *len,
                                 jwt_error *error)
{
    *json = NULL;
    return print(key, &key->key, true, json, len, error);
}

jwt_status jwt_private_key_print_public(const jwt_private_key *key, char **json, size_t *len,
                                        jwt_error *error)
{
    const crypto_algorithm *row = jwt_find_algorithm(jwt_private_key_algorithm(key), NULL);
    crypto_private_key half = {.public_key = key->key.public_key};
    crypto_key_buffer buffer;
    jwt_status status;

    *json = NULL;
    if (key->key.public_key.type == CRYPTO_KEY_OCT)
        return jwt_fail(error, JWK_SYMMETRIC, 0, NULL);
    status = jwt_status_of_signing(
        crypto_public_from_private(row->alg, &key->key, &buffer, &half.public_key));
    if (status != JWT_OK)
        return jwt_fail(error, status, 0, NULL);
    return print(key, &half, false, json, len, error);
}
