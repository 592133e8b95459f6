/* offline_fixture: prompts of the card-delivery example, made by hand as docs/PROMPT.md says, and what the offline
 * provider answers to them. Reads the example's files; knows nothing of the engine. */
#ifndef TESTS_UNIT_OFFLINE_FIXTURE_H
#define TESTS_UNIT_OFFLINE_FIXTURE_H

#include "test.h"

#include "base/yaml.h"
#include "llm/llm_offline_walk.h"

#define EXAMPLE "examples/card-delivery/"
#define ROUTINE "card_delivery_investigation"

static struct arena *a;
static struct offline_plan *plan;
static struct str shared;

static inline struct json *yaml_file(const char *path)
{
    static char text[1 << 16];
    struct json *v;
    struct err e;
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(text, 1, sizeof text, f) : 0;
    if (!f || yaml_parse(a, str_copy(a, (struct str){text, n}), path, &v, &e) < 0)
        fail_msg("%s: %s", path, f ? e.text : "not here; tests run in the project's root");
    fclose(f);
    return v;
}

static inline void add_pack(struct json *macros, const char *pack)
{
    const struct json *texts = json_get(yaml_file(str_f(a, EXAMPLE "macros/%s.yaml", pack).p), "texts");
    for (const struct json *t = texts->child; t; t = t->next)
        json_set(macros, str_f(a, "%s.%.*s", pack, STR_ARG(t->key)), json_copy(a, t));
}

static inline struct str message(const char *role, struct str content)
{
    struct buf b = buf_new(a, 1 << 20);
    buf_addf(&b, "{\"role\":\"%s\",\"content\":\"", role);
    json_escape(&b, content);
    buf_adds(&b, "\"}");
    return buf_str(&b);
}

static inline struct str shared_of(const struct json *routine)
{
    struct json *macros = json_new(a, JSON_OBJECT);
    add_pack(macros, "cards");
    add_pack(macros, "runtime");
    return message("system", str_f(a,
                                   "# voice\n## Role\nYou answer.\n## macros\nare sentences\n\n## routine " ROUTINE
                                   "\n%.*s\n## macros\n%.*s\n## scratchpad\n%.*s\n",
                                   STR_ARG(json_text(a, routine)), STR_ARG(json_text(a, macros)),
                                   STR_ARG(json_text(a, yaml_file(EXAMPLE "scratchpads/card_case.yaml")))));
}

#define PROFILE(type) \
    "\"get_customer_profile\":{\"first_name\":\"Lia\",\"address\":\"12 Elm Street\",\"address_type\":\"" type "\"}"
#define DELIVERY(status, late) \
    "\"check_card_delivery\":{\"card_last4\":\"4417\",\"promised_on\":\"2026-11-10\",\"carrier\":\"Correios\"," \
    "\"tracking_code\":\"BR1\",\"status\":\"" status "\",\"delivered_on\":\"2026-11-09\",\"days_late\":" late "}"
#define FETCHED \
    "\"tool_class\":{\"get_customer_profile\":\"ok\",\"check_card_delivery\":\"ok\"},\"tool\":{" PROFILE("apartment")
#define APARTMENT FETCHED "," DELIVERY("delivered", "12") "}"
#define LATE      FETCHED "," DELIVERY("in_transit", "12") "}"
#define ON_TIME   FETCHED "," DELIVERY("in_transit", "-3") "}"
#define AT(step)  "\"routine\":\"" ROUTINE "\",\"step\":\"" step "\""
#define PROPOSAL(state, times) \
    "\"proposal\":{\"id\":9,\"tool\":\"reissue_card\",\"args\":{},\"state\":\"" state "\",\"times\":" times "}"

/* The state block: an ordinary beginning with `more` members put over it. */
static inline struct str state_of(const char *language, const char *more)
{
    struct json *root, *over;
    struct err e;
    const char *plain =
        "{\"time\":\"2026-11-22T10:00:00Z\",\"date\":\"2026-11-22\",\"routine\":null,\"step\":null,"
        "\"slot\":{\"reissue_reason\":\"not_received\"},\"slot_status\":{\"reissue_reason\":\"default\"},"
        "\"tool\":{},\"tool_class\":{},\"asked\":{},\"proposal\":null,"
        "\"session\":{\"customer\":\"C1\",\"identity\":1},\"left\":{\"model_calls\":8,\"tool_calls\":12}}";
    struct str text = str_f(a, "{%s}", more);
    if (json_parse(a, str_of(plain), &root, &e) < 0 || json_parse(a, text, &over, &e) < 0)
        fail_msg("state: %s in %s", e.text, more);
    json_set(root, STR("language"), json_new_str(a, str_of(language)));
    for (struct json *m = over->child; m; m = m->next)
        json_set(root, m->key, json_copy(a, m));
    struct str content =
        str_f(a, "State of this conversation, kept by the runtime:\n%.*s", STR_ARG(json_text(a, root)));
    return str_f(a, ",%.*s", STR_ARG(message("system", content)));
}

#define OPENING ",{\"role\":\"system\",\"content\":\"Conversation {}\"}"
#define CALLED(name) \
    ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c5_0\",\"type\":\"function\",\"function\":" \
    "{\"name\":\"" name "\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c5_0\",\"content\":" \
    "\"{\\\"class\\\":\\\"ok\\\",\\\"result\\\":{\\\"a\\\":\\\"}{\\\\\\\"\\\"}}\"}"

static inline struct str after_words(const char *words)
{
    return str_f(a, OPENING ",{\"role\":\"assistant\",\"content\":\"Hello.\"},%.*s",
                 STR_ARG(message("user", str_of(words))));
}

static const struct str after_results = {OPENING CALLED("check_card_delivery"),
                                         sizeof(OPENING CALLED("check_card_delivery")) - 1};

/* --- answers, as one line: the words, then each call --- */

static inline struct str line_of(const struct llm_answer *answer)
{
    struct buf b = buf_new(a, 1 << 16);
    buf_add(&b, answer->text);
    for (size_t i = 0; i < answer->calls_n; i++)
        buf_addf(&b, "%s%.*s %.*s", b.n ? " | " : "", STR_ARG(answer->calls[i].name),
                 STR_ARG(answer->calls[i].arguments));
    return buf_str(&b);
}

static inline struct llm_answer answer_of(const struct offline_plan *p, struct str transcript, struct str state)
{
    struct llm_question q = {.shared = p->shared, .transcript = transcript, .state = state};
    struct llm_answer answer;
    struct err e = {0};
    if (offline_answer(p, a, &q, &answer, &e) < 0)
        fail_msg("%s", e.text);
    return answer;
}

static inline struct str said(const char *words, const char *language, const char *more)
{
    struct llm_answer answer = answer_of(plan, after_words(words), state_of(language, more));
    return line_of(&answer);
}

static inline struct str went_on(const char *language, const char *more)
{
    struct llm_answer answer = answer_of(plan, after_results, state_of(language, more));
    return line_of(&answer);
}

static inline int setup(void **state)
{
    struct err e;
    a = arena_new("test", 1 << 16);
    shared = shared_of(yaml_file(EXAMPLE "routines/" ROUTINE ".yaml"));
    return offline_plan_new(shared, &plan, &e);
}

static inline int teardown(void **state)
{
    offline_plan_free(plan);
    arena_free(a);
    return 0;
}

#endif
