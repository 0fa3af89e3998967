/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.h - how the core's own files fill a sjwt_error.
 */
#ifndef PG_SESSION_JWT_JWT_ERROR_H
#define PG_SESSION_JWT_JWT_ERROR_H

#include <sjwt/status.h>

/* Fills *error (may be NULL) and returns status. detail may be NULL and is cut
 * to fit; it must be a constant or the policy's own string, never input. */
sjwt_status sjwt_fail(sjwt_error *error, sjwt_status status, size_t position, const char *detail);

/* The same for a claimed time, in whole seconds since the epoch. */
sjwt_status sjwt_fail_time(sjwt_error *error, sjwt_status status, int64_t seconds);

#endif
