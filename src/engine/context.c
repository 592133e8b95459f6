#include "engine/context.h"

#include "base/clock.h"

#include <string.h>

enum { STATE_BYTES_MAX = 1 << 23 };

static const char state_head[] = "State of this conversation, kept by the runtime:\n";

static struct str default_of(const struct json *slot)
{
    return json_str(json_get(slot, "default"));
}

/* What counts is a number to expressions and tools. */
static struct json *value_json(struct arena *a, struct str type, struct str value)
{
    struct json *number;
    bool counts = str_is(type, "integer") || str_is(type, "number") || str_is(type, "money");
    if (counts && json_parse(a, value, &number, NULL) == 0 && number->kind == JSON_NUMBER)
        return number;
    return json_new_str(a, value);
}

static void add_slots(struct arena *a, const struct conversation *c, struct json *root)
{
    struct json *values = json_new(a, JSON_OBJECT), *statuses = json_new(a, JSON_OBJECT);
    for (const struct json *s = c->agent->slots->child; s; s = s->next) {
        struct str name = json_str(json_get(s, "slot"));
        const struct slot_value *v = c->slots;
        while (v && !str_eq(v->slot, name))
            v = v->next;
        if (!v && !default_of(s).n)
            continue;
        json_set(values, name, value_json(a, json_str(json_get(s, "type")), v ? v->value : default_of(s)));
        json_set(statuses, name, json_new_str(a, v ? v->status : STR("default")));
    }
    json_set(root, STR("slot"), values);
    json_set(root, STR("slot_status"), statuses);
}

static struct json *parsed(struct arena *a, struct str text)
{
    struct json *v;
    return text.n && json_parse(a, text, &v, NULL) == 0 ? v : json_new(a, JSON_NULL);
}

static void add_facts(struct arena *a, const struct conversation *c, struct json *root)
{
    struct json *results = json_new(a, JSON_OBJECT), *classes = json_new(a, JSON_OBJECT);
    for (size_t i = 0; i < c->agent->tools_n; i++) {
        struct str name = c->agent->tools[i].name;
        const struct fact *f = conversation_fact(c, name);
        if (!f)
            continue;
        if (f->result.n &&
            c->agent->tools[i].fresh_us) /* others stand in the transcript only: kept once, cached well */
            json_set(results, name, parsed(a, f->result));
        json_set(classes, name, json_new_str(a, f->class));
    }
    json_set(root, STR("tool"), results);
    json_set(root, STR("tool_class"), classes);
}

static struct json *proposal_json(struct arena *a, const struct conversation *c, int64_t now_us)
{
    const struct proposal *p = &c->proposal;
    if (p->state == PROPOSAL_NONE)
        return json_new(a, JSON_NULL);
    struct json *o = json_new(a, JSON_OBJECT);
    bool expired = p->state == PROPOSAL_ASKED && now_us > p->expires_us;
    json_set(o, STR("id"), json_new_int(a, p->seq));
    json_set(o, STR("tool"), json_new_str(a, p->tool));
    json_set(o, STR("args"), parsed(a, p->args));
    json_set(o, STR("state"), json_new_str(a, expired ? STR("expired") : str_of(proposal_state_name(p->state))));
    json_set(o, STR("times"), json_new_int(a, counter_get(c->proposed, p->tool)));
    if (p->result.n)
        json_set(o, STR("result"), parsed(a, p->result));
    return o;
}

static struct json *name_or_null(struct arena *a, struct str s)
{
    return s.n ? json_new_str(a, s) : json_new(a, JSON_NULL);
}

/* Where the routines stand, who leads, and what the runtime wants of the model. */
static void add_course(struct arena *a, const struct conversation *c, struct json *root)
{
    const struct course *k = &c->course;
    json_set(root, STR("routine"), name_or_null(a, course_routine(k)));
    json_set(root, STR("step"), name_or_null(a, course_place(k)));
    const struct routine *r = routine_find(&c->agent->book, course_routine(k));
    const struct routine_step *s = r ? routine_step(r, course_place(k)) : NULL;
    if (r)
        json_set(root, STR("mode"), json_new_str(a, str_of(routine_mode_name(s ? s->mode : r->steps->mode))));
    struct json *below = json_new(a, JSON_ARRAY), *wanted = json_new(a, JSON_OBJECT);
    for (size_t i = 0; i + 1 < k->frames_n; i++) {
        struct json *frame = json_new(a, JSON_OBJECT);
        json_set(frame, STR("routine"), json_new_str(a, k->frames[i].routine));
        json_set(frame, STR("step"), json_new_str(a, k->frames[i].step));
        json_push(below, frame);
    }
    if (below->n)
        json_set(root, STR("stack"), below);
    if (k->phrase.n) {
        json_set(wanted, STR("how"), json_new_str(a, k->phrase));
        if (k->draft.n)
            json_set(wanted, STR("draft"), json_new_str(a, k->draft));
        json_set(root, STR("phrase"), wanted);
    } else if (k->judge.n) {
        json_set(wanted, STR("condition"), json_new_str(a, k->judge_text));
        json_set(root, STR("judge"), wanted);
    }
}

