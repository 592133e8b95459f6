#include "engine/keys.h"

#include "base/nearest.h"
#include "base/regex.h"

/* What a value holds. */
enum holds {
    TEXT,
    LINES, /* a text or a list of texts */
    COUNT, /* from 1 */
    WHOLE, /* from 0 */
    YES_NO,
    WORD,  /* one of `words` */
    WORDS, /* one or a list of them */
    ANY,
    LIST,  /* each item as the row `of` */
    EACH,  /* a map: each value, whatever its key, as the row `of` */
    MAP,   /* the keys are the rows `of` */
    ONE_OF /* the rows `of` are maps; the value is the first of which it has the key that the row is named after */
};

struct known {
    const char *key; /* of what has none: how messages call it */
    enum holds holds;
    const struct known *of;
    const char *words; /* by a space */
    bool must;
};

static const struct known text = {"a text", TEXT};
static const struct known by_language = {"a text by language", EACH, &text};
static const struct known list_of_texts = {"a list of texts", LIST, &text};

/* --- agents and instructions --- */

static const struct known budgets[] = {
    {"model_calls", COUNT}, {"tool_calls", COUNT},  {"identical_calls", COUNT}, {"turn_ms", COUNT},
    {"resumes", COUNT},     {"reply_chars", COUNT}, {"prompt_tokens", COUNT},   {0}};
static const struct known compose[] = {{"instructions", LINES},
                                       {"policies", LINES},
                                       {"routines", LINES},
                                       {"macros", LINES},
                                       {"tools", LINES},
                                       {"scratchpad", LINES},
                                       {0}};
static const struct known variant_when[] = {{"model_family", TEXT, .must = true}, {0}};
static const struct known any_value = {"a value", ANY};
static const struct known variant[] = {{"when", MAP, variant_when, .must = true},
                                       {"add", MAP, compose},
                                       {"remove", MAP, compose},
                                       {"set", EACH, &any_value},
                                       {0}};
static const struct known variant_row = {"a variant", MAP, variant};
static const struct known agent[] = {{"agent", TEXT},
                                     {"version", TEXT, .must = true},
                                     {"change", TEXT},
                                     {"summary", TEXT},
                                     {"compose", MAP, compose, .must = true},
                                     {"budgets", MAP, budgets},
                                     {"pin", WORD, .words = "conversation turn"},
                                     {"variants", LIST, &variant_row},
                                     {0}};
static const struct known instruction[] = {{"module", TEXT},
                                           {"version", TEXT, .must = true},
                                           {"change", TEXT},
                                           {"summary", TEXT},
                                           {"locale", TEXT},
                                           {"applies_to", LINES},
                                           {"priority", WHOLE},
                                           {"text", TEXT} /* what stands below */,
                                           {0}};

static const struct known policy_rule[] = {{"id", TEXT, .must = true}, {"text", TEXT, .must = true}, {0}};
static const struct known policy_rule_row = {"a rule", MAP, policy_rule};
static const struct known policy[] = {{"policy", TEXT},
                                      {"version", TEXT, .must = true},
                                      {"change", TEXT},
                                      {"summary", TEXT},
                                      {"rules", LIST, &policy_rule_row, .must = true},
                                      {0}};

/* --- tools --- */

static const struct known expression = {"an expression", TEXT};
static const struct known request[] = {{"method", WORD, .words = "GET POST PUT PATCH DELETE"},
                                       {"url", TEXT, .must = true},
                                       {"headers", EACH, &text},
                                       {"query", EACH, &expression},
                                       {"body", ANY},
                                       {0}};
/* What every step may have beside its verb */
#define STEP \
    {"id", TEXT, .must = true}, {"when", TEXT}, \
    { \
        "each", TEXT \
    }
static const struct known step_http[] = {STEP, {"http", MAP, request}, {0}};
static const struct known step_tool[] = {STEP, {"tool", TEXT}, {"args", EACH, &expression}, {0}};
static const struct known step_lua[] = {STEP, {"lua", TEXT}, {0}};
static const struct known step_command[] = {STEP, {"command", LIST, &text}, {"args", EACH, &expression}, {0}};
static const struct known step_let[] = {STEP, {"let", EACH, &expression}, {0}};
#undef STEP
static const struct known tool_steps[] = {{"http", MAP, step_http},       {"tool", MAP, step_tool},
                                          {"let", MAP, step_let},         {"lua", MAP, step_lua},
                                          {"command", MAP, step_command}, {0}};
