#include "net/client.h"

#include "base/clock.h"
#include "base/fault.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
    JOINED_BYTES_MAX = 16 * 1024, /* up to here the pieces are put together and leave in one packet */
    BUFFER_BYTES = 4096,          /* curl's receive buffer, one for each open call */
    UPLOAD_BUFFER_BYTES = 16 * 1024,
    SPARE_CALLS_MAX = 256,
    CONNECTIONS_KEPT_MIN = 64
};

/* How far a call came. Between the second and the third lies the doubt: the request left. */
enum phase { CONNECTING, WAITING, READING };

/* How a call ends that our own side ends. */
enum verdict { RUNNING, CANCELLED, LARGE, WOULD_REPEAT };

/* A call and its curl handle stay together when the call is over and are used again. */
struct client_call {
    struct client *client;
    CURL *easy;
    TAILQ_ENTRY(client_call) link; /* in client.open or client.spare */
    STAILQ_ENTRY(client_call) queued;
    struct event timer;
    int64_t started_ms, since_ms, due_ms; /* of the call, of its phase or last byte; when the timer fires */
    int connect_ms, first_byte_ms, idle_ms, total_ms;
    struct client_hooks hooks;
    void *arg;
    struct str parts[CLIENT_PARTS_MAX];
    int parts_n, part; /* the one being sent */
    size_t part_offset;
    char *joined;
    struct curl_slist *headers;
    struct buf body;
    size_t received_bytes, answer_bytes_max;
    int status, retry_after_ms;
    uint8_t phase, verdict, attempts;
    bool is_safe, is_queued, added, sent_all, has_retry_ms;
};

STAILQ_HEAD(call_queue, client_call);
TAILQ_HEAD(call_list, client_call);

struct watched {
    struct event event;
    struct client *client;
    struct watched *next_dead;
};

struct client {
    struct event_base *base;
    CURLM *multi;
    struct event timer;
    struct call_list open, spare;
    struct call_queue later; /* to be added, removed or trimmed once curl has returned */
    struct watched *dead;
    int open_n, spare_n, connections_kept;
    bool inside; /* in a call of curl, which must not be entered twice */
};

static int64_t now_ms(void)
{
    return clock_mono_us() / 1000;
}

/* Does with the call, once curl has returned, what its fields ask for. */
static void queue(struct client_call *call)
{
    if (call->is_queued)
        return;
    call->is_queued = true;
    STAILQ_INSERT_TAIL(&call->client->later, call, queued);
}

/* ---- time: one timer a call, for whichever limit comes first ------------------------------------ */

static int64_t call_due_ms(const struct client_call *call)
{
    int patience = call->phase == CONNECTING ? call->connect_ms
                   : call->phase == WAITING  ? call->first_byte_ms
                                             : call->idle_ms;
    int64_t due = call->since_ms + patience, end = call->started_ms + call->total_ms;
    return due < end ? due : end;
}

/* A later limit needs no new timer: on_due looks again. */
static void call_progress(struct client_call *call, enum phase phase)
{
    call->phase = (uint8_t)phase;
    call->since_ms = now_ms();
    int64_t due = call_due_ms(call);
    if (due >= call->due_ms && call->due_ms)
        return;
    call->due_ms = due;
    int64_t wait = due > call->since_ms ? due - call->since_ms : 0;
    struct timeval tv = {wait / 1000, wait % 1000 * 1000};
    evtimer_add(&call->timer, &tv);
}

/* ---- what curl calls ---------------------------------------------------------------------------- */

/* curl repeats a request by itself when a kept connection turns out to be closed. It is let only where
 * that cannot act twice: nothing at all was sent yet, or the method changes nothing. */
static int on_connected(void *arg, char *to_ip, char *from_ip, int to_port, int from_port)
{
    struct client_call *call = arg;
    curl_off_t sent = 0;
    long head_bytes = 0;
    curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &head_bytes);
    curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    if (call->attempts && !call->is_safe && (head_bytes || sent)) {
        call->verdict = WOULD_REPEAT;
        return CURL_PREREQFUNC_ABORT;
    }
    call->attempts = 1;
    call_progress(call, WAITING);
    return CURL_PREREQFUNC_OK;
}

