#include "engine/check.h"

#include "base/regex.h"
#include "base/text.h"
#include "engine/check_parts.h"

#include <ctype.h>
#include <string.h>

/* Instructions: texts that go to the model as they stand, before all else, so that their tokens are used again. */

/* {{x}}, ${x}, {x.y}, %H:%M, <today> */
static const char fields[] = "\\{\\{[^}\\n]*\\}\\}|\\$\\{[^}\\n]*\\}|\\{[A-Za-z_][A-Za-z0-9_.|]*\\}|"
                             "(?<![0-9A-Za-z])%[YmdHMSjyBbAaIp](?![A-Za-z])|"
                             "<(?i:date|time|now|today|name|customer|customer_name|user|user_name)>";
static const char clock_words[] = "(?i)\\b(today is|it is now|the time is|current(ly)? (date|time)( is|:)|"
                                  "as of (today|now)|now:|today:|hoje é|agora são|hoy es|ahora son|"
                                  "it is ([0-9]{1,2}:[0-9]{2}|[0-9]{4}-[0-9]{2}-|([0-9]{1,2} )?(january|february|march|"
                                  "april|may|june|july|august|september|october|november|december) [0-9]+)|"
                                  "this is (conversation|turn|message|request) [0-9]+|"
                                  "(conversation|turn|message|request) (number|no\\.?|#) ?[0-9]+)|"
                                  "\\b[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}";

static void check_lines(struct check *k, const struct checked *m, const char *pattern, enum check_rule rule,
                        const char *what)
{
    struct str rest = m->text, line;
    if (!regex_match(str_of(pattern), m->text))
        return;
    for (uint32_t n = m->text_line; str_split(&rest, '\n', &line); n++)
        if (regex_match(str_of(pattern), line))
            finding_add_line(k->found, rule, m->file, n, "%s: \"%.*s\"", what, STR_ARG(text_head(str_trim(line), 80)));
}

void check_instruction(struct check *k, struct checked *m)
{
    check_lines(k, m, fields, RULE_FIELD_IN_TEXT, "nothing fills this in");
    check_lines(k, m, clock_words, RULE_CLOCK_WORDS, "this changes with the moment");
    bool must = regex_match(STR("(?m)^## Must *$"), m->text),
         must_not = regex_match(STR("(?m)^## Must not *$"), m->text);
    if (!must && !must_not)
        finding_add_line(k->found, RULE_NO_MUST, m->file, m->text_line, "%.*s has neither `## Must` nor `## Must not`",
                         STR_ARG(m->name));
}

/* --- directives that may contradict each other --- */

/* One "- ..." line. `trigger` is what stands behind its when or if, `rest` all else, both as words by a space. */
struct directive {
    const struct checked *m;
    uint32_t line;
    bool must_not;
    struct str whole, trigger, rest;
};
enum { DIRECTIVES_MAX = 2000 };

/* Lower case letters and digits, one space between words; without words that say nothing here. */
static struct str words_of(struct arena *a, struct str text)
{
    static const char *const idle[] = {"the", "a", "an", "that", "this", "to", "then", "always", "never", "do", "not"};
    struct buf b = buf_new(a, text.n + 2);
    for (size_t at = 0; at < text.n;) {
        size_t n = 0;
        char word[64];
        while (at < text.n && !isalnum((unsigned char)text.p[at]) && !((unsigned char)text.p[at] & 0x80))
            at++;
        for (; at < text.n && (isalnum((unsigned char)text.p[at]) || (unsigned char)text.p[at] & 0x80); at++)
            if (n < sizeof word)
                word[n++] = (char)tolower((unsigned char)text.p[at]);
        bool says = n > 0;
        for (size_t i = 0; says && i < sizeof idle / sizeof *idle; i++)
            says = !str_is((struct str){word, n}, idle[i]);
        if (says) {
            if (b.n)
                buf_addc(&b, ' ');
            buf_add(&b, (struct str){word, n});
        }
    }
    return buf_str(&b);
}

/* "When X, do Y." or "Do Y when X." */
static void split_trigger(struct arena *a, struct directive *d)
{
    static const char *const openers[] = {"when ", "if "};
    struct str text = d->whole;
    for (size_t i = 0; i < sizeof openers / sizeof *openers; i++) {
        struct str opener = str_of(openers[i]);
        char first = text.n ? (char)tolower((unsigned char)text.p[0]) : 0;
        ptrdiff_t comma = str_find(text, STR(",")), inside = str_find(text, str_f(a, " %s", openers[i]));
        if (text.n > opener.n && first == opener.p[0] && memcmp(text.p + 1, opener.p + 1, opener.n - 1) == 0 &&
            comma > 0) {
            d->trigger = words_of(a, str_from(str_head(text, (size_t)comma), opener.n));
            d->rest = words_of(a, str_from(text, (size_t)comma + 1));
            return;
        }
        if (inside > 0) {
            d->trigger = words_of(a, str_from(text, (size_t)inside + opener.n + 1));
            d->rest = words_of(a, str_head(text, (size_t)inside));
            return;
        }
    }
    d->rest = words_of(a, text);
}

static size_t add_directives(struct arena *a, const struct checked *m, struct directive *list, size_t n)
{
    struct str rest = m->text, line;
    bool must_not = false;
    for (uint32_t at = m->text_line; str_split(&rest, '\n', &line); at++) {
        if (str_starts(line, STR("#")))
            must_not = str_starts(line, STR("## Must not"));
        if (!str_starts(line, STR("- ")) || n == DIRECTIVES_MAX)
            continue;
        struct directive *d = &list[n++];
        *d = (struct directive){.m = m, .line = at, .whole = str_trim(str_from(line, 2))};
        d->must_not = must_not || str_starts(d->whole, STR("Never ")) || str_starts(d->whole, STR("Do not "));
        split_trigger(a, d);
    }
    return n;
}

void check_contradictions(struct check *k, struct checked *const *modules, size_t n)
{
    struct arena *a = arena_new("directives", 1 << 16);
    struct directive *list = ARENA_ARRAY(a, struct directive, DIRECTIVES_MAX);
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        if (modules[i]->kind == CHECKED_INSTRUCTION && modules[i]->text.n)
            found = add_directives(a, modules[i], list, found);
    for (size_t i = 0; i < found; i++)
        for (size_t j = 0; j < i; j++) {
            const struct directive *d = &list[i], *e = &list[j];
            bool same_case = d->trigger.n && str_eq(d->trigger, e->trigger), same = str_eq(d->rest, e->rest);
            bool opposed = same && d->must_not != e->must_not && str_eq(d->trigger, e->trigger);
            if ((same_case && !same) || opposed)
                finding_add_line(k->found, RULE_CONTRADICTION, d->m->file, d->line, "\"%.*s\" and %s:%u \"%.*s\"",
                                 STR_ARG(text_head(d->whole, 120)), e->m->file, e->line,
                                 STR_ARG(text_head(e->whole, 120)));
        }
    arena_free(a);
}

/* --- what a text mentions --- */

void check_mentions(struct check_agent *ag, struct str text)
{
    for (size_t at = 0; at < text.n;) {
        size_t n = 0;
        while (at + n < text.n &&
               (isalnum((unsigned char)text.p[at + n]) || text.p[at + n] == '_' || text.p[at + n] == '.'))
            n++;
        struct str word = {text.p + at, n};
        while (word.n && word.p[word.n - 1] == '.')
            word.n--;
        if (word.n > 2 && memchr(word.p, '.', word.n))
            agent_texts(ag, word);
        at += n ? n : 1;
    }
}
