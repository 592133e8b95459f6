#include "net/connection.h"

#include "base/fault.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SET_HEADERS_MAX = 24, ARENA_BYTES = 2048, ARENA_KEPT_BYTES_MAX = 64 * 1024 };

struct set_header {
    const char *name, *value;
};

struct request {
    struct connection *connection;
    struct evhttp_request *req;
    struct arena *arena;
    struct str path, query; /* the path decoded, the query not */
    struct set_header set[SET_HEADERS_MAX];
    int set_n;
    void (*on_gone)(void *arg);
    void *gone_arg;
};

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {425, "Too Early"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
    {529, "Overloaded"},
};

const char *status_reason(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return status < 400 ? "Other" : "Error";
}

/* RFC 9457. The texts are our own and need no escaping. */
void problem_add(struct buf *out, int status, const char *detail)
{
    buf_addf(out, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\"}", status_reason(status),
             status, detail);
}

/* ---- reading ----------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes. p is NULL in the answer when an escape is malformed or stands for NUL. */
static struct str decode(struct arena *a, struct str s, bool plus_is_space)
{
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
            int low = i + 2 < s.n ? hex_digit(s.p[i + 2]) : -1;
            if (high < 0 || low < 0 || high + low == 0)
                return STR_NONE;
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[n++] = c;
    }
    return (struct str){out, n};
}

static bool has_dots(struct str path)
{
    struct str rest = path, part;
    while (str_split(&rest, '/', &part))
        if (str_is(part, ".") || str_is(part, ".."))
            return true;
    return false;
}

/* Cuts the target in two; "http://host" before the path is dropped: the Host header counts. */
static const char *target_read(struct request *r)
{
    struct str target = str_of(evhttp_request_get_uri(r->req));
    if (target.n && target.p[0] != '/') {
        ptrdiff_t host = str_find(target, STR("//"));
        target = str_from(target, (size_t)(host + 2));
        ptrdiff_t slash = str_find(target, STR("/"));
        target = slash < 0 ? STR("/") : str_from(target, (size_t)slash);
    }
    struct str raw;
    str_split(&target, '?', &raw);
    r->query = target;
    r->path = decode(r->arena, raw, false);
    if (!r->path.p || has_dots(r->path) || text_invalid_at(r->path) >= 0)
        return "The path has a malformed escape, a dot segment or bytes that are not UTF-8.";
    if (r->query.n && !decode(r->arena, r->query, true).p)
        return "The query has a malformed escape.";
    return NULL;
}

struct request *request_new(struct connection *c, struct evhttp_request *req)
{
    struct server *s = c->server;
    struct arena *a = s->arenas_n ? s->arenas[--s->arenas_n] : arena_new("request", ARENA_BYTES);
    struct request *r = ARENA_NEW(a, struct request);
    *r = (struct request){.connection = c, .req = req, .arena = a};
    return r;
}

void request_free(struct request *r)
{
    struct connection *c = r->connection;
    struct server *s = c->server;
    struct arena *a = r->arena;
    c->request = NULL;
    if (s->arenas_n == ARENAS_KEPT || arena_bytes(a) > ARENA_KEPT_BYTES_MAX) {
        arena_free(a);
        return;
    }
    arena_reset(a);
    s->arenas[s->arenas_n++] = a;
}

void request_run(struct request *r)
{
    const char *wrong = target_read(r);
    if (!wrong) {
        r->connection->server->handle(r, r->connection->server->arg);
        return;
    }
    struct buf body = buf_new(r->arena, 1024);
    problem_add(&body, 400, wrong);
    request_reply(r, 400, "application/problem+json", buf_str(&body));
}

void request_gone(struct request *r)
{
    if (r->on_gone)
        r->on_gone(r->gone_arg);
}

const char *request_method(const struct request *r)
{
    switch (evhttp_request_get_command(r->req)) {
    case EVHTTP_REQ_GET: return "GET";
    case EVHTTP_REQ_POST: return "POST";
    case EVHTTP_REQ_PUT: return "PUT";
    case EVHTTP_REQ_PATCH: return "PATCH";
    case EVHTTP_REQ_DELETE: return "DELETE";
    case EVHTTP_REQ_HEAD: return "HEAD";
    default: return "OPTIONS";
    }
}

struct str request_path(const struct request *r)
{
    return r->path;
}

