/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print.h - printing of keys on standard output, for several commands.
 *
 * The text may be hostile and the output a terminal. Octets that could move the cursor, or
 * are not text, are shown as \xHH. Characters that could reorder text or begin a line are
 * shown as \uHHHH.
 */
#ifndef PG_SESSION_JWT_TOOLS_PRINT_H
#define PG_SESSION_JWT_TOOLS_PRINT_H

#include <sjwt.h>

/* Each new line begins with indent. */
void print_safely(const char *text, size_t len, const char *indent);

/* Prints the text between quotes, on one line; a backslash precedes quotes and
 * backslashes in it. */
void print_quoted(const char *text);

/* Prints two blanks and 'kid "a"', or "no kid" for NULL. */
void print_kid(const char *kid);

/* Prints the names, a blank before each. */
void print_algorithms(sjwt_algorithm_set algorithms);

/* Prints a line for each skipped key, with the reason. Each line begins with indent. */
void print_skipped(const char *indent, const sjwt_keyset *keys);

#endif
