/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation_file.c - the file of revoked tokens that pg_session_jwt.revoked_file names.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/parallel.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#include "extension/file_check.h"
#include "extension/memory.h"
#include "extension/revocation_file.h"
#include "extension/revocation_index.h"

#define PROBLEM_SIZE PGSJ_INDEX_PROBLEM_SIZE

/* In nanoseconds. A file that changed so shortly before it was read may change again without a
 * change of its times. */
#define TOO_YOUNG INT64CONST(2000000000)

/* In microseconds, between two attempts to get a lock. */
#define LOCK_WAIT 2000L

static struct {
    char path[MAXPGPATH]; /* as the setting has it; "": nothing is known yet */
    pgsj_file_check check;
    bool usable; /* this session has used an index of the file */
    bool seen;   /* source and read_at are those of the text below */
    pgsj_index_source source;
    int64 read_at;
    char text_problem[PROBLEM_SIZE]; /* what is wrong with the text; "" for nothing */
    char problem[PROBLEM_SIZE];      /* what is wrong with the file */
    char logged[PROBLEM_SIZE];       /* the problem that was logged last */
} file;

static void set_problem(const char *problem)
{
    strlcpy(file.problem, problem, sizeof(file.problem));
}

static const char *full_path(const char *path, char *buffer)
{
    if (is_absolute_path(path))
        return path;
    snprintf(buffer, MAXPGPATH, "%s/%s", DataDir, path);
    return buffer;
}

/* ---- the state of the file --------------------------------------------- */

/* Why a file in this state cannot be read; NULL: it can. */
static const char *check_state(const struct stat *state)
{
    if (!S_ISREG(state->st_mode))
        return "It is not a regular file.";
    if (state->st_size > SJWT_MAX_REVOCATION_FILE)
        return "It is larger than 95 MiB.";
    return NULL;
}

/* A text that was read at that time, from a file in this state, is the file's text for a check
 * that began at the other time. */
static bool is_current(const pgsj_index_source *source, int64 read_at, int64 began)
{
    return read_at >= began || read_at > source->ctime + TOO_YOUNG;
}

static bool is_seen(const pgsj_index_source *source, int64 began)
{
    return file.seen && memcmp(&file.source, source, sizeof(*source)) == 0 &&
           is_current(source, file.read_at, began);
}

/* ---- reading ----------------------------------------------------------- */

/* Reads the file line by line. */
typedef struct reader {
    int fd;
    char *buffer; /* of BUFFER_SIZE */
    size_t start, end;
    bool at_end;
    uint64 lines;
} reader;

#define BUFFER_SIZE (4 * (size_t)SJWT_MAX_REVOCATION_LINE)

/* Moves what is left to the start of the buffer, and reads on. False: see errno. */
static bool fill(reader *r)
{
    memmove(r->buffer, r->buffer + r->start, r->end - r->start);
    r->end -= r->start;
    r->start = 0;
    while (!r->at_end && r->end < BUFFER_SIZE) {
        const ssize_t got = read(r->fd, r->buffer + r->end, BUFFER_SIZE - r->end);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        r->at_end = got == 0;
        r->end += (size_t)got;
    }
    return true;
}

/* The next line, without its line feed; *line is NULL after the last one. False: see errno. A
 * line that is too long is cut to one octet more than the core accepts. */
static bool next_line(reader *r, const char **line, size_t *len)
{
    const char *feed = memchr(r->buffer + r->start, '\n', r->end - r->start);

    if (feed == NULL) {
        if (!fill(r))
            return false;
        feed = memchr(r->buffer, '\n', r->end);
    }
    *line = NULL;
    if (r->start == r->end)
        return true;
    *line = r->buffer + r->start;
    *len = (feed == NULL ? r->end : (size_t)(feed - r->buffer)) - r->start;
    if (*len > SJWT_MAX_REVOCATION_LINE)
        *len = SJWT_MAX_REVOCATION_LINE + 1;
    r->start += *len + (feed != NULL && *line + *len == feed);
    r->lines++;
    return true;
}

static bool refuse_line(const reader *r, const sjwt_error *error, char *problem)
{
    snprintf(problem, PROBLEM_SIZE, "Line " UINT64_FORMAT ": %s%s%s, at byte %zu.", r->lines,
             sjwt_status_text(error->status), error->detail[0] == '\0' ? "" : ": ", error->detail,
             error->position);
    return false;
}

