/* Any bytes on a connection: the framing reader says the same wherever they are cut, the server serves no request
 * that the reader did not see whole, answers nothing but HTTP, never evhttp's own HTML, and forgets nobody. */
#include "net/framing.h"
#include "net/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HEAD_BYTES_MAX = 1024,
    BODY_BYTES_MAX = 2048,
    INPUT_BYTES_MAX = 16 * 1024,
    ANSWER_BYTES_MAX = 1 << 20,
    QUIET_ROUNDS = 4,
    SOURCES = 200
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct loop *loop;
static struct server *server;
static uint64_t served_n;

static void serve(struct request *r, void *arg)
{
    served_n++;
    if (request_path(r).n == 0 || request_path(r).p[0] != '/')
        abort();
    request_query(r, "q");
    request_reply(r, 200, "text/plain", request_body(r).n ? STR("body") : STR("none"));
}

static void set_up(void)
{
    struct err e;
    struct server_config config = {.header_bytes_max = HEAD_BYTES_MAX, .body_bytes_max = BODY_BYTES_MAX};
    if (loop_new(&loop, &e) < 0 || server_new(loop, &config, serve, NULL, &server, &e) < 0)
        abort();
}

static void tear_down(void)
{
    server_free(server);
    loop_free(loop);
}

static struct framing framed(struct str bytes, size_t piece)
{
    struct framing f;
    framing_begin(&f, HEAD_BYTES_MAX, BODY_BYTES_MAX);
    for (size_t i = 0; i < bytes.n; i += piece)
        framing_feed(&f, bytes.p + i, bytes.n - i < piece ? bytes.n - i : piece);
    return f;
}

/* -1: every port that was free is used up for the moment, which is no fault of the server's. */
static int client_open(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server_port(server))};
    struct linger hard = {1, 0}; /* a reset at the end, or closed connections would use up all ports */
    static uint32_t turn;        /* those that the server closes wait all the same: another source for each */
    int on = 1;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < SOURCES; i++) {
        struct sockaddr_in from = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + turn++ % SOURCES)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            abort();
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on); /* connect knows which ports are free */
        if (bind(fd, (struct sockaddr *)&from, sizeof from) == 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
            return fd;
        close(fd);
    }
    return -1;
}

/* Sends everything and reads until the server closes or has nothing more to do. */
static struct str converse(struct str bytes, char *answer)
{
    struct str out = {answer, 0};
    int fd = client_open();
    if (fd < 0)
        return out;
    send(fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    for (int quiet_n = 0; quiet_n < QUIET_ROUNDS;) {
        uint64_t served_before = served_n;
        loop_once(loop, 0);
        ssize_t got = recv(fd, answer + out.n, ANSWER_BYTES_MAX - out.n, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            break;
        out.n += got > 0 ? (size_t)got : 0;
        quiet_n = got > 0 || served_n != served_before ? 0 : quiet_n + 1;
    }
    close(fd);
    for (int i = 0; i < QUIET_ROUNDS; i++)
        loop_once(loop, 0);
    if (server_open(server) != 0)
        abort(); /* every request was answered at once */
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char answer[ANSWER_BYTES_MAX];
    if (!loop) {
        set_up();
        atexit(tear_down);
    }
    if (n > INPUT_BYTES_MAX)
        return 0;
    struct str bytes = {(const char *)data, n};
    struct framing whole = framed(bytes, n + 1), cut = framed(bytes, 1);
    if (whole.status != cut.status || whole.messages != cut.messages || framing_phase(&whole) != framing_phase(&cut))
        abort();

    served_n = 0;
    struct str said = converse(bytes, answer);
    if (served_n > whole.messages || (said.n && !str_starts(said, STR("HTTP/1."))) || str_has(said, STR("<HTML>")))
        abort();
    return 0;
}
