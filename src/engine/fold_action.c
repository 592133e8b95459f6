#include "engine/fold.h"

/* What became of the newest proposal stays known when another one takes its place. */
static void remember_proposal(struct conversation *c)
{
    struct counter *k = c->became;
    if (c->proposal.state == PROPOSAL_NONE)
        return;
    while (k && !str_eq(k->name, c->proposal.tool))
        k = k->next;
    if (!k) {
        k = ARENA_NEW(c->arena, struct counter);
        *k = (struct counter){.next = c->became, .name = c->proposal.tool};
        c->became = k;
    }
    k->n = (int)c->proposal.state;
}

void fold_proposed(struct conversation *c, const struct event *ev, const struct json *b)
{
    const struct json *args = json_get(b, "args"), *shown = json_get(b, "shown");
    remember_proposal(c);
    c->proposal = (struct proposal){.seq = ev->seq,
                                    .call = fold_keep(c, json_get(b, "call")),
                                    .tool = fold_keep(c, json_get(b, "tool")),
                                    .digest = fold_keep(c, json_get(b, "digest")),
                                    .args = fold_keep_json(c, json_text, args),
                                    .shown = fold_keep_json(c, json_text, shown),
                                    .expires_us = json_int(json_get(b, "expires_us"), 0),
                                    .state = PROPOSAL_NEW,
                                    .gated = str_is(json_str(json_get(b, "gate")), "customer"),
                                    .preface = c->answer_text};
    fold_count(c, &c->proposed, c->proposal.tool);
}

void fold_confirmation(struct conversation *c, const struct event *ev, const struct json *b)
{
    if (json_int(json_get(b, "proposal"), 0) != c->proposal.seq)
        return;
    struct str answer = json_str(json_get(b, "answer"));
    bool yes = str_is(answer, "yes");
    if (yes || str_is(answer, "no"))
        c->course.unread = false; /* the words were the answer, and nothing else */
    if (str_is(answer, "void") &&
        str_is(json_str(json_get(b, "by")), "policy")) { /* nobody answered unclearly: it is asked again */
        struct arena *a = arena_new("void", 256);
        struct str place = course_place(&c->course);
        fold_forget(c, str_f(a, "confirm:%.*s", STR_ARG(place)));
        arena_free(a);
    }
    c->proposal.state = yes ? PROPOSAL_CONFIRMED : str_is(answer, "no") ? PROPOSAL_DECLINED : PROPOSAL_VOID;
    if (str_is(json_str(json_get(b, "by")), "button")) {
        messages_text(&c->messages, "user", "",
                      yes ? STR("[The customer pressed Confirm.]") : STR("[The customer pressed Cancel.]"));
        fold_turn_open(c, ev, yes ? TURN_ACT : TURN_ASK);
    } else if (c->proposal.gated) {
        c->turn.at = yes ? TURN_ACT : TURN_ASK;
    }
}

void fold_started(struct conversation *c, const struct event *ev, const struct json *b)
{
    c->proposal.attempt = (int)json_int(json_get(b, "attempt"), 1);
    c->proposal.key = fold_keep(c, json_get(b, "key"));
    c->turn.at = TURN_ACTING;
}

void fold_done(struct conversation *c, const struct event *ev, const struct json *b)
{
    struct str class = json_str(json_get(b, "class"));
    const struct json *result = json_get(b, "result");
    struct proposal *p = &c->proposal;
    enum tool_class k = tool_class_of(class);
    p->state = k == TOOL_OK             ? PROPOSAL_OK
               : k == TOOL_ALREADY_DONE ? PROPOSAL_ALREADY_DONE
               : k == TOOL_REFUSED      ? PROPOSAL_REFUSED
                                        : PROPOSAL_UNKNOWN;
    p->result = fold_keep_json(c, json_text, result);
    c->turn.clock_us = ev->at_us; /* learning an outcome takes its time; the customer still hears of it */
    if (k == TOOL_OK || k == TOOL_ALREADY_DONE)
        fold_count(c, &c->succeeded, p->tool);
    c->acted_seq = ev->seq;
    c->course.trail = NULL; /* what was done is done: no correction goes back behind it */
    if (p->state == PROPOSAL_UNKNOWN)
        fold_count(c, &c->unsettled, p->tool);
    if (p->gated) { /* the model proposed it long ago; what ran after the yes is a call of its own */
        struct str id = str_f(c->arena, "a%lld", (long long)p->seq);
        struct call ran = {.id = id, .name = p->tool, .args = p->args};
        c->messages.seq = p->seq;
        messages_calls(&c->messages, NULL, &ran, 1);
        c->messages.seq = ev->seq;
        messages_result(&c->messages, id, class, result);
        c->turn.at = TURN_ASK;
    } else {
        fold_call_answered(c, p->call, class, result);
        c->turn.at = c->calls_open ? TURN_TOOLS : TURN_GATHERED;
    }
    if (p->state == PROPOSAL_UNKNOWN) {
        c->turn.why = STR("outcome_unknown");
        c->turn.at = TURN_HANDOFF;
    }
    if (c->owner != OWNER_BOT || c->closed) {
        fold_refuse_calls(c);
        c->turn.at = TURN_IDLE;
    }
}

void fold_timer_set(struct conversation *c, const struct event *ev, const struct json *b)
{
    c->timer = ev->seq;
    c->timer_due_us = json_int(json_get(b, "due_us"), 0);
    c->proposal.waits++;
    c->turn.at = TURN_TIMER;
}

void fold_timer_fired(struct conversation *c, const struct event *ev, const struct json *b)
{
    if (json_int(json_get(b, "timer"), 0) != c->timer)
        return;
    c->timer = 0;
    c->turn.at = TURN_UNSURE;
}
