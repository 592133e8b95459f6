#include "engine/plan.h"

#include "base/expr.h"
#include "base/lua.h"
#include "engine/tool_parts.h"

enum { ERROR_BYTES_MAX = 4096, INPUT_BYTES_MAX = 2 << 20, CODE_BYTES_MAX = 100, MESSAGE_BYTES_MAX = 500 };

static const struct json *step_of(const struct plan *p)
{
    return p->rq->tool->steps ? json_at(p->rq->tool->steps, p->step) : p->rq->tool->spec;
}

static struct str id_of(const struct plan *p)
{
    return p->rq->tool->steps ? json_str(json_get(step_of(p), "id")) : STR_NONE;
}

/* Where in the call: "shipment", "offers.2"; "" for a tool without steps. */
static struct str place_of(const struct plan *p)
{
    return p->items ? str_f(p->arena, "%.*s.%zu", STR_ARG(id_of(p)), p->item) : id_of(p);
}

static bool only_computes(const struct json *step)
{
    return json_get(step, "let") || json_get(step, "lua");
}

/* Does this step do what the action is for? It is the last that does more than compute. */
static bool acts(const struct plan *p)
{
    const struct tool *t = p->rq->tool;
    if (!t->action || !t->steps)
        return t->action;
    const struct json *later = step_of(p);
    if (only_computes(later))
        return false;
    while ((later = later->next))
        if (!only_computes(later))
            return false;
    return true;
}

static void end(struct plan *p, enum tool_class class, struct str result)
{
    p->ended = true;
    p->answer = (struct tool_answer){.class = class, .result = result};
}

/* {"error":{"code":...,"message":...}}, the backend's own words where it has some; of a composite also the step. */
static void end_with_error(struct plan *p, enum tool_class class, const struct json *value, const char *why)
{
    struct buf b = buf_new(p->arena, ERROR_BYTES_MAX);
    struct json_writer w = {.out = &b};
    const struct json *error = json_get(value, "error");
    json_open(&w, '{');
    json_key(&w, "error");
    json_open(&w, '{');
    json_pair_str(&w, "code", str_whole(json_str(json_get(error, "code")), CODE_BYTES_MAX));
    json_pair_str(&w, "message", str_whole(json_str_or(json_get(error, "message"), str_of(why)), MESSAGE_BYTES_MAX));
    if (place_of(p).n)
        json_pair_str(&w, "step", str_whole(place_of(p), CODE_BYTES_MAX));
    json_close(&w, '}');
    json_close(&w, '}');
    end(p, class, buf_str(&b));
}

static void end_with_projection(struct plan *p, enum tool_class class)
{
    struct str result;
    struct err e = {0};
    if (tool_project(p->arena, p->rq->tool, p->root, &result, &e) == 0)
        end(p, class, result);
    else /* what an action did is done all the same, but nobody can say what it was */
        end_with_error(p, p->rq->tool->action ? TOOL_UNKNOWN : TOOL_INVALID, NULL, e.text);
}

static void leave(struct plan *p)
{
    p->step++;
    p->entered = false;
    p->items = NULL;
}

/* The step, or its item, has this value. Of a tool without steps the members stand in the root themselves. */
static void store(struct plan *p, const struct json *value)
{
    struct json *own = value ? json_copy(p->arena, value) : json_new(p->arena, JSON_NULL);
    own->key = STR_NONE;
    if (p->items) {
        json_push(p->results, own);
        p->item++;
        return;
    }
    if (p->rq->tool->steps) {
        json_set(p->root, id_of(p), own);
    } else {
        json_set(p->root, STR("answer"), json_copy(p->arena, own));
        for (const struct json *m = json_is(own, JSON_OBJECT) ? own->child : NULL; m; m = m->next)
            json_set(p->root, m->key, json_copy(p->arena, m));
    }
    leave(p);
}

/* The step failed: all of it fails, or it leaves a hole. What an action does is no hole. And where it was done already, or may
 * have been by an earlier attempt, no other step's failure says that it was not. */
static void fail(struct plan *p, enum tool_class class, const struct json *value, const char *why)
{
    bool in_doubt = p->rq->tool->action && !acts(p) && (p->acted || p->rq->attempt > 1);
    if (in_doubt && class != TOOL_TRANSIENT)
        class = TOOL_UNKNOWN;
    if (!p->rq->tool->best_effort || acts(p)) {
        end_with_error(p, class, value, why);
        return;
    }
    if (!p->failed) {
        p->failed = json_new(p->arena, JSON_ARRAY);
        json_set(p->root, STR("failed"), p->failed);
    }
    json_push(p->failed, json_new_str(p->arena, place_of(p)));
    store(p, NULL);
}

/* --- entering a step --- */

static bool eval(struct plan *p, const struct json *expression, struct json **out)
{
    struct err e = {0};
    if (expr_eval(p->arena, json_str(expression), p->root, out, &e) == 0)
        return true;
    fail(p, TOOL_INVALID, NULL, str_c(p->arena, str_of(e.text)));
    return false;
}

