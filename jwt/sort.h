/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sort.h - heapsort over pointers: n log n at worst and no memory of its own,
 * where qsort() promises neither.
 */
#ifndef PG_SESSION_JWT_JWT_SORT_H
#define PG_SESSION_JWT_JWT_SORT_H

#include <stddef.h>

/* compare gets two of the items themselves (not their addresses) and answers
 * as strcmp() does. Not stable. */
void sjwt_sort(const void **items, size_t count, int (*compare)(const void *, const void *));

#endif
