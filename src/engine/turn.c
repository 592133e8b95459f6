#include "engine/turn.h"

#include "base/template.h"
#include "engine/action.h"
#include "engine/confirm.h"
#include "engine/handoff.h"
#include "engine/lead.h"
#include "engine/scratchpad.h"
#include "llm/llm.h"

enum {
    CALLS_AT_ONCE_MAX = 64,
    WALKS_MORE = 8,     /* walks of a turn, beside one for each tool call */
    BAD_ANSWERS_MAX = 2 /* one repair, then a person */
};

/* --- what leaves: replies, the end of a turn, hand-offs --- */

static int say(struct conversation *c, struct turn_events *out, struct str text, int64_t of, int64_t proposal,
               const char *macro, struct err *e)
{
    struct decision b;
    decision_begin(&b, out->arena);
    json_pair_str(&b.w, "mid", str_f(out->arena, "%lld-%lld", (long long)c->id, (long long)(c->seq + 1)));
    json_pair_str(&b.w, "text", text);
    if (macro)
        json_pair_str(&b.w, "macro", str_of(macro));
    if (proposal)
        json_pair_int(&b.w, "proposal", proposal);
    if (of)
        json_pair_int(&b.w, "of", of);
    return decision_add(&b, c, out, EVENT_REPLY_SENT, e);
}

/* A macro filled from the working memory; plain words when it cannot be filled. */
static struct str macro_text(struct conversation *c, struct turn_events *out, const char *name)
{
    struct str text = agent_macro(c->agent, name, c->language), filled;
    struct json *root = lead_state(out->arena, c, out->now_us);
    return template_render(out->arena, text, c->language, root, &filled, NULL) == 0 ? filled : text;
}

/* An action is under way: it is seen through whoever owns the conversation, and its turn ends with its result. */
static bool acting(const struct conversation *c)
{
    return c->turn.at == TURN_ACTING || c->turn.at == TURN_UNSURE || c->turn.at == TURN_TIMER;
}

static int change_owner(struct conversation *c, struct turn_events *out, const char *owner, struct str by,
                        struct err *e)
{
    struct decision b;
    decision_begin(&b, out->arena);
    json_pair_str(&b.w, "owner", str_of(owner));
    json_pair_int(&b.w, "epoch", c->owner_epoch + 1);
    json_pair_str(&b.w, "by", by);
    return decision_add(&b, c, out, EVENT_OWNER_CHANGED, e);
}

static bool transferred(const struct conversation *c)
{
    for (size_t i = 0; i < c->calls_n; i++)
        if (str_is(c->calls[i].name, "transfer_to_human"))
            return true;
    return false;
}

static int hand_off(struct conversation *c, struct turn_events *out, struct str reason, struct err *e)
{
    struct str note = c->turn.note, words = STR("");
    bool open = c->turn.at != TURN_IDLE && !acting(c);
    bool fresh = c->answer_has_text && c->answer_seq > c->turn.cause; /* an answer of an earlier turn was sent then */
    if (open && fresh && (transferred(c) || c->course.walked))
        words = str_trim(c->answer_text); /* what the model said when it handed over */
    struct decision b;
    decision_begin(&b, out->arena);
    json_pair_str(&b.w, "reason", reason);
    json_pair_str(&b.w, "priority", c->turn.priority.n ? c->turn.priority : str_of(handoff_priority(reason)));
    json_key(&b.w, "package");
    json_put_raw(&b.w, handoff_package(out->arena, c, reason, note, out->now_us));
    if (decision_add(&b, c, out, EVENT_HANDOFF_REQUESTED, e) < 0)
        return ERR_INVALID;
    const char *macro = str_is(reason, "outcome_unknown")     ? "runtime.handoff_unknown"
                        : str_is(reason, "model_unavailable") ? "runtime.handoff_model"
                                                              : "runtime.handoff";
    struct str text = macro_text(c, out, macro);
    if (words.n)
        text = str_f(out->arena, "%.*s %.*s", STR_ARG(words), STR_ARG(text));
    if (say(c, out, text, 0, 0, macro, e) < 0)
        return ERR_INVALID;
    if (change_owner(c, out, "pending_human", STR("agent"), e) < 0)
        return ERR_INVALID;
    return open ? decision_end_turn(c, out, "handed_off", e) : 0;
}

/* --- the steps --- */

