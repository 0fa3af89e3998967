/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/sign.h"

#include "jwt/error.h"
#include "jwt/json.h"
#include "jwt/memory.h"
#include "jwt/private_key.h"
#include "jwt/writer.h"

#include <string.h>

static void put_header(sjwt_writer *writer, const sjwt_private_key *key, const char *alg,
                       const sjwt_jws_header *header)
{
    const char *kid = header->kid != NULL ? header->kid : key->kid;

    sjwt_writer_member(writer, "alg", alg);
    if (header->typ != NULL)
        sjwt_writer_member(writer, "typ", header->typ);
    if (kid != NULL)
        sjwt_writer_member(writer, "kid", kid);
    sjwt_writer_put(writer, "}", 1);
}

/* Writes the encoded header and the dot after it. */
static void put_encoded_header(sjwt_writer *writer, const sjwt_private_key *key, const char *alg,
                               const sjwt_jws_header *header)
{
    sjwt_writer made;

    sjwt_writer_start(&made, &writer->allocator);
    if (header->exact != NULL)
        sjwt_writer_put(&made, header->exact, header->exact_len);
    else
        put_header(&made, key, alg, header);
    if (made.failed)
        writer->failed = true;
    else
        sjwt_writer_put_base64url(writer, sjwt_writer_octets(&made));
    sjwt_writer_discard(&made);
    sjwt_writer_put(writer, ".", 1);
}

static sjwt_status put_signature(sjwt_writer *writer, const sjwt_private_key *key,
                                 sjwt_crypto_alg alg)
{
    uint8_t signature[SJWT_CRYPTO_MAX_SIGNATURE_SIZE];
    size_t len;
    sjwt_status status;

    if (writer->failed)
        return SJWT_NO_MEMORY;
    status = sjwt_status_of_signing(sjwt_crypto_make_signature(
        alg, &key->key, sjwt_writer_octets(writer), signature, sizeof signature, &len));
    if (status == SJWT_OK) {
        sjwt_writer_put(writer, ".", 1);
        sjwt_writer_put_base64url(writer, (sjwt_crypto_span){.data = signature, .len = len});
    }
    return status;
}

/* A private key with "alg" signs with no other algorithm (RFC 7517 section 4.4). */
static sjwt_status choose_algorithm(const sjwt_private_key *key, const char *wanted,
                                    const char **name, sjwt_crypto_alg *alg)
{
    const sjwt_crypto_algorithm *own = sjwt_find_algorithm(sjwt_private_key_algorithm(key), name);
    const sjwt_crypto_algorithm *row = own;

    if (wanted != NULL)
        row = sjwt_find_algorithm(wanted, name);
    if (row == NULL)
        return SJWT_ALG_UNKNOWN;
    if (row->key_type != own->key_type || row->curve != own->curve ||
        (key->alg != NULL && row != own))
        return SJWT_ALG_MISMATCH;
    *alg = row->alg;
    return SJWT_OK;
}

sjwt_status sjwt_jws_sign(const sjwt_allocator *allocator, const sjwt_private_key *key,
                          const sjwt_jws_header *header, const char *payload, size_t len,
                          char **token, size_t *token_len, sjwt_error *error)
{
    const char *name;
    sjwt_crypto_alg alg;
    sjwt_status status = choose_algorithm(key, header->alg, &name, &alg);
    sjwt_writer writer;

    *token = NULL;
    if (status != SJWT_OK)
        return sjwt_fail(error, status, 0, NULL);
    if (header->kid != NULL)
        status = sjwt_check_string(allocator, header->kid, SJWT_KID_INVALID);
    if (status == SJWT_OK && header->typ != NULL)
        status = sjwt_check_string(allocator, header->typ, SJWT_HEADER_JSON);
    if (status != SJWT_OK)
        return sjwt_fail(error, status, 0, status == SJWT_NO_MEMORY ? NULL : "not UTF-8");

    sjwt_writer_start(&writer, allocator);
    put_encoded_header(&writer, key, name, header);
    sjwt_writer_put_base64url(&writer,
                              (sjwt_crypto_span){.data = (const uint8_t *)payload, .len = len});
    status = put_signature(&writer, key, alg);
    if (status == SJWT_OK)
        status = sjwt_writer_finish(&writer, token, token_len);
    else
        sjwt_writer_discard(&writer);
    return status == SJWT_OK ? SJWT_OK : sjwt_fail(error, status, 0, NULL);
}

static sjwt_status check_claims(const sjwt_allocator *given, const char *claims, size_t len,
                                sjwt_error *error)
{
    sjwt_allocator allocator = sjwt_allocator_resolve(given);
    char *copy = sjwt_allocate(&allocator, len + 1);
    size_t position = 0;
    sjwt_status status;
    sjwt_json json;

    if (copy == NULL)
        return sjwt_fail(error, SJWT_NO_MEMORY, 0, NULL);
    if (len > 0)
        memcpy(copy, claims, len);
    copy[len] = '\0';
    status = sjwt_json_parse(&allocator, copy, len, SJWT_PAYLOAD_JSON, &json, &position);
    if (status == SJWT_OK && !sjwt_json_is_object(json.root)) {
        status = SJWT_PAYLOAD_JSON;
        sjwt_json_free(&json);
    } else if (status == SJWT_OK) {
        sjwt_json_free(&json);
    }
    sjwt_release(&allocator, copy);
    return status == SJWT_OK ? SJWT_OK : sjwt_fail(error, status, position, NULL);
}

sjwt_status sjwt_sign(const sjwt_allocator *allocator, const sjwt_private_key *key,
                      const sjwt_jws_header *header, const char *claims, size_t len, char **token,
                      size_t *token_len, sjwt_error *error)
{
    sjwt_status status = check_claims(allocator, claims, len, error);

    *token = NULL;
    if (status != SJWT_OK)
        return status;
    status = sjwt_jws_sign(allocator, key, header, claims, len, token, token_len, error);
    if (status == SJWT_OK && *token_len > SJWT_MAX_TOKEN_SIZE) {
        sjwt_allocator resolved = sjwt_allocator_resolve(allocator);

        sjwt_release(&resolved, *token);
        *token = NULL;
        status = sjwt_fail(error, SJWT_TOO_LARGE, 0, NULL);
    }
    return status;
}
