/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/jwk.h"
#include "jwt/base64url.h"
#include "jwt/error.h"
#include "jwt/memory.h"

#include <stdatomic.h>
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

/* The life of a slot. EMPTY becomes one of the others, and that is its last state. */
typedef enum slot_state { SLOT_EMPTY, SLOT_PREPARED, SLOT_REFUSED, SLOT_UNSUPPORTED } slot_state;

struct sjwt_key_slot {
    atomic_int state; /* slot_state */
    _Atomic(void *)
        handle; /* the backend's, set before state is SLOT_PREPARED; NULL if it has none */
};

/* A JWK's members that are kept; the strings belong to the parsed text. */
typedef struct jwk_members {
    sjwt_jwk_profile profile;
    const char *numbers[2]; /* the encoded members of the type, NULL beyond */
} jwk_members;

/* The members of a key that are read: the public ones, and HMAC's secret. "d" and the
 * like have no row, so that nothing reads them. */
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

/* Is the key for this algorithm: of its family, and the one that "alg" names? */
static bool is_meant_for(const sjwt_jwk_profile *profile, const sjwt_crypto_algorithm *algorithm)
{
    return sjwt_jwk_fits(profile, algorithm) && (profile->alg == NULL || profile->alg == algorithm);
}

static sjwt_status find_algorithms(const sjwt_jwk_profile *profile, sjwt_key *key,
                                   sjwt_error *error)
{
    const char *lacking = NULL;

    for (unsigned n = 0; n < SJWT_CRYPTO_ALG_COUNT; n++) {
        const sjwt_crypto_algorithm *algorithm = sjwt_crypto_algorithm_get((sjwt_crypto_alg)n);
        if (!is_meant_for(profile, algorithm))
            continue;
        sjwt_crypto_status status = sjwt_crypto_check_octets(algorithm->alg, &key->octets);
        if (status == SJWT_CRYPTO_OK)
            key->algorithms |= SJWT_CRYPTO_BIT(n);
        else if (status == SJWT_CRYPTO_UNSUPPORTED && lacking == NULL)
            lacking = algorithm->name;
    }
    if (key->algorithms != 0)
        return SJWT_OK;
    return lacking != NULL ? sjwt_fail(error, SJWT_JWK_UNSUPPORTED, 0, lacking)
                           : sjwt_fail(error, SJWT_JWK_KEY_REFUSED, 0, NULL);
}

/* Decodes text to *buf and moves *buf behind it. */
static bool decode_member(const char *text, bool is_integer, uint8_t **buf, sjwt_crypto_span *out)
{
    size_t len = strlen(text);

    *out = (sjwt_crypto_span){*buf, SJWT_BASE64URL_DECODED_LEN(len)};
    if (out->len == 0 || !sjwt_base64url_decode(text, len, *buf, NULL))
        return false;
    *buf += out->len;
    return !is_integer || out->data[0] != 0;
}

/* As many slots as algorithms that the key may have by its profile. */
static size_t count_slots(const sjwt_jwk_profile *profile)
{
    size_t count = 0;

    for (unsigned n = 0; n < SJWT_CRYPTO_ALG_COUNT; n++)
        count += is_meant_for(profile, sjwt_crypto_algorithm_get((sjwt_crypto_alg)n));
    return count;
}