static const struct known tool_step_row = {"a step", ONE_OF, tool_steps};
static const struct known tool_requires[] = {{"identity", WHOLE}, {0}};
static const struct known wait_row = {"milliseconds", WHOLE};
static const struct known retry[] = {{"on", LIST, &text}, {"max", WHOLE}, {"backoff_ms", LIST, &wait_row}, {0}};
static const struct known audit[] = {{"mask", LIST, &text}, {0}};
static const struct known reconcile_command[] = {{"command", LIST, &text}, {0}};
static const struct known reconciles[] = {{"url", MAP, request}, {"command", MAP, reconcile_command}, {0}};
static const struct known idempotency[] = {{"mode", WORD, .words = "key none key_per_attempt", .must = true}, {0}};
static const struct known knowledge[] = {
    {"collection", TEXT, .must = true}, {"results", COUNT}, {"passage_chars", COUNT}, {"sha256", TEXT}, {0}};
static const struct known confirm[] = {
    {"by", WORD, .words = "customer none"}, {"text", TEXT}, {"expires_s", COUNT}, {0}};
static const struct known limits[] = {{"per_conversation", WHOLE}, {"per_turn", WHOLE}, {0}};
static const struct known example[] = {{"args", ANY}, {"result", ANY}, {0}};
static const struct known example_row = {"an example", MAP, example};
static const struct known class = {"a class", WORD, .words = "refused transient unknown invalid ok already_done"};
static const struct known grants[] = {{"identity", COUNT, .must = true}, {"when", TEXT}, {0}};
static const struct known tool[] = {{"tool", TEXT},
                                    {"version", TEXT, .must = true},
                                    {"change", TEXT},
                                    {"summary", TEXT, .must = true},
                                    {"title", EACH, &text},
                                    {"effect", WORD, .words = "read action", .must = true},
                                    {"class", WORD, .words = "reversible costly irrevocable"},
                                    {"requires", MAP, tool_requires},
                                    {"when", LINES},
                                    {"when_not", LINES},
                                    {"examples", LIST, &example_row},
                                    {"input", ANY, .must = true},
                                    {"http", MAP, request},
                                    {"steps", LIST, &tool_step_row},
                                    {"lua", TEXT},
                                    {"recorded", TEXT},
                                    {"command", LIST, &text},
                                    {"memory_mib", COUNT},
                                    {"on_partial", WORD, .words = "all best_effort"},
                                    {"knowledge", MAP, knowledge},
                                    {"project", EACH, &expression},
                                    {"errors", EACH, &class},
                                    {"already_done", LIST, &text},
                                    {"fresh_s", WHOLE},
                                    {"grants", MAP, grants},
                                    {"timeout_ms", COUNT},
                                    {"idempotency", MAP, idempotency},
                                    {"reconcile", ONE_OF, reconciles},
                                    {"confirm", MAP, confirm},
                                    {"limits", MAP, limits},
                                    {"retry", MAP, retry},
                                    {"answer_bytes_max", COUNT},
                                    {"audit", MAP, audit},
                                    {0}};
/* Our own keys beside those of a JSON Schema */
static const struct known property[] = {{"x-source", WORDS, .words = "session customer tool model"},
                                        {"x-from", WORD, .words = "session.customer session.identity session.locale"},
                                        {"x-show", YES_NO},
                                        {"x-label", EACH, &text},
                                        {"x-values", EACH, &by_language},
                                        {0}};

/* --- routines --- */

static const struct known start[] = {{"text", TEXT}, {"intents", LINES}, {"phrases", EACH, &list_of_texts}, {0}};
static const struct known requires[] = {{"identity", WHOLE}, {"slots", LIST, &text}, {"if", TEXT}, {0}};
/* What a step may say beside its verb's own keys. Where it goes on: a step's id, {goto: id}, or a step in its place. */
#define OF_A_STEP \
    {"id", TEXT}, {"mode", WORD, .words = "guide gate script"}, \
    { \
        "requires", MAP, requires                                                                                      \
    }
