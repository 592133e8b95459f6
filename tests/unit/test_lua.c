/* Programs of a workspace: what they can do, and that there is no way out. */
#include "test.h"

#include "base/clock.h"
#include "base/lua.h"

static struct arena *a;

static int make_arena(void **state)
{
    a = arena_new("test", 0);
    return 0;
}

static int free_arena(void **state)
{
    arena_free(a);
    return 0;
}

/* The value as JSON, or "no: " and the sentence. */
static struct str value(const char *text)
{
    struct json *input, *out;
    struct err e = {0};
    assert_int_equal(json_parse(a,
                                STR("{\"n\":2.5,\"i\":3,\"t\":\"a\u00e9\",\"none\":null,\"empty\":[],\"o\":{},"
                                    "\"list\":[3,null,{\"x\":1}]}"),
                                &input, NULL),
                     0);
    if (lua_script_run(a, str_of(text), input, &out, &e) < 0)
        return str_f(a, "no %d: %s", e.code, e.text);
    return json_text(a, out);
}

TEST(a_value_goes_in_and_a_value_comes_out)
{
    CHECK_STR(value("return input"),
              "{\"empty\":[],\"i\":3,\"list\":[3,null,{\"x\":1}],\"n\":2.5,\"o\":{},\"t\":\"a\u00e9\"}");
    CHECK_STR(value("return {sum = input.n + input.i, none = input.none == nil, second = input.list[2] == null}"),
              "{\"none\":true,\"second\":true,\"sum\":5.5}");
    CHECK_STR(
        value("return {list{}, {}, fixed(2, 2), find('abc', 'c'), find('abc', 'x') == nil, matches('a1', '^a\\\\d$')}"),
        "[[],{},\"2.00\",3,true,true]");
    CHECK_STR(value("return"), "null");
    CHECK_STR(value("local t = {} for _, v in ipairs({3, 1, 2}) do table.insert(t, v * 2) end table.sort(t) return t"),
              "[2,4,6]");
}

TEST(the_same_program_gives_the_same_value_each_time)
{
    for (int i = 0; i < 20; i++)
        CHECK_STR(
            value("local s = '' for k in pairs({zoe=1, ana=2, bo=3, [2]=4, [1]=5, cy=6}) do s = s .. k end return s"),
            "\"12anabocyzoe\"");
    CHECK(str_starts(value("return tostring({})"), STR("no")));
    CHECK(str_starts(value("return math.random()"), STR("no")));
}

TEST(there_is_no_way_out)
{
    static const char *const gone[] = {
        "io",           "os",           "require",       "package",        "load",          "loadstring",
        "dofile",       "loadfile",     "debug",         "pcall",          "xpcall",        "coroutine",
        "setmetatable", "getmetatable", "rawset",        "collectgarbage", "print",         "next",
        "warn",         "utf8",         "string.dump",   "string.rep",     "string.format", "string.find",
        "string.gsub",  "string.match", "string.gmatch", "table.move",     "math.random",   "math.randomseed",
        "_VERSION"};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        if (!str_is(value(str_f(a, "return %s == nil", gone[i]).p), "true"))
            fail_msg("%s is there", gone[i]);
    CHECK(str_starts(value("return ('a'):rep(3)"), STR("no")));
    CHECK(str_starts(value("return ('x'):format()"), STR("no")));
    struct json *out, *input = json_new(a, JSON_OBJECT);
    CHECK_INT(lua_script_run(a, STR("\x1bLua"), input, &out, NULL), ERR_INVALID); /* bytecode */
}

TEST(an_endless_program_ends)
{
    int64_t began = clock_mono_us();
    CHECK(str_has(value("while true do end"), STR("no -6: the program reached its limit of")));
    CHECK(str_has(value("local function f() return f() end return f()"), STR("no -6")));
    CHECK(str_has(value("table.sort({3,2,1,5,4,9,8,7}, function() while true do end end)"), STR("no -6")));
    CHECK(
        str_has(value("local s = 'xxxxxxxxxxxxxxxx' while true do local t = s .. s if #t < 2000000 then s = t end end"),
                STR("no -6")));
    CHECK(clock_mono_us() - began < 4000000);
}

TEST(a_program_that_eats_memory_is_stopped)
{
    CHECK_STR(value("local t = {} while true do t[#t + 1] = {#t} end"),
              "no -6: the program reached its limit of memory (8 MiB)");
    CHECK_STR(value("local s = 'x' while true do s = s .. s end"),
              "no -6: the program reached its limit of memory (8 MiB)");
    CHECK(str_starts(value("local function f(n) return 1 + f(n + 1) end return f(1)"), STR("no")));
    CHECK(str_starts(value("local t = {} t.t = t return t"), STR("no -1: a value deeper")));
}

TEST(what_is_wrong_with_a_program_is_said_with_its_line)
{
    struct err e;
    CHECK_INT(lua_script_check(STR("x = = 1"), &e), ERR_INVALID);
    CHECK(str_starts(str_of(e.text), STR("lua:1: unexpected symbol")));
    CHECK_INT(lua_script_check(STR("return input.x"), &e), 0);
    CHECK(str_has(value("\nreturn input.x.y"), STR("lua:2: attempt to index a nil value")));
    CHECK(str_has(value("error('no such plan')"), STR("no -1: lua:1: no such plan")));
    CHECK(str_has(value("error({})"), STR("an error that is no text")));
    CHECK(str_has(value("return {1, x = 2}"), STR("neither an object nor a list")));
    CHECK(str_has(value("return print == nil and ipairs"), STR("a function is no value to return")));
    CHECK(str_has(value("return '\\xff'"), STR("no valid UTF-8")));
    CHECK_STR(value("return 1/0"), "null");
}

#define ROW(t) cmocka_unit_test_setup_teardown(t, make_arena, free_arena)
RUN(ROW(a_value_goes_in_and_a_value_comes_out), ROW(the_same_program_gives_the_same_value_each_time),
    ROW(there_is_no_way_out), ROW(an_endless_program_ends), ROW(a_program_that_eats_memory_is_stopped),
    ROW(what_is_wrong_with_a_program_is_said_with_its_line))
