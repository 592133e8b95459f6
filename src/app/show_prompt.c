#include "app/show_prompt.h"

#include "base/id.h"
#include "engine/context.h"
#include "engine/versions.h"
#include "store/journal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EVENTS_MAX = 1 << 20, TOLD_BYTES_MAX = 1 << 28 };

enum { NEWEST_SHOWN = 3 };

/* The prompt of one call. */
struct found {
    int64_t conversation, call;
    const struct event *asked;
    struct str recorded; /* its hash in the journal, in hex */
    struct str agent, agent_sha;
    struct context x;
    struct str sha;
    bool same;
};

static int no_conversation(struct command_context *c, const char *named, const struct conversation_row *rows, size_t n)
{
    struct buf newest = buf_new(c->arena, 200);
    for (size_t i = n; i > 0 && n - i < NEWEST_SHOWN; i--) {
        struct str id = id_public(c->arena, rows[i - 1].id);
        buf_addf(&newest, "%s%.*s", i == n ? "" : ", ", STR_ARG(id));
    }
    return err_set(c->err, ERR_NOT_FOUND, "there is no conversation %s%s%.*s", named, n ? "; the newest are " : "",
                   STR_ARG(buf_str(&newest)));
}

/* By its id, or by the name that the outside world has for it. */
static int find_conversation(struct command_context *c, struct store *s, const char *named, int64_t *id)
{
    struct conversation_row *rows;
    struct str name = str_of(named);
    size_t n = 0, found = 0;
    int r = conversation_list(s, c->arena, NULL, NULL, NULL, &rows, &n, c->err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (!str_eq(rows[i].label, name) && !str_eq(id_public(c->arena, rows[i].id), name))
            continue;
        *id = rows[i].id;
        found++;
    }
    if (r == 0 && found != 1)
        r = found ? err_set(c->err, ERR_CONFLICT, "%zu conversations are called %s; name one by its id", found, named)
                  : no_conversation(c, named, rows, n);
    return r;
}

/* Folds up to the question and makes its prompt. */
static int make(struct command_context *c, struct agent_source agents, const struct event *events, size_t n,
                struct found *out)
{
    struct conversation *talk;
    struct json *body;
    int64_t calls = 0;
    int r = conversation_unfold(agents, events, n, &talk, c->err);
    if (r < 0)
        return r;
    talk->messages.marking = true;
    for (size_t i = 0; i < n && r == 0 && !out->asked; i++) {
        if (events[i].kind == EVENT_MODEL_ASKED && (r = json_parse(c->arena, events[i].body, &body, c->err)) == 0)
            calls = json_int(json_get(body, "call"), calls + 1);
        if (r == 0 && events[i].kind == EVENT_MODEL_ASKED && calls == out->call) {
            out->asked = &events[i];
            out->recorded = json_str(json_get(body, "prompt_sha"));
            out->x = context_make(c->arena, talk, events[i].at_us);
            context_label(c->arena, talk, events, events[i].at_us, &out->x);
            out->x.transcript = str_copy(c->arena, out->x.transcript);
            out->agent = str_copy(c->arena, talk->agent->name);
            out->agent_sha = str_copy(c->arena, talk->agent->sha_hex);
        } else if (r == 0) {
            r = conversation_fold(talk, &events[i], c->err);
        }
    }
    conversation_free(talk);
    if (r == 0 && !out->asked)
        r = err_set(c->err, ERR_NOT_FOUND, "the model was asked %lld times in this conversation; there is no call %lld",
                    (long long)calls, (long long)out->call);
    return r;
}

/* --- telling --- */

static struct str bytes_of(struct str whole, const struct span *s)
{
    return (struct str){whole.p + s->from, s->to - s->from};
}

/* The text of an escaped piece; as it stands where the piece alone is no JSON text. */
static struct str readable(struct arena *a, const struct span *s, struct str bytes)
{
    struct json *v;
    if (s->part != PROMPT_TOOLS && json_parse(a, str_f(a, "\"%.*s\"", STR_ARG(bytes)), &v, NULL) == 0)
        return v->text;
    return bytes;
}

static void add_label(struct buf *b, const struct span *s)
{
    const struct label *l = &s->label;
    buf_addf(b, "%zu-%zu %s %.*s", s->from, s->to, prompt_part_name(s->part), STR_ARG(l->kind));
    if (l->name.n)
        buf_addf(b, " %.*s", STR_ARG(l->name));
    if (l->version.n)
        buf_addf(b, "@%.*s", STR_ARG(l->version));
    if (l->anchor.n)
        buf_addf(b, " %.*s", STR_ARG(l->anchor));
    if (l->sha.n)
        buf_addf(b, " (%.*s)", STR_ARG(str_head(l->sha, 12)));
    buf_addc(b, '\n');
}

