/* What our HTTP costs: requests per second and processor time of our server and our client, and the memory of an
 * idle event stream and of a waiting call. Server and client are two processes, so that each one's share is seen.
 *
 *   bench_http [OPEN]      OPEN streams and calls at once (10000); one CSV row per figure
 */
#include "base/clock.h"
#include "net/client.h"
#include "net/server.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BODY_BYTES = 1024, WARM_UP_N = 2000, RATE_SECONDS = 3 };

static void die(const char *what)
{
    fprintf(stderr, "bench_http: %s\n", what);
    exit(1);
}

static void row(const char *what, double value, const char *unit)
{
    printf("http,%s,%.1f,%s\n", what, value, unit);
    fflush(stdout);
}

/* ---- the server's process ------------------------------------------------------------------------- */

static void nobody_minds(void *arg)
{
}

static void serve_one(struct request *r, void *arg)
{
    struct str path = request_path(r);
    if (str_is(path, "/stream"))
        request_stream(r, nobody_minds, NULL);
    else if (str_is(path, "/wait"))
        request_on_gone(r, nobody_minds, NULL);
    else
        request_reply(r, 200, "application/json", request_body(r));
}

static void serve(int port_fd)
{
    struct loop *l;
    struct server *s;
    struct err e;
    struct server_config config = {.idle_s = 600};
    if (loop_new(&l, &e) < 0 || server_new(l, &config, serve_one, NULL, &s, &e) < 0)
        die(e.text);
    int port = server_port(s);
    if (write(port_fd, &port, sizeof port) < 0)
        die("the port cannot be told");
    loop_run(l, NULL, NULL);
}

struct peer {
    pid_t pid;
    int port;
};

static struct peer peer_start(void)
{
    int ends[2];
    struct peer p = {0};
    if (pipe(ends) < 0 || (p.pid = fork()) < 0)
        die("no second process");
    if (p.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(ends[1]);
        _exit(0);
    }
    if (read(ends[0], &p.port, sizeof p.port) != sizeof p.port)
        die("the server did not start");
    close(ends[0]);
    close(ends[1]);
    return p;
}

static void peer_stop(struct peer p)
{
    kill(p.pid, SIGKILL);
    waitpid(p.pid, NULL, 0);
}

/* Microseconds of processor time that the process used so far. */
static double cpu_us(pid_t pid)
{
    char path[64];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f || fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        die("no processor time");
    fclose(f);
    return (double)(user + system) * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

static double resident_bytes(pid_t pid)
{
    char path[64];
    unsigned long size = 0, resident = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    FILE *f = fopen(path, "r");
    if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2)
        die("no memory figure");
    fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* ---- requests per second -------------------------------------------------------------------------- */

static struct loop *loop;
static struct client *client;
static char url[100], body[BODY_BYTES];
static long sent_n, done_n, send_max;

static void send_one(void);

static void on_echo(void *arg, const struct client_answer *answer)
{
    if (answer->end != CLIENT_DONE || answer->body.n != BODY_BYTES)
        die(answer->err.text);
    done_n++;
    if (sent_n < send_max)
        send_one();
    else if (done_n == sent_n)
        loop_stop(loop);
}

static void send_one(void)
{
    static const struct client_hooks hooks = {.on_done = on_echo};
    struct client_request q = {
        .method = "POST", .url = url, .headers = {"Content-Type: application/json"}, .parts = {{body, BODY_BYTES}}};
    sent_n++;
    client_send(client, &q, &hooks, NULL);
}

/* n requests, `parallel` at once; the seconds they took. */
static double run_requests(long n, int parallel)
{
    int64_t start_us = clock_mono_us();
    sent_n = done_n = 0;
    send_max = n;
    for (int i = 0; i < parallel; i++)
        send_one();
    loop_run(loop, NULL, NULL);
    return (double)(clock_mono_us() - start_us) / 1e6;
}

static void url_set(int port, const char *path)
{
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
}

static void measure_rate(int parallel)
{
    char what[64];
    struct peer p = peer_start();
    url_set(p.port, "/echo");
    double per_second = (double)WARM_UP_N / run_requests(WARM_UP_N, parallel);
    double server_us = cpu_us(p.pid), client_us = cpu_us(getpid());
    long n = (long)(per_second * RATE_SECONDS);
    double seconds = run_requests(n, parallel);
    snprintf(what, sizeof what, "echo 1 KB at %d", parallel);
    row(what, (double)n / seconds, "requests/s");
    row(what, (cpu_us(p.pid) - server_us) / (double)n, "us of server processor time a request");
    row(what, (cpu_us(getpid()) - client_us) / (double)n, "us of client processor time a request");
    peer_stop(p);
}

/* ---- memory ---------------------------------------------------------------------------------------- */

/* What a browser sends with an EventSource. */
static const char browser[] =
    "GET /stream HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: keep-alive\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0\r\n"
    "Accept: text/event-stream\r\nCache-Control: no-cache\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n"
    "Sec-Fetch-Dest: empty\r\nReferer: http://127.0.0.1:8080/chat\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: pt-BR,pt;q=0.9,en;q=0.8\r\nCookie: "
    "session=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c\r\n\r\n";

static int stream_open(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    char head[1024];
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 || write(fd, browser, sizeof browser - 1) < 0 ||
        recv(fd, head, sizeof head, 0) <= 0)
        die("a stream was not opened");
    return fd;
}