/* agent.switched; `to` NULL: to people. */
static int switched(struct conversation *c, struct turn_events *out, const struct agent *to, struct str by,
                    struct str reason, struct err *e)
{
    struct decision b;
    decision_begin(&b, out->arena);
    json_pair_str(&b.w, "from", c->agent->sha_hex);
    json_pair_str(&b.w, "to", to ? to->sha_hex : STR("human"));
    if (to)
        json_pair_str(&b.w, "agent", to->name);
    json_pair_str(&b.w, "by", by);
    json_pair_str(&b.w, "reason", reason);
    return decision_add(&b, c, out, EVENT_AGENT_SWITCHED, e);
}

/* `pin: turn`: a turn begins under the version in force, unless a question of the old one is open. */
static int move_on(struct conversation *c, struct turn_events *out, struct err *e)
{
    const struct agent *now = out->in_force;
    if (!now || !c->agent->pin_turn || str_eq(now->sha_hex, c->agent->sha_hex) || conversation_open_proposal(c) ||
        c->turn.model_calls || c->turn.tool_calls)
        return 0;
    return switched(c, out, now, STR("runtime"), STR("pin: turn"), e);
}

/* Words came. If a proposal is open they answer it or void it; a yes runs exactly what was shown. */
static int step_begin(struct conversation *c, struct turn_events *out, struct err *e)
{
    if (move_on(c, out, e) < 0)
        return ERR_INVALID;
    if (!conversation_open_proposal(c) || !c->said) {
        c->turn.at = TURN_ASK;
        return 0;
    }
    bool unseen = c->said->seen && c->said->seen < c->proposal.seq; /* the question was not there yet */
    if (unseen || out->now_us > c->proposal.expires_us)
        return action_confirm(c, out, "void", "policy", 0, e);
    enum confirm_answer answer = confirm_read(c->said->text);
    const char *word = answer == CONFIRM_YES ? "yes" : answer == CONFIRM_NO ? "no" : "void";
    return action_confirm(c, out, word, "text", c->said->seq, e);
}

static int step_ask(struct conversation *c, struct turn_events *out, struct err *e)
{
    const struct budgets *left = &c->agent->budgets;
    if (lead_walks(c) && c->turn.walks < left->tool_calls + WALKS_MORE)
        return lead_walk(c, out, e);
    if (lead_walks(c)) { /* a refusal that leads back to its own call, say */
        c->turn.why = STR("budget");
        c->turn.at = TURN_HANDOFF;
        return 0;
    }
    if (c->turn.model_calls >= left->model_calls || out->now_us - c->turn.clock_us > left->turn_ms * 1000LL) {
        c->turn.why = STR("budget");
        c->turn.at = TURN_HANDOFF;
        return 0;
    }
    struct context x = context_make(out->arena, c, out->now_us);
    struct decision b;
    decision_begin(&b, out->arena);
    json_pair_int(&b.w, "call", c->model_calls + 1);
    json_pair_str(&b.w, "prompt_sha", hash_hex(out->arena, x.sha.b, SHA256_BYTES));
    json_pair_int(&b.w, "prompt_bytes", (int64_t)x.bytes);
    int r = decision_add(&b, c, out, EVENT_MODEL_ASKED, e);
    out->state = x.state;
    return r;
}

static int call_scratchpad(struct conversation *c, struct turn_events *out, const struct call *k, struct err *e)
{
    struct str body;
    struct err why = {0};
    const char *reason = "bad_arguments";
    int r = scratchpad_update(out->arena, c, k->id, k->args, &body, &reason, &why);
    if (r < 0)
        return decision_refuse(c, out, k, r == ERR_DENIED ? "refused" : "invalid", reason, why.text, e);
    return turn_add(c, out, EVENT_SCRATCHPAD_UPDATED, body, e);
}

static int call_transfer(struct conversation *c, struct turn_events *out, const struct call *k, struct err *e)
{
    struct json *args;
    if (json_parse(out->arena, k->args, &args, NULL) < 0 || !handoff_reason_known(json_str(json_get(args, "reason"))))
        return decision_refuse(c, out, k, "invalid", "bad_arguments", "give one of the listed reasons", e);
    struct decision b;
    decision_begin(&b, out->arena);
    json_pair_str(&b.w, "reason", json_str(json_get(args, "reason")));
    if (json_get(args, "note"))
        json_pair_str(&b.w, "note", str_whole(json_str(json_get(args, "note")), 2000));
    json_close(&b.w, '}');
    return decision_answer(c, out, k, "ok", buf_str(&b.buf), e);
}

