/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL 3.0 and later, by its EVP interface: every algorithm. No deprecated
 * calls. The library writes the DER of ECDSA signatures.
 */
#include "crypto/openssl_lib.h"

#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <string.h>

#include <openssl/conf.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

static const sjwt_crypto_openssl_names names[SJWT_CRYPTO_ALG_COUNT] = {
    [SJWT_CRYPTO_ALG_EDDSA] = {.digest = NULL},
    [SJWT_CRYPTO_ALG_ES256] = {.digest = "SHA2-256", .group = "P-256"},
    [SJWT_CRYPTO_ALG_ES384] = {.digest = "SHA2-384", .group = "P-384"},
    [SJWT_CRYPTO_ALG_ES512] = {.digest = "SHA2-512", .group = "P-521"},
    [SJWT_CRYPTO_ALG_ES256K] = {.digest = "SHA2-256", .group = "secp256k1"},
    [SJWT_CRYPTO_ALG_RS256] = {.digest = "SHA2-256"},
    [SJWT_CRYPTO_ALG_RS384] = {.digest = "SHA2-384"},
    [SJWT_CRYPTO_ALG_RS512] = {.digest = "SHA2-512"},
    [SJWT_CRYPTO_ALG_PS256] = {.digest = "SHA2-256", .is_pss = true},
    [SJWT_CRYPTO_ALG_PS384] = {.digest = "SHA2-384", .is_pss = true},
    [SJWT_CRYPTO_ALG_PS512] = {.digest = "SHA2-512", .is_pss = true},
    [SJWT_CRYPTO_ALG_HS256] = {.digest = "SHA2-256"},
    [SJWT_CRYPTO_ALG_HS384] = {.digest = "SHA2-384"},
    [SJWT_CRYPTO_ALG_HS512] = {.digest = "SHA2-512"},
};

/* init fills this for the life of the process. */
static struct {
    OSSL_LIB_CTX *context;
    OSSL_PROVIDER *providers[2];
    EVP_MAC *hmac;
    char description[320]; /* the provider, or why it is missing */
} library;

const sjwt_crypto_openssl_names *sjwt_crypto_openssl_get_names(sjwt_crypto_alg alg)
{
    return &names[alg];
}

OSSL_LIB_CTX *sjwt_crypto_openssl_context(void)
{
    return library.context;
}

/* ---- errors ------------------------------------------------------------ */

/* The library allocates a thread's error queue at the first error. Without a queue it
 * cannot report that it is out of memory. */
static bool has_error_queue(void)
{
    static _Thread_local bool exists;

    if (!exists) {
        ERR_raise(ERR_LIB_USER, ERR_R_OPERATION_FAIL);
        exists = ERR_peek_error() != 0;
    }
    return exists;
}

bool sjwt_crypto_openssl_begin(void)
{
    if (!has_error_queue())
        return false;
    ERR_clear_error();
    errno = 0;
    return true;
}

bool sjwt_crypto_openssl_end(void)
{
    /* The queue lacks some failed allocations; malloc() sets errno for each. */
    bool no_memory = errno == ENOMEM;
    unsigned long error;

    while ((error = ERR_get_error()) != 0)
        no_memory = no_memory || ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
    return no_memory;
}

/* ---- the library ------------------------------------------------------- */

static void free_library(void)
{
    EVP_MAC_free(library.hmac);
    for (size_t i = 0; i < sizeof(library.providers) / sizeof(library.providers[0]); i++) {
        if (library.providers[i] != NULL)
            OSSL_PROVIDER_unload(library.providers[i]);
    }
    OSSL_LIB_CTX_free(library.context);
    library.context = NULL;
    library.providers[0] = library.providers[1] = NULL;
    library.hmac = NULL;
}

#ifdef SJWT_CRYPTO_OPENSSL_FIPS

/* The section that `openssl fipsinstall` writes. */
#define FIPS_SECTION "fips_sect"
/* The section has fewer entries. */
#define MAX_FIPS_ENTRIES 63

/* Writes the path of the file that `openssl fipsinstall` makes: the build's option, or
 * fipsmodule.cnf in the library's directory. Returns false if the path is too long. */
