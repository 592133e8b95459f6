#include "engine/handoff.h"

#include "base/clock.h"
#include "base/text.h"
#include "engine/audit.h"

enum { PACKAGE_BYTES_MAX = 1 << 16, WORDS_MAX = 400 };

const char *const handoff_reasons[] = {
    "asked_human",       "out_of_scope", "data_unavailable", "action_refused",  "outcome_unknown",     "low_confidence",
    "frustration",       "compliance",   "budget",           "approval_needed", "missing_information", "unclear_answer",
    "model_unavailable", NULL,
};

bool handoff_reason_known(struct str reason)
{
    for (const char *const *r = handoff_reasons; *r; r++)
        if (str_is(reason, *r))
            return true;
    return false;
}

const char *handoff_priority(struct str reason)
{
    return str_is(reason, "outcome_unknown") || str_is(reason, "compliance") || str_is(reason, "frustration")
               ? "high"
               : "normal";
}

/* What the person reads first: facts in a fixed order, no model's words. */
static struct str summary(struct arena *a, const struct conversation *c, struct str reason)
{
    struct buf b = buf_new(a, 2000);
    buf_addf(&b, "Handed over because %.*s.", STR_ARG(reason));
    if (c->course.frames_n)
        buf_addf(&b, " In routine %.*s at step %.*s.", STR_ARG(course_routine(&c->course)),
                 STR_ARG(course_place(&c->course)));
    for (const struct fact *f = c->facts; f; f = f->next)
        buf_addf(&b, " %.*s answered %.*s.", STR_ARG(f->tool), STR_ARG(f->class));
    if (c->proposal.state != PROPOSAL_NONE)
        buf_addf(&b, " Proposal %.*s is %s.", STR_ARG(c->proposal.tool), proposal_state_name(c->proposal.state));
    if (c->said) {
        buf_adds(&b, " The customer's last words: ");
        buf_add(&b, text_head(c->said->text, WORDS_MAX));
    }
    return buf_str(&b);
}

/* What is said to and by tools, masked by audit.mask, and what that hid: slots may hold it too. */
struct view {
    struct arena *arena;
    const struct agent *agent;
    struct json *hidden;
};

static struct str masked(const struct view *v, struct str tool, struct str text)
{
    return text.n ? audit_mask_text(v->arena, v->agent, tool, text, v->hidden) : STR("null");
}

static void put_json_text(struct json_writer *w, const char *key, struct str text)
{
    json_key(w, key);
    json_put_raw(w, text);
}

/* All that is masked in the package, before the first value is written. */
static void find_hidden(const struct view *v, const struct conversation *c)
{
    for (const struct fact *f = c->facts; f; f = f->next) {
        masked(v, f->tool, f->args);
        masked(v, f->tool, f->result);
    }
    masked(v, c->proposal.tool, c->proposal.args);
    masked(v, c->proposal.tool, c->proposal.result);
}

static void put_notes(struct json_writer *w, const struct course_note *newest)
{
    if (!newest)
        return;
    json_key(w, "notes");
    json_open(w, '[');
    for (const struct course_note *n = newest; n; n = n->older)
        json_put_str(w, n->text);
    json_close(w, ']');
}

struct str handoff_package(struct arena *a, const struct conversation *c, struct str reason, struct str note,
                           int64_t now_us)
{
    struct buf b = buf_new(a, PACKAGE_BYTES_MAX);
    struct json_writer w = {.out = &b};
    const struct view v = {a, c->agent, json_new(a, JSON_ARRAY)};
    find_hidden(&v, c);
    json_open(&w, '{');
    json_pair_str(&w, "customer", c->customer);
    json_pair_int(&w, "identity", c->identity);
    json_pair_str(&w, "channel", c->channel);
    json_pair_str(&w, "language", c->language);
    json_pair_str(&w, "agent", c->agent->name);
    json_pair_str(&w, "agent_sha", c->agent->sha_hex);
    json_pair_str(&w, "since", clock_iso(a, now_us));
    json_pair_str(&w, "summary", summary(a, c, reason));
    if (note.n)
        json_pair_str(&w, "note_of_the_model", note);
    json_pair_str(&w, "routine", course_routine(&c->course));
    json_pair_str(&w, "step", course_place(&c->course));
    put_notes(&w, c->course.notes);
    json_key(&w, "slots");
    json_open(&w, '[');
    for (const struct slot_value *s = c->slots; s; s = s->next) {
        json_open(&w, '{');
        json_pair_str(&w, "slot", s->slot);
        json_pair_str(&w, "value", audit_mask_value(v.hidden, s->value));
        json_pair_str(&w, "status", s->status);
        json_pair_str(&w, "source", s->source);
        json_pair_int(&w, "evidence", s->evidence);
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_key(&w, "tools");
    json_open(&w, '[');
    for (const struct fact *f = c->facts; f; f = f->next) {
        json_open(&w, '{');
        json_pair_str(&w, "tool", f->tool);
        json_pair_str(&w, "class", f->class);
        put_json_text(&w, "result", masked(&v, f->tool, f->result));
        json_close(&w, '}');
    }
    json_close(&w, ']');
    if (c->proposal.state != PROPOSAL_NONE) {
        json_key(&w, "proposal");
        json_open(&w, '{');
        json_pair_int(&w, "id", c->proposal.seq);
        json_pair_str(&w, "tool", c->proposal.tool);
        json_pair_str(&w, "state", str_of(proposal_state_name(c->proposal.state)));
        json_pair_str(&w, "digest", c->proposal.digest);
        json_pair_str(&w, "key", c->proposal.key);
        put_json_text(&w, "args", masked(&v, c->proposal.tool, c->proposal.args));
        put_json_text(&w, "result", masked(&v, c->proposal.tool, c->proposal.result));
        json_close(&w, '}');
    }
    json_key(&w, "last_words");
    json_open(&w, '[');
    size_t n = 0;
    for (const struct said *s = c->said; s && n < 3; s = s->older, n++)
        json_put_str(&w, text_head(s->text, WORDS_MAX));
    json_close(&w, ']');
    json_close(&w, '}');
    return b.cut ? STR("{\"summary\":\"The package is too large; read the conversation.\"}") : buf_str(&b);
}
