/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revoked.c - checks whether the server would accept a file of revoked tokens. The core decides
 * over each line, as in the server.
 */
#include "jwt/tools/revoked.h"
#include "jwt/tools/files.h"
#include "jwt/tools/message.h"
#include "jwt/tools/options.h"

#include <sjwt.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct counts {
    size_t lines;
    size_t values[SJWT_REVOKED_BY_COUNT];
    size_t kept, ended; /* of the values */
    bool at_end;
} counts;

static int refuse_line(const counts *c, const sjwt_error *error)
{
    char what[64];

    snprintf(what, sizeof(what), "FILE: line %zu", c->lines);
    fail_input(what, error);
    return error->status == SJWT_NO_MEMORY ? EXIT_UNUSABLE : EXIT_REFUSED;
}

static void count(counts *c, const sjwt_revocation *line, int64_t now)
{
    c->at_end = line->is_end;
    c->values[line->by] += line->values.count;
    if (line->has_until && line->until <= now)
        c->ended += line->values.count;
    else
        c->kept += line->values.count;
}

static int check_line(counts *c, const char *text, size_t len, int64_t now)
{
    sjwt_revocation *line;
    sjwt_error error;

    c->lines++;
    if (c->at_end) {
        fail("FILE: line %zu comes after the end", c->lines);
        return EXIT_REFUSED;
    }
    if (sjwt_revocation_parse(NULL, text, len, &line, &error) != SJWT_OK)
        return refuse_line(c, &error);
    count(c, line, now);
    sjwt_revocation_free(line);
    return EXIT_VALID;
}

static int check_lines(const buffer *text, counts *c)
{
    const int64_t now = (int64_t)time(NULL);
    const char *next = text->data;
    size_t left = text->len;
    int code = EXIT_VALID;

    while (left > 0 && code == EXIT_VALID) {
        const char *feed = memchr(next, '\n', left);
        const size_t len = feed == NULL ? left : (size_t)(feed - next);
        const size_t step = len + (feed != NULL);

        code = check_line(c, next, len, now);
        next += step;
        left -= step;
    }
    return code;
}

static int check_text(const buffer *text)
{
    counts c = {.at_end = false};
    int code;

    if (text->len > SJWT_MAX_REVOCATION_FILE) {
        fail("FILE: larger than %d MiB", SJWT_MAX_REVOCATION_FILE / 1024 / 1024);
        return EXIT_REFUSED;
    }
    code = check_lines(text, &c);
    if (code != EXIT_VALID)
        return code;
    if (!c.at_end) {
        fail("FILE: the line that marks the end is missing");
        return EXIT_REFUSED;
    }
    for (int by = 0; by < SJWT_REVOKED_BY_COUNT; by++)
        printf("%s  %zu\n", sjwt_revoked_by_name((sjwt_revoked_by)by), c.values[by]);
    printf("ended  %zu\n", c.ended);
    if (c.kept <= SJWT_MAX_REVOCATIONS)
        return EXIT_VALID;
    fail("FILE: more than %d values that have not ended", SJWT_MAX_REVOCATIONS);
    return EXIT_REFUSED;
}

int check_revoked(const char *file)
{
    buffer text;
    int code;

    if (!read_beginning("FILE", file, SJWT_MAX_REVOCATION_FILE + 1, &text))
        return EXIT_UNUSABLE;
    code = check_text(&text);
    buffer_free(&text);
    return code;
}