/* Looks at `when` and `each`. False: the step is over, or everything. */
static bool enter(struct plan *p)
{
    const struct json *step = step_of(p), *when = json_get(step, "when"), *each = json_get(step, "each");
    struct json *v;
    if (!p->rq->tool->steps)
        return p->entered = true;
    if (when && !eval(p, when, &v))
        return false;
    if (when && !expr_true(v)) {
        store(p, NULL);
        return false;
    }
    if (each) {
        if (!eval(p, each, &v))
            return false;
        if (v->kind == JSON_NULL)
            v = json_new(p->arena, JSON_ARRAY);
        if (v->kind != JSON_ARRAY || v->n > TOOL_EACH_MAX) {
            fail(p, TOOL_INVALID, NULL, "`each` goes through a list of at most 50 items, and this is none");
            return false;
        }
        p->items = v;
        p->item = 0;
        p->results = json_new(p->arena, JSON_ARRAY);
    }
    return p->entered = true;
}

/* The next item is where expressions see it. False: there was none. */
static bool next_item(struct plan *p)
{
    if (p->item == p->items->n) {
        json_set(p->root, id_of(p), p->results);
        leave(p);
        return false;
    }
    struct json *item = json_copy(p->arena, json_at(p->items, p->item));
    json_set(p->root, STR("item"), item);
    json_set(p->root, STR("index"), json_new_int(p->arena, (int64_t)p->item));
    return true;
}

/* --- the verbs --- */

static bool do_let(struct plan *p, struct plan_task *out)
{
    struct json *all = json_new(p->arena, JSON_OBJECT), *v;
    json_set(p->root, id_of(p), all); /* a value may use those before it: sums.rate */
    for (const struct json *m = json_get(step_of(p), "let")->child; m; m = m->next) {
        if (!eval(p, m, &v))
            return false;
        json_set(all, m->key, v);
    }
    store(p, all);
    return false;
}

static bool do_http(struct plan *p, struct plan_task *out)
{
    const struct tool *t = p->rq->tool;
    struct err e = {0};
    const struct json *how = p->reconciling ? json_get(t->spec, "reconcile") : json_get(step_of(p), "http");
    out->what = PLAN_HTTP;
    if (tool_http_fill(p->arena, how, p->world, p->root, &out->http, &e) == 0)
        return true;
    fail(p, TOOL_INVALID, NULL, str_c(p->arena, str_of(e.text)));
    return false;
}

/* A step's `args`, evaluated; what is not known is not given. False: the step failed. */
static bool eval_args(struct plan *p, const struct json *args, struct json **out)
{
    struct json *all = json_new(p->arena, JSON_OBJECT), *v;
    for (const struct json *m = args->child; m; m = m->next) {
        if (!eval(p, m, &v))
            return false;
        if (v->kind != JSON_NULL)
            json_set(all, m->key, v);
    }
    *out = all;
    return true;
}

/* The program is told all that it may need, under names of its own. */
static struct str input_of(struct plan *p, const struct json *args, bool acts)
{
    const struct tool_request *rq = p->rq;
    struct buf b = buf_new(p->arena, INPUT_BYTES_MAX);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_pair_str(&w, "tool", rq->tool->name);
    json_key(&w, "args");
    json_put(&w, args);
    if (acts && rq->key.n)
        json_pair_str(&w, "key", rq->key);
    if (p->reconciling)
        json_pair_bool(&w, "reconcile", true);
    json_pair_str(&w, "label", rq->label);
    json_pair_str(&w, "date", rq->date);
    json_close(&w, '}');
    return b.cut ? STR_NONE : buf_str(&b);
}

static bool do_command(struct plan *p, struct plan_task *out)
{
    const struct json *how = p->reconciling ? json_get(p->rq->tool->spec, "reconcile") : step_of(p);
    const struct json *args = json_get(how, "args");
    struct json *own;
    out->what = PLAN_COMMAND;
    out->command = json_get(how, "command");
    if (args && !eval_args(p, args, &own))
        return false;
    out->input = input_of(p, args ? own : json_get(p->root, "args"), out->acts);
    if (!out->input.n)
        fail(p, TOOL_INVALID, NULL, "the program would be told more than 2 MiB");
    return out->input.n;
}

static bool do_call(struct plan *p, struct plan_task *out)
{
    const struct json *step = step_of(p), *args = json_get(step, "args");
    const struct tool *t = p->rq->tool;
    struct json *all = json_new(p->arena, JSON_OBJECT);
    struct err e = {0};
    out->what = PLAN_CALL;
    for (size_t i = 0; i < t->others_n; i++)
        if (str_eq(t->others[i].name, json_str(json_get(step, "tool"))))
            out->tool = &t->others[i];
    if (args && !eval_args(p, args, &all))
        return false;
    if (!out->tool || tool_arguments(p->arena, out->tool, json_text(p->arena, all), &p->rq->session, &all, &e) < 0) {
        fail(p, TOOL_INVALID, NULL, out->tool ? str_c(p->arena, str_of(e.text)) : "the step's tool is not there");
        return false;
    }
    out->args = json_canonical(p->arena, all);
    p->calling = true;
    return true;
}

