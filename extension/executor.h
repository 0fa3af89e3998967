/*
 * executor.h - what is done around a run of the executor.
 */
#ifndef PGSJ_EXECUTOR_H
#define PGSJ_EXECUTOR_H

/* Once, from _PG_init(). */
void pgsj_executor_install(void);

#endif
