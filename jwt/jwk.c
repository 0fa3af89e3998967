#include "jwt/jwk.h"
#include "jwt/base64url.h"
#include "jwt/error.h"
#include "jwt/memory.h"

#include <string.h>

static const struct {
    const char *name;
    crypto_key_type type;
} key_types[] = {
    {"OKP", CRYPTO_KEY_OKP},
    {"EC", CRYPTO_KEY_EC},
    {"RSA", CRYPTO_KEY_RSA},
    {"oct", CRYPTO_KEY_OCT},
};

static const struct {
    const char *name;
    crypto_key_type type;
    crypto_curve curve;
} curves[] = {
    {"Ed25519", CRYPTO_KEY_OKP, CRYPTO_CURVE_ED25519},
    {"P-256", CRYPTO_KEY_EC, CRYPTO_CURVE_P256},
    {"P-384", CRYPTO_KEY_EC, CRYPTO_CURVE_P384},
    {"P-521", CRYPTO_KEY_EC, CRYPTO_CURVE_P521},
    {"secp256k1", CRYPTO_KEY_EC, CRYPTO_CURVE_SECP256K1},
};

/* A JWK's members that are kept, still borrowed from the tree. */
typedef struct jwk_members {
    jwt_jwk_profile profile;
    const char *numbers[2]; /* the encoded members of the type, NULL beyond */
} jwk_members;

/* Which of a key's members are read: public ones, and the secret that HMAC
 * cannot do without. "d" and the like have no row, so nothing can read them. */
static const struct {
    const char *names[2];
    bool is_integer; /* RFC 7518 section 2, Base64urlUInt: no leading zero octet */
} members_of_type[] = {
    [CRYPTO_KEY_OKP] = {{"x", NULL}, false},
    [CRYPTO_KEY_EC] = {{"x", "y"}, false},
    [CRYPTO_KEY_RSA] = {{"n", "e"}, true},
    [CRYPTO_KEY_OCT] = {{"k", NULL}, false},
};

/* An optional member that must be a string where it is present. */
static bool optional_string(const jwt_json_value *jwk, const char *name, const char **out)
{
    const jwt_json_value *value = jwt_json_member(jwk, name);

    *out = jwt_json_string(value);
    return value == NULL || *out != NULL;
}

static jwt_status read_type(const jwt_json_value *jwk, jwt_jwk_profile *profile, jwt_error *error)
{
    const jwt_json_value *value = jwt_json_member(jwk, "kty");
    if (value == NULL)
        return jwt_fail(error, JWK_NOT_A_KEY, 0, NULL);
    const char *name = jwt_json_string(value);
    if (name == NULL)
        return jwt_fail(error, JWK_MEMBER_INVALID, 0, "kty");
    for (size_t i = 0; i < sizeof(key_types) / sizeof(key_types[0]); i++) {
        if (strcmp(key_types[i].name, name) == 0) {
            profile->type = key_types[i].type;
            return JWT_OK;
        }
    }
    return jwt_fail(error, JWK_KTY_UNKNOWN, 0, NULL);
}

/* RFC 7517 sections 4.2 and 4.3. */
static jwt_status read_purpose(const jwt_json_value *jwk, const char *wanted, jwt_error *error)
{
    const char *use;
    if (!optional_string(jwk, "use", &use))
        return jwt_fail(error, JWK_MEMBER_INVALID, 0, "use");
    if (use != NULL && strcmp(use, "sig") != 0)
        return jwt_fail(error, JWK_USE_REFUSED, 0, "use");

    const jwt_json_value *operations = jwt_json_member(jwk, "key_ops");
    if (operations == NULL)
        return JWT_OK;
    if (!jwt_json_is_array(operations))
        return jwt_fail(error, JWK_MEMBER_INVALID, 0, "key_ops");
    bool included = false;
    for (const jwt_json_value *item = jwt_json_first(operations); item != NULL;
         item = jwt_json_next(item)) {
        const char *operation = jwt_json_string(item);
        if (operation == NULL)
            return jwt_fail(error, JWK_MEMBER_INVALID, 0, "key_ops");
        included = included || strcmp(operation, wanted) == 0;
    }
    return included ? JWT_OK : jwt_fail(error, JWK_USE_REFUSED, 0, "key_ops");
}

