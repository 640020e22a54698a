#include "common/base/error.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

bool fail(struct error *error, enum error_code code, const char *format, ...) {
    if (error == NULL)
        return false;
    /* An argument may point into the old message, so the new one is made beside it. */
    struct error made = {.code = code};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(made.message, sizeof(made.message), format, arguments);
    va_end(arguments);
    *error = made;
    return false;
}

bool fail_context(struct error *error, const char *format, ...) {
    if (error == NULL)
        return false;
    struct error made = {.code = error->code};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(made.message, sizeof(made.message), format, arguments);
    va_end(arguments);
    size_t used = strlen(made.message);
    snprintf(made.message + used, sizeof(made.message) - used, ": %s", error->message);
    *error = made;
    return false;
}

const char *error_code_name(enum error_code code) {
    switch (code) {
    case ERROR_NONE: return "none";
    case ERROR_IO: return "io";
    case ERROR_INVALID: return "invalid";
    case ERROR_LIMIT: return "limit";
    case ERROR_NOT_FOUND: return "not_found";
    case ERROR_EXISTS: return "exists";
    case ERROR_REFUSED: return "refused";
    case ERROR_CLOSED: return "closed";
    case ERROR_TIMEOUT: return "timeout";
    case ERROR_UNSUPPORTED: return "unsupported";
    }
    return "unknown";
}
