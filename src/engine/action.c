#include "engine/action.h"

int action_confirm(struct conversation *c, struct turn_events *out, const char *answer, const char *by,
                   int64_t evidence, struct err *e)
{
    struct decision b;
    decision_begin(&b, out->arena);
    json_pair_int(&b.w, "proposal", c->proposal.seq);
    json_pair_str(&b.w, "digest", c->proposal.digest);
    json_pair_str(&b.w, "answer", str_of(answer));
    json_pair_str(&b.w, "by", str_of(by));
    if (evidence)
        json_pair_int(&b.w, "evidence", evidence);
    return decision_add(&b, c, out, EVENT_CONFIRMATION_GIVEN, e);
}

/* An action never runs from the model's call: it is proposed, and what is confirmed later is this digest. */
int action_propose(struct conversation *c, struct turn_events *out, const struct call *k, const struct tool *t,
                   const struct json *args, struct err *e)
{
    struct sha256 digest = tool_digest(out->arena, t, args);
    struct decision b;
    decision_begin(&b, out->arena);
    json_pair_str(&b.w, "call", k->id);
    json_pair_str(&b.w, "tool", t->name);
    json_key(&b.w, "args");
    json_put_raw(&b.w, json_canonical(out->arena, args));
    json_pair_str(&b.w, "digest", hash_hex(out->arena, digest.b, SHA256_BYTES));
    const struct json *titles = json_get(t->spec, "title");
    json_pair_str(
        &b.w, "title",
        json_str_or(json_get(titles, str_c(out->arena, c->language)), json_str_or(json_get(titles, "en"), t->summary)));
    json_key(&b.w, "shown");
    tool_write_shown(out->arena, t, args, c->language, &b.w);
    json_pair_int(&b.w, "expires_us", out->now_us + t->expires_us);
    json_pair_str(&b.w, "gate", t->gate == TOOL_GATE_CUSTOMER ? STR("customer") : STR("none"));
    if (decision_add(&b, c, out, EVENT_ACTION_PROPOSED, e) < 0)
        return ERR_INVALID;
    if (t->gate == TOOL_GATE_NONE)
        return action_confirm(c, out, "yes", "policy", 0, e); /* its call is answered by action.done */
    return decision_refuse(c, out, k, "refused", "needs_confirmation", "nothing: the runtime asks the customer now", e);
}

bool action_pending(const struct conversation *c)
{
    return c->proposal.state == PROPOSAL_NEW || c->proposal.state == PROPOSAL_ASKED ||
           c->proposal.state == PROPOSAL_CONFIRMED;
}

int action_start(struct conversation *c, struct turn_events *out, struct err *e)
{
    const struct proposal *p = &c->proposal;
    const struct tool *t = agent_tool(c->agent, p->tool);
    struct json *args;
    if (json_parse(out->arena, p->args, &args, e) < 0)
        return ERR_INVALID;
    struct sha256 digest = tool_digest(out->arena, t, args);
    if (!str_eq(hash_hex(out->arena, digest.b, SHA256_BYTES), p->digest))
        return err_set(e, ERR_DENIED, "proposal %lld: the arguments are not those that were confirmed",
                       (long long)p->seq);
    int attempt = p->attempt + 1;
    struct decision b;
    decision_begin(&b, out->arena);
    json_pair_int(&b.w, "proposal", p->seq);
    json_pair_str(&b.w, "tool", p->tool);
    json_pair_str(&b.w, "key", tool_key(out->arena, c->id, p->seq, attempt, t->idempotency == TOOL_KEY_PER_ATTEMPT));
    json_pair_int(&b.w, "attempt", attempt);
    return decision_add(&b, c, out, EVENT_ACTION_STARTED, e);
}

int action_done(struct conversation *c, struct turn_events *out, enum tool_class class, struct str result, int64_t ms,
                struct err *e)
{
    struct decision b;
    if (result.n && !decision_holdable(out->arena, result))
        result = str_of(decision_unholdable); /* whether it was done is known all the same */
    decision_begin(&b, out->arena);
    json_pair_int(&b.w, "proposal", c->proposal.seq);
    tool_write_done(c->proposal.tool, c->proposal.key, &(struct tool_answer){class, result, ms}, &b.w);
    if (decision_add(&b, c, out, EVENT_ACTION_DONE, e) < 0)
        return ERR_INVALID;
    if (c->owner != OWNER_BOT)
        return decision_end_turn(c, out, "handed_off", e);
    return c->closed ? decision_end_turn(c, out, "no_reply", e) : 0;
}

/* May the action be tried again under its key, or at least be asked about? What a crash interrupted is, without being
 * counted: only so can its outcome be learnt. */
bool action_can_learn(const struct conversation *c)
{
    const struct tool *t = agent_tool(c->agent, c->proposal.tool);
    return t->idempotency != TOOL_NO_KEY || tool_reconciles(t);
}

int action_answered(struct conversation *c, struct turn_events *out, const struct tool_answer *answer, struct err *e)
{
    static const int64_t wait_ms[ACTION_WAITS_MAX] = {300, 1000, 3000, 10000};
    if (c->turn.at != TURN_ACTING)
        return 0; /* another attempt was answered first */
    bool settled = answer->class != TOOL_UNKNOWN && answer->class != TOOL_TRANSIENT;
    if (settled || !action_can_learn(c) || c->proposal.waits >= ACTION_WAITS_MAX)
        return action_done(c, out, settled ? answer->class : TOOL_UNKNOWN, answer->result, answer->ms, e);
    struct decision b;
    decision_begin(&b, out->arena);
    json_pair_int(&b.w, "due_us", out->now_us + wait_ms[c->proposal.waits] * 1000);
    json_pair_str(&b.w, "what", STR("learn_outcome"));
    return decision_add(&b, c, out, EVENT_TIMER_SET, e);
}

int action_decided(struct conversation *c, struct turn_events *out, int64_t proposal, struct str digest, bool yes,
                   struct err *e)
{
    if (!conversation_open_proposal(c) || c->proposal.seq != proposal || !str_eq(c->proposal.digest, digest) ||
        out->now_us > c->proposal.expires_us || c->owner != OWNER_BOT || c->closed || c->turn.at != TURN_IDLE)
        return err_set(e, ERR_CONFLICT, "this proposal is not open any more; read the conversation again");
    return action_confirm(c, out, yes ? "yes" : "no", "button", 0, e);
}