static size_t on_read(char *out, size_t size, size_t n, void *arg)
{
    struct client_call *call = arg;
    size_t room = size * n, done = 0;
    while (done < room && call->part < call->parts_n) {
        struct str rest = str_from(call->parts[call->part], call->part_offset);
        size_t take = rest.n < room - done ? rest.n : room - done;
        if (take)
            memcpy(out + done, rest.p, take);
        done += take;
        call->part_offset += take;
        if (take == rest.n) {
            call->part++;
            call->part_offset = 0;
        }
    }
    return done;
}

/* Only back to the start, before a repeat that on_connected allowed or will forbid. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
    struct client_call *call = arg;
    if (offset != 0 || origin != SEEK_SET)
        return CURL_SEEKFUNC_FAIL;
    call->part = 0;
    call->part_offset = 0;
    return CURL_SEEKFUNC_OK;
}

static bool header_is(struct str line, struct str name, struct str *value)
{
    if (line.n <= name.n || strncasecmp(line.p, name.p, name.n) != 0)
        return false;
    *value = str_trim(str_from(line, name.n));
    return true;
}

static int clamp_ms(int64_t ms)
{
    return ms < 0 ? 0 : ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static void retry_after_read(struct client_call *call, struct str line)
{
    struct str value;
    int64_t number;
    if (header_is(line, STR("retry-after-ms:"), &value) && str_int(value, &number) == 0) {
        call->retry_after_ms = clamp_ms(number);
        call->has_retry_ms = true;
    } else if (header_is(line, STR("retry-after:"), &value) && !call->has_retry_ms) {
        char date[64];
        snprintf(date, sizeof date, "%.*s", STR_ARG(value));
        if (str_int(value, &number) == 0)
            call->retry_after_ms = clamp_ms(number > INT32_MAX / 1000 ? INT32_MAX : number * 1000);
        else if ((number = curl_getdate(date, NULL)) >= 0)
            call->retry_after_ms = clamp_ms(number * 1000 - clock_now_us() / 1000);
    }
}

static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
    struct client_call *call = arg;
    struct str line = {bytes, size * n}, rest;
    if (header_is(line, STR("HTTP/"), &rest)) {
        struct str version, code;
        int64_t status = 0;
        str_split(&rest, ' ', &version);
        if (str_split(&rest, ' ', &code) && str_int(code, &status) == 0)
            call->status = (int)status;
        call->retry_after_ms = -1;
    }
    retry_after_read(call, line);
    if (call->status >= 200)
        call_progress(call, READING);
    return line.n;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct client_call *call = arg;
    struct str piece = {bytes, size * n};
    if (call->verdict != RUNNING)
        return 0;
    call->received_bytes += piece.n;
    if (call->received_bytes > call->answer_bytes_max) {
        call->verdict = LARGE;
        return 0;
    }
    call_progress(call, READING);
    if (call->hooks.on_data && call->status >= 200 && call->status < 300)
        call->hooks.on_data(call->arg, piece);
    else
        buf_add(&call->body, piece);
    return call->verdict == RUNNING ? piece.n : 0;
}

/* ---- sockets and the loop ----------------------------------------------------------------------- */

static void settle(struct client *c);

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct watched *w = arg;
    struct client *c = w->client;
    int ready = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0), running;
    c->inside = true;
    curl_multi_socket_action(c->multi, fd, ready, &running);
    c->inside = false;
    settle(c);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
    struct client *c = arg;
    int running;
    c->inside = true;
    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    c->inside = false;
    settle(c);
}

/* curl wants a socket watched, otherwise watched or no longer watched. */
static int on_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct client *c = arg;
    struct watched *w = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        if (!w)
            return 0;
        event_del(&w->event);
        w->next_dead = c->dead; /* on_socket may be running for it */
        c->dead = w;
        curl_multi_assign(c->multi, fd, NULL);
        return 0;
    }
    if (!w) {
        w = mem_get(sizeof *w);
        *w = (struct watched){.client = c};
        curl_multi_assign(c->multi, fd, w);
    } else {
        event_del(&w->event);
    }
    short kind = (short)((what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST);
    event_assign(&w->event, c->base, fd, kind, on_socket, w);
    event_add(&w->event, NULL);

    struct client_call *call = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
    if (call && what == CURL_POLL_IN && call->phase == WAITING && !call->sent_all) {
        call->sent_all = true;
        queue(call);
    }
    return 0;
}