static bool add_line(const sjwt_revocation *line, pgsj_fingerprinter *maker, int64 now,
                     pgsj_index_builder *builder)
{
    if (line->has_until && line->until <= now)
        return true;
    for (size_t i = 0; i < line->values.count; i++) {
        pgsj_fingerprint fingerprint;

        pgsj_fingerprint_make(maker, line->issuer, line->by, line->values.items[i], &fingerprint);
        if (!pgsj_index_add(builder, &fingerprint, line->has_issued_before, line->issued_before,
                            line->has_until, line->until))
            return false;
    }
    return true;
}

typedef struct parsing {
    reader reader;
    pgsj_index_builder *builder;
    int64 now;     /* seconds since the Unix epoch */
    char *problem; /* set where the text cannot be used */
    bool done;
} parsing;

static bool parse_lines(parsing *p, MemoryContext line_context)
{
    const sjwt_allocator allocator = pgsj_allocator(line_context);
    pgsj_fingerprinter *maker = pgsj_fingerprinter_create();
    bool at_end = false;
    const char *text;
    size_t len;

    for (;;) {
        sjwt_revocation *line;
        sjwt_error error;

        CHECK_FOR_INTERRUPTS();
        if (!next_line(&p->reader, &text, &len)) {
            snprintf(p->problem, PROBLEM_SIZE, "%s", strerror(errno));
            return false;
        }
        if (text == NULL)
            break;
        if (at_end) {
            snprintf(p->problem, PROBLEM_SIZE, "Line " UINT64_FORMAT " comes after the end.",
                     p->reader.lines);
            return false;
        }
        if (sjwt_revocation_parse(&allocator, text, len, &line, &error) != SJWT_OK)
            return refuse_line(&p->reader, &error, p->problem);
        at_end = line->is_end;
        if (!at_end && !add_line(line, maker, p->now, p->builder)) {
            snprintf(p->problem, PROBLEM_SIZE, "It has more than %d entries.",
                     SJWT_MAX_REVOCATIONS);
            return false;
        }
        if (p->reader.lines % 1024 == 0)
            MemoryContextReset(line_context);
        else
            sjwt_revocation_free(line);
    }
    pgsj_fingerprinter_free(maker);
    if (!at_end)
        strlcpy(p->problem,
                p->reader.lines == 0 ? "It is empty." : "Its last line is not {\"end\":true}.",
                PROBLEM_SIZE);
    return at_end;
}

/* Reads and parses; problem is set where that fails. Raises where there is no memory. */
static bool read_entries(int fd, int64 now, pgsj_index_builder *builder, char *problem)
{
    MemoryContext line_context =
        AllocSetContextCreate(CurrentMemoryContext, "pg_session_jwt line", ALLOCSET_DEFAULT_SIZES);
    parsing p = {.reader = {.fd = fd, .buffer = palloc(BUFFER_SIZE)},
                 .builder = builder,
                 .now = now,
                 .problem = problem};

    return parse_lines(&p, line_context);
}

/* ---- building ---------------------------------------------------------- */

typedef struct build {
    const char *path;
    pgsj_index_header header; /* of what was built, or of the problem */
    bool built;               /* the text was read: header says what came of it */
} build;

/* In a memory context of its own, under the lock. */
static void build_index(void *argument)
{
    build *b = argument;
    /* O_NONBLOCK: it may have become a FIFO since stat(). */
    const int fd = OpenTransientFile(b->path, O_RDONLY | O_NONBLOCK | PG_BINARY);
    pgsj_index_builder *builder;
    const char *problem;
    struct stat state;

    b->header = (pgsj_index_header){.read_at = pgsj_index_now()};
    if (fd < 0 || fstat(fd, &state) != 0) {
        set_problem(strerror(errno));
        return;
    }
    problem = check_state(&state);
    if (problem != NULL) {
        set_problem(problem);
        CloseTransientFile(fd);
        return;
    }
    pgsj_index_source_set(&b->header.source, &state);
    builder = pgsj_index_begin();
    if (!read_entries(fd, b->header.read_at / 1000000000, builder, b->header.problem)) {
        /* The other sessions need not read it, too. */
        b->built = pgsj_index_write_problem(file.path, &b->header);
        if (!b->built)
            set_problem(b->header.problem);
    } else {
        b->built = pgsj_index_write(file.path, builder, &b->header);
        if (!b->built) {
            char why[PROBLEM_SIZE];

            snprintf(why, sizeof(why), "Its index cannot be written: %s", strerror(errno));
            set_problem(why);
        }
    }
    CloseTransientFile(fd);
}

