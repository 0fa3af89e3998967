/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/writer.h"

#include "jwt/base64url.h"
#include "jwt/memory.h"

#include <string.h>

#define FIRST_SIZE 512

void sjwt_writer_start(sjwt_writer *writer, const sjwt_allocator *allocator)
{
    memset(writer, 0, sizeof *writer);
    writer->allocator = sjwt_allocator_resolve(allocator);
}

void sjwt_writer_discard(sjwt_writer *writer)
{
    sjwt_wipe(writer->text, writer->size);
    sjwt_release(&writer->allocator, writer->text);
    writer->text = NULL;
    writer->len = 0;
    writer->size = 0;
}

/* Makes the buffer large enough for more octets and a NUL. */
static bool reserve(sjwt_writer *writer, size_t more)
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

    text = sjwt_allocate(&writer->allocator, size);
    if (text == NULL) {
        writer->failed = true;
        return false;
    }
    if (len > 0)
        memcpy(text, writer->text, len);
    sjwt_writer_discard(writer);
    writer->text = text;
    writer->len = len;
    writer->size = size;
    return true;
}

void sjwt_writer_put(sjwt_writer *writer, const char *text, size_t len)
{
    if (!reserve(writer, len))
        return;
    if (len > 0)
        memcpy(writer->text + writer->len, text, len);
    writer->len += len;
    writer->text[writer->len] = '\0';
}

void sjwt_writer_put_base64url(sjwt_writer *writer, sjwt_crypto_span octets)
{
    size_t len = SJWT_BASE64URL_ENCODED_LEN(octets.len);

    if (octets.len > SIZE_MAX / 4 || !reserve(writer, len)) {
        writer->failed = true;
        return;
    }
    sjwt_base64url_encode(octets.data, octets.len, writer->text + writer->len);
    writer->len += len;
    writer->text[writer->len] = '\0';
}

static void put_text(sjwt_writer *writer, const char *text)
{
    sjwt_writer_put(writer, text, strlen(text));
}

static void put_escaped(sjwt_writer *writer, const char *text)
{
    static const char hex[] = "0123456789abcdef";

    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        char escape[] = "\\u0000";

        if (c == '"' || c == '\\') {
            escape[1] = (char)c;
            sjwt_writer_put(writer, escape, 2);
        } else if (c < 0x20) {
            escape[4] = hex[c >> 4];
            escape[5] = hex[c & 15];
            sjwt_writer_put(writer, escape, 6);
        } else {
            sjwt_writer_put(writer, text, 1);
        }
    }
}

static void put_name(sjwt_writer *writer, const char *name)
{
    put_text(writer, writer->len == 0 ? "{\"" : ",\"");
    put_text(writer, name);
    put_text(writer, "\":\"");
}

void sjwt_writer_member(sjwt_writer *writer, const char *name, const char *value)
{
    put_name(writer, name);
    put_escaped(writer, value);
    put_text(writer, "\"");
}

void sjwt_writer_member_octets(sjwt_writer *writer, const char *name, sjwt_crypto_span octets)
{
    put_name(writer, name);
    sjwt_writer_put_base64url(writer, octets);
    put_text(writer, "\"");
}

sjwt_crypto_span sjwt_writer_octets(const sjwt_writer *writer)
{
    return (sjwt_crypto_span){.data = (const uint8_t *)writer->text, .len = writer->len};
}

sjwt_status sjwt_writer_finish(sjwt_writer *writer, char **text, size_t *len)
{
    sjwt_status status = writer->failed ? SJWT_NO_MEMORY : SJWT_OK;

    if (writer->failed) {
        sjwt_writer_discard(writer);
    } else {
        *text = writer->text;
        *len = writer->len;
        writer->text = NULL;
    }
    return status;
}
