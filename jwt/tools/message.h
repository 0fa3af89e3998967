/*
 * message.h - what sjwt says on standard error, and how it exits.
 *
 * Each message is one line that begins with "sjwt: ". None holds what a user
 * gave as an argument or in a file: that may be a token or a key in the wrong
 * place. Messages name the option instead, and of several values the number.
 */
#ifndef PG_SESSION_JWT_TOOLS_MESSAGE_H
#define PG_SESSION_JWT_TOOLS_MESSAGE_H

#include <sjwt.h>

enum exit_code {
    EXIT_VALID = 0,
    EXIT_REFUSED = 1,
    EXIT_UNUSABLE = 2 /* usage, an input that cannot be used, or a system error */
};

/* Says the formatted line; returns EXIT_UNUSABLE. */
int fail(const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 1, 2)))
#endif
    ;

/* Says that what an option gave (or "standard input") is not usable, and why;
 * returns EXIT_UNUSABLE. */
int fail_input(const char *what, const sjwt_error *error);

/* Says that --alg is none; returns EXIT_UNUSABLE. */
int fail_unknown_algorithm(void);

/* Says why the token was refused; returns EXIT_REFUSED, or EXIT_UNUSABLE where
 * the error says nothing of the token. now: seconds since the epoch. */
int refuse(const sjwt_error *error, int64_t now);

#endif