static bool find_fips_configuration(char *path, size_t size)
{
#ifdef SJWT_CRYPTO_OPENSSL_FIPS_CONFIG
    int len = snprintf(path, size, "%s", SJWT_CRYPTO_OPENSSL_FIPS_CONFIG);
#else
    const char *directory = OPENSSL_info(OPENSSL_INFO_CONFIG_DIR);
    int len = snprintf(path, size, "%s/fipsmodule.cnf", directory != NULL ? directory : "");
#endif
    return len > 0 && (size_t)len < size;
}

/* Loads the provider with the entries of the section. The self-test needs the module's
 * MAC, one of the entries. Nothing else of the file is used. */
static OSSL_PROVIDER *load_fips(CONF *configuration)
{
    STACK_OF(CONF_VALUE) *entries = NCONF_get_section(configuration, FIPS_SECTION);
    OSSL_PARAM parameters[MAX_FIPS_ENTRIES + 1];
    const int count = entries == NULL ? 0 : sk_CONF_VALUE_num(entries);
    int used = 0;

    for (int i = 0; i < count && used < MAX_FIPS_ENTRIES; i++) {
        const CONF_VALUE *entry = sk_CONF_VALUE_value(entries, i);

        parameters[used++] = OSSL_PARAM_construct_utf8_string(entry->name, entry->value, 0);
    }
    parameters[used] = OSSL_PARAM_construct_end();
    return OSSL_PROVIDER_load_ex(library.context, SJWT_CRYPTO_OPENSSL_PROVIDER, parameters);
}

static bool load_providers(void)
{
    char path[4096];
    CONF *configuration = NCONF_new_ex(library.context, NULL);
    const bool found = configuration != NULL && find_fips_configuration(path, sizeof(path)) &&
                       NCONF_load(configuration, path, NULL) > 0;

    if (found)
        library.providers[0] = load_fips(configuration);
    NCONF_free(configuration);
    snprintf(library.description, sizeof(library.description),
             !found ? "cannot read the FIPS module's configuration %.200s"
                    : "the FIPS module is missing or fails its self-test, with %.200s",
             path);
    if (library.providers[0] != NULL)
        library.providers[1] = OSSL_PROVIDER_load(library.context, "base");
    return library.providers[1] != NULL;
}

#else

static bool load_providers(void)
{
    snprintf(library.description, sizeof(library.description),
             "the provider \"default\" cannot be loaded");
    library.providers[0] = OSSL_PROVIDER_load(library.context, SJWT_CRYPTO_OPENSSL_PROVIDER);
    return library.providers[0] != NULL;
}

#endif

/* For example "OpenSSL FIPS Provider 3.5.9". */
static void describe_provider(void)
{
    const char *name = NULL;
    const char *version = NULL;
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_ptr(OSSL_PROV_PARAM_NAME, (char **)&name, 0),
        OSSL_PARAM_construct_utf8_ptr(OSSL_PROV_PARAM_VERSION, (char **)&version, 0),
        OSSL_PARAM_construct_end()};

    if (OSSL_PROVIDER_get_params(library.providers[0], parameters) == 1 && name != NULL &&
        version != NULL)
        snprintf(library.description, sizeof(library.description), "%s %s", name, version);
}

static bool offers_digest(const char *name)
{
    EVP_MD *digest = EVP_MD_fetch(library.context, name, SJWT_CRYPTO_OPENSSL_PROPERTIES);

    EVP_MD_free(digest);
    return digest != NULL;
}

static bool offers_signature(const char *name)
{
    EVP_SIGNATURE *signature =
        EVP_SIGNATURE_fetch(library.context, name, SJWT_CRYPTO_OPENSSL_PROPERTIES);

    EVP_SIGNATURE_free(signature);
    return signature != NULL;
}

static void fetch_key_type(const char *name)
{
    EVP_KEYMGMT *type = EVP_KEYMGMT_fetch(library.context, name, SJWT_CRYPTO_OPENSSL_PROPERTIES);

    EVP_KEYMGMT_free(type);
}

/*
 * Fetches the methods that keys need, once in a process; the context remembers them. If an
 * allocation fails in a fetch, the context may never find the method again, and a good key
 * would look like a bad one. init then throws the context away.
 */
