/*
 * keyfile.c - files with keys, noticed when they change.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "access/parallel.h"
#include "miscadmin.h"
#include "storage/fd.h"

#include "extension/keyfile.h"
#include "extension/memory.h"

/* A file changed so shortly before it was read, in seconds, may change again
 * without its times showing that. */
#define TOO_YOUNG 2

#define PROBLEM_SIZE 256

struct pgsj_keyfile {
    struct pgsj_keyfile *next;
    pgsj_keyfile_kind kind;
    bool used;
    bool seen; /* state and read_at are those of the text below */
    struct stat state;
    time_t read_at;
    char *text; /* as last read, whether it was of use or not; NULL: not yet, or not judged */
    size_t len;
    sjwt_keyset *keys;
    sjwt_issuers *issuers;
    char verdict[PROBLEM_SIZE]; /* what is wrong with the text; "" for nothing */
    char problem[PROBLEM_SIZE]; /* what is wrong with the file */
    char logged[PROBLEM_SIZE];  /* the problem that was logged last; "" when it went away */
    char path[];
};

static pgsj_keyfile *files;

static void set_problem(pgsj_keyfile *file, const char *problem)
{
    strlcpy(file->problem, problem, sizeof(file->problem));
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_unchanged(const pgsj_keyfile *file, const struct stat *now)
{
    const struct stat *then = &file->state;

    return file->seen && then->st_dev == now->st_dev && then->st_ino == now->st_ino &&
           then->st_size == now->st_size && same_time(&then->st_mtim, &now->st_mtim) &&
           same_time(&then->st_ctim, &now->st_ctim) &&
           now->st_ctim.tv_sec + TOO_YOUNG < file->read_at;
}

/* NULL, or what is wrong. */
static const char *judge_state(const struct stat *state)
{
    if (!S_ISREG(state->st_mode))
        return "It is not a regular file.";
    if (state->st_size > SJWT_MAX_KEYSET_SIZE)
        return "It is larger than 4 MiB.";
    return NULL;
}

/* At most size octets; -1 and errno where that fails. */
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

/* The file's content, in pgsj_memory; NULL: see the file's problem. */
static char *read_text(pgsj_keyfile *file, const char *path, struct stat *state, size_t *len)
{
    /* Should it have become a FIFO since stat(), that must not block. */
    const int fd = BasicOpenFile(path, O_RDONLY | O_NONBLOCK | PG_BINARY);
    const char *problem;
    char *text = NULL;
    ssize_t got = -1;

    if (fd < 0) {
        set_problem(file, strerror(errno));
        return NULL;
    }
    if (fstat(fd, state) != 0)
        set_problem(file, strerror(errno));
    else if ((problem = judge_state(state)) != NULL)
        set_problem(file, problem);
    else {
        /* One octet more shows whether it has grown. */
        const size_t size = (size_t)state->st_size + 1;

        text = MemoryContextAllocExtended(pgsj_memory, size, MCXT_ALLOC_NO_OOM);
        if (text == NULL)
            set_problem(file, "There is not enough memory.");
        else if ((got = read_all(fd, text, size)) < 0)
            set_problem(file, strerror(errno));
        else if ((size_t)got == size)
            set_problem(file, "It grew while it was read.");
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

static void replace(pgsj_keyfile *file, sjwt_keyset *keys, sjwt_issuers *issuers)
{
    sjwt_keyset_free(file->keys);
    sjwt_issuers_free(file->issuers);
    file->keys = keys;
    file->issuers = issuers;
}

static void describe(char *verdict, const pgsj_keyfile *file, const sjwt_error *error)
{
    if (file->len == 0)
        strlcpy(verdict, "It is empty.", PROBLEM_SIZE);
    else
        snprintf(verdict, PROBLEM_SIZE, "%s%s%s, at byte %zu.", sjwt_status_text(error->status),
                 error->detail[0] == '\0' ? "" : ": ", error->detail, error->position);
}

/* True: what is in force changed. */
static bool parse(pgsj_keyfile *file)
{
    const sjwt_allocator allocator = pgsj_allocator(pgsj_memory);
    sjwt_keyset *keys = NULL;
    sjwt_issuers *issuers = NULL;
    sjwt_error error;
    sjwt_status status;

    if (file->kind == PGSJ_KEYFILE_KEYS)
        status = sjwt_keyset_parse(&allocator, file->text, file->len, &keys, &error);
    else
        status = sjwt_issuers_parse(&allocator, file->text, file->len, &issuers, &error);
    if (keys != NULL)
        status = sjwt_keyset_prepare_any(keys, &error);
    if (status == SJWT_OK) {
        file->verdict[0] = '\0';
        replace(file, keys, issuers);
        return true;
    }
    sjwt_keyset_free(keys);
    describe(file->verdict, file, &error);
    /* That says nothing of the text: it is to be read, and parsed, again. */
    if (status == SJWT_NO_MEMORY || status == SJWT_INTERNAL) {
        file->seen = false;
        pfree(file->text);
        file->text = NULL;
    }
    return false;
}

static bool take(pgsj_keyfile *file, char *text, size_t len)
{
    const bool same = file->text != NULL && file->len == len && memcmp(file->text, text, len) == 0;

    if (file->text != NULL)
        pfree(file->text);
    file->text = text;
    file->len = len;
    return !same && parse(file);
}

static const char *resolve(const pgsj_keyfile *file, char *buffer)
{
    if (is_absolute_path(file->path))
        return file->path;
    snprintf(buffer, MAXPGPATH, "%s/%s", DataDir, file->path);
    return buffer;
}

static bool look_at(pgsj_keyfile *file)
{
    char buffer[MAXPGPATH];
    const char *path = resolve(file, buffer);
    const time_t now = time(NULL);
    const char *problem;
    struct stat state;
    bool changed;
    char *text;
    size_t len;

    if (stat(path, &state) != 0)
        problem = strerror(errno);
    else
        problem = judge_state(&state);
    if (problem != NULL) {
        set_problem(file, problem);
        return false;
    }
    if (!is_unchanged(file, &state)) {
        text = read_text(file, path, &state, &len);
        if (text == NULL)
            return false;
        file->seen = true;
        file->state = state;
        file->read_at = now;
        changed = take(file, text, len);
    } else
        changed = false;
    set_problem(file, file->verdict);
    return changed;
}

static void report(pgsj_keyfile *file)
{
    if (strcmp(file->problem, file->logged) == 0)
        return;
    strlcpy(file->logged, file->problem, sizeof(file->logged));
    /* The leader of a parallel query says it for its workers. */
    if (file->problem[0] == '\0' || IsParallelWorker())
        return;
    ereport(LOG, (errmsg("could not use key file \"%s\"", file->path),
                  errdetail_log("%s", file->problem),
                  file->keys != NULL || file->issuers != NULL
                      ? errhint("What was read from it before stays in force.")
                      : errhint("No token is accepted on its account."),
                  errhidestmt(true), errhidecontext(true)));
}

/* True: what is in force changed, or why there is nothing. */
static bool refresh(pgsj_keyfile *file)
{
    char problem[PROBLEM_SIZE];
    bool changed;

    strlcpy(problem, file->problem, sizeof(problem));
    changed = look_at(file);
    report(file);
    return changed ||
           (file->keys == NULL && file->issuers == NULL && strcmp(problem, file->problem) != 0);
}

const pgsj_keyfile *pgsj_keyfile_use(const char *path, pgsj_keyfile_kind kind)
{
    const size_t size = strlen(path) + 1;
    pgsj_keyfile *file;

    for (file = files; file != NULL; file = file->next)
        if (file->kind == kind && strcmp(file->path, path) == 0) {
            file->used = true;
            return file;
        }
    file = MemoryContextAllocZero(pgsj_memory, offsetof(pgsj_keyfile, path) + size);
    memcpy(file->path, path, size);
    file->kind = kind;
    file->used = true;
    file->next = files;
    files = file;
    (void)refresh(file);
    return file;
}

void pgsj_keyfiles_begin_use(void)
{
    for (pgsj_keyfile *file = files; file != NULL; file = file->next)
        file->used = false;
}

void pgsj_keyfiles_keep_used(void)
{
    pgsj_keyfile **link = &files;

    while (*link != NULL) {
        pgsj_keyfile *file = *link;

        if (file->used) {
            link = &file->next;
            continue;
        }
        *link = file->next;
        replace(file, NULL, NULL);
        if (file->text != NULL)
            pfree(file->text);
        pfree(file);
    }
}

bool pgsj_keyfiles_refresh(void)
{
    bool changed = false;

    for (pgsj_keyfile *file = files; file != NULL; file = file->next)
        changed |= refresh(file);
    return changed;
}

bool pgsj_keyfiles_have_problem(void)
{
    for (const pgsj_keyfile *file = files; file != NULL; file = file->next)
        if (file->problem[0] != '\0')
            return true;
    return false;
}

const sjwt_keyset *pgsj_keyfile_keys(const pgsj_keyfile *file)
{
    return file->keys;
}

const sjwt_issuers *pgsj_keyfile_issuers(const pgsj_keyfile *file)
{
    return file->issuers;
}

const char *pgsj_keyfile_problem(const pgsj_keyfile *file)
{
    return file->problem;
}

const char *pgsj_keyfile_path(const pgsj_keyfile *file)
{
    return file->path;
}
