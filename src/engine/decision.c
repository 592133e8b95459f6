#include "engine/decision.h"

#include <string.h>

enum { BODY_BYTES_MAX = 1 << 20, RESULT_BYTES_MAX = 1 << 17 /* of a tool; it stands in every prompt that follows */ };

void decision_begin(struct decision *b, struct arena *a)
{
    b->buf = buf_new(a, BODY_BYTES_MAX);
    b->w = (struct json_writer){.out = &b->buf};
    json_open(&b->w, '{');
}

int decision_add(struct decision *b, struct conversation *c, struct turn_events *out, enum event_kind kind,
                 struct err *e)
{
    json_close(&b->w, '}');
    if (b->buf.cut)
        return err_set(e, ERR_LIMIT, "an event of kind %s is larger than 1 MiB", event_name(kind));
    return turn_add(c, out, kind, buf_str(&b->buf), e);
}

int turn_add(struct conversation *c, struct turn_events *out, enum event_kind kind, struct str body, struct err *e)
{
    if (out->n == out->size) {
        size_t size = out->size ? 2 * out->size : 8;
        struct event *list = ARENA_ARRAY(out->arena, struct event, size);
        if (out->n)
            memcpy(list, out->list, out->n * sizeof *list);
        out->list = list;
        out->size = size;
    }
    struct event *ev = &out->list[out->n];
    *ev = (struct event){.conversation = c->id, .seq = c->seq + 1, .at_us = out->now_us, .kind = kind, .body = body};
    out->state = STR_NONE;
    int r = conversation_fold(c, ev, e);
    if (r == 0)
        out->n++;
    return r;
}

int decision_end_turn(struct conversation *c, struct turn_events *out, const char *outcome, struct err *e)
{
    struct decision b;
    decision_begin(&b, out->arena);
    json_pair_str(&b.w, "outcome", str_of(outcome));
    json_pair_int(&b.w, "model_calls", c->turn.model_calls);
    json_pair_int(&b.w, "tool_calls", c->turn.tool_calls);
    json_pair_int(&b.w, "in", c->turn.tokens_in);
    json_pair_int(&b.w, "out", c->turn.tokens_out);
    return decision_add(&b, c, out, EVENT_TURN_ENDED, e);
}

int decision_answer(struct conversation *c, struct turn_events *out, const struct call *k, const char *class,
                    struct str result, struct err *e)
{
    struct decision b;
    decision_begin(&b, out->arena);
    json_pair_str(&b.w, "call", k->id);
    json_pair_str(&b.w, "tool", k->name);
    json_pair_str(&b.w, "class", str_of(class));
    json_key(&b.w, "result");
    json_put_raw(&b.w, result);
    return decision_add(&b, c, out, EVENT_TOOL_ANSWERED, e);
}

int decision_refuse_missing(struct conversation *c, struct turn_events *out, const struct call *k, const char *class,
                            const char *reason, const struct json *missing, const char *what_to_do, struct err *e)
{
    struct decision b;
    decision_begin(&b, out->arena);
    json_pair_str(&b.w, "class", str_of(class));
    json_pair_str(&b.w, "reason", str_of(reason));
    if (missing) {
        json_key(&b.w, "missing");
        json_put(&b.w, missing);
    }
    json_pair_str(&b.w, "do", str_of(what_to_do));
    json_close(&b.w, '}');
    return decision_answer(c, out, k, class, buf_str(&b.buf), e);
}

int decision_refuse(struct conversation *c, struct turn_events *out, const struct call *k, const char *class,
                    const char *reason, const char *what_to_do, struct err *e)
{
    return decision_refuse_missing(c, out, k, class, reason, NULL, what_to_do, e);
}

int decision_refuse_verdict(struct conversation *c, struct turn_events *out, const struct call *k,
                            const struct routine_verdict *v, struct err *e)
{
    struct decision b;
    decision_begin(&b, out->arena);
    json_pair_str(&b.w, "class", STR("refused"));
    json_pair_str(&b.w, "reason", str_of(v->reason));
    if (v->step.n)
        json_pair_str(&b.w, "step", v->step);
    json_key(&b.w, "missing");
    json_put(&b.w, v->missing);
    json_pair_str(&b.w, "do", str_of(v->what_to_do));
    json_close(&b.w, '}');
    return decision_answer(c, out, k, "refused", buf_str(&b.buf), e);
}

const char decision_unholdable[] =
    "{\"reason\":\"unreadable\",\"do\":\"the answer cannot be used: too large or no JSON\"}";

bool decision_holdable(struct arena *a, struct str result)
{
    struct json *v;
    return result.n <= RESULT_BYTES_MAX && json_parse(a, str_f(a, "[[%.*s]]", STR_ARG(result)), &v, NULL) == 0;
}
