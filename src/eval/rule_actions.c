/* rule_actions: did what changed something have the customer's yes, and was it what was expected? */
#include "eval/rule.h"

#include "eval/fields.h"

#include <ctype.h>

int rule_confirmed_read(struct arena *a, const struct json *v, struct rule *r, struct err *e)
{
    static const char *const known[] = {"tools", "asks", "agrees", NULL};
    int bad = fields_check(v, known, e);
    if (bad == 0)
        bad = fields_texts(a, v, "tools", &r->calls.tools, &r->calls.tools_n, e);
    if (bad == 0)
        bad = rule_patterns(a, v, "asks", &r->ask, e);
    return bad ? bad : rule_patterns(a, v, "agrees", &r->agree, e);
}

static bool meant(const struct rule *r, struct str tool)
{
    return rule_tool_listed(r->calls.tools, r->calls.tools_n, tool);
}

static int protocol_run(const struct rule *r, const struct trial *x, struct verdict *out)
{
    size_t ran = 0;
    for (size_t i = 0; i < x->t->actions_n; i++) {
        const struct transcript_action *action = &x->t->actions[i];
        if (!action->started || !meant(r, action->tool))
            continue;
        if (!action->confirmed || action->confirmed > action->started)
            return rule_fail(out, x, action->started, "%.*s was started without a yes to these very arguments.",
                             STR_ARG(action->tool));
        ran++;
    }
    for (size_t i = 0; i < x->t->calls_n && r->calls.tools_n; i++) {
        const struct transcript_call *c = &x->t->calls[i];
        if (meant(r, c->name) && !c->action && transcript_call_ok(c))
            return rule_fail(out, x, c->seq, "%.*s ran outside the action protocol.", STR_ARG(c->name));
    }
    return rule_pass(out, x, 0, "%zu actions ran, each after a yes to its very arguments.", ran);
}

/* The last message of a speaker before seq; NULL when there is none. */
static const struct transcript_message *last_before(const struct transcript *t, enum transcript_speaker from,
                                                    int64_t seq)
{
    for (size_t i = t->messages_n; i-- > 0;)
        if (t->messages[i].from == from && t->messages[i].seq < seq)
            return &t->messages[i];
    return NULL;
}

/* 1 asked and agreed; 0 not, and *why says what is missing. */
static int heard_yes(const struct rule *r, const struct trial *x, int64_t seq, const char **why, struct err *e)
{
    const struct transcript_message *customer = last_before(x->t, SPEAKER_CUSTOMER, seq);
    const struct transcript_message *agent = last_before(x->t, SPEAKER_AGENT, customer ? customer->seq : 0);
    *why = "nobody had asked for it";
    if (!customer || !agent)
        return 0;
    int asked = pattern_find(&r->ask, agent->text, NULL, e);
    if (asked <= 0)
        return asked;
    *why = "the customer's last message does not agree";
    return pattern_find(&r->agree, customer->text, NULL, e);
}

static int recorded_run(const struct rule *r, const struct trial *x, struct verdict *out, struct err *e)
{
    size_t made = 0, without = 0;
    const struct transcript_call *first = NULL;
    const char *first_why = "", *why;
    for (size_t i = 0; i < x->t->calls_n; i++) {
        const struct transcript_call *c = &x->t->calls[i];
        if (!meant(r, c->name) || !transcript_call_ok(c))
            continue;
        int yes = heard_yes(r, x, c->seq, &why, e);
        if (yes < 0)
            return yes;
        made++;
        without += !yes;
        if (!yes && !first) {
            first = c;
            first_why = why;
        }
    }
    if (!first)
        return rule_pass(out, x, 0, "%zu changes were made, each after a question and a yes.", made);
    return rule_fail(out, x, first->seq, "%zu of %zu changes were made without a yes: at %.*s %s.", without, made,
                     STR_ARG(first->name), first_why);
}

int rule_confirmed_run(const struct rule *r, const struct trial *x, struct verdict *out, struct err *e)
{
    if (!x->t->recorded)
        return protocol_run(r, x, out);
    if (!r->calls.tools_n || !r->ask.n || !r->agree.n)
        return rule_unjudged(out, x,
                             "This conversation was recorded elsewhere; the rule needs tools, asks and agrees "
                             "to judge it.");
    return recorded_run(r, x, out, e);
}

/* --- end_state --- */

