/*
 * executor.h - what is done around a run of the executor.
 */
#ifndef PSJ_EXECUTOR_H
#define PSJ_EXECUTOR_H

/* Once, from _PG_init(). */
void psj_executor_install(void);

#endif
