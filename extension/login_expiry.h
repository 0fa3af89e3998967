/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login_expiry.h - the end of a session whose login's token has expired, where
 * pg_session_jwt.login_expiry is disconnect.
 *
 * A statement that runs goes on to its end. The next message of the client ends the session, and so
 * does a timer while the session waits for a message, also inside of a transaction.
 */
#ifndef PGSJ_LOGIN_EXPIRY_H
#define PGSJ_LOGIN_EXPIRY_H

#include "postgres.h"

/* Does the login's token expire? Only login_expiry.c writes to it. */
extern bool pgsj_login_expires;

/* The login's token expires then, in microseconds since the Unix epoch; PG_INT64_MAX: never. Raises
 * FATAL where the server has no timer left. */
void pgsj_login_expiry_set(int64 expires_at);

/* Use pgsj_login_expiry_check(). */
void pgsj_login_expiry_check_time(void);

/* A statement of the client begins. Ends the session (FATAL) where the token has expired. */
static inline void pgsj_login_expiry_check(void)
{
    if (unlikely(pgsj_login_expires))
        pgsj_login_expiry_check_time();
}

#endif
