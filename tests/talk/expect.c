#include "expect.h"

#include "base/regex.h"
#include "engine/context.h"

#include <stdio.h>

/* What an expectation looks at. */
struct scene {
    struct stage *stage;
    struct arena *a;
    struct event *events;
    size_t n;
    struct conversation *c;
    int refused;
};

static bool cut(struct str *rest, const char *word)
{
    struct str w = str_of(word);
    if (!str_starts(*rest, w) || (rest->n > w.n && rest->p[w.n] != ' '))
        return false;
    *rest = str_trim(str_from(*rest, w.n));
    return true;
}

static struct str cut_word(struct str *rest)
{
    ptrdiff_t at = str_find(*rest, STR(" "));
    struct str word = str_head(*rest, at < 0 ? rest->n : (size_t)at);
    *rest = str_trim(str_from(*rest, word.n));
    return word;
}

static struct json *body(const struct scene *x, const struct event *ev)
{
    struct json *v;
    return json_parse(x->a, ev->body, &v, NULL) == 0 ? v : json_new(x->a, JSON_OBJECT);
}

static bool matches(const struct scene *x, struct str pattern, struct str text)
{
    return regex_match(str_f(x->a, "(?is)%.*s", STR_ARG(pattern)), text);
}

static int wrong(struct err *e, struct str there)
{
    return err_set(e, ERR_UNDEFINED, "there is: %.*s", STR_ARG(there));
}

static int nothing_more(struct str rest, struct err *e)
{
    return rest.n ? err_set(e, ERR_INVALID, "what does \"%.*s\" mean here?", STR_ARG(rest)) : 0;
}

/* "once", "twice", "3 times", "never"; -1 when it says no number. */
static int64_t cut_times(struct str *rest)
{
    static const char *const words[] = {"never", "once", "twice"};
    struct str peek = *rest;
    int64_t n;
    for (int i = 0; i < 3; i++)
        if (cut(rest, words[i]))
            return i;
    if (str_int(cut_word(&peek), &n) == 0 && cut(&peek, "times")) {
        *rest = peek;
        return n;
    }
    return -1;
}

static int count_is(int64_t there, int64_t wanted, const char *what, struct err *e)
{
    return there == wanted ? 0 : err_set(e, ERR_UNDEFINED, "there is: %s %lld times", what, (long long)there);
}

/* --- replies --- */

/* What the agent said since the last act, one reply a line. */
static struct str replies(const struct scene *x, int *n)
{
    struct buf b = buf_new(x->a, 1 << 18);
    *n = 0;
    for (size_t i = 0; i < x->n; i++) {
        if (x->events[i].kind != EVENT_REPLY_SENT || x->events[i].seq <= stage_act_seq(x->stage))
            continue;
        if ((*n)++)
            buf_addc(&b, '\n');
        buf_add(&b, json_str(json_get(body(x, &x->events[i]), "text")));
    }
    return buf_str(&b);
}

static int match(const struct scene *x, struct str rest, struct str text, struct err *e)
{
    bool not = cut(&rest, "not");
    if (!cut(&rest, "~") || !rest.n)
        return err_set(e, ERR_INVALID, "write ~ and a pattern");
    if (regex_check(rest, e) < 0)
        return ERR_INVALID;
    return matches(x, rest, text) != not ? 0 : wrong(e, text);
}

static int expect_reply(const struct scene *x, struct str rest, struct err *e)
{
    int n;
    struct str text = replies(x, &n);
    if (!n)
        return err_set(e, ERR_UNDEFINED, "there is no reply");
    return match(x, rest, text, e);
}

static int expect_replies(const struct scene *x, struct str rest, struct err *e)
{
    int n;
    struct str text = replies(x, &n);
    int64_t wanted = -1;
    if (str_int(rest, &wanted) < 0)
        return err_set(e, ERR_INVALID, "write how many replies");
    return n == wanted ? 0 : wrong(e, str_f(x->a, "%d: %.*s", n, STR_ARG(text)));
}

/* --- tools and proposals --- */

/* "Address: Rua ...; Reason: not_received" of the newest proposal; "" without one. */
static struct str shown(const struct scene *x)
{
    struct json *fields;
    struct buf b = buf_new(x->a, 1 << 16);
    if (x->c->proposal.state == PROPOSAL_NONE || json_parse(x->a, x->c->proposal.shown, &fields, NULL) < 0)
        return STR("");
    buf_addf(&b, "%.*s", STR_ARG(x->c->proposal.tool));
    for (const struct json *f = fields->child; f; f = f->next)
        buf_addf(&b, "; %.*s: %.*s", STR_ARG(json_str(json_get(f, "label"))), STR_ARG(json_str(json_get(f, "value"))));
    return buf_str(&b);
}

