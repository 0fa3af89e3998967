/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files.h - reads whole inputs into memory.
 */
#ifndef PG_SESSION_JWT_TOOLS_FILES_H
#define PG_SESSION_JWT_TOOLS_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* Owned octets, NUL-terminated after len. All zero if empty. */
typedef struct buffer {
    char *data;
    size_t len;
} buffer;

/* Wipes and frees; the buffer may be used again. */
void buffer_free(buffer *text);

/*
 * Reads the file, or standard input if path is "-". Returns false on failure or if the
 * input has more than limit octets, and prints an error that names what ("--keys"). The
 * error does not contain the path, which may be a key in the wrong place.
 */
bool read_file(const char *what, const char *path, size_t limit, buffer *out);

/* The same, but reads only the first octets, at most most, of a longer input: for a
 * reader with a limit of its own. */
bool read_beginning(const char *what, const char *path, size_t most, buffer *out);

/* Returns the path as the server resolves it in that directory; NULL without memory. The caller
 * frees it. */
char *resolve_path(const char *directory, const char *path);

/* Makes a file that only its owner can read, and writes len octets and a line end. A file that
 * exists is not replaced. Returns false on failure and prints an error that names what. */
bool write_private_file(const char *what, const char *path, const char *data, size_t len);

/* Warns if standard output is a file that others can read. */
void warn_of_readable_output(void);

/* Copies text, which may be an argument, into a buffer. */
bool copy_text(const char *what, const char *text, size_t limit, buffer *out);

/* Removes white space at both ends (RFC 8259 section 2's: blank, tab, LF, CR). */
void buffer_trim(buffer *text);

#endif
