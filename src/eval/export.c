#include "eval/export.h"

#include "eval/journal_line.h"
#include "eval/transcript.h"

#include <string.h>

/* One conversation on its way out. */
struct writer {
    struct arena *arena;
    const struct transcript *t;
    const struct event *events;
    struct str secret;
    struct str customer, stands_for; /* of an own conversation: whose id does not leave */
    struct json_writer w;
    bool flat;   /* tau-bench: the provider's ids, calls without "function" */
    size_t call; /* calls before this one are written */
};

static void message_open(struct writer *x, const char *role)
{
    json_open(&x->w, '{');
    json_pair_str(&x->w, "role", str_of(role));
}

static void message(struct writer *x, const char *role, struct str content)
{
    message_open(x, role);
    json_pair_str(&x->w, "content", content);
    json_close(&x->w, '}');
}

static void write_call(struct writer *x, struct str id, struct str name, struct str arguments)
{
    json_open(&x->w, '{');
    json_pair_str(&x->w, "id", id);
    if (!x->flat) {
        json_pair_str(&x->w, "type", STR("function"));
        json_key(&x->w, "function");
        json_open(&x->w, '{');
    }
    json_pair_str(&x->w, "name", name);
    json_pair_str(&x->w, "arguments", arguments);
    if (!x->flat)
        json_close(&x->w, '}');
    json_close(&x->w, '}');
}

/* What the model was shown: text of a recorded tool as it was, else class and result. */
static struct str result_text(struct writer *x, struct str class, const struct json *result)
{
    const struct json *text = json_get(result, "text");
    if (json_is(text, JSON_STRING) && result->n == 1)
        return text->text;
    struct json *content = json_new(x->arena, JSON_OBJECT);
    json_set(content, STR("class"), json_new_str(x->arena, class));
    if (result)
        json_set(content, STR("result"), json_copy(x->arena, result));
    journal_hide(content, x->customer, x->stands_for);
    return json_text(x->arena, content);
}

static void write_result(struct writer *x, struct str id, struct str name, struct str content)
{
    message_open(x, "tool");
    json_pair_str(&x->w, "content", content);
    json_pair_str(&x->w, "tool_call_id", id);
    json_pair_str(&x->w, "name", name);
    json_close(&x->w, '}');
}

/* The calls of one model answer, already in order in the transcript: [x->call, end). */
static size_t calls_end(const struct writer *x, int64_t seq)
{
    size_t end = x->call;
    while (end < x->t->calls_n && x->t->calls[end].seq == seq)
        end++;
    return end;
}

static struct str call_id(const struct writer *x, const struct transcript_call *c)
{
    return x->flat ? c->pid : c->id;
}

/* The answers stand right behind their calls, in the order in which they came. */
static void write_answers(struct writer *x, size_t end)
{
    int64_t after = 0;
    for (;;) {
        const struct transcript_call *next = NULL;
        for (size_t i = x->call; i < end; i++) {
            const struct transcript_call *c = &x->t->calls[i];
            if (c->answered > after && (!next || c->answered < next->answered))
                next = c;
        }
        if (!next)
            return;
        after = next->answered;
        write_result(x, call_id(x, next), next->name, result_text(x, next->class, next->result));
    }
}

static void write_model_answer(struct writer *x, const struct transcript_event *ev)
{
    size_t end = calls_end(x, ev->seq);
    if (end == x->call)
        return; /* words alone: the reply that was sent says them */
    const struct json *text = json_get(ev->body, "text");
    message_open(x, "assistant");
    json_key(&x->w, "content");
    if (json_is(text, JSON_STRING))
        json_put_str(&x->w, text->text);
    else
        json_put_null(&x->w);
    json_key(&x->w, "tool_calls");
    json_open(&x->w, '[');
    for (size_t i = x->call; i < end; i++) {
        const struct transcript_call *c = &x->t->calls[i];
        write_call(x, call_id(x, c), c->name, c->arguments);
    }
    json_close(&x->w, ']');
    json_close(&x->w, '}');
    write_answers(x, end);
    x->call = end;
}

/* Words that came with calls stand in the message with the calls already. */
static bool stands(const struct writer *x, const struct transcript_event *reply)
{
    int64_t of = json_int(json_get(reply->body, "of"), 0);
    if (of < 1 || of >= reply->seq)
        return false;
    const struct json *answer = x->t->events[of - 1].body, *calls = json_get(answer, "calls");
    return calls && calls->n && str_eq(json_str(json_get(answer, "text")), json_str(json_get(reply->body, "text")));
}

static void write_action(struct writer *x, const struct transcript_event *ev)
{
    int64_t proposal = json_int(json_get(ev->body, "proposal"), 0);
    for (size_t i = 0; i < x->t->actions_n; i++) {
        const struct transcript_action *action = &x->t->actions[i];
        if (action->proposal != proposal || action->done != ev->seq || !action->gated)
            continue;
        struct str id = str_f(x->arena, "a%lld", (long long)proposal);
        struct json *args = action->args ? json_copy(x->arena, action->args) : json_new(x->arena, JSON_OBJECT);
        journal_hide(args, x->customer, x->stands_for);
        message_open(x, "assistant");
        json_key(&x->w, "content");
        json_put_null(&x->w);
        json_key(&x->w, "tool_calls");
        json_open(&x->w, '[');
        write_call(x, id, action->tool, json_text(x->arena, args));
        json_close(&x->w, ']');
        json_close(&x->w, '}');
        write_result(x, id, action->tool, result_text(x, action->class, action->result));
    }
}

