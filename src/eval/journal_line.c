#include "eval/journal_line.h"

#include "base/id.h"
#include "eval/transcript.h"

enum { PSEUDONYM_BYTES = 10, TIMERS_MAX = 256 };

static int wrong(size_t i, struct err *e, const char *why)
{
    return err_set(e, ERR_INVALID, "events[%zu]%s", i, why);
}

static int read_item(struct journal_line *j, const struct json *line, struct err *e)
{
    static const char *const known[] = {"candor", "id", "task", "trial", "reward", "expected", "note", "events"};
    for (const struct json *v = line->child; v; v = v->next) {
        size_t k = 0;
        while (k < sizeof known / sizeof *known && !str_is(v->key, known[k]))
            k++;
        if (k == sizeof known / sizeof *known)
            return err_set(e, ERR_INVALID, "unknown field \"%.*s\"", STR_ARG(v->key));
    }
    if (json_int(json_get(line, "candor"), 0) != 1)
        return err_set(e, ERR_INVALID, "candor is not 1: another program or a newer version wrote this");
    const struct json *reward = json_get(line, "reward"), *expected = json_get(line, "expected");
    const struct json *note = json_get(line, "note");
    struct dataset_item *item = j->item;
    item->label = json_str(json_get(line, "id"));
    if (item->label.n == 0)
        return err_set(e, ERR_INVALID, "id is missing");
    item->task = json_str(json_get(line, "task"));
    item->trial = json_int(json_get(line, "trial"), 0);
    item->has_reward = json_is(reward, JSON_NUMBER);
    item->reward = json_num(reward, 0);
    if ((expected && !json_is(expected, JSON_OBJECT)) || (note && !json_is(note, JSON_OBJECT)))
        return err_set(e, ERR_INVALID, "expected and note are objects");
    item->expected = expected ? json_text(j->arena, expected) : STR("{}");
    item->note = note ? json_text(j->arena, note) : STR("{}");
    return 0;
}

static void set_text(struct journal_line *j, struct json *object, const char *key, struct str text)
{
    json_set(object, str_of(key), json_new_str(j->arena, text));
}

/* What makes the copy a record: see the header. */
static void rewrite(struct journal_line *j, enum event_kind kind, struct json *body, struct str source_sha)
{
    if (kind == EVENT_OPENED) {
        struct str label = j->item->label;
        set_text(j, body, "channel", STR("import"));
        set_text(j, body, "set", j->set);
        set_text(j, body, "label", label);
        set_text(j, body, "key", str_f(j->arena, "import:%.*s/%.*s", STR_ARG(j->set), STR_ARG(label)));
        set_text(j, body, "source", json_str_or(json_get(body, "source"), STR("candor-jsonl")));
        set_text(j, body, "source_sha", source_sha);
    }
    if (kind == EVENT_ACTION_STARTED || kind == EVENT_ACTION_DONE) {
        struct str id = id_public(j->arena, j->item->conversation), key = json_str(json_get(body, "key"));
        set_text(j, body, "key", str_f(j->arena, "import:%.*s:%.*s", STR_ARG(id), STR_ARG(key)));
    }
}

static void event_add(struct journal_line *j, enum event_kind kind, int64_t at_us, struct str body)
{
    int64_t seq = (int64_t)j->n + 1;
    j->events[j->n++] = (struct event){.seq = seq, .at_us = at_us, .kind = kind, .body = body};
}

static int read_event(struct journal_line *j, size_t i, const struct json *v, struct str source_sha, struct err *e)
{
    const struct json *body = json_get(v, "body");
    enum event_kind kind = event_kind_of(json_str(json_get(v, "kind")));
    int64_t at_us = json_int(json_get(v, "at_us"), -1);
    if (kind == EVENT_NONE)
        return wrong(i, e, ".kind is unknown");
    if ((kind == EVENT_OPENED) != (i == 0))
        return wrong(i, e, i ? " opens the conversation again" : " is not conversation.opened");
    if (at_us < 0)
        return wrong(i, e, ".at_us is not a time");
    if (!json_is(body, JSON_OBJECT))
        return wrong(i, e, ".body is not an object");
    if (i == 0 && json_str(json_get(body, "agent")).n == 0)
        return wrong(i, e, ".body.agent is missing");
    struct json *copy = json_copy(j->arena, body);
    rewrite(j, kind, copy, source_sha);
    const struct json *calls = transcript_asks(kind) ? json_get(body, "calls") : NULL;
    j->calls += calls ? calls->n : 0;
    j->messages += kind == EVENT_MESSAGE_RECEIVED || kind == EVENT_REPLY_SENT || kind == EVENT_HUMAN_MESSAGE;
    event_add(j, kind, at_us, json_text(j->arena, copy));
    return 0;
}

