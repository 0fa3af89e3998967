/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subjects.h - subjects of one issuer that could be taken for those of another.
 */
#ifndef PG_SESSION_JWT_JWT_SUBJECTS_H
#define PG_SESSION_JWT_JWT_SUBJECTS_H

#include "jwt/json.h"
#include <sjwt/policy.h>
#include <sjwt/status.h>

/* SJWT_SUBJECT_REFUSED where issuer_policy has plain or shared subjects, and "sub" has the form
 * of a qualified one: the text before its first "|" contains "://", or is the quoted name of an
 * issuer of policy that has qualified subjects. Else SJWT_OK. */
sjwt_status sjwt_subjects_check(const sjwt_json *claims, const sjwt_policy *policy,
                                const sjwt_issuer_policy *issuer_policy, sjwt_error *error);

#endif
