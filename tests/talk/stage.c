#include "stage.h"

#include "base/clock.h"
#include "base/text.h"
#include "engine/versions.h"
#include "net/client.h"
#include "props.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

enum { REST_MS_MAX = 20000, TIMERS_MAX = 100 };

/* A timer on the script's clock. */
struct due {
    int64_t at_us;
    void (*fn)(void *x);
    void *x;
};

struct stage {
    struct stage_setup setup;
    struct arena *arena;
    struct str store_path;
    struct cues *cues;
    struct props *props;
    struct due timers[TIMERS_MAX];
    size_t timers_n;

    /* what dies and starts again */
    struct loop *loop;
    struct client *client;
    struct store *store;
    struct llm *llm;
    struct runner *runner;
    const struct agent *agent;
    struct versions known; /* what the journals name, whatever the runner has */

    struct str agent_name, agent_line, customer;
    int64_t conversation, act_seq, seq;
    enum turn_at at;
    unsigned activity;
    int unanswered; /* inputs that the runner has not answered yet */
    struct runner_done last;
    int messages;
};

/* --- ports --- */

static void post_to_loop(void *loop, void (*fn)(void *), void *arg)
{
    loop_post(loop, fn, arg);
}

static void call_tool(void *arg, const struct tool_request *rq, void (*done)(void *, const struct tool_answer *),
                      void *done_arg)
{
    struct stage *s = arg;
    props_call(s->props, rq, done, done_arg);
}

static void after(void *arg, int64_t delay_ms, void (*fn)(void *), void *x)
{
    struct stage *s = arg;
    if (s->timers_n < TIMERS_MAX)
        s->timers[s->timers_n++] = (struct due){clock_now_us() + delay_ms * 1000, fn, x};
}

static void notify(void *arg, const struct conversation *c, const struct event *events, size_t n)
{
    struct stage *s = arg;
    s->activity++;
    if (s->conversation && c->id != s->conversation)
        return;
    s->at = c->turn.at;
    s->seq = c->seq;
}

static void draft(void *arg, int64_t conversation, struct str words)
{
    ((struct stage *)arg)->activity++;
}

/* --- life and death --- */

static int open_store_and_model(struct stage *s, struct err *e)
{
    struct store_config store = {.path = s->store_path.p, .post = post_to_loop, .post_arg = s->loop};
    struct llm_config model = {.kind = STR("script"), .model = STR("script")};
    struct llm_provider *provider;
    if (store_open(&store, &s->store, e) < 0 || cues_provider(s->cues, s->loop, &provider, e) < 0)
        return e->code;
    return llm_new_with(s->loop, provider, &model, &s->llm, e);
}

static int live(struct stage *s, struct err *e)
{
    if (loop_new(&s->loop, e) < 0 || client_new(s->loop, &s->client, e) < 0 || open_store_and_model(s, e) < 0)
        return e->code;
    struct json *services = json_new(s->arena, JSON_OBJECT);
    json_set(services, STR("bank"), json_new_str(s->arena, str_of(s->setup.bank_url)));
    struct tool_port http = {.loop = s->loop, .client = s->client, .world = {.services = services}};
    props_connect(s->props, s->loop, &http);
    struct runner_config config = {
        .store = s->store,
        .llm = s->llm,
        .ports = {.arg = s, .tool = call_tool, .after = after, .notify = notify, .draft = draft},
        .leased = true,
    };
    return runner_new(&config, &s->runner, e);
}

static void die(struct stage *s)
{
    if (s->store)
        store_close(s->store); /* what rests has nothing queued: the same file as after a kill */
    runner_free(s->runner);
    versions_free(&s->known);
    llm_free(s->llm);
    if (s->client)
        client_free(s->client);
    if (s->loop)
        loop_free(s->loop);
    s->store = NULL;
    s->runner = NULL;
    s->llm = NULL;
    s->client = NULL;
    s->loop = NULL;
    s->timers_n = 0;
}

struct stage *stage_new(const struct stage_setup *setup)
{
    struct arena *a = arena_new("stage", 0);
    struct stage *s = ARENA_NEW(a, struct stage);
    int64_t days = 0;
    *s = (struct stage){.setup = *setup, .arena = a, .cues = cues_new(), .props = props_new(), .at = TURN_IDLE};
    s->store_path = str_f(a, "%s/store.db", setup->dir);
    if (clock_days(STR(STAGE_DAY), &days) == 0)
        clock_set((days * 24 + 9) * 3600 * 1000000); /* nine in the morning, UTC */
    return s;
}

