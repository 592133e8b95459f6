#include "engine/conversation.h"

#include "base/text.h"

#include <stdlib.h>

enum {
    LANGUAGE_CHARS = 1000,    /* of a message tell its language: a long one would be folded at every loading */
    CONVERSATION_BYTES = 2688 /* holds a first and a second turn with two tools, of which ten thousand may wait */
};

const char *owner_name(enum owner o)
{
    static const char *const names[] = {"bot", "pending_human", "human"};
    return names[o];
}

const char *proposal_state_name(enum proposal_state s)
{
    static const char *const names[] = {"none", "new", "asked",        "confirmed", "declined",
                                        "void", "ok",  "already_done", "refused",   "unknown"};
    return names[s];
}

struct conversation *conversation_new(int64_t id, const struct agent *agent)
{
    struct arena *arena = arena_new("conversation", CONVERSATION_BYTES);
    struct conversation *c = ARENA_NEW(arena, struct conversation);
    c->arena = arena;
    c->id = id;
    c->agent = agent;
    c->messages = messages_new(&agent->prefix);
    return c;
}

int conversation_unfold(struct agent_source agents, const struct event *events, size_t n, struct conversation **out,
                        struct err *e)
{
    struct arena *a = arena_new("first event", 1024);
    const struct agent *agent;
    struct json *opened;
    int r = n && events[0].kind == EVENT_OPENED ? json_parse(a, events[0].body, &opened, e)
                                                : err_set(e, ERR_INVALID, "a journal begins with conversation.opened");
    if (r == 0)
        r = agents.find(agents.arg, json_str(json_get(opened, "agent_sha")), &agent, e);
    arena_free(a);
    if (r < 0)
        return r;
    *out = conversation_new(events[0].conversation, agent);
    (*out)->agents = agents;
    return 0;
}

void conversation_free(struct conversation *c)
{
    if (!c)
        return;
    messages_free(&c->messages);
    arena_free(c->arena);
}

size_t conversation_bytes(const struct conversation *c)
{
    return arena_bytes(c->arena) + c->messages.text.size;
}

bool conversation_open_proposal(const struct conversation *c)
{
    return c->proposal.state == PROPOSAL_ASKED;
}

struct tool_session conversation_session(const struct conversation *c)
{
    return (struct tool_session){.customer = c->customer, .locale = c->locale, .identity = c->identity};
}

const struct fact *conversation_fact_about(const struct conversation *c, struct str tool, struct str args)
{
    for (const struct fact *f = c->facts; f; f = f->next)
        if (str_eq(f->tool, tool) && str_eq(f->args, args))
            return f;
    return NULL;
}

const struct fact *conversation_fact(const struct conversation *c, struct str tool)
{
    for (const struct fact *f = c->facts; f; f = f->next)
        if (str_eq(f->tool, tool))
            return f;
    return NULL;
}

static const struct said *said_in(const struct said *list, struct str client_id)
{
    for (; list; list = list->older)
        if (str_eq(list->client_id, client_id))
            return list;
    return NULL;
}

const struct said *conversation_said(const struct conversation *c, struct str client_id)
{
    const struct said *s = NULL;
    if (client_id.n && !(s = said_in(c->held, client_id)) && !(s = said_in(c->said, client_id)))
        s = said_in(c->by_people, client_id);
    return s;
}

int counter_get(const struct counter *list, struct str name)
{
    for (; list; list = list->next)
        if (str_eq(list->name, name))
            return list->n;
    return 0;
}

static void count(struct conversation *c, struct counter **list, struct str name)
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
static void forget(struct conversation *c, struct str name)
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

struct str call_signature(struct arena *a, const struct call *k)
{
    return str_f(a, "%.*s %.*s", STR_ARG(k->name), STR_ARG(k->args));
}

static struct str keep(struct conversation *c, const struct json *v)
{
    return v && v->text.n ? str_copy(c->arena, v->text) : STR("");
}

/* The text is made elsewhere: growing it here would leave its smaller selves behind for as long as the conversation lives. */
static struct str keep_json(struct conversation *c, struct str (*write)(struct arena *a, const struct json *v),
                            const struct json *v)
{
    struct arena *a = arena_new("keep", 2048);
    struct str kept = str_copy(c->arena, write(a, v));
    arena_free(a);
    return kept;
}

