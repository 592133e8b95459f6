#include "engine/conversation.h"

#include "base/text.h"
#include "engine/fold.h"

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

struct str call_signature(struct arena *a, const struct call *k)
{
    return str_f(a, "%.*s %.*s", STR_ARG(k->name), STR_ARG(k->args));
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

/* --- one function an event kind --- */

static void fold_opened(struct conversation *c, const struct event *ev, const struct json *b)
{
    c->customer = fold_keep(c, json_get(b, "customer"));
    c->channel = fold_keep(c, json_get(b, "channel"));
    c->label = fold_keep(c, json_get(b, "label"));
    c->locale = fold_keep(c, json_get(b, "locale"));
    c->opened_date = fold_keep(c, json_get(b, "opened_date"));
    c->identity = (int)json_int(json_get(b, "identity"), 0);
    if (json_get(b, "memory"))
        c->memory = fold_keep_json(c, json_text, json_get(b, "memory"));
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
                       .client_id = fold_keep(c, json_get(b, "client_id")),
                       .payload_sha = fold_keep(c, json_get(b, "payload_sha"))};
    add_customer(c, s);
    c->course.unread = c->course.heard = true;
    c->language = str_copy(c->arena, text_language(text_fold(a, text_head(text, LANGUAGE_CHARS)), c->language));
    arena_free(a);
    if (c->owner != OWNER_BOT || c->closed)
        return;
    if (c->turn.at == TURN_IDLE)
        fold_turn_open(c, ev, TURN_BEGIN);
    if (c->turn.at == TURN_MODEL) { /* the answer under way did not know these words: ask again */
        c->turn.at = TURN_BEGIN;
        course_break_off(&c->course);
        c->turn.model_calls--; /* a question that was dropped does not count: quick lines use up no budget */
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

static void fold_owner(struct conversation *c, const struct event *ev, const struct json *b)
{
    struct str owner = json_str(json_get(b, "owner"));
    c->owner = str_is(owner, "human") ? OWNER_HUMAN : str_is(owner, "pending_human") ? OWNER_PENDING_HUMAN : OWNER_BOT;
    c->owner_epoch = json_int(json_get(b, "epoch"), c->owner_epoch + 1);
    if (c->owner == OWNER_BOT)
        return;
    c->people_due = false;
    bool acting = c->turn.at == TURN_ACTING || c->turn.at == TURN_UNSURE || c->turn.at == TURN_TIMER;
    fold_void_question(c);
    if (acting) /* an action under way is seen through: its result is never lost */
        return;
    fold_refuse_calls(c);
    course_break_off(&c->course); /* and nothing half-said is said later */
    c->course.words = STR("");
    c->course.walked = false;
    c->course.made_n = 0;
    c->turn.at = TURN_IDLE;
}

static void fold_human(struct conversation *c, const struct event *ev, const struct json *b)
{
    messages_text(&c->messages, "assistant", "[A person wrote:] ", json_str(json_get(b, "text")));
    struct said *s = ARENA_NEW(c->arena, struct said);
    *s = (struct said){.older = c->by_people,
                       .seq = ev->seq,
                       .client_id = fold_keep(c, json_get(b, "client_id")),
                       .payload_sha = fold_keep(c, json_get(b, "payload_sha"))};
    c->by_people = s;
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
    fold_void_question(c);
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
    fold_void_question(c);
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
    fold_turn_open(c, ev, TURN_HANDOFF);
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
    if (r == 0 && ev->kind == EVENT_AGENT_SWITCHED)
        r = find_next(c, body, e);
    if (r < 0) {
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
