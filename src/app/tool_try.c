#include "app/tool_try.h"

#include "app/tool_run.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/rng.h"
#include "engine/composition.h"
#include "engine/published.h"
#include "engine/variant.h"

enum { OUT_BYTES_MAX = 64 << 20, TOOLS_MAX = 64, KEY_BYTES = 16 };

/* What one request came to. Lives in the trial's arena. */
struct seen {
    struct str tool, place, asked; /* asked: "GET http://..." */
    enum tool_class class;
    int status;
    struct str answer; /* JSON, or else the text as it came; "" for none */
    bool is_json;
    const char *why;
    struct seen *next;
};

struct trial {
    struct command_context *c;
    struct arena *arena;
    struct settings settings;
    struct agent *agent; /* NULL: the tool is of the files alone */
    const struct tool *tool;
    struct json *args;
    struct tool_request rq;
    struct tool_port port;
    struct seen *seen, **last;
    bool done, silent; /* silent: nothing came from the backend that was asked last */
    struct tool_answer answer;
};

/* --- which tool --- */

/* Those of the files tools/NAME.yaml that the first of them calls, and that those call. */
static int files_read(struct trial *t, struct tool *tools, size_t *n, struct str name, struct err *e)
{
    struct module m;
    const struct module_kind *kind = module_kind_of_folder(STR("tools"));
    for (size_t i = 0; i < *n; i++)
        if (str_eq(tools[i].name, name))
            return 0;
    if (*n == TOOLS_MAX)
        return err_set(e, ERR_LIMIT, "the tool calls more than %d others", TOOLS_MAX);
    int r = module_draft(t->arena, t->c->workspace, kind, name, &m, NULL, e);
    if (r < 0)
        return r;
    struct tool *own = &tools[(*n)++];
    if (tool_read(t->arena, m.data, module_path(t->arena, t->c->workspace, kind, name), own, e) < 0)
        return ERR_INVALID;
    own->version = semver_text(t->arena, m.version);
    for (const struct json *s = own->steps ? own->steps->child : NULL; r == 0 && s; s = s->next)
        if (module_name_ok(json_str(json_get(s, "tool"))))
            r = files_read(t, tools, n, json_str(json_get(s, "tool")), e);
    return r == ERR_NOT_FOUND ? 0 : r; /* what is called and is not there is told where it is linked */
}

static int tool_of_files(struct trial *t, struct str name)
{
    struct tool *tools = ARENA_ARRAY(t->arena, struct tool, TOOLS_MAX);
    size_t n = 0;
    int r = files_read(t, tools, &n, name, t->c->err);
    if (r == ERR_NOT_FOUND)
        return err_set(t->c->err, ERR_NOT_FOUND, "there is no tool %.*s: neither the agent has one nor tools/",
                       STR_ARG(name));
    if (r == 0)
        r = tool_link(t->arena, tools, n, t->c->workspace, t->c->err);
    t->tool = tools;
    return r;
}

/* The one that the workspace's agent has, else the file. */
static int find_tool(struct trial *t, struct str name)
{
    struct published published = {.path = str_c(t->arena, t->settings.store)};
    struct str bundle;
    if (!module_name_ok(name))
        return command_usage(t->c, "%s is no name of a tool: small letters, digits, _ and -", t->c->argv[1]);
    if (!t->settings.agent.n)
        return tool_of_files(t, name);
    int r = published_bundle(&published, t->arena, t->c->workspace, t->settings.agent, &bundle, t->c->err);
    published_close(&published);
    if (r == 0)
        r = variant_bundle(t->arena, bundle, t->settings.model, &bundle, t->c->err);
    if (r == 0)
        r = agent_new(bundle, &t->agent, t->c->err);
    if (r < 0)
        return r;
    t->tool = agent_tool(t->agent, name);
    return t->tool ? 0 : tool_of_files(t, name);
}

/* Does the tool, or one that it calls, ask who the customer is? */
static bool takes_customer(const struct tool *t)
{
    const struct json *properties = json_get(t->input, "properties");
    for (const struct json *p = properties ? properties->child : NULL; p; p = p->next)
        if (tool_argument_sources(t, p->key) & TOOL_SESSION &&
            str_is(json_str_or(json_get(p, "x-from"), STR("session.customer")), "session.customer"))
            return true;
    for (const struct json *s = t->steps ? t->steps->child : NULL; s; s = s->next)
        for (size_t i = 0; i < t->others_n; i++)
            if (str_eq(t->others[i].name, json_str(json_get(s, "tool"))) && takes_customer(&t->others[i]))
                return true;
    return false;
}

/* --- the call --- */

