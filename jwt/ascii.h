/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ascii.h - letters without regard to locale.
 */
#ifndef PG_SESSION_JWT_JWT_ASCII_H
#define PG_SESSION_JWT_JWT_ASCII_H

static inline char sjwt_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

#endif
