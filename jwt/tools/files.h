/*
 * files.h - whole inputs into memory.
 */
#ifndef PG_SESSION_JWT_TOOLS_FILES_H
#define PG_SESSION_JWT_TOOLS_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* Octets of its own, NUL-terminated beyond len. All zero: none. */
typedef struct buffer {
    char *data;
    size_t len;
} buffer;

/* Wipes and frees; the buffer may be used again. */
void buffer_free(buffer *text);

/*
 * Reads the file, or standard input where path is "-". False where that fails
 * or where there are more than limit octets, said on standard error in the name
 * of what ("--keys"); the path is not repeated, it may be a key in the wrong
 * place.
 */
bool read_file(const char *what, const char *path, size_t limit, buffer *out);

/* The same, but of a longer one the first most octets are read, and the rest is
 * left: for a reader that has a limit of its own. */
bool read_beginning(const char *what, const char *path, size_t most, buffer *out);

/* Copies text, which may come from the command line, for the same use. */
bool copy_text(const char *what, const char *text, size_t limit, buffer *out);

/* Takes white space off both ends (RFC 8259 section 2's: blank, tab, LF, CR). */
void buffer_trim(buffer *text);

#endif
