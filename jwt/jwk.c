#include "jwt/jwk.h"
#include "jwt/base64url.h"
#include "jwt/error.h"
#include "jwt/memory.h"

#include <string.h>

static const struct {
    const char *name;
    sjwt_crypto_key_type type;
} key_types[] = {
    {"OKP", SJWT_CRYPTO_KEY_OKP},
    {"EC", SJWT_CRYPTO_KEY_EC},
    {"RSA", SJWT_CRYPTO_KEY_RSA},
    {"oct", SJWT_CRYPTO_KEY_OCT},
};

static const struct {
    const char *name;
    sjwt_crypto_key_type type;
    sjwt_crypto_curve curve;
} curves[] = {
    {"Ed25519", SJWT_CRYPTO_KEY_OKP, SJWT_CRYPTO_CURVE_ED25519},
    {"P-256", SJWT_CRYPTO_KEY_EC, SJWT_CRYPTO_CURVE_P256},
    {"P-384", SJWT_CRYPTO_KEY_EC, SJWT_CRYPTO_CURVE_P384},
    {"P-521", SJWT_CRYPTO_KEY_EC, SJWT_CRYPTO_CURVE_P521},
    {"secp256k1", SJWT_CRYPTO_KEY_EC, SJWT_CRYPTO_CURVE_SECP256K1},
};

/* A JWK's members that are kept, still borrowed from the tree. */
typedef struct jwk_members {
    sjwt_jwk_profile profile;
    const char *numbers[2]; /* the encoded members of the type, NULL beyond */
} jwk_members;

/* Which of a key's members are read: public ones, and the secret that HMAC
 * cannot do without. "d" and the like have no row, so nothing can read them. */
static const struct {
    const char *names[2];
    bool is_integer; /* RFC 7518 section 2, Base64urlUInt: no leading zero octet */
} members_of_type[] = {
    [SJWT_CRYPTO_KEY_OKP] = {{"x", NULL}, false},
    [SJWT_CRYPTO_KEY_EC] = {{"x", "y"}, false},
    [SJWT_CRYPTO_KEY_RSA] = {{"n", "e"}, true},
    [SJWT_CRYPTO_KEY_OCT] = {{"k", NULL}, false},
};

/* An optional member that must be a string where it is present. */
static bool optional_string(const sjwt_json_value *jwk, const char *name, const char **out)
{
    const sjwt_json_value *value = sjwt_json_member(jwk, name);

    *out = sjwt_json_string(value);
    return value == NULL || *out != NULL;
}

static sjwt_status read_type(const sjwt_json_value *jwk, sjwt_jwk_profile *profile,
                             sjwt_error *error)
{
    const sjwt_json_value *value = sjwt_json_member(jwk, "kty");
    if (value == NULL)
        return sjwt_fail(error, SJWT_JWK_NOT_A_KEY, 0, NULL);
    const char *name = sjwt_json_string(value);
    if (name == NULL)
        return sjwt_fail(error, SJWT_JWK_MEMBER_INVALID, 0, "kty");
    for (size_t i = 0; i < sizeof(key_types) / sizeof(key_types[0]); i++) {
        if (strcmp(key_types[i].name, name) == 0) {
            profile->type = key_types[i].type;
            return SJWT_OK;
        }
    }
    return sjwt_fail(error, SJWT_JWK_KTY_UNKNOWN, 0, NULL);
}

/* RFC 7517 sections 4.2 and 4.3. */
static sjwt_status read_purpose(const sjwt_json_value *jwk, const char *wanted, sjwt_error *error)
{
    const char *use;
    if (!optional_string(jwk, "use", &use))
        return sjwt_fail(error, SJWT_JWK_MEMBER_INVALID, 0, "use");
    if (use != NULL && strcmp(use, "sig") != 0)
        return sjwt_fail(error, SJWT_JWK_USE_REFUSED, 0, "use");

    const sjwt_json_value *operations = sjwt_json_member(jwk, "key_ops");
    if (operations == NULL)
        return SJWT_OK;
    if (!sjwt_json_is_array(operations))
        return sjwt_fail(error, SJWT_JWK_MEMBER_INVALID, 0, "key_ops");
    bool included = false;
    for (const sjwt_json_value *item = sjwt_json_first(operations); item != NULL;
         item = sjwt_json_next(item)) {
        const char *operation = sjwt_json_string(item);
        if (operation == NULL)
            return sjwt_fail(error, SJWT_JWK_MEMBER_INVALID, 0, "key_ops");
        included = included || strcmp(operation, wanted) == 0;
    }
    return included ? SJWT_OK : sjwt_fail(error, SJWT_JWK_USE_REFUSED, 0, "key_ops");
}

