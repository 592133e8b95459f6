#include "recorded.h"

#include <stdlib.h>
#include <string.h>

enum { CALLS_OPEN_MAX = 64 };

static const char *const writes[] = {
    "book_reservation",           "cancel_reservation",
    "send_certificate",           "update_reservation_baggages",
    "update_reservation_flights", "update_reservation_passengers",
    "transfer_to_human_agents",
};

struct occurrence {
    struct str output;
    int writes_before; /* how many writes the conversation had made by then */
    struct occurrence *next;
};

struct used_key {
    struct str key;
    struct str output;
    struct used_key *next;
};

struct call {
    struct str tool, args; /* canonical */
    bool write;
    struct occurrence *occurrences, **occurrences_end;
    struct used_key *keys; /* of this run, as everything below */
    int executed;
    struct call *next;
};

struct note {
    struct str a, b; /* an effect's tool and args; a message's mid and text */
    struct note *next;
};

struct conversation {
    struct str label;
    struct call *calls;
    struct note *effects, **effects_end, *messages, **messages_end;
    int executions, replays, duplicates;
    struct conversation *next; /* by label */
};

struct recorded {
    struct arena *world, *run; /* what was recorded; what happened since the reset */
    struct conversation *conversations;
    bool ignore_key;
};

static bool is_write(struct str tool)
{
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++)
        if (str_is(tool, writes[i]))
            return true;
    return false;
}

/* --- reading ----------------------------------------------------------------------------------- */

static struct call *call_find(const struct conversation *c, struct str tool, struct str args)
{
    for (struct call *call = c->calls; call; call = call->next)
        if (str_eq(call->tool, tool) && str_eq(call->args, args))
            return call;
    return NULL;
}

static struct call *call_add(struct recorded *w, struct conversation *c, struct str tool, struct str args)
{
    struct call *call = call_find(c, tool, args);
    if (call)
        return call;
    call = ARENA_NEW(w->world, struct call);
    *call = (struct call){.tool = tool, .args = args, .write = is_write(tool), .next = c->calls};
    call->occurrences_end = &call->occurrences;
    c->calls = call;
    return call;
}

static int args_read(struct arena *a, struct str text, struct str *args, struct err *e)
{
    struct json *tree;
    if (str_trim(text).n == 0)
        text = STR("{}");
    if (json_parse(a, text, &tree, e) < 0)
        return e->code;
    *args = json_canonical(a, tree);
    return 0;
}

/* The calls of a model's answer that no result was seen for yet. */
struct open_calls {
    const struct json *call[CALLS_OPEN_MAX];
    size_t n;
};

static const struct json *take_call(struct open_calls *open, struct str id)
{
    for (size_t i = 0; i < open->n; i++) {
        const struct json *call = open->call[i];
        if (!str_eq(json_str(json_get(call, "id")), id))
            continue;
        memmove(&open->call[i], &open->call[i + 1], (--open->n - i) * sizeof *open->call);
        return call;
    }
    return NULL;
}

static int result_read(struct recorded *w, struct conversation *c, const struct json *call, const struct json *result,
                       int *writes_n, struct err *e)
{
    const struct json *function = json_get(call, "function") ? json_get(call, "function") : call;
    struct str tool = json_str(json_get(function, "name")), args;
    if (args_read(w->world, json_str(json_get(function, "arguments")), &args, e) < 0)
        return err_in(e, "%.*s, arguments of %.*s", STR_ARG(c->label), STR_ARG(tool));
    struct call *known = call_add(w, c, tool, args);
    struct occurrence *o = ARENA_NEW(w->world, struct occurrence);
    *o = (struct occurrence){.output = json_str(json_get(result, "content")), .writes_before = *writes_n};
    *known->occurrences_end = o;
    known->occurrences_end = &o->next;
    *writes_n += known->write;
    return 0;
}