static void on_saw(void *arg, const struct tool_request *rq, const struct plan_task *task,
                   const struct plan_outcome *outcome)
{
    struct trial *t = arg;
    struct arena *a = t->arena;
    struct seen *s = ARENA_NEW(a, struct seen);
    *s = (struct seen){.tool = str_copy(a, rq->tool->name),
                       .place = str_copy(a, task->place),
                       .class = outcome->class,
                       .status = outcome->status,
                       .is_json = outcome->value,
                       .why = outcome->why ? str_c(a, str_of(outcome->why)) : ""};
    s->answer = outcome->value ? json_text(a, outcome->value) : str_copy(a, outcome->text);
    switch (task->what) {
    case PLAN_HTTP: s->asked = str_f(a, "%.*s %.*s", STR_ARG(task->http.method), STR_ARG(task->http.url)); break;
    case PLAN_COMMAND: s->asked = json_text(a, task->command); break;
    case PLAN_RECORDED: s->asked = str_copy(a, task->file); break;
    case PLAN_KNOWLEDGE: s->asked = str_f(a, "documents: %.*s", STR_ARG(task->query)); break;
    default: break;
    }
    t->silent = !s->answer.n && !s->status;
    *t->last = s;
    t->last = &s->next;
}

static void on_done(void *arg, const struct tool_answer *answer)
{
    struct trial *t = arg;
    t->answer = (struct tool_answer){answer->class, str_copy(t->arena, answer->result), answer->ms};
    t->done = true;
}

/* What stands before every call of an agent. True: the call is not made. */
static bool refused(struct trial *t)
{
    const char *reason = t->rq.session.identity < t->tool->identity_min ? "identity_too_low"
                         : t->tool->irrevocable                         ? "approval_needed"
                                                                        : NULL;
    if (reason)
        t->answer = (struct tool_answer){
            .class = TOOL_REFUSED, .result = str_f(t->arena, "{\"class\":\"refused\",\"reason\":\"%s\"}", reason)};
    return reason;
}

static int call(struct trial *t, struct err *e)
{
    struct loop *loop = NULL;
    struct client *client = NULL;
    if (refused(t))
        return 0;
    int r = loop_new(&loop, e);
    if (r == 0)
        r = client_new(loop, &client, e);
    if (r == 0) {
        client_allow(client, t->settings.ranges, t->settings.ranges_n);
        t->port.loop = loop;
        t->port.client = client;
        t->port.children = children_new(loop);
        t->port.shows_errors = true;
        t->port.documents = library_new(t->c->workspace);
        t->port.saw = on_saw;
        t->port.saw_arg = t;
        tool_run(&t->port, &t->rq, on_done, t);
        while (!t->done) /* each request has a timeout */
            loop_once(loop, 100);
        children_free(t->port.children);
        library_free(t->port.documents);
    }
    client_free(client);
    loop_free(loop);
    return r;
}

/* --- the four forms --- */

static struct str audited(const struct trial *t)
{
    struct buf b = buf_new(t->arena, OUT_BYTES_MAX);
    struct json_writer w = {.out = &b};
    bool kept = t->answer.class == TOOL_OK && t->tool->fresh_us;
    json_open(&w, '{');
    if (t->tool->action)
        tool_write_done(t->tool->name, t->rq.key, &t->answer, &w);
    else
        tool_write_answered(t->tool->name, kept ? t->rq.args : STR_NONE, &t->answer, &w);
    json_close(&w, '}');
    return buf_str(&b);
}

static struct str masked(const struct trial *t, const struct json *value)
{
    return json_text(t->arena, tool_masked(t->arena, t->tool, value, NULL));
}

static struct str masked_result(const struct trial *t)
{
    struct json *result;
    return json_parse(t->arena, t->answer.result, &result, NULL) == 0 ? masked(t, result) : STR("null");
}

static const char *kept_as(const struct trial *t)
{
    return t->tool->action ? "action.done" : "tool.answered";
}

static void seen_json(const struct seen *s, struct json_writer *w)
{
    json_open(w, '{');
    json_pair_str(w, "tool", s->tool);
    if (s->place.n)
        json_pair_str(w, "step", s->place);
    json_pair_str(w, "asked", s->asked);
    if (s->status)
        json_pair_int(w, "status", s->status);
    json_pair_str(w, "class", str_of(tool_class_name(s->class)));
    if (s->is_json) {
        json_key(w, "answer");
        json_put_raw(w, s->answer);
    } else {
        json_pair_str(w, "why", str_of(s->why));
        json_pair_str(w, "text", s->answer);
    }
    json_close(w, '}');
}

static void tell_json(const struct trial *t, struct buf *out)
{
    struct json_writer w = {.out = out};
    json_open(&w, '{');
    json_pair_str(&w, "tool", t->tool->name);
    json_pair_str(&w, "version", t->tool->version);
    json_pair_str(&w, "class", str_of(tool_class_name(t->answer.class)));
    json_pair_int(&w, "ms", t->answer.ms);
    if (t->rq.key.n)
        json_pair_str(&w, "key", t->rq.key);
    json_key(&w, "raw");
    json_open(&w, '[');
    for (const struct seen *s = t->seen; s; s = s->next)
        seen_json(s, &w);
    json_close(&w, ']');
    json_key(&w, "projected");
    json_put_raw(&w, t->answer.result);
    json_key(&w, "masked");
    json_open(&w, '{');
    json_key(&w, "args");
    json_put_raw(&w, masked(t, t->args));
    json_key(&w, "result");
    json_put_raw(&w, masked_result(t));
    json_close(&w, '}');
    json_key(&w, "audited");
    json_open(&w, '{');
    json_pair_str(&w, "kind", str_of(kept_as(t)));
    json_key(&w, "body");
    json_put_raw(&w, audited(t));
    json_close(&w, '}');
    json_close(&w, '}');
    buf_addc(out, '\n');
}

