/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in PEM and DER, for openssl_sign.c. */
#include "crypto/openssl_lib.h"
#include "crypto/sign.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

/* The key of a certificate; NULL: the document is none. */
static EVP_PKEY *read_certificate(sjwt_crypto_span document, bool is_pem)
{
    BIO *input = BIO_new_mem_buf(document.data, (int)document.len);
    X509 *certificate = X509_new_ex(sjwt_crypto_openssl_context(), SJWT_CRYPTO_OPENSSL_PROPERTIES);
    EVP_PKEY *key = NULL;
    const X509 *read = NULL;

    if (input != NULL && certificate != NULL)
        read = is_pem ? PEM_read_bio_X509(input, &certificate, NULL, NULL)
                      : d2i_X509_bio(input, &certificate);
    if (read != NULL)
        key = X509_get_pubkey(certificate);
    X509_free(certificate);
    BIO_free(input);
    return key;
}

/* A passphrase is never asked for. */
static int no_passphrase(char *passphrase, size_t size, size_t *len, const OSSL_PARAM parameters[],
                         void *argument)
{
    (void)passphrase;
    (void)size;
    (void)len;
    (void)parameters;
    (void)argument;
    return 0;
}

/* The key in the document. It may stand behind other parts, such as the parameters of its curve. */
static EVP_PKEY *read_key(sjwt_crypto_span document, int selection)
{
    BIO *input = BIO_new_mem_buf(document.data, (int)document.len);
    EVP_PKEY *key = NULL;
    OSSL_DECODER_CTX *decoder = OSSL_DECODER_CTX_new_for_pkey(&key, NULL, NULL, NULL, selection,
                                                              sjwt_crypto_openssl_context(),
                                                              SJWT_CRYPTO_OPENSSL_PROPERTIES);

    if (input != NULL && decoder != NULL &&
        OSSL_DECODER_CTX_set_passphrase_cb(decoder, no_passphrase, NULL) == 1) {
        int left = BIO_pending(input);

        while (left > 0 && (OSSL_DECODER_from_bio(decoder, input) != 1 || key == NULL)) {
            const int before = left;

            left = BIO_pending(input);
            if (left >= before)
                break;
        }
    }
    OSSL_DECODER_CTX_free(decoder);
    BIO_free(input);
    return key;
}

static sjwt_crypto_curve find_curve(const EVP_PKEY *key)
{
    static const struct {
        int nid;
        sjwt_crypto_curve curve;
    } curves[] = {{NID_X9_62_prime256v1, SJWT_CRYPTO_CURVE_P256},
                  {NID_secp384r1, SJWT_CRYPTO_CURVE_P384},
                  {NID_secp521r1, SJWT_CRYPTO_CURVE_P521},
                  {NID_secp256k1, SJWT_CRYPTO_CURVE_SECP256K1}};
    char name[64];

    if (EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) != 1)
        return SJWT_CRYPTO_CURVE_NONE;
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        if (OBJ_sn2nid(name) == curves[i].nid || EC_curve_nist2nid(name) == curves[i].nid)
            return curves[i].curve;
    }
    return SJWT_CRYPTO_CURVE_NONE;
}

/* Returns whether a key of its type and curve is one of JOSE's. */
static bool find_type(const EVP_PKEY *key, sjwt_crypto_key_octets *out)
{
    out->curve = SJWT_CRYPTO_CURVE_NONE;
    if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")) {
        out->type = SJWT_CRYPTO_KEY_RSA;
        return true;
    }
    if (EVP_PKEY_is_a(key, "ED25519")) {
        out->type = SJWT_CRYPTO_KEY_OKP;
        out->curve = SJWT_CRYPTO_CURVE_ED25519;
        return true;
    }
    out->type = SJWT_CRYPTO_KEY_EC;
    if (EVP_PKEY_is_a(key, "EC"))
        out->curve = find_curve(key);
    return out->curve != SJWT_CRYPTO_CURVE_NONE;
}

static EVP_PKEY *read_any(sjwt_crypto_span document, bool with_private)
{
    static const char begin[] = "-----BEGIN";
    const bool is_pem =
        document.len >= sizeof(begin) - 1 && memcmp(document.data, begin, sizeof(begin) - 1) == 0;
    EVP_PKEY *key = read_key(document, EVP_PKEY_KEYPAIR);

    if (key == NULL && !with_private)
        key = read_key(document, EVP_PKEY_PUBLIC_KEY);
    if (key == NULL && !with_private)
        key = read_certificate(document, is_pem);
    return key;
}

static sjwt_crypto_status read_document(sjwt_crypto_span document, bool with_private,
                                        sjwt_crypto_key_buffer *buffer,
                                        sjwt_crypto_private_key *key)
{
    sjwt_crypto_status status = SJWT_CRYPTO_BAD_KEY;
    EVP_PKEY *pkey;

    if (!sjwt_crypto_openssl_begin())
        return SJWT_CRYPTO_NO_MEMORY;
    pkey = read_any(document, with_private);
    if (pkey != NULL && find_type(pkey, &key->public_key) &&
        sjwt_crypto_openssl_take_key(pkey, with_private, buffer, key))
        status = SJWT_CRYPTO_OK;
    EVP_PKEY_free(pkey);
    return sjwt_crypto_openssl_end() && status != SJWT_CRYPTO_OK ? SJWT_CRYPTO_NO_MEMORY : status;
}

static sjwt_crypto_status write_pem(sjwt_crypto_alg alg, const sjwt_crypto_key_octets *key,
                                    char *pem, size_t size, size_t *len)
{
    sjwt_crypto_status status = SJWT_CRYPTO_BAD_KEY;
    EVP_PKEY *pkey;
    BIO *output;

    if (!sjwt_crypto_openssl_begin())
        return SJWT_CRYPTO_NO_MEMORY;
    pkey = sjwt_crypto_openssl_import(alg, key);
    output = BIO_new(BIO_s_mem());
    if (pkey != NULL && output != NULL) {
        status = SJWT_CRYPTO_INTERNAL;
        if (PEM_write_bio_PUBKEY_ex(output, pkey, sjwt_crypto_openssl_context(),
                                    SJWT_CRYPTO_OPENSSL_PROPERTIES) == 1) {
            const int read = BIO_read(output, pem, (int)size);

            *len = read > 0 ? (size_t)read : 0;
            if (read > 0 && BIO_pending(output) == 0)
                status = SJWT_CRYPTO_OK;
        }
    }
    BIO_free(output);
    EVP_PKEY_free(pkey);
    return sjwt_crypto_openssl_end() && status != SJWT_CRYPTO_OK ? SJWT_CRYPTO_NO_MEMORY : status;
}

static sjwt_crypto_status sha256(sjwt_crypto_span message, uint8_t digest[32])
{
    size_t len = 0;
    bool done;

    if (!sjwt_crypto_openssl_begin())
        return SJWT_CRYPTO_NO_MEMORY;
    done = EVP_Q_digest(sjwt_crypto_openssl_context(), "SHA256", SJWT_CRYPTO_OPENSSL_PROPERTIES,
                        message.data, message.len, digest, &len) == 1 &&
           len == 32;
    if (sjwt_crypto_openssl_end() && !done)
        return SJWT_CRYPTO_NO_MEMORY;
    return done ? SJWT_CRYPTO_OK : SJWT_CRYPTO_INTERNAL;
}

const sjwt_crypto_documents sjwt_crypto_openssl_documents = {
    .read = read_document,
    .write_pem = write_pem,
    .sha256 = sha256,
};