static void fetch_methods(void)
{
    static const char *const key_types[] = {"RSA", "EC", "ED25519"};
    static const char *const signatures[] = {"RSA", "ECDSA", "ED25519"};
    static const char *const digests[] = {"SHA2-256", "SHA2-384", "SHA2-512"};

    for (size_t i = 0; i < 3; i++) {
        fetch_key_type(key_types[i]);
        (void)offers_signature(signatures[i]);
        (void)offers_digest(digests[i]);
    }
}

/* More than the library allocates in sjwt_crypto_openssl_begin_process(): 66 KB in 3.0, 109 KB in 3.6
 * with Debian's configuration file. glibc's malloc() keeps a freed block of less than 128 KiB for
 * later calls. */
#define RESERVE_SIZE ((size_t)124 * 1024)

/* Returns whether malloc() has that much. The block is written to, or the compiler would leave the
 * call out. */
static bool has_reserve(void)
{
    volatile uint8_t *reserve = malloc(RESERVE_SIZE);

    if (reserve != NULL)
        *reserve = 0;
    free((void *)reserve);
    return reserve != NULL;
}

bool sjwt_crypto_openssl_begin_process(void)
{
    if (!has_reserve() || !has_error_queue() || OSSL_LIB_CTX_get0_global_default() == NULL)
        return false;
    /* The first key would load the configuration file into the server's context, and make the
     * lock of engines. A broken file is not our matter. */
    (void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
    EVP_PKEY *key = EVP_PKEY_new();
    bool is_ready = key != NULL && EVP_PKEY_set_type_str(key, "RSA", -1) == 1;

    EVP_PKEY_free(key);
    ERR_clear_error();
    return is_ready;
}

sjwt_crypto_status sjwt_crypto_openssl_init(void)
{
    if (library.hmac != NULL)
        return SJWT_CRYPTO_OK;
    if (!sjwt_crypto_openssl_begin_process() || !sjwt_crypto_openssl_begin())
        return SJWT_CRYPTO_NO_MEMORY;
    library.context = OSSL_LIB_CTX_new();
    if (library.context != NULL && load_providers()) {
        library.hmac =
            EVP_MAC_fetch(library.context, OSSL_MAC_NAME_HMAC, SJWT_CRYPTO_OPENSSL_PROPERTIES);
        describe_provider();
        fetch_methods();
    }
    bool no_memory = sjwt_crypto_openssl_end();
    /* After a failed allocation the context may lack methods for ever, so it is not used. */
    if (library.hmac != NULL && !no_memory)
        return SJWT_CRYPTO_OK;
    free_library();
    return no_memory ? SJWT_CRYPTO_NO_MEMORY : SJWT_CRYPTO_INTERNAL;
}

static const char *describe(void)
{
    return library.description;
}

/* ---- what the provider offers ------------------------------------------ */

static bool offers_group(const char *group)
{
    EVP_PKEY_CTX *context =
        EVP_PKEY_CTX_new_from_name(library.context, "EC", SJWT_CRYPTO_OPENSSL_PROPERTIES);
    EVP_PKEY *parameters = NULL;
    bool offered = context != NULL && EVP_PKEY_paramgen_init(context) == 1 &&
                   EVP_PKEY_CTX_set_group_name(context, group) == 1 &&
                   EVP_PKEY_paramgen(context, &parameters) == 1;

    EVP_PKEY_free(parameters);
    EVP_PKEY_CTX_free(context);
    return offered;
}

/* Called only after a refused key and to list algorithms: it costs some fetches. */
sjwt_crypto_status sjwt_crypto_openssl_probe(sjwt_crypto_alg alg)
{
    const sjwt_crypto_openssl_names *name = &names[alg];
    const sjwt_crypto_key_type type = sjwt_crypto_algorithm_get(alg)->key_type;

    if (!sjwt_crypto_openssl_begin())
        return SJWT_CRYPTO_NO_MEMORY;
    bool offered = name->digest == NULL || offers_digest(name->digest);
    if (type == SJWT_CRYPTO_KEY_OKP)
        offered = offered && offers_signature("ED25519");
    else if (type == SJWT_CRYPTO_KEY_EC)
        offered = offered && offers_signature("ECDSA") && offers_group(name->group);
    else if (type == SJWT_CRYPTO_KEY_RSA)
        offered = offered && offers_signature("RSA");
    bool no_memory = sjwt_crypto_openssl_end();
    if (offered)
        return SJWT_CRYPTO_OK;
    return no_memory ? SJWT_CRYPTO_NO_MEMORY : SJWT_CRYPTO_UNSUPPORTED;
}

/* ---- keys -------------------------------------------------------------- */

/* A key in the library's form, with the setup that all its signatures share.
 * Each verification copies the context. */
typedef struct prepared_key {
    EVP_MD_CTX *signature; /* of a public key */
    EVP_MAC_CTX *mac;      /* of a shared secret */
} prepared_key;

static void release(void *handle)
{
    prepared_key *key = handle;

    EVP_MD_CTX_free(key->signature);
    EVP_MAC_CTX_free(key->mac);
    free(key);
}

/* Returns a key of this type from parameters; NULL if the library refuses them. */
static EVP_PKEY *import_public_key(const char *type, OSSL_PARAM *parameters)
{
    EVP_PKEY_CTX *context =
        EVP_PKEY_CTX_new_from_name(library.context, type, SJWT_CRYPTO_OPENSSL_PROPERTIES);
    EVP_PKEY *key = NULL;

    if (context != NULL && EVP_PKEY_fromdata_init(context) == 1)
        (void)EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters);
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *import_rsa(const sjwt_crypto_key_octets *octets)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(octets->n.data, (int)octets->n.len, NULL);
    BIGNUM *e = BN_bin2bn(octets->e.data, (int)octets->e.len, NULL);
    OSSL_PARAM *parameters = NULL;
    EVP_PKEY *key = NULL;

    if (builder != NULL && n != NULL && e != NULL &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        parameters = OSSL_PARAM_BLD_to_param(builder);
    if (parameters != NULL)
        key = import_public_key("RSA", parameters);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return key;
}

/* 0x04, x, y: the uncompressed point of SEC 1 section 2.3.3. P-521 has the largest. */
#define MAX_POINT_SIZE (1 + 2 * 66)

static EVP_PKEY *import_ec(const char *group, const sjwt_crypto_key_octets *octets)
{
    uint8_t point[MAX_POINT_SIZE] = {0x04};
    size_t len = 1 + octets->x.len + octets->y.len;
    /* EVP_PKEY_fromdata() does not write to the parameters' data. */
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, len),
        OSSL_PARAM_construct_end()};

    memcpy(point + 1, octets->x.data, octets->x.len);
    memcpy(point + 1 + octets->x.len, octets->y.data, octets->y.len);
    return import_public_key("EC", parameters);
}

