/* SPDX-License-Identifier: Apache-2.0 */
/*
 * case.c - linked into every unit test. If SJWT_TEST_CASE is set in the environment,
 * only the cases with this name run (* and ? match any characters).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void select_case(void)
{
    const char *name = getenv("SJWT_TEST_CASE");

    if (name != NULL && *name != '\0')
        cmocka_set_test_filter(name);
}