static void write_button(struct writer *x, const struct transcript_event *ev)
{
    if (!str_is(json_str(json_get(ev->body, "by")), "button"))
        return; /* said in words: the message stands there already */
    bool yes = str_is(json_str(json_get(ev->body, "answer")), "yes");
    message(x, "user", yes ? STR("[The customer pressed Confirm.]") : STR("[The customer pressed Cancel.]"));
}

static void write_event(struct writer *x, const struct transcript_event *ev)
{
    struct str text = json_str(json_get(ev->body, "text"));
    switch (ev->kind) {
    case EVENT_MESSAGE_RECEIVED: message(x, "user", text); break;
    case EVENT_MODEL_ANSWERED:
    case EVENT_ROUTINE_WALKED: write_model_answer(x, ev); break;
    case EVENT_REPLY_SENT:
        if (!stands(x, ev))
            message(x, "assistant", text);
        break;
    case EVENT_ACTION_DONE: write_action(x, ev); break;
    case EVENT_CONFIRMATION_GIVEN: write_button(x, ev); break;
    case EVENT_HUMAN_MESSAGE: message(x, "assistant", str_f(x->arena, "[A person wrote:] %.*s", STR_ARG(text))); break;
    default: break; /* nothing that was said or done */
    }
}

static int note_read(struct writer *x, const struct dataset_item *item, struct json **note, struct err *e)
{
    if (json_parse(x->arena, item->note.n ? item->note : STR("{}"), note, e))
        return err_in(e, "the note of %.*s", STR_ARG(item->label));
    return 0;
}

static void write_messages(struct writer *x, const struct json *note)
{
    json_key(&x->w, "messages");
    json_open(&x->w, '[');
    const struct json *system = json_get(note, "system");
    for (const struct json *text = system ? system->child : NULL; text; text = text->next)
        message(x, "system", json_str(text));
    for (size_t i = 0; i < x->t->events_n; i++)
        write_event(x, &x->t->events[i]);
    json_close(&x->w, ']');
}

static int export_openai(struct writer *x, const struct dataset_item *item, struct err *e)
{
    struct json *note;
    int r = note_read(x, item, &note, e);
    if (r)
        return r;
    json_open(&x->w, '{');
    json_pair_str(&x->w, "id", item->label);
    write_messages(x, note);
    json_close(&x->w, '}');
    return 0;
}

static void write_expected(struct writer *x, const struct json *expected)
{
    const struct json *actions = json_get(expected, "actions"), *outputs = json_get(expected, "outputs");
    if (actions) {
        json_key(&x->w, "expected_actions");
        json_open(&x->w, '[');
        for (const struct json *action = actions->child; action; action = action->next) {
            json_open(&x->w, '{');
            json_pair_str(&x->w, "name", json_str(json_get(action, "tool")));
            json_key(&x->w, "kwargs");
            json_put(&x->w, json_get(action, "args"));
            json_close(&x->w, '}');
        }
        json_close(&x->w, ']');
    }
    if (outputs) {
        json_key(&x->w, "expected_outputs");
        json_put(&x->w, outputs);
    }
}

static int export_tau_bench(struct writer *x, const struct dataset_item *item, struct err *e)
{
    struct json *note, *expected;
    int r = note_read(x, item, &note, e);
    if (r)
        return r;
    if (json_parse(x->arena, item->expected.n ? item->expected : STR("{}"), &expected, e))
        return err_in(e, "what is expected of %.*s", STR_ARG(item->label));
    const struct json *source = x->t->events_n ? json_get(x->t->events[0].body, "source") : NULL;
    if (!str_is(json_str(source), "tau-bench"))
        return err_set(e, ERR_UNSUPPORTED, "%.*s did not come from tau-bench; export it as openai-jsonl",
                       STR_ARG(item->label));
    x->flat = true;
    json_open(&x->w, '{');
    json_pair_str(&x->w, "id", item->label);
    json_pair_int(&x->w, "trial", item->trial);
    for (const struct json *v = note->child; v; v = v->next) {
        if (str_is(v->key, "system"))
            continue;
        json_key_str(&x->w, v->key);
        json_put(&x->w, v);
    }
    write_expected(x, expected);
    write_messages(x, note);
    json_close(&x->w, '}');
    return 0;
}

static int export_candor(struct writer *x, const struct dataset_item *item, struct err *e)
{
    return journal_line_write(x->arena, item, x->events, x->t->events_n, x->secret, x->w.out, e);
}

static const struct format {
    const char *name;
    int (*write)(struct writer *x, const struct dataset_item *item, struct err *e);
} formats[] = {
    {"openai-jsonl", export_openai},
    {"tau-bench", export_tau_bench},
    {"candor-jsonl", export_candor},
};

int export_line(struct arena *a, const char *format, const struct dataset_item *item, const struct event *events,
                size_t n, struct str secret, struct buf *out, struct err *e)
{
    const struct format *f = NULL;
    for (size_t i = 0; i < sizeof formats / sizeof *formats && !f; i++)
        f = strcmp(format, formats[i].name) == 0 ? &formats[i] : NULL;
    if (!f)
        return err_set(e, ERR_NOT_FOUND, "no format is called %s; there are openai-jsonl, tau-bench and candor-jsonl",
                       format);
    struct transcript t;
    if (transcript_read(a, events, n, &t, e))
        return err_in(e, "%.*s", STR_ARG(item->label));
    struct writer x = {.arena = a, .t = &t, .events = events, .secret = secret, .w = {.out = out}};
    if (!t.recorded) {
        x.customer = json_str(json_get(t.events[0].body, "customer"));
        x.stands_for = journal_pseudonym(a, x.customer, secret);
    }
    int r = f->write(&x, item, e);
    buf_addc(out, '\n');
    if (r == 0 && out->cut)
        return err_set(e, ERR_LIMIT, "%.*s is too long for one line", STR_ARG(item->label));
    return r;
}
