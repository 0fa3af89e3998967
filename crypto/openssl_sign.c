/* SPDX-License-Identifier: Apache-2.0 */
/* The signing half of openssl.c. */
#include "crypto/openssl_lib.h"
#include "crypto/sign.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

/* Returns the final status of a call: out of memory or an unsupported algorithm
 * replaces another error. */
static sjwt_crypto_status finish(sjwt_crypto_alg alg, sjwt_crypto_status status)
{
    if (sjwt_crypto_openssl_end() && status != SJWT_CRYPTO_OK)
        return SJWT_CRYPTO_NO_MEMORY;
    if (status == SJWT_CRYPTO_OK)
        return status;
    sjwt_crypto_status offered = sjwt_crypto_openssl_probe(alg);
    return offered == SJWT_CRYPTO_OK ? status : offered;
}

static bool is_same(sjwt_crypto_span a, sjwt_crypto_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Returns whether the key has no coordinates or the same ones. */
static bool has_coordinates(const sjwt_crypto_key_octets *key, const sjwt_crypto_key_octets *made)
{
    return key->x.len == 0 || (is_same(key->x, made->x) && is_same(key->y, made->y));
}

#define ECDSA_ALGORITHMS                                                                           \
    (SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES384) |             \
     SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES512) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256K))

/* OpenSSL 3.2 and later has RFC 6979. Earlier versions and the FIPS module mix the
 * private key and the message into a random nonce, and their generator detects a fork.
 * There a repeated random state does not reveal the key either. */
#if defined(OSSL_SIGNATURE_PARAM_NONCE_TYPE) && !defined(SJWT_CRYPTO_OPENSSL_FIPS)
#define BY_RFC_6979 ECDSA_ALGORITHMS
#else
#define BY_RFC_6979 0
#endif

/* ---- EC ---------------------------------------------------------------- */

static int curve_nid(sjwt_crypto_curve curve)
{
    switch (curve) {
    case SJWT_CRYPTO_CURVE_P256:
        return NID_X9_62_prime256v1;
    case SJWT_CRYPTO_CURVE_P384:
        return NID_secp384r1;
    case SJWT_CRYPTO_CURVE_P521:
        return NID_secp521r1;
    case SJWT_CRYPTO_CURVE_SECP256K1:
        return NID_secp256k1;
    case SJWT_CRYPTO_CURVE_NONE:
    case SJWT_CRYPTO_CURVE_ED25519:
        break;
    }
    return NID_undef;
}

/* Returns d as a number; NULL if it is not in [1, order - 1] or out of memory. */
static BIGNUM *read_private_number(const EC_GROUP *group, sjwt_crypto_span d)
{
    BIGNUM *number = BN_secure_new();

    if (number != NULL && BN_bin2bn(d.data, (int)d.len, number) != NULL && !BN_is_zero(number) &&
        BN_cmp(number, EC_GROUP_get0_order(group)) < 0)
        return number;
    BN_clear_free(number);
    return NULL;
}

/* Writes the point of d to octets as 0x04, x, y. The coordinates of *public_key point there. */
static bool derive_point(const EC_GROUP *group, const BIGNUM *d, size_t coordinate_len,
                         uint8_t *octets, size_t size, sjwt_crypto_key_octets *public_key)
{
    BN_CTX *context = BN_CTX_secure_new_ex(sjwt_crypto_openssl_context());
    EC_POINT *point = EC_POINT_new(group);
    size_t len = 0;

    if (context != NULL && point != NULL && EC_POINT_mul(group, point, d, NULL, NULL, context) == 1)
        len =
            EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, octets, size, context);
    EC_POINT_free(point);
    BN_CTX_free(context);
    if (len != 1 + 2 * coordinate_len)
        return false;
    public_key->x = (sjwt_crypto_span){octets + 1, coordinate_len};
    public_key->y = (sjwt_crypto_span){octets + 1 + coordinate_len, coordinate_len};
    return true;
}