static sjwt_status read_curve(const sjwt_json_value *jwk, sjwt_jwk_profile *profile,
                              sjwt_error *error)
{
    profile->curve = SJWT_CRYPTO_CURVE_NONE;
    if (profile->type != SJWT_CRYPTO_KEY_OKP && profile->type != SJWT_CRYPTO_KEY_EC)
        return SJWT_OK;
    const char *name = sjwt_json_string(sjwt_json_member(jwk, "crv"));
    if (name == NULL)
        return sjwt_fail(error, SJWT_JWK_MEMBER_INVALID, 0, "crv");
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        if (curves[i].type == profile->type && strcmp(curves[i].name, name) == 0) {
            profile->curve = curves[i].curve;
            return SJWT_OK;
        }
    }
    return sjwt_fail(error, SJWT_JWK_CRV_UNKNOWN, 0, NULL);
}

bool sjwt_jwk_fits(const sjwt_jwk_profile *profile, const sjwt_crypto_algorithm *algorithm)
{
    return algorithm->key_type == profile->type && algorithm->curve == profile->curve;
}

static sjwt_status read_algorithm(const sjwt_json_value *jwk, sjwt_jwk_profile *profile,
                                  sjwt_error *error)
{
    const char *name;

    profile->alg = NULL;
    if (!optional_string(jwk, "alg", &name))
        return sjwt_fail(error, SJWT_JWK_MEMBER_INVALID, 0, "alg");
    if (name == NULL)
        return SJWT_OK;
    profile->alg = sjwt_crypto_algorithm_find(name, strlen(name));
    if (profile->alg == NULL)
        return sjwt_fail(error, SJWT_JWK_ALG_UNKNOWN, 0, NULL);
    return sjwt_jwk_fits(profile, profile->alg) ? SJWT_OK
                                                : sjwt_fail(error, SJWT_JWK_ALG_MISMATCH, 0, NULL);
}

sjwt_status sjwt_jwk_read_profile(const sjwt_json_value *jwk, const char *operation,
                                  sjwt_jwk_profile *out, sjwt_error *error)
{
    sjwt_status status;

    if (!sjwt_json_is_object(jwk))
        return sjwt_fail(error, SJWT_JWK_NOT_A_KEY, 0, NULL);
    if ((status = read_type(jwk, out, error)) != SJWT_OK)
        return status;
    if (!optional_string(jwk, "kid", &out->kid))
        return sjwt_fail(error, SJWT_JWK_MEMBER_INVALID, 0, "kid");
    if ((status = read_purpose(jwk, operation, error)) != SJWT_OK ||
        (status = read_curve(jwk, out, error)) != SJWT_OK)
        return status;
    return read_algorithm(jwk, out, error);
}

const char *sjwt_key_type_name(sjwt_crypto_key_type type)
{
    size_t i = 0;

    while (key_types[i].type != type)
        i++;
    return key_types[i].name;
}

const char *sjwt_curve_name(sjwt_crypto_curve curve)
{
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        if (curves[i].curve == curve)
            return curves[i].name;
    }
    return NULL;
}

static sjwt_status read_members(const sjwt_json_value *jwk, jwk_members *members, sjwt_error *error)
{
    sjwt_status status = sjwt_jwk_read_profile(jwk, "verify", &members->profile, error);

    if (status != SJWT_OK)
        return status;
    for (int i = 0; i < 2; i++) {
        const char *name = members_of_type[members->profile.type].names[i];
        members->numbers[i] = name == NULL ? NULL : sjwt_json_string(sjwt_json_member(jwk, name));
        if (name != NULL && members->numbers[i] == NULL)
            return sjwt_fail(error, SJWT_JWK_MEMBER_INVALID, 0, name);
    }
    return SJWT_OK;
}

