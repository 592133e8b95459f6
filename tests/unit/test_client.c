#include "net_fixture.h"

/* ---- a server of ours, and raw ones that misbehave ------------------------------------------------ */

static struct server *server;
static struct client *client;
static int served_n; /* requests the server saw */

static void reply_late(void *arg)
{
    request_reply(arg, 200, "text/plain", STR("late"));
}

/* A stream that says "tick" every 40 ms, five times, and ends after 200 ms. */
static struct stream *ticking;
static int ticks_n;

static void tick(void *arg)
{
    if (ticking && ticks_n++ < 5) {
        stream_raw(ticking, STR("tick "));
        loop_after(loop, 40, tick, NULL);
    } else if (ticking) {
        stream_close(ticking);
        ticking = NULL;
    }
}

static void ticking_left(void *arg)
{
    ticking = NULL;
}

static void nobody_minds(void *arg)
{
}

static void handle_status(struct request *r, struct str path)
{
    int64_t status = 0;
    if (str_int(str_from(path, strlen("/status/")), &status) < 0)
        status = 400;
    if (status == 429)
        request_set(r, "Retry-After", "7");
    if (status == 503) {
        request_set(r, "Retry-After", "9");
        request_set(r, "retry-after-ms", "1500");
    }
    request_reply(r, (int)status, "text/plain", STR("a body"));
}

static void handle(struct request *r, void *arg)
{
    served_n++;
    struct str path = request_path(r), at;
    if (str_starts(path, STR("/status/"))) {
        handle_status(r, path);
    } else if (str_is(path, "/date")) {
        at = request_query(r, "at");
        request_set(r, "Retry-After", str_c(request_arena(r), at));
        request_reply(r, 429, "text/plain", STR(""));
    } else if (str_is(path, "/late")) {
        loop_after(loop, 60, reply_late, r);
    } else if (str_is(path, "/hang")) {
        request_on_gone(r, nobody_minds, NULL);
    } else if (str_is(path, "/stall")) {
        struct stream *s = request_stream(r, nobody_minds, NULL);
        stream_raw(s, STR("first "));
    } else if (str_is(path, "/ticks")) {
        ticks_n = 0;
        ticking = request_stream(r, ticking_left, NULL);
        tick(NULL);
    } else if (str_is(path, "/cut")) {
        struct stream *s = request_stream(r, nobody_minds, NULL);
        stream_raw(s, STR("half of "));
        stream_cut(s);
    } else if (str_is(path, "/drop")) {
        request_drop(r);
    } else if (str_is(path, "/method")) {
        request_reply(r, 200, "text/plain", str_of(request_method(r)));
    } else if (str_is(path, "/type")) {
        request_reply(r, 200, "text/plain", request_header(r, "Content-Type"));
    } else if (str_is(path, "/large")) {
        size_t n = 3 << 20;
        char *text = arena_alloc(request_arena(r), n);
        memset(text, 'y', n);
        request_reply(r, 200, "text/plain", (struct str){text, n});
    } else {
        request_reply(r, 200, "text/plain", request_body(r));
    }
}

static int up(void **state)
{
    struct err e;
    struct server_config config = {.body_bytes_max = 16 << 20};
    loop_up();
    served_n = 0;
    if (server_new(loop, &config, handle, NULL, &server, &e) < 0 || client_new(loop, &client, &e) < 0)
        fail_msg("%s", e.text);
    return 0;
}

static int down(void **state)
{
    client_free(client);
    server_free(server);
    loop_free(loop);
    return 0;
}

/* A listening socket whose connections nobody answers, unless the test does. */
static int raw_listen(int *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in at = {.sin_family = AF_INET};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t n = sizeof at;
    if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 16) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &n) < 0)
        fail_msg("listen: %s", strerror(errno));
    *port = ntohs(at.sin_port);
    return fd;
}

static int raw_accept(int listener)
{
    for (int i = 0; i < 500; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
            return fd;
        loop_once(loop, 5);
    }
    fail_msg("nobody connected");
    return -1;
}