static EVP_PKEY *import_pair(const char *type, OSSL_PARAM_BLD *builder)
{
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = NULL;
    EVP_PKEY *key = NULL;

    if (parameters != NULL)
        context = EVP_PKEY_CTX_new_from_name(sjwt_crypto_openssl_context(), type,
                                             SJWT_CRYPTO_OPENSSL_PROPERTIES);
    if (context != NULL && EVP_PKEY_fromdata_init(context) == 1)
        (void)EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters); /* wipes its copies of secure numbers */
    return key;
}

static EVP_PKEY *build_ec(const char *group, sjwt_crypto_span point, const BIGNUM *d)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;

    if (builder != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.len) ==
            1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, d) == 1)
        key = import_pair("EC", builder);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

/* Imports d and derives *public_key. If key has coordinates, they must be the same. */
static sjwt_crypto_status import_ec(sjwt_crypto_alg alg, const sjwt_crypto_private_key *key,
                                    sjwt_crypto_key_buffer *buffer,
                                    sjwt_crypto_key_octets *public_key, EVP_PKEY **out)
{
    EC_GROUP *group =
        EC_GROUP_new_by_curve_name_ex(sjwt_crypto_openssl_context(), SJWT_CRYPTO_OPENSSL_PROPERTIES,
                                      curve_nid(key->public_key.curve));
    sjwt_crypto_status status = SJWT_CRYPTO_INTERNAL;

    if (group == NULL)
        return status;
    BIGNUM *d = read_private_number(group, key->d);
    if (d == NULL)
        status = SJWT_CRYPTO_BAD_KEY;
    else if (derive_point(group, d, key->d.len, buffer->octets, sizeof(buffer->octets),
                          public_key)) {
        const sjwt_crypto_span point = {buffer->octets, 1 + 2 * key->d.len};

        if (!has_coordinates(&key->public_key, public_key))
            status = SJWT_CRYPTO_BAD_KEY;
        else if ((*out = build_ec(sjwt_crypto_openssl_get_names(alg)->group, point, d)) != NULL)
            status = SJWT_CRYPTO_OK;
    }
    BN_clear_free(d);
    EC_GROUP_free(group);
    return status;
}

/* Converts DER to R || S, each as long as the curve's order. */
static bool read_der(const uint8_t *der, size_t der_len, uint8_t *signature, size_t len)
{
    ECDSA_SIG *numbers = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
    const int half = (int)(len / 2);
    bool fits = numbers != NULL &&
                BN_bn2binpad(ECDSA_SIG_get0_r(numbers), signature, half) == half &&
                BN_bn2binpad(ECDSA_SIG_get0_s(numbers), signature + half, half) == half;

    ECDSA_SIG_free(numbers);
    return fits;
}

/* ---- RSA --------------------------------------------------------------- */

