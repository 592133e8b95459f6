/* Any text is either refused, with and without a root alike, or gives a value that JSON can hold. */
#include "base/expr.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena *a = arena_new("fuzz", 0);
    struct json *root, *value, *again;
    struct err e;
    struct str source = {(const char *)data, n};
    if (json_parse(a, STR("{\"a\":1.5,\"b\":\"2026-11-22\",\"c\":[1,\"x\",null],\"d\":{\"e\":true},\"f\":-9e18}"),
                   &root, &e) < 0)
        abort();
    int r = expr_eval(a, source, root, &value, &e);
    if (r != expr_check(source, &e))
        abort();
    if (r == 0) {
        expr_true(value);
        struct str text = json_text(a, value);
        if (json_parse(a, text, &again, &e) < 0 && e.code != ERR_LIMIT && text.n < n * 100)
            abort();
    }
    arena_free(a);
    return 0;
}