static int expect_proposal(const struct scene *x, struct str rest, struct err *e)
{
    const char *state = proposal_state_name(x->c->proposal.state);
    if (str_starts(rest, STR("~"))) {
        if (!conversation_open_proposal(x->c))
            return err_set(e, ERR_UNDEFINED, "there is no open proposal; the last one is %s", state);
        return match(x, rest, shown(x), e);
    }
    if (str_is(rest, "open"))
        rest = STR("asked");
    return str_is(rest, state) ? 0 : wrong(e, str_f(x->a, "a proposal that is %s", state));
}

static int expect_tool(const struct scene *x, struct str name, struct str rest, struct err *e)
{
    bool tried = cut(&rest, "tried");
    int64_t n = cut_times(&rest);
    if (n < 0)
        return err_set(e, ERR_INVALID, "how often should %.*s be called? Write once, twice, N times", STR_ARG(name));
    int there = stage_requests(x->stage, name, !tried);
    return nothing_more(rest, e) < 0 ? ERR_INVALID : count_is(there, n, "called", e);
}

/* "bank agreed once", "bank agreed ~ PATTERN" over what the books hold of it. */
static int expect_bank(const struct scene *x, struct str rest, struct err *e)
{
    const struct json *done;
    struct str what = cut_word(&rest);
    if (stage_books(x->stage, what, &done, e) < 0)
        return e->code;
    if (str_starts(rest, STR("~")) || str_starts(rest, STR("not ~")))
        return match(x, rest, json_text(x->a, done), e);
    int64_t wanted = cut_times(&rest);
    if (nothing_more(rest, e) < 0)
        return ERR_INVALID;
    return (int64_t)done->n == wanted ? 0 : wrong(e, json_text(x->a, done));
}

/* --- the journal --- */

static size_t first_of(const struct scene *x, struct str name)
{
    size_t i = 0;
    while (i < x->n && !str_is(name, event_name(x->events[i].kind)))
        i++;
    return i;
}

static int known_kind(struct str name, struct err *e)
{
    return event_kind_of(name) == EVENT_NONE ? err_set(e, ERR_INVALID, "\"%.*s\" is no kind of event", STR_ARG(name))
                                             : 0;
}

static int journal_times(const struct scene *x, struct str name, struct str rest, struct err *e)
{
    int64_t n = cut_times(&rest), there = 0;
    for (size_t i = 0; i < x->n; i++)
        there += str_is(name, event_name(x->events[i].kind));
    if (str_starts(rest, STR("~"))) {
        struct buf all = buf_new(x->a, 1 << 20);
        for (size_t i = 0; i < x->n; i++)
            if (str_is(name, event_name(x->events[i].kind)))
                buf_addf(&all, "%.*s\n", STR_ARG(x->events[i].body));
        return match(x, rest, buf_str(&all), e);
    }
    if (nothing_more(rest, e) < 0)
        return ERR_INVALID;
    if (n < 0)
        return there ? 0 : wrong(e, str_f(x->a, "no %.*s", STR_ARG(name)));
    return count_is(there, n, "in the journal", e);
}

static int expect_journal(const struct scene *x, struct str rest, struct err *e)
{
    if (!cut(&rest, "has"))
        return err_set(e, ERR_INVALID, "write: journal has KIND");
    struct str name = cut_word(&rest);
    if (known_kind(name, e) < 0)
        return ERR_INVALID;
    if (!str_starts(rest, STR("before ")))
        return journal_times(x, name, rest, e);
    size_t at = first_of(x, name);
    while (cut(&rest, "before")) {
        struct str next = cut_word(&rest);
        if (known_kind(next, e) < 0)
            return ERR_INVALID;
        size_t then = first_of(x, next);
        if (at == x->n || then == x->n || at >= then)
            return wrong(e, str_f(x->a, "%.*s at %zu and %.*s at %zu of %zu events", STR_ARG(name), at + 1,
                                  STR_ARG(next), then + 1, x->n));
        name = next;
        at = then;
    }
    return nothing_more(rest, e);
}

static int expect_handoff(const struct scene *x, struct str rest, struct err *e)
{
    struct str reason = STR("");
    for (size_t i = 0; i < x->n; i++)
        if (x->events[i].kind == EVENT_HANDOFF_REQUESTED)
            reason = json_str(json_get(body(x, &x->events[i]), "reason"));
    return str_eq(rest, reason) ? 0 : wrong(e, reason.n ? reason : STR("no hand-off"));
}