struct str request_query(const struct request *r, const char *name)
{
    struct str rest = r->query, pair;
    while (str_split(&rest, '&', &pair)) {
        struct str value = pair, key;
        if (!pair.n || !str_split(&value, '=', &key))
            continue;
        if (str_is(decode(r->arena, key, true), name))
            return value.p ? decode(r->arena, value, true) : STR("");
    }
    return STR_NONE;
}

struct str request_header(const struct request *r, const char *name)
{
    return str_of(evhttp_find_header(evhttp_request_get_input_headers(r->req), name));
}

struct str request_body(const struct request *r)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(r->req);
    size_t n = evbuffer_get_length(body);
    return n ? (struct str){(const char *)evbuffer_pullup(body, -1), n} : STR("");
}

struct str request_peer(const struct request *r)
{
    return str_of(r->req->remote_host);
}

struct arena *request_arena(const struct request *r)
{
    return r->arena;
}

void request_on_gone(struct request *r, void (*fn)(void *arg), void *arg)
{
    r->on_gone = fn;
    r->gone_arg = arg;
}

/* ---- answering --------------------------------------------------------------------------------- */

void request_set(struct request *r, const char *name, const char *value)
{
    if (strpbrk(name, "\r\n") || strpbrk(value, "\r\n"))
        return;
    for (int i = 0; i < r->set_n; i++) {
        if (strcasecmp(r->set[i].name, name) == 0 && strcasecmp(name, "Set-Cookie") != 0) {
            r->set[i].value = str_c(r->arena, str_of(value));
            return;
        }
    }
    if (r->set_n == SET_HEADERS_MAX)
        abort(); /* our own mistake: no answer has so many */
    r->set[r->set_n++] = (struct set_header){str_c(r->arena, str_of(name)), str_c(r->arena, str_of(value))};
}

static bool is_set(const struct request *r, const char *name)
{
    for (int i = 0; i < r->set_n; i++)
        if (strcasecmp(r->set[i].name, name) == 0)
            return true;
    return false;
}

static void header_default(struct request *r, const char *name, const char *value)
{
    if (!is_set(r, name))
        evhttp_add_header(evhttp_request_get_output_headers(r->req), name, value);
}

static void headers_write(struct request *r)
{
    struct server *s = r->connection->server;
    struct evkeyvalq *headers = evhttp_request_get_output_headers(r->req);
    evhttp_add_header(headers, "Date", server_date(s));
    for (int i = 0; i < r->set_n; i++)
        evhttp_add_header(headers, r->set[i].name, r->set[i].value);
    header_default(r, "X-Content-Type-Options", "nosniff");
    header_default(r, "Cache-Control", "no-store");
    if (s->draining)
        header_default(r, "Connection", "close");
}

void request_reply(struct request *r, int status, const char *content_type, struct str body)
{
    fault_point("net.server.reply");
    struct connection *c = r->connection;
    struct evhttp_request *req = r->req;
    bool is_head = evhttp_request_get_command(req) == EVHTTP_REQ_HEAD;
    bool has_body = status >= 200 && status != 204 && status != 304;

    headers_write(r);
    if (has_body && content_type)
        header_default(r, "Content-Type", content_type);
    if (has_body) {
        char length[24];
        snprintf(length, sizeof length, "%zu", body.n);
        header_default(r, "Content-Length", length);
    }
    if (has_body && !is_head && body.n)
        evbuffer_add(evhttp_request_get_output_buffer(req), body.p, body.n);
    request_free(r); /* only now: the body may live in its arena */
    evhttp_send_reply(req, status, status_reason(status), NULL);
    connection_answering(c);
    connection_push(c);
}

void request_drop(struct request *r)
{
    struct connection *c = r->connection;
    c->cut_by_us = true;
    request_free(r);
    connection_await(c); /* nothing is read by evhttp until the end of the round */
    connection_doom(c, FATE_CLOSE);
}

/* ---- streams ----------------------------------------------------------------------------------- */

static struct connection *stream_connection(struct stream *s)
{
    return (struct connection *)(void *)((char *)s - offsetof(struct connection, stream));
}

/* What ten thousand idle streams do not need: what the client sent, and what we answered. */
static void strip(struct evhttp_request *req)
{
    evhttp_clear_headers(req->input_headers);
    evhttp_clear_headers(req->output_headers);
    if (req->uri_elems)
        evhttp_uri_free(req->uri_elems);
    req->uri_elems = NULL;
    evbuffer_drain(req->input_buffer, evbuffer_get_length(req->input_buffer));
    /* Where a stream ends its connection ends: evhttp looks for this after the last byte. */
    evhttp_add_header(req->output_headers, "Connection", "close");
}

