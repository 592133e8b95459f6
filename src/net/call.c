#include "net/call.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    JOINED_BYTES_MAX = 60 * 1024, /* up to here the pieces leave in one send with the head: curl's limit is 64 KiB */
    UPLOAD_BUFFER_BYTES = 16 * 1024,
};

int64_t call_now_ms(void)
{
    return clock_mono_us() / 1000;
}

/* ---- time: one timer a call, for whichever limit comes first ------------------------------------ */

int64_t call_due_ms(const struct client_call *call)
{
    int patience = call->phase == CONNECTING ? call->connect_ms
                   : call->phase == WAITING  ? call->first_byte_ms
                                             : call->idle_ms;
    int64_t due = call->since_ms + patience, end = call->started_ms + call->total_ms;
    return due < end ? due : end;
}

/* A later limit needs no new timer: on_due looks again. */
void call_progress(struct client_call *call, enum phase phase)
{
    call->phase = (uint8_t)phase;
    call->since_ms = call_now_ms();
    int64_t due = call_due_ms(call);
    if (due >= call->due_ms && call->due_ms)
        return;
    call->due_ms = due;
    int64_t wait = due > call->since_ms ? due - call->since_ms : 0;
    struct timeval tv = {wait / 1000, wait % 1000 * 1000};
    evtimer_add(&call->timer, &tv);
}

/* ---- what curl calls ---------------------------------------------------------------------------- */

static bool is_joined(const struct client_call *call)
{
    return call->parts_n > 1 && call->whole <= JOINED_BYTES_MAX;
}

/* Just before the request is sent: a call that waits for its connection holds no copy, and copies that live for a moment
 * leave no holes behind. */
static void join(struct client_call *call)
{
    if (!is_joined(call) || call->joined)
        return;
    char *p = call->joined = mem_get(call->whole);
    for (int i = 0; i < call->parts_n; p += call->parts[i].n, i++)
        memcpy(p, call->parts[i].p, call->parts[i].n);
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->joined);
}

static bool reachable(struct client_call *call, const char *ip)
{
    if (!call->public_only || address_allowed(ip, call->ranges, call->ranges_n))
        return true;
    call->verdict = FORBIDDEN;
    return false;
}

/* curl has looked the name up and wants to connect: this address is the one, whatever the name says next time. */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    char ip[INET6_ADDRSTRLEN];
    if (getnameinfo(&to->addr, to->addrlen, ip, sizeof ip, NULL, 0, NI_NUMERICHOST) != 0)
        ip[0] = '\0';
    if (!reachable(arg, ip))
        return CURL_SOCKET_BAD;
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* curl repeats a request by itself when a kept connection turns out to be closed. It is let only where
 * that cannot act twice: nothing at all was sent yet, or the method changes nothing. */
static int on_connected(void *arg, char *to_ip, char *from_ip, int to_port, int from_port)
{
    struct client_call *call = arg;
    curl_off_t sent = 0;
    long head_bytes = 0;
    if (!reachable(call, to_ip)) /* a connection that another call was allowed to open and that was kept */
        return CURL_PREREQFUNC_ABORT;
    curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &head_bytes);
    curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    if (call->attempts && !call->is_safe && (head_bytes || sent)) {
        call->verdict = WOULD_REPEAT;
        return CURL_PREREQFUNC_ABORT;
    }
    call->attempts = 1;
    join(call);
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

/* ---- requests ----------------------------------------------------------------------------------- */

void call_set_up(struct client_call *call)
{
    CURL *easy = call->easy;
    if (!easy)
        abort(); /* no memory left */
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "candor/" CANDOR_VERSION);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER_BYTES);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, call);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
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

/* One piece is sent from where it is, small ones are joined to leave in one packet with the head, and
 * large ones are read piece by piece. */
static void body_set(struct client_call *call)
{
    CURL *easy = call->easy;
    const char *fields = NULL;
    if (call->whole == 0 || is_joined(call))
        fields = ""; /* join comes once there is a connection */
    else if (call->parts_n == 1)
        fields = call->parts[0].p;
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, fields);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->whole);
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

void call_ask(struct client_call *call, const struct client_request *q)
{
    curl_easy_setopt(call->easy, CURLOPT_URL, q->url);
    method_set(call, q->method);
    headers_copy(call, q, call->parts_n > 0);
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

void call_trim(struct client_call *call)
{
    curl_off_t sent = 0;
    curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    if (sent < (curl_off_t)call->whole)
        return;
    free(call->joined);
    call->joined = NULL;
    if (!call->is_safe) {
        curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, (struct curl_slist *)NULL);
        curl_slist_free_all(call->headers);
        call->headers = NULL;
    }
    if (call->whole > JOINED_BYTES_MAX)
        /* setting the size makes curl free the buffer */
        curl_easy_setopt(call->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER_BYTES);
}

bool call_nothing_sent(const struct client_call *call)
{
    long head_bytes = 0;
    curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &head_bytes);
    return call->phase == CONNECTING || head_bytes == 0;
}

struct str call_origin(const struct client_call *call)
{
    const char *url = NULL;
    curl_easy_getinfo(call->easy, CURLINFO_EFFECTIVE_URL, &url);
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
