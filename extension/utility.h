/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utility.h - a hook around each utility statement.
 */
#ifndef PGSJ_UTILITY_H
#define PGSJ_UTILITY_H

/* Installs the hook; once, from _PG_init(). */
void pgsj_utility_install(void);

#endif