static int expect_package(const struct scene *x, struct str rest, struct err *e)
{
    struct str package = STR("");
    for (size_t i = 0; i < x->n; i++)
        if (x->events[i].kind == EVENT_HANDOFF_REQUESTED)
            package = json_text(x->a, json_get(body(x, &x->events[i]), "package"));
    return match(x, rest, package, e);
}

/* --- the state --- */

static int expect_owner(const struct scene *x, struct str rest, struct err *e)
{
    const char *owner = owner_name(x->c->owner);
    return str_is(rest, owner) ? 0 : wrong(e, str_of(owner));
}

static int expect_language(const struct scene *x, struct str rest, struct err *e)
{
    return str_eq(rest, x->c->language) ? 0 : wrong(e, x->c->language);
}

static int expect_slot(const struct scene *x, struct str rest, struct err *e)
{
    struct str name = cut_word(&rest);
    const struct slot_value *v = x->c->slots;
    while (v && !str_eq(v->slot, name))
        v = v->next;
    struct str there = v ? str_f(x->a, "%.*s %.*s", STR_ARG(v->value), STR_ARG(v->status)) : STR("nothing");
    return v && (str_eq(rest, v->value) || str_eq(rest, there)) ? 0 : wrong(e, there);
}

static int expect_turn(const struct scene *x, struct str rest, struct err *e)
{
    static const char *const places[TURN_PLACES] = {[TURN_IDLE] = "over",
                                                    [TURN_MODEL] = "asking",
                                                    [TURN_TOOLS] = "looking",
                                                    [TURN_ACTING] = "acting",
                                                    [TURN_TIMER] = "waiting"};
    struct str there = str_of(places[stage_turn(x->stage)]);
    return str_eq(rest, there) ? 0 : wrong(e, there);
}

static int expect_model(const struct scene *x, struct str rest, struct err *e)
{
    if (!cut(&rest, "asked"))
        return err_set(e, ERR_INVALID, "write: model asked N times");
    int64_t n = cut_times(&rest);
    return nothing_more(rest, e) < 0 ? ERR_INVALID : count_is(cues_asked(stage_cues(x->stage)), n, "asked", e);
}

static int expect_prompt(const struct scene *x, struct str rest, struct err *e)
{
    return match(x, rest, cues_prompt(stage_cues(x->stage)), e);
}

static int expect_refused(const struct scene *x, struct str rest, struct err *e)
{
    struct str there = x->refused ? str_of(err_name(x->refused)) : STR("taken");
    return x->refused && (!rest.n || str_eq(rest, there)) ? 0 : wrong(e, there);
}

/* "no reply", "no proposal", "no handoff", or no request of that tool. */
static int expect_no(const struct scene *x, struct str rest, struct err *e)
{
    int n;
    if (str_is(rest, "reply"))
        return expect_replies(x, STR("0"), e);
    if (str_is(rest, "handoff"))
        return expect_handoff(x, STR(""), e);
    if (str_is(rest, "proposal"))
        return conversation_open_proposal(x->c) ? wrong(e, shown(x)) : 0;
    if (!agent_tool(stage_cast(x->stage), rest))
        return err_set(e, ERR_INVALID, "the agent has no tool \"%.*s\"", STR_ARG(rest));
    n = stage_requests(x->stage, rest, true);
    return count_is(n, 0, "called", e);
}

static const struct expectation {
    const char *word;
    int (*check)(const struct scene *x, struct str rest, struct err *e);
} expectations[] = {
    {"reply", expect_reply}, {"replies", expect_replies},   {"no", expect_no},           {"proposal", expect_proposal},
    {"bank", expect_bank},   {"journal", expect_journal},   {"handoff", expect_handoff}, {"package", expect_package},
    {"owner", expect_owner}, {"language", expect_language}, {"slot", expect_slot},       {"turn", expect_turn},
    {"model", expect_model}, {"prompt", expect_prompt},     {"refused", expect_refused},
};

static int check_one(const struct scene *x, struct str line, struct err *e)
{
    struct str rest = str_trim(line);
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++)
        if (cut(&rest, expectations[i].word))
            return expectations[i].check(x, rest, e);
    struct str name = cut_word(&rest);
    if (agent_tool(stage_cast(x->stage), name))
        return expect_tool(x, name, rest, e);
    return err_set(e, ERR_INVALID, "what does \"%.*s\" mean here?", STR_ARG(name));
}

static int look(struct stage *s, struct scene *x, struct err *e)
{
    if (!stage_opened(s))
        return err_set(e, ERR_INVALID, "nothing happened yet");
    return stage_events(s, x->a, &x->events, &x->n, e) < 0 ? e->code : stage_folded(s, x->a, &x->c, e);
}

