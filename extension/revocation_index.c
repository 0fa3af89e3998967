/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation_index.c - the index of a file of revoked tokens: what all sessions of the server
 * share.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "common/hashfn.h"
#include "datatype/timestamp.h"
#include "storage/fd.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "extension/revocation_index.h"

/* Relative to the data directory, where each process of the server is. */
#define DIRECTORY "pg_stat_tmp"

/* Another one where the layout below changes; it also tells the byte order. */
#define MAGIC UINT64CONST(0x50474a5352455631)

/* In seconds since the Unix epoch: no limit, and every time from then on. */
#define NO_LIMIT PG_UINT32_MAX

typedef struct entry {
    pgsj_fingerprint fingerprint;
    uint32 issued_before;
    uint32 until;
} entry;

struct pgsj_index_builder {
    MemoryContextCallback callback; /* of the context that owns the builder */
    entry *entries;
    size_t count;
};

/* ---- names and times --------------------------------------------------- */

#define NAME_SIZE 96

/* 128 bits of the path, so that paths of different settings do not meet by chance. */
static void make_name(char *name, const char *path, const char *end)
{
    const int len = (int)strlen(path);

    snprintf(name, NAME_SIZE, DIRECTORY "/pg_session_jwt.%016llx%016llx.%s",
             (unsigned long long)hash_bytes_extended((const unsigned char *)path, len, 0),
             (unsigned long long)hash_bytes_extended((const unsigned char *)path, len, 1), end);
}

static int64 nanoseconds(const struct timespec *time)
{
    return (int64)time->tv_sec * 1000000000 + time->tv_nsec;
}

int64 pgsj_index_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return nanoseconds(&now);
}

void pgsj_index_source_set(pgsj_index_source *source, const struct stat *state)
{
    *source = (pgsj_index_source){.device = (int64)state->st_dev,
                                  .inode = (int64)state->st_ino,
                                  .size = (int64)state->st_size,
                                  .mtime = nanoseconds(&state->st_mtim),
                                  .ctime = nanoseconds(&state->st_ctim)};
}

/* ---- building ---------------------------------------------------------- */

#define ENTRIES_SIZE (SJWT_MAX_REVOCATIONS * sizeof(entry))

static void unmap_entries(void *argument)
{
    (void)munmap(((pgsj_index_builder *)argument)->entries, ENTRIES_SIZE);
}

