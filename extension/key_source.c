/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_source.c - where keys come from: the text of a setting, or a file.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "access/parallel.h"
#include "miscadmin.h"
#include "storage/fd.h"

#include "extension/errors.h"
#include "extension/key_source.h"
#include "extension/memory.h"
#include "extension/settings.h"

/* In seconds. A file that changed so shortly before it was read may change again without
 * a change of its times. */
#define TOO_YOUNG 2

#define PROBLEM_SIZE 256

struct pgsj_key_source {
    struct pgsj_key_source *next;
    pgsj_key_content content;
    bool is_file;
    pgsj_fetched_file fetched; /* id 0: not fetched */
    bool stale;                /* fetched longer ago than stale_grace */
    char *title;               /* what messages call it; NULL: name */
    bool marked;
    bool seen; /* a file: state and read_at are those of the text below */
    struct stat state;
    time_t read_at;
    char *text; /* as read last, whether it could be used or not; NULL: read and parse it again */
    size_t len;
    sjwt_keyset *keys;
    sjwt_issuers *issuers;
    sjwt_error error;                /* of the text */
    char text_problem[PROBLEM_SIZE]; /* what is wrong with the text; "" for nothing */
    char problem[PROBLEM_SIZE];      /* what is wrong with the source */
    char logged[PROBLEM_SIZE];       /* the problem that was logged last; "" when it went away */
    char name[];                     /* the path, or the setting's name */
};

static pgsj_key_source *sources;

static void set_problem(pgsj_key_source *source, const char *problem)
{
    strlcpy(source->problem, problem, sizeof(source->problem));
}

/* ---- text -------------------------------------------------------------- */

static bool has_content(const pgsj_key_source *source)
{
    return source->keys != NULL || source->issuers != NULL;
}

static void replace_content(pgsj_key_source *source, sjwt_keyset *keys, sjwt_issuers *issuers)
{
    sjwt_keyset_free(source->keys);
    sjwt_issuers_free(source->issuers);
    source->keys = keys;
    source->issuers = issuers;
}

/* text: in pgsj_memory, or NULL. The one before may hold a secret. */
static void replace_text(pgsj_key_source *source, char *text, size_t len)
{
    if (source->text != NULL) {
        explicit_bzero(source->text, source->len);
        pfree(source->text);
    }
    source->text = text;
    source->len = len;
}

static void describe_error(pgsj_key_source *source)
{
    const sjwt_error *error = &source->error;

    if (!source->is_file)
        strlcpy(source->text_problem, sjwt_status_text(error->status), PROBLEM_SIZE);
    else if (source->len == 0)
        strlcpy(source->text_problem, "It is empty.", PROBLEM_SIZE);
    else
        strlcat(pgsj_format_error(source->text_problem, PROBLEM_SIZE - 1, error), ".",
                PROBLEM_SIZE);
}

/* Returns true where the content is another one afterwards. */
static bool parse_text(pgsj_key_source *source)
{
    const sjwt_allocator allocator = pgsj_cancellable_allocator(pgsj_memory);
    sjwt_keyset *keys = NULL;
    sjwt_issuers *issuers = NULL;
    sjwt_error error = {.status = SJWT_OK};
    sjwt_status status = SJWT_INTERNAL;

    switch (source->content) {
    case PGSJ_CONTENT_KEY_SET:
        status = sjwt_keyset_parse(&allocator, source->text, source->len, &keys, &error);
        break;
    case PGSJ_CONTENT_PUBLIC_KEY:
        status = sjwt_keyset_parse_public_jwk(&allocator, source->text, source->len, &keys, &error);
        break;
    case PGSJ_CONTENT_ISSUERS:
        status = sjwt_issuers_parse(&allocator, source->text, source->len, &issuers, &error);
        break;
    }
    if (keys != NULL)
        status = sjwt_keyset_prepare_any(keys, &error);
    if (status == SJWT_OK) {
        source->error = (sjwt_error){.status = SJWT_OK};
        source->text_problem[0] = '\0';
        replace_content(source, keys, issuers);
        return true;
    }
    Assert(error.status == status && issuers == NULL);
    sjwt_keyset_free(keys);
    source->error = error;
    describe_error(source);
    /* Nothing is known about the text: the next use reads and parses it again. */
    if (sjwt_status_is_transient(status)) {
        source->seen = false;
        replace_text(source, NULL, 0);
        /* The memory may be there, and the statement be cancelled. */
        CHECK_FOR_INTERRUPTS();
    }
    return false;
}

/* Takes over text. Returns true where the content is another one afterwards. */
static bool take_text(pgsj_key_source *source, char *text, size_t len)
{
    const bool same =
        source->text != NULL && source->len == len && memcmp(source->text, text, len) == 0;

    replace_text(source, text, len);
    return !same && parse_text(source);
}