int expect_check(struct stage *s, struct str line, int refused, struct err *e)
{
    struct scene x = {.stage = s, .a = arena_new("expect", 0), .refused = refused};
    int r = look(s, &x, e);
    while (r == 0 && line.n) {
        ptrdiff_t end = str_find(line, STR("; "));
        struct str one = str_head(line, end < 0 ? line.n : (size_t)end);
        line = str_from(line, one.n + 2);
        struct err why = {0};
        r = check_one(&x, one, &why);
        if (r < 0)
            err_set(e, r, "expected %.*s; %s", STR_ARG(str_trim(one)), why.text);
    }
    arena_free(x.a);
    return r;
}

/* --- house rules --- */

/* An action starts only after a yes to its digest, and at most once a key. */
static int rule_confirmed(const struct scene *x, struct err *e)
{
    for (size_t i = 0; i < x->n; i++) {
        if (x->events[i].kind != EVENT_ACTION_STARTED)
            continue;
        int64_t proposal = json_int(json_get(body(x, &x->events[i]), "proposal"), 0);
        bool yes = false;
        for (size_t k = 0; k < i; k++)
            if (x->events[k].kind == EVENT_CONFIRMATION_GIVEN) {
                const struct json *b = body(x, &x->events[k]);
                yes = json_int(json_get(b, "proposal"), 0) == proposal ? str_is(json_str(json_get(b, "answer")), "yes")
                                                                       : yes;
            }
        if (!yes)
            return err_set(e, ERR_UNDEFINED, "event %zu starts an action that nobody confirmed", i + 1);
    }
    return 0;
}

/* While a person has the conversation, the agent is silent. */
static int rule_silent(const struct scene *x, struct err *e)
{
    bool bot = true;
    for (size_t i = 0; i < x->n; i++) {
        if (x->events[i].kind == EVENT_OWNER_CHANGED)
            bot = str_is(json_str(json_get(body(x, &x->events[i]), "owner")), "bot");
        if (x->events[i].kind == EVENT_REPLY_SENT && !bot)
            return err_set(e, ERR_UNDEFINED, "event %zu is a reply of the agent while a person has the conversation",
                           i + 1);
    }
    return 0;
}

/* Every prompt can be made again from the journal. */
static int rule_prompts(const struct scene *x, struct err *e)
{
    struct context_check check = {0};
    if (context_verify(stage_agents(x->stage), x->events, x->n, &check, e) < 0)
        return e->code;
    if (check.reproduced == check.prompts)
        return 0;
    return err_set(e, ERR_UNDEFINED, "the prompt of event %lld cannot be made again", (long long)check.seq_bad);
}

/* What is derived from the journal comes out the same from nothing. */
static int rule_refold(const struct scene *x, struct err *e)
{
    struct sha256 before, behind;
    int64_t checked;
    struct store *store = stage_store(x->stage);
    if (journal_verify(store, &checked, e) < 0 || journal_derived_sha(store, &before, e) < 0 ||
        journal_refold(store, e) < 0 || journal_derived_sha(store, &behind, e) < 0)
        return e->code;
    return sha256_eq(&before, &behind) ? 0 : err_set(e, ERR_UNDEFINED, "the derived tables fold to something else");
}

static int rule_cues(const struct scene *x, struct err *e)
{
    size_t model = cues_left(stage_cues(x->stage)), tool = stage_tool_cues_left(x->stage);
    if (!model && !tool)
        return 0;
    return err_set(e, ERR_UNDEFINED, "%zu model lines and %zu tool lines were not used", model, tool);
}

int expect_house_rules(struct stage *s, struct err *e)
{
    static int (*const rules[])(const struct scene *, struct err *) = {rule_confirmed, rule_silent, rule_prompts,
                                                                       rule_refold, rule_cues};
    struct scene x = {.stage = s, .a = arena_new("rules", 0)};
    int r = look(s, &x, e);
    for (size_t i = 0; i < sizeof rules / sizeof *rules && r == 0; i++)
        r = rules[i](&x, e);
    arena_free(x.a);
    return r;
}

void expect_tell(struct stage *s)
{
    struct scene x = {.stage = s, .a = arena_new("tell", 0)};
    if (look(s, &x, NULL) == 0)
        for (size_t i = 0; i < x.n; i++)
            printf("      %2zu %-20s %.*s\n", i + 1, event_name(x.events[i].kind),
                   STR_ARG(str_head(x.events[i].body, 300)));
    arena_free(x.a);
}