/* May its result be used again? An action since then may have changed what it says. */
static bool fresh(const struct conversation *c, const struct tool *t, const struct fact *f, int64_t now_us)
{
    return f && f->result.n && f->seq > c->acted_seq && now_us >= f->at_us && now_us - f->at_us < t->fresh_us;
}

/* Tool calls of this turn before `k`, and calls like it up to and with it: the same after a restart, whatever was answered. */
static int calls_before(const struct conversation *c, const struct call *k)
{
    int n = c->turn.tool_calls_before;
    for (const struct call *before = c->calls; before < k; before++)
        n += !str_is(before->name, "update_scratchpad");
    return n;
}

static int calls_like(struct arena *a, const struct conversation *c, const struct call *k)
{
    int n = counter_get(c->turn.repeats, call_signature(a, k));
    for (const struct call *later = k + 1; later < c->calls + c->calls_n; later++)
        n -= str_eq(later->name, k->name) && str_eq(later->args, k->args);
    return n;
}

/* Calls of its tool up to and with it, of all that `list` counts. */
static int calls_of_tool(const struct conversation *c, const struct counter *list, const struct call *k)
{
    int n = counter_get(list, k->name);
    for (const struct call *later = k + 1; later < c->calls + c->calls_n; later++)
        n -= str_eq(later->name, k->name);
    return n;
}

static bool beyond_limits(const struct conversation *c, const struct tool *t, const struct call *k)
{
    int done = t->action ? counter_get(c->succeeded, t->name) : calls_of_tool(c, c->called, k) - 1;
    return (t->limit_per_turn && calls_of_tool(c, c->turn.called, k) > t->limit_per_turn) ||
           (t->limit_per_conversation && done >= t->limit_per_conversation);
}

/* The session is not who it must be for this tool. */
static int refuse_identity(struct conversation *c, struct turn_events *out, const struct call *k, struct err *e)
{
    struct json *missing = json_new(out->arena, JSON_ARRAY);
    json_push(missing, json_new_str(out->arena, STR("session.identity")));
    return decision_refuse_missing(c, out, k, "refused", "identity_too_low", missing,
                                   "ask the customer to verify who they are, or hand over", e);
}

static int call_tool(struct conversation *c, struct turn_events *out, const struct call *k, struct err *e)
{
    const struct tool *t = agent_tool(c->agent, k->name);
    if (!t)
        return decision_refuse(c, out, k, "invalid", "unknown_tool", "use only the tools that are listed", e);
    struct tool_session session = conversation_session(c);
    struct json *args;
    struct err why = {0};
    if (tool_arguments(out->arena, t, k->args, &session, &args, &why) < 0)
        return decision_refuse(c, out, k, "invalid", "bad_arguments", why.text, e);
    if (calls_before(c, k) >= c->agent->budgets.tool_calls)
        return decision_refuse(c, out, k, "refused", "budget", "answer with what is known or hand over", e);
    if (k - c->calls >= CALLS_AT_ONCE_MAX)
        return decision_refuse(c, out, k, "refused", "too_many_at_once", "make fewer calls in one answer", e);
    if (calls_like(out->arena, c, k) > c->agent->budgets.identical_calls)
        return decision_refuse(c, out, k, "refused", "repeated_call", "the same call was made before; use its result",
                               e);
    struct routine_verdict v = {.allowed = true};
    if (!c->course.walked)
        v = lead_allows(out->arena, c, t, args, out->now_us);
    if (!v.allowed)
        return decision_refuse_verdict(c, out, k, &v, e);
    if (c->identity < t->identity_min)
        return refuse_identity(c, out, k, e);
    if (beyond_limits(c, t, k))
        return decision_refuse(
            c, out, k, "refused", "limit_reached",
            t->action ? "it was done in this conversation already" : "use the results that are there", e);
    if (t->irrevocable) /* what cannot be taken back is a person's to do; their hand-over ends the turn */
        return decision_refuse(c, out, k, "refused", "approval_needed", "nothing: a person takes over", e);
    if (t->action) {
        if (action_pending(c))
            return decision_refuse(c, out, k, "refused", "one_action_at_a_time", "wait for the open one", e);
        if (counter_get(c->unsettled, t->name))
            return decision_refuse(c, out, k, "refused", "outcome_unknown",
                                   "an earlier one may have gone through; a person has to find out", e);
        const struct json *unbacked = scratchpad_unbacked(out->arena, c, t, args);
        if (unbacked->n)
            return decision_refuse_missing(c, out, k, "refused", "no_evidence", unbacked,
                                           "ask the customer, or look it up; what is only inferred may not act", e);
        return action_propose(c, out, k, t, args, e);
    }
    struct str about = json_canonical(out->arena, args);
    const struct fact *f = conversation_fact_about(c, t->name, about);
    if (!fresh(c, t, f, out->now_us))
        return 0; /* stays open: the world is asked */
    struct decision b;
    decision_begin(&b, out->arena);
    json_pair_str(&b.w, "call", k->id);
    json_pair_str(&b.w, "tool", k->name);
    json_pair_str(&b.w, "class", STR("ok"));
    json_key(&b.w, "result");
    json_put_raw(&b.w, f->result);
    json_key(&b.w, "args");
    json_put_raw(&b.w, about);
    json_pair_bool(&b.w, "memory", true);
    return decision_add(&b, c, out, EVENT_TOOL_ANSWERED, e);
}

