#include "net_fixture.h"

#include "net/framing.h"

#include <sys/resource.h>

/* What the handler under test remembers. */
static struct {
    struct request *kept;
    struct stream *stream;
    int requests_n, request_gone_n, stream_gone_n;
    struct buf seen; /* what requests said about themselves */
} world;

static struct server *server;

static void request_left(void *arg)
{
    world.request_gone_n++;
    world.kept = NULL;
}

static void stream_left(void *arg)
{
    world.stream_gone_n++;
    world.stream = NULL;
}

/* "METHOD path|q=query|x=header|body" */
static void answer_echo(struct request *r)
{
    struct str q = request_query(r, "q"), x = request_header(r, "X-Test"), body = request_body(r);
    struct str path = request_path(r);
    struct buf out = buf_new(request_arena(r), 1 << 22);
    buf_addf(&out, "%s %.*s|q=%.*s|x=%.*s|", request_method(r), STR_ARG(path), STR_ARG(q), STR_ARG(x));
    buf_add(&out, body);
    request_reply(r, 200, "text/plain", buf_str(&out));
}

static void handle(struct request *r, void *arg)
{
    world.requests_n++;
    struct str path = request_path(r);
    if (str_is(path, "/keep")) {
        world.kept = r;
        request_on_gone(r, request_left, NULL);
    } else if (str_is(path, "/stream")) {
        world.stream = request_stream(r, stream_left, NULL);
    } else if (str_is(path, "/large")) {
        size_t n = 4 << 20;
        char *text = arena_alloc(request_arena(r), n);
        memset(text, 'x', n);
        request_reply(r, 200, "text/plain", (struct str){text, n});
    } else if (str_is(path, "/empty")) {
        request_reply(r, 204, NULL, STR_NONE);
    } else if (str_is(path, "/headers")) {
        request_set(r, "Cache-Control", "max-age=60");
        request_set(r, "X-Bad", "a\r\nX-Injected: 1");
        request_set(r, "Set-Cookie", "a=1");
        request_set(r, "Set-Cookie", "b=2");
        request_reply(r, 201, "text/plain", STR("made"));
    } else if (str_is(path, "/drop")) {
        request_drop(r);
    } else {
        answer_echo(r);
    }
}

static void server_up(const struct server_config *config)
{
    struct err e;
    loop_up();
    memset(&world, 0, sizeof world);
    if (server_new(loop, config, handle, NULL, &server, &e) < 0)
        fail_msg("%s", e.text);
}

static int up(void **state)
{
    server_up(&(struct server_config){.header_bytes_max = 2048, .body_bytes_max = 4096});
    return 0;
}

static int down(void **state)
{
    server_free(server);
    loop_free(loop);
    return 0;
}

/* ---- what the other side sees -------------------------------------------------------------------- */

static struct str header_of(struct str head, const char *name)
{
    struct str line;
    while (str_split(&head, '\n', &line))
        if (line.n > strlen(name) && strncasecmp(line.p, name, strlen(name)) == 0 && line.p[strlen(name)] == ':')
            return str_trim(str_from(line, strlen(name) + 1));
    return STR_NONE;
}

/* "200 200 close": the statuses of the whole answers so far, and whether the connection was closed. An
 * answer that is not one, or a refusal that is no problem document, shows up as text too. */
static void summarise(const struct raw *r, bool is_head, char *out, size_t room)
{
    struct str rest = buf_str(&r->in);
    size_t n = 0;
    out[0] = 0;
    while (rest.n) {
        ptrdiff_t head_n = str_find(rest, STR("\r\n\r\n"));
        if (head_n < 0 || !str_starts(rest, STR("HTTP/1."))) {
            n += (size_t)snprintf(out + n, room - n, "half ");
            break;
        }
        struct str head = str_head(rest, (size_t)head_n + 2);
        struct str status = str_head(str_from(head, 9), 3), length = header_of(head, "Content-Length");
        int64_t body_n = 0;
        if (length.n && !is_head && str_int(length, &body_n) < 0)
            n += (size_t)snprintf(out + n, room - n, "odd length ");
        if (rest.n < (size_t)head_n + 4 + (size_t)body_n) {
            n += (size_t)snprintf(out + n, room - n, "half ");
            break;
        }
        n += (size_t)snprintf(out + n, room - n, "%.*s ", STR_ARG(status));
        if (status.p[0] >= '4' && !str_is(header_of(head, "Content-Type"), "application/problem+json"))
            n += (size_t)snprintf(out + n, room - n, "no problem document ");
        rest = str_from(rest, (size_t)head_n + 4 + (size_t)body_n);
    }
    if (r->closed)
        n += (size_t)snprintf(out + n, room - n, "close ");
    if (n)
        out[n - 1] = 0;
}

struct expectation {
    struct raw *raw;
    const char *summary;
    bool is_head;
    char got[256];
};

static bool is_met(void *arg)
{
    struct expectation *x = arg;
    raw_read(x->raw);
    summarise(x->raw, x->is_head, x->got, sizeof x->got);
    return strcmp(x->got, x->summary) == 0;
}

/* Waits for this outcome and sees that it stays so. */
static bool comes_to(struct raw *r, const char *summary, const char *what)
{
    struct expectation x = {.raw = r, .summary = summary, .is_head = strncmp(what, "HEAD", 4) == 0};
    bool met = pump_until(is_met, &x, 3000);
    loop_once(loop, 3);
    if (met && is_met(&x))
        return true;
    print_error("%s: got \"%s\", want \"%s\"\n", what, x.got, summary);
    return false;
}

