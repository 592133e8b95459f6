/* store_fixture: a store in a folder of its own, and short ways to write events into it. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include "test.h"

#include "store/journal.h"

#include <dirent.h>
#include <unistd.h>

struct place {
    char folder[64], path[96];
    struct arena *a;
    struct store *s;
};

static inline void place_open(struct place *p)
{
    struct err e = {0};
    if (store_open(&(struct store_config){.path = p->path, .bytes_free_min = 1}, &p->s, &e) < 0)
        fail_msg("%s", e.text);
}

/* In memory where that can be had: thousands of small files are made, and no disk is asked to keep them. */
static inline void folder_new(char folder[64])
{
    snprintf(folder, 64, "%s/candor-store-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(folder))
        fail_msg("no temporary folder");
}

/* A folder without a store. */
static inline struct place place_empty(void)
{
    struct place p;
    folder_new(p.folder);
    snprintf(p.path, sizeof p.path, "%s/candor.db", p.folder);
    p.a = arena_new("place", 0);
    p.s = NULL;
    return p;
}

static inline struct place place_new(void)
{
    struct place p = place_empty();
    place_open(&p);
    return p;
}

static inline void folder_remove(const char *folder)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    if (dir)
        closedir(dir);
    rmdir(folder);
}

static inline void place_free(struct place *p)
{
    store_close(p->s);
    arena_free(p->a);
    folder_remove(p->folder);
}

static inline struct event event_of(enum event_kind kind, const char *body)
{
    return (struct event){.kind = kind, .at_us = 1767225600000000, .body = str_of(body)};
}

static inline int put_fenced(struct place *p, int64_t conversation, int64_t seq, enum event_kind kind, const char *body,
                             int64_t fence, struct appended *done)
{
    struct event ev = event_of(kind, body);
    struct appended unasked;
    return store_append_wait(
        p->s, &(struct append){.conversation = conversation, .seq = seq, .events = &ev, .n = 1, .fence = fence},
        done ? done : &unasked);
}

static inline int put(struct place *p, int64_t conversation, int64_t seq, enum event_kind kind, const char *body)
{
    return put_fenced(p, conversation, seq, kind, body, 0, NULL);
}

#define OPENED_BY(customer, more) \
    "{\"agent\":\"card-delivery\",\"agent_sha\":\"00ff\",\"customer\":\"" customer "\",\"channel\":\"web\"" \
    ",\"locale\":\"en\",\"identity\":1,\"opened_date\":\"2026-01-01\"" more "}"

/* A conversation that has everything: a message, a proposal, its yes, the action, replies, a timer. */
static inline void put_everything(struct place *p, int64_t conversation, const char *channel)
{
    char opened[256];
    snprintf(opened, sizeof opened,
             "{\"agent\":\"card-delivery\",\"agent_sha\":\"00ff\",\"customer\":\"ana\",\"channel\":\"%s\","
             "\"locale\":\"en\",\"identity\":1,\"opened_date\":\"2026-01-01\",\"key\":\"k%lld\"}",
             channel, (long long)conversation);
    char key[96], done[160];
    snprintf(key, sizeof key, "{\"proposal\":4,\"tool\":\"reissue_card\",\"key\":\"act%lld\",\"attempt\":1}",
             (long long)conversation);
    snprintf(done, sizeof done,
             "{\"proposal\":4,\"key\":\"act%lld\",\"tool\":\"reissue_card\",\"class\":\"ok\","
             "\"result\":{\"card\":\"new\",\"fee\":1.50},\"ms\":7}",
             (long long)conversation);
    const struct event events[] = {
        event_of(EVENT_OPENED, opened),
        event_of(EVENT_MESSAGE_RECEIVED, "{\"text\":\"Send another card.\",\"client_id\":\"m1\"}"),
        event_of(EVENT_MODEL_ASKED, "{\"call\":1,\"prompt_sha\":\"aa\",\"prompt_bytes\":9,\"model\":\"offline\"}"),
        event_of(EVENT_ACTION_PROPOSED, "{\"call\":\"c3_0\",\"tool\":\"reissue_card\",\"args\":{},\"digest\":\"dd\"}"),
        event_of(EVENT_REPLY_SENT, "{\"mid\":\"m5\",\"text\":\"Shall I?\",\"proposal\":4}"),
        event_of(EVENT_TURN_ENDED, "{\"outcome\":\"asked\",\"model_calls\":1,\"tool_calls\":0,\"in\":1,\"out\":1}"),
        event_of(EVENT_CONFIRMATION_GIVEN, "{\"proposal\":4,\"digest\":\"dd\",\"answer\":\"yes\",\"by\":\"button\"}"),
        event_of(EVENT_ACTION_STARTED, key),
        event_of(EVENT_ACTION_DONE, done),
        event_of(EVENT_REPLY_SENT, "{\"mid\":\"m10\",\"text\":\"Done.\"}"),
        event_of(EVENT_MESSAGE_DELIVERED, "{\"mid\":\"m5\"}"),
        event_of(EVENT_TIMER_SET, "{\"due_us\":1767225700000000,\"what\":\"still there?\"}"),
        event_of(EVENT_TIMER_SET, "{\"due_us\":1767225800000000,\"what\":\"close\"}"),
        event_of(EVENT_TIMER_FIRED, "{\"timer\":12}"),
    };
    enum { N = sizeof events / sizeof *events };
    struct appended answer;
    /* in two appends, so that one starts where another ended */
    if (store_append_wait(p->s, &(struct append){.conversation = conversation, .seq = 1, .events = events, .n = 6},
                          &answer) < 0 ||
        store_append_wait(p->s,
                          &(struct append){.conversation = conversation, .seq = 7, .events = events + 6, .n = N - 6},
                          &answer) < 0)
        fail_msg("%s", answer.err.text);
}

#endif