/* Asks for each algorithm of the key's family, or for the one it names. */
static sjwt_status find_algorithms(const sjwt_jwk_profile *profile, sjwt_key *key,
                                   sjwt_error *error)
{
    const char *lacking = NULL;

    for (unsigned n = 0; n < SJWT_CRYPTO_ALG_COUNT; n++) {
        const sjwt_crypto_algorithm *algorithm = sjwt_crypto_algorithm_get((sjwt_crypto_alg)n);
        if (!sjwt_jwk_fits(profile, algorithm) ||
            (profile->alg != NULL && profile->alg != algorithm))
            continue;
        switch (sjwt_crypto_check_key(algorithm->alg, &key->key)) {
        case SJWT_CRYPTO_OK:
            key->algorithms |= SJWT_CRYPTO_BIT(algorithm->alg);
            break;
        case SJWT_CRYPTO_UNSUPPORTED:
            if (lacking == NULL)
                lacking = algorithm->name;
            break;
        case SJWT_CRYPTO_BAD_KEY:
        case SJWT_CRYPTO_BAD_SIGNATURE:
            break;
        case SJWT_CRYPTO_NO_MEMORY:
            return sjwt_fail(error, SJWT_NO_MEMORY, 0, NULL);
        case SJWT_CRYPTO_INTERNAL:
            return sjwt_fail(error, SJWT_INTERNAL, 0, NULL);
        }
    }
    if (key->algorithms != 0)
        return SJWT_OK;
    return lacking != NULL ? sjwt_fail(error, SJWT_JWK_UNSUPPORTED, 0, lacking)
                           : sjwt_fail(error, SJWT_JWK_KEY_REFUSED, 0, NULL);
}

/* Decodes text behind *room and moves *room on. */
static bool decode_member(const char *text, bool is_integer, uint8_t **room, sjwt_crypto_span *out)
{
    size_t len = strlen(text);

    *out = (sjwt_crypto_span){*room, SJWT_BASE64URL_DECODED_LEN(len)};
    if (out->len == 0 || !sjwt_base64url_decode(text, len, *room, NULL))
        return false;
    *room += out->len;
    return !is_integer || out->data[0] != 0;
}

static sjwt_status fill_key(const jwk_members *members, sjwt_key *key, sjwt_error *error)
{
    uint8_t *room = key->octets;
    sjwt_crypto_span spans[2] = {{NULL, 0}, {NULL, 0}};

    for (int i = 0; i < 2; i++) {
        if (members->numbers[i] != NULL &&
            !decode_member(members->numbers[i], members_of_type[members->profile.type].is_integer,
                           &room, &spans[i]))
            return sjwt_fail(error, SJWT_JWK_MEMBER_INVALID, 0,
                             members_of_type[members->profile.type].names[i]);
    }
    key->key.type = members->profile.type;
    key->key.curve = members->profile.curve;
    switch (members->profile.type) {
    case SJWT_CRYPTO_KEY_OKP:
    case SJWT_CRYPTO_KEY_EC:
        key->key.x = spans[0];
        key->key.y = spans[1];
        break;
    case SJWT_CRYPTO_KEY_RSA:
        key->key.n = spans[0];
        key->key.e = spans[1];
        break;
    case SJWT_CRYPTO_KEY_OCT:
        key->key.k = spans[0];
        break;
    }
    if (members->profile.kid != NULL) {
        memcpy(room, members->profile.kid, strlen(members->profile.kid) + 1);
        key->kid = (const char *)room;
    }
    return find_algorithms(&members->profile, key, error);
}

sjwt_status sjwt_key_read(const sjwt_allocator *allocator, const sjwt_json_value *jwk,
                          sjwt_key **out, sjwt_error *error)
{
    jwk_members members = {0};

    *out = NULL;
    sjwt_status status = read_members(jwk, &members, error);
    if (status != SJWT_OK)
        return status;

    size_t size =
        sizeof(sjwt_key) + (members.profile.kid != NULL ? strlen(members.profile.kid) + 1 : 0);
    for (int i = 0; i < 2; i++) {
        if (members.numbers[i] != NULL)
            size += SJWT_BASE64URL_DECODED_LEN(strlen(members.numbers[i]));
    }
    sjwt_key *key = sjwt_allocate(allocator, size);
    if (key == NULL)
        return sjwt_fail(error, SJWT_NO_MEMORY, 0, NULL);
    memset(key, 0, sizeof(*key));
    key->size = size;
    status = fill_key(&members, key, error);
    if (status != SJWT_OK) {
        sjwt_key_free(allocator, key);
        return status;
    }
    *out = key;
    return SJWT_OK;
}

void sjwt_key_free(const sjwt_allocator *allocator, sjwt_key *key)
{
    if (key == NULL)
        return;
    sjwt_wipe(key, key->size);
    sjwt_release(allocator, key);
}