/* ---- the table ------------------------------------------------------------------------------------
 *
 * Each row is sent in one piece and byte by byte to a server with 2 KiB of head and 4 KiB of body. The
 * outcome is the statuses in order, and "close" where the server closes; `body` must occur in the answer.
 * Where the outcome differs from what RFC 9112 allows, the row says why. */
#define H             "Host: a\r\n"
#define REPEAT_10(x)  x x x x x x x x x x
#define REPEAT_100(x) REPEAT_10(REPEAT_10(x))

static const struct {
    const char *name;
    struct str bytes;
    const char *outcome, *body;
} rows[] = {
    /* plain requests */
    {"get", STR("GET /a HTTP/1.1\r\n" H "\r\n"), "200", "GET /a|"},
    {"two requests in one piece", STR("GET /1 HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n" H "\r\n"), "200 200",
     "GET /2|"},
    {"a pipelined body", STR("POST /1 HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\n" H "\r\n"),
     "200 200", "POST /1|q=|x=|abc"},
    {"three requests, the last asks to close",
     STR("GET /1 HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n" H "\r\nGET /3 HTTP/1.1\r\n" H "Connection: close\r\n\r\n"),
     "200 200 200 close", "GET /3|"},
    {"HTTP/1.0 closes", STR("GET / HTTP/1.0\r\n" H "\r\n"), "200 close", NULL},
    {"HTTP/1.0 without Host", STR("GET / HTTP/1.0\r\n\r\n"), "200 close", NULL},
    {"HTTP/1.0 keep-alive", STR("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), "200", NULL},
    {"HEAD has no body", STR("HEAD /a HTTP/1.1\r\n" H "\r\n"), "200", NULL},
    {"DELETE", STR("DELETE /a HTTP/1.1\r\n" H "\r\n"), "200", "DELETE /a|"},
    {"OPTIONS", STR("OPTIONS /a HTTP/1.1\r\n" H "\r\n"), "200", "OPTIONS /a|"},
    {"PATCH", STR("PATCH /a HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n{}"), "200", "PATCH /a|q=|x=|{}"},
    {"PUT of nothing", STR("PUT /a HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"), "200", "PUT /a|"},
    {"POST without a length has no body", STR("POST /a HTTP/1.1\r\n" H "\r\n"), "200", "POST /a|"},
    {"absolute form", STR("GET http://a/b?q=1 HTTP/1.1\r\n" H "\r\n"), "200 close", "GET /b|q=1|"}, /* evhttp closes */
    {"204 has neither body nor length", STR("GET /empty HTTP/1.1\r\n" H "\r\n"), "204", NULL},
    {"unfinished head waits", STR("GET / HTTP/1.1\r\n" H), "", NULL},
    {"unfinished body waits", STR("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nabc"), "", NULL},
    {"UTF-8 in a header's value", STR("GET / HTTP/1.1\r\n" H "X-Test: \xc3\xa9\r\n\r\n"), "200", "x=\xc3\xa9|"},
    {"white space round a value", STR("GET / HTTP/1.1\r\n" H "X-Test: \t v \t\r\n\r\n"), "200", "v|"},
    {"an empty value", STR("GET / HTTP/1.1\r\n" H "X-Test:\r\n\r\n"), "200", "x=|"},

    /* targets */
    {"escapes are decoded", STR("GET /a%20b?q=%C3%A9+x HTTP/1.1\r\n" H "\r\n"), "200", "GET /a b|q=\xc3\xa9 x|"},
    {"a bad escape", STR("GET /%zz HTTP/1.1\r\n" H "\r\n"), "400", NULL},
    {"half an escape", STR("GET /%4 HTTP/1.1\r\n" H "\r\n"), "400", NULL},
    {"%00 in the path", STR("GET /a%00b HTTP/1.1\r\n" H "\r\n"), "400", NULL},
    {"%00 in the query", STR("GET /?q=%00 HTTP/1.1\r\n" H "\r\n"), "400", NULL},
    {"..", STR("GET /a/../b HTTP/1.1\r\n" H "\r\n"), "400", NULL},
    {"escaped ..", STR("GET /a/%2e%2E/b HTTP/1.1\r\n" H "\r\n"), "400", NULL},
    {".. behind an escaped slash", STR("GET /a%2f.. HTTP/1.1\r\n" H "\r\n"), "400", NULL},
    {"dots inside a name", STR("GET /a..b/...c HTTP/1.1\r\n" H "\r\n"), "200", NULL},
    {"a path that is not UTF-8", STR("GET /%ff HTTP/1.1\r\n" H "\r\n"), "400", NULL},
    {"two slashes", STR("GET //evil/a HTTP/1.1\r\n" H "\r\n"), "400 close", NULL}, /* evhttp reads a host there */
    {"no slash", STR("GET a HTTP/1.1\r\n" H "\r\n"), "400 close", NULL},
    {"asterisk", STR("OPTIONS * HTTP/1.1\r\n" H "\r\n"), "400 close", NULL}, /* no use for it here */
    {"fragment", STR("GET /a#b HTTP/1.1\r\n" H "\r\n"), "400 close", NULL},
    {"another scheme", STR("GET ftp://a/b HTTP/1.1\r\n" H "\r\n"), "400 close", NULL},
    {"absolute form with a port", STR("GET http://a:8080/b HTTP/1.1\r\n" H "\r\n"), "200 close", "GET /b|"},
    {"a port that is none", STR("GET http://a:8b/b HTTP/1.1\r\n" H "\r\n"), "400 close", NULL},
    {"a port past the last", STR("GET http://a:65536/b HTTP/1.1\r\n" H "\r\n"), "400 close", NULL},
    {"absolute form without path", STR("GET http://a HTTP/1.1\r\n" H "\r\n"), "400 close", NULL},
    {"user in the target", STR("GET http://u@a/b HTTP/1.1\r\n" H "\r\n"), "400 close", NULL},
    {"raw bytes over 127", STR("GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n"), "400 close", NULL},

    /* the request line */
    {"unknown method", STR("BREW / HTTP/1.1\r\n" H "\r\n"), "501 close", NULL},
    {"TRACE", STR("TRACE / HTTP/1.1\r\n" H "\r\n"), "501 close", NULL},
    {"CONNECT", STR("CONNECT a:1 HTTP/1.1\r\n" H "\r\n"), "501 close", NULL},
    {"lower-case method", STR("get / HTTP/1.1\r\n" H "\r\n"), "501 close", NULL},
    {"HTTP/3.7", STR("GET / HTTP/3.7\r\n" H "\r\n"), "505 close", NULL},
    {"HTTP/1.2", STR("GET / HTTP/1.2\r\n" H "\r\n"), "505 close", NULL},
    {"no version", STR("GET /\r\n" H "\r\n"), "400 close", NULL},
    {"http in lower case", STR("GET / http/1.1\r\n" H "\r\n"), "400 close", NULL},
    {"two spaces", STR("GET  / HTTP/1.1\r\n" H "\r\n"), "400 close", NULL},
    {"a space behind the version", STR("GET / HTTP/1.1 \r\n" H "\r\n"), "400 close", NULL},
    {"a tab as space", STR("GET\t/ HTTP/1.1\r\n" H "\r\n"), "400 close", NULL},
    {"an empty line first", STR("\r\nGET / HTTP/1.1\r\n" H "\r\n"), "400 close",
     NULL}, /* RFC 9112 2.2: SHOULD ignore */
    {"TLS on the plain port", STR("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), "400 close", NULL},
    {"bad request behind a good one", STR("GET /1 HTTP/1.1\r\n" H "\r\nGET / HTTP/9.9\r\n\r\n"), "200 505 close",
     "GET /1|"},
    {"nothing is read behind a bad one", STR("GET / HTTP/9.9\r\n\r\nGET /1 HTTP/1.1\r\n" H "\r\n"), "505 close", NULL},

    /* lines and characters */
    {"LF alone in the request line", STR("GET / HTTP/1.1\n" H "\r\n"), "400 close", NULL}, /* RFC: MAY accept */
    {"LF alone behind a header", STR("GET / HTTP/1.1\r\nHost: a\n\r\n"), "400 close", NULL},
    {"LF alone at the end", STR("GET / HTTP/1.1\r\n" H "\n"), "400 close", NULL},
    {"CR inside a value", STR("GET / HTTP/1.1\r\n" H "X-Test: a\rb\r\n\r\n"), "400 close", NULL},
    {"NUL inside a value", STR("GET / HTTP/1.1\r\n" H "X-Test: a\0b\r\n\r\n"), "400 close", NULL},
    {"NUL inside a name", STR("GET / HTTP/1.1\r\n" H "X-T\0est: a\r\n\r\n"), "400 close", NULL},
    {"NUL in the target", STR("GET /a\0b HTTP/1.1\r\n" H "\r\n"), "400 close", NULL},
    {"DEL inside a value", STR("GET / HTTP/1.1\r\n" H "X-Test: a\x7f\r\n\r\n"), "400 close", NULL},
    {"a space before the colon", STR("GET / HTTP/1.1\r\n" H "X-Test : a\r\n\r\n"), "400 close", NULL},
    {"a folded header", STR("GET / HTTP/1.1\r\n" H "X-Test: a\r\n b\r\n\r\n"), "400 close", NULL},
    {"a header without colon", STR("GET / HTTP/1.1\r\n" H "X-Test\r\n\r\n"), "400 close", NULL},
    {"a header without name", STR("GET / HTTP/1.1\r\n" H ": a\r\n\r\n"), "400 close", NULL},
    {"a name with a bracket", STR("GET / HTTP/1.1\r\n" H "X(Test): a\r\n\r\n"), "400 close", NULL},

    /* Host */
    {"no Host", STR("GET / HTTP/1.1\r\n\r\n"), "400 close", NULL},
    {"two Hosts", STR("GET / HTTP/1.1\r\n" H "Host: b\r\n\r\n"), "400 close", NULL},
    {"the same Host twice", STR("GET / HTTP/1.1\r\n" H H "\r\n"), "400 close", NULL},
    {"two Hosts in HTTP/1.0", STR("GET / HTTP/1.0\r\n" H "Host: b\r\n\r\n"), "400 close", NULL},
    {"an empty Host", STR("GET / HTTP/1.1\r\nHost:\r\n\r\n"), "400 close", NULL}, /* legal for no http address */
    {"a Host with a user", STR("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"), "400 close", NULL},
    {"a Host with a path", STR("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), "400 close", NULL},
    {"a Host of two words", STR("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), "400 close", NULL},
    {"a Host list", STR("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"), "400 close", NULL},
    {"a Host with a port", STR("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), "200", NULL},

    /* Content-Length */
    {"two different lengths", STR("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
     "400 close", NULL},
    {"two equal lengths", STR("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"), "400 close",
     NULL}, /* RFC 9112 6.3: MAY be accepted */
    {"a length list", STR("POST / HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc"), "400 close", NULL},
    {"a length with a plus", STR("POST / HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc"), "400 close", NULL},
    {"a negative length", STR("POST / HTTP/1.1\r\n" H "Content-Length: -3\r\n\r\nabc"), "400 close", NULL},
    {"a hex length", STR("POST / HTTP/1.1\r\n" H "Content-Length: 0x3\r\n\r\nabc"), "400 close", NULL},
    {"a length of two words", STR("POST / HTTP/1.1\r\n" H "Content-Length: 3 4\r\n\r\nabc"), "400 close", NULL},
    {"an empty length", STR("POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n"), "400 close", NULL},
    {"a length that wraps around", STR("POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551619\r\n\r\nabc"),
     "400 close", NULL},
    {"leading zeros", STR("POST / HTTP/1.1\r\n" H "Content-Length: 003\r\n\r\nabc"), "200", "|abc"},
    {"a body with GET", STR("GET / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"), "400 close", NULL}, /* evhttp
        would take the body for the next request */
    {"no body with GET, and said so", STR("GET / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"), "200", NULL},
    {"a body with DELETE", STR("DELETE / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"), "400 close", NULL}, /* same */
    {"no length but keep-alive", STR("POST / HTTP/1.1\r\n" H "Connection: keep-alive\r\n\r\n"), "411 close", NULL}, /*
        RFC: no body; evhttp answers 400 in HTML, this at least says what to do */

    /* Transfer-Encoding */
    {"chunked", STR("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
     "200", "|abcde"},
    {"chunked in capitals, hex in capitals",
     STR("POST / HTTP/1.1\r\n" H "TRANSFER-ENCODING: Chunked\r\n\r\n00A\r\n0123456789\r\n0\r\n\r\n"), "200",
     "|0123456789"},
    {"a request behind chunks",
     STR("POST /1 HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n" H "\r\n"),
     "200 200", "GET /2|"},
    {"length and chunked",
     STR("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "400 close",
     NULL},
    {"chunked and length",
     STR("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"), "400 close",
     NULL},
    {"xchunked", STR("POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), "400 close", NULL},
    {"gzip, chunked", STR("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), "400 close",
     NULL},
    {"chunked, identity", STR("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
     "400 close", NULL},
    {"chunked twice",
     STR("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     "400 close", NULL},
    {"chunked behind a vertical tab", STR("POST / HTTP/1.1\r\n" H "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n"),
     "400 close", NULL},
    {"chunked in HTTP/1.0", STR("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "400 close", NULL},
    {"chunked with GET", STR("GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "400 close", NULL},

#define CHUNKED "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
    {"a chunk size with a sign", STR(CHUNKED "+3\r\nabc\r\n0\r\n\r\n"), "400 close", NULL},
    {"a chunk size with 0x", STR(CHUNKED "0x3\r\nabc\r\n0\r\n\r\n"), "400 close", NULL},
    {"a space before a chunk size", STR(CHUNKED " 3\r\nabc\r\n0\r\n\r\n"), "400 close", NULL},
    {"a space behind a chunk size", STR(CHUNKED "3 \r\nabc\r\n0\r\n\r\n"), "400 close", NULL},
    {"no chunk size", STR(CHUNKED "\r\nabc\r\n0\r\n\r\n"), "400 close", NULL},
    {"a chunk size that is no number", STR(CHUNKED "g\r\nabc\r\n0\r\n\r\n"), "400 close", NULL},
    {"a chunk size that wraps around", STR(CHUNKED "10000000000000003\r\nabc\r\n0\r\n\r\n"), "400 close", NULL},
    {"a chunk extension", STR(CHUNKED "3;a=b\r\nabc\r\n0\r\n\r\n"), "400 close",
     NULL}, /* RFC: ignore; nobody sends one */
    {"LF behind a chunk size", STR(CHUNKED "3\nabc\r\n0\r\n\r\n"), "400 close", NULL},
    {"a chunk longer than it says", STR(CHUNKED "3\r\nabcd\r\n0\r\n\r\n"), "400 close", NULL},
    {"a chunk without its line end", STR(CHUNKED "3\r\nabc0\r\n\r\n"), "400 close", NULL},
    {"a trailer", STR(CHUNKED "3\r\nabc\r\n0\r\nX-Test: a\r\n\r\n"), "400 close", NULL}, /* evhttp would merge it */
    {"unfinished chunks wait", STR(CHUNKED "3\r\nabc\r\n"), "", NULL},

    /* limits: 2 KiB of head, 4 KiB of body, 100 headers */
    {"a long target", STR("GET /" REPEAT_100(REPEAT_10("aaa")) " HTTP/1.1\r\n" H "\r\n"), "414 close", NULL},
    {"a large header", STR("GET / HTTP/1.1\r\n" H "X-Test: " REPEAT_100(REPEAT_10("aaa")) "\r\n\r\n"), "431 close",
     NULL},
    {"many headers", STR("GET / HTTP/1.1\r\n" H REPEAT_100("a: b\r\n") "\r\n"), "431 close", NULL},
    {"as many headers as may be", STR("GET / HTTP/1.1\r\n" REPEAT_10("a:b\r\nc:d\r\ne:f\r\n") H "\r\n"), "200", NULL},
    {"a body too large is not waited for", STR("POST / HTTP/1.1\r\n" H "Content-Length: 4097\r\n\r\n"), "413 close",
     NULL},
    {"chunks too large", STR(CHUNKED "1001\r\n"), "413 close", NULL},
    {"chunks too large together", STR(CHUNKED "1\r\na\r\n1000\r\n"), "413 close", NULL},

    /* Expect */
    {"something else expected", STR("POST / HTTP/1.1\r\n" H "Expect: money\r\nContent-Length: 1\r\n\r\na"), "417 close",
     NULL},
};

static void row_try(size_t i, bool bytewise)
{
    struct raw r = raw_open(server_port(server));
    for (size_t at = 0; bytewise && at < rows[i].bytes.n; at++) {
        raw_send(r.fd, str_head(str_from(rows[i].bytes, at), 1));
        loop_once(loop, 0);
    }
    if (!bytewise)
        raw_send(r.fd, rows[i].bytes);
    if (!comes_to(&r, rows[i].outcome, rows[i].name))
        fail_msg("%s, %s", rows[i].name, bytewise ? "byte by byte" : "whole");
    if (rows[i].body && !str_has(buf_str(&r.in), str_of(rows[i].body)))
        fail_msg("%s: the answer has no \"%s\"", rows[i].name, rows[i].body);
    raw_end(&r);
}

TEST(every_row_of_the_table_comes_out_as_it_says)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        row_try(i, false);
}

TEST(the_table_comes_out_the_same_byte_by_byte)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        row_try(i, true);
}

TEST(the_framing_reader_says_the_same_wherever_the_bytes_are_cut)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct framing whole;
        framing_begin(&whole, 2048, 4096);
        framing_feed(&whole, rows[i].bytes.p, rows[i].bytes.n);
        for (size_t cut = 0; cut < rows[i].bytes.n; cut++) {
            struct framing f;
            framing_begin(&f, 2048, 4096);
            framing_feed(&f, rows[i].bytes.p, cut);
            framing_feed(&f, rows[i].bytes.p + cut, rows[i].bytes.n - cut);
            CHECK(f.status == whole.status && f.messages == whole.messages);
            CHECK(framing_phase(&f) == framing_phase(&whole));
        }
    }
}

/* ---- single behaviours --------------------------------------------------------------------------- */

TEST(a_client_that_expects_100_is_told_to_go_on)
{
    struct raw r = raw_open(server_port(server));
    raw_send(r.fd, STR("POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
    struct expectation x = {.raw = &r, .summary = "100"};
    CHECK(pump_until(is_met, &x, 2000));
    raw_send(r.fd, STR("abc"));
    CHECK(comes_to(&r, "100 200", "expect"));
    CHECK(str_has(buf_str(&r.in), STR("|abc")));
    raw_end(&r);
}

TEST(a_client_that_stops_sending_is_still_answered)
{
    struct raw r = raw_open(server_port(server));
    raw_send(r.fd, STR("GET /a HTTP/1.1\r\n" H "\r\n"));
    shutdown(r.fd, SHUT_WR);
    CHECK(comes_to(&r, "200 close", "half-close"));
    raw_end(&r);
}

TEST(an_answer_carries_the_headers_of_safety_and_no_injected_one)
{
    struct raw r = raw_open(server_port(server));
    raw_send(r.fd, STR("GET /headers HTTP/1.1\r\n" H "\r\n"));
    CHECK(comes_to(&r, "201", "headers"));
    struct str in = buf_str(&r.in);
    CHECK(str_has(in, STR("X-Content-Type-Options: nosniff\r\n")));
    CHECK(str_has(in, STR("Cache-Control: max-age=60\r\n")) && !str_has(in, STR("no-store")));
    CHECK(!str_has(in, STR("X-Injected")) && !str_has(in, STR("X-Bad")));
    CHECK(str_has(in, STR("Set-Cookie: a=1\r\n")) && str_has(in, STR("Set-Cookie: b=2\r\n")));
    raw_end(&r);

    r = raw_open(server_port(server));
    raw_send(r.fd, STR("HEAD /headers HTTP/1.1\r\n" H "\r\n"));
    CHECK(comes_to(&r, "201", "HEAD"));
    CHECK(str_has(buf_str(&r.in), STR("Content-Length: 4\r\n")) && !str_has(buf_str(&r.in), STR("made")));
    raw_end(&r);
}

TEST(a_request_can_be_answered_later)
{
    struct raw r = raw_open(server_port(server));
    raw_send(r.fd, STR("GET /keep HTTP/1.1\r\n" H "\r\nGET /next HTTP/1.1\r\n" H "\r\n"));
    pump(30);
    CHECK(world.kept != NULL);
    CHECK_INT(world.requests_n, 1);
    CHECK_INT(server_open(server), 1);
    request_reply(world.kept, 200, "text/plain", STR("at last"));
    world.kept = NULL;
    CHECK(comes_to(&r, "200 200", "later"));
    CHECK_INT(server_open(server), 0);
    raw_end(&r);
    pump(10);
    CHECK_INT(world.request_gone_n, 0);
}

/* evhttp ends the process on bytes in this state; so this must be tried with GET and with a body. */
TEST(bytes_that_come_while_a_request_waits_harm_nobody)
{
    const struct str requests[] = {
        STR("GET /keep HTTP/1.1\r\n" H "\r\n"), STR("POST /keep HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\na"),
        STR("POST /keep HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")};
    for (int i = 0; i < 3; i++) {
        struct raw r = raw_open(server_port(server));
        raw_send(r.fd, requests[i]);
        pump(10);
        for (int n = 0; n < 200; n++) {
            raw_send(r.fd, STR("GET /pipelined HTTP/1.1\r\n" H "\r\n"));
            loop_once(loop, 0);
        }
        CHECK(world.kept != NULL);
        request_reply(world.kept, 200, "text/plain", STR("done"));
        raw_send(r.fd, STR("GET /last HTTP/1.1\r\n" H "Connection: close\r\n\r\n"));
        int64_t end_us = clock_mono_us() + 5000000;
        while (!r.closed && clock_mono_us() < end_us) {
            loop_once(loop, 5);
            raw_read(&r);
        }
        CHECK(r.closed && str_has(buf_str(&r.in), STR("GET /last|")));
        raw_end(&r);
    }
    CHECK_INT(world.requests_n, 3 * 202);
}

TEST(a_client_that_leaves_is_noticed_once_while_its_request_waits)
{
    for (int by_reset = 0; by_reset < 2; by_reset++) {
        struct raw r = raw_open(server_port(server));
        raw_send(r.fd, STR("GET /keep HTTP/1.1\r\n" H "\r\n"));
        pump(10);
        CHECK(world.kept != NULL);
        struct linger hard = {by_reset, 0};
        setsockopt(r.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        raw_end(&r);
        CHECK(pump_until(is_positive, &world.request_gone_n, 1000));
        pump(10);
        CHECK_INT(world.request_gone_n, 1);
        CHECK_INT(server_open(server), 0);
        world.request_gone_n = 0;
    }
}

TEST(a_dropped_request_gets_no_answer)
{
    struct raw r = raw_open(server_port(server));
    raw_send(r.fd, STR("GET /drop HTTP/1.1\r\n" H "\r\n"));
    CHECK(comes_to(&r, "close", "drop"));
    raw_end(&r);
    CHECK_INT(server_open(server), 0);
}

/* ---- streams ------------------------------------------------------------------------------------- */

static struct raw stream_open(const char *version)
{
    struct raw r = raw_open(server_port(server));
    char request[100];
    snprintf(request, sizeof request, "GET /stream HTTP/1.%s\r\n" H "\r\n", version);
    raw_send(r.fd, str_of(request));
    pump(20);
    return r;
}

struct text_wait {
    struct raw *raw;
    struct str text;
};

static bool has_come(void *arg)
{
    struct text_wait *w = arg;
    raw_read(w->raw);
    return str_has(buf_str(&w->raw->in), w->text);
}

static bool gets(struct raw *r, struct str text)
{
    struct text_wait w = {r, text};
    return pump_until(has_come, &w, 2000);
}

static bool is_closed(void *arg)
{
    struct raw *r = arg;
    raw_read(r);
    return r->closed;
}

TEST(events_arrive_as_they_were_sent_and_the_stream_ends_when_closed)
{
    struct raw r = stream_open("1");
    CHECK(world.stream != NULL);
    stream_send(world.stream, 7, "note", STR("one\ntwo\r\nthree"));
    CHECK(gets(&r, STR("id: 7\nevent: note\ndata: one\ndata: two\ndata: three\n\n")));
    stream_send(world.stream, 0, NULL, STR(""));
    stream_comment(world.stream, "still here");
    CHECK(gets(&r, STR("\r\ndata: \n\n\r\n")));
    CHECK(gets(&r, STR(": still here\n\n")));
    struct str in = buf_str(&r.in);
    CHECK(str_has(in, STR("Content-Type: text/event-stream; charset=utf-8\r\n")));
    CHECK(str_has(in, STR("X-Accel-Buffering: no\r\n")) && str_has(in, STR("Cache-Control: no-store\r\n")));
    stream_close(world.stream);
    CHECK(pump_until(is_closed, &r, 2000));
    CHECK(str_ends(buf_str(&r.in), STR("\r\n0\r\n\r\n")));
    CHECK_INT(world.stream_gone_n, 0);
    CHECK_INT(server_open(server), 0);
    raw_end(&r);
}

TEST(a_stream_for_http_1_0_is_not_chunked)
{
    struct raw r = stream_open("0");
    stream_send(world.stream, 0, NULL, STR("a"));
    CHECK(gets(&r, STR("\r\n\r\ndata: a\n\n")));
    stream_close(world.stream);
    CHECK(pump_until(is_closed, &r, 2000));
    raw_end(&r);
}

TEST(a_stream_whose_client_leaves_is_gone_once)
{
    for (int by_reset = 0; by_reset < 2; by_reset++) {
        struct raw r = stream_open("1");
        struct linger hard = {by_reset, 0};
        setsockopt(r.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        raw_end(&r);
        CHECK(pump_until(is_positive, &world.stream_gone_n, 1000));
        pump(10);
        CHECK_INT(world.stream_gone_n, 1);
        CHECK_INT(server_open(server), 0);
        world.stream_gone_n = 0;
    }
}

TEST(a_reader_that_falls_behind_is_dropped_and_its_owner_told_once)
{
    struct raw r = stream_open("1");
    static char text[10000];
    memset(text, 'x', sizeof text);
    int sent = 0;
    for (; sent < 5000 && world.stream; sent++) { /* the kernel holds some megabytes first */
        stream_send(world.stream, 0, NULL, (struct str){text, sizeof text});
        loop_once(loop, 0);
    }
    CHECK(sent > 25 && sent < 5000);
    pump(20);
    CHECK_INT(world.stream_gone_n, 1);
    CHECK_INT(server_open(server), 0);
    raw_end(&r);
}

TEST(a_burst_past_the_limit_inside_one_call_is_safe)
{
    struct raw r = stream_open("1");
    struct stream *s = world.stream;
    static char text[100000];
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 1000; i++)
        stream_send(s, 0, NULL, (struct str){text, sizeof text});
    CHECK_INT(world.stream_gone_n, 0); /* never inside stream_send */
    pump(20);
    CHECK_INT(world.stream_gone_n, 1);
    raw_end(&r);
}

TEST(a_cut_stream_sends_what_was_written_but_no_end)
{
    struct raw r = stream_open("1");
    stream_raw(world.stream, STR("data: half"));
    stream_cut(world.stream);
    CHECK(pump_until(is_closed, &r, 2000));
    CHECK(str_ends(buf_str(&r.in), STR("data: half\r\n")));
    CHECK_INT(world.stream_gone_n, 0);
    raw_end(&r);
}

TEST(what_a_stream_s_client_sends_is_not_kept)
{
    struct raw r = stream_open("1");
    static char junk[4096];
    memset(junk, 'j', sizeof junk);
    for (int i = 0; i < 50; i++) {
        send(r.fd, junk, sizeof junk, MSG_NOSIGNAL | MSG_DONTWAIT);
        loop_once(loop, 0);
    }
    stream_send(world.stream, 0, NULL, STR("unmoved"));
    CHECK(gets(&r, STR("data: unmoved\n\n")));
    raw_end(&r);
}

/* ---- limits of time and number ------------------------------------------------------------------- */

static int up_hasty(void **state)
{
    server_up(&(struct server_config){.head_s = 1, .idle_s = 2, .connections_max = 3});
    return 0;
}

TEST(a_head_that_dribbles_in_is_cut_off_by_its_own_clock)
{
    struct raw r = raw_open(server_port(server));
    raw_send(r.fd, STR("GET / HTTP/1.1\r\nX: "));
    int64_t start_us = clock_mono_us();
    while (!is_closed(&r) && clock_mono_us() < start_us + 5000000) {
        raw_send(r.fd, STR("a")); /* each byte alone would be in time */
        pump(100);
    }
    int64_t took_us = clock_mono_us() - start_us;
    CHECK(r.closed && took_us > 900000 && took_us < 4000000);
    CHECK(str_starts(buf_str(&r.in), STR("HTTP/1.1 408 ")));
    raw_end(&r);
}

TEST(waiting_requests_and_streams_outlive_the_idle_limit_and_silent_connections_do_not)
{
    struct raw waiting = raw_open(server_port(server)), silent = raw_open(server_port(server));
    struct raw stream = stream_open("1");
    raw_send(waiting.fd, STR("GET /keep HTTP/1.1\r\n" H "\r\n"));
    CHECK(pump_until(is_closed, &silent, 4000));
    pump(1000);
    CHECK(world.kept && world.stream);
    CHECK_INT(world.request_gone_n + world.stream_gone_n, 0);
    request_reply(world.kept, 200, "text/plain", STR("patience"));
    CHECK(gets(&waiting, STR("patience")));
    raw_end(&waiting);
    raw_end(&silent);
    raw_end(&stream);
}

TEST(one_connection_too_many_is_told_so)
{
    struct raw r[4];
    for (int i = 0; i < 4; i++) {
        r[i] = raw_open(server_port(server));
        pump(10);
    }
    CHECK(comes_to(&r[3], "503 close", "too many"));
    raw_end(&r[3]);
    raw_end(&r[2]);
    pump(20);
    r[3] = raw_open(server_port(server));
    raw_send(r[3].fd, STR("GET / HTTP/1.1\r\n" H "\r\n"));
    CHECK(comes_to(&r[3], "200", "room again"));
    for (int i = 0; i < 4; i++)
        if (i != 2)
            raw_end(&r[i]);
}

TEST(a_server_without_descriptors_left_accepts_again_once_there_are_some)
{
    struct raw r = raw_open(server_port(server));
    raw_send(r.fd, STR("GET / HTTP/1.1\r\n" H "\r\n"));
    int lowest = dup(r.fd);
    close(lowest);
    struct rlimit before, none;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = (struct rlimit){.rlim_cur = (rlim_t)lowest, .rlim_max = before.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    pump(50);
    CHECK(world.requests_n == 0);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(comes_to(&r, "200", "descriptors again"));
    raw_end(&r);
}

static long memory_kb(void)
{
    long pages = 0, size;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

TEST(a_client_that_pipelines_and_never_reads_costs_little)
{
#ifdef __SANITIZE_ADDRESS__
    skip(); /* its quarantine keeps what was given back */
#endif
    struct raw r = raw_open(server_port(server));
    static char burst[32 * 1024];
    size_t n = 0;
    while (n + 64 < sizeof burst)
        n += (size_t)snprintf(burst + n, sizeof burst - n, "GET /a HTTP/1.1\r\n" H "\r\n");
    pump(10);
    long before = memory_kb();
    int64_t end_us = clock_mono_us() + 1500000;
    while (clock_mono_us() < end_us) {
        send(r.fd, burst, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        loop_once(loop, 1);
    }
    long grown = memory_kb() - before;
    if (grown > 4096)
        fail_msg("%ld KB more after %d requests", grown, world.requests_n);
    CHECK(world.requests_n > 1000);
    raw_end(&r);
}

TEST(a_large_answer_arrives_whole)
{
    struct raw r = raw_open(server_port(server));
    raw_send(r.fd, STR("GET /large HTTP/1.1\r\n" H "Connection: close\r\n\r\n"));
    CHECK(pump_until(is_closed, &r, 5000));
    CHECK(r.in.n > 4 << 20 && r.in.n < (4 << 20) + 1000);
    raw_end(&r);
}

/* A refusal must reach a client that is still sending: a reset would take it away. */
TEST(a_client_that_sends_too_much_can_read_why)
{
    struct raw r = raw_open(server_port(server));
    raw_send(r.fd, STR("POST / HTTP/1.1\r\n" H "Content-Length: 3000000\r\n\r\n"));
    static char piece[10000];
    for (int i = 0; i < 300; i++)
        raw_send(r.fd, (struct str){piece, sizeof piece});
    CHECK(comes_to(&r, "413 close", "too much"));
    raw_end(&r);
}

/* ---- start and end ------------------------------------------------------------------------------- */

TEST(draining_lets_open_requests_finish_and_ends_streams_with_a_word)
{
    struct raw idle = raw_open(server_port(server)), waiting = raw_open(server_port(server)), stream = stream_open("1");
    raw_send(waiting.fd, STR("GET /keep HTTP/1.1\r\n" H "\r\n"));
    pump(20);
    CHECK_INT(server_open(server), 2);
    server_drain(server);
    CHECK(gets(&stream, STR("event: bye\n")));
    CHECK(pump_until(is_closed, &stream, 1000) && pump_until(is_closed, &idle, 1000));
    CHECK_INT(world.stream_gone_n, 1);
    request_reply(world.kept, 200, "text/plain", STR("the last"));
    CHECK(comes_to(&waiting, "200 close", "drain"));
    CHECK_INT(server_open(server), 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server_port(server))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(fd, (struct sockaddr *)&to, sizeof to) < 0);
    close(fd);
    raw_end(&idle);
    raw_end(&waiting);
    raw_end(&stream);
}

TEST(a_server_can_be_freed_with_everything_open_and_tells_nobody)
{
    struct raw waiting = raw_open(server_port(server)), stream = stream_open("1"), half = raw_open(server_port(server));
    raw_send(waiting.fd, STR("GET /keep HTTP/1.1\r\n" H "\r\n"));
    raw_send(half.fd, STR("GET /"));
    pump(20);
    struct raw fresh = raw_open(server_port(server));
    server_free(server);
    CHECK_INT(world.request_gone_n + world.stream_gone_n, 0);
    server = NULL;
    raw_end(&waiting);
    raw_end(&stream);
    raw_end(&half);
    raw_end(&fresh);
}

TEST(a_port_in_use_and_an_address_that_is_none_are_said_plainly)
{
    struct server *second;
    struct err e;
    struct server_config config = {.port = server_port(server)};
    CHECK_INT(server_new(loop, &config, handle, NULL, &second, &e), ERR_BUSY);
    CHECK(str_has(str_of(e.text), STR("cannot listen on 127.0.0.1 port")));
    config = (struct server_config){.address = "nowhere.example"};
    CHECK_INT(server_new(loop, &config, handle, NULL, &second, &e), ERR_INVALID);
}

#define ROW(name)   cmocka_unit_test_setup_teardown(name, up, down)
#define HASTY(name) cmocka_unit_test_setup_teardown(name, up_hasty, down)

RUN(ROW(every_row_of_the_table_comes_out_as_it_says), ROW(the_table_comes_out_the_same_byte_by_byte),
    ROW(the_framing_reader_says_the_same_wherever_the_bytes_are_cut), ROW(a_client_that_expects_100_is_told_to_go_on),
    ROW(a_client_that_stops_sending_is_still_answered),
    ROW(an_answer_carries_the_headers_of_safety_and_no_injected_one), ROW(a_request_can_be_answered_later),
    ROW(bytes_that_come_while_a_request_waits_harm_nobody),
    ROW(a_client_that_leaves_is_noticed_once_while_its_request_waits), ROW(a_dropped_request_gets_no_answer),
    ROW(events_arrive_as_they_were_sent_and_the_stream_ends_when_closed), ROW(a_stream_for_http_1_0_is_not_chunked),
    ROW(a_stream_whose_client_leaves_is_gone_once), ROW(a_reader_that_falls_behind_is_dropped_and_its_owner_told_once),
    ROW(a_burst_past_the_limit_inside_one_call_is_safe), ROW(a_cut_stream_sends_what_was_written_but_no_end),
    ROW(what_a_stream_s_client_sends_is_not_kept), HASTY(a_head_that_dribbles_in_is_cut_off_by_its_own_clock),
    HASTY(waiting_requests_and_streams_outlive_the_idle_limit_and_silent_connections_do_not),
    HASTY(one_connection_too_many_is_told_so), ROW(a_server_without_descriptors_left_accepts_again_once_there_are_some),
    ROW(a_client_that_pipelines_and_never_reads_costs_little), ROW(a_large_answer_arrives_whole),
    ROW(a_client_that_sends_too_much_can_read_why),
    ROW(draining_lets_open_requests_finish_and_ends_streams_with_a_word),
    ROW(a_server_can_be_freed_with_everything_open_and_tells_nobody),
    ROW(a_port_in_use_and_an_address_that_is_none_are_said_plainly))