/* The numbers of a private key, in OpenSSL's names. import_rsa() and take_rsa() use this order. */
static const char *const rsa_names[] = {
    OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
    OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
    OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

#define RSA_NUMBERS (sizeof(rsa_names) / sizeof(rsa_names[0]))

static EVP_PKEY *import_rsa(const sjwt_crypto_private_key *key)
{
    const sjwt_crypto_span spans[RSA_NUMBERS] = {
        key->public_key.n, key->public_key.e, key->d, key->p, key->q, key->dp, key->dq, key->qi};
    BIGNUM *numbers[RSA_NUMBERS] = {NULL};
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    bool complete = builder != NULL;
    EVP_PKEY *pkey = NULL;

    for (size_t i = 0; complete && i < RSA_NUMBERS; i++) {
        numbers[i] = i < 2 ? BN_new() : BN_secure_new();
        complete = numbers[i] != NULL &&
                   BN_bin2bn(spans[i].data, (int)spans[i].len, numbers[i]) != NULL &&
                   OSSL_PARAM_BLD_push_BN(builder, rsa_names[i], numbers[i]) == 1;
    }
    if (complete)
        pkey = import_pair("RSA", builder);
    OSSL_PARAM_BLD_free(builder);
    for (size_t i = 0; i < RSA_NUMBERS; i++)
        BN_clear_free(numbers[i]);
    return pkey;
}

/* ---- signing ----------------------------------------------------------- */

static sjwt_crypto_status import_okp(const sjwt_crypto_private_key *key,
                                     sjwt_crypto_key_buffer *buffer,
                                     sjwt_crypto_key_octets *public_key, EVP_PKEY **out)
{
    size_t len = sizeof(buffer->octets);

    *out = EVP_PKEY_new_raw_private_key_ex(sjwt_crypto_openssl_context(), "ED25519",
                                           SJWT_CRYPTO_OPENSSL_PROPERTIES, key->d.data, key->d.len);
    if (*out == NULL || EVP_PKEY_get_raw_public_key(*out, buffer->octets, &len) != 1)
        return SJWT_CRYPTO_INTERNAL;
    public_key->x = (sjwt_crypto_span){buffer->octets, len};
    /* A signature with a public half that does not match would reveal d. */
    return has_coordinates(&key->public_key, public_key) ? SJWT_CRYPTO_OK : SJWT_CRYPTO_BAD_KEY;
}

static sjwt_crypto_status import_key(sjwt_crypto_alg alg, const sjwt_crypto_private_key *key,
                                     sjwt_crypto_key_buffer *buffer,
                                     sjwt_crypto_key_octets *public_key, EVP_PKEY **out)
{
    switch (key->public_key.type) {
    case SJWT_CRYPTO_KEY_EC:
        return import_ec(alg, key, buffer, public_key, out);
    case SJWT_CRYPTO_KEY_OKP:
        return import_okp(key, buffer, public_key, out);
    case SJWT_CRYPTO_KEY_RSA:
        *out = import_rsa(key);
        public_key->n = key->public_key.n;
        public_key->e = key->public_key.e;
        return *out != NULL ? SJWT_CRYPTO_OK : SJWT_CRYPTO_BAD_KEY;
    case SJWT_CRYPTO_KEY_OCT:
        break;
    }
    return SJWT_CRYPTO_INTERNAL;
}

typedef int digest_init(EVP_MD_CTX *context, EVP_PKEY_CTX **key_context, const char *digest,
                        OSSL_LIB_CTX *library, const char *properties, EVP_PKEY *key,
                        const OSSL_PARAM *parameters);

/* Starts signing or verification with init. NULL on failure. */
static EVP_MD_CTX *begin(digest_init *init, sjwt_crypto_alg alg, EVP_PKEY *key)
{
    const sjwt_crypto_openssl_names *name = sjwt_crypto_openssl_get_names(alg);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;

    if (context != NULL &&
        init(context, &options, name->digest, sjwt_crypto_openssl_context(),
             SJWT_CRYPTO_OPENSSL_PROPERTIES, key, NULL) == 1 &&
        (!name->is_pss || (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
                           EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1)))
        return context;
    EVP_MD_CTX_free(context);
    return NULL;
}

static bool set_nonce_type(sjwt_crypto_alg alg, EVP_MD_CTX *context)
{
#ifdef OSSL_SIGNATURE_PARAM_NONCE_TYPE
    unsigned int deterministic = 1;
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_uint(OSSL_SIGNATURE_PARAM_NONCE_TYPE, &deterministic),
        OSSL_PARAM_construct_end()};

    if ((BY_RFC_6979 & SJWT_CRYPTO_BIT(alg)) != 0)
        return EVP_PKEY_CTX_set_params(EVP_MD_CTX_get_pkey_ctx(context), parameters) == 1;
#endif
    (void)alg;
    (void)context;
    return true;
}

