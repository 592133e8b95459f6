/* Any bytes are either refused or read; what is read can be written as JSON that reads as the same value. */
#include "base/yaml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena *a = arena_new("fuzz", 0);
    struct json *value, *again;
    struct err e;
    if (yaml_parse(a, (struct str){(const char *)data, n}, "fuzz", &value, &e) == 0 &&
        (json_parse(a, json_text(a, value), &again, &e) < 0 || !json_same(value, again)))
        abort();
    arena_free(a);
    return 0;
}
