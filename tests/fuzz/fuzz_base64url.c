/* SPDX-License-Identifier: Apache-2.0 */
/* Each accepted text is the only encoding of its octets, and each encoding is accepted. */
#include "fuzz.h"

#include "jwt/base64url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t len = SJWT_BASE64URL_DECODED_LEN(size);
    uint8_t *octets = malloc(len + 1);
    char *text = malloc(SJWT_BASE64URL_ENCODED_LEN(size) + 1);
    size_t position = 0;

    must(octets != NULL && text != NULL);
    if (sjwt_base64url_decode((const char *)data, size, octets, &position)) {
        must(SJWT_BASE64URL_ENCODED_LEN(len) == size);
        sjwt_base64url_encode(octets, len, text);
        must(memcmp(text, data, size) == 0);
    } else {
        must(position <= size);
    }

    sjwt_base64url_encode(data, size, text);
    free(octets);
    octets = malloc(size + 1);
    must(octets != NULL);
    must(sjwt_base64url_decode(text, SJWT_BASE64URL_ENCODED_LEN(size), octets, NULL));
    must(size == 0 || memcmp(octets, data, size) == 0);
    free(octets);
    free(text);
    return 0;
}
