/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare_sodium.c - Ed25519 by libsodium.
 */
#include "bare.h"

#include <sodium.h>

static void *import(const bench_key *key)
{
    uint8_t *octets = bench_allocate(crypto_sign_PUBLICKEYBYTES);

    if (bench_key_octets(key, "x", octets, crypto_sign_PUBLICKEYBYTES) !=
        crypto_sign_PUBLICKEYBYTES)
        bench_die("a key that is not one of Ed25519");
    return octets;
}

static bool verify(void *key, const uint8_t *message, size_t message_len, const uint8_t *signature,
                   size_t len)
{
    return len == crypto_sign_BYTES &&
           crypto_sign_verify_detached(signature, message, message_len, key) == 0;
}

const bench_library bench_sodium = {
    .backend = "sodium", .name = "bare libsodium", .import = import, .verify = verify};