/* Returns whether the point has small order or its encoding is not canonical (RFC 8032
 * sections 5.1.2 and 5.1.3). The library's verification accepts both. */
static bool is_weak_point(const uint8_t point[32])
{
    /* The y coordinates of the points whose order divides 8. */
    static const uint8_t small_order[][32] = {
        {0x00},
        {0x01},
        {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
         0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
         0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
        {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
         0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
         0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
        {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    };
    uint8_t y[32];
    bool is_reduced = false;

    memcpy(y, point, sizeof(y));
    y[31] &= 0x7f; /* the sign of x */
    for (size_t i = 0; i < sizeof(small_order) / sizeof(small_order[0]); i++) {
        if (memcmp(y, small_order[i], sizeof(y)) == 0)
            return true;
    }
    /* y < 2^255 - 19 */
    is_reduced = y[0] < 0xed || y[31] != 0x7f;
    for (size_t i = 1; i < 31; i++)
        is_reduced = is_reduced || y[i] != 0xff;
    return !is_reduced;
}

static EVP_PKEY *import_okp(const sjwt_crypto_key_octets *octets)
{
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_octet_string(
                                   OSSL_PKEY_PARAM_PUB_KEY, (void *)octets->x.data, octets->x.len),
                               OSSL_PARAM_construct_end()};

    if (is_weak_point(octets->x.data))
        return NULL;
    return import_public_key("ED25519", parameters);
}

static EVP_PKEY *import_key(const sjwt_crypto_openssl_names *name,
                            const sjwt_crypto_key_octets *octets)
{
    switch (octets->type) {
    case SJWT_CRYPTO_KEY_RSA:
        return import_rsa(octets);
    case SJWT_CRYPTO_KEY_EC:
        return import_ec(name->group, octets);
    case SJWT_CRYPTO_KEY_OKP:
        return import_okp(octets);
    case SJWT_CRYPTO_KEY_OCT:
        break;
    }
    return NULL;
}

EVP_PKEY *sjwt_crypto_openssl_import(sjwt_crypto_alg alg, const sjwt_crypto_key_octets *octets)
{
    return import_key(&names[alg], octets);
}

/* Returns whether the point is on the curve and not infinity. For RSA keys the library
 * checks nothing beyond the algorithm table. */
static bool is_valid_key(const sjwt_crypto_key_octets *octets, EVP_PKEY *key)
{
    EVP_PKEY_CTX *context;
    bool is_valid;

    if (octets->type == SJWT_CRYPTO_KEY_RSA)
        return true;
    context = EVP_PKEY_CTX_new_from_pkey(library.context, key, SJWT_CRYPTO_OPENSSL_PROPERTIES);
    is_valid = context != NULL && EVP_PKEY_public_check_quick(context) == 1;
    EVP_PKEY_CTX_free(context);
    return is_valid;
}

static bool begin_signature(const sjwt_crypto_openssl_names *name, EVP_PKEY *key,
                            EVP_MD_CTX *signature)
{
    EVP_PKEY_CTX *context = NULL; /* the signature's */

    if (EVP_DigestVerifyInit_ex(signature, &context, name->digest, library.context,
                                SJWT_CRYPTO_OPENSSL_PROPERTIES, key, NULL) != 1)
        return false;
    /* RFC 7518 section 3.5: the salt is as long as the hash. MGF1 uses the same hash. */
    return !name->is_pss ||
           (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static bool begin_mac(const sjwt_crypto_openssl_names *name, sjwt_crypto_span secret,
                      EVP_MAC_CTX *mac)
{
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)name->digest, 0),
        OSSL_PARAM_construct_end()};

    return EVP_MAC_init(mac, secret.data, secret.len, parameters) == 1;
}

/* After the import every failure is an internal error. */
static sjwt_crypto_status prepare_signature(const sjwt_crypto_openssl_names *name,
                                            const sjwt_crypto_key_octets *octets, prepared_key *key)
{
    EVP_PKEY *pkey = import_key(name, octets);
    sjwt_crypto_status status = SJWT_CRYPTO_BAD_KEY;

    if (pkey != NULL && is_valid_key(octets, pkey)) {
        status = SJWT_CRYPTO_INTERNAL;
        key->signature = EVP_MD_CTX_new();
        if (key->signature != NULL && begin_signature(name, pkey, key->signature))
            status = SJWT_CRYPTO_OK;
    }
    EVP_PKEY_free(pkey); /* the context has a reference of its own */
    return status;
}

static sjwt_crypto_status prepare_mac(const sjwt_crypto_openssl_names *name,
                                      const sjwt_crypto_key_octets *octets, prepared_key *key)
{
    key->mac = EVP_MAC_CTX_new(library.hmac);
    return key->mac != NULL && begin_mac(name, octets->k, key->mac) ? SJWT_CRYPTO_OK
                                                                    : SJWT_CRYPTO_INTERNAL;
}

static sjwt_crypto_status prepare(sjwt_crypto_alg alg, const sjwt_crypto_key_octets *octets,
                                  void **handle)
{
    prepared_key *key = calloc(1, sizeof(*key));

    if (key == NULL || !sjwt_crypto_openssl_begin()) {
        free(key);
        return SJWT_CRYPTO_NO_MEMORY;
    }
    sjwt_crypto_status status = octets->type == SJWT_CRYPTO_KEY_OCT
                                    ? prepare_mac(&names[alg], octets, key)
                                    : prepare_signature(&names[alg], octets, key);
    if (sjwt_crypto_openssl_end()) {
        status = SJWT_CRYPTO_NO_MEMORY;
    } else if (status != SJWT_CRYPTO_OK) {
        sjwt_crypto_status offered = sjwt_crypto_openssl_probe(alg);
        status = offered == SJWT_CRYPTO_OK ? status : offered;
    }
    if (status == SJWT_CRYPTO_OK)
        *handle = key;
    else
        release(key);
    return status;
}

/* ---- signatures -------------------------------------------------------- */

/* The library takes ECDSA's R and S in DER (RFC 3279 section 2.2.3). */
static uint8_t *write_der(sjwt_crypto_span signature, int *len)
{
    const int half = (int)(signature.len / 2);
    ECDSA_SIG *numbers = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature.data, half, NULL);
    BIGNUM *s = BN_bin2bn(signature.data + half, half, NULL);
    uint8_t *der = NULL;

    *len = 0;
    if (numbers == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(numbers, r, s) != 1) {
        BN_free(r);
        BN_free(s);
    } else {
        *len = i2d_ECDSA_SIG(numbers, &der);
    }
    ECDSA_SIG_free(numbers);
    return *len > 0 ? der : NULL;
}

