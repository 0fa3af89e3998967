/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/headers.h"

#include <string.h>
#include <strings.h>

#include "fetch/fetch.h"

/* The value of the line if it is the header called name, and its length; else NULL. */
static const char *header_value(const char *line, size_t len, const char *name, size_t *value_len)
{
    size_t name_len = strlen(name);
    const char *value = line + name_len + 1, *end = line + len;

    if (len <= name_len || line[name_len] != ':' || strncasecmp(line, name, name_len) != 0)
        return NULL;
    while (value < end && strchr(" \t\r\n", *value) != NULL)
        value++;
    while (end > value && strchr(" \t\r\n", end[-1]) != NULL)
        end--;
    *value_len = (size_t)(end - value);
    return value;
}

static bool is_printable(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] < ' ' || text[i] > '~')
            return false;
    }
    return true;
}

/* Appends value after a comma if out has one already. What is too long or not printable
 * counts as absent. */
static void keep(char *out, size_t size, const char *value, size_t len)
{
    size_t used = strlen(out);

    if (!is_printable(value, len) || used + 1 + len >= size) {
        out[0] = '\0';
        return;
    }
    if (used > 0)
        out[used++] = ',';
    memcpy(out + used, value, len);
    out[used + len] = '\0';
}

static void forget(sjwt_headers *headers)
{
    headers->etag[0] = '\0';
    headers->last_modified[0] = '\0';
    headers->cache_control[0] = '\0';
    headers->is_encoded = false;
}

bool sjwt_headers_take(sjwt_headers *headers, const char *line, size_t len)
{
    const char *value;
    size_t value_len;

    if (len > SJWT_FETCH_MAX_HEADERS - headers->len)
        return false;
    headers->len += len;
    /* The answer after an informational one, or after that of a proxy. */
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
        forget(headers);
    if ((value = header_value(line, len, "ETag", &value_len)) != NULL)
        keep(headers->etag, sizeof(headers->etag), value, value_len);
    else if ((value = header_value(line, len, "Last-Modified", &value_len)) != NULL)
        keep(headers->last_modified, sizeof(headers->last_modified), value, value_len);
    else if ((value = header_value(line, len, "Cache-Control", &value_len)) != NULL)
        keep(headers->cache_control, sizeof(headers->cache_control), value, value_len);
    else if ((value = header_value(line, len, "Content-Encoding", &value_len)) != NULL &&
             (value_len != 8 || strncasecmp(value, "identity", 8) != 0))
        headers->is_encoded = true;
    return true;
}
