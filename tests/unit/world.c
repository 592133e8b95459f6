#include "world.h"

#include "base/clock.h"
#include "engine/action.h"
#include "llm/llm_offline_walk.h"
#include "test.h"

static const char profile[] =
    "{\"address\":\"12 Elm Street, Springfield\",\"address_type\":\"house\",\"first_name\":\"Lia\"}";

static bool known(const struct bank *b, struct str key)
{
    for (int i = 0; i < b->keys_n; i++)
        if (str_is(key, b->keys[i]))
            return true;
    return false;
}

struct tool_answer bank_answer(struct bank *b, struct arena *a, const struct tool_request *rq)
{
    b->requests++;
    if (str_is(rq->tool->name, "get_customer_profile"))
        return (struct tool_answer){.result = str_of(profile)};
    if (str_is(rq->tool->name, "check_card_delivery"))
        return (struct tool_answer){
            .result = str_f(
                a,
                "{\"card_last4\":\"4417\",\"promised_on\":\"2026-03-01\",\"carrier\":\"Correios\",\"tracking_code\":"
                "\"BR1\",\"status\":\"%s\",\"delivered_on\":\"2026-03-02\",\"estimated_on\":null,\"days_late\":%d}",
                b->status[0] ? b->status : "in_transit", b->days_late)};
    if (!known(b, rq->key) || b->forgets_keys) {
        b->effects++;
        snprintf(b->keys[b->keys_n], sizeof b->keys[0], "%.*s", STR_ARG(rq->key));
        b->keys_n += b->keys_n < 31;
    }
    return (struct tool_answer){.result =
                                    STR("{\"reissue_id\":\"RC-1\",\"eta\":\"2026-03-17\",\"card_last4\":\"7729\"}")};
}

struct agent *world_agent(const char *from, const char *to)
{
    struct arena *a = arena_new("world agent", 0);
    struct str bundle, rest;
    struct agent *agent = NULL;
    struct err e = {0};
    if (agent_bundle(a, "examples/card-delivery", "card-delivery", NULL, &bundle, &e) < 0)
        fail_msg("%s (tests run in the project's root)", e.text);
    struct buf edited = buf_new(a, 1 << 22);
    rest = bundle;
    for (ptrdiff_t at; from && (at = str_find(rest, str_of(from))) >= 0;) {
        buf_add(&edited, str_head(rest, (size_t)at));
        buf_adds(&edited, to);
        rest = str_from(rest, (size_t)at + strlen(from));
    }
    if (from && rest.p == bundle.p)
        fail_msg("the bundle does not hold %s", from);
    buf_add(&edited, rest);
    if (agent_new(buf_str(&edited), &agent, &e) < 0)
        fail_msg("%s", e.text);
    arena_free(a);
    return agent;
}

void world_begin(struct world *w, struct agent *agent)
{
    *w = (struct world){.arena = arena_new("world", 0), .agent = agent, .id = 4711, .now_us = 1773133200000000};
    w->bank = &w->own;
    w->own.days_late = 9;
}

void world_end(struct world *w)
{
    conversation_free(w->c);
    offline_plans_free(&w->plans);
    agent_free(w->agent);
    agent_free(w->second);
    arena_free(w->arena);
}

static bool must(const struct world *w, int result)
{
    if (result < 0)
        fail_msg("%s", w->err.text);
    return true;
}

static bool dies(struct world *w)
{
    w->dead = w->dead || ++w->points == w->dies_at;
    return w->dead;
}

struct turn_events world_events(struct world *w)
{
    w->now_us += 1000;
    return (struct turn_events){.arena = w->arena, .now_us = w->now_us, .in_force = w->deployed ? w->second : w->agent};
}

bool world_append(struct world *w, struct turn_events *out)
{
    must(w, turn_run(w->c, out, &w->err));
    if (!out->n)
        return true;
    if (dies(w))
        return false;
    if (w->log_n + out->n > w->log_size) {
        size_t size = 2 * (w->log_n + out->n);
        struct event *log = ARENA_ARRAY(w->arena, struct event, size);
        if (w->log_n)
            memcpy(log, w->log, w->log_n * sizeof *log);
        w->log = log;
        w->log_size = size;
    }
    memcpy(w->log + w->log_n, out->list, out->n * sizeof *out->list);
    w->log_n += out->n;
    assert_true(w->appends < WORLD_APPENDS_MAX);
    w->ends[w->appends++] = w->log_n;
    if (w->appended)
        w->appended(w);
    return !dies(w);
}

bool world_add(struct world *w, enum event_kind kind, struct str body)
{
    struct turn_events out = world_events(w);
    return !w->dead && must(w, turn_add(w->c, &out, kind, body, &w->err)) && world_append(w, &out);
}

static bool ask_model(struct world *w)
{
    struct arena *a = arena_new("answer", 0);
    struct context x = context_make(a, w->c, w->c->asked_us);
    struct llm_question q = {.tools = x.tools, .shared = x.shared, .transcript = x.transcript, .state = x.state};
    struct llm_answer answer;
    struct offline_plan *plan;
    w->asked++;
    const struct llm_answer *scripted = w->model ? w->model(w) : NULL;
    if (!scripted) {
        must(w, offline_plans_get(&w->plans, x.shared, &plan, &w->err));
        must(w, offline_answer(plan, a, &q, &answer, &w->err));
    }
    struct turn_events out = world_events(w);
    must(w, turn_model_answered(w->c, &out, w->c->model_calls, scripted ? scripted : &answer, &w->err));
    arena_free(a);
    return world_append(w, &out);
}