static sjwt_status fill_key(const jwk_members *members, sjwt_key *key, sjwt_error *error)
{
    uint8_t *buf = (uint8_t *)(key->slots + count_slots(&members->profile));
    sjwt_crypto_span spans[2] = {{NULL, 0}, {NULL, 0}};

    for (int i = 0; i < 2; i++) {
        if (members->numbers[i] != NULL &&
            !decode_member(members->numbers[i], members_of_type[members->profile.type].is_integer,
                           &buf, &spans[i]))
            return sjwt_fail(error, SJWT_JWK_MEMBER_INVALID, 0,
                             members_of_type[members->profile.type].names[i]);
    }
    key->octets.type = members->profile.type;
    key->octets.curve = members->profile.curve;
    switch (members->profile.type) {
    case SJWT_CRYPTO_KEY_OKP:
    case SJWT_CRYPTO_KEY_EC:
        key->octets.x = spans[0];
        key->octets.y = spans[1];
        break;
    case SJWT_CRYPTO_KEY_RSA:
        key->octets.n = spans[0];
        key->octets.e = spans[1];
        break;
    case SJWT_CRYPTO_KEY_OCT:
        key->octets.k = spans[0];
        break;
    }
    if (members->profile.kid != NULL) {
        memcpy(buf, members->profile.kid, strlen(members->profile.kid) + 1);
        key->kid = (const char *)buf;
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

    size_t size = sizeof(sjwt_key) + count_slots(&members.profile) * sizeof(sjwt_key_slot);
    if (members.profile.kid != NULL)
        size += strlen(members.profile.kid) + 1;
    for (int i = 0; i < 2; i++) {
        if (members.numbers[i] != NULL)
            size += SJWT_BASE64URL_DECODED_LEN(strlen(members.numbers[i]));
    }
    sjwt_key *key = sjwt_allocate(allocator, size);
    if (key == NULL)
        return sjwt_fail(error, SJWT_NO_MEMORY, 0, NULL);
    memset(key, 0, size);
    key->size = size;
    key->slots = (sjwt_key_slot *)(key + 1);
    status = fill_key(&members, key, error);
    if (status != SJWT_OK) {
        sjwt_key_free(allocator, key);
        return status;
    }
    *out = key;
    return SJWT_OK;
}

/* ---- preparing --------------------------------------------------------- */

static sjwt_key_slot *slot_of(const sjwt_key *key, sjwt_crypto_alg alg)
{
    sjwt_key_slot *slot = key->slots;

    for (unsigned n = 0; n < (unsigned)alg; n++) {
        if ((key->algorithms & SJWT_CRYPTO_BIT(n)) != 0)
            slot++;
    }
    return slot;
}

static slot_state get_state(sjwt_key_slot *slot)
{
    return (slot_state)atomic_load_explicit(&slot->state, memory_order_acquire);
}

/* Of two threads that prepare a key at the same time, both get the handle of the one that
 * was first here. */
static void publish(sjwt_key_slot *slot, const sjwt_crypto_key *prepared)
{
    void *expected = NULL;

    if (prepared->handle != NULL &&
        !atomic_compare_exchange_strong(&slot->handle, &expected, prepared->handle))
        sjwt_crypto_release(prepared);
    atomic_store_explicit(&slot->state, SLOT_PREPARED, memory_order_release);
}

static sjwt_status fill_slot(const sjwt_key *key, sjwt_crypto_alg alg, sjwt_key_slot *slot)
{
    sjwt_crypto_key prepared;

    switch (sjwt_crypto_prepare(alg, &key->octets, &prepared)) {
    case SJWT_CRYPTO_OK:
        publish(slot, &prepared);
        return SJWT_OK;
    case SJWT_CRYPTO_BAD_KEY:
        atomic_store_explicit(&slot->state, SLOT_REFUSED, memory_order_release);
        return SJWT_JWK_KEY_REFUSED;
    case SJWT_CRYPTO_UNSUPPORTED:
        atomic_store_explicit(&slot->state, SLOT_UNSUPPORTED, memory_order_release);
        return SJWT_JWK_UNSUPPORTED;
    case SJWT_CRYPTO_NO_MEMORY:
        return SJWT_NO_MEMORY;
    case SJWT_CRYPTO_BAD_SIGNATURE: /* not an answer to this question */
    case SJWT_CRYPTO_INTERNAL:
        break;
    }
    return SJWT_INTERNAL;
}

sjwt_status sjwt_key_prepare(const sjwt_key *key, sjwt_crypto_alg alg, sjwt_crypto_key *out)
{
    sjwt_key_slot *slot = slot_of(key, alg);
    sjwt_status status = SJWT_OK;

    switch (get_state(slot)) {
    case SLOT_EMPTY:
        status = fill_slot(key, alg, slot);
        break;
    case SLOT_PREPARED:
        break;
    case SLOT_REFUSED:
        status = SJWT_JWK_KEY_REFUSED;
        break;
    case SLOT_UNSUPPORTED:
        status = SJWT_JWK_UNSUPPORTED;
        break;
    }
    if (status == SJWT_OK)
        *out = (sjwt_crypto_key){alg, &key->octets,
                                 atomic_load_explicit(&slot->handle, memory_order_acquire)};
    return status;
}

static sjwt_status prepare_key(const sjwt_key *key, bool all, sjwt_error *error)
{
    const char *lacking = NULL;
    bool usable = false;

    for (unsigned n = 0; n < SJWT_CRYPTO_ALG_COUNT && (all || !usable); n++) {
        sjwt_crypto_key prepared;

        if ((key->algorithms & SJWT_CRYPTO_BIT(n)) == 0)
            continue;
        sjwt_status status = sjwt_key_prepare(key, (sjwt_crypto_alg)n, &prepared);
        if (status == SJWT_NO_MEMORY || status == SJWT_INTERNAL)
            return sjwt_fail(error, status, 0,
                             status == SJWT_INTERNAL ? sjwt_crypto_describe((sjwt_crypto_alg)n)
                                                     : NULL);
        usable = usable || status == SJWT_OK;
        if (status == SJWT_JWK_UNSUPPORTED && lacking == NULL)
            lacking = sjwt_crypto_algorithm_get((sjwt_crypto_alg)n)->name;
    }
    if (usable)
        return SJWT_OK;
    return lacking != NULL ? sjwt_fail(error, SJWT_JWK_UNSUPPORTED, 0, lacking)
                           : sjwt_fail(error, SJWT_JWK_KEY_REFUSED, 0, NULL);
}

sjwt_status sjwt_key_prepare_all(const sjwt_key *key, sjwt_error *error)
{
    return prepare_key(key, true, error);
}

sjwt_status sjwt_key_prepare_any(const sjwt_key *key, sjwt_error *error)
{
    return prepare_key(key, false, error);
}

sjwt_algorithm_set sjwt_key_usable_algorithms(const sjwt_key *key)
{
    sjwt_algorithm_set usable = 0;

    for (unsigned n = 0; n < SJWT_CRYPTO_ALG_COUNT; n++) {
        if ((key->algorithms & SJWT_CRYPTO_BIT(n)) == 0)
            continue;
        slot_state state = get_state(slot_of(key, (sjwt_crypto_alg)n));
        if (state == SLOT_EMPTY || state == SLOT_PREPARED)
            usable |= SJWT_CRYPTO_BIT(n);
    }
    return usable;
}

static void release_handles(const sjwt_key *key)
{
    for (unsigned n = 0; n < SJWT_CRYPTO_ALG_COUNT; n++) {
        if ((key->algorithms & SJWT_CRYPTO_BIT(n)) == 0)
            continue;
        const sjwt_key_slot *slot = slot_of(key, (sjwt_crypto_alg)n);
        sjwt_crypto_release(
            &(sjwt_crypto_key){(sjwt_crypto_alg)n, &key->octets, atomic_load(&slot->handle)});
    }
}

void sjwt_key_free(const sjwt_allocator *allocator, sjwt_key *key)
{
    if (key == NULL)
        return;
    release_handles(key);
    sjwt_wipe(key, key->size);
    sjwt_release(allocator, key);
}
