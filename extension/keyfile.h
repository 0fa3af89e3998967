/*
 * keyfile.h - files with keys, noticed when they change.
 *
 * A file that cannot be used leaves in force what was last read from it. That,
 * and why, is logged once for each state that it is found in.
 */
#ifndef PSJ_KEYFILE_H
#define PSJ_KEYFILE_H

#include "postgres.h"

#include "jwt/jwt.h"

typedef enum psj_keyfile_kind {
    PSJ_KEYFILE_KEYS,   /* a JWK or a JWK Set */
    PSJ_KEYFILE_ISSUERS /* a document of issuers */
} psj_keyfile_kind;

typedef struct psj_keyfile psj_keyfile;

/* The file of that path, relative to the data directory, looked at now if it
 * was not in use before. It stays until a psj_keyfiles_keep_used(). */
const psj_keyfile *psj_keyfile_use(const char *path, psj_keyfile_kind kind);

/* From now on, no file is used; and: forgets those that were not used since. */
void psj_keyfiles_begin_use(void);
void psj_keyfiles_keep_used(void);

/* Looks at each file. True where what is in force of one has changed, or why
 * there is nothing: what the functions below returned is then gone. Costs a
 * stat() each where nothing changed. */
bool psj_keyfiles_refresh(void);

/* Is there a file that cannot be used as it is now? */
bool psj_keyfiles_have_problem(void);

/* What is in force; NULL where there never was anything, or of the other kind. */
const jwt_keyset *psj_keyfile_keys(const psj_keyfile *file);
const jwt_issuers *psj_keyfile_issuers(const psj_keyfile *file);

/* What is wrong with the file as it is now; "" for nothing. */
const char *psj_keyfile_problem(const psj_keyfile *file);

/* As it was given to psj_keyfile_use(). */
const char *psj_keyfile_path(const psj_keyfile *file);

#endif
