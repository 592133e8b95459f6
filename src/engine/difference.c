#include "engine/difference.h"

#include "engine/difference_walk.h"

#include <stdio.h>
#include <string.h>

const char *difference_name(enum difference_kind what)
{
    static const char *const names[] = {"added", "removed", "changed", "moved"};
    return names[what];
}

void differences_write(const struct differences *d, struct json_writer *w)
{
    json_open(w, '[');
    for (size_t i = 0; i < d->n; i++) {
        json_open(w, '{');
        json_pair_str(w, "what", str_of(difference_name(d->items[i].what)));
        json_pair_str(w, "step", str_of(semver_step_name(d->items[i].step)));
        json_pair_str(w, "path", d->items[i].path);
        json_pair_str(w, "sentence", d->items[i].sentence);
        json_close(w, '}');
    }
    json_close(w, ']');
}

/* --- where it stands and what it found --- */

bool walk_in(struct walk *w, struct str name)
{
    if (w->depth == WALK_DEPTH_MAX)
        return false;
    w->at[w->depth++] = name;
    return true;
}

void walk_out(struct walk *w)
{
    w->depth--;
}

static struct str path_of(const struct walk *w)
{
    struct buf b = buf_new(w->a, 4000);
    for (size_t i = 0; i < w->depth; i++)
        buf_addf(&b, "%s%.*s", i ? "." : "", STR_ARG(w->at[i]));
    return buf_str(&b);
}

void walk_found(struct walk *w, enum difference_kind what, enum semver_step step, const char *format, ...)
{
    char words[300];
    va_list ap;
    va_start(ap, format);
    vsnprintf(words, sizeof words, format, ap);
    va_end(ap);
    if (w->n == w->size) {
        struct difference *more = ARENA_ARRAY(w->a, struct difference, w->size ? 2 * w->size : 32);
        if (w->n)
            memcpy(more, w->items, w->n * sizeof *more);
        w->items = more;
        w->size = w->size ? 2 * w->size : 32;
    }
    struct str path = path_of(w);
    w->items[w->n++] = (struct difference){
        .what = what, .step = step, .path = path, .sentence = str_f(w->a, "%.*s %s", STR_ARG(path), words)};
}

void walk_changed(struct walk *w, enum semver_step step, const struct json *old, const struct json *now)
{
    struct str from = json_text(w->a, old), to = json_text(w->a, now);
    if (from.n > 100 || to.n > 100)
        walk_found(w, DIFFERENCE_CHANGED, step, "changed");
    else
        walk_found(w, DIFFERENCE_CHANGED, step, "changed from %.*s to %.*s", STR_ARG(from), STR_ARG(to));
}

bool walk_has(const struct json *list, const struct json *value)
{
    for (const struct json *v = list ? list->child : NULL; v; v = v->next)
        if (json_same(v, value))
            return true;
    return false;
}

void walk_set(struct walk *w, const struct json *old, const struct json *now, enum semver_step added,
              enum semver_step removed)
{
    size_t n = w->n;
    for (const struct json *v = old->child; v; v = v->next)
        if (!walk_has(now, v))
            walk_found(w, DIFFERENCE_REMOVED, removed, "no longer has %.*s",
                       STR_ARG(str_head(json_text(w->a, v), 100)));
    for (const struct json *v = now->child; v; v = v->next)
        if (!walk_has(old, v))
            walk_found(w, DIFFERENCE_ADDED, added, "has %.*s more", STR_ARG(str_head(json_text(w->a, v), 100)));
    if (w->n == n && !json_same(old, now))
        walk_found(w, DIFFERENCE_MOVED, SEMVER_PATCH, "has another order");
}

/* --- the rules: the first row that fits a path --- */

enum how {
    DEEP,     /* member by member */
    STEP,     /* the same, of a routine's step */
    WORDS,    /* whatever lies below is wording */
    WAY,      /* whatever lies below, by `changed` as a whole: how it is done, not what is promised */
    RISES,    /* one of `words`, the least first: a later one is major */
    FALLS,    /* the same: an earlier one is major */
    GROWS,    /* a larger number is major */
    SHRINKS,  /* a smaller number is major */
    TEXT,     /* a macro's text: wording, but its blanks must be filled */
    SCHEMA,   /* arguments */
    SECTIONS, /* the text of instructions */
};

