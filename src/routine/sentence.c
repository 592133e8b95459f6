#include "routine/sentence.h"

#include "routine/draft.h"

#include <string.h>
#include <strings.h>

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

bool sentence_starts(struct str s, const char *words)
{
    size_t n = strlen(words);
    return s.n >= n && strncasecmp(s.p, words, n) == 0 && (s.n == n || !letter(s.p[n]) || !letter(words[n - 1]));
}

static bool starts_with_one(struct str s, const char *const *words)
{
    for (; *words; words++)
        if (sentence_starts(s, *words))
            return true;
    return false;
}

static bool has_word(struct str s, const char *word)
{
    for (size_t i = 0; i < s.n; i++)
        if ((i == 0 || !letter(s.p[i - 1])) && sentence_starts(str_from(s, i), word))
            return true;
    return false;
}

static bool has_one(struct str s, const char *const *words)
{
    for (; *words; words++)
        if (has_word(s, *words))
            return true;
    return false;
}

/* What may stand before the verb and means nothing. */
static struct str without_preface(struct str s)
{
    static const char *const prefaces[] = {
        "then",       "please",   "first",       "next",    "finally",        "also",
        "you should", "you must", "you need to", "you can", "the agent must", "the agent should",
        "always",     "try to",   "start by",    "and",     "must",           "should",
        NULL};
    for (bool again = true; again;) {
        again = false;
        for (const char *const *p = prefaces; *p; p++)
            if (sentence_starts(s, *p) && s.n > strlen(*p)) {
                s = str_trim(str_from(s, strlen(*p)));
                if (str_starts(s, STR(",")))
                    s = str_trim(str_from(s, 1));
                again = true;
            }
    }
    return s;
}

enum sentence_kind sentence_kind(struct str s)
{
    static const char *const hand[] = {"escalate", "transfer", "hand over", "hand off", NULL};
    static const char *const person[] = {"human", "support", "agent",     "agents",     "supervisor", "manager",
                                         "team",  "person",  "colleague", "specialist", "department", NULL};
    static const char *const ask[] = {"ask",    "asking",     "guide the", "instruct", "request", "collect", "obtain",
                                      "gather", "prompt the", "have the",  "find out", "get the", NULL};
    static const char *const say[] = {
        "inform",   "tell",  "explain", "apologize",       "apologise",           "respond", "let the",
        "let them", "thank", "advise",  "notify the user", "notify the customer", "remind",  NULL};
    static const char *const check[] = {"check",       "verify",       "determine", "look up",  "look at",
                                        "investigate", "confirm that", "make sure", "ensure",   "review",
                                        "validate",    "search",       "find",      "retrieve", NULL};
    static const char *const act[] = {"send",     "enable",   "disable", "cancel",    "apply",   "refund",  "issue",
                                      "create",   "update",   "change",  "modify",    "add",     "remove",  "reset",
                                      "resume",   "suspend",  "block",   "unblock",   "book",    "submit",  "process",
                                      "enter",    "record",   "open a",  "close the", "replace", "reissue", "order",
                                      "schedule", "activate", NULL};
    static const char *const follow[] = {"proceed", "follow", "go to", "continue", "return to", "use",
                                         "go back", "path",   "step",  "skip to",  "move on",   NULL};
    s = without_preface(s);
    if (has_one(str_head(s, 40), hand) && has_one(s, person) && !sentence_starts(s, "make sure") &&
        !sentence_starts(s, "for"))
        return SENTENCE_HANDOFF;
    static const char *const customer[] = {"the user must",
                                           "the user needs",
                                           "the user should",
                                           "the customer must",
                                           "the customer needs",
                                           "the customer should",
                                           NULL};
    if (starts_with_one(s, customer))
        return SENTENCE_ASK;
    return starts_with_one(s, ask)      ? SENTENCE_ASK
           : starts_with_one(s, say)    ? SENTENCE_SAY
           : starts_with_one(s, follow) ? SENTENCE_FOLLOW
           : starts_with_one(s, check)  ? SENTENCE_CHECK
           : starts_with_one(s, act)    ? SENTENCE_DO
                                        : SENTENCE_OTHER;
}

