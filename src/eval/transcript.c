#include "eval/transcript.h"

static struct transcript_call *call_find(struct transcript *t, struct str id)
{
    for (size_t i = t->calls_n; i-- > 0;) /* answers mostly follow their calls */
        if (str_eq(t->calls[i].id, id))
            return &t->calls[i];
    return NULL;
}

static struct transcript_action *action_find(struct transcript *t, const struct json *body)
{
    int64_t proposal = json_int(json_get(body, "proposal"), 0);
    for (size_t i = t->actions_n; i-- > 0;)
        if (t->actions[i].proposal == proposal)
            return &t->actions[i];
    return NULL;
}

static void message_add(struct transcript *t, enum transcript_speaker from, const struct transcript_event *ev)
{
    struct str text = json_str(json_get(ev->body, "text"));
    t->messages[t->messages_n++] = (struct transcript_message){.from = from, .seq = ev->seq, .text = text};
}

bool transcript_asks(enum event_kind kind)
{
    return kind == EVENT_MODEL_ANSWERED || kind == EVENT_ROUTINE_WALKED;
}

static void on_calls(struct arena *a, struct transcript *t, const struct transcript_event *ev)
{
    const struct json *calls = json_get(ev->body, "calls");
    for (const struct json *call = calls ? calls->child : NULL; call; call = call->next) {
        struct transcript_call *c = &t->calls[t->calls_n++];
        c->seq = ev->seq;
        c->id = json_str(json_get(call, "id"));
        c->pid = json_str(json_get(call, "pid"));
        c->name = json_str(json_get(call, "name"));
        c->arguments = json_str(json_get(call, "args"));
        struct json *args;
        if (json_parse(a, c->arguments, &args, NULL) == 0 && json_is(args, JSON_OBJECT))
            c->args = args;
    }
}

static void answer(struct transcript_call *c, int64_t seq, struct str class, const struct json *result)
{
    if (!c || c->answered)
        return;
    c->answered = seq;
    c->class = class;
    c->result = result;
}

static void on_tool_answered(struct transcript *t, const struct transcript_event *ev)
{
    struct transcript_call *c = call_find(t, json_str(json_get(ev->body, "call")));
    answer(c, ev->seq, json_str(json_get(ev->body, "class")), json_get(ev->body, "result"));
}

/* What was written into the working memory answers the call that asked for it. */
static void on_scratchpad(struct arena *a, struct transcript *t, const struct transcript_event *ev)
{
    answer(call_find(t, json_str(json_get(ev->body, "call"))), ev->seq, STR("ok"), json_new(a, JSON_OBJECT));
}

/* A person took over: nobody waits for the open calls. As the engine's own fold says it to the model. */
static void on_owner(struct arena *a, struct transcript *t, const struct transcript_event *ev)
{
    if (str_is(json_str(json_get(ev->body, "owner")), "bot"))
        return;
    struct json *result = json_new(a, JSON_OBJECT);
    json_set(result, STR("reason"), json_new_str(a, STR("taken_over")));
    for (size_t i = 0; i < t->calls_n; i++)
        if (!t->calls[i].action)
            answer(&t->calls[i], ev->seq, STR("refused"), result);
}

static void on_proposed(struct transcript *t, const struct transcript_event *ev)
{
    struct transcript_action *action = &t->actions[t->actions_n++];
    action->proposal = ev->seq;
    action->call = json_str(json_get(ev->body, "call"));
    action->tool = json_str(json_get(ev->body, "tool"));
    action->digest = json_str(json_get(ev->body, "digest"));
    action->args = json_get(ev->body, "args");
    action->gated = str_is(json_str(json_get(ev->body, "gate")), "customer");
    struct transcript_call *c = call_find(t, action->call);
    if (c)
        c->action = action;
}

static void on_confirmed(struct transcript *t, const struct transcript_event *ev)
{
    struct transcript_action *action = action_find(t, ev->body);
    struct str digest = json_str(json_get(ev->body, "digest"));
    if (action && str_is(json_str(json_get(ev->body, "answer")), "yes") && str_eq(digest, action->digest))
        action->confirmed = ev->seq;
}