static void remove_file(const struct stage *s, const char *suffix)
{
    unlink(str_f(s->arena, "%s%s", s->store_path.p, suffix).p);
}

void stage_free(struct stage *s)
{
    die(s);
    static const char *const files[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        remove_file(s, files[i]);
    cues_free(s->cues);
    props_free(s->props);
    arena_free(s->arena);
    clock_set(0);
}

/* --- rest --- */

static bool resting(const struct stage *s)
{
    if (s->unanswered || props_under_way(s->props) != props_waiting(s->props))
        return false;
    switch (s->at) {
    case TURN_IDLE:
    case TURN_TIMER: return true;
    case TURN_MODEL: return cues_waiting(s->cues);
    case TURN_TOOLS:
    case TURN_ACTING: return props_waiting(s->props) > 0;
    default: return false;
    }
}

static int nothing(void *arg, struct sqlite3 *db, struct err *e)
{
    return 0;
}

static int rest(struct stage *s, struct err *e)
{
    int64_t until_us = clock_mono_us() + REST_MS_MAX * 1000LL;
    while (clock_mono_us() < until_us) {
        loop_once(s->loop, resting(s) ? 0 : 20);
        unsigned before = s->activity;
        /* The store answers in order: after this nothing is on its way any more. */
        if (!resting(s) || store_write(s->store, nothing, NULL, e) < 0)
            continue;
        loop_once(s->loop, 0);
        loop_once(s->loop, 0);
        if (resting(s) && s->activity == before)
            return 0;
    }
    return err_set(e, ERR_TIMEOUT, "it does not come to rest; the turn stands at place %d", (int)s->at);
}

static void input_done(void *arg, const struct runner_done *done)
{
    struct stage *s = arg;
    s->unanswered--;
    s->activity++;
    s->last = *done;
}

/* Waits for the answer to the input that was just given. */
static int settle(struct stage *s, struct err *e)
{
    if (rest(s, e) < 0)
        return ERR_TIMEOUT;
    if (s->last.result < 0 && e)
        *e = s->last.err;
    return s->last.result;
}

static int begin(struct stage *s, struct err *e)
{
    if (!s->conversation && stage_as(s, STR("ana"), STR("en"), 1, e) < 0)
        return e->code;
    s->act_seq = s->seq;
    s->unanswered++;
    return 0;
}

/* --- acts --- */

/* "NAME with FROM => TO": the bundle with other words in it, as another version of the files would make it. */
static struct str edited(struct stage *s, struct str bundle, struct str edit)
{
    ptrdiff_t arrow = str_find(edit, STR(" => "));
    struct buf b = buf_new(s->arena, 1 << 22);
    struct str from = str_head(edit, arrow < 0 ? 0 : (size_t)arrow), to = str_from(edit, from.n + (from.n ? 4 : 0));
    for (ptrdiff_t at; from.n && (at = str_find(bundle, from)) >= 0; bundle = str_from(bundle, (size_t)at + from.n)) {
        buf_add(&b, str_head(bundle, (size_t)at));
        buf_add(&b, to);
    }
    buf_add(&b, bundle);
    return buf_str(&b);
}

/* The agent of a workspace whose folder has another name than it: the last by name. */
static struct str agent_of(struct arena *a, const char *dir, struct str name)
{
    struct dirent **files;
    if (access(str_f(a, "%s/agents/%.*s.yaml", dir, STR_ARG(name)).p, F_OK) == 0)
        return name;
    int n = scandir(str_f(a, "%s/agents", dir).p, &files, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        struct str file = str_of(files[i]->d_name);
        if (str_ends(file, STR(".yaml")))
            name = str_copy(a, str_head(file, file.n - 5));
        free(files[i]);
    }
    if (n >= 0)
        free(files);
    return name;
}

int stage_agent(struct stage *s, struct str line, struct err *e)
{
    ptrdiff_t with = str_find(line, STR(" with "));
    struct str name = with < 0 ? line : str_head(line, (size_t)with), edit = str_from(line, name.n);
    ptrdiff_t at = str_find(name, STR("@"));
    s->agent_line = str_copy(s->arena, line);
    struct str version = at < 0 ? STR("") : str_from(name, (size_t)at + 1);
    struct str bundle;
    struct agent *agent;
    s->agent_name = str_copy(s->arena, at < 0 ? name : str_head(name, (size_t)at));
    const char *dir = str_f(s->arena, "%s/%.*s", s->setup.workspaces, STR_ARG(s->agent_name)).p;
    if (access(dir, F_OK) < 0) /* one that is only for scripts */
        dir = str_f(s->arena, "tests/talk/workspaces/%.*s", STR_ARG(s->agent_name)).p;
    s->agent_name = agent_of(s->arena, dir, s->agent_name);
    if (!s->runner && live(s, e) < 0)
        return e->code;
    props_documents(s->props, dir);
    if (agent_bundle(s->arena, dir, str_c(s->arena, s->agent_name), NULL, &bundle, e) < 0 ||
        agent_new(with < 0 ? bundle : edited(s, bundle, str_from(edit, 6)), &agent, e) < 0)
        return e->code;
    if (runner_agent(s->runner, agent, e) < 0)
        return e->code;
    s->agent = agent;
    if (!str_starts(agent->version, version))
        return err_set(e, ERR_NOT_FOUND, "%.*s is at version %.*s", STR_ARG(s->agent_name), STR_ARG(agent->version));
    return 0;
}

int stage_as(struct stage *s, struct str customer, struct str locale, int identity, struct err *e)
{
    if (!s->agent && stage_agent(s, str_of(s->setup.agent), e) < 0)
        return e->code;
    s->customer = str_copy(s->arena, customer);
    s->conversation = 0;
    s->seq = 0;
    struct runner_opening o = {.agent = s->agent,
                               .customer = s->customer,
                               .channel = STR("web"),
                               .locale = locale.n ? locale : STR("en"),
                               .identity = identity};
    s->unanswered++;
    runner_open(s->runner, &o, input_done, s);
    int r = settle(s, e);
    s->conversation = s->last.conversation;
    return r;
}

/* As the chat page's server takes it: bytes that are no text become U+FFFD. */
static int send(struct stage *s, struct str text, int client_id, struct err *e)
{
    bool repaired;
    if (begin(s, e) < 0)
        return e->code;
    runner_message(s->runner, s->conversation, text_repair(s->arena, text, &repaired),
                   str_f(s->arena, "m%d", client_id), input_done, s);
    return settle(s, e);
}

int stage_message(struct stage *s, struct str text, struct err *e)
{
    return send(s, text, ++s->messages, e);
}

int stage_resend(struct stage *s, struct str text, struct err *e)
{
    struct event *events;
    size_t n = 0;
    struct json *body = NULL;
    if (!text.n && stage_events(s, s->arena, &events, &n, e) == 0)
        while (n-- > 0 && !text.n)
            if (events[n].kind == EVENT_MESSAGE_RECEIVED && json_parse(s->arena, events[n].body, &body, e) == 0)
                text = json_str(json_get(body, "text"));
    return send(s, text, s->messages, e);
}

int stage_button(struct stage *s, struct str which, struct err *e)
{
    struct conversation *c;
    bool yes = str_is(which, "confirm"), person = str_is(which, "person");
    if (!yes && !person && !str_is(which, "cancel"))
        return err_set(e, ERR_INVALID, "the buttons are confirm, cancel and person");
    if (begin(s, e) < 0 || stage_folded(s, s->arena, &c, e) < 0)
        return e->code;
    if (person)
        runner_hand_off(s->runner, s->conversation, input_done, s);
    else
        runner_decide(s->runner, s->conversation, c->proposal.seq, c->proposal.digest, yes, input_done, s);
    return settle(s, e);
}

/* As the API asks for it. */
static int with_human(const struct conversation *c, struct err *e)
{
    return c->owner == OWNER_HUMAN ? 0 : err_set(e, ERR_CONFLICT, "take the conversation over before you write in it");
}

int stage_person(struct stage *s, struct str what, struct err *e)
{
    if (begin(s, e) < 0)
        return e->code;
    if (str_starts(what, STR("says "))) {
        struct buf b = buf_new(s->arena, 1 << 16);
        struct json_writer w = {.out = &b};
        json_open(&w, '{');
        json_pair_str(&w, "mid", str_f(s->arena, "p%d", ++s->messages));
        json_pair_str(&w, "text", str_from(what, 5));
        json_pair_str(&w, "expert", STR("maria"));
        json_close(&w, '}');
        runner_record(s->runner, s->conversation, EVENT_HUMAN_MESSAGE, buf_str(&b), with_human, input_done, s);
    } else if (str_is(what, "takes over")) {
        runner_take_over(s->runner, s->conversation, "human", STR("maria"), input_done, s);
    } else if (str_is(what, "gives back")) {
        runner_take_over(s->runner, s->conversation, "bot", STR("maria"), input_done, s);
    } else {
        s->unanswered--;
        return err_set(e, ERR_INVALID, "a person takes over, says TEXT or gives back");
    }
    return settle(s, e);
}

int stage_operator(struct stage *s, struct str what, struct err *e)
{
    bool people = str_is(what, "switches to people");
    if (!people && !str_is(what, "switches to the agent"))
        return err_set(e, ERR_INVALID, "the operator switches to the agent or switches to people");
    if (begin(s, e) < 0)
        return e->code;
    struct runner_switch how = {.from = STR(""),
                                .to = people ? STR("human") : s->agent->sha_hex,
                                .by = STR("operator"),
                                .reason = STR("the script says so")};
    runner_switch(s->runner, s->conversation, &how, input_done, s);
    return settle(s, e);
}

int stage_closes(struct stage *s, struct err *e)
{
    if (begin(s, e) < 0)
        return e->code;
    runner_record(s->runner, s->conversation, EVENT_CLOSED, STR("{\"by\":\"customer\"}"), NULL, input_done, s);
    return settle(s, e);
}

int stage_model(struct stage *s, struct str cue, struct err *e)
{
    if (!str_is(cue, "goes on"))
        return cues_add(s->cues, cue, e);
    s->act_seq = s->seq;
    return cues_go_on(s->cues, e) < 0 ? e->code : rest(s, e);
}

int stage_tool(struct stage *s, struct str line, struct err *e)
{
    if (str_ends(line, STR(" goes on")))
        s->act_seq = s->seq;
    if (props_line(s->props, line, e) < 0)
        return e->code;
    return s->conversation ? rest(s, e) : 0;
}

/* The earliest timer that is due by `until_us`; it is taken off the list. */
static bool next_timer(struct stage *s, int64_t until_us, struct due *out)
{
    size_t first = 0;
    for (size_t i = 1; i < s->timers_n; i++)
        if (s->timers[i].at_us < s->timers[first].at_us)
            first = i;
    if (!s->timers_n || s->timers[first].at_us > until_us)
        return false;
    *out = s->timers[first];
    s->timers[first] = s->timers[--s->timers_n];
    return true;
}

int stage_clock(struct stage *s, struct str by, struct err *e)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    int64_t n = 0, seconds = 0;
    for (size_t i = 0; i < sizeof units / sizeof *units && by.n > 2; i++)
        if (by.p[by.n - 1] == units[i].unit && str_int((struct str){by.p + 1, by.n - 2}, &n) == 0)
            seconds = n * units[i].seconds;
    if (!seconds || by.p[0] != '+')
        return err_set(e, ERR_INVALID, "the clock goes on by +10s, +20m, +3h or +1d");
    int64_t until_us = clock_now_us() + seconds * 1000000;
    struct due due;
    s->act_seq = s->seq;
    while (next_timer(s, until_us, &due)) {
        if (due.at_us > clock_now_us())
            clock_set(due.at_us);
        due.fn(due.x);
        if (rest(s, e) < 0)
            return e->code;
    }
    clock_set(until_us);
    return 0;
}

