#include "app/command.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/published.h"
#include "eval/replay.h"
#include "net/client.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STALLED_US = 60000000, RESULT_BYTES_MAX = 1 << 16 };

static void post_to_loop(void *loop, void (*fn)(void *), void *x)
{
    loop_post(loop, fn, x);
}

static void after(void *arg, int64_t delay_ms, void (*fn)(void *), void *x)
{
    fn(x); /* a recorded tool is never unsure: nothing waits here */
    (void)arg;
    (void)delay_ms;
}

struct stage {
    struct loop *loop;
    struct client *client;
    struct store *source, *target;
    struct llm *llm;
    struct runner *runner;
    struct replay *replay;
    struct agent *agent; /* the runner's once it has it */
};

static int set_up(struct command_context *c, struct stage *s, const struct settings *settings)
{
    struct arena *a = c->arena;
    const char *set = c->argv[0], *dir = str_c(a, settings->dir);
    const char *target = str_f(a, "%s/data/replay.db", dir).p, *recording = str_f(a, "%s/data/replay.jsonl", dir).p;
    struct str bundle;
    struct store_config from = {.path = str_c(a, settings->store), .read_only = true};
    if (command_set_there(c, from.path) < 0 || settings_data_dir(settings, c->err) < 0 ||
        loop_new(&s->loop, c->err) < 0 || client_new(s->loop, &s->client, c->err) < 0 ||
        store_open(&from, &s->source, c->err) < 0 || replay_write_recording(s->source, set, recording, c->err) < 0 ||
        replay_new(s->source, set, &s->replay, c->err) < 0)
        return c->err->code;
    for (const char *const *tail = (const char *const[]){"", "-wal", "-shm", NULL}; *tail; tail++)
        unlink(str_f(a, "%s%s", target, *tail).p); /* the last replay's */
    struct store_config to = {.path = target, .post = post_to_loop, .post_arg = s->loop};
    struct llm_config model = {.kind = STR("recorded"), .recording = str_of(recording)};
    if (store_open(&to, &s->target, c->err) < 0 || llm_new(s->loop, s->client, &model, &s->llm, c->err) < 0)
        return c->err->code;
    struct runner_config config = {
        .store = s->target, .llm = s->llm, .ports = replay_ports(s->replay, post_to_loop, s->loop), .leased = true};
    config.ports.after = after;
    if (!settings->agent.n)
        return err_set(c->err, ERR_INVALID, "candor.yaml names no agent to replay with; add `agent: NAME`");
    struct published published = {.store = s->source};
    if (published_bundle(&published, a, dir, settings->agent, &bundle, c->err) < 0 ||
        agent_new(bundle, &s->agent, c->err) < 0 || runner_new(&config, &s->runner, c->err) < 0)
        return c->err->code;
    return runner_agent(s->runner, s->agent, c->err);
}

/* What was stopped in the middle still has answers of the store on their way. */
static void settle(struct stage *s)
{
    runner_stop(s->runner);
    do
        loop_once(s->loop, 10);
    while (!runner_stopped(s->runner));
}

static void tear_down(struct stage *s)
{
    if (s->runner)
        settle(s);
    if (s->target)
        store_close(s->target);
    runner_free(s->runner);
    llm_free(s->llm);
    if (s->source)
        store_close(s->source);
    replay_free(s->replay);
    client_free(s->client);
    loop_free(s->loop);
}

/* Until all is played, or Ctrl-C was pressed. */
static int play(struct stage *s, struct err *e)
{
    int64_t moved_us = clock_mono_us();
    uint64_t steps = 0;
    replay_start(s->replay, s->runner, s->agent);
    while (!replay_finished(s->replay) && !command_stop_asked()) {
        loop_once(s->loop, 100);
        if (replay_steps(s->replay) != steps)
            moved_us = clock_mono_us();
        else if (clock_mono_us() - moved_us > STALLED_US)
            return err_set(e, ERR_TIMEOUT, "the replay stands still: for a minute nothing happened");
        steps = replay_steps(s->replay);
    }
    return 0;
}

static int told(struct command_context *c, const struct replay_result *r, double seconds)
{
    struct buf b = buf_new(c->arena, RESULT_BYTES_MAX);
    double reuse = r->prompts.bytes ? 100.0 * (double)r->prompts.prefix_bytes / (double)r->prompts.bytes : 0;
    if (c->json) {
        buf_addf(&b, "{\"conversations\":%zu,\"equal\":%zu,\"left_out\":%zu,", r->conversations, r->equal, r->left_out);
        buf_addf(&b, "\"calls\":%zu,\"calls_equal\":%zu,\"replies\":%zu,\"replies_equal\":%zu,", r->calls,
                 r->calls_equal, r->replies, r->replies_equal);
        buf_addf(&b, "\"prompts\":%lld,\"prompts_reproduced\":%lld,\"prefix_reuse_percent\":%.1f,\"seconds\":%.2f}\n",
                 (long long)r->prompts.prompts, (long long)r->prompts.reproduced, reuse, seconds);
        return command_tell(c, buf_str(&b));
    }
    buf_addf(&b, "conversations equal      %zu of %zu\n", r->equal, r->conversations);
    buf_addf(&b, "calls with arguments     %zu of %zu\n", r->calls_equal, r->calls);
    buf_addf(&b, "replies                  %zu of %zu\n", r->replies_equal, r->replies);
    buf_addf(&b, "prompt hashes reproduced %lld of %lld\n", (long long)r->prompts.reproduced,
             (long long)r->prompts.prompts);
    buf_addf(&b, "prompt bytes re-used     %.1f %% as an exact prefix\n", reuse);
    buf_addf(&b, "time                     %.2f s\n", seconds);
    if (r->left_out)
        buf_addf(&b, "left out                 %zu, the first being %.*s\n", r->left_out, STR_ARG(r->first_left_out));
    if (r->first_difference.n)
        buf_addf(&b, "first difference: %.*s\n", STR_ARG(r->first_difference));
    return command_tell(c, buf_str(&b));
}

int cmd_replay(struct command_context *c)
{
    struct settings settings;
    struct stage s = {0};
    struct replay_result result;
    int r = command_settings(c, &settings);
    if (r)
        return r;
    command_catch_stop(NULL);
    log_level_set(LOG_ERROR); /* that a recording has come to its end is no news here */
    r = set_up(c, &s, &settings);
    if (r == 0) {
        int64_t began = clock_mono_us();
        r = play(&s, c->err);
        double seconds = (double)(clock_mono_us() - began) / 1e6;
        if (r == 0 && command_stop_asked())
            r = command_stopped(c, "before the end; a replay is compared as a whole, so the same command begins anew");
        if (r == 0)
            r = replay_compare(s.replay, s.target, c->arena, &result, c->err);
        if (r == 0)
            r = told(c, &result, seconds);
        if (r == 0)
            r = result.equal == result.conversations && result.prompts.reproduced == result.prompts.prompts ? 0 : 1;
    }
    tear_down(&s);
    return r;
}
