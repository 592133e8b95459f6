/* Any bytes are either refused, at a byte and a place of theirs, or read; what is read has a text that reads back as the same value, and a
 * canonical form that is its own canonical form. */
#include "base/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena *a = arena_new("fuzz", 0);
    struct json *value, *again;
    struct err e;
    struct str text = {(const char *)data, n};
    size_t offset;
    if (json_parse_at(a, text, &value, &offset, &e) < 0) {
        struct str pointer = json_place(a, text, offset);
        if (offset > n || pointer.n > JSON_PLACE_BYTES_MAX || (pointer.n && pointer.p[0] != '/'))
            abort();
    } else {
        if (json_parse(a, json_text(a, value), &again, &e) < 0 || !json_same(value, again))
            abort();
        struct str canonical = json_canonical(a, value);
        if (json_parse(a, canonical, &again, &e) < 0 || !str_eq(canonical, json_canonical(a, again)))
            abort();
    }
    arena_free(a);
    return 0;
}