static const struct known target = {"where to go on", ANY};
static const struct known say[] = {OF_A_STEP, {"say", ANY}, {"next", ANY}, {"exit", ANY}, {0}};
static const struct known on_error[] = {{"refused", ANY}, {"transient", ANY}, {"unknown", ANY}, {"invalid", ANY}, {0}};
static const struct known call[] = {OF_A_STEP, {"call", ANY}, {"on_error", MAP, on_error}, {"next", ANY}, {0}};
static const struct known row_if[] = {{"if", TEXT}, {"to", ANY, .must = true}, {0}};
static const struct known row_if_text[] = {{"if_text", TEXT}, {"to", ANY, .must = true}, {0}};
static const struct known row_else[] = {{"else", ANY}, {0}};
static const struct known decide_rows[] = {
    {"if", MAP, row_if}, {"if_text", MAP, row_if_text}, {"else", MAP, row_else}, {0}};
static const struct known decide_row = {"a row of decide", ONE_OF, decide_rows};
static const struct known decide[] = {OF_A_STEP, {"decide", LIST, &decide_row}, {0}};
static const struct known question[] = {
    {"slot", TEXT, .must = true}, {"question", TEXT, .must = true}, {"when", TEXT}, {"fresh", YES_NO}, {0}};
static const struct known question_row = {"a question", MAP, question};
static const struct known ask[] = {
    OF_A_STEP, {"ask", LIST, &question_row}, {"max_asks", COUNT}, {"on_max", ANY}, {"next", ANY}, {0}};
static const struct known proposal[] = {{"tool", TEXT, .must = true}, {"args", EACH, &target}, {0}};
static const struct known confirmed[] = {{"proposal", MAP, proposal, .must = true}, {"text", TEXT}, {0}};
static const struct known confirm_step[] = {
    OF_A_STEP, {"confirm", MAP, confirmed}, {"yes", ANY}, {"no", ANY}, {"unclear", ANY}, {0}};
static const struct known act[] = {OF_A_STEP,        {"act", TEXT},    {"ok", ANY}, {"already_done", ANY},
                                   {"refused", ANY}, {"unknown", ANY}, {0}};
static const struct known note[] = {OF_A_STEP, {"note", TEXT}, {"next", ANY}, {0}};
static const struct known go_to[] = {OF_A_STEP, {"goto", TEXT}, {0}};
static const struct known call_routine[] = {
    OF_A_STEP, {"call_routine", TEXT}, {"on", EACH, &target}, {"next", ANY}, {0}};
static const struct known handoff[] = {OF_A_STEP, {"handoff", ANY}, {0}};
static const struct known exit_step[] = {OF_A_STEP, {"exit", ANY}, {0}};
static const struct known steps[] = {{"say", MAP, say},
                                     {"call", MAP, call},
                                     {"ask", MAP, ask},
                                     {"decide", MAP, decide},
                                     {"confirm", MAP, confirm_step},
                                     {"act", MAP, act},
                                     {"note", MAP, note},
                                     {"goto", MAP, go_to},
                                     {"call_routine", MAP, call_routine},
                                     {"handoff", MAP, handoff},
                                     {"exit", MAP, exit_step},
                                     {0}};
static const struct known step_row = {"a step", ONE_OF, steps};
static const struct known of_routine[] = {{"identity", WHOLE}, {0}};
static const struct known routine[] = {{"routine", TEXT},
                                       {"version", TEXT, .must = true},
                                       {"change", TEXT},
                                       {"summary", TEXT},
                                       {"change", TEXT},
                                       {"start_when", MAP, start},
                                       {"not_when", ANY},
                                       {"requires", MAP, of_routine},
                                       {"slots", LINES},
                                       {"mode", WORD, .words = "guide gate script"},
                                       {"digress", WORD, .words = "allow hold forbid"},
                                       {"steps", LIST, &target, .must = true},
                                       {0}};

/* --- macros and scratchpads --- */

static const struct known macros[] = {{"macros", TEXT},
                                      {"version", TEXT, .must = true},
                                      {"change", TEXT},
                                      {"summary", TEXT},
                                      {"texts", EACH, &by_language, .must = true},
                                      {0}};
static const struct known value_row = {"a value's phrases", EACH, &list_of_texts};
static const struct known remembered[] = {{"days", COUNT, .must = true}, {0}};
static const struct known slot[] = {{"slot", TEXT, .must = true},
                                    {"type", WORD, .words = "enum text integer number money date"},
                                    {"summary", TEXT},
                                    {"default", TEXT},
                                    {"remember", MAP, remembered},
                                    {"prefer", WORD, .words = "past future"},
                                    {"values", EACH, &value_row},
                                    {"patterns", EACH, &list_of_texts},
                                    {0}};
