#include "eval/import.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/rng.h"
#include "base/text.h"
#include "eval/import_source.h"
#include "eval/journal_line.h"
#include "eval/recording.h"

#include <stdlib.h>
#include <string.h>

enum { OPENED_BYTES_MAX = 1 << 16, SET_NAME_BYTES_MAX = 64 };

/* One line of the file on its way. */
struct line {
    struct arena *arena;
    struct import_batch *batch;
    const char *file; /* without folders */
    struct str text;
    int64_t now_us;
    bool tau; /* the format is tau-bench */
    struct json *v;
    struct import_conversation *c;
};

static void ignore(void *arg, struct str field)
{
    struct import_batch *b = arg;
    size_t i = 0;
    while (i < b->ignored_n && !str_eq(b->ignored[i].field, field))
        i++;
    if (i == IMPORT_IGNORED_MAX)
        field = STR("others");
    if (i == b->ignored_n && i <= IMPORT_IGNORED_MAX)
        b->ignored[b->ignored_n++] = (struct import_ignored){.field = field};
    b->ignored[i < IMPORT_IGNORED_MAX ? i : IMPORT_IGNORED_MAX].n++;
}

/* --- fields of formats whose messages are OpenAI's --- */

static int item_label(struct line *l, const struct json *v, struct err *e)
{
    if (!json_is(v, JSON_STRING) || v->text.n == 0)
        return err_set(e, ERR_INVALID, "id is not a text");
    l->c->item.label = v->text;
    return 0;
}

static int item_task(struct line *l, const struct json *v, struct err *e)
{
    if (!json_is(v, JSON_STRING) && !json_is(v, JSON_NUMBER))
        return err_set(e, ERR_INVALID, "task_id is neither text nor a number");
    l->c->item.task = v->text;
    return 0;
}

static int item_trial(struct line *l, const struct json *v, struct err *e)
{
    l->c->item.trial = json_int(v, -1);
    if (l->c->item.trial < 0)
        return err_set(e, ERR_INVALID, "trial is not a whole number from 0");
    return 0;
}

static int item_reward(struct line *l, const struct json *v, struct err *e)
{
    double reward = json_num(v, -1);
    if (reward < 0 || reward > 1)
        return err_set(e, ERR_INVALID, "reward is not a number from 0 to 1");
    l->c->item.has_reward = true;
    l->c->item.reward = reward;
    return 0;
}

static int is_text(struct line *l, const struct json *v, struct err *e)
{
    return json_is(v, JSON_STRING) ? 0 : err_set(e, ERR_INVALID, "%.*s is not a text", STR_ARG(v->key));
}

static int is_number(struct line *l, const struct json *v, struct err *e)
{
    if (json_is(v, JSON_NUMBER) || json_is(v, JSON_NULL))
        return 0;
    return err_set(e, ERR_INVALID, "%.*s is neither a number nor null", STR_ARG(v->key));
}

static int is_actions(struct line *l, const struct json *v, struct err *e)
{
    bool good = json_is(v, JSON_ARRAY);
    for (const struct json *action = good ? v->child : NULL; action && good; action = action->next)
        good = action->n == 2 && json_is(json_get(action, "name"), JSON_STRING) &&
               json_is(json_get(action, "kwargs"), JSON_OBJECT);
    return good ? 0 : err_set(e, ERR_INVALID, "expected_actions is not a list of {name, kwargs}");
}

static int is_outputs(struct line *l, const struct json *v, struct err *e)
{
    bool good = json_is(v, JSON_ARRAY);
    for (const struct json *output = good ? v->child : NULL; output && good; output = output->next)
        good = json_is(output, JSON_STRING);
    return good ? 0 : err_set(e, ERR_INVALID, "expected_outputs is not a list of texts");
}

static int is_messages(struct line *l, const struct json *v, struct err *e)
{
    return 0; /* recording_read looks at them */
}

static int is_told(struct line *l, const struct json *v, struct err *e)
{
    return 0; /* import_source_tau took of it what there is a place for, and told the rest */
}

