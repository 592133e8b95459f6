#include "test.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

#include <pthread.h>
#include <unistd.h>

static struct arena *a;
static char lines[1 << 20];
static size_t lines_n;

static void keep(void *arg, struct str line)
{
    assert_true(lines_n + line.n < sizeof lines);
    memcpy(lines + lines_n, line.p, line.n);
    lines_n += line.n;
    lines[lines_n] = 0;
}

static int listen(void **state)
{
    a = arena_new("test", 0);
    lines_n = 0;
    clock_set(1795333500123456);
    log_sink_set(keep, NULL);
    log_level_set(LOG_INFO);
    return 0;
}

static int stop(void **state)
{
    log_sink_set(NULL, NULL);
    clock_set(0);
    arena_free(a);
    return 0;
}

static struct json *only_line(void)
{
    struct str line = {lines, lines_n};
    struct json *v = NULL;
    struct err e;
    assert_true(str_ends(line, STR("\n")) && str_find(line, STR("\n")) == (ptrdiff_t)line.n - 1);
    if (json_parse(a, line, &v, &e) < 0)
        print_error("%s: %s", e.text, lines);
    assert_non_null(v);
    return v;
}

TEST(a_line_is_one_json_object_with_its_fields_in_their_order)
{
    log_write(LOG_WARN, "turn.ended", LOG_INT("ms", -12), LOG_ID("conversation", 1),
              LOG_STR("why", STR("n\u00e3o \"x\"")), LOG_END);
    CHECK_STR(((struct str){lines, lines_n}),
              "{\"at\":\"2026-11-22T07:45:00.123456Z\",\"level\":\"warn\",\"event\":\"turn.ended\",\"ms\":-12,"
              "\"conversation\":\"c0000000000002\",\"why\":\"n\u00e3o \\\"x\\\"\"}\n");
}

TEST(a_secret_is_never_printed_and_equal_secrets_look_equal)
{
    log_write(LOG_INFO, "key.used", LOG_SECRET("key", STR("sk-very-secret-key")), LOG_SECRET("empty", STR_NONE),
              LOG_END);
    struct json *v = only_line();
    CHECK(!strstr(lines, "sk-") && !strstr(lines, "secret-key") && !strstr(lines, "very"));
    struct str first = json_str(json_get(v, "key"));
    CHECK(str_starts(first, STR("18 bytes, sha256 ")) && first.n == strlen("18 bytes, sha256 0000..."));
    CHECK_STR(json_str(json_get(v, "empty")), "0 bytes, sha256 e3b0...");
    lines_n = 0;
    log_write(LOG_INFO, "key.used", LOG_SECRET("key", STR("sk-very-secret-key")), LOG_END);
    CHECK(str_eq(json_str(json_get(only_line(), "key")), first));
}

TEST(no_text_can_forge_a_line_or_act_on_a_terminal)
{
    static const char evil[] = "a\n{\"level\":\"error\"}\r\x1b[2J\0\x9b\xc2\x9b\x7f\xff \u202eabc\u2028z";
    log_write(LOG_INFO, "message.bad", LOG_STR("text", ((struct str){evil, sizeof evil - 1})), LOG_END);
    struct json *v = only_line();
    CHECK(v->n == 4);
    for (size_t i = 0; i + 1 < lines_n; i++)
        CHECK((unsigned char)lines[i] >= 0x20 && lines[i] != 0x7f);
    CHECK(text_invalid_at((struct str){lines, lines_n}) < 0);
    CHECK(!strstr(lines, "\u202e") && !strstr(lines, "\u2028") && !strstr(lines, "\xc2\x9b"));
}

TEST(a_line_has_a_bound_and_says_when_fields_were_left_out)
{
    struct buf many = buf_new(a, 100000);
    for (int i = 0; i < 20000; i++)
        buf_addc(&many, '\x01'); /* three bytes each once replaced */
    struct str text = buf_str(&many);
    log_write(LOG_INFO, "big", LOG_STR("a", text), LOG_STR("b", text), LOG_STR("c", text), LOG_STR("d", text),
              LOG_INT("small", 5), LOG_END);
    struct json *v = only_line();
    CHECK(lines_n <= 4096);
    CHECK(json_get(v, "a") && !json_get(v, "d") && json_int(json_get(v, "small"), 0) == 5);
    CHECK(json_bool(json_get(v, "cut"), false));
    CHECK_INT(text_length(json_str(json_get(v, "a"))), 500);
}

TEST(lines_below_the_level_are_dropped)
{
    log_write(LOG_DEBUG, "quiet", LOG_END);
    CHECK_INT(lines_n, 0);
    log_level_set(LOG_ERROR);
    log_write(LOG_WARN, "quiet", LOG_END);
    CHECK_INT(lines_n, 0);
    log_level_set(LOG_DEBUG);
    log_write(LOG_DEBUG, "loud", LOG_END);
    CHECK_STR(json_str(json_get(only_line(), "event")), "loud");
}

enum { WRITERS = 4, LINES_EACH = 200 };

static void *write_lines(void *arg)
{
    for (int i = 0; i < LINES_EACH; i++)
        log_write(LOG_INFO, "busy", LOG_INT("writer", (int64_t)(intptr_t)arg), LOG_STR("text", STR("some words")),
                  LOG_END);
    return NULL;
}

TEST(lines_of_several_threads_stay_whole)
{
    FILE *file = tmpfile();
    int was = dup(STDERR_FILENO);
    log_sink_set(NULL, NULL); /* stderr itself */
    dup2(fileno(file), STDERR_FILENO);
    pthread_t writers[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        pthread_create(&writers[i], NULL, write_lines, (void *)(intptr_t)i);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    dup2(was, STDERR_FILENO);
    close(was);

    int n = 0;
    char line[4200];
    rewind(file);
    while (fgets(line, sizeof line, file)) {
        struct json *v;
        CHECK(json_parse(a, str_of(line), &v, NULL) == 0 && json_get(v, "writer"));
        n++;
    }
    fclose(file);
    CHECK_INT(n, WRITERS * LINES_EACH);
}

#define ROW(t) cmocka_unit_test_setup_teardown(t, listen, stop)
RUN(ROW(a_line_is_one_json_object_with_its_fields_in_their_order),
    ROW(a_secret_is_never_printed_and_equal_secrets_look_equal), ROW(no_text_can_forge_a_line_or_act_on_a_terminal),
    ROW(a_line_has_a_bound_and_says_when_fields_were_left_out), ROW(lines_below_the_level_are_dropped),
    ROW(lines_of_several_threads_stay_whole))
