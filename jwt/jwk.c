/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/jwk.h"
#include "jwt/base64url.h"
#include "jwt/error.h"
#include "jwt/memory.h"

#include <stdatomic.h>
#include <stdio.h>
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
    bool is_integer; /* RFC 7518 section 2, Base64urlUInt */
} members_of_type[] = {
    [SJWT_CRYPTO_KEY_OKP] = {{"x", NULL}, false},
    [SJWT_CRYPTO_KEY_EC] = {{"x", "y"}, false},
    [SJWT_CRYPTO_KEY_RSA] = {{"n", "e"}, true},
    [SJWT_CRYPTO_KEY_OCT] = {{"k", NULL}, false},
};

/* ---- members ----------------------------------------------------------- */

const sjwt_json_value *sjwt_jwk_member(const sjwt_json_value *jwk, const char *name)
{
    const sjwt_json_value *value = sjwt_json_member(jwk, name);

    return sjwt_json_is_null(value) ? NULL : value;
}

/* name and what are constants. */
static sjwt_status refuse_member(sjwt_error *error, sjwt_status status, const char *name,
                                 const char *what)
{
    char detail[96];

    snprintf(detail, sizeof(detail), "\"%s\" %s", name, what);
    return sjwt_fail(error, status, 0, detail);
}

static sjwt_status invalid_member(sjwt_error *error, const char *name, const char *what)
{
    return refuse_member(error, SJWT_JWK_MEMBER_INVALID, name, what);
}

static sjwt_status optional_string(const sjwt_json_value *jwk, const char *name, const char **out,
                                   sjwt_error *error)
{
    const sjwt_json_value *value = sjwt_jwk_member(jwk, name);

    *out = sjwt_json_string(value);
    return value == NULL || *out != NULL ? SJWT_OK : invalid_member(error, name, "is not a string");
}

static sjwt_status needed_string(const sjwt_json_value *jwk, const char *name, const char **out,
                                 sjwt_error *error)
{
    sjwt_status status = optional_string(jwk, name, out, error);

    if (status != SJWT_OK || *out != NULL)
        return status;
    return invalid_member(error, name, "is missing");
}

/* Four characters stand for three octets, these for zeros. */
static const char zeros[] = "AAAA";

sjwt_status sjwt_jwk_read_text(const sjwt_json_value *jwk, const char *name, bool is_integer,
                               const char **out, sjwt_error *error)
{
    sjwt_status status = needed_string(jwk, name, out, error);

    if (status != SJWT_OK || *out == NULL)
        return status;
    if ((*out)[0] == '\0')
        return invalid_member(error, name, "is empty");
    while (is_integer && strncmp(*out, zeros, strlen(zeros)) == 0)
        *out += strlen(zeros);
    return SJWT_OK;
}

sjwt_status sjwt_jwk_decode(const char *text, const char *name, bool is_integer, uint8_t *buf,
                            sjwt_crypto_span *out, sjwt_error *error)
{
    size_t len = strlen(text);

    *out = (sjwt_crypto_span){buf, SJWT_BASE64URL_DECODED_LEN(len)};
    if (!sjwt_base64url_decode(text, len, buf, NULL))
        return invalid_member(error, name, "is not unpadded base64url");
    while (is_integer && out->len > 0 && out->data[0] == 0) {
        out->data++;
        out->len--;
    }
    return out->len > 0 ? SJWT_OK : invalid_member(error, name, "is zero");
}

/* ---- the profile ------------------------------------------------------- */

static sjwt_status read_type(const sjwt_json_value *jwk, sjwt_jwk_profile *profile,
                             sjwt_error *error)
{
    const char *name;
    sjwt_status status = optional_string(jwk, "kty", &name, error);

    if (status != SJWT_OK)
        return status;
    if (name == NULL)
        return sjwt_fail(error, SJWT_JWK_NOT_A_KEY, 0, "\"kty\" is missing");
    for (size_t i = 0; i < sizeof(key_types) / sizeof(key_types[0]); i++) {
        if (strcmp(key_types[i].name, name) == 0) {
            profile->type = key_types[i].type;
            return SJWT_OK;
        }
    }
    return sjwt_fail(error, SJWT_JWK_KTY_UNKNOWN, 0, NULL);
}

/* RFC 7517 section 4.2, and what SPIFFE registers: the JWT-SVID specification, section 4. */
static bool is_for_signatures(const char *use)
{
    return strcmp(use, "sig") == 0 || strcmp(use, "jwt-svid") == 0;
}