static int on_timer_wish(CURLM *multi, long wait_ms, void *arg)
{
    struct client *c = arg;
    if (wait_ms < 0) {
        evtimer_del(&c->timer);
        return 0;
    }
    struct timeval tv = {wait_ms / 1000, wait_ms % 1000 * 1000};
    evtimer_add(&c->timer, &tv);
    return 0;
}

/* ---- calls -------------------------------------------------------------------------------------- */

static void on_due(evutil_socket_t fd, short what, void *arg);

static struct client_call *call_new(struct client *c)
{
    struct client_call *call = TAILQ_FIRST(&c->spare);
    if (call) {
        TAILQ_REMOVE(&c->spare, call, link);
        c->spare_n--;
        return call;
    }
    call = mem_get(sizeof *call);
    *call = (struct client_call){.client = c, .easy = curl_easy_init()};
    CURL *easy = call->easy;
    if (!easy)
        abort(); /* no memory left */
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "candor/" CANDOR_VERSION);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER_BYTES);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER_BYTES);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, call);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    return call;
}

/* Gives back what the call alone needed; never while curl is running. */
static void call_free(struct client_call *call)
{
    struct client *c = call->client;
    if (call->added)
        curl_multi_remove_handle(c->multi, call->easy);
    evtimer_del(&call->timer);
    TAILQ_REMOVE(&c->open, call, link);
    c->open_n--;
    curl_slist_free_all(call->headers);
    free(call->joined);
    buf_free(&call->body);
    if (c->spare_n == SPARE_CALLS_MAX) {
        curl_easy_cleanup(call->easy);
        free(call);
        return;
    }
    TAILQ_INSERT_HEAD(&c->spare, call, link);
    c->spare_n++;
}

/* The address as far as the operator needs it: without path, query and user. */
static struct str origin_of(CURL *easy)
{
    const char *url = NULL;
    curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
    struct str s = str_of(url);
    ptrdiff_t host = str_find(s, STR("//"));
    size_t n = host < 0 ? 0 : (size_t)host + 2;
    while (n < s.n && s.p[n] != '/' && s.p[n] != '?' && s.p[n] != '#') {
        if (s.p[n++] == '@') {
            s = str_from(s, n);
            n = 0;
        }
    }
    return str_head(s, n);
}

static void call_end(struct client_call *call, enum client_end end, const char *why)
{
    struct client_answer answer = {
        .end = end, .status = call->status, .retry_after_ms = call->retry_after_ms, .body = buf_str(&call->body)};
    if (end != CLIENT_DONE) {
        int code = end == CLIENT_TIMEOUT ? ERR_TIMEOUT : end == CLIENT_TOO_LARGE ? ERR_LIMIT : ERR_IO;
        struct str origin = origin_of(call->easy);
        err_set(&answer.err, code, "%.*s: %s", STR_ARG(origin), why);
    }
    if (call->added)
        curl_multi_remove_handle(call->client->multi, call->easy);
    call->added = false;
    evtimer_del(&call->timer);
    call->verdict = CANCELLED; /* a client_cancel from the callback comes too late and does nothing */
    if (end == CLIENT_DONE)
        fault_point("net.client.done");
    call->hooks.on_done(call->arg, &answer);
    call_free(call);
}

/* Nothing of the request left: it may be sent again without a doubt. */
static bool nothing_sent(struct client_call *call)
{
    long head_bytes = 0;
    curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &head_bytes);
    return call->phase == CONNECTING || head_bytes == 0;
}

