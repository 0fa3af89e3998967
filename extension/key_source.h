/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_source.h - where keys come from: the text of a setting, or a file.
 *
 * A source is found by its name and parsed once for each text that it has. A file
 * is noticed when it changes. A file that cannot be used keeps the last valid keys;
 * that, and why, is logged once for each problem. A setting's text that cannot be
 * used leaves the source without keys.
 */
#ifndef PGSJ_KEY_SOURCE_H
#define PGSJ_KEY_SOURCE_H

#include "postgres.h"

#include <sjwt.h>

#include "extension/fetched_file.h"

typedef enum pgsj_key_content {
    PGSJ_CONTENT_KEY_SET,    /* a JWK or a JWK Set */
    PGSJ_CONTENT_PUBLIC_KEY, /* one JWK with a public key */
    PGSJ_CONTENT_ISSUERS     /* a document of issuers */
} pgsj_key_content;

typedef struct pgsj_key_source pgsj_key_source;

/*
 * Both functions return a source that lives until a pgsj_key_sources_sweep() finds it
 * without a mark, and mark it. What it has is owned by it, and valid until the next
 * call of pgsj_key_source_inline() with its name, of pgsj_key_sources_refresh() or of
 * pgsj_key_sources_sweep(). They raise an ERROR only where there is no memory.
 */

/* The text of the setting of that name. */
const pgsj_key_source *pgsj_key_source_inline(const char *name, const char *text,
                                              pgsj_key_content content);

/* The file of that path, relative to the data directory; read now if it is new here. */
const pgsj_key_source *pgsj_key_source_file(const char *path, pgsj_key_content content);

/* The keys that the background worker fetches: of url or, where that is NULL, of issuer. They
 * count for pg_session_jwt.stale_grace after the last fetch that succeeded. Returns NULL where
 * there is no memory for the hash. */
const pgsj_key_source *pgsj_key_source_fetched(const char *issuer, const char *url);

/* Takes the marks away; frees the sources that have none. */
void pgsj_key_sources_clear_marks(void);
void pgsj_key_sources_sweep(void);

/* Checks each file, at the cost of a stat() where nothing changed. Returns true where
 * the keys or issuers of one changed, or the reason why it has none. */
bool pgsj_key_sources_refresh(void);

/* Does each source have what its file has? False where a file could not be read, or there was no
 * memory for it. */
bool pgsj_key_sources_are_known(void);

/* The current keys or issuers; NULL where there are none, or the content is the other. */
const sjwt_keyset *pgsj_key_source_keys(const pgsj_key_source *source);
const sjwt_issuers *pgsj_key_source_issuers(const pgsj_key_source *source);

/* What is wrong with the source now; "" for nothing. */
const char *pgsj_key_source_problem(const pgsj_key_source *source);

/* Why the text was refused when it was parsed last; status SJWT_OK where it was not. */
const sjwt_error *pgsj_key_source_error(const pgsj_key_source *source);

/* Is it a file? The setting's name, or the path as it was given. */
bool pgsj_key_source_is_file(const pgsj_key_source *source);
const char *pgsj_key_source_name(const pgsj_key_source *source);

/* Of fetched keys: their files; NULL for others. */
const pgsj_fetched_file *pgsj_key_source_fetched_file(const pgsj_key_source *source);

#endif
