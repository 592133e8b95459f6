/* How far a version has to move for what changed, and how that is said. */
#include "test.h"

#include "base/rng.h"
#include "engine/difference.h"

static struct arena *a;

static int group_start(void **state)
{
    (void)state;
    a = arena_new("test", 0);
    return 0;
}

static int group_end(void **state)
{
    (void)state;
    arena_free(a);
    return 0;
}

static const struct json *value(const char *text)
{
    struct json *v;
    struct err e;
    if (json_parse(a, str_of(text), &v, &e) < 0)
        fail_msg("%s: %s", text, e.text);
    return v;
}

static struct differences between(const char *folder, const char *old, const char *now)
{
    return differences_of(a, module_kind_of_folder(str_of(folder)), value(old), value(now));
}

/* One row: what changed, how far it moves the version, and words of a sentence that says so. */
static const struct {
    const char *folder, *old, *now;
    enum semver_step step;
    const char *says;
} cases[] = {
    /* routines */
    {"routines", "{\"steps\":[{\"id\":\"a\",\"say\":\"x\"}]}",
     "{\"steps\":[{\"id\":\"a\",\"say\":\"x\"},{\"id\":\"b\",\"say\":\"y\"}]}", SEMVER_MINOR, "steps.b was added"},
    {"routines", "{\"steps\":[{\"id\":\"a\",\"say\":\"x\"}]}", "{\"steps\":[{\"id\":\"b\",\"say\":\"x\"}]}",
     SEMVER_MAJOR, "steps.a was removed"},
    {"routines", "{\"steps\":[{\"id\":\"a\",\"say\":\"x\"},{\"id\":\"b\",\"say\":\"y\"}]}",
     "{\"steps\":[{\"id\":\"b\",\"say\":\"y\"},{\"id\":\"a\",\"say\":\"x\"}]}", SEMVER_MINOR,
     "steps has another order"},
    {"routines", "{\"steps\":[{\"id\":\"a\",\"say\":\"x\"}]}", "{\"steps\":[{\"id\":\"a\",\"say\":\"y\"}]}",
     SEMVER_MINOR, "steps.a.say changed from \"x\" to \"y\""},
    {"routines", "{\"steps\":[{\"id\":\"a\",\"say\":\"x\"}]}", "{\"steps\":[{\"id\":\"a\",\"call\":\"y\"}]}",
     SEMVER_MINOR, "steps.a does call instead of say"},
    {"routines", "{\"steps\":[{\"id\":\"a\",\"say\":\"x\",\"exit\":\"done\"}]}",
     "{\"steps\":[{\"id\":\"a\",\"say\":\"x\",\"exit\":\"left\"}]}", SEMVER_MAJOR, "exit can no longer end with done"},
    {"routines", "{\"steps\":[{\"id\":\"a\",\"exit\":{\"outcome\":\"x\"}}]}",
     "{\"steps\":[{\"id\":\"a\",\"exit\":\"x\"}]}", SEMVER_MINOR, "steps.a.exit changed"},
    {"routines", "{\"steps\":[{\"id\":\"a\",\"say\":{\"text\":\"x\"}}]}",
     "{\"steps\":[{\"id\":\"a\",\"say\":{\"text\":\"y\"}}]}", SEMVER_PATCH, "steps.a.say.text"},
    {"routines", "{\"steps\":[{\"id\":\"a\",\"confirm\":{\"tool\":\"t\"}}]}",
     "{\"steps\":[{\"id\":\"a\",\"say\":\"t\"}]}", SEMVER_MAJOR, "steps.a.confirm was removed"},
    {"routines", "{\"mode\":\"script\"}", "{\"mode\":\"gate\"}", SEMVER_MAJOR, "mode changed from script to gate"},
    {"routines", "{}", "{\"mode\":\"guide\"}", SEMVER_MAJOR, "mode changed from gate to guide"},
    {"routines", "{}", "{\"mode\":\"script\"}", SEMVER_MINOR, "mode changed from gate to script"},
    {"routines", "{}", "{\"mode\":\"gate\"}", SEMVER_PATCH, "written out"},
    {"routines", "{\"slots\":[\"a\",\"b\"]}", "{\"slots\":[\"a\"]}", SEMVER_MAJOR, "slots no longer has \"b\""},
    {"routines", "{\"slots\":[\"a\",\"b\"]}", "{\"slots\":[\"b\",\"a\"]}", SEMVER_PATCH, "slots has another order"},
    {"routines", "{\"requires\":{\"identity\":2}}", "{\"requires\":{\"identity\":1}}", SEMVER_MAJOR, "from 2 to 1"},
    {"routines", "{\"requires\":{\"identity\":1}}", "{\"requires\":{\"identity\":2}}", SEMVER_MINOR, "from 1 to 2"},
    {"routines", "{\"start_when\":{\"text\":\"a\"}}", "{\"start_when\":{\"text\":\"b\",\"phrases\":{}}}", SEMVER_PATCH,
     "start_when"},
    {"routines", "{\"summary\":\"a\"}", "{\"summary\":\"b\"}", SEMVER_PATCH, "summary"},
    /* tools */
    {"tools", "{\"effect\":\"read\"}", "{\"effect\":\"action\"}", SEMVER_MAJOR, "effect changed from read to action"},
    {"tools", "{\"class\":\"costly\"}", "{\"class\":\"irrevocable\"}", SEMVER_MAJOR, "class changed from costly"},
    {"tools", "{\"class\":\"costly\"}", "{}", SEMVER_MINOR, "class changed from costly to reversible"},
    {"tools", "{\"confirm\":{\"by\":\"customer\"}}", "{}", SEMVER_MAJOR, "confirm was removed"},
    {"tools", "{\"confirm\":{\"text\":\"x\"}}", "{\"confirm\":{\"by\":\"none\",\"text\":\"x\"}}", SEMVER_MAJOR,
     "confirm.by changed from customer to none"},
    {"tools", "{\"confirm\":{\"by\":\"customer\"}}", "{\"confirm\":{\"by\":\"staff\"}}", SEMVER_MINOR, "to staff"},
    {"tools", "{\"confirm\":{\"expires_s\":900}}", "{\"confirm\":{\"expires_s\":60}}", SEMVER_PATCH,
     "confirm.expires_s"},
    {"tools", "{\"idempotency\":{\"mode\":\"key\"}}", "{\"idempotency\":{\"mode\":\"none\"}}", SEMVER_MAJOR, "to none"},
    {"tools", "{\"limits\":{\"per_conversation\":1}}", "{\"limits\":{\"per_conversation\":2}}", SEMVER_MAJOR,
     "from 1 to 2"},
    {"tools", "{\"limits\":{\"per_conversation\":2}}", "{\"limits\":{\"per_conversation\":1}}", SEMVER_MINOR,
     "from 2 to 1"},
    {"tools", "{\"project\":{\"a\":\"x\"}}", "{\"project\":{\"b\":\"x\"}}", SEMVER_MAJOR, "project.a was removed"},
    {"tools", "{\"project\":{\"a\":\"x\"}}", "{\"project\":{\"a\":\"x\",\"b\":\"y\"}}", SEMVER_MINOR,
     "project.b was added"},
    {"tools", "{\"timeout_ms\":1}", "{\"timeout_ms\":2}", SEMVER_PATCH, "timeout_ms changed from 1 to 2"},
    {"tools", "{\"http\":{\"url\":\"a\"}}", "{\"http\":{\"url\":\"b\"}}", SEMVER_MINOR, "http changed"},
    {"tools", "{\"command\":[\"a\"]}", "{\"command\":[\"a\",\"b\"]}", SEMVER_MINOR, "command changed"},
    {"tools", "{\"memory_mib\":1}", "{\"memory_mib\":2}", SEMVER_PATCH, "memory_mib changed from 1 to 2"},
    {"tools", "{\"when_not\":[\"a\"]}", "{\"when_not\":[]}", SEMVER_PATCH, "when_not"},
    {"tools", "{\"unheard_of\":1}", "{\"unheard_of\":2}", SEMVER_MINOR, "unheard_of changed from 1 to 2"},
    {"tools", "{\"unheard_of\":1}", "{}", SEMVER_MAJOR, "unheard_of was removed"},
    {"tools", "{\"requires\":{\"identity\":2}}", "{\"requires\":{\"identity\":1}}", SEMVER_MAJOR, "from 2 to 1"},
    {"tools", "{\"requires\":{\"identity\":1}}", "{}", SEMVER_MAJOR, "requires was removed"},
    {"tools", "{\"retry\":{\"max\":1}}", "{}", SEMVER_PATCH, "retry was removed"},
    {"tools", "{\"audit\":{\"mask\":[\"a\",\"b\"]}}", "{\"audit\":{\"mask\":[\"a\"]}}", SEMVER_MAJOR,
     "audit.mask no longer has \"b\""},
    /* arguments */
    {"tools", "{\"input\":{\"properties\":{\"a\":{}}}}", "{\"input\":{\"properties\":{\"a\":{},\"b\":{}}}}",
     SEMVER_MINOR, "input.properties.b was added"},
    {"tools", "{\"input\":{\"properties\":{\"a\":{}}}}",
     "{\"input\":{\"properties\":{\"a\":{},\"b\":{}},\"required\":[\"b\"]}}", SEMVER_MAJOR, "input.required was added"},
    {"tools", "{\"input\":{\"required\":[\"a\"]}}", "{\"input\":{\"required\":[\"a\",\"b\"]}}", SEMVER_MAJOR,
     "input.required has \"b\" more"},
    {"tools", "{\"input\":{\"required\":[\"a\",\"b\"]}}", "{\"input\":{\"required\":[\"a\"]}}", SEMVER_MINOR,
     "no longer has \"b\""},
    {"tools", "{\"input\":{\"properties\":{\"type\":{}}}}", "{\"input\":{\"properties\":{\"title\":{}}}}", SEMVER_MAJOR,
     "input.properties.type was removed"}, /* names of properties are no keywords */
    {"tools", "{\"input\":{\"enum\":[1,2]}}", "{\"input\":{\"enum\":[1]}}", SEMVER_MAJOR, "input.enum no longer has 2"},
    {"tools", "{\"input\":{\"enum\":[1]}}", "{\"input\":{\"enum\":[1,2]}}", SEMVER_MINOR, "input.enum has 2 more"},
    {"tools", "{\"input\":{}}", "{\"input\":{\"enum\":[1]}}", SEMVER_MAJOR, "input.enum was added"},
    {"tools", "{\"input\":{\"enum\":[1]}}", "{\"input\":{}}", SEMVER_MINOR, "input.enum was removed"},
    {"tools", "{\"input\":{\"maxLength\":9}}", "{\"input\":{\"maxLength\":8}}", SEMVER_MAJOR, "from 9 to 8"},
    {"tools", "{\"input\":{\"maxLength\":8}}", "{\"input\":{\"maxLength\":9}}", SEMVER_MINOR, "from 8 to 9"},
    {"tools", "{\"input\":{\"minimum\":1}}", "{\"input\":{\"minimum\":2}}", SEMVER_MAJOR, "from 1 to 2"},
    {"tools", "{\"input\":{\"minimum\":2}}", "{\"input\":{\"minimum\":1}}", SEMVER_MINOR, "from 2 to 1"},
    {"tools", "{\"input\":{\"type\":\"string\"}}", "{\"input\":{\"type\":\"integer\"}}", SEMVER_MAJOR,
     "no longer has \"string\""},
    {"tools", "{\"input\":{\"type\":\"integer\"}}", "{\"input\":{\"type\":\"number\"}}", SEMVER_MINOR,
     "has \"number\" more"},
    {"tools", "{\"input\":{\"type\":\"number\"}}", "{\"input\":{\"type\":\"integer\"}}", SEMVER_MAJOR,
     "no longer has \"number\""},
    {"tools", "{\"input\":{\"type\":\"string\"}}", "{\"input\":{\"type\":[\"string\",\"null\"]}}", SEMVER_MINOR,
     "has \"null\" more"},
    {"tools", "{\"input\":{\"pattern\":\"a\"}}", "{\"input\":{\"pattern\":\"b\"}}", SEMVER_MAJOR, "input.pattern"},
    {"tools", "{\"input\":{\"additionalProperties\":false}}", "{\"input\":{}}", SEMVER_MINOR,
     "additionalProperties was removed"},
    {"tools", "{\"input\":{}}", "{\"input\":{\"additionalProperties\":false}}", SEMVER_MAJOR,
     "additionalProperties was added"},
    {"tools", "{\"input\":{\"items\":{\"maxLength\":9}}}", "{\"input\":{\"items\":{\"maxLength\":5}}}", SEMVER_MAJOR,
     "input.items.maxLength"},
    {"tools", "{\"input\":{\"x-show\":true}}", "{\"input\":{\"x-show\":false}}", SEMVER_MAJOR, "x-show is now false"},
    {"tools", "{\"input\":{}}", "{\"input\":{\"x-show\":true}}", SEMVER_MINOR, "x-show is now true"},
    {"tools", "{\"input\":{}}", "{\"input\":{\"x-source\":\"session\"}}", SEMVER_MAJOR, "x-source"},
    {"tools", "{\"input\":{\"description\":\"a\"}}", "{\"input\":{\"description\":\"b\"}}", SEMVER_PATCH,
     "description"},
    /* macros */
    {"macros", "{\"texts\":{\"a\":{\"en\":\"x\"}}}", "{\"texts\":{\"a\":{\"en\":\"y\"}}}", SEMVER_PATCH,
     "texts.a.en changed"},
    {"macros", "{\"texts\":{\"a\":{\"en\":\"x\"}}}", "{\"texts\":{\"a\":{\"en\":\"x\",\"pt\":\"x\"}}}", SEMVER_MINOR,
     "texts.a.pt was added"},
    {"macros", "{\"texts\":{\"a\":{\"en\":\"x\",\"pt\":\"x\"}}}", "{\"texts\":{\"a\":{\"en\":\"x\"}}}", SEMVER_MAJOR,
     "texts.a.pt was removed"},
    {"macros", "{\"texts\":{\"a\":{}}}", "{\"texts\":{\"b\":{}}}", SEMVER_MAJOR, "texts.a was removed"},
    {"macros", "{\"texts\":{\"a\":{\"en\":\"on {d}\"}}}", "{\"texts\":{\"a\":{\"en\":\"on {d} at {t}\"}}}",
     SEMVER_MAJOR, "texts.a.en needs a value for {t} now"},
    {"macros", "{\"texts\":{\"a\":{\"en\":\"{d} at {t}\"}}}", "{\"texts\":{\"a\":{\"en\":\"{t}\"}}}", SEMVER_PATCH,
     "texts.a.en"},
    /* scratchpads */
    {"scratchpads", "{\"slots\":[{\"slot\":\"a\",\"type\":\"text\"}]}",
     "{\"slots\":[{\"slot\":\"a\",\"type\":\"integer\"}]}", SEMVER_MAJOR, "slots.a.type"},
    {"scratchpads", "{\"slots\":[{\"slot\":\"a\"}]}", "{\"slots\":[]}", SEMVER_MAJOR, "slots.a was removed"},
    {"scratchpads", "{\"slots\":[{\"slot\":\"a\"},{\"slot\":\"b\"}]}", "{\"slots\":[{\"slot\":\"b\"}]}", SEMVER_MAJOR,
     "slots.a was removed"},
    {"scratchpads", "{\"slots\":[{\"slot\":\"a\",\"values\":{\"x\":{\"en\":[\"i\"]}}}]}",
     "{\"slots\":[{\"slot\":\"a\",\"values\":{\"x\":{\"en\":[\"j\"]}}}]}", SEMVER_PATCH, "slots.a.values.x"},
    {"scratchpads", "{\"slots\":[{\"slot\":\"a\",\"values\":{\"x\":{},\"y\":{}}}]}",
     "{\"slots\":[{\"slot\":\"a\",\"values\":{\"x\":{}}}]}", SEMVER_MAJOR, "slots.a.values.y was removed"},
    /* policies and instructions */
    {"policies", "{\"rules\":[{\"id\":\"P1\",\"text\":\"a\"}]}", "{\"rules\":[{\"id\":\"P1\",\"text\":\"b\"}]}",
     SEMVER_PATCH, "rules.P1.text"},
    {"policies", "{\"rules\":[{\"id\":\"P1\",\"text\":\"a\"},{\"id\":\"P2\",\"text\":\"b\"}]}",
     "{\"rules\":[{\"id\":\"P2\",\"text\":\"b\"}]}", SEMVER_MAJOR, "rules.P1 was removed"},
    {"instructions", "{\"text\":\"## Must\\n- a\\n- b\"}", "{\"text\":\"## Must\\n- a\\n- c\"}", SEMVER_PATCH,
     "text.Must no longer says: - b"},
    {"instructions", "{\"text\":\"## Must\\n- a\"}", "{\"text\":\"## Must\\n- a\\n- b\"}", SEMVER_MINOR,
     "2 rules instead of 1"},
    {"instructions", "{\"text\":\"## Must not\\n- a\\n- b\"}", "{\"text\":\"## Must not\\n- a\"}", SEMVER_MAJOR,
     "1 rules instead of 2"},
    {"instructions", "{\"text\":\"## Style\\n- a\\n- b\"}", "{\"text\":\"## Style\\n- a\"}", SEMVER_PATCH,
     "1 rules instead of 2"},
    {"instructions", "{\"text\":\"## Must\\n- a\"}", "{\"text\":\"## Must\\n- a\\n\\n## Style\\nKind.\"}", SEMVER_MINOR,
     "text.Style was added"},
    {"instructions", "{\"text\":\"Hello.\\n## Must\\n- a\"}", "{\"text\":\"## Must\\n- a\"}", SEMVER_MAJOR,
     "text.beginning was removed"},
    /* agents */
    {"agents", "{\"compose\":{\"tools\":[\"t@1.0.0\"]}}", "{\"compose\":{\"tools\":[\"t@1.0.1\"]}}", SEMVER_PATCH,
     "compose.tools went from t@1.0.0 to t@1.0.1"},
    {"agents", "{\"compose\":{\"tools\":[\"t@1.0.0\"]}}", "{\"compose\":{\"tools\":[\"t@1.1.0\"]}}", SEMVER_MINOR,
     "t@1.1.0"},
    {"agents", "{\"compose\":{\"tools\":[\"t@1.0.0\"]}}", "{\"compose\":{\"tools\":[\"t@2.0.0\"]}}", SEMVER_MAJOR,
     "t@2.0.0"},
    {"agents", "{\"compose\":{\"tools\":[\"t@2.0.0\"]}}", "{\"compose\":{\"tools\":[\"t@1.0.0\"]}}", SEMVER_MAJOR,
     "t@1.0.0"},
    {"agents", "{\"compose\":{\"tools\":[\"t@1.0.0\"]}}", "{\"compose\":{}}", SEMVER_MAJOR, "no longer has t@1.0.0"},
    {"agents", "{\"compose\":{}}", "{\"compose\":{\"tools\":[\"t@1.0.0\"]}}", SEMVER_MINOR,
     "compose.tools has t@1.0.0 more"},
    {"agents", "{\"compose\":{\"tools\":[\"a@1.0.0\",\"b@1.0.0\"]}}",
     "{\"compose\":{\"tools\":[\"b@1.0.0\",\"a@1.0.0\"]}}", SEMVER_PATCH, "another order"},
    {"agents", "{\"compose\":{},\"budgets\":{\"turn_ms\":1}}", "{\"compose\":{},\"budgets\":{\"turn_ms\":2}}",
     SEMVER_PATCH, "budgets"},
};

