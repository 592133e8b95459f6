/* JSON Schema's patterns are ECMA-262's with its `u` flag. Here one is rewritten as a pattern of base/regex.h that means
 * the same, or refused: what only PCRE2 knows would pass in silence where other readers of the schema differ. */
#include "base/schema_words.h"

#include "base/regex.h"

#include <string.h>

#define SPACES \
    "\\t\\n\\x0b\\f\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}"

struct rewriting {
    struct str rest; /* of the pattern */
    struct buf out;
    struct err *e;
    bool in_class;
};

static int refuse(struct rewriting *w, int code, struct str part, const char *why)
{
    return err_set(w->e, code, "the pattern has %.*s, %s", STR_ARG(part), why);
}

static int not_ecma(struct rewriting *w, struct str part)
{
    return refuse(w, ERR_INVALID, part, "which JSON Schema's patterns (ECMA-262) do not know");
}

static int copy(struct rewriting *w, size_t n)
{
    buf_add(&w->out, str_head(w->rest, n));
    w->rest = str_from(w->rest, n);
    return 0;
}

static int put(struct rewriting *w, size_t taken, const char *text)
{
    buf_adds(&w->out, text);
    w->rest = str_from(w->rest, taken);
    return 0;
}

/* General categories have long names in ECMA-262 and short ones in PCRE2. */
static const struct {
    const char *name, *brief;
} categories[] = {
    {"Letter", "L"},
    {"Cased_Letter", "L&"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Combining_Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Other", "C"},
    {"Control", "Cc"},
    {"cntrl", "Cc"},
    {"Format", "Cf"},
    {"Surrogate", "Cs"},
    {"Private_Use", "Co"},
    {"Unassigned", "Cn"},
};

static int property(struct rewriting *w)
{
    ptrdiff_t end = str_find(w->rest, STR("}"));
    if (w->rest.n < 4 || w->rest.p[2] != '{' || end < 0)
        return not_ecma(w, str_head(w->rest, 2));
    struct str name = {w->rest.p + 3, (size_t)end - 3};
    static const char *const prefixes[] = {"General_Category=", "gc="};
    for (size_t i = 0; i < 2; i++)
        if (str_starts(name, str_of(prefixes[i])))
            name = str_from(name, strlen(prefixes[i]));
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
        if (str_is(name, categories[i].name))
            name = str_of(categories[i].brief);
    if (!regex_match(STR("^[A-Za-z_]+(=[A-Za-z_]+)?&?$"), name)) /* PCRE2 would take ^L as a negation */
        return not_ecma(w, str_head(w->rest, (size_t)end + 1));
    buf_addf(&w->out, "%.*s{%.*s}", 2, w->rest.p, STR_ARG(name));
    w->rest = str_from(w->rest, (size_t)end + 1);
    return 0;
}

static int hex(struct str s, size_t digits)
{
    int n = 0;
    for (size_t i = 0; i < digits; i++) {
        char c = i < s.n ? s.p[i] : 0;
        const char *all = "0123456789abcdef", *hit = c ? strchr(all, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;
        if (!hit)
            return -1;
        n = n * 16 + (int)(hit - all);
    }
    return n;
}

/* \u{1F600}, \u00e9, \ud83d\ude00 */
static int code_point(struct rewriting *w)
{
    struct str s = w->rest;
    ptrdiff_t end = str_starts(s, STR("\\u{")) ? str_find(s, STR("}")) : -1;
    size_t n = 6;
    int c = -1;
    if (end > 3 && end < 12) {
        c = hex(str_from(s, 3), (size_t)end - 3);
        n = (size_t)end + 1;
    } else if ((c = hex(str_from(s, 2), 4)) >= 0xd800 && c < 0xdc00 && str_starts(str_from(s, 6), STR("\\u"))) {
        int low = hex(str_from(s, 8), 4);
        c = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : -1;
        n = 12;
    }
    if (c < 0 || c > 0x10ffff)
        return not_ecma(w, STR("\\u without its digits"));
    if (c >= 0xd800 && c < 0xe000)
        return refuse(w, ERR_UNSUPPORTED, str_head(s, n), "half of a character, which no text of ours has");
    buf_addf(&w->out, "\\x{%x}", (unsigned)c);
    w->rest = str_from(s, n);
    return 0;
}

static int escape(struct rewriting *w)
{
    struct str s = w->rest;
    char c = s.n > 1 ? s.p[1] : 0, after = s.n > 2 ? s.p[2] : 0;
    struct str both = str_head(s, 2);
    bool digit_after = after >= '0' && after <= '9';
    switch (c) {
    case 'v': return put(w, 2, "\\x0b");
    case 's': return put(w, 2, w->in_class ? SPACES : "[" SPACES "]");
    case 'S':
        return w->in_class ? refuse(w, ERR_UNSUPPORTED, both, "which is not supported inside [ ]")
                           : put(w, 2, "[^" SPACES "]");
    case 'p':
    case 'P': return property(w);
    case 'u': return code_point(w);
    case 'x': return hex(str_from(s, 2), 2) < 0 ? not_ecma(w, both) : copy(w, 4);
    case 'c': return (after | 0x20) >= 'a' && (after | 0x20) <= 'z' ? copy(w, 3) : not_ecma(w, both);
    case '0': return digit_after ? not_ecma(w, both) : put(w, 2, "\\x00");
    case 'k': return refuse(w, ERR_UNSUPPORTED, both, "a reference to a group, which is not supported");
    case 'B': return w->in_class ? not_ecma(w, both) : copy(w, 2);
    default: break;
    }
    if (c >= '1' && c <= '9')
        return refuse(w, ERR_UNSUPPORTED, both, "a reference to a group, which is not supported");
    bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c <= ' ' || c == 127;
    if (word && (!c || !strchr("dDwWbfnrt", c)))
        return not_ecma(w, c ? both : STR("\\ before nothing that it could mean"));
    return copy(w, 2);
}

static int class(struct rewriting *w)
{
    if (str_starts(w->rest, STR("[]")))
        return put(w, 2, "(?!)");
    if (str_starts(w->rest, STR("[^]")))
        return put(w, 3, "[\\x{0}-\\x{10ffff}]");
    copy(w, str_starts(w->rest, STR("[^")) ? 2 : 1);
    int r = 0;
    w->in_class = true;
    while (r == 0 && w->rest.n && w->rest.p[0] != ']')
        r = w->rest.p[0] == '\\' ? escape(w) : w->rest.p[0] == '[' ? put(w, 1, "\\[") : copy(w, 1);
    w->in_class = false;
    return r < 0 || !w->rest.n ? r : copy(w, 1);
}

static int group(struct rewriting *w)
{
    static const char *const heads[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (str_starts(w->rest, str_of(heads[i])))
            return copy(w, strlen(heads[i]));
    if (str_starts(w->rest, STR("(?<")) && w->rest.n > 3 && w->rest.p[3] != '>')
        return copy(w, 3);
    if (str_starts(w->rest, STR("(?")) || str_starts(w->rest, STR("(*")))
        return not_ecma(w, str_head(w->rest, 3));
    return copy(w, 1);
}

/* A quantifier, with the ? that makes it lazy; 0 where there is none. */
static size_t quantifier(struct str s)
{
    size_t n = s.n && strchr("*+?", s.p[0]) && s.p[0] ? 1 : 0;
    if (str_starts(s, STR("{"))) {
        size_t i = 1, digits = 0;
        for (; i < s.n && ((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] == ',' && digits && !memchr(s.p, ',', i))); i++)
            digits++;
        n = digits && i < s.n && s.p[i] == '}' ? i + 1 : 0;
    }
    return n && n < s.n && s.p[n] == '?' ? n + 1 : n;
}

static int rewrite(struct rewriting *w)
{
    int r = 0;
    while (r == 0 && w->rest.n) {
        size_t n = quantifier(w->rest);
        switch (n ? 0 : w->rest.p[0]) {
        case 0:
            copy(w, n ? n : 1);
            if (n && quantifier(w->rest)) /* a++ is PCRE2's */
                r = not_ecma(w, STR("two quantifiers in a row"));
            break;
        case '\\': r = escape(w); break;
        case '[': r = class(w); break;
        case '(': r = group(w); break;
        case '{': r = put(w, 1, "\\{"); break;
        case '.': r = put(w, 1, "[^\\n\\r\\x{2028}\\x{2029}]"); break;
        default: r = copy(w, 1);
        }
    }
    return r;
}

int pattern_check(struct str pattern, struct err *e)
{
    struct rewriting w = {.rest = pattern, .out = buf_new(NULL, REGEX_BYTES_MAX + 1), .e = e};
    int r = rewrite(&w);
    if (r == 0 && regex_check(buf_str(&w.out), e) < 0) {
        bool ours = str_has(pattern, STR("(?<")) || str_has(pattern, STR("\\p")) || str_has(pattern, STR("\\P"));
        r = ours ? ERR_UNSUPPORTED
                 : ERR_INVALID; /* looking behind without a length; a script that PCRE2 does not know */
    }
    buf_free(&w.out);
    return r;
}

int pattern_try(struct str pattern, struct str text)
{
    struct rewriting w = {.rest = pattern, .out = buf_new(NULL, REGEX_BYTES_MAX + 1)};
    int r = rewrite(&w);
    if (r == 0)
        r = regex_try(buf_str(&w.out), text);
    buf_free(&w.out);
    return r;
}
