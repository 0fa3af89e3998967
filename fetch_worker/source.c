/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/hashfn.h"
#include "common/file_perm.h"
#include "storage/fd.h"

#include "extension/bell.h"
#include "fetch/store.h"
#include "fetch_worker/source.h"

static const char *name(const pgsj_fetch_source *source)
{
    return source->target->url != NULL ? source->target->url : source->target->issuer;
}

static TimestampTz after_ms(int64 ms)
{
    return GetCurrentTimestamp() + ms * 1000;
}

/* ---- files ------------------------------------------------------------- */

/* The worker runs in the data directory. */

static void save_state(const pgsj_fetch_source *source)
{
    char text[PGSJ_FETCH_STATE_SIZE];
    const size_t len = pgsj_fetch_state_print(&source->state, text);

    if (!sjwt_store_file(source->file.state, text, len))
        ereport(LOG, (errcode_for_file_access(),
                      errmsg("could not write file \"%s\": %m", source->file.state)));
}

/* In seconds: between a file's time and that of its state. */
#define TIME_SLACK 5

/* A copy of the data directory may have given the file another time. */
static void restore_time(const pgsj_fetch_source *source)
{
    const struct timespec times[2] = {{.tv_sec = (time_t)source->state.fetched_at},
                                      {.tv_sec = (time_t)source->state.fetched_at}};
    struct stat state;

    if (stat(source->file.keys, &state) == 0 &&
        state.st_mtime > source->state.fetched_at + TIME_SLACK)
        (void)utimensat(AT_FDCWD, source->file.keys, times, 0);
}

bool pgsj_fetch_source_init(pgsj_fetch_source *source, const pgsj_fetch_target *target)
{
    const int64 now = (int64)time(NULL);

    memset(source, 0, sizeof(*source));
    source->target = target;
    if (!pgsj_fetched_file_of(target->issuer, target->url, &source->file))
        return false;
    source->next_at = after_ms(0);
    if (access(source->file.keys, F_OK) != 0 ||
        !pgsj_fetch_state_read(&source->file, &source->state)) {
        /* Without the keys, validators are of no use. */
        memset(&source->state, 0, sizeof(source->state));
        return true;
    }
    restore_time(source);
    /* What is older is fetched at once; a clock that was set back delays nothing. */
    if (source->state.problem[0] == '\0' && source->state.next_at > now &&
        source->state.fetched_at <= now)
        source->next_at = after_ms((source->state.next_at - now) * 1000);
    return true;
}

/* ---- results ----------------------------------------------------------- */

static uint32 random_number(void)
{
    uint32 number = 0;

    (void)pg_strong_random(&number, sizeof(number));
    return number;
}

static pgsj_fetch_counter failure_counter(sjwt_fetch_status status)
{
    switch (status) {
    case SJWT_FETCH_FORBIDDEN:
        return PGSJ_FETCH_COUNT_FORBIDDEN;
    case SJWT_FETCH_UNREACHABLE:
        return PGSJ_FETCH_COUNT_UNREACHABLE;
    case SJWT_FETCH_NO_MEMORY:
        return PGSJ_FETCH_COUNT_NO_MEMORY;
    case SJWT_FETCH_OK:
    case SJWT_FETCH_UNUSABLE:
        break;
    }
    return PGSJ_FETCH_COUNT_UNUSABLE;
}

static void fail(pgsj_fetch_source *source, pgsj_fetch_counter counter, const char *problem)
{
    pgsj_fetch_state *state = &source->state;
    const int64 now = (int64)time(NULL);
    const uint32 retry_ms = sjwt_fetch_retry_ms(++source->failures, random_number());

    pgsj_bell_count(counter);
    /* The first failure is tried again at once, and told when that fails, too. */
    if (source->failures > 1 && strcmp(state->problem, problem) != 0)
        ereport(LOG, (errmsg("could not fetch the keys of \"%s\"", name(source)),
                      errdetail("%s", problem),
                      state->fetched_at == 0 ? errhint("Its tokens are refused.")
                                             : errhint("The keys fetched before count until "
                                                       "pg_session_jwt.stale_grace has passed.")));
    strlcpy(state->problem, problem, sizeof(state->problem));
    if (state->failing_since == 0)
        state->failing_since = now;
    state->next_at = now + retry_ms / 1000;
    source->next_at = after_ms(retry_ms);
    save_state(source);
}

