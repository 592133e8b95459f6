/* chat: a customer's conversation in the terminal. It speaks HTTP like the page does: to the server that has the
 * workspace's store, or, when none runs, to one of its own that it starts in this process. A line that is not taken is
 * told and the next one is read; after piped input the exit status says so then. */
#include "app/command.h"
#include "app/house.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/text.h"
#include "engine/agent.h"
#include "engine/published.h"
#include "engine/variant.h"
#include "net/sse.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY_BYTES_MAX = 128 << 10 /* the longest message fits twice; a server takes a little more */ };

struct line {
    struct line *next;
    size_t n;
    char text[];
};

struct chat {
    struct loop *loop;
    struct client *client;
    struct arena *arena;
    const char *customer, *locale;
    struct str agent, sha; /* who is to answer, where a server runs already; of a named version its hash too, else "" */
    struct str url, token, id;
    struct line *first, **last; /* typed and not sent yet */
    bool ready, eof, busy, terminal, person, over;
    int status;       /* the exit status */
    struct buf draft; /* what the terminal shows of a reply that is being written */
    bool draft_over;  /* no more words are added to it */
    struct client_call *stream;
    struct sse sse;
    int64_t seen;
    pthread_t reader;
};

static void send_next(struct chat *ch);

/* --- the keyboard, on a thread of its own since reading blocks --- */

/* Nothing ends a thread that waits for a line, so it may outlive the chat: then it finds none here. */
static struct keyboard {
    pthread_mutex_t lock;
    struct chat *chat;
} keyboard = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct typed {
    struct chat *chat;
    struct line *line; /* NULL: end of input */
};

static void on_line(void *arg)
{
    struct typed *t = arg;
    struct chat *ch = t->chat;
    if (t->line) {
        *ch->last = t->line;
        ch->last = &t->line->next;
    } else {
        ch->eof = true;
    }
    free(t);
    send_next(ch);
}

/* n < 0: end of input. */
static void hand_in(struct chat *ch, const char *text, ssize_t n)
{
    struct typed *t = mem_get(sizeof *t);
    *t = (struct typed){.chat = ch};
    if (n >= 0) {
        while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
            n--;
        t->line = mem_get(sizeof *t->line + (size_t)n);
        t->line->next = NULL;
        t->line->n = (size_t)n;
        memcpy(t->line->text, text, (size_t)n);
    }
    loop_post(ch->loop, on_line, t);
}

static void *read_lines(void *arg)
{
    char *text = NULL;
    size_t size = 0;
    bool more;
    do {
        ssize_t n = getline(&text, &size, stdin);
        pthread_mutex_lock(&keyboard.lock);
        more = n >= 0 && keyboard.chat;
        if (keyboard.chat)
            hand_in(keyboard.chat, text, n);
        pthread_mutex_unlock(&keyboard.lock);
    } while (more);
    free(text);
    return NULL;
}

/* No line comes after this, and those that were not sent are forgotten. */
static void keyboard_end(struct chat *ch)
{
    pthread_mutex_lock(&keyboard.lock);
    keyboard.chat = NULL;
    pthread_mutex_unlock(&keyboard.lock);
    ch->over = true;
    loop_once(ch->loop, 0); /* takes what was handed in */
    for (struct line *l = ch->first, *next; l; l = next) {
        next = l->next;
        free(l);
    }
}

/* --- requests --- */

/* Why not, in the words of the problem that was answered. */
static struct str why(struct chat *ch, const struct client_answer *answer)
{
    struct json *problem = NULL;
    if (answer->end != CLIENT_DONE)
        return str_copy(ch->arena, str_of(answer->err.text));
    if (json_parse(ch->arena, str_copy(ch->arena, answer->body), &problem, NULL) < 0)
        problem = NULL;
    return json_str_or(json_get(problem, "detail"), str_f(ch->arena, "the server answers %d", answer->status));
}

static void end(struct chat *ch, int status)
{
    ch->status = status;
    loop_stop(ch->loop);
}