/* ---- one call -------------------------------------------------------------------------------------- */

struct outcome {
    int done_n;
    enum client_end end;
    int status, retry_after_ms;
    struct buf body, streamed;
    int pieces_n;
    char error[400];
    struct client_call *call, *cancel_in_data;
};

static void on_done(void *arg, const struct client_answer *answer)
{
    struct outcome *o = arg;
    o->done_n++;
    o->end = answer->end;
    o->status = answer->status;
    o->retry_after_ms = answer->retry_after_ms;
    buf_add(&o->body, answer->body);
    snprintf(o->error, sizeof o->error, "%s", answer->end == CLIENT_DONE ? "" : answer->err.text);
}

static void on_data(void *arg, struct str bytes)
{
    struct outcome *o = arg;
    o->pieces_n++;
    buf_add(&o->streamed, bytes);
    if (o->cancel_in_data)
        client_cancel(o->cancel_in_data);
}

static const struct client_hooks gathers = {.on_done = on_done}, streams = {.on_done = on_done, .on_data = on_data};

static struct outcome outcome_new(void)
{
    return (struct outcome){.body = buf_new(NULL, 64 << 20), .streamed = buf_new(NULL, 64 << 20)};
}

static void outcome_free(struct outcome *o)
{
    buf_free(&o->body);
    buf_free(&o->streamed);
}

static const char *url_of(int port, const char *path)
{
    static char url[300];
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
    return url;
}

/* Starts a call; the outcome must stay where it is until it is done. */
static void start(struct outcome *o, const struct client_request *q, const struct client_hooks *hooks)
{
    *o = outcome_new();
    o->call = client_send(client, q, hooks, o);
    assert_int_equal(o->done_n, 0); /* never from client_send */
}

static bool finish(struct outcome *o)
{
    return pump_until(is_positive, &o->done_n, 15000);
}

static bool ends(const struct client_request *q, enum client_end end, int status, const char *error)
{
    struct outcome o;
    start(&o, q, &gathers);
    bool done = finish(&o);
    bool same = done && o.end == end && o.status == status && str_has(str_of(o.error), str_of(error));
    if (!same)
        print_error("%s: done %d, end %d, status %d, %s\n", q->url, o.done_n, o.end, o.status, o.error);
    if (!done)
        client_cancel(o.call);
    outcome_free(&o);
    return same;
}

#define GET(path) (&(struct client_request){.method = "GET", .url = url_of(server_port(server), path)})
#define POST(path, ...) \
    (&(struct client_request){.method = "POST", .url = url_of(server_port(server), path), __VA_ARGS__})

/* ---- answers -------------------------------------------------------------------------------------- */

TEST(every_status_is_an_answer_and_redirects_are_not_followed)
{
    static const int statuses[] = {200, 201, 301, 302, 307, 400, 404, 409, 422, 429, 500, 503, 529};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char path[32];
        struct outcome o;
        snprintf(path, sizeof path, "/status/%d", statuses[i]);
        start(&o, GET(path), &gathers);
        CHECK(finish(&o));
        CHECK(o.end == CLIENT_DONE && o.status == statuses[i]);
        CHECK_STR(buf_str(&o.body), "a body");
        outcome_free(&o);
    }
    CHECK(ends(GET("/status/204"), CLIENT_DONE, 204, ""));
}

static int retry_after(const char *path)
{
    struct outcome o;
    start(&o, GET(path), &gathers);
    finish(&o);
    outcome_free(&o);
    return o.retry_after_ms;
}

TEST(the_time_to_wait_comes_in_milliseconds_seconds_or_as_a_date)
{
    CHECK_INT(retry_after("/status/200"), -1);
    CHECK_INT(retry_after("/status/429"), 7000);
    CHECK_INT(retry_after("/status/503"), 1500); /* the finer one counts */
    clock_set(784111717LL * 1000000);
    CHECK_INT(retry_after("/date?at=Sun,+06+Nov+1994+08:49:37+GMT"), 60000);
    CHECK_INT(retry_after("/date?at=Sun,+06+Nov+1994+08:40:00+GMT"), 0);
    clock_set(0);
    CHECK_INT(retry_after("/date?at=soon"), -1);
    CHECK_INT(retry_after("/date?at=-5"), 0);
    CHECK_INT(retry_after("/date?at=99999999999"), INT32_MAX);
}

