/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - the server's timestamps and the core's Unix time.
 */
#ifndef PGSJ_CLOCK_H
#define PGSJ_CLOCK_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Microseconds from the Unix epoch to the server's. */
#define PGSJ_EPOCH_SHIFT ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* Microseconds since the Unix epoch, of a finite timestamp before the year 294247. */
static inline int64 pgsj_unix_time(TimestampTz timestamp)
{
    return timestamp + PGSJ_EPOCH_SHIFT;
}

/* The timestamp of microseconds since the Unix epoch: -infinity before the first one that the
 * server has, infinity for PG_INT64_MAX. */
static inline TimestampTz pgsj_timestamp(int64 unix_time)
{
    if (unix_time < MIN_TIMESTAMP + PGSJ_EPOCH_SHIFT)
        return DT_NOBEGIN;
    if (unix_time == PG_INT64_MAX)
        return DT_NOEND;
    return unix_time - PGSJ_EPOCH_SHIFT;
}

#endif