static void give_up(struct chat *ch, const char *what, const struct client_answer *answer)
{
    fprintf(stderr, "%s: %.*s\n", what, STR_ARG(why(ch, answer)));
    end(ch, 3);
}

static void request(struct chat *ch, const char *method, struct str path, struct str body, const char *extra,
                    const struct client_hooks *hooks, int total_ms)
{
    struct arena *a = arena_new("chat request", 0);
    struct client_request q = {.method = method,
                               .url = str_f(a, "%.*s%.*s", STR_ARG(ch->url), STR_ARG(path)).p,
                               .headers = {str_f(a, "Authorization: Bearer %.*s", STR_ARG(ch->token)).p},
                               .parts = {str_copy(ch->arena, body)},
                               .first_byte_ms = total_ms,
                               .idle_ms = total_ms,
                               .total_ms = total_ms};
    size_t n = 1;
    if (body.n)
        q.headers[n++] = "Content-Type: application/json";
    if (extra)
        q.headers[n++] = extra;
    struct client_call *call = client_send(ch->client, &q, hooks, ch);
    if (hooks->on_data)
        ch->stream = call;
    arena_free(a);
}

/* What was hidden in the line before it was kept. */
static void tell_masked(struct str body)
{
    struct arena *a = arena_new("chat masked", 0);
    struct json *v = NULL;
    const struct json *kinds = json_parse(a, body, &v, NULL) < 0 ? NULL : json_get(v, "masked");
    for (const struct json *k = kinds ? kinds->child : NULL; k; k = k->next) {
        struct str kind = json_str(k);
        printf("  (for your safety this was hidden: %s)\n",
               str_is(kind, "card_number") ? "a card number, but for its last four digits"
               : str_is(kind, "cpf")       ? "a CPF"
                                           : "what looks like a password or a PIN; please never tell it to anyone");
    }
    fflush(stdout);
    arena_free(a);
}

static void prompt(struct chat *ch)
{
    if (ch->terminal && !ch->busy) {
        fputs("you> ", stdout);
        fflush(stdout);
    }
}

static void go_on(void *arg)
{
    struct chat *ch = arg;
    ch->busy = false;
    prompt(ch);
    send_next(ch);
}

/* Only this line is at fault: the conversation goes on. */
static void line_refused(struct chat *ch, struct str because)
{
    fflush(stdout);
    fprintf(stderr, "The message was not taken: %.*s\n", STR_ARG(because));
    if (!ch->terminal)
        ch->status = command_status(ERR_INVALID);
    loop_post(ch->loop, go_on, ch); /* a thousand such lines are no deep call */
}

static bool is_about_the_line(int status)
{
    return status == 400 || status == 413 || status == 422 || status == 429;
}

static void on_sent(void *arg, const struct client_answer *answer)
{
    struct chat *ch = arg;
    if (answer->end == CLIENT_DONE && is_about_the_line(answer->status)) {
        line_refused(ch, why(ch, answer));
        return;
    }
    if (answer->end != CLIENT_DONE || answer->status >= 300) {
        give_up(ch, "The message was not taken", answer);
        return;
    }
    tell_masked(answer->body);
    if (ch->person) /* nobody but a person answers now */
        ch->busy = false;
    send_next(ch);
}

static void send_line(struct chat *ch, struct str text)
{
    static const struct client_hooks hooks = {.on_done = on_sent};
    ptrdiff_t bad = text_invalid_at(text);
    if (bad >= 0) {
        line_refused(ch, str_f(ch->arena, "its byte %td is not UTF-8", bad + 1));
        return;
    }
    struct buf b = buf_new(ch->arena, BODY_BYTES_MAX);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_pair_str(&w, "text", text);
    json_pair_str(&w, "client_id", str_f(ch->arena, "%016llx", (unsigned long long)rng_u64()));
    json_close(&w, '}');
    if (b.cut)
        line_refused(ch, STR("it is too long"));
    else
        request(ch, "POST", str_f(ch->arena, "/v1/conversations/%.*s/messages", STR_ARG(ch->id)), buf_str(&b), NULL,
                &hooks, 30000);
}

