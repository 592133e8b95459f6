#include "script.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

const char script_card_delivery[] =
    "[{\"when\":{\"last_tool\":\"reissue_card\",\"last_contains\":[\"\\\"class\\\":\\\"ok\\\"\",\"already_done\"]},"
    "  \"answer\":{\"text\":\"Your new card is ordered, reference ${tool:reissue_card.reissue_id}. It should be with "
    "you"
    " by ${tool:reissue_card.eta}.\"}},"
    " {\"when\":{\"last_tool\":\"reissue_card\",\"last_contains\":\"needs_confirmation\"},"
    "  \"answer\":{\"text\":\"I can send a new card to ${tool:get_customer_profile.address}. Shall I?\"}},"
    " {\"when\":{\"last_tool\":\"reissue_card\"},"
    "  \"answer\":{\"calls\":[{\"name\":\"transfer_to_human\",\"arguments\":{\"reason\":\"action_refused\"}}]}},"
    " {\"when\":{\"last_tool\":[\"check_card_delivery\",\"get_customer_profile\"],\"last_contains\":\"\\\"class\\\":"
    "\\\"ok\\\"\"},"
    "  \"answer\":{\"text\":\"${tool:get_customer_profile.first_name}, your card ending in"
    " ${tool:check_card_delivery.card_last4} was due on ${tool:check_card_delivery.promised_on}."
    " Has anyone at your address taken it in?\"}},"
    " {\"when\":{\"last_tool\":[\"check_card_delivery\",\"get_customer_profile\"]},"
    "  \"answer\":{\"calls\":[{\"name\":\"transfer_to_human\",\"arguments\":{\"reason\":\"data_unavailable\"}}]}},"
    " {\"when\":{\"last_role\":\"user\",\"not_called\":\"check_card_delivery\"},"
    "  \"answer\":{\"calls\":[{\"name\":\"get_customer_profile\",\"arguments\":{}},"
    "    {\"name\":\"check_card_delivery\",\"arguments\":{}}]}},"
    " {\"when\":{\"last_role\":\"user\",\"not_called\":\"reissue_card\"},"
    "  \"answer\":{\"calls\":[{\"name\":\"reissue_card\",\"arguments\":"
    "    {\"address\":\"${tool:get_customer_profile.address}\",\"reason\":\"not_received\"}}]}},"
    " {\"when\":{},\"answer\":{\"text\":\"Is there anything else that I can do for you?\"}}]";

struct rule {
    struct str last_role, state_contains, called, not_called;
    const struct json *last_contains, *last_tool; /* a text or a list of texts; NULL: any */
    int user_turns, calls_since_user;             /* -1: any */
    struct str text;
    bool has_text;
    const struct json *calls;
    int repeat, used; /* repeat 0: no end */
};

struct script {
    struct rule *rules;
    size_t rules_n;
};

/* --- reading ----------------------------------------------------------------------------------- */

