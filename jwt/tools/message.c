/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/tools/message.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

int fail(const char *format, ...)
{
    va_list arguments;

    fputs("sjwt: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return EXIT_UNUSABLE;
}

int fail_input(const char *what, const sjwt_error *error)
{
    fprintf(stderr, "sjwt: %s: %s", what, sjwt_status_text(error->status));
    if (error->detail[0] != '\0')
        fprintf(stderr, ": %s", error->detail);
    if (error->position > 0)
        fprintf(stderr, ", at octet %zu", error->position);
    fputc('\n', stderr);
    return EXIT_UNUSABLE;
}

int fail_unknown_algorithm(void)
{
    return fail("--alg: not a known algorithm; see sjwt backends");
}

/* Prints the distance and not the time, which is a part of the token. */
static void print_distance(const sjwt_error *error, int64_t now)
{
    uint64_t here = (uint64_t)now;
    uint64_t there = (uint64_t)error->seconds;

    if (error->seconds > now)
        fprintf(stderr, ": in %" PRIu64 " s", there - here);
    else
        fprintf(stderr, ": %" PRIu64 " s ago", here - there);
}

/* The claim's name is an argument of the user. */
static void print_claim(size_t index, size_t required_count)
{
    if (index < required_count)
        fprintf(stderr, ": number %zu of --require", index + 1);
    else
        fprintf(stderr, ": number %zu of --claim-values", index - required_count + 1);
}

int refuse(const sjwt_error *error, int64_t now, size_t required_count)
{
    if (sjwt_status_is_transient(error->status))
        return fail("%s%s%s", sjwt_status_text(error->status), error->detail[0] == '\0' ? "" : ": ",
                    error->detail);

    fprintf(stderr, "sjwt: refused: %s", sjwt_status_text(error->status));
    if (error->has_seconds)
        print_distance(error, now);
    if (error->status == SJWT_CLAIM_MISSING || error->status == SJWT_CLAIM_REFUSED)
        print_claim(error->claim_index, required_count);
    else if (error->detail[0] != '\0')
        fprintf(stderr, ": %s", error->detail);
    fputc('\n', stderr);
    return EXIT_REFUSED;
}