/* Writes the keys. Returns false, and calls fail(), where that fails. */
static bool store_keys(pgsj_fetch_source *source, const sjwt_fetch_result *result)
{
    char problem[128];

    if (result->not_modified ? sjwt_store_touch(source->file.keys)
                             : sjwt_store_file(source->file.keys, result->text, result->len))
        return true;
    /* All of it is needed the next time. */
    source->state.url[0] = '\0';
    snprintf(problem, sizeof(problem), "could not write file \"%s\": %s", source->file.keys,
             strerror(errno));
    fail(source, PGSJ_FETCH_COUNT_NOT_STORED, problem);
    return false;
}

static void succeed(pgsj_fetch_source *source, const sjwt_fetch_result *result,
                    const pgsj_fetch_configuration *configuration)
{
    pgsj_fetch_state *state = &source->state;
    int64 interval_s = result->max_age_s;
    const int64 now = (int64)time(NULL);
    uint64 hash = state->hash;

    if (!store_keys(source, result))
        return;
    pgsj_bell_count(result->not_modified ? PGSJ_FETCH_COUNT_NOT_MODIFIED : PGSJ_FETCH_COUNT_KEYS);
    if (!result->not_modified)
        hash = hash_bytes_extended((const unsigned char *)result->text, (int)result->len, 0);
    if (state->fetched_at == 0 || source->failures > 1 || hash != state->hash)
        ereport(LOG, (errmsg("fetched the keys of \"%s\"", name(source)),
                      result->not_modified ? errdetail("They have not changed.")
                                           : errdetail("%zu are usable, %zu are skipped.",
                                                       sjwt_keyset_count(result->keys),
                                                       sjwt_keyset_skipped_count(result->keys))));
    /* Twice within the time for which they count, so that one failure costs nothing. */
    if (configuration->stale_grace_s >= 0)
        interval_s = Min(interval_s, Max(1, configuration->stale_grace_s / 2));
    source->failures = 0;
    source->next_at = after_ms(interval_s * 1000);
    state->hash = hash;
    state->fetched_at = now;
    state->next_at = now + interval_s;
    state->failing_since = 0;
    state->problem[0] = '\0';
    strlcpy(state->url, result->validators.url, sizeof(state->url));
    strlcpy(state->etag, result->validators.etag, sizeof(state->etag));
    strlcpy(state->last_modified, result->validators.last_modified, sizeof(state->last_modified));
    save_state(source);
}

void pgsj_fetch_source_begin(pgsj_fetch_source *source, sjwt_fetcher *fetcher)
{
    sjwt_fetch_validators known;

    Assert(source->fetch == NULL);
    memset(&known, 0, sizeof(known));
    strlcpy(known.url, source->state.url, sizeof(known.url));
    strlcpy(known.etag, source->state.etag, sizeof(known.etag));
    strlcpy(known.last_modified, source->state.last_modified, sizeof(known.last_modified));
    source->fetch = sjwt_fetch_begin(fetcher, source->target->issuer, source->target->url, &known);
    if (source->fetch == NULL)
        fail(source, PGSJ_FETCH_COUNT_NO_MEMORY, "out of memory");
}

bool pgsj_fetch_source_finish(pgsj_fetch_source *source,
                              const pgsj_fetch_configuration *configuration)
{
    const sjwt_fetch_result *result =
        source->fetch == NULL ? NULL : sjwt_fetch_result_get(source->fetch);

    if (result == NULL)
        return false;
    if (result->status == SJWT_FETCH_OK)
        succeed(source, result, configuration);
    else
        fail(source, failure_counter(result->status), result->problem);
    sjwt_fetch_end(source->fetch);
    source->fetch = NULL;
    return true;
}