bool sentence_condition(struct str s, struct str *when, struct str *then)
{
    static const char *const ifs[] = {"if", "when", "unless", "in case", "for any other", NULL};
    s = str_trim(s);
    bool otherwise = sentence_starts(s, "otherwise") || sentence_starts(s, "else");
    if (!otherwise && !starts_with_one(s, ifs))
        return false;
    struct str rest = s, first;
    if (!sentence_next(&rest, &first))
        return false;
    ptrdiff_t comma = str_find(first, STR(", ")), colon = str_find(first, STR(": "));
    for (ptrdiff_t open = str_find(first, STR("("));
         comma >= 0 && open >= 0 && open < comma;) { /* commas in brackets are none */
        ptrdiff_t close = str_find(str_from(first, (size_t)open), STR(")"));
        if (close < 0 || open + close < comma)
            break;
        size_t behind = (size_t)(open + close);
        comma = str_find(str_from(first, behind), STR(", "));
        comma = comma < 0 ? -1 : comma + (ptrdiff_t)behind;
        open = -1;
    }
    ptrdiff_t cut = colon >= 0 && (comma < 0 || colon < comma) ? colon : comma;
    if (cut < 0 && rest.n) /* "When it rains it pours. ...": nothing to do */
        return false;
    *when = cut < 0 ? s : str_head(s, (size_t)cut);
    *then = cut < 0 ? STR_NONE : str_trim(str_from(s, (size_t)cut + 1));
    if (str_ends(*when, STR(":")) || str_ends(*when, STR(".")) || str_ends(*when, STR(",")))
        *when = str_head(*when, when->n - 1);
    if (sentence_starts(*when, "if") && when->n > 3)
        *when = str_trim(str_from(*when, 2));
    return true;
}

bool sentence_next(struct str *rest, struct str *sentence)
{
    *rest = str_trim(*rest);
    if (!rest->n)
        return false;
    size_t n = rest->n;
    for (size_t i = 1; i + 2 < rest->n; i++) {
        char next = rest->p[i + 2] == ' ' && i + 3 < rest->n ? rest->p[i + 3] : rest->p[i + 2];
        bool end = (rest->p[i] == '.' || rest->p[i] == '!' || rest->p[i] == '?') && rest->p[i + 1] == ' ';
        bool short_form = i > 1 && rest->p[i - 2] == '.'; /* e.g., i.e. */
        if (end && !short_form && next >= 'A' && next <= 'Z') {
            n = i + 1;
            break;
        }
    }
    *sentence = str_head(*rest, n);
    *rest = str_from(*rest, n);
    return true;
}

struct str sentence_name(struct arena *a, struct str s)
{
    static const char *const stop[] = {
        "ask",   "the",       "user",  "customer",     "them",  "they",  "their", "to",    "if",     "whether",
        "how",   "much",      "what",  "for",          "a",     "an",    "of",    "and",   "please", "is",
        "are",   "be",        "can",   "using",        "need",  "want",  "you",   "your",  "look",   "at",
        "check", "verify",    "try",   "again",        "run",   "rerun", "see",   "tell",  "it",     "its",
        "by",    "which",     "that",  "this",         "in",    "on",    "off",   "so",    "with",   "or",
        "guide", "have",      "has",   "gather",       "get",   "find",  "out",   "make",  "sure",   "should",
        "must",  "determine", "s",     "then",         "first", "about", "any",   "would", "like",   "do",
        "does",  "customers", "users", "specifically", NULL};
    struct str slug = draft_slug(a, s, 30), word;
    struct buf b = buf_new(a, 48);
    for (size_t words = 0; words < 3 && str_split(&slug, '_', &word);) {
        bool skip = false;
        for (const char *const *w = stop; *w && !skip; w++)
            skip = str_is(word, *w);
        if (skip)
            continue;
        if (words++)
            buf_addc(&b, '_');
        buf_add(&b, word);
    }
    return b.n ? draft_slug(a, buf_str(&b), 3) : STR("answer");
}