/* RFC 7517 sections 4.2 and 4.3. */
static sjwt_status read_purpose(const sjwt_json_value *jwk, const char *wanted, sjwt_error *error)
{
    const char *use;
    sjwt_status status = optional_string(jwk, "use", &use, error);

    if (status != SJWT_OK)
        return status;
    if (use != NULL && !is_for_signatures(use))
        return refuse_member(error, SJWT_JWK_USE_REFUSED, "use", "is not \"sig\"");

    const sjwt_json_value *operations = sjwt_jwk_member(jwk, "key_ops");
    if (operations == NULL)
        return SJWT_OK;
    if (!sjwt_json_is_array(operations))
        return invalid_member(error, "key_ops", "is not an array");
    bool included = false;
    for (const sjwt_json_value *item = sjwt_json_first(operations); item != NULL;
         item = sjwt_json_next(item)) {
        const char *operation = sjwt_json_string(item);
        if (operation == NULL)
            return invalid_member(error, "key_ops", "has an item that is not a string");
        included = included || strcmp(operation, wanted) == 0;
    }
    if (included)
        return SJWT_OK;
    return refuse_member(error, SJWT_JWK_USE_REFUSED, "key_ops",
                         strcmp(wanted, "sign") == 0 ? "lacks \"sign\"" : "lacks \"verify\"");
}

