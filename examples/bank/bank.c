/* bank: the example bank's action service, which the example agents call.
 *
 * What can be read and done is the domains' (domain.h). Reads answer with everything that the books hold. An action is
 * carried out once per Idempotency-Key: the effect and the first answer are one transaction, and the same key with the
 * same body gets that answer again. Orders that arrive together share one commit, and no answer leaves before its commit
 * is on disk. Faults can be set when it starts and while it runs. */
#include "domain.h"
#include "serve.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_BYTES_MAX = 64 * 1024, ANSWER_BYTES_MAX = 1 << 20, KEY_BYTES_MAX = 200 };

struct faults {
    int slow_ms, fail_next, hang_after_effect_next, drop_after_effect_next, reads_fail_next;
    bool ignore_key, error_on_repeat;
    int reissues_max;
};

enum answer_end { ANSWER_SENT, ANSWER_DROPPED, ANSWER_HUNG };

/* An answer that waits for its commit or for --slow-ms. On the heap: its request may go away first. */
struct answer {
    struct bank *bank;
    struct request *request;
    struct answer *next; /* among those that wait for the commit */
    struct loop_timer *timer;
    enum answer_end end;
    int status;
    bool replay;
    struct str body; /* the answer's own copy */
};

struct bank {
    struct loop *loop;
    struct books *books;
    const struct serve_program *program;
    struct faults now, at_start;
    struct answer *uncommitted, **uncommitted_end;
    bool commit_posted;
};

static void answer_free(struct answer *a)
{
    free((char *)a->body.p);
    free(a);
}

static void answer_send(void *arg)
{
    struct answer *a = arg;
    a->timer = NULL;
    if (a->replay)
        request_set(a->request, "Idempotent-Replay", "true");
    serve_json(a->request, a->status, a->body);
    answer_free(a);
}

/* The customer's side hung up. Its effect stays, as in any bank. */
static void answer_gone(void *arg)
{
    struct answer *a = arg;
    for (struct answer **at = &a->bank->uncommitted; *at; at = &(*at)->next) {
        if (*at != a)
            continue;
        *at = a->next;
        if (!a->next)
            a->bank->uncommitted_end = at;
        break;
    }
    if (a->timer)
        loop_cancel(a->timer);
    answer_free(a);
}

static struct answer *answer_new(struct bank *b, struct request *r, int status, struct str body)
{
    struct answer *a = mem_get(sizeof *a);
    *a = (struct answer){.bank = b, .request = r, .status = status};
    char *copy = mem_get(body.n + 1);
    memcpy(copy, body.p, body.n);
    a->body = (struct str){copy, body.n};
    request_on_gone(r, answer_gone, a);
    return a;
}

static void answer_finish(struct answer *a)
{
    if (a->end == ANSWER_DROPPED) {
        request_drop(a->request);
        answer_free(a);
    } else if (a->end == ANSWER_SENT && a->bank->now.slow_ms) {
        a->timer = loop_after(a->bank->loop, a->bank->now.slow_ms, answer_send, a);
    } else if (a->end == ANSWER_SENT) {
        answer_send(a);
    } /* a hung answer lives until its client gives up */
}

/* What was to be said is not true: the books could not be written. */
static void answer_fail(struct answer *a)
{
    free((char *)a->body.p);
    a->body = str_of(strdup("{\"error\":{\"code\":\"STORE_FAILED\",\"message\":\"nothing was carried out\"}}"));
    a->status = 500;
}

/* Puts the open orders on disk and lets their answers go. */
static void bank_commit(struct bank *b)
{
    struct err e = {0};
    int result = books_commit(b->books, &e);
    struct answer *a = b->uncommitted;
    b->uncommitted = NULL;
    b->uncommitted_end = &b->uncommitted;
    while (a) {
        struct answer *next = a->next;
        a->next = NULL;
        if (result < 0)
            answer_fail(a);
        answer_finish(a);
        a = next;
    }
    if (result < 0)
        fprintf(stderr, "bank: %s\n", e.text);
}

static void commit_posted(void *arg)
{
    struct bank *b = arg;
    b->commit_posted = false;
    bank_commit(b);
}

static bool take(int *n)
{
    if (*n == 0)
        return false;
    --*n;
    return true;
}

