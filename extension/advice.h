/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advice.h - what to do about a session that has no keys.
 */
#ifndef PGSJ_ADVICE_H
#define PGSJ_ADVICE_H

#include "extension/errors.h"

/* Why this session may lack keys that it was meant to have: a setting's name is misspelt, a
 * stored value takes effect only in new connections, or another database has the keys. Sentences
 * in the current context; NULL: nothing is known. Reads the catalog: call it where an error is
 * raised or a diagnosis asked for, never for each row. */
char *pgsj_advice_for_keys(void);

/* As pgsj_raise(), with that advice where the failure is a lack of keys. */
_Noreturn void pgsj_raise_with_advice(const pgsj_failure *failure);

/* As pgsj_explain(), likewise. */
char *pgsj_explain_with_advice(const pgsj_failure *failure);

#endif