static const struct known slot_row = {"a slot", MAP, slot};
static const struct known scratchpad[] = {
    {"scratchpad", TEXT}, {"version", TEXT, .must = true},          {"change", TEXT},
    {"summary", TEXT},    {"slots", LIST, &slot_row, .must = true}, {0}};

/* --- documents of a collection --- */

static const struct known document[] = {
    {"id", TEXT, .must = true}, {"title", TEXT, .must = true}, {"source", TEXT},   {"topic", TEXT},
    {"locale", TEXT},           {"valid_from", TEXT},          {"valid_to", TEXT}, {0}};

/* --- looking --- */

struct look {
    const char *name; /* of the file */
    struct findings *found;
};

static bool has_word(struct str words, struct str word)
{
    struct str one;
    while (str_split(&words, ' ', &one))
        if (str_eq(one, word))
            return true;
    return false;
}

enum { KEYS_MAX = sizeof tool / sizeof *tool };

static void unknown_key(const struct look *l, const struct json *m, const struct known *rows, struct str whose)
{
    const char *names[KEYS_MAX] = {0};
    struct buf all = buf_new(NULL, 300);
    for (size_t i = 0; rows[i].key; i++) {
        names[i] = rows[i].key;
        buf_addf(&all, "%s%s", i ? ", " : "", rows[i].key);
    }
    const char *nearest = nearest_word(m->key, names);
    if (nearest)
        finding_add(l->found, RULE_UNKNOWN_KEY, l->name, m, "%.*s has no `%.*s`; did you mean `%s`?", STR_ARG(whose),
                    STR_ARG(m->key), nearest);
    else
        finding_add(l->found, RULE_UNKNOWN_KEY, l->name, m, "%.*s has no `%.*s`; it has: %.*s", STR_ARG(whose),
                    STR_ARG(m->key), STR_ARG(buf_str(&all)));
    buf_free(&all);
}

static void look_at(const struct look *l, const struct json *v, const struct known *row);

static void look_at_map(const struct look *l, const struct json *map, const struct known *rows, struct str whose)
{
    for (const struct json *m = map->child; m; m = m->next) {
        const struct known *k = rows;
        while (k->key && !str_is(m->key, k->key))
            k++;
        if (k->key)
            look_at(l, m, k);
        else
            unknown_key(l, m, rows, whose);
    }
    for (const struct known *k = rows; k->key; k++)
        if (k->must && !json_get(map, k->key))
            finding_add(l->found, RULE_MISSING_KEY, l->name, map, "%.*s needs `%s`", STR_ARG(whose), k->key);
}

/* A step is what its verb says. */
static void look_at_one_of(const struct look *l, const struct json *map, const struct known *row)
{
    struct buf all = buf_new(NULL, 300), whose = buf_new(NULL, 60);
    const struct known *k = row->of;
    for (; k->key && !json_get(map, k->key); k++)
        buf_addf(&all, "%s%s", k == row->of ? "" : ", ", k->key);
    buf_addf(&whose, "%s with `%s`", row->key, k->key);
    if (k->key)
        look_at_map(l, map, k->of, buf_str(&whose));
    else
        finding_add(l->found, RULE_MISSING_KEY, l->name, map, "%s has one of: %.*s", row->key, STR_ARG(buf_str(&all)));
    buf_free(&all);
    buf_free(&whose);
}

static bool is_of(const struct json *v, enum holds holds)
{
    switch (holds) {
    case TEXT:
    case WORD: return v->kind == JSON_STRING;
    case WORDS:
    case LINES: return v->kind == JSON_STRING || v->kind == JSON_ARRAY;
    case COUNT: return json_whole(v) && json_int(v, 0) >= 1 && json_int(v, 0) <= INT32_MAX;
    case WHOLE: return json_whole(v) && json_int(v, -1) >= 0 && json_int(v, -1) <= INT32_MAX;
    case YES_NO: return v->kind == JSON_TRUE || v->kind == JSON_FALSE;
    case ANY: return true;
    case LIST: return v->kind == JSON_ARRAY;
    case EACH:
    case MAP:
    case ONE_OF: return v->kind == JSON_OBJECT;
    }
    return false;
}