static int messages_read(struct recorded *w, struct conversation *c, const struct json *messages, struct err *e)
{
    struct open_calls open = {.n = 0};
    int writes_n = 0;
    for (const struct json *m = messages ? messages->child : NULL; m; m = m->next) {
        const struct json *calls = json_get(m, "tool_calls");
        if (json_is(calls, JSON_ARRAY))
            open.n = 0;
        for (const struct json *call = json_is(calls, JSON_ARRAY) ? calls->child : NULL; call; call = call->next)
            if (open.n < CALLS_OPEN_MAX)
                open.call[open.n++] = call;
        if (!str_is(json_str(json_get(m, "role")), "tool"))
            continue;
        const struct json *call = take_call(&open, json_str(json_get(m, "tool_call_id")));
        if (call && result_read(w, c, call, m, &writes_n, e) < 0)
            return e->code;
    }
    return 0;
}

static struct conversation *conversation_add(struct recorded *w, struct str label)
{
    struct conversation **at = &w->conversations;
    while (*at && str_cmp((*at)->label, label) < 0)
        at = &(*at)->next;
    struct conversation *c = ARENA_NEW(w->world, struct conversation);
    *c = (struct conversation){.label = label, .next = *at};
    *at = c;
    return c;
}

static int world_read(struct recorded *w, struct str text, struct err *e)
{
    struct str line;
    for (int n = 1; str_split(&text, '\n', &line); n++) {
        struct json *tree;
        if (str_trim(line).n == 0)
            continue;
        if (json_parse(w->world, line, &tree, e) < 0)
            return err_in(e, "line %d", n);
        struct str label = json_str(json_get(tree, "id"));
        if (label.n == 0)
            return err_set(e, ERR_INVALID, "line %d: a conversation needs an id", n);
        if (messages_read(w, conversation_add(w, label), json_get(tree, "messages"), e) < 0)
            return err_in(e, "line %d", n);
    }
    return 0;
}

int recorded_new(struct str text, bool ignore_key, struct recorded **out, struct err *e)
{
    struct recorded *w = mem_get(sizeof *w);
    *w = (struct recorded){.ignore_key = ignore_key};
    w->world = arena_new("world", 1 << 20);
    w->run = arena_new("run", 1 << 16);
    int result = world_read(w, text, e);
    if (result < 0) {
        recorded_free(w);
        return result;
    }
    recorded_reset(w);
    *out = w;
    return 0;
}

void recorded_free(struct recorded *w)
{
    arena_free(w->run);
    arena_free(w->world);
    free(w);
}

void recorded_reset(struct recorded *w)
{
    arena_reset(w->run);
    for (struct conversation *c = w->conversations; c; c = c->next) {
        c->effects = c->messages = NULL;
        c->effects_end = &c->effects;
        c->messages_end = &c->messages;
        c->executions = c->replays = c->duplicates = 0;
        for (struct call *call = c->calls; call; call = call->next) {
            call->keys = NULL;
            call->executed = 0;
        }
    }
}

/* --- the world in motion ----------------------------------------------------------------------- */

static struct conversation *conversation_find(const struct recorded *w, struct str label)
{
    for (struct conversation *c = w->conversations; c; c = c->next)
        if (str_eq(c->label, label))
            return c;
    return NULL;
}

static void note_add(struct recorded *w, struct note ***end, struct str a, struct str b)
{
    struct note *n = ARENA_NEW(w->run, struct note);
    *n = (struct note){.a = str_copy(w->run, a), .b = str_copy(w->run, b)};
    **end = n;
    *end = &n->next;
}

static struct used_key *key_find(struct call *call, struct str key)
{
    for (struct used_key *k = call->keys; k; k = k->next)
        if (str_eq(k->key, key))
            return k;
    return NULL;
}

static bool key_elsewhere(const struct conversation *c, const struct call *but, struct str key)
{
    for (struct call *call = c->calls; call; call = call->next)
        if (call != but && key_find(call, key))
            return true;
    return false;
}

static struct str read_output(const struct conversation *c, const struct call *call)
{
    const struct occurrence *best = call->occurrences;
    for (const struct occurrence *o = best->next; o && o->writes_before <= c->executions; o = o->next)
        best = o;
    return best->output;
}

