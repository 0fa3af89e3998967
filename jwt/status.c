/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/error.h"

#include <string.h>

static const struct {
    const char *name;
    const char *text;
} statuses[SJWT_STATUS_COUNT] = {
#define SJWT_STATUS_ROW(name, text) {#name, text},
    SJWT_STATUS_LIST(SJWT_STATUS_ROW)
#undef SJWT_STATUS_ROW
};

static bool is_status(sjwt_status status)
{
    return (unsigned)status < SJWT_STATUS_COUNT;
}

const char *sjwt_status_name(sjwt_status status)
{
    return is_status(status) ? statuses[status].name : "SJWT_UNKNOWN";
}

const char *sjwt_status_text(sjwt_status status)
{
    return is_status(status) ? statuses[status].text : "unknown status";
}

bool sjwt_status_is_transient(sjwt_status status)
{
    return status == SJWT_NO_MEMORY || status == SJWT_INTERNAL;
}

sjwt_status sjwt_fail(sjwt_error *error, sjwt_status status, size_t position, const char *detail)
{
    if (error == NULL)
        return status;
    memset(error, 0, sizeof(*error));
    error->status = status;
    error->position = position;
    if (detail != NULL) {
        size_t len = strlen(detail);
        if (len >= sizeof(error->detail)) {
            len = sizeof(error->detail) - 1;
            /* never half a character: a reader may refuse broken UTF-8 */
            while (len > 0 && ((unsigned char)detail[len] & 0xC0) == 0x80)
                len--;
        }
        memcpy(error->detail, detail, len);
    }
    return status;
}

sjwt_status sjwt_fail_time(sjwt_error *error, sjwt_status status, int64_t seconds)
{
    sjwt_fail(error, status, 0, NULL);
    if (error != NULL) {
        error->has_seconds = true;
        error->seconds = seconds;
    }
    return status;
}
