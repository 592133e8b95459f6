#include "engine/prompt.h"

#include "engine/instructions.h"

enum { SHARED_BYTES_MAX = 1 << 22 };

static const char update_scratchpad[] =
    "{\"type\":\"function\",\"function\":{\"name\":\"update_scratchpad\","
    "\"description\":\"Write down what was learnt: slots, the "
    "routine and its step, which slot is being asked for. The runtime checks each "
    "value against the customer's words and the "
    "tools' "
    "results.\",\"parameters\":{\"type\":\"object\",\"properties\":{\"set\":{"
    "\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"properties\":{\"slot\":{\"type\":\"string\"},\"value\":{\"type\":\"string\"}"
    "},\"required\":[\"slot\",\"value\"]}},"
    "\"routine\":{\"type\":\"string\"},\"step\":{\"type\":\"string\"},\"asking\":{"
    "\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"judged\":{\"type\":\"boolean\"}}}}}";

static const char transfer_to_human[] =
    "{\"type\":\"function\",\"function\":{\"name\":\"transfer_to_human\",\"description\":\"Hand the conversation over "
    "to a person, "
    "with everything that is "
    "known.\",\"parameters\":{\"type\":\"object\",\"properties\":{\"reason\":{\"type\":\"string\",\"enum\":["
    "\"asked_human\",\"out_of_scope\",\"data_unavailable\",\"action_refused\",\"outcome_unknown\",\"low_confidence\","
    "\"frustration\","
    "\"compliance\",\"budget\",\"approval_needed\",\"missing_information\",\"unclear_answer\",\"model_unavailable\"]},"
    "\"note\":{\"type\":\"string\"}},\"required\":[\"reason\"]}}}";

/* The text under construction and who wrote what of it. */
struct page {
    struct agent *ag;
    struct buf text;
    struct json_writer w;
    struct spans spans; /* of `text`, before it is escaped */
};

static void of(struct page *p, const struct label *label)
{
    spans_to(&p->spans, p->text.n, label);
}

static bool of_kind(const struct json *module, const char *kind)
{
    return str_is(json_str(json_get(module, "kind")), kind);
}

/* The label of a module of a bundle; versions that were stored without their hashes are hashed here. */
static struct label label_of(struct arena *a, const struct json *m)
{
    struct str sha = json_str(json_get(m, "sha256"));
    if (!sha.n) {
        struct sha256 own = sha256_of(json_canonical(a, json_get(m, "body")));
        sha = hash_hex(a, own.b, SHA256_BYTES);
    }
    return (struct label){.kind = json_str(json_get(m, "kind")),
                          .name = json_str(json_get(m, "name")),
                          .version = json_str(json_get(m, "version")),
                          .sha = sha,
                          .anchor = STR("")};
}

static struct label at(struct label l, struct str anchor)
{
    l.anchor = anchor;
    return l;
}

/* The comma between two members is nobody's. */
static void comma(struct page *p)
{
    if (p->w.comma)
        buf_addc(&p->text, ',');
    p->w.comma = false;
    of(p, NULL);
}

/* --- tools --- */

static struct label tool_label(struct arena *a, const struct agent *ag, struct str name)
{
    for (const struct json *m = ag->modules->child; m; m = m->next)
        if (of_kind(m, "tools") && str_eq(json_str(json_get(m, "name")), name))
            return at(label_of(a, m), name);
    return (struct label){.kind = STR("tools"), .name = name};
}

static void put_own_tool(struct page *p, const char *name, const char *definition)
{
    struct label own = {.kind = STR("runtime"), .name = str_of(name)};
    comma(p);
    json_put_raw(&p->w, str_of(definition));
    of(p, &own);
}

static void put_tools(struct page *p)
{
    const struct agent *ag = p->ag;
    bool transfer = false, update = false; /* the built-in ones take their places in the order of names */
    for (size_t i = 0; i <= ag->tools_n; i++) {
        struct str next = i < ag->tools_n ? ag->tools[i].name : STR("\xff");
        if (!transfer && str_cmp(STR("transfer_to_human"), next) < 0)
            put_own_tool(p, "transfer_to_human", transfer_to_human), transfer = true;
        if (!update && str_cmp(STR("update_scratchpad"), next) < 0)
            put_own_tool(p, "update_scratchpad", update_scratchpad), update = true;
        if (i == ag->tools_n)
            break;
        struct label label = tool_label(ag->arena, ag, next);
        comma(p);
        tool_write_definition(&ag->tools[i], &p->w);
        of(p, &label);
    }
}

/* --- the shared message --- */