struct stream *request_stream(struct request *r, void (*on_gone)(void *arg), void *arg)
{
    fault_point("net.server.reply");
    struct connection *c = r->connection;
    struct evhttp_request *req = r->req;
    headers_write(r);
    header_default(r, "Content-Type", "text/event-stream; charset=utf-8");
    header_default(r, "X-Accel-Buffering", "no");
    header_default(r, "Connection", "close"); /* or the client sends its next request into a closing connection */
    evhttp_send_reply_start(req, 200, "OK");
    request_free(r);

    c->streaming = true;
    c->chunked = req->chunked;
    c->stream = (struct stream){.on_gone = on_gone, .arg = arg};
    strip(req);
    /* evhttp's own callbacks now notice that the client leaves; a silent client is no reason to close. */
    struct timeval write_patience = {c->server->config.idle_s, 0};
    bufferevent_set_timeouts(c->bev, NULL, &write_patience);
    bufferevent_setwatermark(c->bev, EV_READ, 0, 1024);
    bufferevent_enable(c->bev, EV_READ);
    connection_push(c);
    return &c->stream;
}

static void chunk_write(struct connection *c, struct str bytes)
{
    if (bytes.n == 0 || c->fate != FATE_LIVE)
        return;
    struct evbuffer *output = bufferevent_get_output(c->bev);
    if (c->chunked) {
        char size[2 * sizeof bytes.n + 2], *p = size + sizeof size;
        *--p = '\n';
        *--p = '\r';
        for (size_t n = bytes.n; n; n >>= 4)
            *--p = "0123456789abcdef"[n & 15];
        size_t size_n = (size_t)(size + sizeof size - p);
        evbuffer_expand(output, size_n + bytes.n + 2);
        evbuffer_add(output, p, size_n);
    }
    evbuffer_add(output, bytes.p, bytes.n);
    if (c->chunked)
        evbuffer_add(output, "\r\n", 2);
    if (evbuffer_get_length(output) > STREAM_UNREAD_BYTES_MAX)
        connection_doom(c, FATE_CLOSE);
    connection_push(c);
}

/* LF, CR and CR LF in the data all end a "data:" line; the reader puts LF back. */
static void data_lines(struct buf *out, struct str data)
{
    for (;;) {
        size_t n = 0;
        while (n < data.n && data.p[n] != '\n' && data.p[n] != '\r')
            n++;
        buf_add(out, STR("data: "));
        buf_add(out, str_head(data, n));
        buf_addc(out, '\n');
        if (n == data.n)
            break;
        bool pair = data.p[n] == '\r' && n + 1 < data.n && data.p[n + 1] == '\n';
        data = str_from(data, n + 1 + pair);
    }
}

void stream_send(struct stream *s, int64_t id, const char *event, struct str data)
{
    struct connection *c = stream_connection(s);
    struct buf *out = &c->server->scratch;
    buf_clear(out);
    if (id) {
        char number[STR_INT_BYTES];
        buf_adds(out, "id: ");
        buf_add(out, (struct str){number, (size_t)(str_put_int(number, id) - number)});
        buf_addc(out, '\n');
    }
    if (event) {
        buf_adds(out, "event: ");
        buf_adds(out, event);
        buf_addc(out, '\n');
    }
    data_lines(out, data);
    buf_addc(out, '\n');
    chunk_write(c, buf_str(out));
}

void stream_comment(struct stream *s, const char *text)
{
    struct connection *c = stream_connection(s);
    struct buf *out = &c->server->scratch;
    buf_clear(out);
    buf_addf(out, ": %s\n\n", text);
    chunk_write(c, buf_str(out));
}

void stream_raw(struct stream *s, struct str bytes)
{
    chunk_write(stream_connection(s), bytes);
}

void stream_close(struct stream *s)
{
    struct connection *c = stream_connection(s);
    s->on_gone = NULL;
    if (c->fate == FATE_LIVE)
        evhttp_send_reply_end(c->req); /* may close the connection: c is not looked at again */
}

void stream_cut(struct stream *s)
{
    struct connection *c = stream_connection(s);
    s->on_gone = NULL;
    connection_doom(c, FATE_CLOSE);
}

/* The server stops: the client is told, and so is the owner, since the stream is gone. */
void stream_bye(struct connection *c)
{
    struct stream s = c->stream;
    stream_send(&c->stream, 0, "bye", STR("{}"));
    stream_close(&c->stream);
    if (s.on_gone)
        s.on_gone(s.arg);
}
