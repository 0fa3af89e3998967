/*
 * error.h - how the core's own files fill a jwt_error.
 */
#ifndef PG_SESSION_JWT_JWT_ERROR_H
#define PG_SESSION_JWT_JWT_ERROR_H

#include "jwt/jwt.h"

/* Fills *error (may be NULL) and returns status. detail may be NULL and is cut
 * to fit; it must be a constant or the policy's own string, never input. */
jwt_status jwt_fail(jwt_error *error, jwt_status status, size_t position, const char *detail);

/* The same for a claimed time, in whole seconds since the epoch. */
jwt_status jwt_fail_time(jwt_error *error, jwt_status status, int64_t seconds);

#endif
