#include "engine/fold.h"

void fold_count(struct conversation *c, struct counter **list, struct str name)
{
    for (struct counter *k = *list; k; k = k->next)
        if (str_eq(k->name, name)) {
            k->n++;
            return;
        }
    struct counter *k = ARENA_NEW(c->arena, struct counter);
    *k = (struct counter){.next = *list, .name = str_copy(c->arena, name), .n = 1};
    *list = k;
}

/* A slot, or a counter of what was asked, as if it had never been. */
void fold_forget(struct conversation *c, struct str name)
{
    for (struct slot_value **v = &c->slots; *v; v = &(*v)->next)
        if (str_eq((*v)->slot, name)) {
            *v = (*v)->next;
            break;
        }
    for (struct counter *k = c->asked; k; k = k->next)
        if (str_eq(k->name, name))
            k->n = 0;
}

struct str fold_keep(struct conversation *c, const struct json *v)
{
    return v && v->text.n ? str_copy(c->arena, v->text) : STR("");
}

/* The text is made elsewhere: growing it here would leave its smaller selves behind for as long as the conversation lives. */
struct str fold_keep_json(struct conversation *c, struct str (*write)(struct arena *a, const struct json *v),
                          const struct json *v)
{
    struct arena *a = arena_new("keep", 2048);
    struct str kept = str_copy(c->arena, write(a, v));
    arena_free(a);
    return kept;
}

static void release_held(struct conversation *c)
{
    struct said *in_order = NULL;
    while (c->held) {
        struct said *s = c->held;
        c->held = s->older;
        s->older = in_order;
        in_order = s;
    }
    while (in_order) {
        struct said *s = in_order;
        in_order = s->older;
        s->older = c->said;
        c->said = s;
        c->messages.seq = s->seq;
        messages_text(&c->messages, "user", "", s->text);
    }
    c->messages.seq = c->seq;
}

/* One call of the last answer has its result. */
void fold_call_answered(struct conversation *c, struct str id, struct str class, const struct json *result)
{
    for (size_t i = 0; i < c->calls_n; i++) {
        if (!str_eq(c->calls[i].id, id) || c->calls[i].answered)
            continue;
        c->calls[i].answered = true;
        c->calls_open--;
        messages_result(&c->messages, id, class, result);
        if (!c->calls_open) {
            release_held(c);
            if (c->turn.at == TURN_TOOLS)
                c->turn.at = TURN_GATHERED;
        }
        return;
    }
}

void fold_turn_open(struct conversation *c, const struct event *ev, enum turn_at at)
{
    c->turn = (struct turn){.at = at, .clock_us = ev->at_us, .cause = ev->seq};
}

/* Nobody will answer the model's calls any more; a call without a result would break every later prompt. */
void fold_refuse_calls(struct conversation *c)
{
    struct json reason = {.kind = JSON_STRING, .key = STR("reason"), .text = STR("taken_over")},
                result = {.kind = JSON_OBJECT, .n = 1, .child = &reason};
    for (size_t i = 0; i < c->calls_n; i++)
        if (!c->calls[i].answered)
            fold_call_answered(c, c->calls[i].id, STR("refused"), &result);
}

void fold_void_question(struct conversation *c)
{
    if (conversation_open_proposal(c) || c->proposal.state == PROPOSAL_NEW)
        c->proposal.state = PROPOSAL_VOID;
}

/* The calls of an answer; its words stand in the transcript with them, or once they are sent. */
void fold_take_calls(struct conversation *c, const struct json *calls, const struct str *text)
{
    c->calls_n = c->calls_open = calls ? calls->n : 0;
    c->calls = ARENA_ARRAY(c->arena, struct call, c->calls_n);
    c->turn.tool_calls_before = c->turn.tool_calls;
    if (!c->calls_n)
        return;
    size_t i = 0;
    for (const struct json *k = calls->child; k; k = k->next, i++) {
        c->calls[i] = (struct call){.id = fold_keep(c, json_get(k, "id")),
                                    .name = fold_keep(c, json_get(k, "name")),
                                    .args = fold_keep(c, json_get(k, "args"))};
        fold_count(c, &c->turn.repeats, call_signature(c->arena, &c->calls[i]));
        fold_count(c, &c->turn.called, c->calls[i].name);
        fold_count(c, &c->called, c->calls[i].name);
    }
    messages_calls(&c->messages, text, c->calls, c->calls_n);
}