/* --- what stands in the prompt --- */

static void add_customer(struct conversation *c, struct said *s)
{
    if (c->calls_open) { /* a call and its result stay side by side */
        s->older = c->held;
        c->held = s;
        return;
    }
    s->older = c->said;
    c->said = s;
    messages_text(&c->messages, "user", "", s->text);
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
static void answered(struct conversation *c, struct str id, struct str class, const struct json *result)
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

/* --- one function an event kind --- */

static void fold_opened(struct conversation *c, const struct event *ev, const struct json *b)
{
    c->customer = keep(c, json_get(b, "customer"));
    c->channel = keep(c, json_get(b, "channel"));
    c->label = keep(c, json_get(b, "label"));
    c->locale = keep(c, json_get(b, "locale"));
    c->opened_date = keep(c, json_get(b, "opened_date"));
    c->identity = (int)json_int(json_get(b, "identity"), 0);
    if (json_get(b, "memory"))
        c->memory = keep_json(c, json_text, json_get(b, "memory"));
    struct str tongue = str_head(c->locale, 2);
    c->language = str_is(tongue, "pt") || str_is(tongue, "es") ? tongue : STR("en");
    struct arena *a = arena_new("opened", 1024);
    struct buf inner = buf_new(a, 4096);
    struct json_writer w = {.out = &inner};
    json_open(&w, '{');
    json_pair_str(&w, "channel", c->channel);
    json_pair_str(&w, "locale", c->locale);
    json_pair_str(&w, "opened", c->opened_date);
    json_close(&w, '}');
    messages_text(&c->messages, "system", "Conversation ", buf_str(&inner));
    arena_free(a);
}

static void turn_open(struct conversation *c, const struct event *ev, enum turn_at at)
{
    c->turn = (struct turn){.at = at, .clock_us = ev->at_us, .cause = ev->seq};
}

static void fold_message(struct conversation *c, const struct event *ev, const struct json *b)
{
    struct arena *a = arena_new("message", 0);
    bool changed;
    struct str text =
        text_visible(a, json_str(json_get(b, "text")), &changed); /* a model reads what a person can see */
    struct said *s = ARENA_NEW(c->arena, struct said);
    *s = (struct said){.seq = ev->seq,
                       .text = str_copy(c->arena, text),
                       .seen = json_int(json_get(b, "seen"), 0),
                       .client_id = keep(c, json_get(b, "client_id")),
                       .payload_sha = keep(c, json_get(b, "payload_sha"))};
    add_customer(c, s);
    c->course.unread = c->course.heard = true;
    c->language = str_copy(c->arena, text_language(text_fold(a, text_head(text, LANGUAGE_CHARS)), c->language));
    arena_free(a);
    if (c->owner != OWNER_BOT || c->closed)
        return;
    if (c->turn.at == TURN_IDLE)
        turn_open(c, ev, TURN_BEGIN);
    if (c->turn.at == TURN_MODEL) { /* the answer under way did not know these words: ask again */
        c->turn.at = TURN_BEGIN;
        c->turn.model_calls--; /* a question that was dropped does not count: quick lines use up no budget */
    }
}

static void fold_model_asked(struct conversation *c, const struct event *ev, const struct json *b)
{
    c->model_calls++;
    c->asked_us = ev->at_us;
    c->calls_n = 0; /* the last answer is past: its words belong to no later hand-off */
    c->answer_has_text = false;
    c->answer_text = STR("");
    c->turn.model_calls++;
    c->turn.at = TURN_MODEL;
}

/* The calls of an answer; its words stand in the transcript with them, or once they are sent. */
static void take_calls(struct conversation *c, const struct json *calls, const struct str *text)
{
    c->calls_n = c->calls_open = calls ? calls->n : 0;
    c->calls = ARENA_ARRAY(c->arena, struct call, c->calls_n);
    c->turn.tool_calls_before = c->turn.tool_calls;
    if (!c->calls_n)
        return;
    size_t i = 0;
    for (const struct json *k = calls->child; k; k = k->next, i++) {
        c->calls[i] = (struct call){.id = keep(c, json_get(k, "id")),
                                    .name = keep(c, json_get(k, "name")),
                                    .args = keep(c, json_get(k, "args"))};
        count(c, &c->turn.repeats, call_signature(c->arena, &c->calls[i]));
        count(c, &c->turn.called, c->calls[i].name);
        count(c, &c->called, c->calls[i].name);
    }
    messages_calls(&c->messages, text, c->calls, c->calls_n);
}

/* What the model was asked for by a routine's step, it gave; a condition that it did not judge does not hold. */
static void hear_model(struct conversation *c)
{
    struct course *k = &c->course;
    k->unread = k->walked = false;
    if (k->phrase.n) {
        struct str words = str_trim(c->answer_text);
        if (words.n)
            k->words = str_f(c->arena, "%.*s%s%.*s", STR_ARG(k->words), k->words.n ? " " : "", STR_ARG(words));
        k->phrase = k->draft = STR("");
        k->phrased = true;
    }
    if (k->judge.n) {
        k->judged = k->judge;
        k->judged_yes = false;
    }
}

static void fold_model_answered(struct conversation *c, const struct event *ev, const struct json *b)
{
    const struct json *text = json_get(b, "text");
    c->answer_has_text = json_is(text, JSON_STRING);
    c->answer_text = keep(c, text);
    c->answer_seq = ev->seq;
    c->turn.tokens_in += json_int(json_get(b, "in"), 0);
    c->turn.tokens_out += json_int(json_get(b, "out"), 0);
    c->turn.at = TURN_ANSWERED;
    hear_model(c);
    take_calls(c, json_get(b, "calls"), c->answer_has_text ? &c->answer_text : NULL);
}

/* The runtime's own walk is an answer like a model's: words, calls, or what is to be done instead. */
static void fold_walked(struct conversation *c, const struct event *ev, const struct json *b)
{
    const struct json *asking = json_get(b, "asking"), *gone = json_get(b, "forget");
    for (const struct json *s = gone ? gone->child : NULL; s; s = s->next)
        forget(c, s->text);
    for (const struct json *s = asking ? asking->child : NULL; s; s = s->next)
        count(c, &c->asked, s->text);
    course_take_walk(&c->course, c->arena, b);
    c->answer_text = c->course.words;
    c->answer_has_text = c->course.words.n > 0;
    c->answer_seq = ev->seq;
    take_calls(c, json_get(b, "calls"), NULL);
    c->turn.at = c->course.phrase.n || c->course.judge.n ? TURN_ASK : TURN_ANSWERED;
    if (json_get(b, "reason")) {
        c->turn.why = keep(c, json_get(b, "reason"));
        c->turn.note = keep(c, json_get(b, "note"));
        c->turn.priority = keep(c, json_get(b, "priority"));
        c->turn.at = TURN_HANDOFF;
    } else if (!c->answer_has_text && !c->calls_n) {
        c->turn.at = TURN_ASK; /* nothing to say here: the model goes on */
    }
}

static void fold_model_failed(struct conversation *c, const struct event *ev, const struct json *b)
{
    c->turn.why = STR("model_unavailable");
    c->turn.at = TURN_HANDOFF;
}

/* The newest answer of a tool stands first; older ones stay when they were about other arguments, so that a second look at the
 * same thing needs no second call. */
static void take_fact(struct conversation *c, const struct event *ev, const struct tool *t, struct str class,
                      const struct json *b)
{
    bool ok = str_is(class, "ok"), memory = json_bool(json_get(b, "memory"), false);
    const struct json *args = json_get(b, "args");
    struct str about = args ? keep_json(c, json_canonical, args) : STR("");
    struct fact **at = &c->facts, *f;
    while (*at && !(str_eq((*at)->tool, t->name) && (!about.n || str_eq((*at)->args, about))))
        at = &(*at)->next;
    if ((f = *at)) {
        *at = f->next;
    } else {
        f = ARENA_NEW(c->arena, struct fact);
        *f = (struct fact){.tool = t->name};
    }
    f->next = c->facts;
    c->facts = f;
    f->class = str_copy(c->arena, class);
    if (!ok || memory)
        return;
    f->args = about;
    f->result = keep_json(c, json_text, json_get(b, "result"));
    f->at_us = ev->at_us;
    f->seq = ev->seq;
}

/* A step-up: `grants: {identity: 2, when: verified}` of a tool that says so. */
static void raise_identity(struct conversation *c, const struct tool *t, const struct json *result)
{
    const struct json *grants = json_get(t->spec, "grants");
    struct str when = json_str(json_get(grants, "when"));
    int identity = (int)json_int(json_get(grants, "identity"), 0);
    if (identity > c->identity && (!when.n || json_bool(json_path(result, when), false)))
        c->identity = identity;
}

static void fold_tool_answered(struct conversation *c, const struct event *ev, const struct json *b)
{
    struct str tool = json_str(json_get(b, "tool")), class = json_str(json_get(b, "class")),
               id = json_str(json_get(b, "call"));
    const struct json *result = json_get(b, "result");
    c->turn.tool_calls++;
    if (str_is(class, "invalid") && c->turn.bad_answer != c->answer_seq) {
        c->turn.bad_answers++;
        c->turn.bad_answer = c->answer_seq;
    }
    if (str_is(tool, "transfer_to_human") && str_is(class, "ok")) {
        c->turn.why = keep(c, json_get(result, "reason"));
        c->turn.note = keep(c, json_get(result, "note"));
    }
    const struct tool *t = agent_tool(c->agent, tool);
    if (t && t->irrevocable && str_is(json_str(json_get(result, "reason")), "approval_needed"))
        c->turn.why = STR("approval_needed");
    if (t)
        take_fact(c, ev, t, class, b);
    if (t && str_is(class, "ok"))
        raise_identity(c, t, result);
    answered(c, id, class, result);
}

static void set_slot(struct conversation *c, const struct json *s)
{
    struct str name = json_str(json_get(s, "slot"));
    struct slot_value *v = c->slots;
    while (v && !str_eq(v->slot, name))
        v = v->next;
    if (!v) {
        v = ARENA_NEW(c->arena, struct slot_value);
        v->next = c->slots;
        v->slot = str_copy(c->arena, name);
        c->slots = v;
    } else if (v->value.n && !str_eq(v->value, json_str(json_get(s, "value")))) {
        struct course *k = &c->course;
        if (k->corrected_n < sizeof k->corrected / sizeof *k->corrected)
            k->corrected[k->corrected_n++] = v->slot;
    }
    v->value = keep(c, json_get(s, "value"));
    v->status = keep(c, json_get(s, "status"));
    v->source = keep(c, json_get(s, "source"));
    v->evidence = json_int(json_at(json_get(s, "evidence"), 0), 0);
}

static void fold_scratchpad(struct conversation *c, const struct event *ev, const struct json *b)
{
    const struct json *set = json_get(b, "set"), *asking = json_get(b, "asking"), *routine = json_get(b, "routine"),
                      *step = json_get(b, "step");
    for (const struct json *s = set ? set->child : NULL; s; s = s->next)
        set_slot(c, s);
    for (const struct json *s = asking ? asking->child : NULL; s; s = s->next)
        count(c, &c->asked, s->text);
    if (json_get(b, "stack"))
        course_take_stack(&c->course, c->arena, json_get(b, "stack"));
    else
        course_take_place(&c->course, c->arena, routine, step);
    if (routine && !routine->text.n) /* the routine ended: what it asked does not count for the next one */
        c->asked = NULL;
    if (json_get(b, "judged")) {
        c->course.judged = c->course.judge;
        c->course.judged_yes = json_bool(json_get(b, "judged"), false);
        c->course.judge = STR("");
    }
    const struct json *call = json_get(b, "call");
    if (call) {
        struct json ok = {.kind = JSON_OBJECT};
        answered(c, call->text, STR("ok"), &ok);
    }
}

static void fold_proposed(struct conversation *c, const struct event *ev, const struct json *b)
{
    const struct json *args = json_get(b, "args"), *shown = json_get(b, "shown");
    c->proposal = (struct proposal){.seq = ev->seq,
                                    .call = keep(c, json_get(b, "call")),
                                    .tool = keep(c, json_get(b, "tool")),
                                    .digest = keep(c, json_get(b, "digest")),
                                    .args = keep_json(c, json_text, args),
                                    .shown = keep_json(c, json_text, shown),
                                    .expires_us = json_int(json_get(b, "expires_us"), 0),
                                    .state = PROPOSAL_NEW,
                                    .gated = str_is(json_str(json_get(b, "gate")), "customer"),
                                    .preface = c->answer_text};
    count(c, &c->proposed, c->proposal.tool);
}

static void fold_confirmation(struct conversation *c, const struct event *ev, const struct json *b)
{
    if (json_int(json_get(b, "proposal"), 0) != c->proposal.seq)
        return;
    struct str answer = json_str(json_get(b, "answer"));
    bool yes = str_is(answer, "yes");
    if (yes || str_is(answer, "no"))
        c->course.unread = false; /* the words were the answer, and nothing else */
    c->proposal.state = yes ? PROPOSAL_CONFIRMED : str_is(answer, "no") ? PROPOSAL_DECLINED : PROPOSAL_VOID;
    if (str_is(json_str(json_get(b, "by")), "button")) {
        messages_text(&c->messages, "user", "",
                      yes ? STR("[The customer pressed Confirm.]") : STR("[The customer pressed Cancel.]"));
        turn_open(c, ev, yes ? TURN_ACT : TURN_ASK);
    } else if (c->proposal.gated) {
        c->turn.at = yes ? TURN_ACT : TURN_ASK;
    }
}

static void fold_started(struct conversation *c, const struct event *ev, const struct json *b)
{
    c->proposal.attempt = (int)json_int(json_get(b, "attempt"), 1);
    c->proposal.key = keep(c, json_get(b, "key"));
    c->turn.at = TURN_ACTING;
}

/* Nobody will answer the model's calls any more; a call without a result would break every later prompt. */
static void refuse_open_calls(struct conversation *c)
{
    struct json reason = {.kind = JSON_STRING, .key = STR("reason"), .text = STR("taken_over")},
                result = {.kind = JSON_OBJECT, .n = 1, .child = &reason};
    for (size_t i = 0; i < c->calls_n; i++)
        if (!c->calls[i].answered)
            answered(c, c->calls[i].id, STR("refused"), &result);
}

static void fold_done(struct conversation *c, const struct event *ev, const struct json *b)
{
    struct str class = json_str(json_get(b, "class"));
    const struct json *result = json_get(b, "result");
    struct proposal *p = &c->proposal;
    enum tool_class k = tool_class_of(class);
    p->state = k == TOOL_OK             ? PROPOSAL_OK
               : k == TOOL_ALREADY_DONE ? PROPOSAL_ALREADY_DONE
               : k == TOOL_REFUSED      ? PROPOSAL_REFUSED
                                        : PROPOSAL_UNKNOWN;
    p->result = keep_json(c, json_text, result);
    c->turn.clock_us = ev->at_us; /* learning an outcome takes its time; the customer still hears of it */
    if (k == TOOL_OK || k == TOOL_ALREADY_DONE)
        count(c, &c->succeeded, p->tool);
    c->acted_seq = ev->seq;
    c->course.trail = NULL; /* what was done is done: no correction goes back behind it */
    if (p->state == PROPOSAL_UNKNOWN)
        count(c, &c->unsettled, p->tool);
    if (p->gated) { /* the model proposed it long ago; what ran after the yes is a call of its own */
        struct str id = str_f(c->arena, "a%lld", (long long)p->seq);
        struct call ran = {.id = id, .name = p->tool, .args = p->args};
        c->messages.seq = p->seq;
        messages_calls(&c->messages, NULL, &ran, 1);
        c->messages.seq = ev->seq;
        messages_result(&c->messages, id, class, result);
        c->turn.at = TURN_ASK;
    } else {
        answered(c, p->call, class, result);
        c->turn.at = c->calls_open ? TURN_TOOLS : TURN_GATHERED;
    }
    if (p->state == PROPOSAL_UNKNOWN) {
        c->turn.why = STR("outcome_unknown");
        c->turn.at = TURN_HANDOFF;
    }
    if (c->owner != OWNER_BOT || c->closed) {
        refuse_open_calls(c);
        c->turn.at = TURN_IDLE;
    }
}

static void fold_reply(struct conversation *c, const struct event *ev, const struct json *b)
{
    if (json_get(b, "proposal") && c->proposal.state == PROPOSAL_NEW)
        c->proposal.state = PROPOSAL_ASKED;
    /* Words that came with scratchpad calls stand in that message already. */
    c->course.words = STR("");
    bool stands = json_get(b, "of") && c->calls_n && str_eq(json_str(json_get(b, "text")), c->answer_text);
    if (!stands)
        messages_text(&c->messages, "assistant", "", json_str(json_get(b, "text")));
}

static void void_question(struct conversation *c)
{
    if (conversation_open_proposal(c) || c->proposal.state == PROPOSAL_NEW)
        c->proposal.state = PROPOSAL_VOID;
}

static void fold_owner(struct conversation *c, const struct event *ev, const struct json *b)
{
    struct str owner = json_str(json_get(b, "owner"));
    c->owner = str_is(owner, "human") ? OWNER_HUMAN : str_is(owner, "pending_human") ? OWNER_PENDING_HUMAN : OWNER_BOT;
    c->owner_epoch = json_int(json_get(b, "epoch"), c->owner_epoch + 1);
    if (c->owner == OWNER_BOT)
        return;
    c->people_due = false;
    bool acting = c->turn.at == TURN_ACTING || c->turn.at == TURN_UNSURE || c->turn.at == TURN_TIMER;
    void_question(c);
    if (acting) /* an action under way is seen through: its result is never lost */
        return;
    refuse_open_calls(c);
    c->turn.at = TURN_IDLE;
}

static void fold_human(struct conversation *c, const struct event *ev, const struct json *b)
{
    messages_text(&c->messages, "assistant", "[A person wrote:] ", json_str(json_get(b, "text")));
    struct said *s = ARENA_NEW(c->arena, struct said);
    *s = (struct said){.older = c->by_people,
                       .seq = ev->seq,
                       .client_id = keep(c, json_get(b, "client_id")),
                       .payload_sha = keep(c, json_get(b, "payload_sha"))};
    c->by_people = s;
}

static void fold_timer_set(struct conversation *c, const struct event *ev, const struct json *b)
{
    c->timer = ev->seq;
    c->timer_due_us = json_int(json_get(b, "due_us"), 0);
    c->proposal.waits++;
    c->turn.at = TURN_TIMER;
}

static void fold_timer_fired(struct conversation *c, const struct event *ev, const struct json *b)
{
    if (json_int(json_get(b, "timer"), 0) != c->timer)
        return;
    c->timer = 0;
    c->turn.at = TURN_UNSURE;
}

static void fold_resumed(struct conversation *c, const struct event *ev, const struct json *b)
{
    c->turn.resumes = (int)json_int(json_get(b, "n"), c->turn.resumes + 1);
    c->turn.clock_us = ev->at_us;  /* nobody worked in between */
    if (c->turn.at == TURN_ACTING) /* the request may or may not have left */
        c->turn.at = TURN_UNSURE;
}

static void fold_turn_ended(struct conversation *c, const struct event *ev, const struct json *b)
{
    c->turn.at = TURN_IDLE;
    c->turn.repeats = c->turn.called = NULL;
}

static void fold_rating(struct conversation *c, const struct event *ev, const struct json *b)
{
    c->rated = true;
}

static void fold_closed(struct conversation *c, const struct event *ev, const struct json *b)
{
    c->closed = true;
    void_question(c);
    if (c->turn.at != TURN_ACTING && c->turn.at != TURN_UNSURE && c->turn.at != TURN_TIMER)
        c->turn.at = TURN_IDLE;
}

static void fold_switched(struct conversation *c, const struct event *ev, const struct json *b)
{
    c->people_due = str_is(json_str(json_get(b, "to")), "human") && c->owner == OWNER_BOT && !c->closed;
}

static void fold_handoff(struct conversation *c, const struct event *ev, const struct json *b)
{
    c->turn.why = STR(""); /* what was due is done */
}

static void fold_nothing(struct conversation *c, const struct event *ev, const struct json *b)
{
}

static void (*const folds[EVENT_KINDS])(struct conversation *, const struct event *, const struct json *) = {
    [EVENT_OPENED] = fold_opened,
    [EVENT_MESSAGE_RECEIVED] = fold_message,
    [EVENT_MODEL_ASKED] = fold_model_asked,
    [EVENT_MODEL_ANSWERED] = fold_model_answered,
    [EVENT_MODEL_FAILED] = fold_model_failed,
    [EVENT_TOOL_ANSWERED] = fold_tool_answered,
    [EVENT_SCRATCHPAD_UPDATED] = fold_scratchpad,
    [EVENT_ACTION_PROPOSED] = fold_proposed,
    [EVENT_CONFIRMATION_GIVEN] = fold_confirmation,
    [EVENT_ACTION_STARTED] = fold_started,
    [EVENT_ACTION_DONE] = fold_done,
    [EVENT_REPLY_SENT] = fold_reply,
    [EVENT_HANDOFF_REQUESTED] = fold_handoff,
    [EVENT_OWNER_CHANGED] = fold_owner,
    [EVENT_HUMAN_MESSAGE] = fold_human,
    [EVENT_RATING_GIVEN] = fold_rating,
    [EVENT_TIMER_SET] = fold_timer_set,
    [EVENT_TIMER_FIRED] = fold_timer_fired,
    [EVENT_TURN_RESUMED] = fold_resumed,
    [EVENT_TURN_ENDED] = fold_turn_ended,
    [EVENT_MESSAGE_DELIVERED] = fold_nothing,
    [EVENT_CLOSED] = fold_closed,
    [EVENT_AGENT_SWITCHED] = fold_switched,
    [EVENT_ROUTINE_WALKED] = fold_walked,
    [EVENT_MEMORY_WRITTEN] = fold_nothing,
};

/* Finds the version that an agent.switched names before the event is folded: the one thing that the journal only names. */
static int find_next(struct conversation *c, const struct json *b, struct err *e)
{
    struct str to = json_str(json_get(b, "to"));
    c->agent_next = NULL;
    if (!to.n || str_is(to, "human"))
        return 0;
    if (!c->agents.find)
        return err_set(e, ERR_INVALID, "it names the agent version %.*s, and none but one is known here", STR_ARG(to));
    return c->agents.find(c->agents.arg, to, &c->agent_next, e);
}

/* Between two turns, or before anything was done in the one that begins. */
static bool at_border(const struct conversation *c)
{
    return c->turn.at == TURN_IDLE || (c->turn.at == TURN_BEGIN && !c->turn.model_calls && !c->turn.tool_calls);
}

/* What was said and learnt stays. A question that is open was the other version's: nobody says yes to it any more. */
static void take_next(struct conversation *c)
{
    const struct agent *next = c->agent_next;
    c->agent_next = NULL;
    if (next == c->agent)
        return;
    c->agent = next;
    void_question(c);
    if (course_fit(&c->course, &next->book))
        c->asked = NULL;
    messages_rebase(&c->messages, &next->prefix);
}

static void cross_border(struct conversation *c, const struct event *ev)
{
    if (c->agent_next)
        take_next(c);
    if (!c->people_due)
        return;
    c->people_due = false;
    turn_open(c, ev, TURN_HANDOFF);
    c->turn.why = STR("agent_withdrawn");
}

int conversation_fold(struct conversation *c, const struct event *ev, struct err *e)
{
    if (ev->seq != c->seq + 1)
        return err_set(e, ERR_INVALID, "the journal goes from seq %lld to %lld", (long long)c->seq, (long long)ev->seq);
    if (ev->kind <= EVENT_NONE || ev->kind >= EVENT_KINDS || (ev->kind == EVENT_OPENED) != (ev->seq == 1))
        return err_set(e, ERR_INVALID, "event %lld is of kind %d, which cannot stand there", (long long)ev->seq,
                       (int)ev->kind);
    struct arena *a = arena_new("fold", 0);
    struct json *body;
    int r = json_parse(a, ev->body, &body, e);
    if (r < 0) {
        arena_free(a);
        return err_in(e, "event %lld", (long long)ev->seq);
    }
    if (ev->kind == EVENT_AGENT_SWITCHED && (r = find_next(c, body, e)) < 0) {
        arena_free(a);
        return err_in(e, "event %lld", (long long)ev->seq);
    }
    c->seq = c->messages.seq = ev->seq;
    c->at_us = ev->at_us;
    folds[ev->kind](c, ev, body);
    if (at_border(c))
        cross_border(c, ev);
    arena_free(a);
    return 0;
}
