/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/document.h"
#include "jwt/error.h"
#include "jwt/text_fault.h"

#include <string.h>

sjwt_status sjwt_document_parse(const sjwt_allocator *allocator, const char *text, size_t len,
                                sjwt_status too_large, sjwt_status malformed, sjwt_json *out,
                                sjwt_error *error)
{
    size_t position = 0;

    memset(out, 0, sizeof(*out));
    if (len > SJWT_MAX_KEYSET_SIZE)
        return sjwt_fail(error, too_large, 0, NULL);
    sjwt_status status = sjwt_json_parse_secret(allocator, text, len, malformed, out, &position);
    if (status == SJWT_OK)
        return SJWT_OK;
    /* What the whole text is says more than where reading stopped. */
    const char *fault = status == malformed ? sjwt_json_text_fault(text, len) : NULL;
    return sjwt_fail(error, status, fault == NULL ? position : 0, fault);
}