struct json *context_state(struct arena *a, const struct conversation *c, int64_t now_us)
{
    struct json *root = json_new(a, JSON_OBJECT), *asked = json_new(a, JSON_OBJECT), *left = json_new(a, JSON_OBJECT),
                *session = json_new(a, JSON_OBJECT);
    json_set(root, STR("time"), json_new_str(a, clock_iso(a, now_us)));
    json_set(root, STR("date"), json_new_str(a, clock_date(a, now_us)));
    json_set(root, STR("language"), json_new_str(a, c->language));
    add_course(a, c, root);
    add_slots(a, c, root);
    add_facts(a, c, root);
    for (const struct counter *k = c->asked; k; k = k->next)
        json_set(asked, k->name, json_new_int(a, k->n));
    json_set(root, STR("asked"), asked);
    json_set(root, STR("proposal"), proposal_json(a, c, now_us));
    if (c->memory.n)
        json_set(root, STR("memory"), parsed(a, c->memory));
    json_set(session, STR("customer"), json_new_str(a, c->customer));
    json_set(session, STR("identity"), json_new_int(a, c->identity));
    json_set(root, STR("session"), session);
    int before = c->turn.model_calls - (c->turn.at == TURN_MODEL); /* the call under way sees what was left before it */
    json_set(left, STR("model_calls"), json_new_int(a, c->agent->budgets.model_calls - before));
    json_set(left, STR("tool_calls"), json_new_int(a, c->agent->budgets.tool_calls - c->turn.tool_calls));
    json_set(root, STR("left"), left);
    return root;
}

struct context context_make(struct arena *a, const struct conversation *c, int64_t now_us)
{
    struct buf inner = buf_new(a, STATE_BYTES_MAX), outer = buf_new(a, 2 * STATE_BYTES_MAX);
    struct json_writer w = {.out = &inner};
    json_put(&w, context_state(a, c, now_us));
    buf_adds(&outer, ",{\"role\":\"system\",\"content\":\"");
    json_escape(&outer, str_of(state_head));
    json_escape(&outer, buf_str(&inner));
    buf_adds(&outer, "\"}");
    struct context x = {.tools = c->agent->tools_json,
                        .shared = c->agent->shared,
                        .transcript = buf_str(&c->messages.text),
                        .state = buf_str(&outer)};
    sha256_state s = c->messages.sha; /* the prefix is hashed already: only the state block is new */
    sha256_add(&s, x.state);
    x.sha = sha256_end(&s);
    x.bytes = x.tools.n + 1 + x.shared.n + x.transcript.n + x.state.n;
    return x;
}

int context_verify(struct agent_source agents, const struct event *events, size_t n, struct context_check *check,
                   struct err *e)
{
    struct conversation *c;
    int r = conversation_unfold(agents, events, n, &c, e);
    if (r < 0)
        return r;
    struct arena *a = arena_new("verify", 65536);
    struct str before = STR_NONE; /* the last prompt's transcript, copied: the buffer moves as it grows */
    for (size_t i = 0; i < n && r == 0; i++) {
        if (events[i].kind == EVENT_MODEL_ASKED) {
            struct context x = context_make(a, c, events[i].at_us);
            struct json *body;
            if ((r = json_parse(a, events[i].body, &body, e)) < 0)
                break;
            bool same = str_eq(json_str(json_get(body, "prompt_sha")), hash_hex(a, x.sha.b, SHA256_BYTES));
            check->prompts++;
            check->reproduced += same;
            if (!same && !check->seq_bad)
                check->seq_bad = events[i].seq;
            if (before.p) {
                check->bytes += (int64_t)x.bytes;
                if (str_starts(x.transcript, before))
                    check->prefix_bytes += (int64_t)(x.tools.n + 1 + x.shared.n + before.n);
            }
            before = str_copy(a, x.transcript);
        }
        r = conversation_fold(c, &events[i], e);
    }
    arena_free(a);
    conversation_free(c);
    return r;
}
