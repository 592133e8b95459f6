#include "routine/markdown.h"

/* Without *, ` and the address of [text](address). */
static struct str plain(struct arena *a, struct str s)
{
    struct buf b = buf_new(a, s.n + 1);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '*' || s.p[i] == '`')
            continue;
        if (s.p[i] == ']' && i + 1 < s.n && s.p[i + 1] == '(') {
            ptrdiff_t end = str_find(str_from(s, i), STR(")"));
            ptrdiff_t open = str_find(str_head(s, i), STR("["));
            if (end > 0 && open >= 0) {
                i += (size_t)end;
                continue;
            }
        }
        if (s.p[i] == '[') {
            ptrdiff_t close = str_find(str_from(s, i), STR("]("));
            if (close > 0)
                continue;
        }
        buf_addc(&b, s.p[i]);
    }
    return str_trim(buf_str(&b));
}

/* The columns before the text. */
static size_t indentation(struct str line, size_t *bytes)
{
    size_t columns = 0, i = 0;
    for (; i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'); i++)
        columns += line.p[i] == '\t' ? 4 : 1;
    *bytes = i;
    return columns;
}

/* The bytes of a list's mark with the space behind it, or 0. */
static size_t item_mark(struct str s)
{
    size_t digits = 0;
    if (s.n > 2 && (s.p[0] == '-' || s.p[0] == '*' || s.p[0] == '+') && (s.p[1] == ' ' || s.p[1] == '\t'))
        return 2;
    while (digits < s.n && digits < 9 && s.p[digits] >= '0' && s.p[digits] <= '9')
        digits++;
    bool mark = digits && digits + 1 < s.n && (s.p[digits] == '.' || s.p[digits] == ')') && s.p[digits + 1] == ' ';
    return mark ? digits + 2 : 0;
}

static int heading_level(struct str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] == '#')
        n++;
    return n >= 1 && n <= 6 && n < s.n && s.p[n] == ' ' ? (int)n : 0;
}

static bool is_rule(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '-' && s.p[i] != '=' && s.p[i] != '_' && s.p[i] != '*' && s.p[i] != ' ')
            return false;
    return s.n >= 3;
}

static bool whole_bold(struct str s)
{
    return s.n > 4 && str_starts(s, STR("**")) && (str_ends(s, STR("**")) || str_ends(s, STR("**:"))) &&
           !str_has(str_head(str_from(s, 2), s.n - 5), STR("**"));
}

struct markdown *markdown_read(struct arena *a, struct str text)
{
    struct markdown *first = NULL, **end = &first, *open = NULL; /* open: what a line may go on with */
    bool fence = false;
    struct str line;
    for (size_t number = 1; str_split(&text, '\n', &line); number++) {
        size_t bytes = 0, columns = indentation(line, &bytes);
        struct str s = str_trim(line);
        if (str_starts(s, STR("```")) || str_starts(s, STR("~~~")))
            fence = !fence;
        if (fence || !s.n || is_rule(s) || str_starts(s, STR("```")) || str_starts(s, STR("~~~"))) {
            open = NULL;
            continue;
        }
        int level = heading_level(s);
        size_t mark = level ? 0 : item_mark(s);
        bool bold = whole_bold(s);
        if (open && !level && !mark && !bold && !open->bold) {
            open->text = str_f(a, "%.*s %.*s", STR_ARG(open->text), STR_ARG(plain(a, s)));
            continue;
        }
        struct markdown *b = ARENA_NEW(a, struct markdown);
        b->kind = level ? MARKDOWN_HEADING : mark ? MARKDOWN_ITEM : MARKDOWN_PARAGRAPH;
        b->level = level ? level : mark ? (int)columns : 0;
        b->bold = !level && !mark && bold;
        b->text = plain(a, str_from(s, level ? (size_t)level + 1 : mark));
        b->line = number;
        *end = b;
        end = &b->next;
        open = level ? NULL : b;
    }
    return first;
}