static bool do_knowledge(struct plan *p, struct plan_task *out)
{
    out->what = PLAN_KNOWLEDGE;
    out->knowledge = json_get(p->rq->tool->spec, "knowledge");
    out->query = json_str(json_get(json_get(p->root, "args"), "query"));
    return true;
}

static bool do_lua(struct plan *p, struct plan_task *out)
{
    struct json *v;
    struct err e = {0};
    if (lua_script_run(p->arena, json_str(json_get(step_of(p), "lua")), p->root, &v, &e) == 0)
        store(p, v);
    else
        fail(p, TOOL_INVALID, NULL, str_c(p->arena, str_of(e.text)));
    return false;
}

static bool do_recorded(struct plan *p, struct plan_task *out)
{
    out->what = PLAN_RECORDED;
    out->file = json_str(json_get(step_of(p), "recorded"));
    out->args = p->rq->args;
    return true;
}

static const struct {
    const char *name;
    bool (*run)(struct plan *p, struct plan_task *out); /* false: nothing for the caller to do; go on */
} verbs[] = {{"http", do_http}, {"command", do_command}, {"knowledge", do_knowledge},
             {"let", do_let},   {"lua", do_lua},         {"recorded", do_recorded},
             {"tool", do_call}};

/* --- in and out --- */

int plan_begin(struct plan *p, struct arena *a, const struct tool_request *rq, const struct tool_world *world,
               struct err *e)
{
    struct json *args;
    if (json_parse(a, rq->args, &args, e) < 0)
        return ERR_INVALID;
    *p = (struct plan){.arena = a, .rq = rq, .world = world, .root = json_new(a, JSON_OBJECT)};
    for (const struct json *m = args->child; m; m = m->next)
        json_set(p->root, m->key, json_copy(a, m));
    json_set(p->root, STR("args"), args);
    json_set(p->root, STR("date"), json_new_str(a, rq->date));
    json_set(p->root, STR("now"), json_new_str(a, rq->now));
    json_set(p->root, STR("label"), json_new_str(a, rq->label));
    json_set(p->root, STR("key"), json_new_str(a, rq->key));
    return 0;
}

void plan_next(struct plan *p, struct plan_task *out)
{
    const struct tool *t = p->rq->tool;
    while (!p->ended) {
        *out = (struct plan_task){0};
        if (p->step == (t->steps ? t->steps->n : 1)) {
            end_with_projection(p, p->done_before ? TOOL_ALREADY_DONE : TOOL_OK);
            break;
        }
        if ((!p->entered && !enter(p)) || (p->items && !next_item(p)))
            continue;
        out->acts = acts(p);
        if (out->acts && p->rq->attempt > 1 && !p->asked && json_get(t->spec, "reconcile"))
            p->reconciling = p->asked = true;
        out->place = p->reconciling ? STR("reconcile") : place_of(p);
        const char *said = t->steps ? tool_verb(step_of(p)) : tool_adapter(t->spec);
        const char *asks = json_path(t->spec, STR("reconcile.command")) ? "command" : "http";
        struct str verb = str_of(p->reconciling ? asks : said);
        for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
            if (str_is(verb, verbs[i].name) && verbs[i].run(p, out)) {
                p->acted = p->acted || out->acts;
                return;
            }
    }
    *out = (struct plan_task){.what = PLAN_END, .answer = p->answer};
}

/* What became of the key? Of a key that it never saw HTTP says 404, and a program null. */
static void reconciled(struct plan *p, const struct plan_outcome *o)
{
    bool program = json_path(p->rq->tool->spec, STR("reconcile.command"));
    bool unheard_of = program ? o->class == TOOL_OK && json_is(o->value, JSON_NULL) : o->status == 404;
    p->reconciling = false;
    if (o->class == TOOL_OK && !unheard_of) { /* an earlier request went through */
        p->done_before = true;
        store(p, o->value);
    } else if (unheard_of && p->done_before) { /* done before, it said, and now that it never was */
        end_with_error(p, TOOL_UNKNOWN, NULL, "the backend contradicts itself about whether it was done");
    } else if (!unheard_of || p->rq->tool->idempotency == TOOL_NO_KEY) {
        end_with_error(p, TOOL_UNKNOWN, o->value, "the outcome could not be learnt");
    } /* else it did not: it is sent under the same key */
}

void plan_done(struct plan *p, const struct plan_outcome *o)
{
    bool called = p->calling;
    p->calling = false;
    if (p->reconciling) {
        reconciled(p, o);
    } else if (o->class == TOOL_OK) {
        store(p, o->value);
    } else if (o->class == TOOL_ALREADY_DONE && called) {
        p->done_before = true;
        store(p, o->value);
    } else if (o->class == TOOL_ALREADY_DONE && json_get(p->rq->tool->spec, "reconcile")) {
        p->reconciling = p->done_before = true; /* the backend remembers the action but not what it answered */
    } else {
        fail(p, o->class, o->value, o->why);
    }
}
