#include "engine/instructions.h"

const char *const instruction_sections[] = {"Role", "Must", "Must not", "Style", "Output", "Escalate when", NULL};

bool instruction_heading(struct str line, struct str *words)
{
    size_t marks = 0;
    while (marks < line.n && line.p[marks] == '#')
        marks++;
    if (marks < 1 || marks > 2 || marks == line.n || line.p[marks] != ' ')
        return false;
    *words = str_trim(str_from(line, marks));
    return words->n > 0;
}

static bool is_item(struct str line)
{
    size_t digits = 0;
    while (digits < line.n && line.p[digits] >= '0' && line.p[digits] <= '9')
        digits++;
    return str_starts(line, STR("- ")) || str_starts(line, STR("* ")) ||
           (digits && str_starts(str_from(line, digits), STR(". ")));
}

/* "Must not" is must_not. */
static struct str slug(struct arena *a, struct str words)
{
    struct buf b = buf_new(a, words.n + 1);
    for (size_t i = 0; i < words.n; i++) {
        char c = words.p[i];
        buf_addc(&b, c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c == ' ' ? '_' : c);
    }
    return buf_str(&b);
}

static struct str name_piece(struct arena *a, struct instructions *in)
{
    if (str_is(in->section, "must"))
        return str_f(a, "M%d", ++in->must);
    if (str_is(in->section, "must_not"))
        return str_f(a, "N%d", ++in->must_not);
    return str_f(a, "%.*s%sp%d", STR_ARG(in->section), in->section.n ? "." : "", ++in->places);
}

/* The bytes of the first line with its end. */
static size_t line_bytes(struct str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] != '\n')
        n++;
    return n + (n < s.n);
}

/* What follows the first line and belongs to it: the lines up to an empty one, an item or a heading; then empty lines. */
static size_t piece_bytes(struct str s, bool heading)
{
    size_t n = line_bytes(s);
    bool ended = heading || !str_trim(str_head(s, n)).n;
    struct str words;
    while (n < s.n) {
        struct str line = str_head(str_from(s, n), line_bytes(str_from(s, n)));
        bool empty = !str_trim(line).n;
        if (!empty && (ended || is_item(line) || instruction_heading(line, &words)))
            break;
        ended |= empty;
        n += line.n;
    }
    return n;
}

bool instructions_next(struct arena *a, struct instructions *in, struct instruction *out)
{
    struct str words;
    if (!in->rest.n)
        return false;
    bool heading = instruction_heading(str_head(in->rest, line_bytes(in->rest)), &words);
    if (heading) {
        in->section = slug(a, words);
        in->places = 0;
    }
    *out = (struct instruction){.text = str_head(in->rest, piece_bytes(in->rest, heading)), .heading = heading};
    out->anchor = heading ? in->section : name_piece(a, in);
    in->rest = str_from(in->rest, out->text.n);
    return true;
}