static const struct rule {
    const char *kind, *path; /* "*" is any one name, "**" at the end any number of them */
    enum semver_step added, removed, changed;
    enum how how;
    const char *words, *otherwise; /* otherwise: what a missing one means */
} rules[] = {
#define PROMISE SEMVER_MINOR, SEMVER_MAJOR, SEMVER_MINOR
#define STEPS   SEMVER_MINOR, SEMVER_MINOR, SEMVER_MINOR
#define PATCHES SEMVER_PATCH, SEMVER_PATCH, SEMVER_PATCH
#define TYPE    SEMVER_MAJOR, SEMVER_MAJOR, SEMVER_MAJOR
    {"*", "summary", PATCHES, WORDS},
    {"instructions", "text", PATCHES, SECTIONS},
    {"policies", "rules/*/text", PATCHES, WORDS},

    {"routines", "start_when", PATCHES, WORDS},
    {"routines", "not_when", PATCHES, WORDS},
    {"routines", "mode", STEPS, FALLS, "guide gate script", "gate"},
    {"routines", "steps/*/mode", STEPS, FALLS, "guide gate script"},
    {"routines", "steps/*", PROMISE, STEP},
    {"routines", "steps/*/confirm", PROMISE, DEEP},
    {"routines", "steps/*/requires/identity", PROMISE, SHRINKS},
    {"routines", "steps/*/requires/**", PROMISE, DEEP},
    {"routines", "requires/identity", PROMISE, SHRINKS},
    {"routines", "steps/*/note", PATCHES, WORDS},
    {"routines", "steps/*/*/note", PATCHES, WORDS},
    {"routines", "steps/*/say/text", PATCHES, WORDS},
    {"routines", "steps/*/*/**", STEPS, DEEP},

    {"macros", "texts/*/*", SEMVER_MINOR, SEMVER_MAJOR, SEMVER_PATCH, TEXT},

    {"tools", "title", PATCHES, WORDS},
    {"tools", "when", PATCHES, WORDS},
    {"tools", "when_not", PATCHES, WORDS},
    {"tools", "examples", PATCHES, WORDS},
    {"tools", "timeout_ms", PATCHES, WORDS},
    {"tools", "answer_bytes_max", PATCHES, WORDS},
    {"tools", "retry", PATCHES, WORDS},
    {"tools", "fresh_s", PATCHES, WORDS},
    {"tools", "confirm/expires_s", PATCHES, WORDS},
    {"tools", "effect", TYPE, RISES, "read action"},
    {"tools", "class", STEPS, RISES, "reversible costly irrevocable", "reversible"},
    {"tools", "confirm/by", STEPS, FALLS, "none customer staff", "customer"},
    {"tools", "idempotency/mode", PROMISE, FALLS, "key_per_attempt none natural key"},
    {"tools", "limits/*", SEMVER_MINOR, SEMVER_MAJOR, SEMVER_MINOR, GROWS},
    {"tools", "input", TYPE, SCHEMA},
    {"tools", "output/**/type", TYPE, DEEP},
    {"tools", "requires/identity", PROMISE, SHRINKS},
    {"tools", "on_partial", STEPS, WAY},
    {"tools", "http", STEPS, WAY},
    {"tools", "steps", STEPS, WAY},
    {"tools", "command", STEPS, WAY},
    {"tools", "memory_mib", PATCHES, WORDS},
    {"tools", "errors", STEPS, DEEP},
    {"tools", "errors/*", STEPS, DEEP},
    {"tools", "already_done", STEPS, DEEP},

    {"scratchpads", "slots/*/type", TYPE, DEEP},
    {"scratchpads", "slots/*/summary", PATCHES, WORDS},
    {"scratchpads", "slots/*/patterns", PATCHES, WORDS},
    {"scratchpads", "slots/*/values/*", SEMVER_MINOR, SEMVER_MAJOR, SEMVER_PATCH, WAY},

    {"agents", "budgets", PATCHES, WORDS},
    {"agents", "pin", STEPS, WAY},
    {"*", "**", PROMISE, DEEP},
};

/* Does the pattern's rest, from `p` on, fit the names from `i` on? */
static bool fits(const struct walk *w, const char *p, size_t i)
{
    while (*p) {
        size_t n = strcspn(p, "/");
        const char *rest = p[n] ? p + n + 1 : p + n;
        if (n == 2 && p[0] == '*' && p[1] == '*') {
            for (size_t skip = i; skip <= w->depth; skip++)
                if (fits(w, rest, skip))
                    return true;
            return false;
        }
        if (i == w->depth || (!(n == 1 && *p == '*') && !str_eq(w->at[i], (struct str){p, n})))
            return false;
        p = rest;
        i++;
    }
    return i == w->depth;
}