static jwt_status read_curve(const jwt_json_value *jwk, jwt_jwk_profile *profile, jwt_error *error)
{
    profile->curve = CRYPTO_CURVE_NONE;
    if (profile->type != CRYPTO_KEY_OKP && profile->type != CRYPTO_KEY_EC)
        return JWT_OK;
    const char *name = jwt_json_string(jwt_json_member(jwk, "crv"));
    if (name == NULL)
        return jwt_fail(error, JWK_MEMBER_INVALID, 0, "crv");
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        if (curves[i].type == profile->type && strcmp(curves[i].name, name) == 0) {
            profile->curve = curves[i].curve;
            return JWT_OK;
        }
    }
    return jwt_fail(error, JWK_CRV_UNKNOWN, 0, NULL);
}

bool jwt_jwk_fits(const jwt_jwk_profile *profile, const crypto_algorithm *algorithm)
{
    return algorithm->key_type == profile->type && algorithm->curve == profile->curve;
}

static jwt_status read_algorithm(const jwt_json_value *jwk, jwt_jwk_profile *profile,
                                 jwt_error *error)
{
    const char *name;

    profile->alg = NULL;
    if (!optional_string(jwk, "alg", &name))
        return jwt_fail(error, JWK_MEMBER_INVALID, 0, "alg");
    if (name == NULL)
        return JWT_OK;
    profile->alg = crypto_algorithm_find(name, strlen(name));
    if (profile->alg == NULL)
        return jwt_fail(error, JWK_ALG_UNKNOWN, 0, NULL);
    return jwt_jwk_fits(profile, profile->alg) ? JWT_OK
                                               : jwt_fail(error, JWK_ALG_MISMATCH, 0, NULL);
}

jwt_status jwt_jwk_read_profile(const jwt_json_value *jwk, const char *operation,
                                jwt_jwk_profile *out, jwt_error *error)
{
    jwt_status status;

    if (!jwt_json_is_object(jwk))
        return jwt_fail(error, JWK_NOT_A_KEY, 0, NULL);
    if ((status = read_type(jwk, out, error)) != JWT_OK)
        return status;
    if (!optional_string(jwk, "kid", &out->kid))
        return jwt_fail(error, JWK_MEMBER_INVALID, 0, "kid");
    if ((status = read_purpose(jwk, operation, error)) != JWT_OK ||
        (status = read_curve(jwk, out, error)) != JWT_OK)
        return status;
    return read_algorithm(jwk, out, error);
}

const char *jwt_key_type_name(crypto_key_type type)
{
    size_t i = 0;

    while (key_types[i].type != type)
        i++;
    return key_types[i].name;
}

const char *jwt_curve_name(crypto_curve curve)
{
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        if (curves[i].curve == curve)
            return curves[i].name;
    }
    return NULL;
}

static jwt_status read_members(const jwt_json_value *jwk, jwk_members *members, jwt_error *error)
{
    jwt_status status = jwt_jwk_read_profile(jwk, "verify", &members->profile, error);

    if (status != JWT_OK)
        return status;
    for (int i = 0; i < 2; i++) {
        const char *name = members_of_type[members->profile.type].names[i];
        members->numbers[i] = name == NULL ? NULL : jwt_json_string(jwt_json_member(jwk, name));
        if (name != NULL && members->numbers[i] == NULL)
            return jwt_fail(error, JWK_MEMBER_INVALID, 0, name);
    }
    return JWT_OK;
}