static void send_next(struct chat *ch)
{
    if (!ch->ready || ch->busy || ch->over)
        return;
    struct line *l = ch->first;
    if (!l) {
        if (ch->eof)
            loop_stop(ch->loop);
        return;
    }
    ch->first = l->next;
    if (!ch->first)
        ch->last = &ch->first;
    struct str text = {l->text, l->n};
    if (!str_trim(text).n) {
        free(l);
        prompt(ch);
        send_next(ch);
        return;
    }
    if (!ch->terminal)
        printf("you> %.*s\n", STR_ARG(text));
    ch->busy = true;
    send_line(ch, text);
    free(l);
}

/* --- what comes back --- */

static void forget_draft(struct chat *ch)
{
    buf_clear(&ch->draft);
    ch->draft_over = false;
}

static void take_back_draft(struct chat *ch)
{
    if (ch->draft.n)
        puts(" (taken back)");
    forget_draft(ch);
}

/* Words as they come. The whole message follows and counts: most often it is these very words. */
static void show_draft(struct chat *ch, struct str words)
{
    if (ch->draft_over)
        take_back_draft(ch);
    if (!ch->draft.n && words.n)
        fputs("agent> ", stdout);
    buf_add(&ch->draft, words);
    fwrite(words.p, 1, words.n, stdout);
}

static void show_message(struct chat *ch, struct str from, struct str text)
{
    if (ch->draft.n && str_is(from, "agent") && str_eq(buf_str(&ch->draft), text)) {
        putchar('\n');
        forget_draft(ch);
        return;
    }
    take_back_draft(ch);
    printf("%.*s> %.*s\n", STR_ARG(from), STR_ARG(text));
}

static void show_proposal(const struct json *d)
{
    printf("  ┌ %.*s\n", STR_ARG(json_str(json_get(d, "title"))));
    const struct json *shown = json_get(d, "shown");
    for (const struct json *s = shown ? shown->child : NULL; s; s = s->next)
        printf("  │ %.*s: %.*s\n", STR_ARG(json_str(json_get(s, "label"))), STR_ARG(json_str(json_get(s, "value"))));
    printf("  └ nothing happens before your yes\n");
}

static bool on_event(void *arg, const struct sse_event *ev)
{
    struct chat *ch = arg;
    struct arena *a = arena_new("chat event", 0);
    struct json *d = NULL;
    if (json_parse(a, ev->data, &d, NULL) < 0)
        d = NULL;
    ch->seen = json_int(json_get(d, "seq"), ch->seen);
    if (str_is(ev->type, "delta")) {
        if (ch->terminal)
            show_draft(ch, json_str(json_get(d, "text")));
    } else if (str_is(ev->type, "draft_reset")) {
        ch->draft_over = true;
    } else if (str_is(ev->type, "message") && !str_is(json_str(json_get(d, "from")), "customer")) {
        show_message(ch, json_str(json_get(d, "from")), json_str(json_get(d, "text")));
    } else if (str_is(ev->type, "proposal")) {
        take_back_draft(ch);
        show_proposal(d);
    } else if (str_is(ev->type, "owner")) {
        ch->person = !str_is(json_str(json_get(d, "owner")), "bot");
        if (ch->person)
            puts("  (a person takes over here)");
    } else if (str_is(ev->type, "turn") && str_is(json_str(json_get(d, "state")), "done")) {
        ch->busy = false;
        prompt(ch);
        send_next(ch);
    }
    fflush(stdout);
    arena_free(a);
    return true;
}

static void on_bytes(void *arg, struct str bytes)
{
    struct chat *ch = arg;
    if (sse_feed(&ch->sse, bytes, on_event, ch, NULL) < 0)
        ch->status = 3;
}

static void follow(void *arg);

static void on_stream_end(void *arg, const struct client_answer *answer)
{
    struct chat *ch = arg;
    ch->stream = NULL;
    if (answer->end == CLIENT_DONE && answer->status >= 400) {
        give_up(ch, "The conversation cannot be read", answer);
        return;
    }
    loop_after(ch->loop, 500, follow, ch); /* the server went away: it may come back */
}