TEST(methods_bodies_and_types_arrive_as_given)
{
    static const char *methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (int i = 0; i < 6; i++) {
        struct client_request q = {.method = methods[i], .url = url_of(server_port(server), "/method")};
        struct outcome o;
        start(&o, &q, &gathers);
        CHECK(finish(&o) && o.end == CLIENT_DONE);
        CHECK_STR(buf_str(&o.body), methods[i]);
        outcome_free(&o);
    }
    struct client_request head = {.method = "HEAD", .url = url_of(server_port(server), "/status/404")};
    CHECK(ends(&head, CLIENT_DONE, 404, ""));

    struct outcome o;
    start(&o, POST("/type", .headers = {"Content-Type: application/json"}, .parts = {STR("{}")}), &gathers);
    CHECK(finish(&o));
    CHECK_STR(buf_str(&o.body), "application/json");
    outcome_free(&o);
    start(&o, POST("/type", .parts = {STR("a=b")}), &gathers);
    CHECK(finish(&o));
    CHECK_STR(buf_str(&o.body), ""); /* curl would claim a form */
    outcome_free(&o);
}

/* The sizes stand on both sides of the borders between joined, read and initially sent bodies. */
TEST(bodies_of_every_size_arrive_whole_in_one_piece_or_many)
{
    static const size_t sizes[] = {0, 1, 16384, 16385, 65535, 65536, 65537, 1048577, 9000000};
    char *bytes = malloc(9000000);
    for (size_t i = 0; i < 9000000; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int parts_n = 1; parts_n <= CLIENT_PARTS_MAX; parts_n += CLIENT_PARTS_MAX - 1) {
            struct client_request q = {.method = "POST", .url = url_of(server_port(server), "/echo")};
            q.answer_bytes_max = 10 << 20;
            struct str rest = {bytes, sizes[i]};
            for (int n = 0; n < parts_n; n++) {
                q.parts[n] = str_head(rest, n == parts_n - 1 ? rest.n : sizes[i] / (size_t)(parts_n + n));
                rest = str_from(rest, q.parts[n].n);
            }
            struct outcome o;
            start(&o, &q, &gathers);
            CHECK(finish(&o) && o.end == CLIENT_DONE && o.status == 200);
            CHECK(str_eq(buf_str(&o.body), (struct str){bytes, sizes[i]}));
            outcome_free(&o);
        }
    }
    free(bytes);
}

TEST(an_answer_past_its_limit_is_not_taken)
{
    struct client_request q = *GET("/large");
    q.answer_bytes_max = 1 << 20;
    CHECK(ends(&q, CLIENT_TOO_LARGE, 200, "larger than allowed"));
    struct outcome o;
    start(&o, &q, &streams);
    CHECK(finish(&o) && o.end == CLIENT_TOO_LARGE && o.streamed.n <= 1 << 20);
    outcome_free(&o);
    q.answer_bytes_max = 3 << 20;
    CHECK(ends(&q, CLIENT_DONE, 200, ""));
}

TEST(good_answers_stream_and_bad_ones_are_gathered)
{
    struct outcome o;
    start(&o, GET("/ticks"), &streams);
    CHECK(finish(&o) && o.end == CLIENT_DONE);
    CHECK_STR(buf_str(&o.streamed), "tick tick tick tick tick ");
    CHECK(o.pieces_n >= 3); /* as they came, not at the end */
    CHECK_INT(o.body.n, 0);
    outcome_free(&o);
    start(&o, GET("/status/500"), &streams);
    CHECK(finish(&o) && o.end == CLIENT_DONE && o.status == 500);
    CHECK_INT(o.pieces_n, 0);
    CHECK_STR(buf_str(&o.body), "a body");
    outcome_free(&o);
}