static const struct rule *rule_here(const struct walk *w)
{
    const struct rule *r = rules;
    while ((r->kind[0] != '*' && strcmp(r->kind, w->kind->folder) != 0) || !fits(w, r->path, 0))
        r++; /* the last one fits everything */
    return r;
}

/* --- comparing --- */

static void compare(struct walk *w, const struct json *old, const struct json *now);

static void compare_member(struct walk *w, struct str name, const struct json *old, const struct json *now)
{
    if (!walk_in(w, name))
        return;
    compare(w, old, now);
    walk_out(w);
}

static void compare_objects(struct walk *w, const struct json *old, const struct json *now)
{
    for (const struct json *m = old->child; m; m = m->next)
        if (!json_get(now, str_c(w->a, m->key)))
            compare_member(w, m->key, m, NULL);
    for (const struct json *m = now->child; m; m = m->next)
        compare_member(w, m->key, json_get(old, str_c(w->a, m->key)), m);
}

/* docs/ROUTINES.md. A step that says something may also end the routine, so exit is the last. */
static const char *verb_of(const struct json *step)
{
    static const char *const verbs[] = {"say",  "ask",  "call",         "decide",  "confirm", "act",
                                        "note", "goto", "call_routine", "handoff", "exit"};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (json_get(step, verbs[i]))
            return verbs[i];
    return "nothing";
}

static void compare_verbs(struct walk *w, const struct json *old, const struct json *now)
{
    const char *from = verb_of(old), *to = verb_of(now);
    if (strcmp(from, to) != 0)
        walk_found(w, DIFFERENCE_CHANGED, SEMVER_MINOR, "does %s instead of %s", to, from);
}

