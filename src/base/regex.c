#include "base/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Far above what an honest pattern needs on a message, a few milliseconds at most. */
enum { STEPS_MAX = 200000, DEPTH_MAX = 2000, HEAP_KIB_MAX = 4096 };

static pcre2_code *compile(struct str pattern, struct err *e)
{
    int code = 0;
    PCRE2_SIZE at = 0;
    if (pattern.n > REGEX_BYTES_MAX) {
        err_set(e, ERR_INVALID, "the pattern is longer than %d bytes", REGEX_BYTES_MAX);
        return NULL;
    }
    /* The text may be any bytes: what is not UTF-8 in it never matches, instead of being trusted.
     * $ is the very end, as in JavaScript: a line feed behind a date must not slip through. */
    pcre2_code *compiled = pcre2_compile(
        (PCRE2_SPTR)(pattern.n ? pattern.p : ""), pattern.n,
        PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY, &code, &at, NULL);
    if (!compiled) {
        PCRE2_UCHAR why[120] = "";
        pcre2_get_error_message(code, why, sizeof why);
        err_set(e, ERR_INVALID, "the pattern is wrong at byte %zu: %s", (size_t)at, (const char *)why);
    }
    return compiled;
}

int regex_check(struct str pattern, struct err *e)
{
    pcre2_code *compiled = compile(pattern, e);
    pcre2_code_free(compiled);
    return compiled ? 0 : ERR_INVALID;
}

/* *from and *to, when given: where the first group lies; both 0 when it took no part. */
static int run(struct str pattern, struct str text, size_t *from, size_t *to)
{
    pcre2_code *compiled = compile(pattern, NULL);
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    pcre2_match_data *data = pcre2_match_data_create(2, NULL);
    int r = PCRE2_ERROR_NOMEMORY;
    bool wrong = !compiled;
    if (compiled && limits && data) {
        pcre2_set_match_limit(limits, STEPS_MAX);
        pcre2_set_depth_limit(limits, DEPTH_MAX);
        pcre2_set_heap_limit(limits, HEAP_KIB_MAX);
        r = pcre2_match(compiled, (PCRE2_SPTR)(text.n ? text.p : ""), text.n, 0, 0, data, limits);
    }
    if (from && (r == 0 || r > 1) && pcre2_get_ovector_pointer(data)[2] != PCRE2_UNSET) {
        *from = pcre2_get_ovector_pointer(data)[2];
        *to = pcre2_get_ovector_pointer(data)[3];
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(limits);
    pcre2_code_free(compiled);
    if (r >= 0) /* 0: more groups than the data has room for, and a match */
        return 1;
    return r == PCRE2_ERROR_NOMATCH ? 0 : wrong ? ERR_INVALID : ERR_LIMIT;
}

int regex_try(struct str pattern, struct str text)
{
    return run(pattern, text, NULL, NULL);
}

bool regex_group(struct str pattern, struct str text, struct str *group)
{
    size_t from = 0, to = 0;
    if (run(pattern, text, &from, &to) <= 0 || to < from || !to)
        return false;
    *group = str_head(str_from(text, from), to - from);
    return true;
}

bool regex_match(struct str pattern, struct str text)
{
    return regex_try(pattern, text) > 0;
}