static struct tool_answer call_tool(struct world *w, const struct tool_request *rq)
{
    w->tools_n++;
    return w->tool ? w->tool(w, rq) : bank_answer(w->bank, w->arena, rq);
}

/* All reads are answered, each by an append of its own; or the action is. */
static bool call_tools(struct world *w)
{
    struct tool_request rq[64];
    bool acting = w->c->turn.at == TURN_ACTING;
    size_t n = turn_requests(w->arena, w->c, w->now_us, rq, 64);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        struct tool_answer answer = call_tool(w, &rq[i]);
        struct turn_events out = world_events(w);
        must(w, acting ? action_answered(w->c, &out, &answer, &w->err)
                       : turn_tool_answered(w->c, &out, rq[i].call_id, &answer, &w->err));
        if (!world_append(w, &out))
            return false;
    }
    return true;
}

static bool fire_timer(struct world *w)
{
    if (w->now_us < w->c->timer_due_us)
        w->now_us = w->c->timer_due_us;
    return world_add(w, EVENT_TIMER_FIRED, str_f(w->arena, "{\"timer\":%lld}", (long long)w->c->timer));
}

bool world_go(struct world *w)
{
    for (int i = 0; i < 1000 && !w->dead; i++) {
        switch (w->c->turn.at) {
        case TURN_IDLE: return true;
        case TURN_MODEL: ask_model(w); break;
        case TURN_TOOLS:
        case TURN_ACTING: call_tools(w); break;
        case TURN_TIMER: fire_timer(w); break;
        default: fail_msg("turn_run left the turn at place %d", (int)w->c->turn.at);
        }
    }
    assert_true(w->dead);
    return false;
}

static int find_version(void *arg, struct str sha_hex, const struct agent **out, struct err *e)
{
    struct world *w = arg;
    if (str_eq(sha_hex, w->agent->sha_hex))
        *out = w->agent;
    else if (w->second && str_eq(sha_hex, w->second->sha_hex))
        *out = w->second;
    else
        return err_set(e, ERR_NOT_FOUND, "the world has no such version");
    return 0;
}

struct agent_source world_agents(struct world *w)
{
    return (struct agent_source){.find = find_version, .arg = w};
}

bool world_open(struct world *w, const char *customer, const char *locale)
{
    w->c = conversation_new(w->id, w->agent);
    w->c->agents = world_agents(w);
    return world_add(
        w, EVENT_OPENED,
        str_f(w->arena,
              "{\"agent\":\"%.*s\",\"agent_sha\":\"%.*s\",\"customer\":\"%s\",\"channel\":\"web\",\"locale\":\"%s\","
              "\"identity\":1,\"opened_date\":\"2026-03-10\"}",
              STR_ARG(w->agent->name), STR_ARG(w->agent->sha_hex), customer, locale));
}

bool world_say(struct world *w, const char *text)
{
    struct buf b = buf_new(w->arena, 1 << 16);
    struct json_writer out = {.out = &b};
    json_open(&out, '{');
    json_pair_str(&out, "text", str_of(text));
    json_close(&out, '}');
    return world_add(w, EVENT_MESSAGE_RECEIVED, buf_str(&b)) && world_go(w);
}

bool world_press(struct world *w, bool yes)
{
    struct turn_events out = world_events(w);
    must(w, action_decided(w->c, &out, w->c->proposal.seq, w->c->proposal.digest, yes, &w->err));
    return world_append(w, &out) && world_go(w);
}

struct conversation *world_folded(struct world *w, size_t n)
{
    struct conversation *c = conversation_new(w->id, w->agent);
    c->agents = world_agents(w);
    for (size_t i = 0; i < n; i++)
        must(w, conversation_fold(c, &w->log[i], &w->err));
    return c;
}

bool world_switch(struct world *w, const struct agent *to)
{
    struct turn_events out = world_events(w);
    must(w, turn_switch(w->c, &out, to, STR("operator"), STR("a test"), &w->err));
    return world_append(w, &out) && world_go(w);
}

bool world_restart(struct world *w)
{
    conversation_free(w->c);
    w->c = world_folded(w, w->log_n);
    w->dead = false;
    if (w->c->turn.at == TURN_IDLE || w->c->turn.at == TURN_TIMER)
        return world_go(w);
    struct turn_events out = world_events(w);
    must(w, turn_resumed(w->c, &out, &w->err));
    return world_append(w, &out) && world_go(w);
}

int world_count(const struct world *w, enum event_kind kind)
{
    int n = 0;
    for (size_t i = 0; i < w->log_n; i++)
        n += w->log[i].kind == kind;
    return n;
}

const struct json *world_body(struct world *w, enum event_kind kind, int nth)
{
    struct json *body;
    int n = 0, wanted = nth < 0 ? world_count(w, kind) : nth;
    for (size_t i = 0; i < w->log_n; i++)
        if (w->log[i].kind == kind && ++n == wanted)
            return json_parse(w->arena, w->log[i].body, &body, NULL) == 0 ? body : NULL;
    return NULL;
}

struct str world_replies(struct world *w)
{
    struct buf b = buf_new(w->arena, 1 << 18);
    for (int i = 1; i <= world_count(w, EVENT_REPLY_SENT); i++)
        buf_addf(&b, "%.*s\n", STR_ARG(json_str(json_get(world_body(w, EVENT_REPLY_SENT, i), "text"))));
    return buf_str(&b);
}