/* Signs in the library's form: DER for ECDSA. *len is the buffer's size, then the length. */
static bool sign_octets(sjwt_crypto_alg alg, EVP_PKEY *key, sjwt_crypto_span message,
                        uint8_t *signature, size_t *len)
{
    EVP_MD_CTX *context = begin(EVP_DigestSignInit_ex, alg, key);
    bool done = context != NULL && set_nonce_type(alg, context) &&
                EVP_DigestSign(context, signature, len, message.data, message.len) == 1;

    EVP_MD_CTX_free(context);
    return done;
}

/* A private key with inconsistent numbers makes a wrong signature. That may reveal a
 * prime (RFC 8017 section 5.1.2; the fault attack on CRT). */
static bool is_own_signature(sjwt_crypto_alg alg, EVP_PKEY *key, sjwt_crypto_span message,
                             const uint8_t *signature, size_t len)
{
    EVP_MD_CTX *context = begin(EVP_DigestVerifyInit_ex, alg, key);
    bool is_own = context != NULL &&
                  EVP_DigestVerify(context, signature, len, message.data, message.len) == 1;

    EVP_MD_CTX_free(context);
    return is_own;
}

/* Longer than any ECDSA signature in DER: two numbers of 66 octets. */
#define MAX_DER_SIZE 160

static sjwt_crypto_status sign_with(sjwt_crypto_alg alg, EVP_PKEY *key, sjwt_crypto_key_type type,
                                    sjwt_crypto_span message, uint8_t *signature, size_t len)
{
    uint8_t der[MAX_DER_SIZE];
    size_t made = sizeof(der);

    if (type == SJWT_CRYPTO_KEY_EC)
        return sign_octets(alg, key, message, der, &made) && read_der(der, made, signature, len)
                   ? SJWT_CRYPTO_OK
                   : SJWT_CRYPTO_INTERNAL;
    made = len;
    if (!sign_octets(alg, key, message, signature, &made))
        return type == SJWT_CRYPTO_KEY_RSA ? SJWT_CRYPTO_BAD_KEY : SJWT_CRYPTO_INTERNAL;
    if (made != len)
        return SJWT_CRYPTO_INTERNAL;
    if (type == SJWT_CRYPTO_KEY_RSA && !is_own_signature(alg, key, message, signature, len))
        return SJWT_CRYPTO_BAD_KEY;
    return SJWT_CRYPTO_OK;
}

static sjwt_crypto_status make_mac(sjwt_crypto_alg alg, sjwt_crypto_span secret,
                                   sjwt_crypto_span message, uint8_t *mac, size_t len)
{
    size_t made = 0;

    return EVP_Q_mac(sjwt_crypto_openssl_context(), OSSL_MAC_NAME_HMAC,
                     SJWT_CRYPTO_OPENSSL_PROPERTIES, sjwt_crypto_openssl_get_names(alg)->digest,
                     NULL, secret.data, secret.len, message.data, message.len, mac, len,
                     &made) != NULL &&
                   made == len
               ? SJWT_CRYPTO_OK
               : SJWT_CRYPTO_INTERNAL;
}

static sjwt_crypto_status sign(sjwt_crypto_alg alg, const sjwt_crypto_private_key *key,
                               sjwt_crypto_span message, uint8_t *signature, size_t len)
{
    sjwt_crypto_key_buffer buffer;
    sjwt_crypto_key_octets public_key = {.type = key->public_key.type};
    EVP_PKEY *pkey = NULL;
    sjwt_crypto_status status;

    if (!sjwt_crypto_openssl_begin())
        return SJWT_CRYPTO_NO_MEMORY;
    if (key->public_key.type == SJWT_CRYPTO_KEY_OCT)
        return finish(alg, make_mac(alg, key->public_key.k, message, signature, len));
    status = import_key(alg, key, &buffer, &public_key, &pkey);
    if (status == SJWT_CRYPTO_OK)
        status = sign_with(alg, pkey, key->public_key.type, message, signature, len);
    EVP_PKEY_free(pkey);
    return finish(alg, status);
}