static void reply(struct bank *b, struct request *r, int status, struct str body)
{
    if (b->now.slow_ms)
        answer_finish(answer_new(b, r, status, body));
    else
        serve_json(r, status, body);
}

static void reply_error(struct bank *b, struct request *r, int status, const char *code, const char *message)
{
    reply(b, r, status, serve_error_text(request_arena(r), code, message));
}

/* --- reads ------------------------------------------------------------------------------------- */

static void read_value(struct json *values, struct request *r, const char *name, struct str value)
{
    if (value.p)
        json_set(values, str_of(name), json_new_str(request_arena(r), value));
}

static void put_meta(struct json_writer *w)
{
    json_key(w, "meta");
    json_open(w, '{');
    json_pair_str(w, "api", STR("cards"));
    json_pair_str(w, "api_version", STR("2.11.4"));
    json_pair_str(w, "node", STR("cards-b-03"));
    json_close(w, '}');
}

/* Answers {"data":{NAME:...},"meta":{...}}. */
static void read_run(struct bank *b, struct request *r, const struct domain_read *read, const struct str *parts)
{
    struct json *values = json_new(request_arena(r), JSON_OBJECT);
    struct buf out = buf_new(request_arena(r), ANSWER_BYTES_MAX);
    struct json_writer w = {.out = &out};
    read_value(values, r, "a", parts[0]);
    read_value(values, r, "b", parts[1]);
    for (size_t i = 0; i < sizeof read->query / sizeof *read->query && read->query[i]; i++)
        read_value(values, r, read->query[i], request_query(r, read->query[i]));
    if (take(&b->now.reads_fail_next)) {
        reply_error(b, r, 503, "UNAVAILABLE", "the bank is being maintained");
        return;
    }
    bank_commit(b); /* what is not on disk yet must not be seen: somebody may act on it */
    json_open(&w, '{');
    json_key(&w, "data");
    json_open(&w, '{');
    json_key(&w, read->name);
    if (books_read(b->books, read->sql, values, read->many, &w) < 0) {
        reply_error(b, r, 404, read->missing_code, read->missing);
        return;
    }
    json_close(&w, '}');
    put_meta(&w);
    json_close(&w, '}');
    reply(b, r, 200, buf_str(&out));
}

/* --- actions ----------------------------------------------------------------------------------- */

/* Has the key an answer already? Then that is the answer, or a refusal where the body is another. */
static bool order_repeat(struct bank *b, struct deed *d, struct str key, struct str request, bool *replay)
{
    struct books_answer first;
    if (b->now.ignore_key || !books_answer_find(b->books, key, d->arena, &first))
        return false;
    if (!str_eq(first.request, request)) {
        deed_refuse(d, 422, "KEY_REUSED", "this Idempotency-Key came with another body before");
    } else if (b->now.error_on_repeat && first.status < 300) {
        deed_refuse(d, 409, "DUPLICATE_REQUEST", "this request was carried out already");
    } else {
        *replay = true;
        d->status = first.status;
        d->answer = first.body;
    }
    return true;
}

/* In the open transaction: repeat, or decide, carry out and keep what was decided. */
static int order_run(struct bank *b, const struct domain_action *action, struct deed *d, struct str key, bool *replay,
                     struct err *e)
{
    struct str request = str_f(d->arena, "%s %.*s", action->path, STR_ARG(json_canonical(d->arena, d->body)));
    int result = books_begin(b->books, e);
    if (result < 0 || order_repeat(b, d, key, request, replay))
        return result;
    result = action->run(d, e);
    if (result < 0 || b->now.ignore_key)
        return result;
    struct books_answer answer = {request, d->status, d->answer};
    return books_answer_keep(b->books, d->arena, key, &answer, e);
}

static enum answer_end take_end(struct faults *f)
{
    if (take(&f->hang_after_effect_next))
        return ANSWER_HUNG;
    return take(&f->drop_after_effect_next) ? ANSWER_DROPPED : ANSWER_SENT;
}

