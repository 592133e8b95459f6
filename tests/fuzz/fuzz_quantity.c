/* Whatever people write, every quantity in it is a number or a date, lies in the text, and reading always gets to the end. */
#include "base/clock.h"
#include "base/json.h"
#include "base/quantity.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const languages[] = {"en", "pt", "es"};
    struct arena *a = arena_new("fuzz", 0);
    struct str text = {(const char *)data, n > 2000 ? 2000 : n};
    for (int l = 0; l < 3; l++) {
        struct quantity q;
        int64_t days;
        for (size_t at = 0, before = 0; quantity_next(a, text, &at, str_of(languages[l]), STR("2026-03-10"), &q);
             before = at) {
            must(at > before && at <= text.n && q.text.n > 0);
            must(q.text.p >= text.p && q.text.p + q.text.n <= text.p + text.n);
            must(q.kind == QUANTITY_DATE ? clock_days(q.value, &days) == 0 : json_number_ok(q.value));
        }
    }
    arena_free(a);
    return 0;
}