static void call_done(struct client_call *call, CURLcode code)
{
    if (call->verdict == CANCELLED) {
        call_free(call);
        return;
    }
    char why[200];
    long error = 0;
    curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &error);
    snprintf(why, sizeof why, "%s%s%s", curl_easy_strerror(code), error ? ": " : "", error ? strerror((int)error) : "");
    if (code == CURLE_OK)
        call_end(call, CLIENT_DONE, NULL);
    else if (call->verdict == LARGE)
        call_end(call, CLIENT_TOO_LARGE, "the answer is larger than allowed");
    else if (call->verdict == WOULD_REPEAT)
        call_end(call, CLIENT_LOST, "the kept connection was closed while the request was on its way");
    else
        call_end(call, nothing_sent(call) ? CLIENT_NOT_SENT : CLIENT_LOST, why);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
    struct client_call *call = arg;
    int64_t now = now_ms(), due = call_due_ms(call);
    if (due > now) {
        call->due_ms = due;
        struct timeval tv = {(due - now) / 1000, (due - now) % 1000 * 1000};
        evtimer_add(&call->timer, &tv);
        return;
    }
    char why[100];
    bool total = now - call->started_ms >= call->total_ms;
    snprintf(why, sizeof why, "%s within %d ms",
             total                       ? "no whole answer"
             : call->phase == CONNECTING ? "no connection"
             : call->phase == WAITING    ? "no answer"
                                         : "no further byte",
             total                       ? call->total_ms
             : call->phase == CONNECTING ? call->connect_ms
             : call->phase == WAITING    ? call->first_byte_ms
                                         : call->idle_ms);
    struct client *c = call->client;
    call_end(call, call->phase == CONNECTING ? CLIENT_NOT_SENT : CLIENT_TIMEOUT, why);
    settle(c);
}

/* The request is out: what was needed for sending it alone is given back, since the answer may take a
 * minute. Setting the size makes curl free its upload buffer. */
static void call_trim(struct client_call *call)
{
    curl_off_t sent = 0, whole = 0;
    for (int i = 0; i < call->parts_n; i++)
        whole += (curl_off_t)call->parts[i].n;
    curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    if (sent < whole)
        return;
    free(call->joined);
    call->joined = NULL;
    if (whole > JOINED_BYTES_MAX)
        curl_easy_setopt(call->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER_BYTES);
}

static void call_add(struct client_call *call)
{
    struct client *c = call->client;
    if (c->open_n > c->connections_kept) {
        c->connections_kept = c->open_n * 2;
        curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)c->connections_kept);
    }
    fault_point("net.client.send");
    call->added = true;
    curl_multi_add_handle(c->multi, call->easy);
}

static void dead_free(struct client *c)
{
    while (c->dead) {
        struct watched *w = c->dead;
        c->dead = w->next_dead;
        free(w);
    }
}

static void settle(struct client *c)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(c->multi, &left))) {
        struct client_call *call = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        if (call->is_queued) {
            STAILQ_REMOVE(&c->later, call, client_call, queued);
            call->is_queued = false;
        }
        call_done(call, code);
    }
    struct client_call *call;
    while ((call = STAILQ_FIRST(&c->later))) {
        STAILQ_REMOVE_HEAD(&c->later, queued);
        call->is_queued = false;
        if (call->verdict == CANCELLED)
            call_free(call);
        else if (!call->added)
            call_add(call);
        else
            call_trim(call);
    }
    dead_free(c);
}

/* ---- requests ----------------------------------------------------------------------------------- */

static int or_default(int ms, int otherwise)
{
    return ms ? ms : otherwise;
}

static void headers_copy(struct client_call *call, const struct client_request *q, bool has_body)
{
    bool typed = false;
    for (int i = 0; i < CLIENT_HEADERS_MAX && q->headers[i]; i++) {
        call->headers = curl_slist_append(call->headers, q->headers[i]);
        typed |= strncasecmp(q->headers[i], "Content-Type:", 13) == 0;
    }
    if (!has_body)
        return;
    call->headers = curl_slist_append(call->headers, "Expect:"); /* or curl waits for a 100 that never comes */
    if (!typed)
        call->headers = curl_slist_append(call->headers, "Content-Type:");
}

static char *join(const struct str *parts, int n, size_t whole)
{
    char *joined = mem_get(whole), *p = joined;
    for (int i = 0; i < n; p += parts[i].n, i++)
        if (parts[i].n)
            memcpy(p, parts[i].p, parts[i].n);
    return joined;
}

