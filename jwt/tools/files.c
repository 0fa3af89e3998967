/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/tools/files.h"

#include "jwt/tools/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_CHUNK 4096

static void wipe(char *data, size_t len)
{
    volatile char *octets = data;

    while (len-- > 0)
        *octets++ = 0;
}

void buffer_free(buffer *text)
{
    if (text->data != NULL)
        wipe(text->data, text->len);
    free(text->data);
    text->data = NULL;
    text->len = 0;
}

/* realloc() would leave a copy of a key in freed memory. */
static bool grow(buffer *text, size_t *size, size_t most)
{
    size_t larger = *size > most / 2 ? most : *size * 2;
    char *data = malloc(larger + 1);

    if (data == NULL)
        return false;
    memcpy(data, text->data, text->len);
    wipe(text->data, text->len);
    free(text->data);
    text->data = data;
    *size = larger;
    return true;
}

static bool read_descriptor(const char *what, int fd, size_t most, buffer *out)
{
    size_t size = most < FIRST_CHUNK ? most : FIRST_CHUNK;

    out->data = malloc(size + 1);
    if (out->data == NULL) {
        fail("out of memory");
        return false;
    }
    while (out->len < most) {
        ssize_t got;

        if (out->len == size && !grow(out, &size, most)) {
            fail("out of memory");
            return false;
        }
        got = read(fd, out->data + out->len, size - out->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            fail("%s: %s", what, strerror(errno));
            return false;
        }
        if (got == 0)
            break;
        out->len += (size_t)got;
    }
    out->data[out->len] = '\0';
    return true;
}

bool read_beginning(const char *what, const char *path, size_t most, buffer *out)
{
    bool is_standard_input = strcmp(path, "-") == 0;
    int fd = is_standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    bool good;

    out->data = NULL;
    out->len = 0;
    if (fd < 0) {
        fail("%s: %s", what, strerror(errno));
        return false;
    }
    good = read_descriptor(what, fd, most, out);
    if (!is_standard_input)
        close(fd);
    if (!good)
        buffer_free(out);
    return good;
}

bool read_file(const char *what, const char *path, size_t limit, buffer *out)
{
    /* one octet more than allowed shows that the input is too large */
    if (!read_beginning(what, path, limit + 1, out))
        return false;
    if (out->len <= limit)
        return true;
    fail("%s: larger than %zu octets", what, limit);
    buffer_free(out);
    return false;
}

bool copy_text(const char *what, const char *text, size_t limit, buffer *out)
{
    size_t len = strlen(text);

    out->data = NULL;
    out->len = 0;
    if (len > limit) {
        fail("%s: larger than %zu octets", what, limit);
        return false;
    }
    out->data = malloc(len + 1);
    if (out->data == NULL) {
        fail("out of memory");
        return false;
    }
    memcpy(out->data, text, len + 1);
    out->len = len;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void buffer_trim(buffer *text)
{
    size_t start = 0;

    while (start < text->len && is_blank(text->data[start]))
        start++;
    while (text->len > start && is_blank(text->data[text->len - 1]))
        text->len--;
    text->len -= start;
    memmove(text->data, text->data + start, text->len);
    text->data[text->len] = '\0';
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, data, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        data += written;
        len -= (size_t)written;
    }
    return true;
}

bool write_private_file(const char *what, const char *path, const char *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    bool good;

    if (fd < 0) {
        fail("%s: %s", what, strerror(errno));
        return false;
    }
    good = write_all(fd, data, len) && write_all(fd, "\n", 1) && fsync(fd) == 0;
    if (!good)
        fail("%s: %s", what, strerror(errno));
    if (close(fd) != 0 && good) {
        fail("%s: %s", what, strerror(errno));
        good = false;
    }
    if (!good)
        unlink(path);
    return good;
}

void warn_of_readable_output(void)
{
    struct stat status;

    if (fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode) &&
        (status.st_mode & (S_IRGRP | S_IROTH)) != 0)
        fail("warning: others can read the file that standard output is; make it with umask 077");
}

char *resolve_path(const char *directory, const char *path)
{
    bool is_absolute = path[0] == '/';
    size_t size = strlen(directory) + 1 + strlen(path) + 1;
    char *resolved = malloc(size);

    if (resolved != NULL)
        snprintf(resolved, size, "%s%s%s", is_absolute ? "" : directory, is_absolute ? "" : "/",
                 path);
    return resolved;
}