static const struct field {
    const char *name;
    bool needed; /* by tau-bench; openai-jsonl needs the messages only */
    bool note;   /* kept in the item's note, for a round trip */
    int (*read)(struct line *l, const struct json *v, struct err *e);
} fields[] = {
    {"id", false, false, item_label},
    {"task_id", true, true, item_task},
    {"trial", true, false, item_trial},
    {"reward", false, true, item_reward},
    {"r_actions", false, true, is_number},
    {"r_outputs", false, true, is_number},
    {"user_id", false, true, is_text},
    {"instruction", false, true, is_text},
    {"expected_actions", false, false, is_actions},
    {"expected_outputs", false, false, is_outputs},
    {"messages", true, false, is_messages},
    {"info", false, false, is_told},
};

enum { FIELDS = sizeof fields / sizeof *fields };

static const struct field *field_find(const struct line *l, struct str name)
{
    for (size_t i = 0; i < FIELDS; i++)
        if (str_is(name, fields[i].name) && (l->tau || fields[i].read != is_told))
            return &fields[i];
    return NULL;
}

/* Null is how many programs write that there is nothing. Only where our own format has it does it stay. */
static bool missing(const struct field *field, const struct json *v)
{
    return !v || (json_is(v, JSON_NULL) && field->read != is_number);
}

static int read_fields(struct line *l, struct err *e)
{
    for (const struct json *v = l->v->child; v; v = v->next) {
        const struct field *field = field_find(l, v->key);
        if (!field)
            ignore(l->batch, v->key);
        int r = field && !missing(field, v) ? field->read(l, v, e) : 0;
        if (r)
            return r;
    }
    for (size_t i = 0; i < FIELDS; i++)
        if (l->tau && fields[i].needed && missing(&fields[i], json_get(l->v, fields[i].name)))
            return err_set(e, ERR_INVALID, "%s is missing", fields[i].name);
    return 0;
}

/* {"actions": [{"tool", "args"}], "outputs": [...]}: what judges compare with. */
static struct str expected_text(struct line *l)
{
    const struct json *actions = json_get(l->v, "expected_actions"), *outputs = json_get(l->v, "expected_outputs");
    struct json *expected = json_new(l->arena, JSON_OBJECT);
    if (json_is(actions, JSON_ARRAY)) {
        struct json *list = json_new(l->arena, JSON_ARRAY);
        for (const struct json *action = actions->child; action; action = action->next) {
            struct json *one = json_new(l->arena, JSON_OBJECT);
            json_set(one, STR("tool"), json_copy(l->arena, json_get(action, "name")));
            json_set(one, STR("args"), json_copy(l->arena, json_get(action, "kwargs")));
            json_push(list, one);
        }
        json_set(expected, STR("actions"), list);
    }
    if (json_is(outputs, JSON_ARRAY))
        json_set(expected, STR("outputs"), json_copy(l->arena, outputs));
    return json_text(l->arena, expected);
}

static struct str note_text(struct line *l, const struct json *system)
{
    struct json *note = json_new(l->arena, JSON_OBJECT);
    for (const struct json *v = l->v->child; v; v = v->next) {
        const struct field *field = field_find(l, v->key);
        if (field && field->note && !missing(field, v))
            json_set(note, v->key, json_copy(l->arena, v));
    }
    if (system)
        json_set(note, STR("system"), json_copy(l->arena, system));
    return json_text(l->arena, note);
}

static struct str key_of(const struct line *l)
{
    return str_f(l->arena, "import:%.*s/%.*s", STR_ARG(l->batch->set), STR_ARG(l->c->item.label));
}

static int opened_body(struct line *l, struct str *out, struct err *e)
{
    struct str words = text_fold(l->arena, recording_first_words(json_get(l->v, "messages")));
    struct buf body = buf_new(l->arena, OPENED_BYTES_MAX);
    struct json_writer w = {.out = &body};
    json_open(&w, '{');
    json_pair_str(&w, "agent", l->batch->set);
    json_pair_str(&w, "agent_sha", STR(""));
    json_pair_str(&w, "customer", json_str(json_get(l->v, "user_id")));
    json_pair_str(&w, "channel", STR("import"));
    json_pair_str(&w, "locale", text_language(words, STR("en")));
    json_pair_int(&w, "identity", 0);
    json_pair_str(&w, "label", l->c->item.label);
    json_pair_str(&w, "key", key_of(l));
    json_pair_str(&w, "set", l->batch->set);
    json_pair_str(&w, "source", l->batch->format);
    json_pair_str(&w, "source_sha", l->c->source_sha);
    json_pair_str(&w, "opened_date", clock_date(l->arena, l->now_us));
    json_close(&w, '}');
    *out = buf_str(&body);
    return body.cut ? err_set(e, ERR_LIMIT, "id and user_id are longer than %d bytes", OPENED_BYTES_MAX) : 0;
}

