#include "net/child.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SIGNAL_SET_BYTES = 8, /* of the kernel */
    FILE_BYTES_MAX = 16 << 20,
    FILES_MAX = 64,
    FIRST_FREE_FD = 3,
    NOT_EXECUTED = 126,
    PIECE_BYTES = 65536,
    PATH_BYTES_MAX = 4096,
};

#define SEARCH_PATH "/usr/local/bin:/usr/bin:/bin"

struct child {
    struct children *all;
    struct child *next, **link;
    pid_t pid;                 /* 0: it did not begin */
    int pid_fd, in_fd, out_fd; /* our ends; -1: closed */
    struct event exited, writable, readable, timer;
    struct str input; /* what is still to be written */
    struct buf output;
    struct child_answer answer;
    bool over; /* we killed it: answer.end says why */
    void (*on_done)(void *, const struct child_answer *);
    void *arg;
};

struct children {
    struct event_base *base;
    struct child *list;
    size_t n;
};

/* --- the other side of fork: system calls only, since other threads may have held any lock --- */

struct start {
    const char *path, *dir;
    char *const *argv;
    int in_fd, out_fd; /* its ends */
    bool shows_errors;
    rlim_t cpu_s, memory_bytes;
};

static void limit(__rlimit_resource_t what, rlim_t most)
{
    struct rlimit r = {most, most};
    if (setrlimit(what, &r) < 0)
        _exit(NOT_EXECUTED);
}

/* By the system call itself: libc keeps two signals to itself, and whoever started us may have had them ignored. */
static void signals_as_new(void)
{
    static const uint64_t plain[8] = {0}; /* the kernel's struct: SIG_DFL, no flags, no mask */
    sigset_t none;
    for (int i = 1; i < NSIG; i++)
        syscall(SYS_rt_sigaction, i, plain, NULL, SIGNAL_SET_BYTES);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void begin(const struct start *s)
{
    static char path[] = "PATH=" SEARCH_PATH, lang[] = "LANG=C.UTF-8";
    static char *const environment[] = {path, lang, NULL};
    int in = fcntl(s->in_fd, F_DUPFD, FIRST_FREE_FD), out = fcntl(s->out_fd, F_DUPFD, FIRST_FREE_FD);
    int nowhere = s->shows_errors ? STDERR_FILENO : open("/dev/null", O_WRONLY);
    setsid();
    signals_as_new();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || dup2(in, 0) < 0 ||
        dup2(out, 1) < 0 || dup2(nowhere, 2) < 0 || syscall(SYS_close_range, FIRST_FREE_FD, ~0U, 0) < 0 ||
        chdir(s->dir) < 0)
        _exit(NOT_EXECUTED);
    limit(RLIMIT_CPU, s->cpu_s);
    limit(RLIMIT_AS, s->memory_bytes);
    limit(RLIMIT_FSIZE, FILE_BYTES_MAX);
    limit(RLIMIT_NOFILE, FILES_MAX);
    limit(RLIMIT_CORE, 0);
    execve(s->path, s->argv, environment);
    _exit(NOT_EXECUTED);
}

/* --- our side --- */

static void forget(struct event *ev, int *fd)
{
    if (*fd < 0)
        return;
    event_del(ev);
    close(*fd);
    *fd = -1;
}

/* The group is there as long as its first process was not waited for, so nobody else can have its number. */
static void kill_all(const struct child *ch)
{
    kill(-ch->pid, SIGKILL);
    kill(ch->pid, SIGKILL); /* before it came to have a group */
}

static void child_free(struct child *ch)
{
    event_del(&ch->timer);
    forget(&ch->writable, &ch->in_fd);
    forget(&ch->readable, &ch->out_fd);
    forget(&ch->exited, &ch->pid_fd);
    *ch->link = ch->next;
    if (ch->next)
        ch->next->link = ch->link;
    ch->all->n--;
    buf_free(&ch->output);
    free(ch);
}

