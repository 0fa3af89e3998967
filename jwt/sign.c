#include "jwt/sign.h"

#include "jwt/error.h"
#include "jwt/json.h"
#include "jwt/memory.h"
#include "jwt/private_key.h"
#include "jwt/writer.h"

#include <string.h>

static void put_header(jwt_writer *writer, const jwt_private_key *key, const char *alg,
                       const jws_header *header)
{
    const char *kid = header->kid != NULL ? header->kid : key->kid;

    jwt_writer_member(writer, "alg", alg);
    if (header->typ != NULL)
        jwt_writer_member(writer, "typ", header->typ);
    if (kid != NULL)
        jwt_writer_member(writer, "kid", kid);
    jwt_writer_put(writer, "}", 1);
}

/* The signing input's first part, and the dot behind it. */
static void put_encoded_header(jwt_writer *writer, const jwt_private_key *key, const char *alg,
                               const jws_header *header)
{
    jwt_writer made;

    jwt_writer_start(&made, &writer->allocator);
    if (header->exact != NULL)
        jwt_writer_put(&made, header->exact, header->exact_len);
    else
        put_header(&made, key, alg, header);
    if (made.failed)
        writer->failed = true;
    else
        jwt_writer_put_base64url(writer, jwt_writer_octets(&made));
    jwt_writer_discard(&made);
    jwt_writer_put(writer, ".", 1);
}

static jwt_status put_signature(jwt_writer *writer, const jwt_private_key *key, crypto_alg alg)
{
    uint8_t signature[CRYPTO_MAX_SIGNATURE_SIZE];
    size_t len;
    jwt_status status;

    if (writer->failed)
        return JWT_NO_MEMORY;
    status = jwt_status_of_signing(crypto_make_signature(alg, &key->key, jwt_writer_octets(writer),
                                                         signature, sizeof signature, &len));
    if (status == JWT_OK) {
        jwt_writer_put(writer, ".", 1);
        jwt_writer_put_base64url(writer, (crypto_span){.data = signature, .len = len});
    }
    return status;
}

/* A private key's "alg" is what it may be used for (RFC 7517 section 4.4). */
static jwt_status choose_algorithm(const jwt_private_key *key, const char *wanted,
                                   const char **name, crypto_alg *alg)
{
    const crypto_algorithm *own = jwt_find_algorithm(jwt_private_key_algorithm(key), name);
    const crypto_algorithm *row = own;

    if (wanted != NULL)
        row = jwt_find_algorithm(wanted, name);
    if (row == NULL)
        return JWT_ALG_UNKNOWN;
    if (row->key_type != own->key_type || row->curve != own->curve ||
        (key->alg != NULL && row != own))
        return JWT_ALG_MISMATCH;
    *alg = row->alg;
    return JWT_OK;
}

jwt_status jws_sign(const jwt_allocator *allocator, const jwt_private_key *key,
                    const jws_header *header, const char *payload, size_t len, char **token,
                    size_t *token_len, jwt_error *error)
{
    const char *name;
    crypto_alg alg;
    jwt_status status = choose_algorithm(key, header->alg, &name, &alg);
    jwt_writer writer;

    *token = NULL;
    if (status != JWT_OK)
        return jwt_fail(error, status, 0, NULL);
    if (header->kid != NULL)
        status = jwt_check_string(allocator, header->kid, JWT_KID_INVALID);
    if (status == JWT_OK && header->typ != NULL)
        status = jwt_check_string(allocator, header->typ, JWT_HEADER_JSON);
    if (status != JWT_OK)
        return jwt_fail(error, status, 0, status == JWT_NO_MEMORY ? NULL : "not UTF-8");

    jwt_writer_start(&writer, allocator);
    put_encoded_header(&writer, key, name, header);
    jwt_writer_put_base64url(&writer, (crypto_span){.data = (const uint8_t *)payload, .len = len});
    status = put_signature(&writer, key, alg);
    if (status == JWT_OK)
        status = jwt_writer_finish(&writer, token, token_len);
    else
        jwt_writer_discard(&writer);
    return status == JWT_OK ? JWT_OK : jwt_fail(error, status, 0, NULL);
}

static jwt_status check_claims(const jwt_allocator *given, const char *claims, size_t len,
                               jwt_error *error)
{
    jwt_allocator allocator = jwt_allocator_resolve(given);
    char *copy = jwt_allocate(&allocator, len + 1);
    size_t position = 0;
    jwt_status status;
    jwt_json json;

    if (copy == NULL)
        return jwt_fail(error, JWT_NO_MEMORY, 0, NULL);
    if (len > 0)
        memcpy(copy, claims, len);
    copy[len] = '\0';
    status = jwt_json_parse(&allocator, copy, len, JWT_PAYLOAD_JSON, &json, &position);
    if (status == JWT_OK && !jwt_json_is_object(json.root)) {
        status = JWT_PAYLOAD_JSON;
        jwt_json_free(&json);
    } else if (status == JWT_OK) {
        jwt_json_free(&json);
    }
    jwt_release(&allocator, copy);
    return status == JWT_OK ? JWT_OK : jwt_fail(error, status, position, NULL);
}

jwt_status jwt_sign(const jwt_allocator *allocator, const jwt_private_key *key,
                    const jws_header *header, const char *claims, size_t len, char **token,
                    size_t *token_len, jwt_error *error)
{
    jwt_status status = check_claims(allocator, claims, len, error);

    *token = NULL;
    if (status != JWT_OK)
        return status;
    status = jws_sign(allocator, key, header, claims, len, token, token_len, error);
    if (status == JWT_OK && *token_len > JWT_MAX_TOKEN_SIZE) {
        jwt_allocator resolved = jwt_allocator_resolve(allocator);

        jwt_release(&resolved, *token);
        *token = NULL;
        status = jwt_fail(error, JWT_TOO_LARGE, 0, NULL);
    }
    return status;
}