static int step_answered(struct conversation *c, struct turn_events *out, struct err *e)
{
    for (size_t i = 0; i < c->calls_n; i++) {
        const struct call *k = &c->calls[i];
        if (k->answered || (action_pending(c) && str_eq(k->id, c->proposal.call)))
            continue;
        int r = str_is(k->name, "update_scratchpad")   ? call_scratchpad(c, out, k, e)
                : str_is(k->name, "transfer_to_human") ? call_transfer(c, out, k, e)
                                                       : call_tool(c, out, k, e);
        if (r < 0)
            return r;
    }
    if (c->proposal.state == PROPOSAL_CONFIRMED && !c->proposal.gated)
        c->turn.at = TURN_ACT;
    else
        c->turn.at = c->calls_open ? TURN_TOOLS : TURN_GATHERED;
    return 0;
}

static int say_proposal(struct conversation *c, struct turn_events *out, struct err *e)
{
    const struct tool *t = agent_tool(c->agent, c->proposal.tool);
    struct json *root = lead_state(out->arena, c, out->now_us), *args;
    struct str question;
    struct str own = lead_question(c, t->name), name = own.n ? own : t->confirm_macro;
    if (json_parse(out->arena, c->proposal.args, &args, e) < 0)
        return ERR_INVALID;
    json_set(root, STR("args"), args);
    if (template_render(out->arena, agent_macro(c->agent, str_c(out->arena, name), c->language), c->language, root,
                        &question, NULL) < 0) {
        c->turn.why = STR("data_unavailable"); /* a question with a hole is not asked */
        c->turn.at = TURN_HANDOFF;
        return 0;
    }
    struct str words = str_trim(c->proposal.preface);
    if (words.n)
        question = str_f(out->arena, "%.*s %.*s", STR_ARG(words), STR_ARG(question));
    if (say(c, out, question, 0, c->proposal.seq, str_c(out->arena, name), e) < 0)
        return ERR_INVALID;
    return decision_end_turn(c, out, "asked_confirmation", e);
}

static bool only_scratchpad(const struct conversation *c)
{
    for (size_t i = 0; i < c->calls_n; i++)
        if (!str_is(c->calls[i].name, "update_scratchpad"))
            return false;
    return true;
}

static int step_gathered(struct conversation *c, struct turn_events *out, struct err *e)
{
    bool words = c->answer_has_text && str_trim(c->answer_text).n;
    bool leads = !c->course.walked && lead_walks(c);
    if (!c->turn.why.n && (c->turn.bad_answers >= BAD_ANSWERS_MAX || (!words && !c->calls_n && !leads)))
        c->turn.why = STR("model_unavailable");
    if (c->turn.why.n) {
        c->turn.at = TURN_HANDOFF;
        return 0;
    }
    if (c->proposal.state == PROPOSAL_NEW && c->said && c->said->seq > c->answer_seq)
        return action_confirm(c, out, "void", "policy", 0,
                              e); /* words came that the model did not know when it proposed */
    if (c->proposal.state == PROPOSAL_NEW)
        return say_proposal(c, out, e);
    if (words && only_scratchpad(c) && !leads) {
        if (say(c, out, c->answer_text, c->answer_seq, 0, NULL, e) < 0)
            return ERR_INVALID;
        if (!c->course.walked || lead_mode(c) < 0 || lead_mode(c) == ROUTINE_SCRIPT)
            return decision_end_turn(c, out, "replied", e);
    } /* else the walk came to a step that the model leads: its words follow */
    c->turn.at = TURN_ASK;
    return 0;
}

