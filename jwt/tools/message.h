/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.h - the messages of sjwt on standard error, and its exit codes.
 *
 * Each message is one line that begins with "sjwt: ". No message contains an
 * argument or the content of a file, which may be a token or a key in the wrong place. A
 * message names the option instead, and the number of one of several values.
 */
#ifndef PG_SESSION_JWT_TOOLS_MESSAGE_H
#define PG_SESSION_JWT_TOOLS_MESSAGE_H

#include <sjwt.h>

enum exit_code {
    EXIT_VALID = 0,
    EXIT_REFUSED = 1,
    EXIT_UNUSABLE = 2 /* usage, an input that cannot be used, or a system error */
};

/* Prints the formatted line; returns EXIT_UNUSABLE. */
int fail(const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 1, 2)))
#endif
    ;

/* Prints that the value of an option (or "standard input") is not usable, and why;
 * returns EXIT_UNUSABLE. */
int fail_input(const char *what, const sjwt_error *error);

/* Prints that --alg is not an algorithm; returns EXIT_UNUSABLE. */
int fail_unknown_algorithm(void);

/* Prints why the token was refused; returns EXIT_REFUSED, or EXIT_UNUSABLE if the error
 * is not about the token. now: seconds since the epoch. required_count: of the claims of
 * --require. */
int refuse(const sjwt_error *error, int64_t now, size_t required_count);

#endif
