#include "base/err.h"

#include <stdio.h>
#include <string.h>

/* A sentence that was cut must not end in half a UTF-8 character: it may go into an event. */
static void end_whole(struct err *e)
{
    size_t n = strlen(e->text);
    if (n + 1 < sizeof e->text)
        return;
    size_t start = n;
    while (start && ((unsigned char)e->text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start && ((unsigned char)e->text[start - 1] & 0xc0) == 0xc0)
        e->text[start - 1] = 0;
}

int err_set(struct err *e, int code, const char *format, ...)
{
    if (!e)
        return code;
    e->code = code;
    va_list ap;
    va_start(ap, format);
    vsnprintf(e->text, sizeof e->text, format, ap);
    va_end(ap);
    end_whole(e);
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
    end_whole(e);
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