int stage_dies(struct stage *s, struct err *e)
{
    struct arena *a = arena_new("restart", 0);
    struct conversation *c = NULL;
    size_t taken_up;
    die(s);
    int r = live(s, e);
    s->agent = NULL;
    if (r == 0)
        r = stage_agent(s, s->agent_line, e);
    if (r == 0 && s->conversation)
        r = stage_folded(s, a, &c, e);
    if (r == 0) {
        s->act_seq = s->seq;
        s->at = c ? c->turn.at : TURN_IDLE;
        r = runner_resume(s->runner, &taken_up, e);
    }
    arena_free(a);
    return r < 0 ? r : rest(s, e);
}

/* --- the bank --- */

struct heard {
    bool over;
    int status;
    struct str body;
    struct arena *arena;
};

static void on_heard(void *arg, const struct client_answer *answer)
{
    struct heard *heard = arg;
    heard->over = true;
    heard->status = answer->end == CLIENT_DONE ? answer->status : 0;
    heard->body = str_copy(heard->arena, answer->body);
}

static struct heard ask_bank(struct stage *s, const char *method, const char *path, struct str body)
{
    struct heard heard = {.arena = s->arena};
    struct client_request rq = {
        .method = method, .url = str_f(s->arena, "%s%s", s->setup.bank_url, path).p, .parts = {body}, .total_ms = 5000};
    struct client_hooks hooks = {.on_done = on_heard};
    client_send(s->client, &rq, &hooks, &heard);
    while (!heard.over)
        loop_once(s->loop, 20);
    return heard;
}