static void stop(struct child *ch, enum child_end end, int code, const char *why)
{
    if (ch->over)
        return;
    ch->over = true;
    ch->answer.end = end;
    err_set(&ch->answer.err, code, "%s", why);
    kill_all(ch); /* on_exited comes next */
}

/* Takes what is there. False: no more will come. */
static bool drain(struct child *ch)
{
    char piece[PIECE_BYTES];
    ssize_t n;
    while ((n = read(ch->out_fd, piece, sizeof piece)) > 0) {
        buf_add(&ch->output, (struct str){piece, (size_t)n});
        if (ch->output.cut) {
            stop(ch, CHILD_TOO_LARGE, ERR_LIMIT, "the program's answer is too long");
            return false;
        }
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct child *ch = arg;
    if (!drain(ch))
        forget(&ch->readable, &ch->out_fd);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct child *ch = arg;
    ssize_t n = write(ch->in_fd, ch->input.p, ch->input.n);
    if (n > 0)
        ch->input = str_from(ch->input, (size_t)n);
    bool later = n < 0 && (errno == EAGAIN || errno == EINTR);
    if (!ch->input.n || (n < 0 && !later)) /* it need not read all */
        forget(&ch->writable, &ch->in_fd);
}

static void deliver(struct child *ch)
{
    ch->answer.output = buf_str(&ch->output);
    ch->on_done(ch->arg, &ch->answer);
    child_free(ch);
}

static void on_exited(evutil_socket_t fd, short what, void *arg)
{
    struct child *ch = arg;
    int status = 0;
    kill_all(ch); /* what it left behind */
    if (ch->out_fd >= 0)
        drain(ch);
    while (waitpid(ch->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!ch->over && WIFEXITED(status)) {
        ch->answer.end = CHILD_ENDED;
        ch->answer.status = WEXITSTATUS(status);
    } else if (!ch->over) {
        ch->answer.end = CHILD_KILLED;
        err_set(&ch->answer.err, ERR_LIMIT, "the program was ended by signal %d (%s)", WTERMSIG(status),
                strsignal(WTERMSIG(status)));
    }
    deliver(ch);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct child *ch = arg;
    if (ch->pid)
        stop(ch, CHILD_TIMEOUT, ERR_TIMEOUT, "the program did not end in its time");
    else
        deliver(ch);
}

static void set_timer(struct child *ch, int ms)
{
    struct timeval wait = {ms / 1000, ms % 1000 * 1000};
    evtimer_add(&ch->timer, &wait);
}

/* --- starting --- */

static bool runs(const char *path)
{
    return access(path, X_OK) == 0;
}

/* Where the program is. Told before it is tried, since later nobody can say whether it began. */
static int find(const struct child_request *q, char path[PATH_BYTES_MAX], struct err *e)
{
    const char *name = q->argv[0];
    struct str rest = STR(SEARCH_PATH), folder;
    bool named = strchr(name, '/');
    if (named) {
        int n = snprintf(path, PATH_BYTES_MAX, "%s%s%s", name[0] == '/' ? "" : q->dir, name[0] == '/' ? "" : "/", name);
        if (n < PATH_BYTES_MAX && runs(path))
            return 0;
    }
    while (!named && str_split(&rest, ':', &folder)) {
        int n = snprintf(path, PATH_BYTES_MAX, "%.*s/%s", STR_ARG(folder), name);
        if (n < PATH_BYTES_MAX && runs(path))
            return 0;
    }
    return named && access(path, F_OK) == 0 ? err_set(e, ERR_DENIED, "the program %s may not be run", name)
                                            : err_set(e, ERR_NOT_FOUND, "there is no program %s", name);
}

static void shut(int fds[2])
{
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static int start(struct child *ch, const struct child_request *q, struct err *e)
{
    char path[PATH_BYTES_MAX];
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    if (ch->all->n > CHILDREN_MAX)
        return err_set(e, ERR_BUSY, "%d programs run already", CHILDREN_MAX);
    if (find(q, path, e) < 0)
        return e->code;
    bool in_dir = strchr(q->argv[0], '/') && q->argv[0][0] != '/';
    struct start s = {.path = in_dir ? q->argv[0] : path, /* it is in dir by then */
                      .dir = q->dir,
                      .argv = (char *const *)(uintptr_t)q->argv,
                      .shows_errors = q->shows_errors,
                      .cpu_s = (rlim_t)q->timeout_ms / 1000 + 1,
                      .memory_bytes = q->memory_bytes_max};
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0) {
        shut(in);
        return err_set(e, ERR_IO, "cannot make a pipe: %s", strerror(errno));
    }
    s.in_fd = in[0];
    s.out_fd = out[1];
    pid_t pid = fork();
    if (pid == 0)
        begin(&s);
    int why = errno;
    close(in[0]);
    close(out[1]);
    ch->in_fd = in[1];
    ch->out_fd = out[0];
    if (pid < 0)
        return err_set(e, ERR_IO, "cannot start a process: %s", strerror(why));
    ch->pid = pid;
    return 0;
}

static void watch(struct child *ch, int timeout_ms)
{
    struct event_base *base = ch->all->base;
    fcntl(ch->in_fd, F_SETFL, O_NONBLOCK);
    fcntl(ch->out_fd, F_SETFL, O_NONBLOCK);
    event_assign(&ch->exited, base, ch->pid_fd, EV_READ, on_exited, ch);
    event_assign(&ch->writable, base, ch->in_fd, EV_WRITE | EV_PERSIST, on_writable, ch);
    event_assign(&ch->readable, base, ch->out_fd, EV_READ | EV_PERSIST, on_readable, ch);
    event_add(&ch->exited, NULL);
    event_add(&ch->writable, NULL);
    event_add(&ch->readable, NULL);
    set_timer(ch, timeout_ms);
}

static void give_up(struct child *ch)
{
    if (ch->in_fd >= 0)
        close(ch->in_fd);
    if (ch->out_fd >= 0)
        close(ch->out_fd);
    ch->in_fd = ch->out_fd = -1;
    ch->answer.end = CHILD_NOT_RUN;
    set_timer(ch, 0);
}

void child_run(struct children *c, const struct child_request *q, void (*on_done)(void *, const struct child_answer *),
               void *arg)
{
    struct child *ch = mem_get(sizeof *ch);
    *ch = (struct child){.all = c,
                         .next = c->list,
                         .link = &c->list,
                         .pid_fd = -1,
                         .in_fd = -1,
                         .out_fd = -1,
                         .input = q->input,
                         .output = buf_new(NULL, q->answer_bytes_max),
                         .on_done = on_done,
                         .arg = arg};
    if (ch->next)
        ch->next->link = &ch->next;
    c->list = ch;
    c->n++;
    evtimer_assign(&ch->timer, c->base, on_timer, ch);
    if (start(ch, q, &ch->answer.err) < 0) {
        give_up(ch);
        return;
    }
    ch->pid_fd = (int)syscall(SYS_pidfd_open, ch->pid, 0);
    if (ch->pid_fd >= 0) {
        watch(ch, q->timeout_ms);
        return;
    }
    err_set(&ch->answer.err, ERR_IO, "cannot watch a process: %s", strerror(errno));
    kill_all(ch);
    waitpid(ch->pid, NULL, 0);
    ch->pid = 0;
    give_up(ch);
    ch->answer.end = CHILD_KILLED; /* it may have begun */
}

struct children *children_new(struct loop *l)
{
    struct children *c = mem_get(sizeof *c);
    *c = (struct children){.base = loop_base(l)};
    return c;
}

void children_free(struct children *c)
{
    while (c && c->list) {
        struct child *ch = c->list;
        if (ch->pid) {
            kill_all(ch);
            waitpid(ch->pid, NULL, 0);
        }
        child_free(ch);
    }
    free(c);
}
