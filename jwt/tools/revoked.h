/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revoked.h - checks whether the server would accept a file of revoked tokens.
 */
#ifndef PG_SESSION_JWT_TOOLS_REVOKED_H
#define PG_SESSION_JWT_TOOLS_REVOKED_H

/* Reads the file, or standard input if file is "-", and prints how many values it revokes.
 * Returns the exit status. */
int check_revoked(const char *file);

#endif