int stage_bank(struct stage *s, struct str fault, struct str value, struct err *e)
{
    if (!s->agent && stage_agent(s, str_of(s->setup.agent), e) < 0)
        return e->code;
    bool reset = str_is(fault, "reset");
    struct str body = reset ? STR("") : str_f(s->arena, "{\"%.*s\":%.*s}", STR_ARG(fault), STR_ARG(value));
    struct heard heard = ask_bank(s, reset ? "POST" : "PUT", reset ? "/control/reset" : "/control", body);
    if (heard.status != 200)
        return err_set(e, ERR_INVALID, "the bank answers %d: %.*s", heard.status, STR_ARG(heard.body));
    return 0;
}

/* Where the bank lists what was done, by the word of an expectation. */
static const struct {
    const char *what, *path, *list;
} books[] = {
    {"reissued", "/v1/reissues?customer=@", "data.reissues"},
    {"agreed", "/v1/customers/@/agreements", "data.agreements"},
    {"promised", "/v1/customers/@/promises", "data.promises"},
    {"decided", "/v1/customers/@/limit-requests", "data.requests"},
    {"changed", "/v1/customers/@/card-events", "data.events"},
    {"sent", "/v1/customers/@/transfers", "data.transfers"},
    {"referred", "/v1/underwriting/users/@/referrals", "data.referrals"},
};