/* One piece is sent from where it is, small ones are joined to leave in one packet with the head, and
 * large ones are read piece by piece. */
static void body_set(struct client_call *call)
{
    CURL *easy = call->easy;
    size_t whole = 0;
    for (int i = 0; i < call->parts_n; i++)
        whole += call->parts[i].n;
    const char *fields = NULL;
    if (whole == 0)
        fields = "";
    else if (call->parts_n == 1)
        fields = call->parts[0].p;
    else if (whole <= JOINED_BYTES_MAX)
        fields = call->joined = join(call->parts, call->parts_n, whole);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, fields);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)whole);
}

static void method_set(struct client_call *call, const char *method)
{
    CURL *easy = call->easy;
    bool is_get = strcmp(method, "GET") == 0, is_head = strcmp(method, "HEAD") == 0;
    bool is_post = strcmp(method, "POST") == 0;
    bool has_body = call->parts_n || is_post || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
    call->is_safe = (is_get || is_head) && !has_body;
    if (has_body)
        body_set(call);
    else if (is_head)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    bool custom = has_body ? !is_post : !is_get && !is_head;
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, custom ? method : NULL);
}

struct client_call *client_send(struct client *c, const struct client_request *q, const struct client_hooks *hooks,
                                void *arg)
{
    struct client_call *call = call_new(c);
    CURL *easy = call->easy;
    *call = (struct client_call){
        .client = c,
        .easy = easy,
        .hooks = *hooks,
        .arg = arg,
        .connect_ms = or_default(q->connect_ms, 5000),
        .first_byte_ms = or_default(q->first_byte_ms, 30000),
        .idle_ms = or_default(q->idle_ms, 30000),
        .total_ms = or_default(q->total_ms, 120000),
        .answer_bytes_max = q->answer_bytes_max ? q->answer_bytes_max : 8 << 20,
        .retry_after_ms = -1,
    };
    call->body = buf_new(NULL, call->answer_bytes_max);
    for (int i = 0; i < CLIENT_PARTS_MAX; i++)
        if (q->parts[i].n)
            call->parts[call->parts_n++] = q->parts[i];
    curl_easy_setopt(easy, CURLOPT_URL, q->url);
    method_set(call, q->method);
    headers_copy(call, q, call->parts_n > 0);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);

    TAILQ_INSERT_TAIL(&c->open, call, link);
    c->open_n++;
    evtimer_assign(&call->timer, c->base, on_due, call);
    call->started_ms = now_ms();
    call_progress(call, CONNECTING);
    if (c->inside)
        queue(call);
    else
        call_add(call);
    return call;
}

void client_cancel(struct client_call *call)
{
    if (call->verdict == CANCELLED)
        return;
    call->verdict = CANCELLED;
    evtimer_del(&call->timer);
    if (call->client->inside) {
        queue(call);
        return;
    }
    if (call->is_queued)
        STAILQ_REMOVE(&call->client->later, call, client_call, queued);
    call_free(call);
}

int client_new(struct loop *l, struct client **out, struct err *e)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(e, ERR_IO, "libcurl cannot be started");
    struct client *c = mem_get(sizeof *c);
    *c = (struct client){.base = loop_base(l), .multi = curl_multi_init(), .connections_kept = CONNECTIONS_KEPT_MIN};
    if (!c->multi) {
        free(c);
        return err_set(e, ERR_IO, "libcurl cannot be started");
    }
    TAILQ_INIT(&c->open);
    TAILQ_INIT(&c->spare);
    STAILQ_INIT(&c->later);
    evtimer_assign(&c->timer, c->base, on_time, c);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_watch);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)c->connections_kept);
    *out = c;
    return 0;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    struct client_call *call;
    while ((call = TAILQ_FIRST(&c->open)))
        call_free(call);
    while ((call = TAILQ_FIRST(&c->spare))) {
        TAILQ_REMOVE(&c->spare, call, link);
        curl_easy_cleanup(call->easy);
        free(call);
    }
    curl_multi_cleanup(c->multi);
    evtimer_del(&c->timer);
    dead_free(c);
    free(c);
    curl_global_cleanup();
}