/* Memory of malloc() would stay with the process. The kernel gives pages where entries are. */
pgsj_index_builder *pgsj_index_begin(void)
{
    pgsj_index_builder *builder = palloc0(sizeof(pgsj_index_builder));

    builder->entries =
        mmap(NULL, ENTRIES_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (builder->entries == MAP_FAILED)
        ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
    builder->callback.func = unmap_entries;
    builder->callback.arg = builder;
    MemoryContextRegisterResetCallback(CurrentMemoryContext, &builder->callback);
    return builder;
}

static uint32 limit(bool has, int64 seconds)
{
    return has && seconds < NO_LIMIT ? (uint32)seconds : NO_LIMIT;
}

bool pgsj_index_add(pgsj_index_builder *builder, const pgsj_fingerprint *fingerprint,
                    bool has_issued_before, int64 issued_before, bool has_until, int64 until)
{
    if (builder->count == SJWT_MAX_REVOCATIONS)
        return false;
    builder->entries[builder->count++] =
        (entry){.fingerprint = *fingerprint,
                .issued_before = limit(has_issued_before, issued_before),
                .until = limit(has_until, until)};
    return true;
}

static int compare(const void *left, const void *right)
{
    return memcmp(((const entry *)left)->fingerprint.octets,
                  ((const entry *)right)->fingerprint.octets, PGSJ_FINGERPRINT_LEN);
}

static bool write_all(int fd, const void *octets, size_t len)
{
    const char *next = octets;

    while (len > 0) {
        const ssize_t written = write(fd, next, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            if (written == 0)
                errno = ENOSPC;
            return false;
        }
        next += written;
        len -= (size_t)written;
    }
    return true;
}

/* The lock keeps others from the new file until it has its name. */
static bool write_file(const char *path, const char *end, pgsj_index_header *header,
                       const entry *entries)
{
    char name[NAME_SIZE];
    char new_name[NAME_SIZE];
    bool written;
    int error;
    int fd;

    make_name(name, path, end);
    make_name(new_name, path, "new");
    header->magic = MAGIC;
    header->server_start = PgStartTime;
    fd = OpenTransientFilePerm(new_name, O_WRONLY | O_CREAT | O_TRUNC | PG_BINARY,
                               S_IRUSR | S_IWUSR);
    if (fd < 0)
        return false;
    written = write_all(fd, header, sizeof(*header)) &&
              (header->count == 0 || write_all(fd, entries, header->count * sizeof(entry)));
    error = errno;
    if (CloseTransientFile(fd) != 0 && written) {
        error = errno;
        written = false;
    }
    if (written && rename(new_name, name) == 0)
        return true;
    if (written)
        error = errno;
    (void)unlink(new_name);
    errno = error;
    return false;
}

int pgsj_index_open_lock(const char *path)
{
    char name[NAME_SIZE];

    make_name(name, path, "lock");
    return OpenTransientFilePerm(name, O_RDWR | O_CREAT | PG_BINARY, S_IRUSR | S_IWUSR);
}

bool pgsj_index_write(const char *path, pgsj_index_builder *builder, pgsj_index_header *header)
{
    if (builder->count > 0)
        qsort(builder->entries, builder->count, sizeof(entry), compare);
    header->count = builder->count;
    return write_file(path, "index", header, builder->entries);
}

bool pgsj_index_write_problem(const char *path, pgsj_index_header *header)
{
    header->count = 0;
    return write_file(path, "problem", header, NULL);
}

/* ---- reading ----------------------------------------------------------- */

static bool read_at(int fd, void *octets, size_t len, off_t offset)
{
    char *next = octets;

    while (len > 0) {
        const ssize_t got = pread(fd, next, len, offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            if (got == 0)
                errno = EIO;
            return false;
        }
        next += got;
        offset += got;
        len -= (size_t)got;
    }
    return true;
}

/* Opens a file of this run of the server. Returns -1 and errno; else close(). */
static int open_file(const char *path, const char *end, pgsj_index_header *header)
{
    char name[NAME_SIZE];
    int fd;

    make_name(name, path, end);
    fd = BasicOpenFile(name, O_RDONLY | PG_BINARY);
    if (fd < 0)
        return -1;
    if (read_at(fd, header, sizeof(*header), 0) && header->magic == MAGIC &&
        header->server_start == PgStartTime && header->count <= SJWT_MAX_REVOCATIONS)
        return fd;
    (void)close(fd);
    errno = ENOENT;
    return -1;
}

static bool find(const char *path, const char *end, const pgsj_index_source *source,
                 pgsj_index_header *out)
{
    const int fd = open_file(path, end, out);

    if (fd < 0)
        return false;
    (void)close(fd);
    out->problem[sizeof(out->problem) - 1] = '\0';
    return memcmp(&out->source, source, sizeof(*source)) == 0;
}

bool pgsj_index_find(const char *path, const pgsj_index_source *source, pgsj_index_header *out)
{
    return find(path, "index", source, out) || find(path, "problem", source, out);
}

static bool matches(const entry *candidate, const pgsj_revocation_match *match)
{
    if (candidate->until != NO_LIMIT && match->now >= (int64)candidate->until * USECS_PER_SEC)
        return false;
    return candidate->issued_before == NO_LIMIT || !match->has_issued_at ||
           match->issued_at < (int64)candidate->issued_before * USECS_PER_SEC;
}

static bool read_entry(int fd, uint64 n, entry *out)
{
    return read_at(fd, out, sizeof(*out), (off_t)(sizeof(pgsj_index_header) + n * sizeof(*out)));
}

static bool search(int fd, uint64 count, pgsj_revocation_match *match)
{
    uint64 low = 0;
    uint64 high = count;
    entry wanted = {.fingerprint = *match->fingerprint};
    entry candidate;

    while (low < high) {
        const uint64 middle = low + (high - low) / 2;

        if (!read_entry(fd, middle, &candidate))
            return false;
        if (compare(&candidate, &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < count && !match->found; low++) {
        if (!read_entry(fd, low, &candidate))
            return false;
        if (compare(&candidate, &wanted) != 0)
            break;
        match->found = matches(&candidate, match);
        match->found_in = "pg_session_jwt.revoked_file";
    }
    return true;
}

bool pgsj_index_look_up(const char *path, pgsj_revocation_match *match)
{
    pgsj_index_header header;
    const int fd = open_file(path, "index", &header);
    bool done;
    int error;

    if (fd < 0)
        return false;
    done = search(fd, header.count, match);
    error = errno;
    (void)close(fd);
    errno = error;
    return done;
}