/* Asks for each algorithm of the key's family, or for the one it names. */
static jwt_status find_algorithms(const jwt_jwk_profile *profile, jwt_key *key, jwt_error *error)
{
    const char *lacking = NULL;

    for (unsigned n = 0; n < CRYPTO_ALG_COUNT; n++) {
        const crypto_algorithm *algorithm = crypto_algorithm_get((crypto_alg)n);
        if (!jwt_jwk_fits(profile, algorithm) ||
            (profile->alg != NULL && profile->alg != algorithm))
            continue;
        switch (crypto_check_key(algorithm->alg, &key->key)) {
        case CRYPTO_OK:
            key->algorithms |= CRYPTO_BIT(algorithm->alg);
            break;
        case CRYPTO_UNSUPPORTED:
            if (lacking == NULL)
                lacking = algorithm->name;
            break;
        case CRYPTO_BAD_KEY:
        case CRYPTO_BAD_SIGNATURE:
            break;
        case CRYPTO_NO_MEMORY:
            return jwt_fail(error, JWT_NO_MEMORY, 0, NULL);
        case CRYPTO_INTERNAL:
            return jwt_fail(error, JWT_INTERNAL, 0, NULL);
        }
    }
    if (key->algorithms != 0)
        return JWT_OK;
    return lacking != NULL ? jwt_fail(error, JWK_UNSUPPORTED, 0, lacking)
                           : jwt_fail(error, JWK_KEY_REFUSED, 0, NULL);
}

/* Decodes text behind *room and moves *room on. */
static bool decode_member(const char *text, bool is_integer, uint8_t **room, crypto_span *out)
{
    size_t len = strlen(text);

    *out = (crypto_span){*room, JWT_BASE64URL_DECODED_LEN(len)};
    if (out->len == 0 || !jwt_base64url_decode(text, len, *room, NULL))
        return false;
    *room += out->len;
    return !is_integer || out->data[0] != 0;
}

static jwt_status fill_key(const jwk_members *members, jwt_key *key, jwt_error *error)
{
    uint8_t *room = key->octets;
    crypto_span spans[2] = {{NULL, 0}, {NULL, 0}};

    for (int i = 0; i < 2; i++) {
        if (members->numbers[i] != NULL &&
            !decode_member(members->numbers[i], members_of_type[members->profile.type].is_integer,
                           &room, &spans[i]))
            return jwt_fail(error, JWK_MEMBER_INVALID, 0,
                            members_of_type[members->profile.type].names[i]);
    }
    key->key.type = members->profile.type;
    key->key.curve = members->profile.curve;
    switch (members->profile.type) {
    case CRYPTO_KEY_OKP:
    case CRYPTO_KEY_EC:
        key->key.x = spans[0];
        key->key.y = spans[1];
        break;
    case CRYPTO_KEY_RSA:
        key->key.n = spans[0];
        key->key.e = spans[1];
        break;
    case CRYPTO_KEY_OCT:
        key->key.k = spans[0];
        break;
    }
    if (members->profile.kid != NULL) {
        memcpy(room, members->profile.kid, strlen(members->profile.kid) + 1);
        key->kid = (const char *)room;
    }
    return find_algorithms(&members->profile, key, error);
}

jwt_status jwt_key_read(const jwt_allocator *allocator, const jwt_json_value *jwk, jwt_key **out,
                        jwt_error *error)
{
    jwk_members members = {0};

    *out = NULL;
    jwt_status status = read_members(jwk, &members, error);
    if (status != JWT_OK)
        return status;

    size_t size =
        sizeof(jwt_key) + (members.profile.kid != NULL ? strlen(members.profile.kid) + 1 : 0);
    for (int i = 0; i < 2; i++) {
        if (members.numbers[i] != NULL)
            size += JWT_BASE64URL_DECODED_LEN(strlen(members.numbers[i]));
    }
    jwt_key *key = jwt_allocate(allocator, size);
    if (key == NULL)
        return jwt_fail(error, JWT_NO_MEMORY, 0, NULL);
    memset(key, 0, sizeof(*key));
    key->size = size;
    status = fill_key(&members, key, error);
    if (status != JWT_OK) {
        jwt_key_free(allocator, key);
        return status;
    }
    *out = key;
    return JWT_OK;
}

void jwt_key_free(const jwt_allocator *allocator, jwt_key *key)
{
    if (key == NULL)
        return;
    jwt_wipe(key, key->size);
    jwt_release(allocator, key);
}
