#include "jwt/writer.h"

#include "jwt/base64url.h"
#include "jwt/memory.h"

#include <string.h>

#define FIRST_SIZE 512

void jwt_writer_start(jwt_writer *writer, const jwt_allocator *allocator)
{
    memset(writer, 0, sizeof *writer);
    writer->allocator = jwt_allocator_resolve(allocator);
}

void jwt_writer_discard(jwt_writer *writer)
{
    jwt_wipe(writer->text, writer->size);
    jwt_release(&writer->allocator, writer->text);
    writer->text = NULL;
    writer->len = 0;
    writer->size = 0;
}

/* Room for more octets and the NUL beyond them. */
static bool reserve(jwt_writer *writer, size_t more)
{
    size_t size = writer->size == 0 ? FIRST_SIZE : writer->size;
    size_t len = writer->len;
    char *text;

    if (writer->failed)
        return false;
    if (writer->size - len > more)
        return true;
    if (more > SIZE_MAX / 4 - len) {
        writer->failed = true;
        return false;
    }
    while (size - len <= more)
        size *= 2;

    text = jwt_allocate(&writer->allocator, size);
    if (text == NULL) {
        writer->failed = true;
        return false;
    }
    if (len > 0)
        memcpy(text, writer->text, len);
    jwt_writer_discard(writer);
    writer->text = text;
    writer->len = len;
    writer->size = size;
    return true;
}

void jwt_writer_put(jwt_writer *writer, const char *text, size_t len)
{
    if (!reserve(writer, len))
        return;
    if (len > 0)
        memcpy(writer->text + writer->len, text, len);
    writer->len += len;
    writer->text[writer->len] = '\0';
}

void jwt_writer_put_base64url(jwt_writer *writer, crypto_span octets)
{
    size_t len = JWT_BASE64URL_ENCODED_LEN(octets.len);

    if (octets.len > SIZE_MAX / 4 || !reserve(writer, len)) {
        writer->failed = true;
        return;
    }
    jwt_base64url_encode(octets.data, octets.len, writer->text + writer->len);
    writer->len += len;
    writer->text[writer->len] = '\0';
}

static void put_text(jwt_writer *writer, const char *text)
{
    jwt_writer_put(writer, text, strlen(text));
}

static void put_escaped(jwt_writer *writer, const char *text)
{
    static const char hex[] = "0123456789abcdef";

    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        char escape[] = "\\u0000";

        if (c == '"' || c == '\\') {
            escape[1] = (char)c;
            jwt_writer_put(writer, escape, 2);
        } else if (c < 0x20) {
            escape[4] = hex[c >> 4];
            escape[5] = hex[c & 15];
            jwt_writer_put(writer, escape, 6);
        } else {
            jwt_writer_put(writer, text, 1);
        }
    }
}

static void put_name(jwt_writer *writer, const char *name)
{
    put_text(writer, writer->len == 0 ? "{\"" : ",\"");
    put_text(writer, name);
    put_text(writer, "\":\"");
}

void jwt_writer_member(jwt_writer *writer, const char *name, const char *value)
{
    put_name(writer, name);
    put_escaped(writer, value);
    put_text(writer, "\"");
}

void jwt_writer_member_octets(jwt_writer *writer, const char *name, crypto_span octets)
{
    put_name(writer, name);
    jwt_writer_put_base64url(writer, octets);
    put_text(writer, "\"");
}

crypto_span jwt_writer_octets(const jwt_writer *writer)
{
    return (crypto_span){.data = (const uint8_t *)writer->text, .len = writer->len};
}

jwt_status jwt_writer_finish(jwt_writer *writer, char **text, size_t *len)
{
    jwt_status status = writer->failed ? JWT_NO_MEMORY : JWT_OK;

    if (writer->failed) {
        jwt_writer_discard(writer);
    } else {
        *text = writer->text;
        *len = writer->len;
        writer->text = NULL;
    }
    return status;
}