static void measure_streams(int n)
{
    struct peer p = peer_start();
    int *fds = mem_get(sizeof *fds * (size_t)n);
    for (int i = 0; i < 100; i++)
        close(stream_open(p.port));
    usleep(200000);
    double before = resident_bytes(p.pid), before_us = cpu_us(p.pid);
    for (int i = 0; i < n; i++)
        fds[i] = stream_open(p.port);
    usleep(200000);
    row("idle event stream", (resident_bytes(p.pid) - before) / n, "bytes of server memory");
    row("idle event stream", (cpu_us(p.pid) - before_us) / n, "us of server processor time to open");
    for (int i = 0; i < n; i++)
        close(fds[i]);
    free(fds);
    peer_stop(p);
}

static void on_never(void *arg, const struct client_answer *answer)
{
    die(answer->err.text);
}

/* n calls that wait for their first byte; their bodies share all but the last 300 bytes, as prompts do. */
static void measure_calls(int n, size_t shared_bytes)
{
    static const struct client_hooks hooks = {.on_done = on_never};
    struct peer p = peer_start();
    struct client *c;
    struct err e;
    if (client_new(loop, &c, &e) < 0)
        die(e.text);
    char what[64], *shared = mem_get(shared_bytes), tail[300] = "";
    memset(shared, 'x', shared_bytes);
    url_set(p.port, "/wait");
    struct client_request q = {.method = "POST",
                               .url = url,
                               .headers = {"Content-Type: application/json", "Accept: text/event-stream",
                                           "Authorization: Bearer 0123456789abcdef0123456789abcdef"},
                               .parts = {{shared, shared_bytes}, {tail, sizeof tail}},
                               .first_byte_ms = 600000,
                               .total_ms = 600000};
    double before = resident_bytes(getpid()), server_before = resident_bytes(p.pid);
    for (int i = 0; i < n; i++) {
        client_send(c, &q, &hooks, NULL);
        if (i % 64 == 63)
            loop_once(loop, 1);
    }
    for (int64_t end_us = clock_mono_us() + 2000000; clock_mono_us() < end_us;)
        loop_once(loop, 50);
    snprintf(what, sizeof what, "waiting call with %zu shared bytes", shared_bytes);
    row(what, (resident_bytes(getpid()) - before) / n, "bytes of client memory");
    row(what, (resident_bytes(p.pid) - server_before) / n, "bytes of server memory");
    client_free(c);
    free(shared);
    peer_stop(p);
}

static void measure_calls_small(int n)
{
    measure_calls(n, 2000);
}

static void measure_calls_large(int n)
{
    measure_calls(n, 20000);
}

/* In a process of its own: memory that an earlier measurement left free would count for nothing. */
static void apart(void (*measure)(int n), int n)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        struct err e;
        if (loop_new(&loop, &e) < 0)
            die(e.text);
        measure(n);
        exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
        die("a measurement failed");
}

int main(int argc, char **argv)
{
    int open_n = argc > 1 ? atoi(argv[1]) : 10000;
    struct err e;
    memset(body, 'x', sizeof body);
    if (loop_new(&loop, &e) < 0 || client_new(loop, &client, &e) < 0)
        die(e.text);
    puts("what,case,value,unit");
    static const int parallel[] = {1, 64, 256};
    for (size_t i = 0; i < sizeof parallel / sizeof *parallel; i++)
        measure_rate(parallel[i]);
    client_free(client);
    measure_streams(open_n);
    apart(measure_calls_small, open_n);
    apart(measure_calls_large, open_n);
    loop_free(loop);
    return 0;
}
