/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetched_file.c - the names of the files of fetched keys, and the form of their state.
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/cryptohash.h"
#include "miscadmin.h"
#include "storage/fd.h"

#include "extension/fetched_file.h"

#define FORMAT "pg_session_jwt fetch 1"
#define HASH_LEN 32
#define NAME_OCTETS 16 /* of the hash */

/* SHA-256 of what is fetched. */
static bool hash_source(const char *kind, const char *name, uint8 out[HASH_LEN])
{
    pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);
    bool hashed;

    if (context == NULL)
        return false;
    hashed = pg_cryptohash_init(context) == 0 &&
             pg_cryptohash_update(context, (const uint8 *)kind, strlen(kind) + 1) == 0 &&
             pg_cryptohash_update(context, (const uint8 *)name, strlen(name)) == 0 &&
             pg_cryptohash_final(context, out, HASH_LEN) == 0;
    pg_cryptohash_free(context);
    return hashed;
}

bool pgsj_fetched_file_of(const char *issuer, const char *url, pgsj_fetched_file *out)
{
    uint8 hash[HASH_LEN];
    char name[2 * NAME_OCTETS + 1];

    if (!hash_source(url == NULL ? "issuer" : "url", url == NULL ? issuer : url, hash))
        return false;
    out->id = 0;
    for (int i = 0; i < NAME_OCTETS; i++) {
        snprintf(name + 2 * i, 3, "%02x", hash[i]);
        if (i < 8)
            out->id = out->id << 8 | hash[i];
    }
    if (out->id == 0)
        out->id = 1;
    snprintf(out->keys, sizeof(out->keys), PGSJ_FETCHED_DIRECTORY "/%s.jwks", name);
    snprintf(out->state, sizeof(out->state), PGSJ_FETCHED_DIRECTORY "/%s.state", name);
    return true;
}

/* ---- state ------------------------------------------------------------- */

size_t pgsj_fetch_state_print(const pgsj_fetch_state *state, char out[PGSJ_FETCH_STATE_SIZE])
{
    const int len =
        snprintf(out, PGSJ_FETCH_STATE_SIZE,
                 FORMAT "\n%s\n%s\n%s\n" UINT64_FORMAT "\n" INT64_FORMAT "\n" INT64_FORMAT
                        "\n" INT64_FORMAT "\n%s\n",
                 state->url, state->etag, state->last_modified, state->hash, state->fetched_at,
                 state->next_at, state->failing_since, state->problem);

    Assert(len > 0 && len < PGSJ_FETCH_STATE_SIZE);
    return (size_t)len;
}

/* Copies the next line to out. Returns false where there is none, or it is too long. */
static bool take_line(const char **at, char *out, size_t size)
{
    const char *end = strchr(*at, '\n');

    if (end == NULL || (size_t)(end - *at) >= size)
        return false;
    memcpy(out, *at, (size_t)(end - *at));
    out[end - *at] = '\0';
    *at = end + 1;
    return true;
}

static bool take_number(const char **at, uint64 *out)
{
    char line[24];
    char *end;

    if (!take_line(at, line, sizeof(line)))
        return false;
    errno = 0;
    *out = strtoull(line, &end, 10);
    return errno == 0 && end != line && *end == '\0';
}

static bool take_time(const char **at, int64 *out)
{
    uint64 number;

    if (!take_number(at, &number) || number > PG_INT64_MAX)
        return false;
    *out = (int64)number;
    return true;
}

static bool parse_state(const char *text, pgsj_fetch_state *out)
{
    char format[sizeof(FORMAT)];

    return take_line(&text, format, sizeof(format)) && strcmp(format, FORMAT) == 0 &&
           take_line(&text, out->url, sizeof(out->url)) &&
           take_line(&text, out->etag, sizeof(out->etag)) &&
           take_line(&text, out->last_modified, sizeof(out->last_modified)) &&
           take_number(&text, &out->hash) && take_time(&text, &out->fetched_at) &&
           take_time(&text, &out->next_at) && take_time(&text, &out->failing_since) &&
           take_line(&text, out->problem, sizeof(out->problem));
}

bool pgsj_fetch_state_read(const pgsj_fetched_file *file, pgsj_fetch_state *out)
{
    char path[MAXPGPATH];
    char text[PGSJ_FETCH_STATE_SIZE];
    ssize_t len;
    int fd;

    memset(out, 0, sizeof(*out));
    snprintf(path, sizeof(path), "%s/%s", DataDir, file->state);
    fd = BasicOpenFile(path, O_RDONLY | O_NONBLOCK | PG_BINARY);
    if (fd < 0)
        return false;
    len = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    if (len > 0) {
        text[len] = '\0';
        if (parse_state(text, out))
            return true;
    }
    memset(out, 0, sizeof(*out));
    return false;
}
