/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands.h - the commands of sjwt, one file for each group.
 */
#ifndef PG_SESSION_JWT_TOOLS_COMMANDS_H
#define PG_SESSION_JWT_TOOLS_COMMANDS_H

#include <sjwt.h>
#include "jwt/tools/options.h"

/* The most octets of a payload to sign, or of a token read from a file. */
#define MAX_INPUT_SIZE (16 * 1024 * 1024)

/* verify.c */
extern const command verify_command;
/* explain.c */
extern const command explain_command;
/* sign.c */
extern const command sign_command;
/* fetch.c */
extern const command fetch_command;
/* key.c: private keys */
extern const command keygen_command;
extern const command public_command;
/* jwk.c: keys in PEM and DER */
extern const command jwk_command;
/* check.c */
extern const command check_command;
/* show.c: commands that verify nothing */
extern const command decode_command;
extern const command keys_command;
extern const command backends_command;

#endif