static int settle(struct journal_line *j, const struct json *events, struct err *e)
{
    int64_t set[TIMERS_MAX], seq = 0;
    size_t set_n = 0;
    for (const struct json *v = events->child; v; v = v->next) {
        enum event_kind kind = event_kind_of(json_str(json_get(v, "kind")));
        int64_t timer = json_int(json_get(json_get(v, "body"), "timer"), 0);
        seq++;
        if (kind == EVENT_TIMER_SET && set_n == TIMERS_MAX)
            return err_set(e, ERR_LIMIT, "more than %d timers are set", TIMERS_MAX);
        if (kind == EVENT_TIMER_SET)
            set[set_n++] = seq;
        for (size_t k = 0; k < set_n && kind == EVENT_TIMER_FIRED; k++)
            if (set[k] == timer)
                set[k] = set[--set_n];
    }
    int64_t last_us = j->events[j->n - 1].at_us;
    bool open = j->events[j->n - 1].kind != EVENT_CLOSED;
    for (size_t k = 0; k < set_n; k++)
        event_add(j, EVENT_TIMER_FIRED, last_us, str_f(j->arena, "{\"timer\":%lld}", (long long)set[k]));
    if (set_n || open)
        event_add(j, EVENT_CLOSED, last_us, STR("{\"by\":\"import\"}"));
    return 0;
}

int journal_line_read(struct journal_line *j, const struct json *line, struct str source_sha, struct err *e)
{
    const struct json *events = json_get(line, "events");
    int r = read_item(j, line, e);
    if (r)
        return r;
    if (!json_is(events, JSON_ARRAY) || events->n == 0)
        return err_set(e, ERR_INVALID, "events is missing or empty");
    j->events = ARENA_ARRAY(j->arena, struct event, (size_t)events->n + TIMERS_MAX + 1);
    size_t i = 0;
    for (const struct json *v = events->child; v; v = v->next) {
        r = read_event(j, i++, v, source_sha, e);
        if (r)
            return r;
    }
    return settle(j, events, e);
}

/* --- writing --- */

void journal_hide(struct json *v, struct str customer, struct str stands_for)
{
    if (customer.n && json_is(v, JSON_STRING) && str_eq(v->text, customer))
        v->text = stands_for;
    for (struct json *child = v->kind == JSON_ARRAY || v->kind == JSON_OBJECT ? v->child : NULL; child;
         child = child->next)
        journal_hide(child, customer, stands_for);
}

struct str journal_pseudonym(struct arena *a, struct str customer, struct str secret)
{
    if (customer.n == 0)
        return STR("");
    struct sha256 sha = hmac_of(secret, customer);
    return str_f(a, "p%.*s", STR_ARG(hash_base32(a, sha.b, PSEUDONYM_BYTES)));
}

static void write_item(struct json_writer *w, const struct dataset_item *item)
{
    json_pair_int(w, "candor", 1);
    json_pair_str(w, "id", item->label);
    json_pair_str(w, "task", item->task);
    json_pair_int(w, "trial", item->trial);
    json_key(w, "reward");
    if (item->has_reward)
        json_put_num(w, item->reward);
    else
        json_put_null(w);
    json_key(w, "expected");
    json_put_raw(w, item->expected.n ? item->expected : STR("{}"));
}

int journal_line_write(struct arena *a, const struct dataset_item *item, const struct event *events, size_t n,
                       struct str secret, struct buf *out, struct err *e)
{
    struct json_writer w = {.out = out};
    struct str customer = STR_NONE, stands_for = STR_NONE;
    json_open(&w, '{');
    write_item(&w, item);
    json_key(&w, "events");
    json_open(&w, '[');
    for (size_t i = 0; i < n; i++) {
        struct json *body;
        if (json_parse(a, events[i].body, &body, e))
            return err_in(e, "event %lld", (long long)events[i].seq);
        if (events[i].kind == EVENT_OPENED) {
            customer = json_str(json_get(body, "customer"));
            stands_for = journal_pseudonym(a, customer, secret);
        }
        journal_hide(body, customer, stands_for);
        json_open(&w, '{');
        json_pair_str(&w, "kind", str_of(event_name(events[i].kind)));
        json_pair_int(&w, "at_us", events[i].at_us);
        json_key(&w, "body");
        json_put(&w, body);
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_key(&w, "note");
    struct json *note;
    if (json_parse(a, item->note.n ? item->note : STR("{}"), &note, e))
        return err_in(e, "the note of %.*s", STR_ARG(item->label));
    journal_hide(note, customer, stands_for);
    json_put(&w, note);
    json_close(&w, '}');
    return out->cut ? err_set(e, ERR_LIMIT, "%.*s is too long for one line", STR_ARG(item->label)) : 0;
}
