#include "eval/rule.h"

#include "base/expr.h"
#include "base/text.h"
#include "eval/fields.h"

#include <stdarg.h>
#include <stdio.h>

enum { QUOTE_CHARS = 80, SENTENCE_BYTES_MAX = 600, RULES_MAX = 64 };

/* --- sentences --- */

static int decide(struct verdict *out, const struct trial *x, int score, int64_t seq, const char *format, va_list ap)
{
    char text[SENTENCE_BYTES_MAX];
    vsnprintf(text, sizeof text, format, ap);
    bool repaired; /* a sentence that was cut within a character */
    out->score = score;
    out->evidence_seq = seq;
    out->analysis = text_repair(x->arena, str_of(text), &repaired);
    return 0;
}

int rule_pass(struct verdict *out, const struct trial *x, int64_t seq, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int r = decide(out, x, VERDICT_PASS, seq, format, ap);
    va_end(ap);
    return r;
}

int rule_fail(struct verdict *out, const struct trial *x, int64_t seq, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int r = decide(out, x, VERDICT_FAIL, seq, format, ap);
    va_end(ap);
    return r;
}

int rule_unjudged(struct verdict *out, const struct trial *x, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int r = decide(out, x, VERDICT_UNJUDGED, 0, format, ap);
    va_end(ap);
    return r;
}

struct str rule_quote(struct arena *a, struct str text)
{
    struct str head = text_head(text, QUOTE_CHARS);
    bool repaired;
    head = text_repair(a, head, &repaired);
    return head.n < text.n ? str_f(a, "%.*s...", STR_ARG(head)) : head;
}

struct str rule_list(struct arena *a, const struct str *texts, size_t n)
{
    struct buf list = buf_new(a, SENTENCE_BYTES_MAX);
    for (size_t i = 0; i < n; i++)
        buf_addf(&list, "%s%.*s", i == 0 ? "" : i + 1 == n ? " or " : ", ", STR_ARG(texts[i]));
    return n ? buf_str(&list) : STR("a tool");
}

int rule_patterns(struct arena *a, const struct json *map, const char *key, struct pattern_list *out, struct err *e)
{
    const struct json *v = json_get(map, key);
    return v ? pattern_list_read(a, v, out, e) : 0;
}

/* --- each --- */

static int each_read(struct arena *a, const struct json *v, struct rule *r, struct err *e)
{
    static const char *const known[] = {"event", "that", NULL};
    struct str event;
    int bad = fields_check(v, known, e);
    if (bad == 0)
        bad = fields_text(v, "event", &event, e);
    if (bad == 0)
        bad = fields_text(v, "that", &r->that, e);
    if (bad)
        return bad;
    r->event = event_kind_of(event);
    if (r->event == EVENT_NONE)
        return err_set(e, ERR_INVALID, "line %u: no event is called %.*s", json_get(v, "event")->line, STR_ARG(event));
    bad = expr_check(r->that, e);
    return bad ? err_in(e, "line %u", json_get(v, "that")->line) : 0;
}

static int each_run(const struct rule *r, const struct trial *x, struct verdict *out, struct err *e)
{
    size_t seen = 0;
    for (size_t i = 0; i < x->t->events_n; i++) {
        const struct transcript_event *ev = &x->t->events[i];
        if (ev->kind != r->event)
            continue;
        struct json *holds;
        int bad = expr_eval(x->arena, r->that, ev->body, &holds, e);
        if (bad)
            return bad;
        if (!expr_true(holds))
            return rule_fail(out, x, ev->seq, "%s at %lld does not hold: %.*s.", event_name(ev->kind),
                             (long long)ev->seq, STR_ARG(r->that));
        seen++;
    }
    return rule_pass(out, x, 0, "%zu %s, and each holds: %.*s.", seen, event_name(r->event), STR_ARG(r->that));
}

/* --- all, any, not --- */

static int list_read(struct arena *a, const struct json *v, struct rule *r, struct err *e)
{
    if (!json_is(v, JSON_ARRAY) || v->n == 0 || v->n > RULES_MAX)
        return err_set(e, ERR_INVALID, "line %u: %s holds a list of 1 to %d rules", v->line, r->kind->name, RULES_MAX);
    r->children = ARENA_ARRAY(a, struct rule, v->n);
    for (const struct json *child = v->child; child; child = child->next) {
        int bad = rule_read(a, child, &r->children[r->children_n++], e);
        if (bad)
            return bad;
    }
    return 0;
}

static int not_read(struct arena *a, const struct json *v, struct rule *r, struct err *e)
{
    r->children = ARENA_NEW(a, struct rule);
    r->children_n = 1;
    return rule_read(a, v, r->children, e);
}

/* One child that decides is enough; otherwise one that could not be judged leaves the whole open. */
static int list_run(const struct rule *r, const struct trial *x, int deciding, struct verdict *out, struct err *e)
{
    struct verdict open = {0}, last = {0};
    bool is_open = false;
    for (size_t i = 0; i < r->children_n; i++) {
        int bad = rule_run(&r->children[i], x, &last, e);
        if (bad)
            return bad;
        if (last.score == deciding)
            break;
        if (last.score == VERDICT_UNJUDGED && !is_open) {
            open = last;
            is_open = true;
        }
    }
    *out = is_open && last.score != deciding ? open : last;
    return 0;
}

static int all_run(const struct rule *r, const struct trial *x, struct verdict *out, struct err *e)
{
    return list_run(r, x, VERDICT_FAIL, out, e);
}

static int any_run(const struct rule *r, const struct trial *x, struct verdict *out, struct err *e)
{
    return list_run(r, x, VERDICT_PASS, out, e);
}

static int not_run(const struct rule *r, const struct trial *x, struct verdict *out, struct err *e)
{
    int bad = rule_run(r->children, x, out, e);
    if (bad || out->score == VERDICT_UNJUDGED)
        return bad;
    out->score = out->score == VERDICT_PASS ? VERDICT_FAIL : VERDICT_PASS;
    return 0;
}

/* --- the kinds --- */

#define ROW(name) \
    { \
#name, rule_##name##_read, rule_##name##_run \
    }

static const struct rule_kind kinds[] = {
    ROW(called),
    ROW(not_called),
    ROW(at_most),
    ROW(order),
    ROW(confirmed),
    ROW(end_state),
    ROW(reply_length),
    ROW(replies),
    ROW(claims),
    {"each", each_read, each_run},
    {"all", list_read, all_run},
    {"any", list_read, any_run},
    {"not", not_read, not_run},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

int rule_read(struct arena *a, const struct json *v, struct rule *out, struct err *e)
{
    const char *names[KINDS + 1] = {NULL};
    for (size_t i = 0; i < KINDS; i++)
        names[i] = kinds[i].name;
    int r = fields_check(v, names, e);
    if (r)
        return r;
    if (v->n != 1)
        return err_set(e, ERR_INVALID, "line %u: a rule has one kind, here are %u; join rules with all or any", v->line,
                       v->n);
    for (size_t i = 0; i < KINDS; i++)
        if (str_is(v->child->key, names[i]))
            out->kind = &kinds[i];
    return out->kind->read(a, v->child, out, e);
}

int rule_run(const struct rule *r, const struct trial *x, struct verdict *out, struct err *e)
{
    return r->kind->run(r, x, out, e);
}