static void follow(void *arg)
{
    struct chat *ch = arg;
    static const struct client_hooks hooks = {.on_data = on_bytes, .on_done = on_stream_end};
    sse_end(&ch->sse);
    sse_begin(&ch->sse);
    request(ch, "GET",
            str_f(ch->arena, "/v1/conversations/%.*s/events?after=%lld", STR_ARG(ch->id), (long long)ch->seen), STR(""),
            "Accept: text/event-stream", &hooks, 24 * 3600 * 1000);
}

static void on_opened(void *arg, const struct client_answer *answer)
{
    struct chat *ch = arg;
    struct json *v = NULL;
    struct str body = str_copy(ch->arena, answer->body);
    if (answer->end != CLIENT_DONE || answer->status >= 300 || json_parse(ch->arena, body, &v, NULL) < 0) {
        give_up(ch, "No conversation could be opened", answer);
        return;
    }
    ch->id = json_str(json_get(v, "id"));
    ch->ready = true;
    follow(ch);
    prompt(ch);
    send_next(ch);
}

static void open_conversation(struct chat *ch)
{
    static const struct client_hooks hooks = {.on_done = on_opened};
    struct str body = str_f(ch->arena, "{\"locale\":\"%s\"}", ch->locale);
    const char *key = str_f(ch->arena, "Idempotency-Key: %016llx", (unsigned long long)rng_u64()).p;
    request(ch, "POST", STR("/v1/conversations"), body, key, &hooks, 30000);
}

/* Is the customer one of those that the chat page offers? Where nobody lists them, anyone may be one. */
static void on_customers(void *arg, const struct client_answer *answer)
{
    struct chat *ch = arg;
    struct json *v = NULL;
    struct buf names = buf_new(ch->arena, 1000);
    if (answer->end != CLIENT_DONE || answer->status != 200 ||
        json_parse(ch->arena, str_copy(ch->arena, answer->body), &v, NULL) < 0) {
        open_conversation(ch);
        return;
    }
    const struct json *all = json_get(v, "customers"), *k = all ? all->child : NULL;
    for (; k && !str_is(json_str(json_get(k, "id")), ch->customer); k = k->next)
        buf_addf(&names, "%s%.*s", names.n ? ", " : "", STR_ARG(json_str(json_get(k, "id"))));
    if (k) {
        open_conversation(ch);
        return;
    }
    fprintf(stderr, "candor chat: there is no customer %s; there are %.*s\n", ch->customer, STR_ARG(buf_str(&names)));
    end(ch, command_status(ERR_NOT_FOUND));
}

static void ask_customers(struct chat *ch)
{
    static const struct client_hooks hooks = {.on_done = on_customers};
    request(ch, "GET", STR("/v1/customers"), STR(""), NULL, &hooks, 30000);
}

/* A server has one agent: no other than that is talked to under another's name. */
static void on_ready(void *arg, const struct client_answer *answer)
{
    struct chat *ch = arg;
    struct json *v = NULL;
    if (answer->end != CLIENT_DONE || json_parse(ch->arena, str_copy(ch->arena, answer->body), &v, NULL) < 0) {
        give_up(ch, "The server that has the workspace does not answer", answer);
        return;
    }
    struct str agent = json_str(json_get(v, "agent")), sha = json_str(json_get(v, "agent_version"));
    if (str_eq(agent, ch->agent) && (!ch->sha.n || str_eq(sha, ch->sha))) {
        ask_customers(ch);
        return;
    }
    fprintf(stderr,
            "candor chat: the server at %.*s, which has this workspace, runs %.*s (sha256 %.12s); stop it to talk to "
            "another agent or version\n",
            STR_ARG(ch->url), STR_ARG(agent), str_c(ch->arena, sha));
    end(ch, command_status(ERR_CONFLICT));
}