static void wrong_word(const struct look *l, const struct json *v, struct str name, const char *words)
{
    struct buf all = buf_new(NULL, 300);
    struct str rest = str_of(words), one;
    for (const char *between = ""; str_split(&rest, ' ', &one); between = ", ")
        buf_addf(&all, "%s%.*s", between, STR_ARG(one));
    finding_add(l->found, RULE_WRONG_VALUE, l->name, v, "%.*s is `%.*s`; it can be: %.*s", STR_ARG(name),
                STR_ARG(v->text), STR_ARG(buf_str(&all)));
    buf_free(&all);
}

static void look_at(const struct look *l, const struct json *v, const struct known *row)
{
    static const char *const kinds[] = {[TEXT] = "a text; put it in quotes",
                                        [LINES] = "a text or a list of texts",
                                        [COUNT] = "a whole number from 1 on",
                                        [WHOLE] = "a whole number from 0 on",
                                        [YES_NO] = "true or false",
                                        [WORD] = "a word",
                                        [WORDS] = "a word or a list of words",
                                        [ANY] = "anything",
                                        [LIST] = "a list",
                                        [EACH] = "a map",
                                        [MAP] = "a map",
                                        [ONE_OF] = "a map"};
    struct str name = v->key.n ? v->key : str_of(row->key);
    if (!is_of(v, row->holds)) {
        finding_add(l->found, RULE_WRONG_VALUE, l->name, v, "%.*s must be %s", STR_ARG(name), kinds[row->holds]);
        return;
    }
    if ((row->holds == WORD || (row->holds == WORDS && v->kind == JSON_STRING)) &&
        !has_word(str_of(row->words), v->text))
        wrong_word(l, v, name, row->words);
    for (const struct json *i = row->holds == WORDS && v->kind == JSON_ARRAY ? v->child : NULL; i; i = i->next)
        if (!has_word(str_of(row->words), json_str(i)))
            wrong_word(l, i, name, row->words);
    if (row->holds == MAP)
        look_at_map(l, v, row->of, name);
    if (row->holds == ONE_OF)
        look_at_one_of(l, v, row);
    if (row->holds == MAP || row->holds == ONE_OF)
        return;
    const struct known *item = row->holds == LINES ? &text : row->of;
    for (const struct json *i = item ? v->child : NULL; i; i = i->next)
        look_at(l, i, item);
}

/* --- what a table of keys cannot say --- */

/* Set by the runtime: "session" alone. */
static bool of_session(const struct json *p)
{
    const struct json *source = json_get(p, "x-source");
    return str_is(json_str(json_is(source, JSON_ARRAY) ? source->child : source), "session");
}

static void look_at_sources(const struct look *l, const struct json *p)
{
    const struct json *source = json_get(p, "x-source"), *from = json_get(p, "x-from");
    for (const struct json *i = json_is(source, JSON_ARRAY) ? source->child : NULL; i; i = i->next)
        if (str_is(json_str(i), "session") && source->n > 1)
            finding_add(l->found, RULE_TOOL_FORM, l->name, source,
                        "what the session supplies nobody else does: x-source: session");
    if (from && !of_session(p))
        finding_add(l->found, RULE_TOOL_FORM, l->name, from, "x-from goes with x-source: session");
}

static void look_at_properties(const struct look *l, const struct json *properties)
{
    for (const struct json *p = properties ? properties->child : NULL; p; p = p->next) {
        look_at_sources(l, p);
        for (const struct json *m = json_is(p, JSON_OBJECT) ? p->child : NULL; m; m = m->next) {
            const struct known *k = property;
            while (k->key && !str_is(m->key, k->key))
                k++;
            if (k->key)
                look_at(l, m, k);
            else if (str_starts(m->key, STR("x-")))
                unknown_key(l, m, property, p->key);
        }
    }
}

static void look_at_errors(const struct look *l, const struct json *errors)
{
    for (const struct json *m = errors ? errors->child : NULL; m; m = m->next)
        if (!regex_match(STR("^([345]\\d\\d|[345]xx|exit_[1-9]\\d{0,2}|timeout|(?!HTTP_|TIMEOUT$)[A-Z][A-Z0-9_]*)$"),
                         m->key))
            finding_add(l->found, RULE_UNKNOWN_KEY, l->name, m,
                        "errors has no `%.*s`; write a status (404), a family (5xx), timeout, a program's status "
                        "(exit_3) or a code of the backend (LIMIT_REACHED)",
                        STR_ARG(m->key));
}