static void on_started(struct transcript *t, const struct transcript_event *ev)
{
    struct transcript_action *action = action_find(t, ev->body);
    if (action && !action->started)
        action->started = ev->seq;
}

static void on_done(struct transcript *t, const struct transcript_event *ev)
{
    struct transcript_action *action = action_find(t, ev->body);
    if (!action || action->done) /* the first result stands for ever */
        return;
    action->done = ev->seq;
    action->class = json_str(json_get(ev->body, "class"));
    action->result = json_get(ev->body, "result");
    if (!action->gated)
        answer(call_find(t, action->call), ev->seq, action->class, action->result);
}

static void on_opened(struct transcript *t, const struct transcript_event *ev)
{
    struct str source = json_str(json_get(ev->body, "source"));
    t->agent = json_str(json_get(ev->body, "agent"));
    t->label = json_str(json_get(ev->body, "label"));
    t->recorded = source.n > 0 && !str_is(source, "candor-jsonl");
}

static void read_event(struct arena *a, struct transcript *t, const struct transcript_event *ev)
{
    switch (ev->kind) {
    case EVENT_OPENED: on_opened(t, ev); break;
    case EVENT_MESSAGE_RECEIVED: message_add(t, SPEAKER_CUSTOMER, ev); break;
    case EVENT_REPLY_SENT: message_add(t, SPEAKER_AGENT, ev); break;
    case EVENT_HUMAN_MESSAGE: message_add(t, SPEAKER_PERSON, ev); break;
    case EVENT_MODEL_ANSWERED:
    case EVENT_ROUTINE_WALKED: on_calls(a, t, ev); break;
    case EVENT_TOOL_ANSWERED: on_tool_answered(t, ev); break;
    case EVENT_SCRATCHPAD_UPDATED: on_scratchpad(a, t, ev); break;
    case EVENT_OWNER_CHANGED: on_owner(a, t, ev); break;
    case EVENT_ACTION_PROPOSED: on_proposed(t, ev); break;
    case EVENT_CONFIRMATION_GIVEN: on_confirmed(t, ev); break;
    case EVENT_ACTION_STARTED: on_started(t, ev); break;
    case EVENT_ACTION_DONE: on_done(t, ev); break;
    default: break; /* other kinds are read from the events themselves */
    }
}

int transcript_read(struct arena *a, const struct event *events, size_t n, struct transcript *out, struct err *e)
{
    struct transcript t = {.events_n = n};
    size_t calls = 0;
    t.events = ARENA_ARRAY(a, struct transcript_event, n);
    for (size_t i = 0; i < n; i++) {
        struct json *body;
        if (json_parse(a, events[i].body, &body, e))
            return err_in(e, "the body of event %lld", (long long)events[i].seq);
        if (!json_is(body, JSON_OBJECT) || events[i].seq != (int64_t)i + 1)
            return err_set(e, ERR_INVALID, "event %zu of the journal is out of order or no object", i + 1);
        t.events[i] = (struct transcript_event){events[i].seq, events[i].kind, body};
        const struct json *asked = transcript_asks(events[i].kind) ? json_get(body, "calls") : NULL;
        calls += asked ? asked->n : 0;
    }
    if (n == 0 || events[0].kind != EVENT_OPENED)
        return err_set(e, ERR_INVALID, "the journal does not begin with conversation.opened");
    t.messages = ARENA_ARRAY(a, struct transcript_message, n);
    t.calls = ARENA_ARRAY(a, struct transcript_call, calls);
    t.actions = ARENA_ARRAY(a, struct transcript_action, n);
    for (size_t i = 0; i < n; i++)
        read_event(a, &t, &t.events[i]);
    *out = t;
    return 0;
}

bool transcript_call_ok(const struct transcript_call *c)
{
    struct str class = c->action ? c->action->class : c->class;
    return str_is(class, "ok") || str_is(class, "already_done");
}

int64_t transcript_call_end(const struct transcript_call *c)
{
    return c->action ? c->action->done : c->answered;
}