TEST(the_environment_s_proxy_is_not_asked)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    CHECK(ends(GET("/status/200"), CLIENT_DONE, 200, ""));
    unsetenv("http_proxy");
}

/* ---- how far it came ------------------------------------------------------------------------------ */

TEST(without_a_connection_nothing_was_sent)
{
    int port, closed = raw_listen(&port);
    close(closed);
    struct client_request q = {.method = "POST", .url = url_of(port, "/x?key=secret"), .parts = {STR("x")}};
    struct outcome o;
    start(&o, &q, &gathers);
    CHECK(finish(&o) && o.end == CLIENT_NOT_SENT && o.status == 0);
    CHECK(str_has(str_of(o.error), STR("Connection refused")) && str_has(str_of(o.error), STR("http://127.0.0.1:")));
    CHECK(!str_has(str_of(o.error), STR("secret")));
    outcome_free(&o);

    static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/", "http://", "http://[::1",
                                       "gopher://a"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        q = (struct client_request){.method = "GET", .url = urls[i]};
        CHECK(ends(&q, CLIENT_NOT_SENT, 0, ""));
    }
    q = (struct client_request){.method = "GET", .url = "http://nobody.invalid/", .connect_ms = 1000};
    CHECK(ends(&q, CLIENT_NOT_SENT, 0, "nobody.invalid"));
}

TEST(a_server_that_closes_before_its_answer_leaves_the_effect_unknown)
{
    CHECK(ends(POST("/drop", .parts = {STR("pay")}), CLIENT_LOST, 0, ""));
    CHECK_INT(served_n, 1);
    CHECK(ends(POST("/drop"), CLIENT_LOST, 0, ""));
    CHECK_INT(served_n, 2);
}

TEST(a_server_that_closes_in_the_middle_leaves_what_came)
{
    struct outcome o;
    start(&o, POST("/cut", .parts = {STR("pay")}), &gathers);
    CHECK(finish(&o) && o.end == CLIENT_LOST && o.status == 200);
    CHECK_STR(buf_str(&o.body), "half of ");
    outcome_free(&o);
    start(&o, GET("/cut"), &streams);
    CHECK(finish(&o) && o.end == CLIENT_LOST);
    CHECK_STR(buf_str(&o.streamed), "half of ");
    outcome_free(&o);
}

TEST(an_answer_that_is_not_http_is_lost)
{
    int port, listener = raw_listen(&port);
    struct client_request q = {.method = "POST", .url = url_of(port, "/"), .parts = {STR("x")}};
    struct outcome o;
    start(&o, &q, &gathers);
    int fd = raw_accept(listener);
    raw_send(fd, STR("SSH-2.0-OpenSSH\r\n\r\n"));
    close(fd);
    CHECK(finish(&o) && o.end == CLIENT_LOST && o.status == 0);
    outcome_free(&o);
    close(listener);
}

TEST(a_body_that_was_cut_off_while_leaving_is_lost)
{
    int port, listener = raw_listen(&port);
    static char body[8 << 20];
    struct client_request q = {
        .method = "POST", .url = url_of(port, "/"), .parts = {{body, 1000}, {body, sizeof body}}};
    struct outcome o;
    start(&o, &q, &gathers);
    int fd = raw_accept(listener);
    pump(50);
    char some[1000];
    CHECK(recv(fd, some, sizeof some, 0) > 0);
    close(fd);
    CHECK(finish(&o) && o.end == CLIENT_LOST);
    outcome_free(&o);
    close(listener);
}

/* Reads one request whose end is known by its last byte. */
static void raw_take(int fd, char last)
{
    char bytes[4096];
    for (int i = 0; i < 500; i++) {
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        if (n > 0 && bytes[n - 1] == last)
            return;
        loop_once(loop, 5);
    }
    fail_msg("no request came");
}