/* Where it applies stands behind its name, as the model sees the conversation's channel and locale. */
static void put_scope(struct page *p, const struct json *m)
{
    const struct json *channels = json_get(m, "applies_to");
    struct str locale = json_str(json_get(m, "locale"));
    if (!channels && !locale.n)
        return;
    buf_adds(&p->text, " (only");
    for (const struct json *c = channels && channels->kind == JSON_STRING ? channels
                                : channels                                ? channels->child
                                                                          : NULL;
         c; c = c == channels ? NULL : c->next)
        buf_addf(&p->text, "%s %.*s", c == channels || c == channels->child ? " on" : ",", STR_ARG(c->text));
    if (locale.n)
        buf_addf(&p->text, " for locale %.*s", STR_ARG(locale));
    buf_adds(&p->text, ")");
}

static void put_instructions(struct page *p, const struct json *m)
{
    struct label label = label_of(p->ag->arena, m), here;
    struct instructions in = {.rest = json_str(json_get(m, "body")), .section = STR("")};
    struct instruction piece;
    struct str words;
    buf_addf(&p->text, "# %.*s", STR_ARG(label.name));
    put_scope(p, m);
    buf_addc(&p->text, '\n');
    of(p, &label);
    while (instructions_next(p->ag->arena, &in, &piece)) {
        if (piece.heading && instruction_heading(piece.text, &words) && !str_starts(piece.text, STR("##")))
            buf_addc(&p->text, '#'); /* one below the module's own heading */
        buf_add(&p->text, piece.text);
        here = at(label, piece.anchor);
        of(p, &here);
    }
    buf_adds(&p->text, "\n\n");
    of(p, NULL);
}

static int64_t priority(const struct json *m)
{
    return json_int(json_get(m, "priority"), 0);
}

/* Those of higher priority first, else in the agent's order. */
static void put_all_instructions(struct page *p)
{
    size_t left = 0;
    int64_t level = INT64_MAX;
    for (const struct json *m = p->ag->modules->child; m; m = m->next)
        left += of_kind(m, "instructions");
    while (left) {
        int64_t next = INT64_MIN;
        for (const struct json *m = p->ag->modules->child; m; m = m->next)
            if (of_kind(m, "instructions") && priority(m) < level && priority(m) > next)
                next = priority(m);
        for (const struct json *m = p->ag->modules->child; m; m = m->next)
            if (of_kind(m, "instructions") && priority(m) == next) {
                put_instructions(p, m);
                left--;
            }
        level = next;
    }
}

static void put_policy(struct page *p, const struct json *m)
{
    struct label label = label_of(p->ag->arena, m), here;
    const struct json *rules = json_get(json_get(m, "body"), "rules");
    buf_addf(&p->text, "## policy %.*s\n", STR_ARG(label.name));
    of(p, &label);
    for (const struct json *r = rules ? rules->child : NULL; r; r = r->next) {
        buf_addf(&p->text, "- %.*s: %.*s\n", STR_ARG(json_str(json_get(r, "id"))),
                 STR_ARG(json_str(json_get(r, "text"))));
        here = at(label, json_str(json_get(r, "id")));
        of(p, &here);
    }
    buf_addc(&p->text, '\n');
    of(p, NULL);
}

/* A map without its phrases, which only the offline provider reads. */
static struct json *without_phrases(struct arena *a, const struct json *v)
{
    struct json *copy = json_new(a, JSON_OBJECT);
    for (const struct json *m = v->child; m; m = m->next)
        if (!str_is(m->key, "phrases"))
            json_set(copy, m->key, json_copy(a, m));
    return copy;
}

static void put_steps(struct page *p, const struct json *steps, struct label label)
{
    struct label here;
    json_key(&p->w, "steps");
    json_open(&p->w, '[');
    for (const struct json *s = steps->child; s; s = s->next) {
        of(p, &label);
        comma(p);
        json_put(&p->w, s);
        here = at(label, json_str(json_get(s, "id")));
        of(p, &here);
    }
    json_close(&p->w, ']');
}

static void put_routine(struct page *p, const struct json *m)
{
    struct arena *a = p->ag->arena;
    struct label label = label_of(a, m);
    const struct json *body = json_get(m, "body");
    buf_addf(&p->text, "## routine %.*s\n", STR_ARG(label.name));
    p->w.comma = false;
    json_open(&p->w, '{');
    for (const struct json *v = body ? body->child : NULL; v; v = v->next) {
        bool when = str_is(v->key, "start_when") || str_is(v->key, "not_when");
        if (str_is(v->key, "steps") && json_is(v, JSON_ARRAY)) {
            put_steps(p, v, label);
            continue;
        }
        json_key_str(&p->w, v->key);
        json_put(&p->w, when && p->ag->plain && json_is(v, JSON_OBJECT) ? without_phrases(a, v) : v);
    }
    json_close(&p->w, '}');
    buf_addc(&p->text, '\n');
    of(p, &label);
}