/* Returns 1 if valid; 0 or less if not valid or if the library failed. */
static int verify_octets(const prepared_key *key, sjwt_crypto_span message,
                         sjwt_crypto_span signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int answer = -1;

    if (context != NULL && EVP_MD_CTX_copy_ex(context, key->signature) == 1)
        answer =
            EVP_DigestVerify(context, signature.data, signature.len, message.data, message.len);
    EVP_MD_CTX_free(context);
    return answer;
}

static int verify_ecdsa(const prepared_key *key, sjwt_crypto_span message,
                        sjwt_crypto_span signature)
{
    int len;
    uint8_t *der = write_der(signature, &len);
    int answer = -1;

    if (der != NULL)
        answer = verify_octets(key, message, (sjwt_crypto_span){der, (size_t)len});
    OPENSSL_free(der);
    return answer;
}

static int verify_mac(const prepared_key *key, sjwt_crypto_span message, sjwt_crypto_span signature)
{
    EVP_MAC_CTX *context = EVP_MAC_CTX_dup(key->mac);
    uint8_t mac[EVP_MAX_MD_SIZE];
    size_t len = 0;
    int answer = -1;

    if (context != NULL && EVP_MAC_update(context, message.data, message.len) == 1 &&
        EVP_MAC_final(context, mac, &len, sizeof(mac)) == 1 && len == signature.len)
        answer = CRYPTO_memcmp(mac, signature.data, len) == 0;
    EVP_MAC_CTX_free(context);
    OPENSSL_cleanse(mac, sizeof(mac));
    return answer;
}