static int rule_when(const struct json *when, struct rule *rule, struct err *e)
{
    rule->user_turns = rule->calls_since_user = -1;
    if (!json_is(when, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "a rule needs a \"when\"");
    for (const struct json *m = when->child; m; m = m->next) {
        if (str_is(m->key, "last_role"))
            rule->last_role = json_str(m);
        else if (str_is(m->key, "last_contains"))
            rule->last_contains = m;
        else if (str_is(m->key, "last_tool"))
            rule->last_tool = m;
        else if (str_is(m->key, "state_contains"))
            rule->state_contains = json_str(m);
        else if (str_is(m->key, "called"))
            rule->called = json_str(m);
        else if (str_is(m->key, "not_called"))
            rule->not_called = json_str(m);
        else if (str_is(m->key, "user_turns"))
            rule->user_turns = (int)json_int(m, -1);
        else if (str_is(m->key, "calls_since_user"))
            rule->calls_since_user = (int)json_int(m, -1);
        else
            return err_set(e, ERR_INVALID, "a rule cannot ask for \"%.*s\"", STR_ARG(m->key));
    }
    return 0;
}

static int rule_answer(const struct json *answer, struct rule *rule, struct err *e)
{
    rule->calls = json_get(answer, "calls");
    rule->text = json_str(json_get(answer, "text"));
    rule->has_text = json_is(json_get(answer, "text"), JSON_STRING);
    rule->repeat = (int)json_int(json_get(answer, "repeat"), 0);
    if (!rule->calls && !rule->has_text)
        return err_set(e, ERR_INVALID, "an answer needs a text or calls");
    if (rule->calls && (!json_is(rule->calls, JSON_ARRAY) || rule->calls->n > SCRIPT_CALLS_MAX))
        return err_set(e, ERR_INVALID, "an answer's calls are a list of up to %d", SCRIPT_CALLS_MAX);
    return 0;
}

int script_read(struct arena *program, struct str source, struct script **out, struct err *e)
{
    struct json *rules;
    int result = json_parse(program, source, &rules, e);
    if (result < 0)
        return err_in(e, "the script");
    if (!json_is(rules, JSON_ARRAY))
        return err_set(e, ERR_INVALID, "a script is a list of rules");
    struct script *s = ARENA_NEW(program, struct script);
    s->rules = ARENA_ARRAY(program, struct rule, rules->n);
    for (const struct json *r = rules->child; r; r = r->next) {
        struct rule *rule = &s->rules[s->rules_n++];
        if (rule_when(json_get(r, "when"), rule, e) < 0 || rule_answer(json_get(r, "answer"), rule, e) < 0)
            return err_in(e, "rule %zu of the script", s->rules_n);
    }
    *out = s;
    return 0;
}

void script_again(struct script *s)
{
    for (size_t i = 0; i < s->rules_n; i++)
        s->rules[i].used = 0;
}

/* --- which rule holds -------------------------------------------------------------------------- */

/* A prompt's look from the rules' side; what costs something is found out once, when a rule asks. */
struct scene {
    const struct prompt *prompt;
    struct arena *arena;
    char *last_words; /* in lower case; NULL: not asked for yet */
    struct str last_tool;
    bool last_tool_known;
};

static char *lower(struct arena *a, struct str s)
{
    char *copy = (char *)str_c(a, s);
    for (char *c = copy; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c += 'a' - 'A';
    return copy;
}

static bool last_contains(struct scene *s, struct str what)
{
    if (!s->last_words)
        s->last_words = lower(s->arena, message_text(s->arena, &s->prompt->last));
    return strstr(s->last_words, lower(s->arena, what)) != NULL;
}

static bool last_tool_is(struct scene *s, struct str tool)
{
    struct str text;
    if (!s->last_tool_known && str_is(s->prompt->last.role, "tool"))
        prompt_result(s->prompt, s->arena, NULL, &s->last_tool, &text);
    s->last_tool_known = true;
    return s->last_tool.n && str_eq(s->last_tool, tool);
}

/* One text, or a list of which one is enough. */
static bool any(struct scene *s, const struct json *wanted, bool (*holds)(struct scene *s, struct str text))
{
    if (!json_is(wanted, JSON_ARRAY))
        return holds(s, json_str(wanted));
    for (const struct json *w = wanted->child; w; w = w->next)
        if (holds(s, json_str(w)))
            return true;
    return false;
}

static bool rule_holds(const struct rule *r, struct scene *s)
{
    const struct prompt *p = s->prompt;
    if (r->repeat && r->used == r->repeat)
        return false;
    if (r->last_role.n && !str_eq(r->last_role, p->last.role))
        return false;
    if (r->last_tool && !any(s, r->last_tool, last_tool_is))
        return false;
    if (r->last_contains && !any(s, r->last_contains, last_contains))
        return false;
    if (r->state_contains.n && !str_has(message_text(s->arena, &p->state), r->state_contains))
        return false;
    if (r->called.n && !prompt_called(p, s->arena, r->called))
        return false;
    if (r->not_called.n && prompt_called(p, s->arena, r->not_called))
        return false;
    if (r->user_turns >= 0 && r->user_turns != prompt_user_turns(p))
        return false;
    return r->calls_since_user < 0 || r->calls_since_user == prompt_calls_since_user(p);
}

/* --- the answer's words ------------------------------------------------------------------------ */

static const struct json *state_value(struct scene *s, struct str path)
{
    struct str text = message_text(s->arena, &s->prompt->state);
    ptrdiff_t brace = str_find(text, STR("{"));
    struct json *state;
    if (brace < 0 || json_parse(s->arena, str_from(text, (size_t)brace), &state, NULL) < 0)
        return NULL;
    return json_path(state, path);
}

static const struct json *tool_value(struct scene *s, struct str path)
{
    struct str tool, name, text;
    struct json *result;
    str_split(&path, '.', &tool);
    if (!prompt_result(s->prompt, s->arena, str_c(s->arena, tool), &name, &text) ||
        json_parse(s->arena, text, &result, NULL) < 0)
        return NULL;
    const struct json *inner = json_path(json_get(result, "result"), path);
    return inner ? inner : json_path(result, path);
}

static const struct json *place_value(struct scene *s, struct str place)
{
    if (str_starts(place, STR("state:")))
        return state_value(s, str_from(place, 6));
    return str_starts(place, STR("tool:")) ? tool_value(s, str_from(place, 5)) : NULL;
}

/* Cuts the text before the next ${...} into `plain` and what stands in it into `place` (p NULL: none). */
static void place_next(struct str *rest, struct str *plain, struct str *place)
{
    ptrdiff_t at = str_find(*rest, STR("${"));
    ptrdiff_t end = at < 0 ? -1 : str_find(str_from(*rest, (size_t)at), STR("}"));
    *place = STR_NONE;
    if (end < 0) {
        *plain = *rest;
        *rest = str_from(*rest, rest->n);
        return;
    }
    *plain = str_head(*rest, (size_t)at);
    *place = str_head(str_from(*rest, (size_t)at + 2), (size_t)end - 2);
    *rest = str_from(*rest, (size_t)(at + end) + 1);
}

static struct str words_fill(struct scene *s, struct str text)
{
    if (!str_has(text, STR("${")))
        return text;
    struct buf out = buf_new(s->arena, 1 << 16);
    struct str plain, place;
    while (text.n) {
        place_next(&text, &plain, &place);
        buf_add(&out, plain);
        const struct json *v = place.p ? place_value(s, place) : NULL;
        if (v)
            buf_add(&out, json_is(v, JSON_STRING) ? json_str(v) : json_text(s->arena, v));
    }
    return buf_str(&out);
}

static void value_fill(struct scene *s, const struct json *v, struct json_writer *w)
{
    struct str rest = v->text, plain, place = STR_NONE;
    if (v->kind == JSON_STRING)
        place_next(&rest, &plain, &place);
    const struct json *value = place.p && plain.n == 0 && rest.n == 0 ? place_value(s, place) : NULL;
    if (v->kind == JSON_OBJECT || v->kind == JSON_ARRAY) {
        json_open(w, v->kind == JSON_OBJECT ? '{' : '[');
        for (const struct json *child = v->child; child; child = child->next) {
            if (v->kind == JSON_OBJECT)
                json_key_str(w, child->key);
            value_fill(s, child, w);
        }
        json_close(w, v->kind == JSON_OBJECT ? '}' : ']');
    } else if (value) {
        json_put(w, value);
    } else if (v->kind == JSON_STRING) {
        json_put_str(w, words_fill(s, v->text));
    } else {
        json_put(w, v);
    }
}

static struct str arguments_fill(struct scene *s, const struct json *arguments)
{
    if (!arguments)
        return STR("{}");
    if (json_is(arguments, JSON_STRING))
        return json_str(arguments);
    struct buf out = buf_new(s->arena, 1 << 16);
    struct json_writer w = {.out = &out};
    value_fill(s, arguments, &w);
    return buf_str(&out);
}

void script_run(struct script *s, const struct prompt *p, struct arena *a, struct script_answer *out)
{
    struct scene scene = {.prompt = p, .arena = a};
    struct rule *rule = NULL;
    for (size_t i = 0; i < s->rules_n && !rule; i++)
        if (rule_holds(&s->rules[i], &scene))
            rule = &s->rules[i];
    *out = (struct script_answer){.text = STR("I am a simulated model, and no rule of my script holds."),
                                  .has_text = true};
    if (!rule)
        return;
    rule->used += rule->repeat > 0;
    out->has_text = rule->has_text;
    out->text = words_fill(&scene, rule->text);
    for (const struct json *call = rule->calls ? rule->calls->child : NULL; call; call = call->next) {
        out->calls[out->calls_n].name = json_str(json_get(call, "name"));
        out->calls[out->calls_n++].arguments = arguments_fill(&scene, json_get(call, "arguments"));
    }
}
