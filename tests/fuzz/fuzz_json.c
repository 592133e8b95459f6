/* Any bytes are either refused or read; what is read has a text that reads back as the same value, and a
 * canonical form that is its own canonical form. */
#include "base/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena *a = arena_new("fuzz", 0);
    struct json *value, *again;
    struct err e;
    if (json_parse(a, (struct str){(const char *)data, n}, &value, &e) == 0) {
        if (json_parse(a, json_text(a, value), &again, &e) < 0 || !json_same(value, again))
            abort();
        struct str canonical = json_canonical(a, value);
        if (json_parse(a, canonical, &again, &e) < 0 || !str_eq(canonical, json_canonical(a, again)))
            abort();
    }
    arena_free(a);
    return 0;
}