static const char kept_alive[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/* Connects, answers once on a connection that stays open, and gives its descriptor. */
static int answer_once(int listener, int port)
{
    struct client_request q = {.method = "POST", .url = url_of(port, "/"), .parts = {STR("one!")}};
    struct outcome o;
    start(&o, &q, &gathers);
    int fd = raw_accept(listener);
    raw_take(fd, '!');
    raw_send(fd, str_of(kept_alive));
    if (!finish(&o) || o.end != CLIENT_DONE)
        fail_msg("the first request failed: %s", o.error);
    outcome_free(&o);
    return fd;
}

/* curl repeats a request by itself when a kept connection closes without a byte. */
TEST(a_post_on_a_kept_connection_that_breaks_is_not_repeated)
{
    for (int has_body = 0; has_body < 2; has_body++) {
        int port, listener = raw_listen(&port), fd = answer_once(listener, port);
        struct client_request q = {
            .method = "POST", .url = url_of(port, "/"), .parts = {has_body ? STR("two!") : STR("")}};
        struct outcome o;
        start(&o, &q, &gathers);
        raw_take(fd, has_body ? '!' : '\n');
        close(fd);
        CHECK(finish(&o) && o.end == CLIENT_LOST);
        CHECK(str_has(str_of(o.error), STR("kept connection")));
        outcome_free(&o);
        int again = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (again >= 0) { /* curl had connected before we forbade it; nothing may have been said */
            char byte;
            CHECK(recv(again, &byte, 1, 0) <= 0);
            close(again);
        }
        close(listener);
    }
}

TEST(a_get_on_a_kept_connection_that_breaks_may_be_repeated)
{
    int port, listener = raw_listen(&port), fd = answer_once(listener, port);
    struct client_request q = {.method = "GET", .url = url_of(port, "/")};
    struct outcome o;
    start(&o, &q, &gathers);
    raw_take(fd, '\n');
    close(fd);
    fd = raw_accept(listener);
    raw_take(fd, '\n');
    raw_send(fd, str_of(kept_alive));
    CHECK(finish(&o) && o.end == CLIENT_DONE);
    outcome_free(&o);
    close(fd);
    close(listener);
}

TEST(a_kept_connection_that_closed_meanwhile_is_not_used)
{
    int port, listener = raw_listen(&port), fd = answer_once(listener, port);
    close(fd);
    fd = answer_once(listener, port);
    close(fd);
    close(listener);
}

TEST(an_answer_may_begin_with_100_continue)
{
    int port, listener = raw_listen(&port);
    struct client_request q = {.method = "POST", .url = url_of(port, "/"), .parts = {STR("x!")}};
    struct outcome o;
    start(&o, &q, &gathers);
    int fd = raw_accept(listener);
    raw_take(fd, '!');
    raw_send(fd, STR("HTTP/1.1 100 Continue\r\n\r\n"));
    pump(20);
    raw_send(fd, str_of(kept_alive));
    CHECK(finish(&o) && o.end == CLIENT_DONE && o.status == 200);
    outcome_free(&o);
    close(fd);
    close(listener);
}

/* ---- the four clocks ------------------------------------------------------------------------------ */

static bool took_about(int64_t start_us, int ms)
{
    int64_t took = (clock_mono_us() - start_us) / 1000;
    return took >= ms - 1 && took < ms + 400;
}

TEST(no_connection_in_time_means_nothing_was_sent)
{
    int port, listener = raw_listen(&port);
    listen(listener, 0); /* room for one; the next ones hang */
    int full[3];
    for (int i = 0; i < 3; i++) {
        full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        CHECK(connect(full[i], (struct sockaddr *)&to, sizeof to) < 0 && errno == EINPROGRESS);
    }
    struct client_request q = {.method = "GET", .url = url_of(port, "/"), .connect_ms = 80};
    int64_t start_us = clock_mono_us();
    CHECK(ends(&q, CLIENT_NOT_SENT, 0, "no connection within 80 ms"));
    CHECK(took_about(start_us, 80));
    for (int i = 0; i < 3; i++)
        close(full[i]);
    close(listener);
}

TEST(no_answer_in_time_is_a_timeout)
{
    struct client_request q = *POST("/hang", .parts = {STR("x")}, .first_byte_ms = 80);
    int64_t start_us = clock_mono_us();
    CHECK(ends(&q, CLIENT_TIMEOUT, 0, "no answer within 80 ms"));
    CHECK(took_about(start_us, 80));
}

TEST(a_pause_in_the_answer_is_a_timeout)
{
    struct client_request q = *GET("/stall");
    q.idle_ms = 80;
    struct outcome o;
    int64_t start_us = clock_mono_us();
    start(&o, &q, &gathers);
    CHECK(finish(&o) && o.end == CLIENT_TIMEOUT && o.status == 200);
    CHECK(took_about(start_us, 80));
    CHECK_STR(buf_str(&o.body), "first ");
    CHECK(str_has(str_of(o.error), STR("no further byte within 80 ms")));
    outcome_free(&o);
}

TEST(the_whole_has_its_own_limit_and_pauses_inside_the_limits_do_no_harm)
{
    struct client_request q = *GET("/ticks");
    q.idle_ms = 150;
    q.first_byte_ms = 150;
    CHECK(ends(&q, CLIENT_DONE, 200, ""));
    q.total_ms = 100;
    int64_t start_us = clock_mono_us();
    struct outcome o;
    start(&o, &q, &streams);
    CHECK(finish(&o) && o.end == CLIENT_TIMEOUT);
    CHECK(took_about(start_us, 100));
    CHECK(str_has(str_of(o.error), STR("no whole answer within 100 ms")));
    outcome_free(&o);
}

TEST(a_late_answer_inside_the_limits_is_an_answer)
{
    struct client_request q = *GET("/late");
    q.first_byte_ms = 2000;
    CHECK(ends(&q, CLIENT_DONE, 200, ""));
}

/* ---- cancelling ----------------------------------------------------------------------------------- */

TEST(a_cancelled_call_says_nothing_more)
{
    struct outcome o[4];
    start(&o[0], GET("/status/200"), &gathers);
    client_cancel(o[0].call); /* before the loop ran */
    start(&o[1], GET("/hang"), &gathers);
    pump(20);
    client_cancel(o[1].call); /* while waiting */
    start(&o[2], GET("/stall"), &streams);
    while (o[2].pieces_n == 0)
        loop_once(loop, 5);
    client_cancel(o[2].call); /* in the middle */
    start(&o[3], GET("/large"), &streams);
    o[3].cancel_in_data = o[3].call; /* inside its own callback */
    pump(100);
    CHECK_INT(o[3].pieces_n, 1);
    for (int i = 0; i < 4; i++) {
        CHECK_INT(o[i].done_n, 0);
        outcome_free(&o[i]);
    }
    CHECK_INT(server_open(server), 0); /* the other side saw them go */
}

TEST(a_callback_may_cancel_another_call)
{
    struct outcome victim, o;
    start(&victim, GET("/hang"), &gathers);
    pump(20);
    start(&o, GET("/status/200"), &streams);
    o.cancel_in_data = victim.call;
    CHECK(finish(&o) && o.end == CLIENT_DONE);
    pump(20);
    CHECK_INT(victim.done_n, 0);
    CHECK_INT(server_open(server), 0);
    outcome_free(&victim);
    outcome_free(&o);
}

struct chain {
    int left, done_n;
};

static void chain_done(void *arg, const struct client_answer *answer);

static const struct client_hooks chains = {.on_done = chain_done};

static void chain_done(void *arg, const struct client_answer *answer)
{
    struct chain *c = arg;
    c->done_n++;
    if (answer->end == CLIENT_DONE && c->left-- > 0)
        client_send(client, GET("/status/200"), &chains, c);
}

static void chain_data(void *arg, struct str bytes)
{
    client_send(client, GET("/status/200"), &chains, arg);
}

static bool chain_finished(void *arg)
{
    struct chain *c = arg;
    return c->done_n == 7;
}

TEST(callbacks_may_start_calls)
{
    struct chain c = {.left = 5};
    client_send(client, GET("/status/200"), &(struct client_hooks){.on_done = chain_done, .on_data = chain_data}, &c);
    CHECK(pump_until(chain_finished, &c, 5000)); /* one, one from on_data, five from on_done */
    pump(20);
    CHECK_INT(c.done_n, 7);
}

TEST(a_client_is_freed_with_calls_open_and_says_nothing)
{
    struct outcome o[3];
    start(&o[0], GET("/hang"), &gathers);
    start(&o[1], GET("/stall"), &streams);
    pump(30);
    start(&o[2], GET("/status/200"), &gathers);
    client_free(client);
    client = NULL;
    pump(30);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(o[i].done_n, 0);
        outcome_free(&o[i]);
    }
}