int rule_end_state_read(struct arena *a, const struct json *v, struct rule *r, struct err *e)
{
    static const char *const known[] = {"tools", "match", "outputs", NULL};
    int bad = fields_check(v, known, e);
    if (bad == 0)
        bad = fields_texts(a, v, "tools", &r->calls.tools, &r->calls.tools_n, e);
    if (bad == 0)
        bad = fields_bool(v, "outputs", &r->outputs, e);
    if (bad)
        return bad;
    const struct json *match = json_get(v, "match");
    r->subset = str_is(json_str(match), "subset");
    if (match && !r->subset && !str_is(json_str(match), "same"))
        return err_set(e, ERR_INVALID, "line %u: match is same or subset", match->line);
    return 0;
}

static bool fits(const struct rule *r, const struct json *expected, const struct transcript_call *c)
{
    const struct json *args = json_get(expected, "args"), *was = c->action ? c->action->args : c->args;
    if (!str_eq(json_str(json_get(expected, "tool")), c->name))
        return false;
    if (!args || r->subset)
        return !args || rule_part_of(args, was);
    return was && json_same(args, was);
}

/* Pairs each expected action with a call of its own; the first that finds none fails. Exact expectations need no
 * search; partial ones are paired first come, first served. */
static int actions_run(const struct rule *r, const struct trial *x, const struct json *actions, struct verdict *out)
{
    bool *used = ARENA_ARRAY(x->arena, bool, x->t->calls_n);
    size_t paired = 0;
    for (const struct json *want = actions->child; want; want = want->next) {
        if (!meant(r, json_str(json_get(want, "tool"))))
            continue;
        size_t i = 0;
        while (i < x->t->calls_n &&
               (used[i] || !transcript_call_ok(&x->t->calls[i]) || !fits(r, want, &x->t->calls[i])))
            i++;
        if (i == x->t->calls_n)
            return rule_fail(out, x, 0, "Expected and not done: %.*s %.*s.", STR_ARG(json_str(json_get(want, "tool"))),
                             STR_ARG(rule_quote(x->arena, json_text(x->arena, json_get(want, "args")))));
        used[i] = true;
        paired++;
    }
    for (size_t i = 0; i < x->t->calls_n; i++) {
        const struct transcript_call *c = &x->t->calls[i];
        if (!used[i] && meant(r, c->name) && transcript_call_ok(c))
            return rule_fail(out, x, c->seq, "Done and not expected: %.*s %.*s.", STR_ARG(c->name),
                             STR_ARG(rule_quote(x->arena, c->arguments)));
    }
    return rule_pass(out, x, 0, "All %zu expected changes were made, and no other.", paired);
}

/* For comparing amounts: without the commas of "1,000", in lower case. */
static struct str plain(struct arena *a, struct str text)
{
    struct buf b = buf_new(a, text.n);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != ',')
            buf_addc(&b, (char)tolower((unsigned char)text.p[i]));
    return buf_str(&b);
}

/* The first expected output that no reply holds; NULL when all were told. */
static const struct json *untold(const struct trial *x, const struct json *outputs)
{
    struct str *replies = ARENA_ARRAY(x->arena, struct str, x->t->messages_n);
    size_t n = 0;
    for (size_t i = 0; i < x->t->messages_n; i++)
        if (x->t->messages[i].from == SPEAKER_AGENT)
            replies[n++] = plain(x->arena, x->t->messages[i].text);
    for (const struct json *output = outputs->child; output; output = output->next) {
        struct str want = plain(x->arena, json_str(output));
        size_t i = 0;
        while (i < n && !str_has(replies[i], want))
            i++;
        if (i == n)
            return output;
    }
    return NULL;
}

int rule_end_state_run(const struct rule *r, const struct trial *x, struct verdict *out, struct err *e)
{
    struct json *expected;
    struct str text = x->item->expected.n ? x->item->expected : STR("{}");
    if (json_parse(x->arena, text, &expected, e))
        return err_in(e, "what is expected of %.*s", STR_ARG(x->item->label));
    const struct json *actions = json_get(expected, "actions"), *outputs = json_get(expected, "outputs");
    if (!json_is(actions, JSON_ARRAY))
        return rule_unjudged(out, x, "Nothing is noted about the expected end state.");
    int bad = actions_run(r, x, actions, out);
    if (bad || out->score != VERDICT_PASS || !r->outputs || !json_is(outputs, JSON_ARRAY))
        return bad;
    const struct json *missing = untold(x, outputs);
    if (missing)
        return rule_fail(out, x, 0, "The customer was not told \"%.*s\".",
                         STR_ARG(rule_quote(x->arena, json_str(missing))));
    return 0;
}
