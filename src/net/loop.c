#include "net/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

struct posted {
    void (*fn)(void *arg);
    void *arg;
};

struct posts {
    struct posted *list;
    size_t n, room;
};

struct loop_timer {
    struct event event;
    struct loop_timer *next, **link; /* in loop.timers, so that loop_free finds it */
    void (*fn)(void *arg);
    void *arg;
};

struct loop {
    struct event_base *base;
    struct event wake_event, signal_events[2], pause;
    int wake_fd;
    pthread_mutex_t lock; /* guards `waiting` */
    struct posts waiting, running;
    struct loop_timer *timers;
    bool stopped;
    void (*on_signal)(void *arg, int signal);
    void *signal_arg;
};

static const int caught_signals[] = {SIGINT, SIGTERM};

/* A burst is taken out at once; what these functions post comes after them, in the next round. */
static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct loop *l = arg;
    uint64_t count;
    if (read(fd, &count, sizeof count) < 0)
        return;

    pthread_mutex_lock(&l->lock);
    struct posts burst = l->waiting;
    l->waiting = l->running;
    pthread_mutex_unlock(&l->lock);

    for (size_t i = 0; i < burst.n; i++)
        burst.list[i].fn(burst.list[i].arg);
    burst.n = 0;
    l->running = burst;
}

static struct event_base *base_new(void)
{
    struct event_config *config = event_config_new();
    if (!config)
        return NULL;
    /* Delays are in milliseconds on the monotonic clock; the coarse one ticks every 4 ms only. They count
     * from the call, not from the start of the round. */
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_NO_CACHE_TIME);
    /* One epoll_ctl a round and socket instead of one a wish: a third of the system calls of a request. It
     * must not meet descriptors made by dup; nothing here makes any. */
    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static void raise_file_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

int loop_new(struct loop **out, struct err *e)
{
    raise_file_limit();
    signal(SIGPIPE, SIG_IGN); /* a peer that left is an error code, not a signal */

    struct loop *l = mem_get(sizeof *l);
    *l = (struct loop){.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    if (l->wake_fd < 0) {
        int r = err_set(e, ERR_IO, "cannot make an event descriptor: %s", strerror(errno));
        free(l);
        return r;
    }
    l->base = base_new();
    if (!l->base) {
        close(l->wake_fd);
        free(l);
        return err_set(e, ERR_IO, "cannot start an event loop: %s", strerror(errno));
    }
    pthread_mutex_init(&l->lock, NULL);
    event_assign(&l->wake_event, l->base, l->wake_fd, EV_READ | EV_PERSIST, on_wake, l);
    event_add(&l->wake_event, NULL);
    *out = l;
    return 0;
}

static void timer_free(struct loop_timer *t)
{
    event_del(&t->event);
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    free(t);
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    while (l->timers)
        timer_free(l->timers);
    event_del(&l->wake_event);
    event_base_free(l->base);
    close(l->wake_fd);
    pthread_mutex_destroy(&l->lock);
    free(l->waiting.list);
    free(l->running.list);
    free(l);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    struct loop *l = arg;
    l->on_signal(l->signal_arg, (int)number);
}

void loop_run(struct loop *l, void (*fn)(void *arg, int signal), void *arg)
{
    l->on_signal = fn;
    l->signal_arg = arg;
    for (int i = 0; fn && i < 2; i++) {
        evsignal_assign(&l->signal_events[i], l->base, caught_signals[i], on_signal, l);
        evsignal_add(&l->signal_events[i], NULL);
    }
    while (!l->stopped)
        event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
    l->stopped = false;
    for (int i = 0; fn && i < 2; i++)
        evsignal_del(&l->signal_events[i]);
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
    event_base_loopbreak(l->base);
}

static void on_pause(evutil_socket_t fd, short what, void *arg)
{
}

void loop_once(struct loop *l, int wait_ms)
{
    if (wait_ms <= 0) {
        event_base_loop(l->base, EVLOOP_NONBLOCK);
        return;
    }
    struct timeval wait = {wait_ms / 1000, wait_ms % 1000 * 1000};
    evtimer_assign(&l->pause, l->base, on_pause, l);
    evtimer_add(&l->pause, &wait);
    event_base_loop(l->base, EVLOOP_ONCE);
    evtimer_del(&l->pause);
}

void loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&l->lock);
    struct posts *w = &l->waiting;
    if (w->n == w->room) {
        w->room = w->room ? w->room * 2 : 64;
        w->list = mem_resize(w->list, w->room * sizeof *w->list);
    }
    w->list[w->n++] = (struct posted){fn, arg};
    bool first = w->n == 1;
    pthread_mutex_unlock(&l->lock);

    uint64_t one = 1;
    if (first && write(l->wake_fd, &one, sizeof one) < 0)
        return; /* the counter is full: the loop is awake already */
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct loop_timer *t = arg;
    void (*fn)(void *) = t->fn;
    void *fn_arg = t->arg;
    timer_free(t);
    fn(fn_arg);
}

struct loop_timer *loop_after(struct loop *l, int64_t delay_ms, void (*fn)(void *arg), void *arg)
{
    struct loop_timer *t = mem_get(sizeof *t);
    *t = (struct loop_timer){.fn = fn, .arg = arg, .next = l->timers, .link = &l->timers};
    if (t->next)
        t->next->link = &t->next;
    l->timers = t;
    if (delay_ms < 0)
        delay_ms = 0;
    struct timeval delay = {delay_ms / 1000, delay_ms % 1000 * 1000};
    evtimer_assign(&t->event, l->base, on_timer, t);
    evtimer_add(&t->event, &delay);
    return t;
}

void loop_cancel(struct loop_timer *t)
{
    timer_free(t);
}

struct event_base *loop_base(struct loop *l)
{
    return l->base;
}
