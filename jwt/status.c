#include "jwt/error.h"

#include <string.h>

static const struct {
    const char *name;
    const char *text;
} statuses[JWT_STATUS_COUNT] = {
#define JWT_STATUS_ROW(name, text) {#name, text},
    JWT_STATUS_LIST(JWT_STATUS_ROW)
#undef JWT_STATUS_ROW
};

static bool is_status(jwt_status status)
{
    return (unsigned)status < JWT_STATUS_COUNT;
}

const char *jwt_status_name(jwt_status status)
{
    return is_status(status) ? statuses[status].name : "JWT_UNKNOWN";
}

const char *jwt_status_text(jwt_status status)
{
    return is_status(status) ? statuses[status].text : "unknown status";
}

jwt_status jwt_fail(jwt_error *error, jwt_status status, size_t position, const char *detail)
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

jwt_status jwt_fail_time(jwt_error *error, jwt_status status, int64_t seconds)
{
    jwt_fail(error, status, 0, NULL);
    if (error != NULL) {
        error->has_seconds = true;
        error->seconds = seconds;
    }
    return status;
}