/* ---- files ------------------------------------------------------------- */

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_unchanged(const pgsj_key_source *source, const struct stat *now)
{
    const struct stat *then = &source->state;

    return source->seen && then->st_dev == now->st_dev && then->st_ino == now->st_ino &&
           then->st_size == now->st_size && same_time(&then->st_mtim, &now->st_mtim) &&
           same_time(&then->st_ctim, &now->st_ctim) &&
           now->st_ctim.tv_sec + TOO_YOUNG < source->read_at;
}

/* Why a file in this state cannot be read; NULL: it can. */
static const char *check_state(const struct stat *state)
{
    if (!S_ISREG(state->st_mode))
        return "It is not a regular file.";
    if (state->st_size > SJWT_MAX_KEYSET_SIZE)
        return "It is larger than 4 MiB.";
    return NULL;
}

/* Reads at most size octets. Returns how many, or -1 and errno. */
static ssize_t read_all(int fd, char *buffer, size_t size)
{
    size_t len = 0;

    while (len < size) {
        const ssize_t got = read(fd, buffer + len, size - len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

/* Returns the file's text in pgsj_memory, or NULL and sets the problem. */
static char *read_text(pgsj_key_source *source, const char *path, struct stat *state, size_t *len)
{
    /* O_NONBLOCK: it may have become a FIFO since stat(). */
    const int fd = BasicOpenFile(path, O_RDONLY | O_NONBLOCK | PG_BINARY);
    const char *problem;
    char *text = NULL;
    ssize_t got = -1;

    if (fd < 0) {
        set_problem(source, strerror(errno));
        return NULL;
    }
    if (fstat(fd, state) != 0)
        set_problem(source, strerror(errno));
    else if ((problem = check_state(state)) != NULL)
        set_problem(source, problem);
    else {
        /* One octet more shows whether it has grown. */
        const size_t size = (size_t)state->st_size + 1;

        text = MemoryContextAllocExtended(pgsj_memory, size, MCXT_ALLOC_NO_OOM);
        if (text == NULL)
            set_problem(source, "There is not enough memory.");
        else if ((got = read_all(fd, text, size)) < 0)
            set_problem(source, strerror(errno));
        else if ((size_t)got == size)
            set_problem(source, "It grew while it was read.");
    }
    (void)close(fd);
    if (text == NULL)
        return NULL;
    if (got < 0 || (off_t)got > state->st_size) {
        pfree(text);
        return NULL;
    }
    *len = (size_t)got;
    return text;
}

static const char *full_path(const pgsj_key_source *source, char *buffer)
{
    if (is_absolute_path(source->name))
        return source->name;
    snprintf(buffer, MAXPGPATH, "%s/%s", DataDir, source->name);
    return buffer;
}

/* Returns true where the content is another one afterwards. */
static bool check_file(pgsj_key_source *source)
{
    char buffer[MAXPGPATH];
    const char *path = full_path(source, buffer);
    const time_t now = time(NULL);
    const char *problem;
    struct stat state;
    bool changed = false;

    if (stat(path, &state) != 0)
        problem = strerror(errno);
    else
        problem = check_state(&state);
    if (problem != NULL) {
        set_problem(source, problem);
        return false;
    }
    if (!is_unchanged(source, &state)) {
        size_t len;
        char *text = read_text(source, path, &state, &len);

        source->seen = text != NULL;
        if (text == NULL)
            return false;
        source->state = state;
        source->read_at = now;
        changed = take_text(source, text, len);
    }
    set_problem(source, source->text_problem);
    return changed;
}

static bool is_fetched(const pgsj_key_source *source)
{
    return source->fetched.id != 0;
}

/* Fetched keys stop counting with time. Returns true where they begin to, or stop. The file's
 * time is that of the last fetch. */
static bool check_age(pgsj_key_source *source)
{
    const bool was_stale = source->stale;

    if (source->state.st_mtim.tv_sec == 0)
        set_problem(source,
                    pgsj_settings.fetch
                        ? "They have not been fetched yet."
                        : "They have not been fetched yet, and pg_session_jwt.fetch is off.");
    source->stale = pgsj_settings.stale_grace >= 0 && has_content(source) &&
                    time(NULL) - source->state.st_mtim.tv_sec > pgsj_settings.stale_grace;
    if (source->stale)
        set_problem(source, "They were fetched longer ago than pg_session_jwt.stale_grace.");
    return source->stale != was_stale;
}

static void log_problem(pgsj_key_source *source)
{
    /* The worker that fetches logs what happens. */
    if (is_fetched(source))
        return;
    if (strcmp(source->problem, source->logged) == 0)
        return;
    strlcpy(source->logged, source->problem, sizeof(source->logged));
    /* The leader of a parallel query logs it, not its workers. */
    if (source->problem[0] == '\0' || IsParallelWorker())
        return;
    ereport(LOG, (errmsg("could not use key file \"%s\"", source->name),
                  errdetail_log("%s", source->problem),
                  has_content(source) ? errhint("The session keeps the last valid keys.")
                                      : errhint("Tokens that need its keys are refused."),
                  errhidestmt(true), errhidecontext(true)));
}

static bool refresh(pgsj_key_source *source)
{
    char problem[PROBLEM_SIZE];
    bool changed;

    if (!source->is_file)
        return false;
    strlcpy(problem, source->problem, sizeof(problem));
    changed = check_file(source);
    if (is_fetched(source) && check_age(source))
        changed = true;
    log_problem(source);
    return changed || (!has_content(source) && strcmp(problem, source->problem) != 0);
}

/* ---- sources ----------------------------------------------------------- */

/* Returns the source, marked. *added: it is new. */
static pgsj_key_source *find_or_add(const char *name, bool is_file, pgsj_key_content content,
                                    bool *added)
{
    const size_t size = strlen(name) + 1;
    pgsj_key_source *source;

    for (source = sources; source != NULL; source = source->next)
        if (source->is_file == is_file && source->content == content &&
            strcmp(source->name, name) == 0) {
            source->marked = true;
            *added = false;
            return source;
        }
    source = MemoryContextAllocZero(pgsj_memory, offsetof(pgsj_key_source, name) + size);
    memcpy(source->name, name, size);
    source->is_file = is_file;
    source->content = content;
    source->marked = true;
    source->next = sources;
    sources = source;
    *added = true;
    return source;
}

const pgsj_key_source *pgsj_key_source_inline(const char *name, const char *text,
                                              pgsj_key_content content)
{
    bool added;
    pgsj_key_source *source = find_or_add(name, false, content, &added);
    char *copy = MemoryContextStrdup(pgsj_memory, text);

    /* Keys of the text before must not outlive it. */
    if (!take_text(source, copy, strlen(text)) && source->text_problem[0] != '\0')
        replace_content(source, NULL, NULL);
    set_problem(source, source->text_problem);
    return source;
}

const pgsj_key_source *pgsj_key_source_file(const char *path, pgsj_key_content content)
{
    bool added;
    pgsj_key_source *source = find_or_add(path, true, content, &added);

    /* Only here: the policy that is being built may have the keys of an older one. */
    if (added)
        (void)refresh(source);
    return source;
}

const pgsj_key_source *pgsj_key_source_fetched(const char *issuer, const char *url)
{
    pgsj_fetched_file fetched;
    pgsj_key_source *source;
    bool added;

    if (!pgsj_fetched_file_of(issuer, url, &fetched))
        return NULL;
    source = find_or_add(fetched.keys, true, PGSJ_CONTENT_KEY_SET, &added);
    if (added) {
        source->title = MemoryContextStrdup(pgsj_memory, url == NULL ? issuer : url);
        source->fetched = fetched;
        (void)refresh(source);
    }
    return source;
}

void pgsj_key_sources_clear_marks(void)
{
    for (pgsj_key_source *source = sources; source != NULL; source = source->next)
        source->marked = false;
}

void pgsj_key_sources_sweep(void)
{
    pgsj_key_source **link = &sources;

    while (*link != NULL) {
        pgsj_key_source *source = *link;

        if (source->marked) {
            link = &source->next;
            continue;
        }
        *link = source->next;
        replace_content(source, NULL, NULL);
        replace_text(source, NULL, 0);
        if (source->title != NULL)
            pfree(source->title);
        pfree(source);
    }
}

bool pgsj_key_sources_refresh(void)
{
    bool changed = false;

    for (pgsj_key_source *source = sources; source != NULL; source = source->next)
        changed |= refresh(source);
    return changed;
}

bool pgsj_key_sources_are_known(void)
{
    for (const pgsj_key_source *source = sources; source != NULL; source = source->next)
        if (source->is_file && !source->seen)
            return false;
    return true;
}

const sjwt_keyset *pgsj_key_source_keys(const pgsj_key_source *source)
{
    return source->stale ? NULL : source->keys;
}

const sjwt_issuers *pgsj_key_source_issuers(const pgsj_key_source *source)
{
    return source->issuers;
}

const char *pgsj_key_source_problem(const pgsj_key_source *source)
{
    return source->problem;
}

const sjwt_error *pgsj_key_source_error(const pgsj_key_source *source)
{
    return &source->error;
}

bool pgsj_key_source_is_file(const pgsj_key_source *source)
{
    return source->is_file;
}

const char *pgsj_key_source_name(const pgsj_key_source *source)
{
    return source->title != NULL ? source->title : source->name;
}

const pgsj_fetched_file *pgsj_key_source_fetched_file(const pgsj_key_source *source)
{
    return is_fetched(source) ? &source->fetched : NULL;
}