/* ---- many ------------------------------------------------------------------------------------------ */

enum { PARALLEL_N = 500 };

struct many {
    int done_n, right_n;
};

struct one_of_many {
    struct many *many;
    char text[32];
};

static void one_done(void *arg, const struct client_answer *answer)
{
    struct one_of_many *one = arg;
    one->many->done_n++;
    one->many->right_n += answer->end == CLIENT_DONE && str_is(answer->body, one->text);
}

static bool many_done(void *arg)
{
    struct many *m = arg;
    return m->done_n == PARALLEL_N;
}

TEST(five_hundred_calls_at_once_each_get_their_own_answer)
{
    static struct one_of_many ones[PARALLEL_N];
    for (int round = 0; round < 2; round++) {
        struct many m = {0};
        for (int i = 0; i < PARALLEL_N; i++) {
            ones[i].many = &m;
            snprintf(ones[i].text, sizeof ones[i].text, "number %d", i);
            struct client_request q = *POST("/echo", .parts = {str_of(ones[i].text)});
            client_send(client, &q, &(struct client_hooks){.on_done = one_done}, &ones[i]);
        }
        CHECK(pump_until(many_done, &m, 20000));
        CHECK_INT(m.right_n, PARALLEL_N);
    }
    CHECK_INT(served_n, 2 * PARALLEL_N);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, up, down)