static void begin(struct chat *ch)
{
    static const struct client_hooks hooks = {.on_done = on_ready};
    if (ch->agent.n)
        request(ch, "GET", STR("/readyz"), STR(""), NULL, &hooks, 30000);
    else
        ask_customers(ch);
}

static void on_signal(void *arg, int signal)
{
    struct chat *ch = arg;
    loop_stop(ch->loop);
}

static int talk(struct command_context *c, struct chat *ch, const struct settings *s)
{
    struct sessions sessions;
    if (sessions_load(c->arena, str_f(c->arena, "%.*s/data", STR_ARG(s->dir)).p, &sessions, c->err) < 0)
        return c->err->code;
    ch->token = session_token(c->arena, &sessions, str_of(ch->customer), clock_now_us() / 1000000 + SESSION_SECONDS);
    ch->arena = c->arena;
    ch->last = &ch->first;
    ch->draft = buf_new(NULL, 1 << 16);
    ch->terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    sse_begin(&ch->sse);
    begin(ch);
    keyboard.chat = ch;
    if (pthread_create(&ch->reader, NULL, read_lines, NULL) != 0)
        return err_set(c->err, ERR_IO, "no thread can be started");
    pthread_detach(ch->reader);
    loop_run(ch->loop, on_signal, ch);
    if (ch->terminal)
        putchar('\n'); /* the shell's prompt gets a line of its own */
    keyboard_end(ch);
    if (ch->stream)
        client_cancel(ch->stream);
    sse_end(&ch->sse);
    buf_free(&ch->draft);
    return ch->status;
}

/* What NAME or NAME@VERSION has to be on a server that runs. */
static int name_agent(struct command_context *c, struct chat *ch, const struct settings *s)
{
    struct published published = {.path = str_c(c->arena, s->store)};
    struct str bundle, named = s->agent;
    struct agent *agent;
    ptrdiff_t at = str_find(named, STR("@"));
    ch->agent = at < 0 ? named : str_head(named, (size_t)at);
    if (at < 0)
        return 0;
    int r = published_bundle(&published, c->arena, str_c(c->arena, s->dir), named, &bundle, c->err);
    if (r == 0)
        r = variant_bundle(c->arena, bundle, s->model, &bundle, c->err);
    if (r == 0)
        r = agent_new(bundle, &agent, c->err);
    if (r == 0) {
        ch->sha = str_copy(c->arena, agent->sha_hex);
        agent_free(agent);
    }
    published_close(&published);
    return r;
}

int cmd_chat(struct command_context *c)
{
    struct house h = {.arena = c->arena};
    struct chat ch = {.customer = command_option(c, "--as", NULL), .locale = command_option(c, "--locale", "en")};
    if (!ch.customer || !session_customer_ok(str_of(ch.customer)))
        return command_usage(c, "say who you are: --as CUSTOMER, such as --as ana");
    if (!*ch.locale || strlen(ch.locale) > 16 || strpbrk(ch.locale, "\"\\"))
        return command_usage(c, "--locale %s: write a locale such as en, pt-BR or es-MX", ch.locale);
    c->sets[c->sets_n++] = str_f(c->arena, "agent=%s", c->argv[0]).p;
    int r = command_settings(c, &h.settings);
    if (r)
        return r;
    ch.url = store_holder(c->arena, str_c(c->arena, h.settings.store));
    if (ch.url.n) {
        r = name_agent(c, &ch, &h.settings);
        if (r == 0)
            r = loop_new(&ch.loop, c->err);
        if (r == 0)
            r = client_new(ch.loop, &ch.client, c->err);
        if (r == 0)
            r = talk(c, &ch, &h.settings);
        if (ch.client)
            client_free(ch.client);
        if (ch.loop)
            loop_free(ch.loop);
        return r;
    }
    h.settings.port = 0; /* any free one: the server is this process's own */
    r = house_open(&h, c->err);
    if (r == 0) {
        ch.loop = h.loop;
        ch.client = h.client;
        ch.url = house_url(c->arena, &h);
        r = talk(c, &ch, &h.settings);
    }
    house_close(&h);
    return r;
}
