#include "routine/import.h"

#include "base/text.h"

#include <string.h>

int routine_import(struct arena *a, const char *file, struct str text, struct drafts *out, struct err *e)
{
    const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
    struct str name = str_of(base);
    const char *dot = strrchr(base, '.');
    bool repaired;
    if (text.n > IMPORT_TEXT_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "%s: a procedure has at most %d bytes; split it", file, IMPORT_TEXT_BYTES_MAX);
    ptrdiff_t bad = text_invalid_at(text);
    if (bad >= 0)
        return err_set(e, ERR_INVALID, "%s: byte %td is not UTF-8; save it as UTF-8", file, bad);
    *out = (struct drafts){.a = a, .source = name};
    out->pack = draft_slug(a, dot ? str_head(name, (size_t)(dot - base)) : name, 6);
    if (dot && strcmp(dot, ".json") == 0) {
        int r = import_guidelines(out, file, text, e);
        if (r < 0)
            return r;
    } else {
        import_sop(out, text_repair(a, text, &repaired));
    }
    return out->n ? 0
                  : err_set(e, ERR_UNDEFINED,
                            "%s: there is no procedure in it: no step that asks, checks, does or hands over something",
                            file);
}
