/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as a key in PEM or DER. The first octet says whether the private half is wanted. The
 * public half of what is read is printed, unless the halves do not match, and is a key again.
 */
#include "fuzz.h"

#include "jwt/sign.h"
#include <sjwt.h>

static void print_public(const sjwt_private_key *key)
{
    char *jwk = NULL;
    char *pem = NULL;
    size_t len;
    sjwt_keyset *keys;

    sjwt_status status = sjwt_private_key_print_public(key, &jwk, &len, NULL);
    must(status == SJWT_OK || status == SJWT_JWK_KEY_REFUSED);
    if (status != SJWT_OK)
        return;
    /* A point that is not on the curve is found when the key is prepared. */
    must(sjwt_keyset_parse(NULL, jwk, len, &keys, NULL) == SJWT_OK);
    if (sjwt_keyset_print_pem(NULL, keys, &pem, &len, NULL) == SJWT_OK)
        must(strncmp(pem, "-----BEGIN", 10) == 0);
    sjwt_keyset_free(keys);
    free(jwk);
    free(pem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sjwt_private_key *key = NULL;
    sjwt_error error;

    if (size == 0)
        return 0;
    char *document = copied(data + 1, size - 1);
    sjwt_status status = sjwt_private_key_read_document(
        NULL, document, size - 1, (data[0] & 1) != 0, NULL, NULL, &key, &error);

    must((status == SJWT_OK) == (key != NULL));
    must(status != SJWT_NO_MEMORY && status != SJWT_INTERNAL);
    if (status == SJWT_OK)
        print_public(key);
    sjwt_private_key_free(key);
    free(document);
    return 0;
}
