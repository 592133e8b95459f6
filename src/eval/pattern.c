#include "eval/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
    MATCH_STEPS_MAX = 200000, /* some milliseconds */
    DEPTH_MAX = 2000,
    HEAP_KIB_MAX = 4096,
    PATTERN_BYTES_MAX = 2000
};

struct pattern {
    struct str source;
    pcre2_code *code;
    pcre2_match_data *found;
    pcre2_match_context *limits;
};

static void pattern_free(void *x)
{
    struct pattern *p = x;
    pcre2_match_data_free(p->found);
    pcre2_match_context_free(p->limits);
    pcre2_code_free(p->code);
}

static int compile(struct arena *a, const struct json *v, struct pattern **out, struct err *e)
{
    if (!json_is(v, JSON_STRING) || v->text.n == 0 || v->text.n > PATTERN_BYTES_MAX)
        return err_set(e, ERR_INVALID, "line %u: a pattern is a text of 1 to %d bytes", v->line, PATTERN_BYTES_MAX);
    struct pattern *p = ARENA_NEW(a, struct pattern);
    int code = 0;
    PCRE2_SIZE offset = 0;
    p->source = v->text;
    p->code = pcre2_compile((PCRE2_SPTR)v->text.p, v->text.n,
                            PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &code,
                            &offset, NULL);
    if (!p->code) {
        PCRE2_UCHAR why[120] = "";
        pcre2_get_error_message(code, why, sizeof why);
        return err_set(e, ERR_INVALID, "line %u: the pattern is wrong at byte %zu: %s", v->line, (size_t)offset,
                       (const char *)why);
    }
    p->found = pcre2_match_data_create(1, NULL);
    p->limits = pcre2_match_context_create(NULL);
    if (!p->found || !p->limits) {
        pattern_free(p);
        return err_set(e, ERR_LIMIT, "no memory for a pattern");
    }
    pcre2_set_match_limit(p->limits, MATCH_STEPS_MAX);
    pcre2_set_depth_limit(p->limits, DEPTH_MAX);
    pcre2_set_heap_limit(p->limits, HEAP_KIB_MAX);
    arena_defer(a, pattern_free, p);
    *out = p;
    return 0;
}

int pattern_list_read(struct arena *a, const struct json *texts, struct pattern_list *out, struct err *e)
{
    bool many = json_is(texts, JSON_ARRAY);
    struct pattern_list list = {.patterns = ARENA_ARRAY(a, struct pattern *, many ? texts->n : 1)};
    for (const struct json *v = many ? texts->child : texts; v; v = many ? v->next : NULL) {
        int r = compile(a, v, &list.patterns[list.n], e);
        if (r)
            return r;
        list.n++;
    }
    *out = list;
    return 0;
}

int pattern_find(const struct pattern_list *list, struct str text, struct pattern_hit *hit, struct err *e)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct pattern *p = list->patterns[i];
        int r = pcre2_match(p->code, (PCRE2_SPTR)(text.n ? text.p : ""), text.n, 0, 0, p->found, p->limits);
        if (r == PCRE2_ERROR_NOMATCH)
            continue;
        if (r < 0)
            return err_set(e, ERR_LIMIT, "the pattern \"%.*s\" cannot be decided on a text of %zu bytes (PCRE2 %d)",
                           STR_ARG(p->source), text.n, r);
        const PCRE2_SIZE *range = pcre2_get_ovector_pointer(p->found);
        if (hit && range[1] >= range[0]) /* \K may put the start behind the end */
            *hit = (struct pattern_hit){p->source, str_head(str_from(text, range[0]), range[1] - range[0])};
        else if (hit)
            *hit = (struct pattern_hit){p->source, STR("")};
        return 1;
    }
    return 0;
}

static bool sentence_ends(struct str s, size_t i)
{
    char c = s.p[i];
    if (c == '\n')
        return true;
    bool last = i + 1 == s.n || s.p[i + 1] == ' ' || s.p[i + 1] == '\n';
    return last && (c == '.' || c == '!' || c == '?');
}

bool pattern_sentence(struct str *rest, struct str *sentence)
{
    *rest = str_trim(*rest);
    if (rest->n == 0)
        return false;
    size_t i = 0;
    while (i + 1 < rest->n && !sentence_ends(*rest, i))
        i++;
    *sentence = str_head(*rest, i + 1);
    *rest = str_from(*rest, i + 1);
    return true;
}
