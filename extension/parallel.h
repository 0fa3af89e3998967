/*
 * parallel.h - what parallel workers must be told.
 *
 * A worker gets the settings, not our state, and so verifies the token for
 * itself. What it cannot know is whether the leader has accepted this token
 * before, and the last jti that the leader accepted. Both travel in a setting
 * that nobody can set: a flag, '+' or '-', and 20 digits.
 */
#ifndef PGSJ_PARALLEL_H
#define PGSJ_PARALLEL_H

#include "postgres.h"

#define PGSJ_PARALLEL_STATE_LEN 21
#define PGSJ_PARALLEL_STATE_NONE "-00000000000000000000"

/* Is the token in force accepted; the last jti accepted, at least 0. Workers
 * started from now on are told. Never fails. */
void pgsj_parallel_publish(bool accepted, int64 last_jti);

/* In a starting worker: what the leader published. */
void pgsj_parallel_receive(const char *state);

#endif
