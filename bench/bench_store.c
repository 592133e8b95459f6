/* What the store costs: durable events per second, how long a commit keeps its appender waiting, processor time
 * and bytes of database. Each appender holds one card-delivery conversation of three turns (36 events in 18
 * appends) after another and waits for every append's commit, as the engine does.
 *
 *   bench_store [FOLDER [SECONDS]]      FOLDER on the disk to be measured; one CSV row per number of appenders
 */
#include "base/clock.h"
#include "store/journal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct line {
    int appends; /* 1: a new append begins here */
    enum event_kind kind;
    const char *body;
};

#define HEX             "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define ASKED(n, bytes) "{\"call\":" #n ",\"prompt_sha\":\"" HEX "\",\"prompt_bytes\":" #bytes "}"
#define SAID(id, text) \
    "{\"text\":\"" text "\",\"client_id\":\"0d4e5a52-6a39-4f0e-9f6a-3f0c5b1e7a" #id "\",\"payload_sha\":\"" \
    "9f86d081884c7d65\"}"
#define CALLED(id, tool, args) \
    "{\"calls\":[{\"id\":\"" id "\",\"pid\":\"call_1\",\"name\":\"" tool "\",\"args\":\"" args \
    "\"}],\"finish\":\"tool_calls\",\"in\":1530,\"out\":31}"
#define NOTED(slot, value, source, seq, step) \
    "{\"by\":\"runtime\",\"set\":[{\"slot\":\"" slot "\",\"value\":" value ",\"source\":\"" source \
    "\",\"status\":\"known\",\"evidence\":[" seq "]}],\"step\":\"" step "\"}"
#define ENDED(outcome, calls, tools) \
    "{\"outcome\":\"" outcome "\",\"model_calls\":" #calls ",\"tool_calls\":" #tools ",\"in\":2140,\"out\":96}"