static struct str as_text(struct command_context *c, const struct found *f, struct str whole)
{
    bool texts = !command_option(c, "--spans", NULL);
    struct buf b = buf_new(c->arena, TOLD_BYTES_MAX);
    buf_addf(&b, "conversation %.*s, call %lld, event %lld: %zu bytes, sha256 %.*s, agent %.*s %.*s\n",
             STR_ARG(id_public(c->arena, f->conversation)), (long long)f->call, (long long)f->asked->seq, f->x.bytes,
             STR_ARG(f->sha), STR_ARG(f->agent), STR_ARG(str_head(f->agent_sha, 12)));
    for (size_t i = 0; i < f->x.spans_n; i++) {
        const struct span *s = &f->x.spans[i];
        if (texts)
            buf_adds(&b, "--- ");
        add_label(&b, s);
        if (!texts)
            continue;
        struct str text = readable(c->arena, s, bytes_of(whole, s));
        buf_add(&b, text);
        if (!str_ends(text, STR("\n")))
            buf_addc(&b, '\n');
    }
    return buf_str(&b);
}

static struct str as_json(struct command_context *c, const struct found *f)
{
    struct buf b = buf_new(c->arena, TOLD_BYTES_MAX);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_pair_str(&w, "conversation", id_public(c->arena, f->conversation));
    json_pair_int(&w, "call", f->call);
    json_pair_int(&w, "seq", f->asked->seq);
    json_pair_str(&w, "agent", f->agent);
    json_pair_str(&w, "agent_sha", f->agent_sha);
    json_pair_int(&w, "bytes", (int64_t)f->x.bytes);
    json_pair_str(&w, "sha256", f->sha);
    json_pair_str(&w, "recorded", f->recorded);
    json_pair_bool(&w, "same", f->same);
    json_key(&w, "spans");
    json_open(&w, '[');
    for (size_t i = 0; i < f->x.spans_n; i++) {
        const struct span *s = &f->x.spans[i];
        json_open(&w, '{');
        json_pair_str(&w, "part", str_of(prompt_part_name(s->part)));
        json_pair_int(&w, "from", (int64_t)s->from);
        json_pair_int(&w, "to", (int64_t)s->to);
        json_pair_str(&w, "kind", s->label.kind);
        json_pair_str(&w, "name", s->label.name);
        json_pair_str(&w, "version", s->label.version);
        json_pair_str(&w, "sha256", s->label.sha);
        json_pair_str(&w, "anchor", s->label.anchor);
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_close(&w, '}');
    buf_addc(&b, '\n');
    return buf_str(&b);
}

static int told(struct command_context *c, const struct found *f)
{
    struct str whole = context_bytes(c->arena, &f->x);
    int r = command_tell(c, c->json ? as_json(c, f) : command_option(c, "--raw", NULL) ? whole : as_text(c, f, whole));
    if (r == 0 && !f->same)
        fprintf(stderr, "candor show: these are not the bytes that were asked: the journal has sha256 %.*s of them\n",
                STR_ARG(f->recorded));
    return r ? r : f->same ? 0 : 1;
}

static int from_store(struct command_context *c, struct store *s, struct found *f)
{
    struct versions known = {.store = s};
    struct event *events;
    size_t n = 0;
    int r = find_conversation(c, s, c->argv[1], &f->conversation);
    if (r == 0)
        r = journal_read(s, c->arena, f->conversation, 0, EVENTS_MAX, &events, &n, c->err);
    if (r == 0)
        r = make(c, versions_source(&known), events, n, f);
    if (r == 0) {
        f->sha = hash_hex(c->arena, f->x.sha.b, SHA256_BYTES);
        f->same = str_eq(f->sha, f->recorded);
        r = told(c, f);
    }
    versions_free(&known);
    return r;
}

int show_prompt(struct command_context *c, const struct settings *s)
{
    struct found f = {0};
    struct store *store;
    if (str_int(str_of(command_option(c, "--call", "")), &f.call) < 0 || f.call < 1)
        return command_usage(c, "--call N says which question to the model is meant, from 1 on");
    struct store_config config = {.path = str_c(c->arena, s->store), .read_only = true};
    if (access(config.path, F_OK) != 0)
        return err_set(c->err, ERR_NOT_FOUND, "%s: %s; nobody was asked anything yet", config.path, strerror(errno));
    int r = store_open(&config, &store, c->err);
    if (r < 0)
        return r;
    r = from_store(c, store, &f);
    store_close(store);
    return r;
}
