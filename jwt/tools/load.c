#include "jwt/tools/load.h"

#include "jwt/tools/files.h"
#include "jwt/tools/message.h"

bool load_private_key(const char *what, const char *path, jwt_private_key **out)
{
    jwt_error error;
    buffer text;

    if (!read_file(what, path, JWT_MAX_KEYSET_SIZE, &text))
        return false;
    if (jwt_private_key_parse(NULL, text.data, text.len, out, &error) != JWT_OK)
        fail_input(what, &error);
    buffer_free(&text);
    return *out != NULL;
}

bool load_keyset(const char *what, const char *path, jwt_keyset **out)
{
    jwt_error error;
    buffer text;

    if (!read_file(what, path, JWT_MAX_KEYSET_SIZE, &text))
        return false;
    if (jwt_keyset_parse(NULL, text.data, text.len, out, &error) != JWT_OK)
        fail_input(what, &error);
    buffer_free(&text);
    return *out != NULL;
}
