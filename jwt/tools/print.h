/*
 * print.h - what several commands print of keys, on standard output.
 *
 * Text of strangers may go to a terminal: what could move its cursor, or is no
 * text, is shown as \xHH, and what could put other text in another order or on
 * another line as \uHHHH.
 */
#ifndef PG_SESSION_JWT_TOOLS_PRINT_H
#define PG_SESSION_JWT_TOOLS_PRINT_H

#include <sjwt.h>

/* indent follows each new line. */
void print_safely(const char *text, size_t len, const char *indent);

/* The text between quotes, on one line; quotes and backslashes in it have a
 * backslash before them. */
void print_quoted(const char *text);

/* Two blanks and 'kid "a"', or "no kid" for NULL. */
void print_kid(const char *kid);

/* The names, a blank before each. */
void print_algorithms(sjwt_algorithm_set algorithms);

/* A line for each key that was skipped, with the reason; indent begins it. */
void print_skipped(const char *indent, const sjwt_keyset *keys);

#endif