static sjwt_status read_curve(const sjwt_json_value *jwk, sjwt_jwk_profile *profile,
                              sjwt_error *error)
{
    profile->curve = SJWT_CRYPTO_CURVE_NONE;
    if (profile->type != SJWT_CRYPTO_KEY_OKP && profile->type != SJWT_CRYPTO_KEY_EC)
        return SJWT_OK;
    const char *name;
    sjwt_status status = needed_string(jwk, "crv", &name, error);
    if (status != SJWT_OK)
        return status;
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
    sjwt_status status = optional_string(jwk, "alg", &name, error);

    profile->alg = NULL;
    if (status != SJWT_OK || name == NULL)
        return status;
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
        return sjwt_fail(error, SJWT_JWK_NOT_A_KEY, 0, "it is not an object");
    if ((status = read_type(jwk, out, error)) != SJWT_OK ||
        (status = optional_string(jwk, "kid", &out->kid, error)) != SJWT_OK ||
        (status = read_purpose(jwk, operation, error)) != SJWT_OK ||
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
    for (int i = 0; i < 2 && status == SJWT_OK; i++) {
        const char *name = members_of_type[members->profile.type].names[i];
        if (name != NULL)
            status =
                sjwt_jwk_read_text(jwk, name, members_of_type[members->profile.type].is_integer,
                                   &members->numbers[i], error);
    }
    return status;
}

/* Is the key for this algorithm: of its family, and the one that "alg" names? */
static bool is_meant_for(const sjwt_jwk_profile *profile, const sjwt_crypto_algorithm *algorithm)
{
    return sjwt_jwk_fits(profile, algorithm) && (profile->alg == NULL || profile->alg == algorithm);
}

/* The reason why a key's octets do not fit the algorithm. */
static sjwt_status refuse_octets(sjwt_error *error, sjwt_crypto_alg alg,
                                 const sjwt_crypto_key_octets *octets)
{
    sjwt_crypto_fault fault = sjwt_crypto_octets_fault(alg, octets);
    char what[64];

    if (fault.member == NULL)
        return sjwt_fail(error, SJWT_JWK_KEY_REFUSED, 0, NULL);
    if (fault.number == 0)
        snprintf(what, sizeof(what), "must %s", fault.must);
    else
        snprintf(what, sizeof(what), "must %s %zu %s", fault.must, fault.number, fault.unit);
    return refuse_member(error, SJWT_JWK_KEY_REFUSED, fault.member, what);
}

/* Of the algorithms that the key does not fit, the first has the least demands. */
static sjwt_status find_algorithms(const sjwt_jwk_profile *profile, sjwt_key *key,
                                   sjwt_error *error)
{
    const sjwt_crypto_algorithm *refused = NULL, *lacking = NULL;

    for (unsigned n = 0; n < SJWT_CRYPTO_ALG_COUNT; n++) {
        const sjwt_crypto_algorithm *algorithm = sjwt_crypto_algorithm_get((sjwt_crypto_alg)n);
        if (!is_meant_for(profile, algorithm))
            continue;
        sjwt_crypto_status status = sjwt_crypto_check_octets(algorithm->alg, &key->octets);
        if (status == SJWT_CRYPTO_OK)
            key->algorithms |= SJWT_CRYPTO_BIT(n);
        else if (status == SJWT_CRYPTO_UNSUPPORTED && lacking == NULL)
            lacking = algorithm;
        else if (refused == NULL)
            refused = algorithm;
    }
    if (key->algorithms != 0)
        return SJWT_OK;
    if (lacking != NULL)
        return sjwt_fail(error, SJWT_JWK_UNSUPPORTED, 0, lacking->name);
    /* a profile fits one algorithm at least */
    return refuse_octets(error, refused->alg, &key->octets);
}

/* ---- the same key ------------------------------------------------------ */

void sjwt_key_get_octets(const sjwt_key *key, sjwt_crypto_span out[2])
{
    const sjwt_crypto_key_octets *octets = &key->octets;

    out[0] = octets->x;
    out[1] = octets->y;
    if (octets->type == SJWT_CRYPTO_KEY_RSA) {
        out[0] = octets->n;
        out[1] = octets->e;
    } else if (octets->type == SJWT_CRYPTO_KEY_OCT) {
        out[0] = octets->k;
    }
}

/* FNV-1a, 64 bits. Two keys of one hash are compared whole, so that a collision costs time only. */
static uint64_t add_to_hash(uint64_t hash, const void *data, size_t len)
{
    const uint8_t *octets = data;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ octets[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t hash_key(const sjwt_key *key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    sjwt_crypto_span octets[2];

    sjwt_key_get_octets(key, octets);
    for (int i = 0; i < 2; i++)
        hash = add_to_hash(hash, octets[i].data, octets[i].len);
    return key->kid == NULL ? hash : add_to_hash(hash, key->kid, strlen(key->kid));
}

static bool same_octets(sjwt_crypto_span left, sjwt_crypto_span right)
{
    return left.len == right.len && (left.len == 0 || memcmp(left.data, right.data, left.len) == 0);
}

static bool same_kid(const char *left, const char *right)
{
    return left == NULL || right == NULL ? left == right : strcmp(left, right) == 0;
}

bool sjwt_key_is_same(const sjwt_key *left, const sjwt_key *right)
{
    sjwt_crypto_span of_left[2], of_right[2];

    /* an algorithm belongs to one type and one curve */
    if (left->hash != right->hash || left->algorithms != right->algorithms)
        return false;
    sjwt_key_get_octets(left, of_left);
    sjwt_key_get_octets(right, of_right);
    return same_octets(of_left[0], of_right[0]) && same_octets(of_left[1], of_right[1]) &&
           same_kid(left->kid, right->kid);
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
        if (members->numbers[i] == NULL)
            continue;
        sjwt_status status = sjwt_jwk_decode(
            members->numbers[i], members_of_type[members->profile.type].names[i],
            members_of_type[members->profile.type].is_integer, buf, &spans[i], error);
        if (status != SJWT_OK)
            return status;
        buf += SJWT_BASE64URL_DECODED_LEN(strlen(members->numbers[i]));
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
    key->hash = hash_key(key);
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

static const char *const refused_by_library[] = {
    [SJWT_CRYPTO_KEY_OKP] = "the crypto library refuses \"x\"",
    [SJWT_CRYPTO_KEY_EC] = "the crypto library refuses \"x\" and \"y\"",
    [SJWT_CRYPTO_KEY_RSA] = "the crypto library refuses \"n\" and \"e\"",
    [SJWT_CRYPTO_KEY_OCT] = "the crypto library refuses \"k\"",
};

static sjwt_status prepare_key(const sjwt_key *key, bool all, sjwt_error *error)
{
    const char *lacking = NULL;
    bool usable = false;

    for (unsigned n = 0; n < SJWT_CRYPTO_ALG_COUNT && (all || !usable); n++) {
        sjwt_crypto_key prepared;

        if ((key->algorithms & SJWT_CRYPTO_BIT(n)) == 0)
            continue;
        sjwt_status status = sjwt_key_prepare(key, (sjwt_crypto_alg)n, &prepared);
        if (sjwt_status_is_transient(status))
            return sjwt_fail(error, status, 0,
                             status == SJWT_INTERNAL ? sjwt_crypto_describe((sjwt_crypto_alg)n)
                                                     : NULL);
        usable = usable || status == SJWT_OK;
        if (status == SJWT_JWK_UNSUPPORTED && lacking == NULL)
            lacking = sjwt_crypto_algorithm_get((sjwt_crypto_alg)n)->name;
    }
    if (usable)
        return SJWT_OK;
    return lacking != NULL
               ? sjwt_fail(error, SJWT_JWK_UNSUPPORTED, 0, lacking)
               : sjwt_fail(error, SJWT_JWK_KEY_REFUSED, 0, refused_by_library[key->octets.type]);
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