/* A run that broke off before anybody spoke. tau-bench writes it with its reward, which counts. */
static int nobody_spoke(struct recording *rec, struct err *e)
{
    rec->events = ARENA_ARRAY(rec->arena, struct event, 2);
    rec->events[0] = (struct event){.seq = 1, .kind = EVENT_OPENED, .at_us = rec->at_us, .body = rec->opened};
    rec->events[1] =
        (struct event){.seq = 2, .kind = EVENT_CLOSED, .at_us = rec->at_us, .body = STR("{\"by\":\"import\"}")};
    rec->n = 2;
    return 0;
}

/* A results file of tau-bench names no conversation, but the task and the trial do. */
static struct str label_of(const struct line *l)
{
    const struct dataset_item *item = &l->c->item;
    if (l->tau)
        return str_f(l->arena, "task-%.*s-trial-%lld", STR_ARG(item->task), (long long)item->trial);
    return str_f(l->arena, "%s-%zu", l->file, l->c->line);
}

static int read_messages(struct line *l, struct err *e)
{
    struct import_source_ignore left_out = {.fn = ignore, .arg = l->batch};
    int r = l->tau ? import_source_tau(l->arena, l->v, left_out, e) : 0;
    if (r == 0)
        r = import_source_messages(l->arena, l->v, left_out, e);
    if (r == 0)
        r = read_fields(l, e);
    if (r)
        return r;
    struct import_conversation *c = l->c;
    const struct json *messages = json_get(l->v, "messages");
    if (c->item.label.n == 0)
        c->item.label = label_of(l);
    struct recording rec = {.arena = l->arena, .at_us = l->now_us, .ignore = ignore, .ignore_arg = l->batch};
    rec.mid = id_public(l->arena, c->item.conversation);
    r = opened_body(l, &rec.opened, e);
    if (r == 0)
        r = l->tau && json_is(messages, JSON_ARRAY) && messages->n == 0 ? nobody_spoke(&rec, e)
                                                                        : recording_read(&rec, messages, e);
    if (r)
        return r;
    c->item.expected = expected_text(l);
    c->item.note = note_text(l, rec.system);
    c->events = rec.events;
    c->events_n = rec.n;
    l->batch->messages += rec.messages;
    l->batch->calls += rec.calls;
    l->batch->calls_unanswered += rec.calls_unanswered;
    return 0;
}

/* --- formats --- */

static int read_tau_bench(struct line *l, struct err *e)
{
    l->tau = true;
    return read_messages(l, e);
}

static int read_openai(struct line *l, struct err *e)
{
    return read_messages(l, e);
}

static int read_candor(struct line *l, struct err *e)
{
    struct journal_line j = {.arena = l->arena, .set = l->batch->set, .item = &l->c->item};
    int r = journal_line_read(&j, l->v, l->c->source_sha, e);
    l->c->events = j.events;
    l->c->events_n = j.n;
    l->batch->messages += j.messages;
    l->batch->calls += j.calls;
    return r;
}

static const struct format {
    const char *name;
    int (*read)(struct line *l, struct err *e);
} formats[] = {
    {"tau-bench", read_tau_bench},
    {"openai-jsonl", read_openai},
    {"candor-jsonl", read_candor},
};

enum { FORMATS = sizeof formats / sizeof *formats };

static const struct format *format_find(const char *name)
{
    for (size_t i = 0; i < FORMATS; i++)
        if (strcmp(name, formats[i].name) == 0)
            return &formats[i];
    return NULL;
}

/* --- files --- */

