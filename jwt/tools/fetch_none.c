/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/tools/fetch.h"

#include "jwt/tools/message.h"

int run_fetch(const fetch_arguments *given)
{
    (void)given;
    return fail("this build has no libcurl, and fetches nothing");
}
