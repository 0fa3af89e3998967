/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Returns result; closes fd, and keeps the errno of what failed first. */
static bool close_with(int fd, bool result)
{
    int saved = errno;

    if (close(fd) != 0 && result)
        return false;
    errno = saved;
    return result;
}

static bool write_new(const char *path, const char *data, size_t len)
{
    int fd;

    /* What a writer left behind that was killed. */
    if (unlink(path) != 0 && errno != ENOENT)
        return false;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return false;
    return close_with(fd, write_all(fd, data, len) && fsync(fd) == 0);
}

static bool sync_directory_of(const char *path, char *buf)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    int fd;

    memcpy(buf, path, len);
    buf[len] = '\0';
    fd = open(slash == NULL ? "." : len == 0 ? "/" : buf, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    return close_with(fd, fsync(fd) == 0);
}

bool sjwt_store_file(const char *path, const char *data, size_t len)
{
    size_t size = strlen(path) + sizeof(".new");
    char *temporary = malloc(size);
    bool stored;
    int saved;

    if (temporary == NULL)
        return false;
    snprintf(temporary, size, "%s.new", path);
    stored = write_new(temporary, data, len) && rename(temporary, path) == 0;
    if (!stored) {
        saved = errno;
        (void)unlink(temporary);
        errno = saved;
    }
    /* The rename took place: a reader sees the new content, also where this fails. */
    if (stored)
        stored = sync_directory_of(path, temporary);
    saved = errno;
    free(temporary);
    errno = saved;
    return stored;
}

bool sjwt_store_touch(const char *path)
{
    return utimensat(AT_FDCWD, path, NULL, 0) == 0;
}
