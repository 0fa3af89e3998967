/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/tools/load.h"

#include "jwt/tools/files.h"
#include "jwt/tools/message.h"

bool load_private_key(const char *what, const char *path, sjwt_private_key **out)
{
    sjwt_error error;
    buffer text;

    if (!read_file(what, path, SJWT_MAX_KEYSET_SIZE, &text))
        return false;
    if (sjwt_private_key_parse(NULL, text.data, text.len, out, &error) != SJWT_OK)
        fail_input(what, &error);
    buffer_free(&text);
    return *out != NULL;
}

bool load_keyset(const char *what, const char *path, sjwt_keyset **out)
{
    sjwt_error error;
    buffer text;

    if (!read_file(what, path, SJWT_MAX_KEYSET_SIZE, &text))
        return false;
    if (sjwt_keyset_parse(NULL, text.data, text.len, out, &error) != SJWT_OK)
        fail_input(what, &error);
    buffer_free(&text);
    return *out != NULL;
}