static void tell_text(const struct trial *t, struct buf *out)
{
    struct str result = masked_result(t), body = audited(t), args = masked(t, t->args);
    buf_addf(out, "%.*s %.*s: %s, %lld ms\n", STR_ARG(t->tool->name), STR_ARG(t->tool->version),
             tool_class_name(t->answer.class), (long long)t->answer.ms);
    if (t->rq.key.n)
        buf_addf(out, "key %.*s\n", STR_ARG(t->rq.key));
    buf_addf(out, "\nraw%s\n", t->seen ? "" : ": nothing was asked");
    for (const struct seen *s = t->seen; s; s = s->next) {
        buf_addf(out, "  %.*s%s%.*s %.*s: %s", STR_ARG(s->tool), s->place.n ? "/" : "", STR_ARG(s->place),
                 STR_ARG(s->asked), tool_class_name(s->class));
        if (s->status)
            buf_addf(out, ", status %d", s->status);
        buf_addf(out, "%s%s\n", s->is_json ? "" : ": ", s->is_json ? "" : s->why);
        if (s->answer.n)
            buf_addf(out, "    %.*s\n", STR_ARG(s->answer));
    }
    buf_addf(out, "\nprojected\n  %.*s\n\nmasked\n  args %.*s\n  result %.*s\n", STR_ARG(t->answer.result),
             STR_ARG(args), STR_ARG(result));
    buf_addf(out, "\naudited\n  %s %.*s\n", kept_as(t), STR_ARG(body));
}

static int tell(struct trial *t)
{
    struct buf out = buf_new(t->arena, OUT_BYTES_MAX);
    if (t->c->json)
        tell_json(t, &out);
    else
        tell_text(t, &out);
    int r = command_tell(t->c, buf_str(&out));
    bool good = t->answer.class == TOOL_OK || t->answer.class == TOOL_ALREADY_DONE;
    bool away = t->answer.class == TOOL_TRANSIENT || t->answer.class == TOOL_UNKNOWN;
    return r || good ? r : away && t->silent ? COMMAND_NO_WORLD : 1;
}

/* --- the command line --- */

/* Fills t->rq from the options. */
static int read_options(struct trial *t)
{
    struct command_context *c = t->c;
    struct tool_request *rq = &t->rq;
    int64_t identity, now_us = clock_now_us();
    const char *who = command_option(c, "--as", NULL);
    if (str_int(str_of(command_option(c, "--identity", who ? "1" : "0")), &identity) < 0 || identity < 0 ||
        identity > 2)
        return command_usage(c, "--identity is 0 (anonymous), 1 (known by the channel) or 2 (stepped up)");
    if (!who && takes_customer(t->tool))
        return command_usage(c, "%s is told by the session who the customer is; say it with --as", c->argv[1]);
    if (t->tool->action && !command_option(c, "--yes", NULL))
        return command_usage(c, "%s is an action: it changes something; run it with --yes", c->argv[1]);
    *rq = (struct tool_request){.tool = t->tool,
                                .label = STR("try"),
                                .call_id = STR("try"),
                                .key = STR(""),
                                .attempt = 1,
                                .date = clock_date(t->arena, now_us),
                                .now = clock_iso(t->arena, now_us),
                                .session = {.customer = str_of(who ? who : ""),
                                            .locale = str_of(command_option(c, "--locale", "en")),
                                            .identity = (int)identity}};
    if (t->tool->action) {
        unsigned char bytes[KEY_BYTES];
        rng_bytes(bytes, sizeof bytes);
        rq->key = hash_base32(t->arena, bytes, sizeof bytes);
    }
    return 0;
}

int tool_try(struct command_context *c)
{
    struct trial t = {.c = c, .arena = arena_new("trial", 0)};
    t.last = &t.seen;
    int r = command_settings(c, &t.settings);
    if (r == 0)
        r = settings_tool_world(c->arena, &t.settings, &t.port.world, c->err);
    if (r == 0)
        r = find_tool(&t, str_of(c->argv[1]));
    if (r == 0)
        r = read_options(&t);
    if (r == 0)
        r = tool_arguments(t.arena, t.tool, str_of(command_option(c, "--args", "{}")), &t.rq.session, &t.args, c->err);
    if (r == 0) {
        t.rq.args = json_canonical(t.arena, t.args);
        r = call(&t, c->err);
    }
    if (r == 0)
        r = tell(&t);
    if (t.agent)
        agent_free(t.agent);
    arena_free(t.arena);
    return r;
}
