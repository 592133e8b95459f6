/* Any bytes are either refused or read; what is read can be written as JSON and as YAML that read as the same value. */
#include "base/yaml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena *a = arena_new("fuzz", 0);
    struct json *value, *again;
    struct err e;
    if (yaml_parse(a, (struct str){(const char *)data, n}, "fuzz", &value, &e) == 0) {
        struct buf b = buf_new(a, 64 << 20);
        yaml_write(&b, value);
        if (json_parse(a, json_text(a, value), &again, &e) < 0 || !json_same(value, again))
            abort();
        if (yaml_parse(a, buf_str(&b), "written", &again, &e) < 0 || !json_same(value, again))
            abort();
    }
    arena_free(a);
    return 0;
}