TEST(every_kind_of_change_moves_the_version_as_far_as_it_must)
{
    int wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct differences d = between(cases[i].folder, cases[i].old, cases[i].now);
        bool said = false;
        for (size_t k = 0; k < d.n; k++)
            said = said || str_has(d.items[k].sentence, str_of(cases[i].says));
        if (d.needed == cases[i].step && said)
            continue;
        print_error("%s %s -> %s: wanted %s, %s; got %s\n", cases[i].folder, cases[i].old, cases[i].now,
                    semver_step_name(cases[i].step), cases[i].says, semver_step_name(d.needed));
        for (size_t k = 0; k < d.n; k++)
            print_error("    %s: %.*s\n", semver_step_name(d.items[k].step), STR_ARG(d.items[k].sentence));
        wrong++;
    }
    CHECK_INT(wrong, 0);
}

TEST(the_same_body_needs_nothing)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct differences d = between(cases[i].folder, cases[i].now, cases[i].now);
        CHECK_INT(d.needed, SEMVER_NONE);
        CHECK_INT(d.n, 0);
    }
}

/* --- properties over random bodies --- */

static uint64_t seed = 3;

static unsigned below(unsigned n)
{
    return (unsigned)(rng_next(&seed) % n);
}

/* A tool with some of everything. */
static const struct json *random_tool(void)
{
    static const char *const types[] = {"\"string\"", "\"integer\"", "\"number\"", "[\"string\",\"null\"]"};
    static const char *const bys[] = {"none", "customer", "staff"};
    struct buf b = buf_new(a, 4000);
    buf_addf(&b, "{\"effect\":\"%s\",\"summary\":\"%u\",\"input\":{\"properties\":{", below(2) ? "read" : "action",
             below(3));
    for (unsigned i = 0, n = below(4); i < n; i++)
        buf_addf(&b, "%s\"p%u\":{\"type\":%s,\"maxLength\":%u}", i ? "," : "", i, types[below(4)], below(3));
    buf_addf(&b, "},\"required\":[%s]},\"project\":{", below(2) ? "\"p0\"" : "");
    for (unsigned i = 0, n = below(4); i < n; i++)
        buf_addf(&b, "%s\"f%u\":\"%u\"", i ? "," : "", i, below(2));
    buf_addf(&b, "},\"confirm\":{\"by\":\"%s\"},\"limits\":{\"per_conversation\":%u}}", bys[below(3)], below(3));
    return value(str_c(a, buf_str(&b)));
}

