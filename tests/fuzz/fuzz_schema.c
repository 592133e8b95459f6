/* The first line is a schema, the rest a value. A schema that passes the check decides every value, the
 * same with and without a sentence. */
#include "base/schema.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena *a = arena_new("fuzz", 0);
    struct json *schema, *value;
    struct str rest = {(const char *)data, n}, line = STR("");
    struct err e;
    str_split(&rest, '\n', &line);
    /* What holds with formats as demands is a schema with formats as notes too. */
    if (json_parse(a, line, &schema, &e) == 0 && schema_check_formats(schema, &e) == 0 && schema_check(schema, &e) < 0)
        abort();
    if (json_parse(a, line, &schema, &e) == 0 && schema_check(schema, &e) == 0 &&
        json_parse(a, rest, &value, &e) == 0) {
        int r = schema_fits(schema, value, &e);
        if (r != 0 && r != ERR_INVALID && r != ERR_LIMIT)
            abort();
        if (schema_fits(schema, value, NULL) != r)
            abort();
    }
    arena_free(a);
    return 0;
}
