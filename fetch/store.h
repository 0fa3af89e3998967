/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - replaces a file as a whole.
 */
#ifndef SJWT_FETCH_STORE_H
#define SJWT_FETCH_STORE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes data[0..len) to path "<path>.new" with mode 0600, syncs it, and renames it to
 * path: a reader sees the old content or the new. Syncs the directory. One writer at a
 * time for a path. Returns false and errno on failure; path is then as it was.
 */
bool sjwt_store_file(const char *path, const char *data, size_t len);

/* Sets the times of the file to now. Returns false and errno on failure. */
bool sjwt_store_touch(const char *path);

#endif
