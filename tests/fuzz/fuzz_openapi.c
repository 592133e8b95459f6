/* Whatever the document says, a draft is a file of a tool that can be read and has no key that nobody reads. */
#include "base/yaml.h"
#include "engine/keys.h"
#include "engine/openapi.h"
#include "engine/tool.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(int r, const struct err *e, struct str text)
{
    if (r == 0)
        return;
    fprintf(stderr, "%s\n%.*s\n", e->text, STR_ARG(text));
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena *a = arena_new("fuzz", 0);
    struct openapi_wish wish = {.service = STR("api")};
    struct openapi_draft *drafts;
    struct json *document;
    size_t drafts_n = 0;
    struct err e;
    bool read = json_parse(a, (struct str){(const char *)data, n}, &document, &e) == 0 &&
                openapi_drafts(a, document, &wish, &drafts, &drafts_n, &e) == 0;
    for (size_t i = 0; read && i < drafts_n; i++) {
        struct str text = drafts[i].text;
        struct json *file = NULL;
        struct tool tool;
        must(yaml_parse(a, text, "tool.yaml", &file, &e), &e, text);
        must(keys_check(file, "tool", "tool.yaml", &e), &e, text);
        must(tool_read(a, file, "tool.yaml", &tool, &e), &e, text);
    }
    arena_free(a);
    return 0;
}
