/* pattern: lists of regular expressions (PCRE2), compiled once and tried on many texts.
 *
 * Case does not matter; \w, \d and \b know Unicode; ^ and $ match at lines. Matching is bounded: a text on which a pattern
 * would take too long is reported, never guessed. Use a list from one thread at a time. */
#ifndef EVAL_PATTERN_H
#define EVAL_PATTERN_H

#include "base/json.h"

struct pattern;

struct pattern_list {
    struct pattern **patterns;
    size_t n;
};

struct pattern_hit {
    struct str source; /* of the pattern */
    struct str text;   /* what it matched */
};

/* Compiles a list of texts, or one text. Given back with the arena. Errors: ERR_INVALID names line and offset. */
MUST_USE int pattern_list_read(struct arena *a, const struct json *texts, struct pattern_list *out, struct err *e);

/* 1 the first pattern of the list that is found in `text`, 0 none is; `hit` may be NULL.
 * Errors: ERR_LIMIT (the pattern and why). */
MUST_USE int pattern_find(const struct pattern_list *list, struct str text, struct pattern_hit *hit, struct err *e);

/* The next sentence of `rest`: up to '.', '!', '?' before white space, or a line's end. False at the end. */
bool pattern_sentence(struct str *rest, struct str *sentence);

#endif