static int step_unsure(struct conversation *c, struct turn_events *out, struct err *e)
{
    if (action_can_learn(c))
        return action_start(c, out, e);
    return action_done(c, out, TOOL_UNKNOWN, STR("{}"), 0, e);
}

static int step_handoff(struct conversation *c, struct turn_events *out, struct err *e)
{
    return hand_off(c, out, c->turn.why, e);
}

/* The table. A place without a function waits for the world. */
static int (*const steps[TURN_PLACES])(struct conversation *, struct turn_events *, struct err *) = {
    [TURN_BEGIN] = step_begin,       [TURN_ASK] = step_ask,     [TURN_ANSWERED] = step_answered,
    [TURN_GATHERED] = step_gathered, [TURN_ACT] = action_start, [TURN_UNSURE] = step_unsure,
    [TURN_HANDOFF] = step_handoff,
};

int turn_run(struct conversation *c, struct turn_events *out, struct err *e)
{
    while (steps[c->turn.at]) {
        int r = steps[c->turn.at](c, out, e);
        if (r < 0)
            return r;
    }
    return 0;
}

/* --- inputs --- */

static int model_failed(struct conversation *c, struct turn_events *out, const char *class, struct str why,
                        struct err *e)
{
    struct decision b;
    decision_begin(&b, out->arena);
    json_pair_str(&b.w, "why", why);
    json_pair_str(&b.w, "class", str_of(class));
    return decision_add(&b, c, out, EVENT_MODEL_FAILED, e);
}

int turn_model_answered(struct conversation *c, struct turn_events *out, int call_n, const struct llm_answer *answer,
                        struct err *e)
{
    struct decision b;
    if (c->turn.at != TURN_MODEL || call_n != c->model_calls)
        return 0; /* nobody waits for it any more: taken over, closed, or asked again with newer words */
    if (answer->result < 0)
        return model_failed(c, out, err_name(answer->result), str_of(answer->err.text), e);
    decision_begin(&b, out->arena);
    if (answer->has_text)
        json_pair_str(&b.w, "text", answer->text);
    json_key(&b.w, "calls");
    json_open(&b.w, '[');
    for (size_t i = 0; i < answer->calls_n; i++) {
        json_open(&b.w, '{'); /* our id: the provider's is not unique, and only kept for the record */
        json_pair_str(&b.w, "id", str_f(out->arena, "c%lld_%zu", (long long)(c->seq + 1), i));
        json_pair_str(&b.w, "pid", answer->calls[i].id);
        json_pair_str(&b.w, "name", answer->calls[i].name);
        json_pair_str(&b.w, "args", answer->calls[i].arguments);
        json_close(&b.w, '}');
    }
    json_close(&b.w, ']');
    json_pair_str(&b.w, "finish", answer->finish);
    json_pair_int(&b.w, "in", answer->tokens_in);
    json_pair_int(&b.w, "out", answer->tokens_out);
    if (answer->tokens_estimated)
        json_pair_bool(&b.w, "estimated", true);
    if (b.buf.cut)
        return model_failed(c, out, "limit", STR("the answer is larger than an event can be"), e);
    return decision_add(&b, c, out, EVENT_MODEL_ANSWERED, e);
}

int turn_tool_answered(struct conversation *c, struct turn_events *out, struct str call_id,
                       const struct tool_answer *answer, struct err *e)
{
    const struct call *k = NULL;
    for (size_t i = 0; i < c->calls_n && !k; i++)
        if (str_eq(c->calls[i].id, call_id) && !c->calls[i].answered)
            k = &c->calls[i];
    if (!k)
        return 0; /* answered otherwise in the meantime: taken over */
    if (answer->result.n && !decision_holdable(out->arena, answer->result))
        return decision_answer(c, out, k, "invalid", str_of(decision_unholdable), e);
    const struct tool *t = agent_tool(c->agent, k->name);
    struct tool_session session = conversation_session(c);
    struct str kept = STR_NONE;
    struct json *args;
    struct decision b;
    if (answer->class == TOOL_OK && t->fresh_us && tool_arguments(out->arena, t, k->args, &session, &args, NULL) == 0)
        kept = json_canonical(out->arena, args);
    decision_begin(&b, out->arena);
    json_pair_str(&b.w, "call", k->id);
    tool_write_answered(k->name, kept, answer, &b.w);
    return decision_add(&b, c, out, EVENT_TOOL_ANSWERED, e);
}