static const struct json *random_routine(void)
{
    static const char *const verbs[] = {"say", "call", "note"};
    struct buf b = buf_new(a, 4000);
    unsigned order = below(2);
    buf_addf(&b, "{\"mode\":\"%s\",\"steps\":[", below(2) ? "gate" : "script");
    for (unsigned i = 0, n = below(5); i < n; i++)
        buf_addf(&b, "%s{\"id\":\"s%u\",\"%s\":\"%u\",\"exit\":\"e%u\"}", i ? "," : "", order ? n - i : i,
                 verbs[below(3)], below(2), below(3));
    buf_adds(&b, "]}");
    return value(str_c(a, buf_str(&b)));
}

static enum semver_step step(const struct module_kind *kind, const struct json *old, const struct json *now)
{
    return differences_of(a, kind, old, now).needed;
}

static void properties(const char *folder, const struct json *(*random)(void))
{
    const struct module_kind *kind = module_kind_of_folder(str_of(folder));
    size_t seen[4] = {0};
    for (int i = 0; i < 3000; i++) {
        const struct json *x = random(), *y = random(), *z = random();
        enum semver_step xy = step(kind, x, y), yz = step(kind, y, z), xz = step(kind, x, z);
        assert_int_equal(step(kind, x, x), SEMVER_NONE);
        assert_int_equal(xy == SEMVER_NONE, json_same(x, y));
        if (xz > xy && xz > yz) /* nobody gets past the rule by publishing in between */
            fail_msg("%.*s\n-> %.*s\n-> %.*s: %d %d %d", STR_ARG(json_text(a, x)), STR_ARG(json_text(a, y)),
                     STR_ARG(json_text(a, z)), xy, yz, xz);
        seen[xy]++;
    }
    print_message("%s: none %zu, patch %zu, minor %zu, major %zu\n", folder, seen[0], seen[1], seen[2], seen[3]);
    assert_true(seen[SEMVER_MINOR] > 10 && seen[SEMVER_MAJOR] > 10);
}