int stage_books(struct stage *s, struct str what, const struct json **out, struct err *e)
{
    size_t i = 0;
    while (i < sizeof books / sizeof *books && !str_is(what, books[i].what))
        i++;
    if (i == sizeof books / sizeof *books)
        return err_set(e, ERR_INVALID, "write: bank reissued, agreed, promised, decided, changed, sent or referred");
    struct json *body, *done = json_new(s->arena, JSON_ARRAY);
    struct str rest = str_of(books[i].path), before;
    str_split(&rest, '@', &before);
    struct str path = str_f(s->arena, "%.*s%.*s%.*s", STR_ARG(before), STR_ARG(s->customer), STR_ARG(rest));
    struct heard heard = ask_bank(s, "GET", path.p, STR(""));
    if (json_parse(s->arena, heard.body, &body, e) < 0)
        return e->code;
    const struct json *all = json_path(body, str_of(books[i].list));
    for (const struct json *row = all ? all->child : NULL; row; row = row->next)
        if (json_str(json_get(row, "key")).n || json_str(json_get(row, "idempotency_key")).n)
            json_push(done, json_copy(s->arena, row));
    *out = done;
    return 0;
}

/* --- what can be seen --- */

int64_t stage_act_seq(const struct stage *s)
{
    return s->act_seq;
}

const struct agent *stage_cast(const struct stage *s)
{
    return s->agent;
}

struct cues *stage_cues(const struct stage *s)
{
    return s->cues;
}

struct store *stage_store(const struct stage *s)
{
    return s->store;
}

enum turn_at stage_turn(const struct stage *s)
{
    return s->at;
}

bool stage_opened(const struct stage *s)
{
    return s->conversation != 0;
}

int stage_events(struct stage *s, struct arena *a, struct event **events, size_t *n, struct err *e)
{
    return journal_read(s->store, a, s->conversation, 0, 100000, events, n, e);
}

static void free_conversation(void *c)
{
    conversation_free(c);
}

struct agent_source stage_agents(struct stage *s)
{
    s->known.store = s->store;
    return versions_source(&s->known);
}

int stage_folded(struct stage *s, struct arena *a, struct conversation **out, struct err *e)
{
    struct event *events;
    size_t n;
    if (stage_events(s, a, &events, &n, e) < 0)
        return e->code;
    struct conversation *c;
    if (conversation_unfold(stage_agents(s), events, n, &c, e) < 0)
        return e->code;
    arena_defer(a, free_conversation, c);
    for (size_t i = 0; i < n; i++)
        if (conversation_fold(c, &events[i], e) < 0)
            return e->code;
    *out = c;
    return 0;
}

int stage_requests(const struct stage *s, struct str tool, bool distinct)
{
    return props_requests(s->props, tool, distinct);
}

size_t stage_tool_cues_left(const struct stage *s)
{
    return props_left(s->props);
}