static int not_closed(const struct conversation *c, struct err *e)
{
    return c->closed ? err_set(e, ERR_CONFLICT, "the conversation is closed; open a new one") : 0;
}

int turn_hand_off(struct conversation *c, struct turn_events *out, const char *reason, struct err *e)
{
    if (not_closed(c, e) < 0)
        return ERR_CONFLICT;
    if (c->owner != OWNER_BOT)
        return err_set(e, ERR_CONFLICT, "a person has this conversation already");
    return hand_off(c, out, str_of(reason), e);
}

int turn_take_over(struct conversation *c, struct turn_events *out, const char *owner, struct str by, struct err *e)
{
    bool open = c->turn.at != TURN_IDLE && !acting(c);
    if (not_closed(c, e) < 0)
        return ERR_CONFLICT;
    if (str_is(str_of(owner), owner_name(c->owner)))
        return err_set(e, ERR_CONFLICT, "the conversation is with %s already", owner);
    if (change_owner(c, out, owner, by, e) < 0)
        return ERR_INVALID;
    return open ? decision_end_turn(c, out, "handed_off", e) : 0;
}

int turn_switch(struct conversation *c, struct turn_events *out, const struct agent *to, struct str by,
                struct str reason, struct err *e)
{
    if (not_closed(c, e) < 0)
        return ERR_CONFLICT;
    if (!to && c->owner != OWNER_BOT)
        return err_set(e, ERR_CONFLICT, "a person has this conversation already");
    if (!to && c->people_due)
        return err_set(e, ERR_CONFLICT, "the conversation goes to a person when its turn ends");
    const struct agent *due = c->agent_next ? c->agent_next : c->agent;
    if (to && !c->people_due && str_eq(to->sha_hex, due->sha_hex))
        return err_set(e, ERR_CONFLICT, "the conversation is with that agent version already");
    return switched(c, out, to, by, reason, e);
}

int turn_resumed(struct conversation *c, struct turn_events *out, struct err *e)
{
    struct decision b;
    decision_begin(&b, out->arena);
    json_pair_int(&b.w, "n", c->turn.resumes + 1);
    if (decision_add(&b, c, out, EVENT_TURN_RESUMED, e) < 0)
        return ERR_INVALID;
    if (c->turn.resumes < c->agent->budgets.resumes || c->turn.at == TURN_TIMER)
        return 0;
    if (c->turn.at ==
        TURN_UNSURE) /* whatever keeps killing us may be its answer: a person finds out what became of it */
        return action_done(c, out, TOOL_UNKNOWN, STR("{}"), 0, e);
    c->turn.why = STR("budget");
    c->turn.at = TURN_HANDOFF;
    return 0;
}

size_t turn_requests(struct arena *a, const struct conversation *c, int64_t now_us, struct tool_request *out,
                     size_t max)
{
    struct tool_request rq = {
        .conversation = c->id, .label = c->label, .attempt = 1, .key = STR(""), .session = conversation_session(c)};
    if (c->turn.at == TURN_ACTING && max) {
        rq.tool = agent_tool(c->agent, c->proposal.tool);
        rq.call_id = str_f(a, "a%lld", (long long)c->proposal.seq);
        rq.args = c->proposal.args;
        rq.key = c->proposal.key;
        rq.attempt = c->proposal.attempt;
        out[0] = rq;
        return 1;
    }
    size_t n = 0;
    for (size_t i = 0; c->turn.at == TURN_TOOLS && i < c->calls_n && n < max; i++) {
        struct json *args;
        rq.tool = agent_tool(c->agent, c->calls[i].name);
        if (c->calls[i].answered || !rq.tool || rq.tool->action ||
            tool_arguments(a, rq.tool, c->calls[i].args, &rq.session, &args, NULL) < 0)
            continue;
        rq.call_id = c->calls[i].id;
        rq.args = json_canonical(a, args);
        out[n++] = rq;
    }
    return n;
}