static void order_take(struct bank *b, struct request *r, const struct domain_action *action, struct str key,
                       const struct json *body)
{
    struct err e = {0};
    bool replay = false;
    struct deed d = {.books = b->books,
                     .arena = request_arena(r),
                     .name = action->name,
                     .body = body,
                     .values = json_copy(request_arena(r), body),
                     .reissues_max = b->now.reissues_max};
    deed_set_text(&d, "key", key);
    if (order_run(b, action, &d, key, &replay, &e) < 0)
        fprintf(stderr, "bank: %s\n", e.text); /* the commit will fail and say so to everybody */

    struct answer *a = answer_new(b, r, d.status, d.answer);
    a->replay = replay;
    a->end = take_end(&b->now);
    *b->uncommitted_end = a;
    b->uncommitted_end = &a->next;
    if (!b->commit_posted)
        loop_post(b->loop, commit_posted, b);
    b->commit_posted = true;
}

static void order_post(struct bank *b, struct request *r, const struct domain_action *action)
{
    struct json *body;
    struct err e = {0};
    struct str key = request_header(r, "Idempotency-Key");
    if (take(&b->now.fail_next))
        reply_error(b, r, 503, "UNAVAILABLE", "the bank is being maintained");
    else if (key.n == 0)
        reply_error(b, r, 400, "IDEMPOTENCY_KEY_REQUIRED", "an order needs an Idempotency-Key");
    else if (key.n > KEY_BYTES_MAX)
        reply_error(b, r, 400, "IDEMPOTENCY_KEY_INVALID", "an Idempotency-Key has up to 200 bytes");
    else if (json_parse(request_arena(r), request_body(r), &body, &e) < 0 || !json_is(body, JSON_OBJECT))
        reply_error(b, r, 400, "BODY_INVALID", "the body must be a JSON object");
    else
        order_take(b, r, action, key, body);
}

/* The first answer, if something was done under the key by this route. */
static void order_by_key(struct bank *b, struct request *r, const struct domain_action *action, struct str key)
{
    struct books_answer first;
    struct str route = str_f(request_arena(r), "%s ", action->path);
    if (take(&b->now.reads_fail_next)) {
        reply_error(b, r, 503, "UNAVAILABLE", "the bank is being maintained");
        return;
    }
    bank_commit(b);
    if (books_answer_find(b->books, key, request_arena(r), &first) && first.status < 300 &&
        str_starts(first.request, route))
        reply(b, r, 200, first.body);
    else
        reply_error(b, r, 404, "KEY_UNKNOWN", "nothing was done under this key");
}

/* --- routes of the domains --------------------------------------------------------------------- */

/* Is the path one of the domain's? Then it is answered, unless its method is another one. */
static bool domain_answers(struct bank *b, struct request *r, const struct domain *d, bool *there)
{
    struct str path = request_path(r), parts[SERVE_PARTS_MAX] = {0};
    bool get = strcmp(request_method(r), "GET") == 0, post = strcmp(request_method(r), "POST") == 0;
    for (size_t i = 0; i < d->reads_n; i++) {
        bool fits = serve_path_fits(path, d->reads[i].path, parts);
        *there |= fits;
        if (!fits || !get)
            continue;
        read_run(b, r, &d->reads[i], parts);
        return true;
    }
    for (size_t i = 0; i < d->actions_n; i++) {
        const struct domain_action *action = &d->actions[i];
        const char *by_key = str_f(request_arena(r), "%s/by-key/@", action->path).p;
        bool whole = serve_path_fits(path, action->path, parts), key = serve_path_fits(path, by_key, parts);
        *there |= whole || key;
        if (whole && post)
            order_post(b, r, action);
        else if (key && get)
            order_by_key(b, r, action, parts[0]);
        else
            continue;
        return true;
    }
    return false;
}

/* --- control ----------------------------------------------------------------------------------- */

static void get_livez(void *arg, struct request *r, const struct str *parts)
{
    (void)arg, (void)parts;
    request_reply(r, 200, "text/plain", STR("ok\n"));
}

static void get_control(void *arg, struct request *r, const struct str *parts)
{
    struct bank *b = arg;
    (void)parts;
    struct buf out = buf_new(request_arena(r), ANSWER_BYTES_MAX);
    struct json_writer w = {.out = &out};
    json_open(&w, '{');
    serve_control_write(b->program, &w);
    json_close(&w, '}');
    serve_json(r, 200, buf_str(&out));
}

