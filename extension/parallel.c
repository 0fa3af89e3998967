/*
 * parallel.c - what parallel workers must be told.
 */
#include "postgres.h"

#include "extension/parallel.h"
#include "extension/session.h"
#include "extension/settings.h"

void pgsj_parallel_publish(bool accepted, int64 last_jti)
{
    /* In place, because SET is forbidden where this is called from: in an
     * assign hook and in the middle of a parallel query. The server reads the
     * string when it starts workers. */
    if (pgsj_parallel_state != NULL)
        snprintf(pgsj_parallel_state, PGSJ_PARALLEL_STATE_LEN + 1, "%c%020lld",
                 accepted ? '+' : '-', (long long)last_jti);
}

void pgsj_parallel_receive(const char *state)
{
    pgsj_session_inherit(state[0] == '+', strtoll(state + 1, NULL, 10));
}