static struct str execute(struct recorded *w, struct conversation *c, struct call *call)
{
    const struct occurrence *o = call->occurrences;
    for (int k = 0; k < call->executed && o->next; k++)
        o = o->next;
    call->executed++;
    if (call->write) {
        c->executions++;
        if (!str_starts(o->output, STR("Error")))
            note_add(w, &c->effects_end, call->tool, call->args);
    }
    return o->output;
}

static struct str call_with_key(struct recorded *w, struct conversation *c, struct call *call, struct str key)
{
    struct used_key *known = w->ignore_key ? NULL : key_find(call, key);
    if (known) {
        c->replays++;
        return known->output;
    }
    struct used_key *k = ARENA_NEW(w->run, struct used_key);
    *k = (struct used_key){.key = str_copy(w->run, key), .output = execute(w, c, call), .next = call->keys};
    call->keys = k;
    return k->output;
}

int recorded_call(struct recorded *w, struct str label, struct str tool, struct str arguments, struct str key,
                  struct str *output, struct err *e)
{
    struct conversation *c = conversation_find(w, label);
    if (!c)
        return err_set(e, ERR_NOT_FOUND, "there is no conversation %.*s", STR_ARG(label));
    struct arena *a = arena_new("call", 0);
    struct str args;
    int result = args_read(a, arguments, &args, e);
    struct call *call = result < 0 ? NULL : call_find(c, tool, args);
    if (result == 0 && !call)
        result =
            err_set(e, ERR_NOT_FOUND, "%.*s never called %.*s with %.*s", STR_ARG(label), STR_ARG(tool), STR_ARG(args));
    else if (call && key.n && !w->ignore_key && key_elsewhere(c, call, key))
        result = err_set(e, ERR_CONFLICT, "the key %.*s came with another call before", STR_ARG(key));
    else if (call)
        *output = key.n ? call_with_key(w, c, call, key) : read_output(c, call);
    arena_free(a);
    return result;
}

int recorded_send(struct recorded *w, struct str label, struct str mid, struct str text, bool *duplicate)
{
    struct conversation *c = conversation_find(w, label);
    if (!c)
        return ERR_NOT_FOUND;
    *duplicate = false;
    for (const struct note *n = c->messages; n; n = n->next)
        *duplicate |= str_eq(n->a, mid);
    c->duplicates += *duplicate;
    if (!*duplicate)
        note_add(w, &c->messages_end, mid, text);
    return 0;
}

/* --- its state --------------------------------------------------------------------------------- */

static void state_write(const struct conversation *c, struct json_writer *out)
{
    json_open(out, '{');
    json_key(out, "effects");
    json_open(out, '[');
    for (const struct note *n = c->effects; n; n = n->next) {
        json_open(out, '{');
        json_pair_str(out, "tool", n->a);
        json_key(out, "args");
        json_put_raw(out, n->b);
        json_close(out, '}');
    }
    json_close(out, ']');
    json_key(out, "messages");
    json_open(out, '[');
    for (const struct note *n = c->messages; n; n = n->next)
        json_put_str(out, n->b);
    json_close(out, ']');
    json_pair_int(out, "executions", c->executions);
    json_pair_int(out, "replays", c->replays);
    json_pair_int(out, "duplicates", c->duplicates);
    json_close(out, '}');
}

int recorded_state(const struct recorded *w, struct str label, struct json_writer *out)
{
    const struct conversation *c = conversation_find(w, label);
    if (!c)
        return ERR_NOT_FOUND;
    state_write(c, out);
    return 0;
}

void recorded_states(const struct recorded *w, struct json_writer *out)
{
    json_open(out, '{');
    for (const struct conversation *c = w->conversations; c; c = c->next) {
        if (!c->effects && !c->messages && !c->executions)
            continue;
        json_key_str(out, c->label);
        state_write(c, out);
    }
    json_close(out, '}');
}