/* Who confirms an action sees all of it. */
static void look_at_shown(const struct look *l, const struct json *spec)
{
    const struct json *properties = json_get(json_get(spec, "input"), "properties");
    if (!str_is(json_str_or(json_get(json_get(spec, "confirm"), "by"), STR("customer")), "customer"))
        return;
    for (const struct json *p = properties ? properties->child : NULL; p; p = p->next)
        if (!json_bool(json_get(p, "x-show"), false) && !of_session(p))
            finding_add(l->found, RULE_NOT_SHOWN, l->name, p,
                        "the customer confirms without seeing `%.*s`; give it x-show: true", STR_ARG(p->key));
}

static void look_at_action(const struct look *l, const struct json *spec)
{
    if (!json_get(spec, "idempotency"))
        finding_add(l->found, RULE_NO_IDEMPOTENCY, l->name, spec,
                    "an action says how a repeat is recognised: idempotency: {mode: key}");
    look_at_shown(l, spec);
}

/* On a look-up they would be promises that nobody keeps. */
static void look_at_read(const struct look *l, const struct json *spec)
{
    static const char *const of_actions[] = {"idempotency", "reconcile", "confirm"};
    for (size_t i = 0; i < sizeof of_actions / sizeof *of_actions; i++)
        if (json_get(spec, of_actions[i]))
            finding_add(l->found, RULE_TOOL_FORM, l->name, json_get(spec, of_actions[i]),
                        "only an action has `%s`; this is a read", of_actions[i]);
}

/* What a call does stands in one place. */
static void look_at_adapter(const struct look *l, const struct json *spec)
{
    static const char *const adapters[] = {"http", "command", "knowledge", "lua", "recorded", "steps"};
    const struct json *first = NULL;
    for (size_t i = 0; i < sizeof adapters / sizeof *adapters; i++) {
        const struct json *v = json_get(spec, adapters[i]);
        if (v && first)
            finding_add(l->found, RULE_TOOL_FORM, l->name, v, "a tool has `%.*s` or `%s`, not both",
                        STR_ARG(first->key), adapters[i]);
        first = first ? first : v;
    }
    if (json_get(spec, "on_partial") && !json_get(spec, "steps"))
        finding_add(l->found, RULE_TOOL_FORM, l->name, json_get(spec, "on_partial"),
                    "only a tool with `steps` has on_partial");
}

static void look_at_tool(const struct look *l, const struct json *spec)
{
    look_at_properties(l, json_get(json_get(spec, "input"), "properties"));
    look_at_errors(l, json_get(spec, "errors"));
    look_at_adapter(l, spec);
    if (str_is(json_str(json_get(spec, "effect")), "action"))
        look_at_action(l, spec);
    else
        look_at_read(l, spec);
}

static const struct file {
    struct known row;
    const char *self;
    void (*more)(const struct look *l, const struct json *file);
} files[] = {
    {{"an agent", MAP, agent}, "agent", NULL},      {{"an instruction", MAP, instruction}, "module", NULL},
    {{"a routine", MAP, routine}, "routine", NULL}, {{"a pack of macros", MAP, macros}, "macros", NULL},
    {{"a tool", MAP, tool}, "tool", look_at_tool},  {{"a scratchpad", MAP, scratchpad}, "scratchpad", NULL},
    {{"a policy", MAP, policy}, "policy", NULL},    {{"a document", MAP, document}, "id", NULL},
};

void keys_find_step(const struct json *step, const char *name, struct findings *found)
{
    struct look l = {.name = name, .found = found};
    look_at(&l, step, &step_row);
}

void keys_find(const struct json *file, const char *self, const char *name, struct findings *found)
{
    struct look l = {.name = name, .found = found};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (str_is(str_of(self), files[i].self)) {
            look_at(&l, file, &files[i].row);
            if (files[i].more && json_is(file, JSON_OBJECT))
                files[i].more(&l, file);
        }
}

int keys_check(const struct json *file, const char *self, const char *name, struct err *e)
{
    struct findings found = {.arena = arena_new("keys", 0)};
    keys_find(file, self, name, &found);
    int r = findings_refuse(&found, e);
    arena_free(found.arena);
    return r;
}
