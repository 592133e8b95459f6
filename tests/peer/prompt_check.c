/* The strict half of prompt.h: what the OpenAI API refuses with 400, so that a test notices it here. */
#include "prompt.h"

/* The calls of one answer that wait for their results. */
struct open_calls {
    struct str id[PROMPT_CALLS_MAX];
    size_t n;
};

static bool name_fits(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '_' && c != '-')
            return false;
    }
    return name.n > 0 && name.n <= 64;
}

static int check_calls(const struct json *calls, struct open_calls *open, struct err *e)
{
    if (!json_is(calls, JSON_ARRAY) || calls->n == 0 || calls->n > PROMPT_CALLS_MAX)
        return err_set(e, ERR_INVALID, "tool_calls must be a list of 1 to %d calls", PROMPT_CALLS_MAX);
    for (const struct json *call = calls->child; call; call = call->next) {
        const struct json *function = json_get(call, "function");
        struct str id = json_str(json_get(call, "id"));
        if (id.n == 0 || !str_is(json_str(json_get(call, "type")), "function"))
            return err_set(e, ERR_INVALID, "a tool call needs an id and the type \"function\"");
        if (!name_fits(json_str(json_get(function, "name"))) || !json_is(json_get(function, "arguments"), JSON_STRING))
            return err_set(e, ERR_INVALID, "a tool call needs a name and its arguments as a string");
        for (size_t i = 0; i < open->n; i++)
            if (str_eq(open->id[i], id))
                return err_set(e, ERR_INVALID, "two calls of one answer have the id %.*s", STR_ARG(id));
        open->id[open->n++] = id;
    }
    return 0;
}

static int check_result(const struct json *m, struct open_calls *open, struct err *e)
{
    struct str id = json_str(json_get(m, "tool_call_id"));
    for (size_t i = 0; i < open->n; i++) {
        if (!str_eq(open->id[i], id))
            continue;
        open->id[i] = open->id[--open->n];
        return 0;
    }
    return err_set(e, ERR_INVALID, "a tool message answers \"%.*s\", which was not called just before", STR_ARG(id));
}

static int check_message(const struct json *m, struct open_calls *open, struct err *e)
{
    struct str role = json_str(json_get(m, "role"));
    const struct json *content = json_get(m, "content"), *calls = json_get(m, "tool_calls");
    bool words = json_is(content, JSON_STRING) || json_is(content, JSON_ARRAY);
    if (str_is(role, "tool"))
        return words ? check_result(m, open, e) : err_set(e, ERR_INVALID, "a tool message needs a content");
    if (open->n)
        return err_set(e, ERR_INVALID, "the call \"%.*s\" has no result before the next message", STR_ARG(open->id[0]));
    if (str_is(role, "assistant")) {
        if (!words && !calls)
            return err_set(e, ERR_INVALID, "an assistant message needs a content or tool_calls");
        return calls ? check_calls(calls, open, e) : 0;
    }
    if (!str_is(role, "system") && !str_is(role, "developer") && !str_is(role, "user"))
        return err_set(e, ERR_INVALID, "there is no role \"%.*s\"", STR_ARG(role));
    return words ? 0 : err_set(e, ERR_INVALID, "a %.*s message needs a content", STR_ARG(role));
}

static int check_tools(const struct json *tools, struct err *e)
{
    if (!json_is(tools, JSON_ARRAY) || tools->n == 0)
        return err_set(e, ERR_INVALID, "tools must be a list with something in it");
    for (const struct json *tool = tools->child; tool; tool = tool->next) {
        const struct json *function = json_get(tool, "function");
        if (!str_is(json_str(json_get(tool, "type")), "function") || !name_fits(json_str(json_get(function, "name"))))
            return err_set(e, ERR_INVALID, "a tool needs the type \"function\" and a name");
        if (json_get(function, "parameters") && !json_is(json_get(function, "parameters"), JSON_OBJECT))
            return err_set(e, ERR_INVALID, "a tool's parameters must be a schema");
    }
    return 0;
}

int prompt_check(struct arena *a, struct str body, struct err *e)
{
    struct json *root;
    struct open_calls open = {.n = 0};
    int result = json_parse(a, body, &root, e);
    if (result < 0)
        return result;
    if (json_str(json_get(root, "model")).n == 0)
        return err_set(e, ERR_INVALID, "the body names no model");
    if (json_get(root, "stream_options") && !json_bool(json_get(root, "stream"), false))
        return err_set(e, ERR_INVALID, "stream_options is for streams only");
    if (json_get(root, "tools") && (result = check_tools(json_get(root, "tools"), e)) < 0)
        return result;
    const struct json *messages = json_get(root, "messages");
    if (!json_is(messages, JSON_ARRAY) || messages->n == 0)
        return err_set(e, ERR_INVALID, "the body has no list of messages");
    for (const struct json *m = messages->child; m; m = m->next)
        if ((result = check_message(m, &open, e)) < 0)
            return result;
    return open.n ? err_set(e, ERR_INVALID, "the call \"%.*s\" has no result", STR_ARG(open.id[0])) : 0;
}