/* What an item of a list is found by, however the list is ordered: "" for nothing. */
static struct str identity(const struct json *item)
{
    static const char *const keys[] = {"id", "slot", "name"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (json_str(json_get(item, keys[i])).n)
            return json_str(json_get(item, keys[i]));
    return STR("");
}

static const struct json *identified(const struct json *list, struct str id)
{
    for (const struct json *v = list->child; v; v = v->next)
        if (str_eq(identity(v), id))
            return v;
    return NULL;
}

/* Has every item an identity of its own? */
static bool has_identities(const struct json *list)
{
    for (const struct json *v = list->child; v; v = v->next)
        if (!identity(v).n || identified(list, identity(v)) != v)
            return false;
    return true;
}

/* Those that are in both lists stand in another order. */
static bool reordered(const struct json *old, const struct json *now)
{
    const struct json *o = old->child;
    for (const struct json *v = now->child; v; v = v->next) {
        if (!identified(old, identity(v)))
            continue;
        while (o && !identified(now, identity(o)))
            o = o->next;
        if (!o || !str_eq(identity(o), identity(v)))
            return true;
        o = o->next;
    }
    return false;
}

static void compare_identified(struct walk *w, const struct json *old, const struct json *now)
{
    for (const struct json *v = old->child; v; v = v->next)
        if (!identified(now, identity(v)))
            compare_member(w, identity(v), v, NULL);
    for (const struct json *v = now->child; v; v = v->next)
        compare_member(w, identity(v), identified(old, identity(v)), v);
    if (reordered(old, now))
        walk_found(w, DIFFERENCE_MOVED, SEMVER_MINOR, "has another order");
}

static bool scalars(const struct json *list)
{
    for (const struct json *v = list->child; v; v = v->next)
        if (v->kind == JSON_OBJECT || v->kind == JSON_ARRAY)
            return false;
    return true;
}

static void compare_arrays(struct walk *w, const struct json *old, const struct json *now)
{
    const struct rule *r = rule_here(w);
    if (scalars(old) && scalars(now)) {
        walk_set(w, old, now, r->added, r->removed);
        return;
    }
    if (has_identities(old) && has_identities(now)) {
        compare_identified(w, old, now);
        return;
    }
    const struct json *o = old->child, *v = now->child;
    for (int i = 1; o || v; i++) {
        compare_member(w, str_f(w->a, "%d", i), o, v);
        o = o ? o->next : NULL;
        v = v ? v->next : NULL;
    }
}

/* -1 when it is none of the words. */
static int rank(const char *words, struct str word)
{
    struct str rest = str_of(words), one;
    for (int i = 0; str_split(&rest, ' ', &one); i++)
        if (str_eq(one, word))
            return i;
    return -1;
}

static void compare_ranks(struct walk *w, const struct rule *r, const struct json *old, const struct json *now)
{
    struct str from = old ? json_str(old) : str_of(r->otherwise), to = now ? json_str(now) : str_of(r->otherwise);
    int before = rank(r->words, from), after = rank(r->words, to);
    if (str_eq(from, to)) { /* only written out */
        walk_found(w, DIFFERENCE_CHANGED, SEMVER_PATCH, "is now %s", old ? "left to its default" : "written out");
        return;
    }
    bool worse = before < 0 || after < 0 || (r->how == RISES ? after > before : after < before);
    walk_found(w, DIFFERENCE_CHANGED, worse ? SEMVER_MAJOR : SEMVER_MINOR, "changed from %.*s to %.*s", STR_ARG(from),
               STR_ARG(to));
}

/* The next "{...}" of a macro's text from *at on. */
static bool blank(struct str text, size_t *at, struct str *out)
{
    ptrdiff_t open = str_find(str_from(text, *at), STR("{"));
    struct str rest = open < 0 ? STR_NONE : str_from(text, *at + (size_t)open + 1);
    ptrdiff_t close = str_find(rest, STR("}"));
    if (open < 0 || close < 0)
        return false;
    *out = str_trim(str_head(rest, (size_t)close));
    *at += (size_t)open + (size_t)close + 2;
    return true;
}

static bool has_blank(struct str text, struct str name)
{
    struct str one;
    for (size_t at = 0; blank(text, &at, &one);)
        if (str_eq(one, name))
            return true;
    return false;
}

static void compare_texts(struct walk *w, const struct rule *r, const struct json *old, const struct json *now)
{
    struct str name;
    walk_changed(w, r->changed, old, now);
    for (size_t at = 0; blank(json_str(now), &at, &name);)
        if (!has_blank(json_str(old), name))
            walk_found(w, DIFFERENCE_ADDED, SEMVER_MAJOR, "needs a value for {%.*s} now", STR_ARG(str_head(name, 100)));
}

static void compare_here(struct walk *w, const struct rule *r, const struct json *old, const struct json *now)
{
    bool numbers = json_is(old, JSON_NUMBER) && json_is(now, JSON_NUMBER);
    if (r->how == SCHEMA)
        walk_schema(w, old, now);
    else if (r->how == SECTIONS)
        walk_sections(w, json_str(old), json_str(now));
    else if (r->how == TEXT && json_is(old, JSON_STRING) && json_is(now, JSON_STRING))
        compare_texts(w, r, old, now);
    else if ((r->how == GROWS || r->how == SHRINKS) && numbers)
        walk_changed(w, (json_num(now, 0) > json_num(old, 0)) == (r->how == GROWS) ? SEMVER_MAJOR : SEMVER_MINOR, old,
                     now);
    else if (r->how == WORDS || r->how == WAY || old->kind != now->kind)
        walk_changed(w, r->changed, old, now);
    else if (now->kind == JSON_OBJECT) {
        if (r->how == STEP)
            compare_verbs(w, old, now);
        compare_objects(w, old, now);
    } else if (now->kind == JSON_ARRAY)
        compare_arrays(w, old, now);
    else
        walk_changed(w, r->changed, old, now);
}

/* One of both may be NULL. */
static void compare(struct walk *w, const struct json *old, const struct json *now)
{
    const struct rule *r = rule_here(w);
    if (old && now && json_same(old, now))
        return;
    if ((r->how == RISES || r->how == FALLS) && ((old && now) || r->otherwise))
        compare_ranks(w, r, old, now);
    else if (!old)
        walk_found(w, DIFFERENCE_ADDED, r->added, "was added");
    else if (!now)
        walk_found(w, DIFFERENCE_REMOVED, r->removed, "was removed");
    else
        compare_here(w, r, old, now);
}

/* --- what is promised by a routine as a whole: how it may end --- */

static void gather_outcomes(struct arena *a, const struct json *v, struct json *out)
{
    for (const struct json *c = v->child; c; c = c->next) {
        const struct json *outcome = json_is(c, JSON_OBJECT) ? json_get(c, "outcome") : c;
        if (str_is(c->key, "exit") && json_is(outcome, JSON_STRING) && !walk_has(out, outcome))
            json_push(out, json_new_str(a, outcome->text));
        gather_outcomes(a, c, out);
    }
}

static void compare_outcomes(struct walk *w, const struct json *old, const struct json *now)
{
    struct json *before = json_new(w->a, JSON_ARRAY), *after = json_new(w->a, JSON_ARRAY);
    gather_outcomes(w->a, old, before);
    gather_outcomes(w->a, now, after);
    for (const struct json *v = before->child; v; v = v->next)
        if (!walk_has(after, v))
            walk_found(w, DIFFERENCE_REMOVED, SEMVER_MAJOR, "can no longer end with %.*s", STR_ARG(v->text));
    for (const struct json *v = after->child; v; v = v->next)
        if (!walk_has(before, v))
            walk_found(w, DIFFERENCE_ADDED, SEMVER_MINOR, "can end with %.*s now", STR_ARG(v->text));
}

/* --- what an agent is composed of: names with exact versions --- */

static const struct json *same_name(const struct json *list, struct str name)
{
    for (const struct json *v = list ? list->child : NULL; v; v = v->next) {
        struct str rest = json_str(v), other;
        if (str_split(&rest, '@', &other) && str_eq(other, name))
            return v;
    }
    return NULL;
}

static void compare_versions(struct walk *w, struct str old, struct str now)
{
    struct semver from, to;
    ptrdiff_t at = str_find(old, STR("@")), to_at = str_find(now, STR("@"));
    enum semver_step step = SEMVER_MAJOR;
    if (at >= 0 && to_at >= 0 && semver_parse(str_from(old, (size_t)at + 1), &from, NULL) == 0 &&
        semver_parse(str_from(now, (size_t)to_at + 1), &to, NULL) == 0)
        step = semver_cmp(from, to) <= 0 ? semver_between(from, to) : semver_between(to, from);
    walk_found(w, DIFFERENCE_CHANGED, step, "went from %.*s to %.*s", STR_ARG(old), STR_ARG(now));
}

static void compare_kind(struct walk *w, const struct json *old, const struct json *now)
{
    size_t n = w->n;
    for (const struct json *v = old ? old->child : NULL; v; v = v->next) {
        struct str rest = json_str(v), name;
        str_split(&rest, '@', &name);
        const struct json *other = same_name(now, name);
        if (!other)
            walk_found(w, DIFFERENCE_REMOVED, SEMVER_MAJOR, "no longer has %.*s", STR_ARG(json_str(v)));
        else if (!json_same(v, other))
            compare_versions(w, json_str(v), json_str(other));
    }
    for (const struct json *v = now ? now->child : NULL; v; v = v->next) {
        struct str rest = json_str(v), name;
        str_split(&rest, '@', &name);
        if (!same_name(old, name))
            walk_found(w, DIFFERENCE_ADDED, SEMVER_MINOR, "has %.*s more", STR_ARG(json_str(v)));
    }
    if (w->n == n && old && now && !json_same(old, now))
        walk_found(w, DIFFERENCE_MOVED, SEMVER_PATCH, "has another order");
}

static void compare_compose(struct walk *w, const struct json *old, const struct json *now)
{
    for (size_t i = 0; i < MODULE_KINDS; i++) {
        const char *key = module_kinds[i].compose;
        if (!key || !walk_in(w, STR("compose")))
            continue;
        walk_in(w, str_of(key));
        compare_kind(w, json_get(old, key), json_get(now, key));
        walk_out(w);
        walk_out(w);
    }
}

static struct json *without_compose(struct arena *a, const struct json *agent)
{
    struct json *rest = json_new(a, JSON_OBJECT);
    for (const struct json *m = agent->child; m; m = m->next)
        if (!str_is(m->key, "compose"))
            json_set(rest, m->key, json_copy(a, m));
    return rest;
}

struct differences differences_of(struct arena *a, const struct module_kind *kind, const struct json *old,
                                  const struct json *now)
{
    struct walk w = {.a = a, .kind = kind};
    bool routine = strcmp(kind->folder, "routines") == 0;
    if (kind == module_agents) {
        compare_compose(&w, json_get(old, "compose"), json_get(now, "compose"));
        compare(&w, without_compose(a, old), without_compose(a, now));
    } else {
        compare(&w, old, now);
    }
    if (routine && walk_in(&w, STR("exit"))) {
        compare_outcomes(&w, old, now);
        walk_out(&w);
    }
    if (w.n == 0 && !json_same(old, now))
        walk_found(&w, DIFFERENCE_CHANGED, SEMVER_PATCH, "differs in the order of its parts");
    struct differences out = {.items = w.items, .n = w.n};
    for (size_t i = 0; i < w.n; i++)
        if (w.items[i].step > out.needed)
            out.needed = w.items[i].step;
    return out;
}
