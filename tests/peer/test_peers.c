/* The servers of this folder and the example bank as processes, over HTTP. */
#include "../unit/test.h"

#include "base/json.h"
#include "net/client.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- a process and a question to it ------------------------------------------------------------ */

struct peer {
    pid_t pid;
    char url[64];
};

static struct arena *test_arena;
static struct loop *loop;
static struct client *client;
static char dir[256]; /* of this run's files */

/* Starts the program that the environment variable names and reads where it listens. */
static struct peer peer_start(const char *variable, const char *const *flags)
{
    const char *argv[16] = {getenv(variable)};
    struct peer p = {0};
    int out[2], n = 1;
    char line[128] = "";
    if (!argv[0])
        fail_msg("%s does not say where the program is", variable);
    for (; *flags && n < 15; flags++)
        argv[n++] = *flags;
    assert_return_code(pipe2(out, O_CLOEXEC), 0);
    p.pid = fork();
    if (p.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
        dup2(out[1], STDOUT_FILENO);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(out[1]);
    for (size_t i = 0; i < sizeof line - 1 && read(out[0], line + i, 1) == 1 && line[i] != '\n'; i++)
        ;
    close(out[0]);
    if (sscanf(line, "listening on %63s", p.url) != 1)
        fail_msg("%s said \"%s\"", argv[0], line);
    return p;
}

static int peer_stop(struct peer *p)
{
    int status;
    kill(p->pid, SIGTERM);
    waitpid(p->pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

struct said {
    bool over;
    enum client_end end;
    int status, retry_after_ms;
    struct str body;
};

static void on_done(void *arg, const struct client_answer *answer)
{
    struct said *s = arg;
    *s = (struct said){true, answer->end, answer->status, answer->retry_after_ms, str_copy(test_arena, answer->body)};
}

static struct said ask_within(int ms, const struct peer *p, const char *method, const char *path, const char *key,
                              const char *body)
{
    struct client_request r = {.method = method, .url = str_f(test_arena, "%s%s", p->url, path).p, .total_ms = ms};
    struct client_hooks hooks = {.on_done = on_done};
    struct said s = {0};
    if (key)
        r.headers[0] = str_f(test_arena, "Idempotency-Key: %s", key).p;
    r.parts[0] = str_of(body);
    client_send(client, &r, &hooks, &s);
    while (!s.over)
        loop_once(loop, 50);
    return s;
}

static struct said ask(const struct peer *p, const char *method, const char *path, const char *key, const char *body)
{
    return ask_within(10000, p, method, path, key, body);
}

static struct str at(struct said s, const char *path)
{
    struct json *v;
    if (json_parse(test_arena, s.body, &v, NULL) < 0)
        fail_msg("no JSON: %.*s", STR_ARG(s.body));
    const struct json *found = json_path(v, str_of(path));
    return json_is(found, JSON_STRING) ? json_str(found) : found ? json_text(test_arena, found) : STR("(none)");
}

static int group_start(void **state)
{
    (void)state;
    test_arena = arena_new("test", 0);
    snprintf(dir, sizeof dir, "%s/candor-peers-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir);
    return !mkdtemp(dir) || loop_new(&loop, NULL) < 0 || client_new(loop, &client, NULL) < 0;
}

static int group_end(void **state)
{
    (void)state;
    int left = system(str_f(test_arena, "rm -r '%s'", dir).p);
    client_free(client);
    loop_free(loop);
    arena_free(test_arena);
    return left;
}

/* --- the bank ---------------------------------------------------------------------------------- */

#define ORDER "{\"customer\":\"ana\",\"address\":\"Rua das Laranjeiras 120\",\"reason\":\"not_received\"}"

static struct peer bank;

static int bank_start(void **state)
{
    const char *flags[] = {"--port", "0", "--data", dir, "--today", "2026-03-10", NULL};
    (void)state;
    bank = peer_start("BANK", flags);
    return 0;
}

static int bank_stop(void **state)
{
    (void)state;
    return peer_stop(&bank);
}

static int bank_reset(void **state)
{
    (void)state;
    return ask(&bank, "POST", "/control/reset", NULL, "").status != 200;
}

static int reissues_of(const char *customer)
{
    struct said s = ask(&bank, "GET", str_f(test_arena, "/v1/reissues?customer=%s", customer).p, NULL, NULL);
    struct json *v;
    assert_int_equal(json_parse(test_arena, s.body, &v, NULL), 0);
    return (int)json_path(v, STR("data.reissues"))->n;
}

TEST(the_bank_counts_its_dates_from_today)
{
    struct said order = ask(&bank, "GET", "/v1/customers/ana/card-order", NULL, NULL);
    CHECK_STR(at(order, "data.order.promised_on"), "2026-03-04");
    CHECK_STR(at(order, "data.order.carrier.name"), "Correios");
    struct said shipment = ask(&bank, "GET", "/v1/shipments/BR100000002", NULL, NULL);
    CHECK_STR(at(shipment, "data.shipment.status"), "delivered");
    CHECK_STR(at(shipment, "data.shipment.delivered_on"), "2026-03-08");
    struct said customer = ask(&bank, "GET", "/v1/customers/joao", NULL, NULL);
    CHECK_STR(at(customer, "data.customer.first_name"), "João");
    CHECK_STR(at(customer, "data.customer.address.text"), "Rua da Bahia 905, Belo Horizonte, 30160-011");
}

TEST(the_bank_says_what_it_does_not_have)
{
    struct said s = ask(&bank, "GET", "/v1/customers/frank/card-order", NULL, NULL);
    CHECK_INT(s.status, 404);
    CHECK_STR(at(s, "error.code"), "NO_CARD_ORDER");
    CHECK_STR(at(ask(&bank, "GET", "/v1/customers/zoe", NULL, NULL), "error.code"), "CUSTOMER_UNKNOWN");
    CHECK_INT(ask(&bank, "GET", "/v1/shipments/XX1", NULL, NULL).status, 404);
    CHECK_INT(ask(&bank, "DELETE", "/v1/customers", NULL, NULL).status, 405);
}

TEST(an_order_happens_once_a_key)
{
    struct said first = ask(&bank, "POST", "/v1/reissues", "k1", ORDER);
    struct said again = ask(&bank, "POST", "/v1/reissues", "k1", ORDER);
    CHECK_INT(first.status, 201);
    CHECK_INT(again.status, 201);
    CHECK(str_eq(first.body, again.body));
    CHECK_STR(at(first, "data.reissue.id"), "RC-20991");
    CHECK_STR(at(first, "data.reissue.shipping.eta_date"), "2026-03-17");
    CHECK_INT(reissues_of("ana"), 1);
    CHECK_STR(at(ask(&bank, "GET", "/v1/reissues/by-key/k1", NULL, NULL), "data.reissue.id"), "RC-20991");
    CHECK_INT(ask(&bank, "GET", "/v1/reissues/by-key/k2", NULL, NULL).status, 404);
}

TEST(an_order_that_is_wrong_is_refused_and_stays_refused)
{
    CHECK_STR(at(ask(&bank, "POST", "/v1/reissues", NULL, ORDER), "error.code"), "IDEMPOTENCY_KEY_REQUIRED");
    CHECK_INT(ask(&bank, "POST", "/v1/reissues", "k", "[").status, 400);
    struct said s =
        ask(&bank, "POST", "/v1/reissues", "k1", "{\"customer\":\"ana\",\"address\":\"\",\"reason\":\"lost\"}");
    CHECK_STR(at(s, "error.code"), "ADDRESS_INVALID");
    CHECK_STR(at(ask(&bank, "POST", "/v1/reissues", "k1", ORDER), "error.code"), "KEY_REUSED");
    s = ask(&bank, "POST", "/v1/reissues", "k2",
            "{\"customer\":\"henry\",\"address\":\"27 Quay Lane\",\"reason\":\"lost\"}");
    CHECK_INT(s.status, 409);
    CHECK_STR(at(s, "error.code"), "LIMIT_REACHED");
    s = ask(&bank, "POST", "/v1/reissues", "k3", "{\"customer\":\"zoe\",\"address\":\"1 Elm\",\"reason\":\"lost\"}");
    CHECK_STR(at(s, "error.code"), "CUSTOMER_UNKNOWN");
    CHECK_INT(reissues_of("henry"), 1);
    CHECK_INT(reissues_of("ana"), 0);
}

TEST(after_a_hang_the_same_key_gets_the_first_result)
{
    ask(&bank, "PUT", "/control", NULL, "{\"hang_after_effect_next\":1}");
    struct said s = ask_within(300, &bank, "POST", "/v1/reissues", "k1", ORDER);
    CHECK(s.end == CLIENT_TIMEOUT);
    CHECK_INT(reissues_of("ana"), 1);
    s = ask(&bank, "POST", "/v1/reissues", "k1", ORDER);
    CHECK_STR(at(s, "data.reissue.id"), "RC-20991");
    CHECK_INT(reissues_of("ana"), 1);
}

TEST(after_a_lost_connection_the_same_key_gets_the_first_result)
{
    ask(&bank, "PUT", "/control", NULL, "{\"drop_after_effect_next\":1}");
    struct said s = ask(&bank, "POST", "/v1/reissues", "k1", ORDER);
    CHECK(s.end == CLIENT_LOST);
    CHECK_STR(at(ask(&bank, "POST", "/v1/reissues", "k1", ORDER), "data.reissue.id"), "RC-20991");
    CHECK_INT(reissues_of("ana"), 1);
}

TEST(a_client_that_gives_up_on_a_slow_answer_has_its_effect)
{
    ask(&bank, "PUT", "/control", NULL, "{\"slow_ms\":2000}");
    struct said s = ask_within(200, &bank, "POST", "/v1/reissues", "k1", ORDER);
    CHECK(s.end == CLIENT_TIMEOUT);
    ask(&bank, "PUT", "/control", NULL, "{\"slow_ms\":0}");
    CHECK_INT(reissues_of("ana"), 1);
}

TEST(a_bank_that_ignores_keys_makes_two)
{
    ask(&bank, "PUT", "/control", NULL, "{\"ignore_key\":true}");
    CHECK_STR(at(ask(&bank, "POST", "/v1/reissues", "k1", ORDER), "data.reissue.id"), "RC-20991");
    CHECK_STR(at(ask(&bank, "POST", "/v1/reissues", "k1", ORDER), "data.reissue.id"), "RC-20992");
    CHECK_INT(reissues_of("ana"), 2);
}

TEST(a_bank_can_answer_a_repeat_with_an_error)
{
    ask(&bank, "PUT", "/control", NULL, "{\"error_on_repeat\":true}");
    CHECK_INT(ask(&bank, "POST", "/v1/reissues", "k1", ORDER).status, 201);
    struct said s = ask(&bank, "POST", "/v1/reissues", "k1", ORDER);
    CHECK_INT(s.status, 409);
    CHECK_STR(at(s, "error.code"), "DUPLICATE_REQUEST");
    CHECK_INT(reissues_of("ana"), 1);
}

TEST(a_bank_that_fails_does_nothing)
{
    ask(&bank, "PUT", "/control", NULL, "{\"fail_next\":1,\"reads_fail_next\":1}");
    CHECK_INT(ask(&bank, "POST", "/v1/reissues", "k1", ORDER).status, 503);
    CHECK_INT(ask(&bank, "GET", "/v1/customers", NULL, NULL).status, 503);
    CHECK_INT(reissues_of("ana"), 0);
    CHECK_INT(ask(&bank, "PUT", "/control", NULL, "{\"no_such\":1}").status, 422);
    CHECK_INT(ask(&bank, "PUT", "/control", NULL, "{\"slow_ms\":-1}").status, 422);
}

TEST(an_answered_order_outlives_a_killed_bank)
{
    struct said first = ask(&bank, "POST", "/v1/reissues", "k1", ORDER);
    kill(bank.pid, SIGKILL);
    waitpid(bank.pid, NULL, 0);
    bank_start(state);
    struct said again = ask(&bank, "POST", "/v1/reissues", "k1", ORDER);
    CHECK_INT(again.status, 201);
    CHECK(str_eq(first.body, again.body));
    CHECK_INT(reissues_of("ana"), 1);
}

/* --- the simulated provider -------------------------------------------------------------------- */

#define QUESTION "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Where is my card?\"}]}"
#define QUESTION_STREAM \
    "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Where is my card?\"}]}"

static struct said complete(const struct peer *p, const char *body)
{
    return ask_within(1000, p, "POST", "/v1/chat/completions", NULL, body);
}

TEST(the_provider_answers_whole_and_as_a_stream_at_any_speed)
{
    const char *flags[] = {"--check", NULL};
    struct peer p = peer_start("PROVIDER", flags);
    struct said s = complete(&p, QUESTION);
    CHECK_INT(s.status, 200);
    CHECK(str_has(s.body, STR("check_card_delivery")));
    s = complete(&p, QUESTION_STREAM);
    CHECK(str_ends(s.body, STR("data: [DONE]\n\n")));
    ask(&p, "PUT", "/control", NULL, "{\"latency_ms\":20,\"token_ms\":2}");
    struct said slowly = complete(&p, QUESTION_STREAM);
    CHECK(slowly.end == CLIENT_DONE);
    CHECK_INT(slowly.body.n, s.body.n);
    CHECK_INT(complete(&p, "{\"model\":\"m\",\"messages\":[{\"role\":\"tool\",\"content\":\"\"}]}").status, 400);
    CHECK_STR(at(ask(&p, "GET", "/v1/models", NULL, NULL), "object"), "list");
    CHECK_INT(peer_stop(&p), 0);
}

TEST(the_provider_fails_as_it_is_told_and_counts_it)
{
    const char *flags[] = {"--faults", "429@1,500@2,cut@3,cut@4,hang@5,badjson@6,slow@7,badargs@8", "--seed", "4",
                           NULL};
    struct peer p = peer_start("PROVIDER", flags);
    struct said s = complete(&p, QUESTION);
    CHECK(s.status == 429 && (s.retry_after_ms == 0 || s.retry_after_ms == 1000));
    CHECK_INT(complete(&p, QUESTION).status, 500);
    CHECK(complete(&p, QUESTION).end == CLIENT_LOST);
    s = complete(&p, QUESTION_STREAM);
    CHECK(s.end == CLIENT_LOST && s.status == 200 && str_starts(s.body, STR("data: {")));
    CHECK(complete(&p, QUESTION).end == CLIENT_TIMEOUT);
    s = complete(&p, QUESTION);
    CHECK(s.status == 200 && json_parse(test_arena, s.body, &(struct json *){0}, NULL) == ERR_INVALID);
    CHECK(complete(&p, QUESTION_STREAM).end == CLIENT_TIMEOUT);
    CHECK(str_has(complete(&p, QUESTION).body, STR("12 Elm\"}")));
    s = ask(&p, "GET", "/control", NULL, NULL);
    CHECK_STR(at(s, "happened.cut"), "2");
    CHECK_STR(at(s, "happened.none"), "0");
    CHECK_STR(at(s, "requests"), "8");
    CHECK_INT(peer_stop(&p), 0);
}

TEST(the_provider_says_what_a_script_says)
{
    char *path = (char *)str_f(test_arena, "%s/script.json", dir).p;
    FILE *f = fopen(path, "w");
    fputs("[{\"when\":{\"last_contains\":\"CARD\"},\"answer\":{\"text\":\"which card?\"}}]", f);
    fclose(f);
    const char *flags[] = {"--script", path, NULL};
    struct peer p = peer_start("PROVIDER", flags);
    CHECK(str_has(complete(&p, QUESTION).body, STR("which card?")));
    CHECK_INT(peer_stop(&p), 0);
}

/* --- the recorded tools ------------------------------------------------------------------------ */

TEST(the_recorded_tools_survive_clients_that_die_and_count_effects)
{
    char *path = (char *)str_f(test_arena, "%s/conversations.jsonl", dir).p;
    FILE *f = fopen(path, "w");
    fputs(
        "{\"id\":\"c-1\",\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"x\",\"name\":"
        "\"send_certificate\",\"arguments\":\"{\\\"amount\\\":50}\"}]},{\"role\":\"tool\",\"tool_call_id\":\"x\","
        "\"content\":\"sent\"}]}\n",
        f);
    fclose(f);
    const char *flags[] = {"--conversations", path, NULL};
    struct peer p = peer_start("TOOLBOX", flags);
    struct said s = ask(&p, "POST", "/tools/c-1/send_certificate", "k1", "{\"amount\": 50.0}");
    CHECK_STR(at(s, "output"), "sent");
    for (int i = 0; i < 20; i++) /* the answer's reader is gone before or after the work */
        ask_within(1 + i % 3, &p, "POST", "/tools/c-1/send_certificate", "k1", "{\"amount\":50}");
    ask(&p, "POST", "/send", NULL, "{\"label\":\"c-1\",\"mid\":\"m1\",\"text\":\"hello\"}");
    s = ask(&p, "POST", "/send", NULL, "{\"label\":\"c-1\",\"mid\":\"m1\",\"text\":\"hello\"}");
    CHECK_STR(at(s, "duplicate"), "true");
    s = ask(&p, "GET", "/state", NULL, NULL);
    CHECK_STR(at(s, "c-1.effects"), "[{\"tool\":\"send_certificate\",\"args\":{\"amount\":50}}]");
    CHECK_STR(at(s, "c-1.messages"), "[\"hello\"]");
    CHECK_STR(at(s, "c-1.duplicates"), "1");
    CHECK_INT(ask(&p, "POST", "/tools/c-1/send_certificate", "k2", "{}").status, 404);
    ask(&p, "POST", "/reset", NULL, "");
    CHECK_STR(ask(&p, "GET", "/state", NULL, NULL).body, "{}");
    CHECK_INT(peer_stop(&p), 0);
}

TEST(a_flag_that_is_not_known_ends_with_2)
{
    static const char *const programs[] = {"BANK", "PROVIDER", "TOOLBOX"};
    for (size_t i = 0; i < 3; i++) {
        int status = system(str_f(test_arena, "%s --no-such-flag 2>/dev/null", getenv(programs[i])).p);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);
        status = system(str_f(test_arena, "%s --help >/dev/null", getenv(programs[i])).p);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest bank_tests[] = {
        cmocka_unit_test_setup(the_bank_counts_its_dates_from_today, bank_reset),
        cmocka_unit_test_setup(the_bank_says_what_it_does_not_have, bank_reset),
        cmocka_unit_test_setup(an_order_happens_once_a_key, bank_reset),
        cmocka_unit_test_setup(an_order_that_is_wrong_is_refused_and_stays_refused, bank_reset),
        cmocka_unit_test_setup(after_a_hang_the_same_key_gets_the_first_result, bank_reset),
        cmocka_unit_test_setup(after_a_lost_connection_the_same_key_gets_the_first_result, bank_reset),
        cmocka_unit_test_setup(a_client_that_gives_up_on_a_slow_answer_has_its_effect, bank_reset),
        cmocka_unit_test_setup(a_bank_that_ignores_keys_makes_two, bank_reset),
        cmocka_unit_test_setup(a_bank_can_answer_a_repeat_with_an_error, bank_reset),
        cmocka_unit_test_setup(a_bank_that_fails_does_nothing, bank_reset),
        cmocka_unit_test_setup(an_answered_order_outlives_a_killed_bank, bank_reset),
    };
    const struct CMUnitTest other_tests[] = {
        cmocka_unit_test(the_provider_answers_whole_and_as_a_stream_at_any_speed),
        cmocka_unit_test(the_provider_fails_as_it_is_told_and_counts_it),
        cmocka_unit_test(the_provider_says_what_a_script_says),
        cmocka_unit_test(the_recorded_tools_survive_clients_that_die_and_count_effects),
        cmocka_unit_test(a_flag_that_is_not_known_ends_with_2),
    };
    if (group_start(NULL))
        return 1;
    int failed = cmocka_run_group_tests(bank_tests, bank_start, bank_stop);
    failed += cmocka_run_group_tests(other_tests, NULL, NULL);
    return group_end(NULL) || failed;
}
