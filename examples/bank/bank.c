/* bank: the example bank's action service, which the card-delivery agent calls.
 *
 * Reads answer with everything that the books hold. POST /v1/reissues orders a card once per
 * Idempotency-Key: the effect and the first answer are one transaction, and the same key with the same
 * body gets that answer again. Orders that arrive together share one commit, and no answer leaves
 * before its commit is on disk. Faults can be set when it starts and while it runs. */
#include "books.h"
#include "serve.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_BYTES_MAX = 64 * 1024, ANSWER_BYTES_MAX = 1 << 20, ADDRESS_BYTES_MAX = 200, KEY_BYTES_MAX = 200 };

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

typedef int read_fn(struct books *b, struct str id, struct json_writer *w);

static int read_customers(struct books *b, struct str id, struct json_writer *w)
{
    (void)id;
    return books_customers(b, w);
}

/* Answers {"data":{NAME:...},"meta":{...}}. */
static void read_reply(struct bank *b, struct request *r, read_fn *read, struct str id, const char *name,
                       const char *missing_code, const char *missing)
{
    if (take(&b->now.reads_fail_next)) {
        reply_error(b, r, 503, "UNAVAILABLE", "the bank is being maintained");
        return;
    }
    struct buf out = buf_new(request_arena(r), ANSWER_BYTES_MAX);
    struct json_writer w = {.out = &out};
    json_open(&w, '{');
    json_key(&w, "data");
    json_open(&w, '{');
    json_key(&w, name);
    if (read(b->books, id, &w) < 0) {
        reply_error(b, r, 404, missing_code, missing);
        return;
    }
    json_close(&w, '}');
    json_key(&w, "meta");
    json_open(&w, '{');
    json_pair_str(&w, "api", STR("cards"));
    json_pair_str(&w, "api_version", STR("2.11.4"));
    json_pair_str(&w, "node", STR("cards-b-03"));
    json_close(&w, '}');
    json_close(&w, '}');
    reply(b, r, 200, buf_str(&out));
}

static void get_customers(void *arg, struct request *r, const struct str *parts)
{
    read_reply(arg, r, read_customers, parts[0], "customers", "", "");
}

static void get_customer(void *arg, struct request *r, const struct str *parts)
{
    read_reply(arg, r, books_customer, parts[0], "customer", "CUSTOMER_UNKNOWN", "there is no such customer");
}

static void get_card_order(void *arg, struct request *r, const struct str *parts)
{
    struct bank *b = arg;
    struct books_standing s;
    books_standing(b->books, parts[0], &s);
    read_reply(b, r, books_card_order, parts[0], "order", s.known ? "NO_CARD_ORDER" : "CUSTOMER_UNKNOWN",
               s.known ? "no card was ordered for this customer" : "there is no such customer");
}

static void get_shipment(void *arg, struct request *r, const struct str *parts)
{
    read_reply(arg, r, books_shipment, parts[0], "shipment", "SHIPMENT_UNKNOWN", "there is no such tracking code");
}

/* What is not on disk yet must not be seen: somebody may act on it. */
static void get_reissues(void *arg, struct request *r, const struct str *parts)
{
    struct bank *b = arg;
    (void)parts;
    bank_commit(b);
    struct str customer = request_query(r, "customer");
    if (!customer.p) {
        reply_error(b, r, 400, "CUSTOMER_REQUIRED", "the query must name a customer");
        return;
    }
    read_reply(b, r, books_reissues, customer, "reissues", "", "");
}

static void get_reissue_by_key(void *arg, struct request *r, const struct str *parts)
{
    bank_commit(arg);
    read_reply(arg, r, books_reissue_by_key, parts[0], "reissue", "KEY_UNKNOWN", "nothing was done under this key");
}

/* --- the action -------------------------------------------------------------------------------- */

static bool reason_known(struct str reason)
{
    return str_is(reason, "lost") || str_is(reason, "stolen") || str_is(reason, "damaged") ||
           str_is(reason, "not_received");
}

static int refuse(struct request *r, struct books_answer *answer, int status, const char *code, const char *message)
{
    answer->status = status;
    answer->body = serve_error_text(request_arena(r), code, message);
    return 0;
}

