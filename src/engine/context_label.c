#include "engine/context.h"

#include <string.h>

enum { PIECE_BYTES_MAX = 1 << 24 };

/* Labels of the prompt that is being gone through. */
struct labelling {
    struct arena *a;
    const struct conversation *c;
    const struct event *events;
    struct spans spans;
};

static struct label event_label(const struct labelling *l, int64_t seq)
{
    return (struct label){.kind = STR("event"),
                          .name = str_of(event_name(l->events[seq - 1].kind)),
                          .anchor = str_f(l->a, "%lld", (long long)seq)};
}

static void label_transcript(struct labelling *l, size_t from, size_t bytes)
{
    const struct messages *m = &l->c->messages;
    l->spans.part = PROMPT_TRANSCRIPT;
    for (size_t i = 0; i < m->marks_n; i++) {
        struct label label = event_label(l, m->marks[i].seq);
        spans_to(&l->spans, from + m->marks[i].from, NULL);
        spans_to(&l->spans, from + m->marks[i].to, &label);
    }
    spans_to(&l->spans, from + bytes, NULL);
}

/* --- the state block --- */

static struct label state_label(struct labelling *l, const char *in, struct str name)
{
    struct str anchor = str_f(l->a, "%s%.*s", in, STR_ARG(name));
    return (struct label){.kind = STR("runtime"), .name = STR("state"), .anchor = anchor};
}

/* A value that an event brought is that event's; the rest the runtime keeps count of. */
static struct label slot_label(struct labelling *l, struct str slot)
{
    const struct slot_value *v = l->c->slots;
    while (v && !str_eq(v->slot, slot))
        v = v->next;
    return v && v->evidence > 0 && v->evidence <= l->c->seq ? event_label(l, v->evidence)
                                                            : state_label(l, "slot.", slot);
}

static struct label tool_label(struct labelling *l, struct str tool)
{
    const struct fact *f = conversation_fact(l->c, tool);
    return f && f->seq > 0 ? event_label(l, f->seq) : state_label(l, "tool.", tool);
}

static struct label member_label(struct labelling *l, struct str name)
{
    if (str_is(name, "proposal") && l->c->proposal.state != PROPOSAL_NONE)
        return event_label(l, l->c->proposal.seq);
    return state_label(l, "", name);
}

/* How long the text is in a JSON string. */
static size_t escaped_bytes(struct arena *a, struct str text)
{
    struct buf b = buf_new(a, PIECE_BYTES_MAX);
    json_escape(&b, text);
    return b.n;
}

static void label_text(struct labelling *l, struct str text, const struct label *label)
{
    spans_to(&l->spans, l->spans.end + escaped_bytes(l->a, text), label);
}

static struct str key_of(struct arena *a, const struct json *m)
{
    struct json key = {.kind = JSON_STRING, .text = m->key};
    return str_f(a, "%.*s:", STR_ARG(json_text(a, &key)));
}

static void label_member(struct labelling *l, const struct json *m, struct label label)
{
    label_text(l, key_of(l->a, m), &label);
    label_text(l, json_text(l->a, m), &label);
}

/* The object of slots or of tools' results, whose members came at different times. */
static void label_members(struct labelling *l, const struct json *of,
                          struct label (*label)(struct labelling *, struct str))
{
    struct label own = state_label(l, "", of->key);
    label_text(l, key_of(l->a, of), &own);
    label_text(l, STR("{"), &own);
    for (const struct json *m = of->child; m; m = m->next) {
        if (m != of->child)
            label_text(l, STR(","), NULL);
        label_member(l, m, label(l, m->key));
    }
    label_text(l, STR("}"), &own);
}

static void label_state(struct labelling *l, const struct context *x, int64_t now_us)
{
    const struct json *root = context_state(l->a, l->c, now_us);
    size_t end = l->spans.end + x->state.n;
    ptrdiff_t head = str_find(x->state, STR("\\n{"));
    l->spans.part = PROMPT_STATE;
    spans_to(&l->spans, l->spans.end + (size_t)head + 2, NULL);
    label_text(l, STR("{"), NULL);
    for (const struct json *m = root->child; m; m = m->next) {
        if (m != root->child)
            label_text(l, STR(","), NULL);
        if (str_is(m->key, "slot") && json_is(m, JSON_OBJECT))
            label_members(l, m, slot_label);
        else if (str_is(m->key, "tool") && json_is(m, JSON_OBJECT))
            label_members(l, m, tool_label);
        else
            label_member(l, m, member_label(l, m->key));
    }
    spans_to(&l->spans, end, NULL);
}

void context_label(struct arena *a, const struct conversation *c, const struct event *events, int64_t now_us,
                   struct context *x)
{
    struct labelling l = {.a = a, .c = c, .events = events, .spans = {.arena = a}};
    const struct agent *ag = c->agent;
    l.spans.list = ARENA_ARRAY(a, struct span, ag->spans_n + 64);
    l.spans.n = ag->spans_n;
    l.spans.size = ag->spans_n + 64;
    memcpy(l.spans.list, ag->spans, ag->spans_n * sizeof *ag->spans);
    l.spans.end = x->tools.n + 1 + x->shared.n;
    label_transcript(&l, l.spans.end, x->transcript.n);
    label_state(&l, x, now_us);
    x->spans = l.spans.list;
    x->spans_n = l.spans.n;
}

struct str context_bytes(struct arena *a, const struct context *x)
{
    struct buf b = buf_new(a, x->bytes);
    buf_add(&b, x->tools);
    buf_addc(&b, '\n');
    buf_add(&b, x->shared);
    buf_add(&b, x->transcript);
    buf_add(&b, x->state);
    return buf_str(&b);
}
