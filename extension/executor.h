/* SPDX-License-Identifier: Apache-2.0 */
/*
 * executor.h - a hook around each run of the executor.
 */
#ifndef PGSJ_EXECUTOR_H
#define PGSJ_EXECUTOR_H

/* Installs the hook; once, from _PG_init(). */
void pgsj_executor_install(void);

#endif
