#include "eval/import_source.h"

#include <string.h>

/* --- a file --- */

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t line_ends(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

static void forward(struct import_source *s, size_t bytes)
{
    s->next += line_ends(str_head(s->rest, bytes));
    s->rest = str_from(s->rest, bytes);
}

static void skip_blanks(struct import_source *s)
{
    size_t n = 0;
    while (n < s->rest.n && blank(s->rest.p[n]))
        n++;
    forward(s, n);
}

struct import_source import_source_of(struct str bytes)
{
    struct import_source s = {.rest = bytes, .next = 1};
    if (str_starts(bytes, STR("\xef\xbb\xbf")))
        s.rest = str_from(bytes, 3);
    struct import_source in_list = s;
    skip_blanks(&in_list);
    if (!str_starts(in_list.rest, STR("[")))
        return s;
    forward(&in_list, 1);
    in_list.list = true;
    return in_list;
}

/* Where the list's item ends: at its ',' or ']'; s.n when there is none. Whether the item is JSON is seen by its reader. */
static size_t item_end(struct str s)
{
    bool in_text = false;
    size_t depth = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (in_text) {
            in_text = c != '"';
            i += c == '\\';
        } else if (c == '"') {
            in_text = true;
        } else if (depth == 0 && (c == ',' || c == ']')) {
            return i;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (depth > 0 && (c == '}' || c == ']')) {
            depth--;
        }
    }
    return s.n;
}

static int next_item(struct import_source *s, struct str *text, struct err *e)
{
    skip_blanks(s);
    s->line = s->next;
    if (s->n == 0 && !s->ended && str_starts(s->rest, STR("]"))) {
        s->ended = true;
        forward(s, 1);
        skip_blanks(s);
    }
    if (s->ended && s->rest.n)
        return err_set(e, ERR_INVALID, "the list of conversations has ended, and more stands behind it");
    if (s->ended)
        return 0;
    size_t end = item_end(s->rest);
    if (end == s->rest.n)
        return err_set(e, ERR_INVALID, "the list of conversations has no end; conversation %zu begins here", s->n + 1);
    *text = str_trim(str_head(s->rest, end));
    if (text->n == 0)
        return err_set(e, ERR_INVALID, "conversation %zu of the list is empty: there is a comma too many", s->n + 1);
    s->n++;
    s->ended = s->rest.p[end] == ']';
    forward(s, end + 1);
    return 0;
}

int import_source_next(struct import_source *s, struct str *text, struct err *e)
{
    struct str part;
    *text = STR_NONE;
    if (s->list)
        return next_item(s, text, e);
    while (text->n == 0 && str_split(&s->rest, '\n', &part)) {
        s->line++;
        *text = str_trim(part);
    }
    s->n += text->n > 0;
    return 0;
}

/* --- a conversation --- */

static struct json *member(struct json *object, const char *name)
{
    struct json *v = json_is(object, JSON_OBJECT) ? object->child : NULL;
    while (v && !str_is(v->key, name))
        v = v->next;
    return v;
}

static struct json *text_only(struct arena *a, const struct json *v)
{
    return json_is(v, JSON_STRING) ? json_copy(a, v) : NULL;
}

static struct json *texts_only(struct arena *a, const struct json *v)
{
    bool good = json_is(v, JSON_ARRAY);
    for (const struct json *text = good ? v->child : NULL; text && good; text = text->next)
        good = json_is(text, JSON_STRING);
    return good ? json_copy(a, v) : NULL;
}

/* Of each action the name and the arguments; what else a newer tau-bench says of it is no action. */
static struct json *actions_only(struct arena *a, const struct json *v)
{
    struct json *list = json_new(a, JSON_ARRAY);
    if (!json_is(v, JSON_ARRAY))
        return NULL;
    for (const struct json *action = v->child; action; action = action->next) {
        const struct json *name = json_get(action, "name"), *kwargs = json_get(action, "kwargs");
        if (!json_is(name, JSON_STRING) || !json_is(kwargs, JSON_OBJECT))
            return NULL;
        struct json *one = json_new(a, JSON_OBJECT);
        json_set(one, STR("name"), json_copy(a, name));
        json_set(one, STR("kwargs"), json_copy(a, kwargs));
        json_push(list, one);
    }
    return list;
}

static const struct task_field {
    const char *name, *becomes;
    struct json *(*take)(struct arena *a, const struct json *v); /* NULL: it looks otherwise */
} task_fields[] = {
    {"user_id", "user_id", text_only},
    {"instruction", "instruction", text_only},
    {"actions", "expected_actions", actions_only},
    {"outputs", "expected_outputs", texts_only},
};

enum { TASK_FIELDS = sizeof task_fields / sizeof *task_fields };

static bool take_task_field(struct arena *a, struct json *v, const struct json *field)
{
    for (size_t i = 0; i < TASK_FIELDS; i++) {
        const struct task_field *f = &task_fields[i];
        struct json *taken = str_is(field->key, f->name) && !json_get(v, f->becomes) ? f->take(a, field) : NULL;
        if (!taken)
            continue;
        json_set(v, str_of(f->becomes), taken);
        return true;
    }
    return false;
}

static void tell(struct arena *a, struct import_source_ignore ignore, const char *where, const struct json *field)
{
    if (!json_is(field, JSON_NULL))
        ignore.fn(ignore.arg, str_f(a, "%s.%.*s", where, STR_ARG(field->key)));
}

static void take_info(struct arena *a, struct json *v, const struct json *info, struct import_source_ignore ignore)
{
    for (const struct json *field = info->child; field; field = field->next) {
        if (!str_is(field->key, "task") || !json_is(field, JSON_OBJECT)) {
            tell(a, ignore, "info", field);
            continue;
        }
        for (const struct json *of_task = field->child; of_task; of_task = of_task->next)
            if (!take_task_field(a, v, of_task))
                tell(a, ignore, "info.task", of_task);
    }
}

int import_source_tau(struct arena *a, struct json *v, struct import_source_ignore ignore, struct err *e)
{
    struct json *traj = member(v, "traj"), *info = member(v, "info");
    if (traj && member(v, "messages"))
        return err_set(e, ERR_INVALID, "traj and messages are both there; one of them holds the conversation");
    if (traj)
        traj->key = STR("messages");
    if (json_is(info, JSON_OBJECT))
        take_info(a, v, info, ignore);
    else if (info && !json_is(info, JSON_NULL))
        ignore.fn(ignore.arg, info->key);
    return 0;
}

/* --- its messages --- */

struct messages {
    struct arena *arena;
    struct import_source_ignore ignore;
    size_t at; /* index of the message */
};

static int join_parts(const struct messages *x, const struct json *parts, struct str *text, struct err *e)
{
    size_t i = 0, bytes = 0;
    for (const struct json *part = parts->child; part; part = part->next, i++) {
        const struct json *type = json_get(part, "type"), *words = json_get(part, "text");
        if (!json_is(part, JSON_OBJECT) || !json_is(words, JSON_STRING) || (type && !str_is(json_str(type), "text")))
            return err_set(e, ERR_INVALID,
                           "messages[%zu].content[%zu] is not text; parts other than text cannot be imported", x->at,
                           i);
        bytes += words->text.n + 1;
        for (const struct json *field = part->child; field; field = field->next)
            if (field != type && field != words)
                tell(x->arena, x->ignore, "message.content", field);
    }
    struct buf b = buf_new(x->arena, bytes);
    for (const struct json *part = parts->child; part; part = part->next) {
        buf_add(&b, json_str(json_get(part, "text")));
        if (part->next)
            buf_addc(&b, '\n');
    }
    *text = buf_str(&b);
    return 0;
}

/* These hold what the message says or does when its content does not: then it is not empty, and is left to be refused. */
static bool says_elsewhere(const struct json *m)
{
    static const char *const fields[] = {"function_call", "refusal", "audio"};
    bool says = false;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        says = says || (json_get(m, fields[i]) && !json_is(json_get(m, fields[i]), JSON_NULL));
    return says;
}

static bool may_be_empty(const struct json *m)
{
    const struct json *role = json_get(m, "role"), *calls = json_get(m, "tool_calls");
    bool calling = calls && !json_is(calls, JSON_NULL) && (!json_is(calls, JSON_ARRAY) || calls->n > 0);
    return str_is(json_str(role), "tool") || (str_is(json_str(role), "assistant") && !calling && !says_elsewhere(m));
}

static int adopt_content(const struct messages *x, struct json *m, struct err *e)
{
    const struct json *content = json_get(m, "content");
    struct str text;
    if (json_is(content, JSON_ARRAY) && content->n > 0) {
        int r = join_parts(x, content, &text, e);
        if (r == 0)
            json_set(m, STR("content"), json_new_str(x->arena, text));
        return r;
    }
    if (!json_is(content, JSON_NULL) && !json_is(content, JSON_ARRAY))
        return 0;
    json_set(m, STR("content"), may_be_empty(m) ? json_new_str(x->arena, STR("")) : json_new(x->arena, JSON_NULL));
    return 0;
}

static void adopt_arguments(const struct messages *x, struct json *call)
{
    struct json *function = member(call, "function"), *named = function ? function : call;
    const struct json *arguments = member(named, "arguments");
    if (json_is(arguments, JSON_OBJECT))
        json_set(named, STR("arguments"), json_new_str(x->arena, json_text(x->arena, arguments)));
}

int import_source_messages(struct arena *a, struct json *v, struct import_source_ignore ignore, struct err *e)
{
    struct json *messages = member(v, "messages");
    struct messages x = {.arena = a, .ignore = ignore};
    for (struct json *m = json_is(messages, JSON_ARRAY) ? messages->child : NULL; m; m = m->next, x.at++) {
        struct json *calls = member(m, "tool_calls");
        int r = adopt_content(&x, m, e);
        if (r)
            return r;
        for (struct json *call = json_is(calls, JSON_ARRAY) ? calls->child : NULL; call; call = call->next)
            adopt_arguments(&x, call);
    }
    return 0;
}
