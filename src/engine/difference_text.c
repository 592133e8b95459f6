/* difference: the text of instructions. See engine/difference_walk.h.
 *
 * A section is a heading and the lines up to the next one. Its rules are the lines that begin with "- "; what is indented
 * behind one belongs to it. Rules of Must and Must not are known by their numbers (M1, ...), so fewer of them is major. */
#include "engine/difference_walk.h"

struct section {
    struct str name; /* "" before the first heading */
    struct str body;
};

static struct str heading(struct str line)
{
    size_t n = 0;
    while (n < line.n && line.p[n] == '#')
        n++;
    return n && n < line.n && line.p[n] == ' ' ? str_trim(str_from(line, n)) : STR_NONE;
}

/* Cuts the next section off `rest`; false when none is left. */
static bool section_next(struct str *rest, struct section *out)
{
    if (!rest->n)
        return false;
    struct str after = *rest, line;
    *out = (struct section){.name = STR(""), .body = {rest->p, 0}};
    for (bool first = true; after.p; first = false) {
        struct str before = after;
        str_split(&after, '\n', &line);
        struct str name = heading(line);
        if (name.n && !first) {
            *rest = before;
            out->body = str_trim(out->body);
            return true;
        }
        if (name.n) {
            out->name = name;
            out->body.p = after.p ? after.p : line.p + line.n;
        } else {
            out->body.n = (size_t)(line.p + line.n - out->body.p);
        }
    }
    *rest = STR_NONE;
    out->body = str_trim(out->body);
    return true;
}

static bool section_find(struct str text, struct str name, struct section *out)
{
    while (section_next(&text, out))
        if (str_eq(out->name, name))
            return true;
    return false;
}

static size_t rules_n(struct str body)
{
    size_t n = 0;
    struct str line;
    while (str_split(&body, '\n', &line))
        n += str_starts(line, STR("- "));
    return n;
}

/* A line's first words, for the sentence. */
static struct str words_of(struct str line)
{
    return str_whole(line, 90);
}

static bool has_line(struct str body, struct str line)
{
    struct str one;
    while (str_split(&body, '\n', &one))
        if (str_eq(str_trim(one), str_trim(line)))
            return true;
    return false;
}

/* The lines that are in one body and not in the other. */
static void lines(struct walk *w, enum difference_kind what, struct str body, struct str other)
{
    struct str line;
    while (str_split(&body, '\n', &line))
        if (str_trim(line).n && !has_line(other, line))
            walk_found(w, what, SEMVER_PATCH, "%s: %.*s", what == DIFFERENCE_ADDED ? "says" : "no longer says",
                       STR_ARG(words_of(str_trim(line))));
}

static void section(struct walk *w, const struct section *old, const struct section *now)
{
    size_t before = rules_n(old->body), after = rules_n(now->body), n = w->n;
    bool numbered = str_is(now->name, "Must") || str_is(now->name, "Must not");
    lines(w, DIFFERENCE_REMOVED, old->body, now->body);
    lines(w, DIFFERENCE_ADDED, now->body, old->body);
    if (before != after)
        walk_found(w, DIFFERENCE_CHANGED,
                   after > before ? SEMVER_MINOR
                   : numbered     ? SEMVER_MAJOR
                                  : SEMVER_PATCH,
                   "has %zu rules instead of %zu", after, before);
    if (w->n == n)
        walk_found(w, DIFFERENCE_MOVED, SEMVER_PATCH, "has another order or layout");
}

void walk_sections(struct walk *w, struct str old, struct str now)
{
    struct section s, other;
    for (struct str rest = old; section_next(&rest, &s);)
        if (!section_find(now, s.name, &other) && walk_in(w, s.name.n ? s.name : STR("beginning"))) {
            walk_found(w, DIFFERENCE_REMOVED, SEMVER_MAJOR, "was removed");
            walk_out(w);
        }
    for (struct str rest = now; section_next(&rest, &s);) {
        bool there = section_find(old, s.name, &other);
        if ((there && str_eq(other.body, s.body)) || !walk_in(w, s.name.n ? s.name : STR("beginning")))
            continue;
        if (there)
            section(w, &other, &s);
        else
            walk_found(w, DIFFERENCE_ADDED, SEMVER_MINOR, "was added");
        walk_out(w);
    }
}
