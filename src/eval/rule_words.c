/* rule_words: what the agent said to the customer. */
#include "eval/rule.h"

#include "base/text.h"
#include "eval/fields.h"

int rule_reply_length_read(struct arena *a, const struct json *v, struct rule *r, struct err *e)
{
    static const char *const known[] = {"chars", NULL};
    int bad = fields_check(v, known, e);
    if (bad == 0 && !json_get(v, "chars"))
        bad = err_set(e, ERR_INVALID, "line %u: reply_length needs chars", v->line);
    return bad ? bad : fields_int(v, "chars", 1, 0, &r->n, e);
}

int rule_reply_length_run(const struct rule *r, const struct trial *x, struct verdict *out, struct err *e)
{
    size_t longest = 0;
    int64_t seq = 0;
    for (size_t i = 0; i < x->t->messages_n; i++) {
        const struct transcript_message *m = &x->t->messages[i];
        size_t chars = m->from == SPEAKER_AGENT ? text_length(m->text) : 0;
        if (chars <= longest)
            continue;
        longest = chars;
        seq = m->seq;
    }
    if ((int64_t)longest > r->n)
        return rule_fail(out, x, seq, "The longest reply has %zu characters; %lld are allowed.", longest,
                         (long long)r->n);
    return rule_pass(out, x, seq, "The longest reply has %zu of %lld characters.", longest, (long long)r->n);
}

/* --- replies --- */

int rule_replies_read(struct arena *a, const struct json *v, struct rule *r, struct err *e)
{
    static const char *const known[] = {"must", "must_not", "unless", NULL};
    int bad = fields_check(v, known, e);
    if (bad == 0)
        bad = rule_patterns(a, v, "must", &r->must, e);
    if (bad == 0)
        bad = rule_patterns(a, v, "must_not", &r->must_not, e);
    if (bad == 0)
        bad = rule_patterns(a, v, "unless", &r->unless, e);
    if (bad == 0 && !r->must.n && !r->must_not.n)
        bad = err_set(e, ERR_INVALID, "line %u: replies needs must or must_not", v->line);
    return bad;
}

/* 1 and the hit when a sentence of the message matches the list and nothing excuses it. */
static int sentence_hit(const struct pattern_list *list, const struct pattern_list *unless, struct str text,
                        struct str *sentence, struct pattern_hit *hit, struct err *e)
{
    while (pattern_sentence(&text, sentence)) {
        int found = pattern_find(list, *sentence, hit, e);
        if (found > 0) {
            int excused = pattern_find(unless, *sentence, NULL, e);
            found = excused < 0 ? excused : !excused;
        }
        if (found)
            return found;
    }
    return 0;
}

/* Is the pattern found in some reply? */
static int said(const struct trial *x, struct pattern *pattern, struct err *e)
{
    struct pattern_list one = {&pattern, 1};
    for (size_t i = 0; i < x->t->messages_n; i++) {
        const struct transcript_message *m = &x->t->messages[i];
        int found = m->from == SPEAKER_AGENT ? pattern_find(&one, m->text, NULL, e) : 0;
        if (found)
            return found;
    }
    return 0;
}

int rule_replies_run(const struct rule *r, const struct trial *x, struct verdict *out, struct err *e)
{
    for (size_t i = 0; i < x->t->messages_n && r->must_not.n; i++) {
        const struct transcript_message *m = &x->t->messages[i];
        struct str sentence;
        struct pattern_hit hit;
        int found = m->from == SPEAKER_AGENT ? sentence_hit(&r->must_not, &r->unless, m->text, &sentence, &hit, e) : 0;
        if (found < 0)
            return found;
        if (found)
            return rule_fail(out, x, m->seq, "The agent said \"%.*s\" in \"%.*s\".",
                             STR_ARG(rule_quote(x->arena, hit.text)), STR_ARG(rule_quote(x->arena, sentence)));
    }
    for (size_t i = 0; i < r->must.n; i++) {
        int found = said(x, r->must.patterns[i], e);
        if (found < 0)
            return found;
        if (!found)
            return rule_fail(out, x, 0, "The agent never said what pattern %zu of must asks for.", i + 1);
    }
    return rule_pass(out, x, 0, "The replies say what they must and nothing that they must not.");
}

/* --- claims --- */

static int claim_read(struct arena *a, const struct json *v, struct claim *c, struct err *e)
{
    static const char *const known[] = {"patterns", "tools", NULL};
    int bad = fields_check(v, known, e);
    if (bad == 0)
        bad = rule_patterns(a, v, "patterns", &c->patterns, e);
    if (bad == 0)
        bad = fields_texts(a, v, "tools", &c->tools, &c->tools_n, e);
    if (bad == 0 && (!c->patterns.n || !c->tools_n))
        bad = err_set(e, ERR_INVALID, "line %u: a claim needs patterns and tools", v->line);
    return bad;
}

int rule_claims_read(struct arena *a, const struct json *v, struct rule *r, struct err *e)
{
    static const char *const known[] = {"unless", "say", NULL};
    int bad = fields_check(v, known, e);
    if (bad == 0)
        bad = rule_patterns(a, v, "unless", &r->unless, e);
    if (bad)
        return bad;
    const struct json *say = json_get(v, "say");
    if (!json_is(say, JSON_ARRAY) || say->n == 0)
        return err_set(e, ERR_INVALID, "line %u: claims needs say, a list of {patterns, tools}", v->line);
    r->claims = ARENA_ARRAY(a, struct claim, say->n);
    for (const struct json *one = say->child; one; one = one->next) {
        bad = claim_read(a, one, &r->claims[r->claims_n++], e);
        if (bad)
            return bad;
    }
    return 0;
}

static bool done_before(const struct transcript *t, const struct claim *c, int64_t seq)
{
    for (size_t i = 0; i < t->calls_n; i++) {
        const struct transcript_call *call = &t->calls[i];
        if (rule_tool_listed(c->tools, c->tools_n, call->name) && transcript_call_ok(call) &&
            transcript_call_end(call) < seq)
            return true;
    }
    return false;
}

int rule_claims_run(const struct rule *r, const struct trial *x, struct verdict *out, struct err *e)
{
    size_t made = 0;
    for (size_t i = 0; i < x->t->messages_n; i++) {
        const struct transcript_message *m = &x->t->messages[i];
        for (size_t k = 0; k < r->claims_n && m->from == SPEAKER_AGENT; k++) {
            const struct claim *c = &r->claims[k];
            struct str sentence;
            struct pattern_hit hit;
            int found = sentence_hit(&c->patterns, &r->unless, m->text, &sentence, &hit, e);
            if (found < 0)
                return found;
            made += (size_t)found;
            if (found && !done_before(x->t, c, m->seq))
                return rule_fail(out, x, m->seq, "\"%.*s\" claims success, and no successful %.*s stands before it.",
                                 STR_ARG(rule_quote(x->arena, sentence)),
                                 STR_ARG(rule_list(x->arena, c->tools, c->tools_n)));
        }
    }
    return rule_pass(out, x, 0, "%zu claims of success, each with a successful action before it.", made);
}