static bool set_name_good(struct str set)
{
    bool good = set.n >= 1 && set.n <= SET_NAME_BYTES_MAX && set.p[0] != '.' && set.p[0] != '-';
    for (size_t i = 0; i < set.n && good; i++) {
        char c = set.p[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-_.", c);
    }
    return good;
}

/* Where a conversation stands, for errors. In a list many may begin in one line. */
static struct str place_of(struct arena *a, const char *file, bool list, size_t line, size_t number)
{
    return list ? str_f(a, "%s:%zu: conversation %zu", file, line, number) : str_f(a, "%s:%zu", file, line);
}

static int conversations_count(const char *file, struct import_source source, size_t *n, struct err *e)
{
    struct str text;
    do {
        if (import_source_next(&source, &text, e))
            return err_in(e, "%s:%zu", file, source.line);
    } while (text.n);
    *n = source.n;
    if (*n == 0 || *n > IMPORT_CONVERSATIONS_MAX)
        return err_set(e, *n ? ERR_LIMIT : ERR_INVALID, "%s has %zu conversations; 1 to %d can be imported at once",
                       file, *n, IMPORT_CONVERSATIONS_MAX);
    return 0;
}

/* Ids sort in the order of the file: conversation i of n gets the n-i'th millisecond before now, and 22 random
 * bits of its own. */
static int64_t id_of(const struct line *l, size_t i, size_t n)
{
    return rng_id(l->now_us - (int64_t)(n - i) * 1000);
}

static int read_line(struct line *l, const struct format *format, struct err *e)
{
    struct json *v;
    int r = json_parse(l->arena, l->text, &v, e);
    if (r)
        return r;
    if (!json_is(v, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "a conversation is one JSON object");
    struct sha256 sha = sha256_of(l->text);
    l->c->source_sha = hash_hex(l->arena, sha.b, SHA256_BYTES);
    l->c->item.expected = STR("{}");
    l->c->item.note = STR("{}");
    l->v = v;
    return format->read(l, e);
}

static int by_label(const void *a, const void *b)
{
    const struct import_conversation *const *x = a, *const *y = b;
    int order = str_cmp((*x)->item.label, (*y)->item.label);
    return order ? order : ((*x)->line > (*y)->line) - ((*x)->line < (*y)->line);
}

static int labels_check(struct arena *a, const char *file, bool list, const struct import_batch *b, struct err *e)
{
    const struct import_conversation **sorted = ARENA_ARRAY(a, const struct import_conversation *, b->n);
    for (size_t i = 0; i < b->n; i++)
        sorted[i] = &b->conversations[i];
    qsort(sorted, b->n, sizeof *sorted, by_label);
    for (size_t i = 1; i < b->n; i++) {
        const struct import_conversation *first = sorted[i - 1], *again = sorted[i];
        if (!str_eq(first->item.label, again->item.label))
            continue;
        struct str place = place_of(a, file, list, again->line, (size_t)(again - b->conversations) + 1);
        return err_set(e, ERR_INVALID, "%.*s: id \"%.*s\" stands in line %zu already", STR_ARG(place),
                       STR_ARG(again->item.label), first->line);
    }
    return 0;
}

int import_read(struct arena *a, const char *format_name, const char *file, struct str bytes, const char *set,
                int64_t now_us, struct import_batch *out, struct err *e)
{
    const struct format *format = format_find(format_name);
    if (!format)
        return err_set(e, ERR_NOT_FOUND, "no format is called %s; there are tau-bench, openai-jsonl and candor-jsonl",
                       format_name);
    struct import_batch b = {.set = str_of(set), .format = str_of(format->name)};
    if (!set_name_good(b.set))
        return err_set(e, ERR_INVALID, "a set's name has 1 to %d letters, digits, '-', '_' and '.'",
                       SET_NAME_BYTES_MAX);
    struct import_source source = import_source_of(bytes);
    size_t n = 0;
    int r = conversations_count(file, source, &n, e);
    if (r)
        return r;
    b.conversations = ARENA_ARRAY(a, struct import_conversation, n);
    while (b.n < n) {
        struct import_conversation *c = &b.conversations[b.n];
        struct line l = {.arena = a, .batch = &b, .file = file, .now_us = now_us, .c = c};
        r = import_source_next(&source, &l.text, e);
        if (r)
            return r; /* not met: they were counted */
        c->line = source.line;
        c->item.conversation = id_of(&l, b.n++, n);
        if (read_line(&l, format, e)) {
            struct str place = place_of(a, file, source.list, c->line, b.n);
            return err_in(e, "%.*s", STR_ARG(place));
        }
    }
    r = labels_check(a, file, source.list, &b, e);
    if (r == 0)
        *out = b;
    return r;
}
