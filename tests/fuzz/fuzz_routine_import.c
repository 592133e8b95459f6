/* Any text becomes drafts or is refused; every file that a draft gives is YAML, and every routine is one. The first byte says
 * which of the two readers it is for. */
#include "base/yaml.h"
#include "routine/import.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct json *must_be_yaml(struct arena *a, struct str text)
{
    struct json *v = NULL;
    struct err e;
    if (yaml_parse(a, text, "fuzz.yaml", &v, &e) < 0)
        abort();
    return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena *a = arena_new("fuzz", 0);
    struct drafts ds;
    struct err e;
    struct str text = {(const char *)data + 1, n ? n - 1 : 0};
    if (n && n < 20000 && routine_import(a, *data == '{' ? "fuzz.json" : "fuzz.md", text, &ds, &e) == 0) {
        for (const struct draft *d = ds.first; d; d = d->next) {
            struct routine r;
            struct json *spec = must_be_yaml(a, draft_yaml(&ds, d));
            if (d->steps_n < 900 && routine_read(a, spec, "fuzz.yaml", &r, &e) < 0)
                abort();
        }
        must_be_yaml(a, draft_macros_yaml(&ds));
        must_be_yaml(a, draft_scratchpad_yaml(&ds));
    }
    arena_free(a);
    return 0;
}