static void put_macros(struct page *p)
{
    buf_adds(&p->text, "## macros\n");
    p->w.comma = false;
    json_open(&p->w, '{');
    of(p, NULL);
    for (const struct json *m = p->ag->modules->child; m; m = m->next) {
        const struct json *texts = of_kind(m, "macros") ? json_get(json_get(m, "body"), "texts") : NULL;
        struct label label = texts ? label_of(p->ag->arena, m) : (struct label){0}, here;
        for (const struct json *t = texts ? texts->child : NULL; t; t = t->next) {
            comma(p);
            json_key_str(&p->w, str_f(p->ag->arena, "%.*s.%.*s", STR_ARG(label.name), STR_ARG(t->key)));
            json_put(&p->w, t);
            here = at(label, t->key);
            of(p, &here);
        }
    }
    json_close(&p->w, '}');
}

/* {"found": {"en": [...]}} is ["found"] for a model that knows the language. */
static struct json *plain_slot(struct arena *a, const struct json *slot)
{
    struct json *copy = json_new(a, JSON_OBJECT);
    for (const struct json *m = slot->child; m; m = m->next) {
        struct json *v = json_copy(a, m);
        if (str_is(m->key, "values") && json_is(m, JSON_OBJECT)) {
            v = json_new(a, JSON_ARRAY);
            for (const struct json *name = m->child; name; name = name->next)
                json_push(v, json_new_str(a, name->key));
        }
        json_set(copy, m->key, v);
    }
    return copy;
}

static void put_slots(struct page *p)
{
    buf_adds(&p->text, "\n## scratchpad\n{\"slots\":[");
    p->w.comma = false;
    of(p, NULL);
    for (const struct json *m = p->ag->modules->child; m; m = m->next) {
        const struct json *slots = of_kind(m, "scratchpad") ? json_get(json_get(m, "body"), "slots") : NULL;
        struct label label = slots ? label_of(p->ag->arena, m) : (struct label){0}, here;
        for (const struct json *s = slots ? slots->child : NULL; s; s = s->next) {
            comma(p);
            json_put(&p->w, p->ag->plain ? plain_slot(p->ag->arena, s) : s);
            here = at(label, json_str(json_get(s, "slot")));
            of(p, &here);
        }
    }
    buf_adds(&p->text, "]}\n");
    of(p, NULL);
}

static void put_shared(struct page *p)
{
    static const struct {
        const char *kind;
        void (*put)(struct page *p, const struct json *m);
    } kinds[] = {{"policies", put_policy}, {"routines", put_routine}};
    put_all_instructions(p);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (const struct json *m = p->ag->modules->child; m; m = m->next)
            if (of_kind(m, kinds[i].kind))
                kinds[i].put(p, m);
    put_macros(p);
    put_slots(p);
}

static struct page page_new(struct agent *ag)
{
    return (struct page){.ag = ag, .text = buf_new(ag->arena, SHARED_BYTES_MAX), .spans = {.arena = ag->arena}};
}

int prompt_compile(struct agent *ag, struct err *e)
{
    struct page tools = page_new(ag), shared = page_new(ag);
    struct buf b = buf_new(ag->arena, SHARED_BYTES_MAX);
    tools.w.out = &tools.text;
    shared.w.out = &shared.text;
    put_tools(&tools);
    put_shared(&shared);
    struct spans *all = &tools.spans;
    size_t before = tools.text.n + 1;
    spans_to(all, before, NULL); /* the newline */
    all->part = PROMPT_SHARED;
    buf_adds(&b, "{\"role\":\"system\",\"content\":\"");
    spans_to(all, before + b.n, NULL);
    for (size_t i = 0; i < shared.spans.n; i++) { /* escaped piece by piece: so it is known where each comes to stand */
        const struct span *s = &shared.spans.list[i];
        json_escape(&b, (struct str){shared.text.p + s->from, s->to - s->from});
        spans_to(all, before + b.n, &s->label);
    }
    buf_adds(&b, "\"}");
    spans_to(all, before + b.n, NULL);
    if (tools.text.cut || shared.text.cut || b.cut)
        return err_set(e, ERR_LIMIT, "the agent's modules make a prompt over 4 MiB");
    ag->tools_json = buf_str(&tools.text);
    ag->shared = buf_str(&b);
    ag->spans = all->list;
    ag->spans_n = all->n;
    sha256_begin(&ag->prefix);
    sha256_add(&ag->prefix, ag->tools_json);
    sha256_add(&ag->prefix, STR("\n"));
    sha256_add(&ag->prefix, ag->shared);
    return 0;
}