/* ---- making keys ------------------------------------------------------- */

/* Returns whether n and e match the primes and their exponents. */
static bool is_consistent(EVP_PKEY *key)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(sjwt_crypto_openssl_context(), key,
                                                       SJWT_CRYPTO_OPENSSL_PROPERTIES);
    bool consistent = context != NULL && EVP_PKEY_pairwise_check(context) == 1;

    EVP_PKEY_CTX_free(context);
    return consistent;
}

static sjwt_crypto_status derive_public(sjwt_crypto_alg alg, const sjwt_crypto_private_key *key,
                                        sjwt_crypto_key_buffer *buffer,
                                        sjwt_crypto_key_octets *public_key)
{
    EVP_PKEY *pkey = NULL;
    sjwt_crypto_status status;

    if (!sjwt_crypto_openssl_begin())
        return SJWT_CRYPTO_NO_MEMORY;
    status = import_key(alg, key, buffer, public_key, &pkey);
    if (status == SJWT_CRYPTO_OK && key->public_key.type == SJWT_CRYPTO_KEY_RSA &&
        !is_consistent(pkey))
        status = SJWT_CRYPTO_BAD_KEY;
    EVP_PKEY_free(pkey);
    return finish(alg, status);
}

/* Appends a number of the key at *used, in len octets; 0: as few as it needs. */
static bool take_number(const EVP_PKEY *key, const char *name, size_t len,
                        sjwt_crypto_key_buffer *buffer, size_t *used, sjwt_crypto_span *out)
{
    BIGNUM *number = NULL;
    bool taken = false;

    if (EVP_PKEY_get_bn_param(key, name, &number) == 1) {
        uint8_t *octets = buffer->octets + *used;

        if (len == 0)
            len = (size_t)BN_num_bytes(number);
        taken = len <= sizeof(buffer->octets) - *used &&
                BN_bn2binpad(number, octets, (int)len) == (int)len;
        *out = (sjwt_crypto_span){octets, len};
        *used += taken ? len : 0;
    }
    BN_clear_free(number);
    return taken;
}

static bool take_rsa(const EVP_PKEY *pkey, bool with_private, sjwt_crypto_key_buffer *buffer,
                     sjwt_crypto_private_key *key)
{
    sjwt_crypto_span *const spans[RSA_NUMBERS] = {
        &key->public_key.n, &key->public_key.e, &key->d, &key->p, &key->q,
        &key->dp,           &key->dq,           &key->qi};
    size_t used = 0;
    bool taken = true;

    for (size_t i = 0; taken && i < (with_private ? RSA_NUMBERS : 2); i++)
        taken = take_number(pkey, rsa_names[i], 0, buffer, &used, spans[i]);
    return taken;
}

static bool take_ec(const EVP_PKEY *pkey, size_t len, bool with_private,
                    sjwt_crypto_key_buffer *buffer, sjwt_crypto_private_key *key)
{
    size_t used = 0;

    return (!with_private ||
            take_number(pkey, OSSL_PKEY_PARAM_PRIV_KEY, len, buffer, &used, &key->d)) &&
           take_number(pkey, OSSL_PKEY_PARAM_EC_PUB_X, len, buffer, &used, &key->public_key.x) &&
           take_number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, len, buffer, &used, &key->public_key.y);
}

static bool take_okp(const EVP_PKEY *pkey, size_t len, bool with_private,
                     sjwt_crypto_key_buffer *buffer, sjwt_crypto_private_key *key)
{
    uint8_t *public_octets = buffer->octets + len;
    size_t private_len = len;
    size_t public_len = len;

    key->public_key.x = (sjwt_crypto_span){public_octets, len};
    if (EVP_PKEY_get_raw_public_key(pkey, public_octets, &public_len) != 1 || public_len != len)
        return false;
    if (!with_private)
        return true;
    key->d = (sjwt_crypto_span){buffer->octets, len};
    return EVP_PKEY_get_raw_private_key(pkey, buffer->octets, &private_len) == 1 &&
           private_len == len;
}