static void put_control(void *arg, struct request *r, const struct str *parts)
{
    struct bank *b = arg;
    struct err e = {0};
    if (serve_control_read(b->program, r, &e) < 0)
        serve_error(r, 422, "SETTING_INVALID", e.text);
    else
        get_control(arg, r, parts);
}

static void post_reset(void *arg, struct request *r, const struct str *parts)
{
    struct bank *b = arg;
    struct err e = {0};
    bank_commit(b);
    b->now = b->at_start;
    if (books_reset(b->books, &e) < 0)
        serve_error(r, 500, "STORE_FAILED", e.text);
    else
        get_control(arg, r, parts);
}

static const struct serve_route routes[] = {
    {"GET", "/control", get_control},
    {"PUT", "/control", put_control},
    {"POST", "/control/reset", post_reset},
    {"GET", "/livez", get_livez},
};

static void handle(struct request *r, void *arg)
{
    bool there = false;
    for (size_t i = 0; domains[i]; i++)
        if (domain_answers(arg, r, domains[i], &there))
            return;
    if (there)
        serve_error(r, 405, "METHOD_NOT_ALLOWED", "this path has no such method");
    else
        serve_route(routes, sizeof routes / sizeof *routes, r, arg);
}

static int bank_serve(struct bank *b, const char *dir, int port)
{
    struct err e = {0};
    int status = 3;
    if (books_open(dir, &b->books, &e) < 0) {
        fprintf(stderr, "bank: %s\n", e.text);
        return status;
    }
    if (loop_new(&b->loop, &e) == 0) {
        status = serve_run(b->program, b->loop, port, BODY_BYTES_MAX, handle, b);
        loop_free(b->loop);
    } else {
        fprintf(stderr, "bank: %s\n", e.text);
    }
    books_close(b->books);
    return status;
}

/* --today YYYY-MM-DD: noon of that day, for ever. */
static int today_accept(void *to, struct str value, struct err *e)
{
    int64_t days;
    (void)to;
    if (value.n != 10 || clock_days(value, &days) < 0)
        return err_set(e, ERR_INVALID, "today wants a date like 2026-03-02");
    clock_set((days * 86400 + 43200) * 1000000);
    return 0;
}

int main(int argc, char **argv)
{
    const char *dir = "examples/bank/data";
    int port = 8091;
    struct bank b = {.now.reissues_max = 3};
    struct faults *f = &b.now;
    const struct serve_option options[] = {
        {"port", SERVE_INT, &port, false, "N", "where to listen; 0: any free port (default 8091)"},
        {"data", SERVE_TEXT, &dir, false, "DIR", "where the database is (default examples/bank/data)"},
        {"today", SERVE_PARSED, NULL, false, "YYYY-MM-DD", "the day that the dates are counted from", today_accept},
        {"reissues_max", SERVE_INT, &f->reissues_max, true, "N", "reissues for one customer; 0: no limit (default 3)"},
        {"slow_ms", SERVE_INT, &f->slow_ms, true, "N", "every answer waits so long; effects do not wait"},
        {"fail_next", SERVE_INT, &f->fail_next, true, "N", "503 to the next N orders, before any effect"},
        {"hang_after_effect_next", SERVE_INT, &f->hang_after_effect_next, true, "N",
         "carry out the next N orders, but never answer them"},
        {"drop_after_effect_next", SERVE_INT, &f->drop_after_effect_next, true, "N",
         "carry out the next N orders, but hang up without an answer"},
        {"reads_fail_next", SERVE_INT, &f->reads_fail_next, true, "N", "503 to the next N reads"},
        {"ignore_key", SERVE_BOOL, &f->ignore_key, true, NULL, "carry out every order, also a repeated one"},
        {"error_on_repeat", SERVE_BOOL, &f->error_on_repeat, true, NULL,
         "409 DUPLICATE_REQUEST to a repeated order instead of its first answer"},
    };
    const struct serve_program program = {
        "bank", "The example bank: customers, their cards, debts and limits, and actions that must happen once.",
        options, sizeof options / sizeof *options};
    int status = serve_flags(&program, argc, argv);
    if (status >= 0)
        return status;
    b.program = &program;
    b.at_start = b.now;
    b.uncommitted_end = &b.uncommitted;
    return bank_serve(&b, dir, port);
}
