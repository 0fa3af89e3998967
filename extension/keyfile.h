/*
 * keyfile.h - files with keys, noticed when they change.
 *
 * A file that cannot be used leaves in force what was last read from it. That,
 * and why, is logged once for each state that it is found in.
 */
#ifndef PGSJ_KEYFILE_H
#define PGSJ_KEYFILE_H

#include "postgres.h"

#include <sjwt.h>

typedef enum pgsj_keyfile_kind {
    PGSJ_KEYFILE_KEYS,   /* a JWK or a JWK Set */
    PGSJ_KEYFILE_ISSUERS /* a document of issuers */
} pgsj_keyfile_kind;

typedef struct pgsj_keyfile pgsj_keyfile;

/* The file of that path, relative to the data directory, looked at now if it
 * was not in use before. It stays until a pgsj_keyfiles_keep_used(). */
const pgsj_keyfile *pgsj_keyfile_use(const char *path, pgsj_keyfile_kind kind);

/* From now on, no file is used; and: forgets those that were not used since. */
void pgsj_keyfiles_begin_use(void);
void pgsj_keyfiles_keep_used(void);

/* Looks at each file. True where what is in force of one has changed, or why
 * there is nothing: what the functions below returned is then gone. Costs a
 * stat() each where nothing changed. */
bool pgsj_keyfiles_refresh(void);

/* Is there a file that cannot be used as it is now? */
bool pgsj_keyfiles_have_problem(void);

/* What is in force; NULL where there never was anything, or of the other kind. */
const sjwt_keyset *pgsj_keyfile_keys(const pgsj_keyfile *file);
const sjwt_issuers *pgsj_keyfile_issuers(const pgsj_keyfile *file);

/* What is wrong with the file as it is now; "" for nothing. */
const char *pgsj_keyfile_problem(const pgsj_keyfile *file);

/* As it was given to pgsj_keyfile_use(). */
const char *pgsj_keyfile_path(const pgsj_keyfile *file);

#endif