/* The octets of a coordinate; 0 for RSA. */
static size_t coordinate_len(const sjwt_crypto_key_octets *key)
{
    for (int alg = 0; alg < SJWT_CRYPTO_ALG_COUNT; alg++) {
        const sjwt_crypto_algorithm *row = sjwt_crypto_algorithm_get((sjwt_crypto_alg)alg);

        if (row->key_type == key->type && row->curve == key->curve)
            return row->coordinate_len;
    }
    return 0;
}

bool sjwt_crypto_openssl_take_key(const EVP_PKEY *pkey, bool with_private,
                                  sjwt_crypto_key_buffer *buffer, sjwt_crypto_private_key *key)
{
    const size_t len = coordinate_len(&key->public_key);

    if (key->public_key.type == SJWT_CRYPTO_KEY_RSA)
        return take_rsa(pkey, with_private, buffer, key);
    if (key->public_key.type == SJWT_CRYPTO_KEY_EC)
        return take_ec(pkey, len, with_private, buffer, key);
    return take_okp(pkey, len, with_private, buffer, key);
}

static bool generate_pair(sjwt_crypto_alg alg, size_t bits, sjwt_crypto_key_buffer *buffer,
                          sjwt_crypto_private_key *key)
{
    OSSL_LIB_CTX *library = sjwt_crypto_openssl_context();
    EVP_PKEY *pkey;
    bool done;

    if (key->public_key.type == SJWT_CRYPTO_KEY_RSA)
        pkey = EVP_PKEY_Q_keygen(library, SJWT_CRYPTO_OPENSSL_PROPERTIES, "RSA", bits);
    else if (key->public_key.type == SJWT_CRYPTO_KEY_EC)
        pkey = EVP_PKEY_Q_keygen(library, SJWT_CRYPTO_OPENSSL_PROPERTIES, "EC",
                                 sjwt_crypto_openssl_get_names(alg)->group);
    else
        pkey = EVP_PKEY_Q_keygen(library, SJWT_CRYPTO_OPENSSL_PROPERTIES, "ED25519");
    if (pkey == NULL)
        return false;
    done = sjwt_crypto_openssl_take_key(pkey, true, buffer, key);
    EVP_PKEY_free(pkey);
    return done;
}

static bool generate_secret(size_t len, sjwt_crypto_key_buffer *buffer,
                            sjwt_crypto_private_key *key)
{
    key->public_key.k = (sjwt_crypto_span){buffer->octets, len};
    return RAND_priv_bytes_ex(sjwt_crypto_openssl_context(), buffer->octets, len, 0) == 1;
}

static sjwt_crypto_status generate(sjwt_crypto_alg alg, size_t bits, sjwt_crypto_key_buffer *buffer,
                                   sjwt_crypto_private_key *key)
{
    bool done;

    if (!sjwt_crypto_openssl_begin())
        return SJWT_CRYPTO_NO_MEMORY;
    done = key->public_key.type == SJWT_CRYPTO_KEY_OCT ? generate_secret(bits / 8, buffer, key)
                                                       : generate_pair(alg, bits, buffer, key);
    return finish(alg, done ? SJWT_CRYPTO_OK : SJWT_CRYPTO_INTERNAL);
}

const sjwt_crypto_signer sjwt_crypto_openssl_signer = {
    .name = SJWT_CRYPTO_OPENSSL_NAME,
    .signs = (UINT32_C(1) << SJWT_CRYPTO_ALG_COUNT) - 1,
    .rfc6979 = BY_RFC_6979,
    .init = sjwt_crypto_openssl_init,
    .sign = sign,
    .generate = generate,
    .derive_public = derive_public,
    .documents = &sjwt_crypto_openssl_documents,
};