RUN(ROW(every_status_is_an_answer_and_redirects_are_not_followed),
    ROW(the_time_to_wait_comes_in_milliseconds_seconds_or_as_a_date), ROW(methods_bodies_and_types_arrive_as_given),
    ROW(bodies_of_every_size_arrive_whole_in_one_piece_or_many), ROW(an_answer_past_its_limit_is_not_taken),
    ROW(good_answers_stream_and_bad_ones_are_gathered), ROW(the_environment_s_proxy_is_not_asked),
    ROW(without_a_connection_nothing_was_sent), ROW(a_server_that_closes_before_its_answer_leaves_the_effect_unknown),
    ROW(a_server_that_closes_in_the_middle_leaves_what_came), ROW(an_answer_that_is_not_http_is_lost),
    ROW(a_body_that_was_cut_off_while_leaving_is_lost), ROW(a_post_on_a_kept_connection_that_breaks_is_not_repeated),
    ROW(a_get_on_a_kept_connection_that_breaks_may_be_repeated),
    ROW(a_kept_connection_that_closed_meanwhile_is_not_used), ROW(an_answer_may_begin_with_100_continue),
    ROW(no_connection_in_time_means_nothing_was_sent), ROW(no_answer_in_time_is_a_timeout),
    ROW(a_pause_in_the_answer_is_a_timeout), ROW(the_whole_has_its_own_limit_and_pauses_inside_the_limits_do_no_harm),
    ROW(a_late_answer_inside_the_limits_is_an_answer), ROW(a_cancelled_call_says_nothing_more),
    ROW(a_callback_may_cancel_another_call), ROW(callbacks_may_start_calls),
    ROW(a_client_is_freed_with_calls_open_and_says_nothing), ROW(five_hundred_calls_at_once_each_get_their_own_answer))
