/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/sort.h"

static void sift_down(const void **items, size_t root, size_t count,
                      int (*compare)(const void *, const void *))
{
    const void *item = items[root];

    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= count)
            break;
        if (child + 1 < count && compare(items[child], items[child + 1]) < 0)
            child++;
        if (compare(item, items[child]) >= 0)
            break;
        items[root] = items[child];
        root = child;
    }
    items[root] = item;
}

void sjwt_sort(const void **items, size_t count, int (*compare)(const void *, const void *))
{
    for (size_t root = count / 2; root-- > 0;)
        sift_down(items, root, count, compare);
    for (size_t last = count; last-- > 1;) {
        const void *greatest = items[0];
        items[0] = items[last];
        items[last] = greatest;
        sift_down(items, 0, last, compare);
    }
}