static int verify_signature(const sjwt_crypto_key *key, sjwt_crypto_span message,
                            sjwt_crypto_span signature)
{
    const prepared_key *prepared = key->handle;

    switch (key->octets->type) {
    case SJWT_CRYPTO_KEY_OCT:
        return verify_mac(prepared, message, signature);
    case SJWT_CRYPTO_KEY_EC:
        return verify_ecdsa(prepared, message, signature);
    case SJWT_CRYPTO_KEY_OKP:
        /* No correct signer makes such an R. libsodium refuses it too. */
        return is_weak_point(signature.data) ? 0 : verify_octets(prepared, message, signature);
    case SJWT_CRYPTO_KEY_RSA:
        break;
    }
    return verify_octets(prepared, message, signature);
}

static sjwt_crypto_status verify(const sjwt_crypto_key *key, sjwt_crypto_span message,
                                 sjwt_crypto_span signature)
{
    if (!sjwt_crypto_openssl_begin())
        return SJWT_CRYPTO_NO_MEMORY;
    int answer = verify_signature(key, message, signature);
    bool no_memory = sjwt_crypto_openssl_end();
    if (answer == 1)
        return SJWT_CRYPTO_OK;
    if (no_memory)
        return SJWT_CRYPTO_NO_MEMORY;
    return answer == 0 ? SJWT_CRYPTO_BAD_SIGNATURE : SJWT_CRYPTO_INTERNAL;
}

const sjwt_crypto_backend sjwt_crypto_openssl_backend = {
    .name = SJWT_CRYPTO_OPENSSL_NAME,
    .verifies = (UINT32_C(1) << SJWT_CRYPTO_ALG_COUNT) - 1,
    .init = sjwt_crypto_openssl_init,
    .describe = describe,
    .probe = sjwt_crypto_openssl_probe,
    .prepare = prepare,
    .verify = verify,
    .release = release,
};