/* Decides about one order and carries it out. Errors: the books could not be written. */
static int reissue_decide(struct bank *b, struct request *r, const struct books_reissue *order,
                          struct books_answer *answer, struct err *e)
{
    struct books_standing s;
    books_standing(b->books, order->customer, &s);
    int64_t most = s.reissues_max >= 0 ? s.reissues_max : b->now.reissues_max ? b->now.reissues_max : INT64_MAX;
    if (!s.known)
        return refuse(r, answer, 404, "CUSTOMER_UNKNOWN", "there is no such customer");
    if (!s.has_order)
        return refuse(r, answer, 404, "NO_CARD_ORDER", "no card was ordered for this customer");
    if (order->address.n == 0 || order->address.n > ADDRESS_BYTES_MAX)
        return refuse(r, answer, 422, "ADDRESS_INVALID", "an address has 1 to 200 bytes");
    if (!reason_known(order->reason))
        return refuse(r, answer, 422, "REASON_INVALID", "a reason is lost, stolen, damaged or not_received");
    if (s.reissues_n >= most)
        return refuse(r, answer, 409, "LIMIT_REACHED", "no more cards can be reissued to this customer for now");

    struct buf out = buf_new(request_arena(r), ANSWER_BYTES_MAX);
    struct json_writer w = {.out = &out};
    json_open(&w, '{');
    json_key(&w, "data");
    json_open(&w, '{');
    json_key(&w, "reissue");
    int result = books_reissue(b->books, order, &w, &answer->reissue, e);
    json_close(&w, '}');
    json_close(&w, '}');
    answer->status = 201;
    answer->body = buf_str(&out);
    return result;
}

/* Has the key an answer already? Then that is the answer, or a refusal where the body is another. */
static bool reissue_repeat(struct bank *b, struct request *r, struct str key, struct books_answer *answer, bool *replay)
{
    struct books_answer first;
    if (b->now.ignore_key || !books_answer_find(b->books, key, request_arena(r), &first))
        return false;
    if (!str_eq(first.request, answer->request))
        refuse(r, answer, 422, "KEY_REUSED", "this Idempotency-Key came with another body before");
    else if (b->now.error_on_repeat && first.status < 300)
        refuse(r, answer, 409, "DUPLICATE_REQUEST", "this request was carried out already");
    else
        *replay = true;
    if (*replay)
        *answer = first;
    return true;
}

/* In the open transaction: repeat, or decide and keep what was decided. */
static int reissue_run(struct bank *b, struct request *r, const struct books_reissue *order,
                       struct books_answer *answer, bool *replay, struct err *e)
{
    int result = books_begin(b->books, e);
    if (result < 0 || reissue_repeat(b, r, order->key, answer, replay))
        return result;
    result = reissue_decide(b, r, order, answer, e);
    if (result < 0 || b->now.ignore_key)
        return result;
    return books_answer_keep(b->books, order->key, answer, e);
}

static enum answer_end take_end(struct faults *f)
{
    if (take(&f->hang_after_effect_next))
        return ANSWER_HUNG;
    return take(&f->drop_after_effect_next) ? ANSWER_DROPPED : ANSWER_SENT;
}

static void reissue_order(struct bank *b, struct request *r, struct str key, const struct json *body)
{
    struct err e = {0};
    bool replay = false;
    struct books_reissue order = {json_str(json_get(body, "customer")), json_str(json_get(body, "address")),
                                  json_str(json_get(body, "reason")), key};
    struct books_answer answer = {.request = json_canonical(request_arena(r), body)};
    if (reissue_run(b, r, &order, &answer, &replay, &e) < 0)
        fprintf(stderr, "bank: %s\n", e.text); /* the commit will fail and say so to everybody */

    struct answer *a = answer_new(b, r, answer.status, answer.body);
    a->replay = replay;
    a->end = take_end(&b->now);
    *b->uncommitted_end = a;
    b->uncommitted_end = &a->next;
    if (!b->commit_posted)
        loop_post(b->loop, commit_posted, b);
    b->commit_posted = true;
}

static void post_reissue(void *arg, struct request *r, const struct str *parts)
{
    struct bank *b = arg;
    struct json *body;
    struct err e = {0};
    (void)parts;
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
        reissue_order(b, r, key, body);
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
    {"GET", "/v1/customers/@", get_customer},
    {"GET", "/v1/customers/@/card-order", get_card_order},
    {"GET", "/v1/shipments/@", get_shipment},
    {"POST", "/v1/reissues", post_reissue},
    {"GET", "/v1/reissues", get_reissues},
    {"GET", "/v1/reissues/by-key/@", get_reissue_by_key},
    {"GET", "/v1/customers", get_customers},
    {"GET", "/control", get_control},
    {"PUT", "/control", put_control},
    {"POST", "/control/reset", post_reset},
    {"GET", "/livez", get_livez},
};

static void handle(struct request *r, void *arg)
{
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
        "bank", "The example bank: customers, cards on their way, and one action that must happen once.", options,
        sizeof options / sizeof *options};
    int status = serve_flags(&program, argc, argv);
    if (status >= 0)
        return status;
    b.program = &program;
    b.at_start = b.now;
    b.uncommitted_end = &b.uncommitted;
    return bank_serve(&b, dir, port);
}
