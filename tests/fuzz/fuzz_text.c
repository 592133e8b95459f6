/* Any bytes can be repaired; what was repaired is UTF-8, stays so through every function, and a second
 * time changes nothing. */
#include "base/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena *a = arena_new("fuzz", 0);
    bool changed;
    struct str s = text_repair(a, (struct str){(const char *)data, n}, &changed);
    must(text_invalid_at(s) < 0);
    must(str_eq(text_repair(a, s, &changed), s) && !changed);

    struct str visible = text_visible(a, s, &changed), nfc = text_nfc(a, s), folded = text_fold(a, s);
    must(text_invalid_at(visible) < 0 && str_eq(text_visible(a, visible, &changed), visible) && !changed);
    must(text_invalid_at(nfc) < 0 && str_eq(text_nfc(a, nfc), nfc));
    must(text_invalid_at(folded) < 0 && folded.p[0] == ' ' && folded.p[folded.n - 1] == ' ');
    must(!str_has(folded, STR("  ")));
    must(text_length(text_head(s, 7)) <= 7 && text_tokens(s) <= s.n);
    text_language(folded, STR("en"));
    must(folded.n < 3 || text_has_phrase(folded, folded));
    arena_free(a);
    return 0;
}