/* Another session may hold the lock while it reads the file. */
static int lock_index(void)
{
    const int fd = pgsj_index_open_lock(file.path);

    while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            const int error = errno;

            CloseTransientFile(fd);
            errno = error;
            return -1;
        }
        CHECK_FOR_INTERRUPTS();
        pg_usleep(LOCK_WAIT);
    }
    return fd;
}

/* ---- use --------------------------------------------------------------- */

static void see(const pgsj_index_header *header)
{
    file.seen = true;
    file.source = header->source;
    file.read_at = header->read_at;
    strlcpy(file.text_problem, header->problem, sizeof(file.text_problem));
    file.usable |= header->problem[0] == '\0';
    set_problem(file.text_problem);
}

/* Has a session read the file in this state, late enough? */
static bool adopt(const pgsj_index_source *source, int64 began)
{
    pgsj_index_header header;

    if (!pgsj_index_find(file.path, source, &header) || !is_current(source, header.read_at, began))
        return false;
    see(&header);
    return true;
}

/* Takes care that what is known is what the file has. */
static void take_in(const char *path, const pgsj_index_source *source, int64 began)
{
    build b = {.path = path};
    int lock;

    if (adopt(source, began))
        return;
    lock = lock_index();
    if (lock < 0) {
        char why[PROBLEM_SIZE];

        snprintf(why, sizeof(why), "Its index cannot be locked: %s", strerror(errno));
        set_problem(why);
        return;
    }
    /* An error closes the file of the lock, and so releases it. */
    if (!adopt(source, began)) {
        pgsj_with_temp_context(build_index, &b);
        if (b.built)
            see(&b.header);
    }
    CloseTransientFile(lock);
}

static void log_problem(void)
{
    if (strcmp(file.problem, file.logged) == 0)
        return;
    strlcpy(file.logged, file.problem, sizeof(file.logged));
    /* The leader of a parallel query logs it, not its workers. */
    if (file.problem[0] == '\0' || IsParallelWorker())
        return;
    ereport(LOG, (errmsg("could not use file of revoked tokens \"%s\"", file.path),
                  errdetail_log("%s", file.problem),
                  file.usable ? errhint("The session keeps the last valid list.")
                              : errhint("Every token is refused."),
                  errhidestmt(true), errhidecontext(true)));
}

/* Returns true where the entries, or the reason why there are none, may be others afterwards. */
static bool check_file(const char *path)
{
    char buffer[MAXPGPATH];
    const char *full = full_path(path, buffer);
    const int64 began = pgsj_index_now();
    pgsj_index_source source;
    const char *problem;
    struct stat state;

    if (stat(full, &state) != 0)
        problem = strerror(errno);
    else
        problem = check_state(&state);
    if (problem != NULL) {
        set_problem(problem);
        log_problem();
        return false;
    }
    pgsj_index_source_set(&source, &state);
    if (is_seen(&source, began)) {
        set_problem(file.text_problem);
        log_problem();
        return false;
    }
    take_in(full, &source, began);
    log_problem();
    return true;
}

bool pgsj_revocation_file_refresh(const char *path)
{
    bool changed;

    if (strcmp(path, file.path) != 0) {
        memset(&file, 0, sizeof(file));
        if (strlcpy(file.path, path, sizeof(file.path)) >= sizeof(file.path)) {
            /* Nothing is found under a part of it. */
            file.path[0] = '\0';
            set_problem("Its path is too long.");
            return true;
        }
    }
    if (!pgsj_file_check_begin(&file.check))
        return false;
    changed = check_file(path);
    pgsj_file_check_end(&file.check, file.seen);
    return changed;
}

void pgsj_revocation_file_transaction_ended(void)
{
    file.check.transaction_over = true;
}

bool pgsj_revocation_file_check(pgsj_failure *failure)
{
    if (file.usable)
        return true;
    return pgsj_set_failure(failure, PGSJ_FAILURE_NO_REVOCATIONS, "file %s: %s", file.path,
                            file.problem);
}

bool pgsj_revocation_file_find(const char *path, pgsj_revocation_match *match,
                               pgsj_failure *failure)
{
    Assert(strcmp(path, file.path) == 0);
    if (pgsj_index_look_up(path, match))
        return true;
    /* The next statement makes it anew. */
    file.seen = false;
    file.check.done = false;
    return pgsj_set_failure(failure, PGSJ_FAILURE_NO_REVOCATIONS,
                            "file %s: Its index cannot be read: %s", path, strerror(errno));
}

const char *pgsj_revocation_file_problem(void)
{
    return file.problem[0] == '\0' ? NULL : file.problem;
}
