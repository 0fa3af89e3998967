/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subject.h - the names of the user that a token's subject stands for: user_id and uid.
 */
#ifndef PGSJ_SUBJECT_H
#define PGSJ_SUBJECT_H

#include "postgres.h"

#include <sjwt.h>

#include "extension/claims.h"
#include "extension/errors.h"

/*
 * Sets user_id and uid of claims, which have the subject as the token of an issuer with such
 * subjects has it. Qualified: user_id is the qualified subject, uid a UUID of version 8 made
 * of issuer and subject. Plain or shared: a uid of version 8 becomes NULL. Allocates in the
 * current memory context. Returns false where the server's cryptography failed: see *failure.
 */
bool pgsj_name_subject(pgsj_claims *claims, sjwt_subjects subjects, pgsj_failure *failure);

#endif