/* Bodies as the engine writes them (docs/JOURNAL.md), in the sizes of the example. */
static const struct line conversation[] = {
    {1, EVENT_OPENED,
     "{\"agent\":\"card-delivery\",\"agent_sha\":\"" HEX "\",\"customer\":\"ana\",\"channel\":\"web\","
     "\"locale\":\"en\",\"identity\":1,\"opened_date\":\"2026-01-15\"}"},
    {1, EVENT_MESSAGE_RECEIVED, SAID(01, "Hello, my new card has not come yet. Where is it?")},
    {1, EVENT_MODEL_ASKED, ASKED(1, 6120)},
    {0, EVENT_MODEL_ANSWERED, CALLED("c4_0", "get_customer_profile", "{}")},
    {1, EVENT_TOOL_ANSWERED,
     "{\"call\":\"c4_0\",\"tool\":\"get_customer_profile\",\"class\":\"ok\",\"result\":{\"name\":\"Ana Souza\","
     "\"address_type\":\"apartment\",\"city\":\"Recife\"},\"ms\":4}"},
    {0, EVENT_SCRATCHPAD_UPDATED, NOTED("address_type", "\"apartment\"", "tool", "5", "fetch")},
    {0, EVENT_MODEL_ASKED, ASKED(2, 6500)},
    {1, EVENT_MODEL_ANSWERED, CALLED("c8_0", "check_card_delivery", "{}")},
    {1, EVENT_TOOL_ANSWERED,
     "{\"call\":\"c8_0\",\"tool\":\"check_card_delivery\",\"class\":\"ok\",\"result\":{\"card\":\"last4 4821\","
     "\"status\":\"in_transit\",\"carrier\":\"Rapido\",\"shipped\":\"2026-01-03\",\"expected\":\"2026-01-10\","
     "\"days_late\":5},\"ms\":9}"},
    {0, EVENT_SCRATCHPAD_UPDATED, NOTED("days_late", "5", "tool", "9", "compare")},
    {0, EVENT_MODEL_ASKED, ASKED(3, 7010)},
    {1, EVENT_MODEL_ANSWERED,
     "{\"text\":\"Your card left on January 3 and should have arrived by January 10. You live in an apartment: "
     "could you ask the front desk?\",\"calls\":[],\"finish\":\"stop\",\"in\":1720,\"out\":44}"},
    {0, EVENT_REPLY_SENT,
     "{\"mid\":\"7530178985552629401-13\",\"of\":12,\"text\":\"Your card left on January 3 and should have arrived by "
     "January 10. You "
     "live in an apartment: could you ask the front desk?\"}"},
    {0, EVENT_TURN_ENDED, ENDED("replied", 3, 2)},
    {1, EVENT_MESSAGE_RECEIVED, SAID(02, "They do not have it. Please send another one.")},
    {1, EVENT_SCRATCHPAD_UPDATED, NOTED("front_desk", "\"no\"", "customer", "15", "offer")},
    {0, EVENT_MODEL_ASKED, ASKED(4, 7400)},
    {1, EVENT_MODEL_ANSWERED, CALLED("c18_0", "check_card_delivery", "{}")},
    {1, EVENT_TOOL_ANSWERED,
     "{\"call\":\"c18_0\",\"tool\":\"check_card_delivery\",\"class\":\"ok\",\"result\":{\"status\":\"in_transit\"},"
     "\"memory\":true,\"ms\":0}"},
    {0, EVENT_MODEL_ASKED, ASKED(5, 7600)},
    {1, EVENT_MODEL_ANSWERED, CALLED("c21_0", "reissue_card", "{\\\"address\\\":\\\"home\\\"}")},
    {0, EVENT_ACTION_PROPOSED,
     "{\"call\":\"c21_0\",\"tool\":\"reissue_card\",\"args\":{\"address\":\"home\"},\"digest\":\"" HEX "\","
     "\"title\":\"Send a new "
     "card\",\"shown\":[{\"name\":\"address\",\"label\":\"Address\",\"value\":\"home\"}],\"expires_us\":"
     "1768480000000000,\"gate\":\"customer\"}"},
    {0, EVENT_REPLY_SENT,
     "{\"mid\":\"7530178985552629401-23\",\"macro\":\"confirm_reissue\",\"proposal\":22,\"text\":\"I can send a new "
     "card to your home "
     "address and block the one on its way. Shall I do that?\"}"},
    {0, EVENT_TURN_ENDED, ENDED("asked", 2, 1)},
    {1, EVENT_MESSAGE_RECEIVED, SAID(03, "Yes please.")},
    {1, EVENT_CONFIRMATION_GIVEN,
     "{\"proposal\":22,\"digest\":\"" HEX "\",\"answer\":\"yes\",\"by\":\"text\",\"evidence\":25}"},
    {0, EVENT_ACTION_STARTED, NULL},
    {1, EVENT_ACTION_DONE, NULL},
    {0, EVENT_SCRATCHPAD_UPDATED, NOTED("reissued", "true", "tool", "28", "close")},
    {0, EVENT_MODEL_ASKED, ASKED(6, 7900)},
    {1, EVENT_MODEL_ANSWERED,
     "{\"text\":\"Done: a new card is on its way and should arrive by January 25.\",\"calls\":[],\"finish\":\"stop\","
     "\"in\":1905,\"out\":19}"},
    {0, EVENT_REPLY_SENT,
     "{\"mid\":\"7530178985552629401-32\",\"of\":31,\"text\":\"Done: a new card is on its way and should arrive by "
     "January 25.\"}"},
    {0, EVENT_SCRATCHPAD_UPDATED, NOTED("outcome", "\"reissued\"", "runtime", "28", "close")},
    {0, EVENT_TURN_ENDED, ENDED("replied", 1, 1)},
    {1, EVENT_RATING_GIVEN, "{\"score\":5,\"comment\":\"Quick.\"}"},
    {1, EVENT_CLOSED, "{\"by\":\"customer\"}"},
};
enum { EVENTS = sizeof conversation / sizeof *conversation, APPENDERS_MAX = 256, SAMPLES_MAX = 1 << 20 };

struct appender {
    int64_t id;
    struct event events[EVENTS];
    char started[128], done[256]; /* an action's key is its own in every conversation */
    int at;                       /* the event that the next append begins with */
    int64_t asked_us;
};

static struct {
    struct store *store;
    pthread_mutex_t mutex;
    pthread_cond_t idle;
    int running;
    int64_t until_us, events, appends, conversations, groups;
    size_t samples_n;
    float *samples_us;
} run = {.mutex = PTHREAD_MUTEX_INITIALIZER, .idle = PTHREAD_COND_INITIALIZER};

/* Like rng_id's, but without its chance of giving one number twice within a millisecond. */
static int64_t id_next(void)
{
    static _Atomic int64_t last;
    int64_t now = clock_now_us() / 1000 << 22, before = atomic_load(&last), id;
    do
        id = before < now ? now : before + 997;
    while (!atomic_compare_exchange_weak(&last, &before, id));
    return id;
}

