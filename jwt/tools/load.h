/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.h - loads keys from files. Each function returns false on failure and prints an error
 * that names what ("--keys"). path may be "-", standard input.
 */
#ifndef PG_SESSION_JWT_TOOLS_LOAD_H
#define PG_SESSION_JWT_TOOLS_LOAD_H

#include <sjwt.h>
#include "jwt/sign.h"

bool load_private_key(const char *what, const char *path, sjwt_private_key **out);
bool load_keyset(const char *what, const char *path, sjwt_keyset **out);

#endif
