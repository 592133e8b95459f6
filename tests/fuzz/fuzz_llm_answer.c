/* Any bytes as the body of an answer: refused, or an answer with words or named calls; as a complaint: one line
 * of bounded length that never holds the key. */
#include "llm/llm_answer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct str key = {"key-7", 5};
    struct str body = {(const char *)data, n};
    struct arena *a = arena_new("fuzz", 0);
    struct llm_end end = {0};
    if (llm_answer_read(a, body, key, &end) == 0) {
        const struct llm_answer *answer = &end.answer;
        if (answer->text.n == 0 && answer->calls_n == 0)
            abort();
        for (size_t i = 0; i < answer->calls_n; i++)
            if (answer->calls[i].name.n == 0)
                abort();
        if (answer->finish.n == 0 || answer->tokens_in < 0 || answer->tokens_out < 0)
            abort();
    } else if (end.answer.result >= 0 || end.answer.err.text[0] == 0) {
        abort();
    }

    struct json *json = NULL;
    if (json_parse(a, body, &json, NULL) < 0)
        json = NULL;
    if (llm_answer_refused(&end, n % 2 ? 400 + (int)(n % 200) : 0, json, body, key) >= 0)
        abort();
    if (strstr(end.answer.err.text, key.p) || strchr(end.answer.err.text, '\n'))
        abort();
    arena_free(a);
    return 0;
}