static void conversation_begin(struct appender *ap)
{
    ap->id = id_next();
    ap->at = 0;
    snprintf(ap->started, sizeof ap->started,
             "{\"proposal\":22,\"tool\":\"reissue_card\",\"key\":\"4f6m0v2c%018llx\",\"attempt\":1}",
             (unsigned long long)ap->id);
    snprintf(ap->done, sizeof ap->done,
             "{\"proposal\":22,\"key\":\"4f6m0v2c%018llx\",\"tool\":\"reissue_card\",\"class\":\"ok\","
             "\"result\":{\"card\":\"last4 9034\",\"expected\":\"2026-01-25\"},\"ms\":12}",
             (unsigned long long)ap->id);
    for (int i = 0; i < EVENTS; i++) {
        const char *body = conversation[i].body;
        if (!body)
            body = conversation[i].kind == EVENT_ACTION_STARTED ? ap->started : ap->done;
        ap->events[i] = (struct event){.kind = conversation[i].kind, .at_us = clock_now_us(), .body = str_of(body)};
    }
}

static void append_next(struct appender *ap);

static void appended(void *arg, const struct appended *done)
{
    struct appender *ap = arg;
    if (done->result < 0) {
        fprintf(stderr, "%s\n", done->err.text);
        exit(3);
    }
    run.appends++;
    run.events += done->seq_next - 1 - ap->at;
    if (run.samples_n < SAMPLES_MAX)
        run.samples_us[run.samples_n++] = (float)(clock_mono_us() - ap->asked_us);
    ap->at = (int)(done->seq_next - 1);
    if (ap->at == EVENTS) {
        run.conversations++;
        conversation_begin(ap);
        if (clock_mono_us() > run.until_us) {
            pthread_mutex_lock(&run.mutex);
            run.running--;
            pthread_cond_signal(&run.idle);
            pthread_mutex_unlock(&run.mutex);
            return;
        }
    }
    append_next(ap);
}

static void append_next(struct appender *ap)
{
    int n = 1;
    while (ap->at + n < EVENTS && !conversation[ap->at + n].appends)
        n++;
    ap->asked_us = clock_mono_us();
    store_append(run.store,
                 &(struct append){.conversation = ap->id,
                                  .seq = ap->at + 1,
                                  .events = &ap->events[ap->at],
                                  .n = (size_t)n,
                                  .fence = store_fence(run.store)},
                 appended, ap);
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void count_group(void *arg, void (*fn)(void *), void *x)
{
    run.groups++;
    fn(x);
}

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return 1e6 * (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void measure(const char *folder, int appenders, double seconds)
{
    static struct appender all[APPENDERS_MAX];
    char path[512], log[520], lock[520];
    snprintf(path, sizeof path, "%s/bench-store-%d.db", folder, (int)getpid());
    snprintf(log, sizeof log, "%s-wal", path);
    snprintf(lock, sizeof lock, "%s.lock", path);
    struct err e;
    if (store_open(&(struct store_config){.path = path, .post = count_group}, &run.store, &e) < 0) {
        fprintf(stderr, "%s\n", e.text);
        exit(3);
    }
    run.events = run.appends = run.conversations = run.groups = 0;
    run.samples_n = 0;
    run.running = appenders;
    int64_t began_us = clock_mono_us();
    double cpu_began_us = cpu_us();
    run.until_us = began_us + (int64_t)(seconds * 1e6);
    for (int i = 0; i < appenders; i++) {
        conversation_begin(&all[i]);
        append_next(&all[i]);
    }
    pthread_mutex_lock(&run.mutex);
    while (run.running)
        pthread_cond_wait(&run.idle, &run.mutex);
    pthread_mutex_unlock(&run.mutex);
    double took_s = (double)(clock_mono_us() - began_us) / 1e6, cpu = cpu_us() - cpu_began_us;
    store_close(run.store);
    struct stat st;
    if (stat(path, &st) != 0)
        exit(3);
    qsort(run.samples_us, run.samples_n, sizeof *run.samples_us, by_size);
    printf("%d,%.0f,%.0f,%.0f,%.1f,%.0f,%.0f,%.2f,%.0f\n", appenders, (double)run.events / took_s,
           (double)run.conversations * 3 / took_s, (double)run.groups / took_s,
           (double)run.appends / (double)run.groups, run.samples_us[run.samples_n / 2],
           run.samples_us[run.samples_n * 99 / 100], cpu / (double)run.events,
           (double)st.st_size / (double)run.conversations);
    fflush(stdout);
    unlink(path);
    unlink(log);
    unlink(lock);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : ".";
    double seconds = argc > 2 ? atof(argv[2]) : 3;
    const int appenders[] = {1, 16, 256};
    run.samples_us = mem_get(SAMPLES_MAX * sizeof *run.samples_us);
    printf("appenders,events_per_s,turns_per_s,commits_per_s,appends_per_commit,append_us_p50,append_us_p99,"
           "cpu_us_per_event,database_bytes_per_conversation\n");
    for (size_t i = 0; i < sizeof appenders / sizeof *appenders; i++)
        measure(folder, appenders[i], seconds);
    free(run.samples_us);
    return 0;
}