TEST(two_steps_together_never_need_less_than_the_way_at_once)
{
    (void)state;
    properties("tools", random_tool);
    properties("routines", random_routine);
}

TEST(an_agent_moves_as_far_as_the_farthest_of_its_modules)
{
    static const char *const versions[] = {"1.0.0", "1.0.1", "1.2.0", "2.0.0", "0.3.0"};
    for (int i = 0; i < 500; i++) {
        struct buf old = buf_new(a, 1000), now = buf_new(a, 1000);
        enum semver_step farthest = SEMVER_NONE;
        for (unsigned m = 0; m < 3; m++) {
            const char *x = versions[below(5)], *y = versions[below(5)];
            struct semver from, to;
            assert_int_equal(semver_parse(str_of(x), &from, NULL) + semver_parse(str_of(y), &to, NULL), 0);
            enum semver_step one = semver_cmp(from, to) < 0 ? semver_between(from, to) : semver_between(to, from);
            farthest = one > farthest ? one : farthest;
            buf_addf(&old, "%s\"m%u@%s\"", m ? "," : "{\"compose\":{\"macros\":[", m, x);
            buf_addf(&now, "%s\"m%u@%s\"", m ? "," : "{\"compose\":{\"macros\":[", m, y);
        }
        buf_adds(&old, "]}}");
        buf_adds(&now, "]}}");
        CHECK_INT(between("agents", str_c(a, buf_str(&old)), str_c(a, buf_str(&now))).needed, farthest);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_kind_of_change_moves_the_version_as_far_as_it_must),
    cmocka_unit_test(the_same_body_needs_nothing),
    cmocka_unit_test(two_steps_together_never_need_less_than_the_way_at_once),
    cmocka_unit_test(an_agent_moves_as_far_as_the_farthest_of_its_modules),
};

int main(void)
{
    return cmocka_run_group_tests(tests, group_start, group_end);
}
