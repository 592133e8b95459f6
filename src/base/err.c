#include "base/err.h"

#include <stdio.h>
#include <string.h>

int err_set(struct err *e, int code, const char *format, ...)
{
    if (!e)
        return code;
    e->code = code;
    va_list ap;
    va_start(ap, format);
    vsnprintf(e->text, sizeof e->text, format, ap);
    va_end(ap);
    return code;
}

int err_in(struct err *e, const char *format, ...)
{
    if (!e)
        return ERR_INVALID;
    char was[sizeof e->text];
    memcpy(was, e->text, sizeof was);
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(e->text, sizeof e->text, format, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof e->text)
        snprintf(e->text + n, sizeof e->text - (size_t)n, ": %s", was);
    return e->code;
}

const char *err_name(int code)
{
    switch (code) {
    case 0: return "ok";
    case ERR_INVALID: return "invalid";
    case ERR_NOT_FOUND: return "not found";
    case ERR_CONFLICT: return "conflict";
    case ERR_DUPLICATE: return "duplicate";
    case ERR_BUSY: return "busy";
    case ERR_LIMIT: return "limit";
    case ERR_DENIED: return "denied";
    case ERR_TIMEOUT: return "timeout";
    case ERR_IO: return "i/o";
    case ERR_FULL: return "disk full";
    case ERR_UNDEFINED: return "undefined";
    case ERR_UNSUPPORTED: return "unsupported";
    default: return "unknown";
    }
}
