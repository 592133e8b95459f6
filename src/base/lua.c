#include "base/lua.h"

#include "base/clock.h"
#include "base/regex.h"
#include "base/text.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <stdlib.h>
#include <string.h>

enum {
    MEMORY_BYTES_MAX = 8 << 20,
    INSTRUCTIONS_MAX = 5000000,
    HOOK_INSTRUCTIONS = 100, /* few, since one of them may copy all of the memory */
    TIME_US_MAX = 200000,
    DEPTH_MAX = JSON_DEPTH_MAX - 2,
    PLACES_MAX = 12
};

/* One program under way; the state's extra space points to it. */
struct script {
    struct arena *arena;
    struct str text;
    const struct json *input;
    struct json *out;
    size_t bytes;
    int64_t instructions, until_us;
    const char *limit; /* the one that was reached; NULL: none */
};

static struct script *script_of(lua_State *l)
{
    return *(struct script **)lua_getextraspace(l);
}

static void *give(void *with, void *p, size_t had, size_t wanted)
{
    struct script *s = with;
    size_t before = p ? had : 0; /* for a new object it is its kind */
    if (wanted > before && s->bytes + (wanted - before) > MEMORY_BYTES_MAX) {
        s->limit = "memory (8 MiB)";
        return NULL;
    }
    s->bytes = s->bytes - before + wanted;
    if (wanted)
        return mem_resize(p, wanted);
    free(p);
    return NULL;
}

static void count(lua_State *l, lua_Debug *where)
{
    struct script *s = script_of(l);
    s->instructions += HOOK_INSTRUCTIONS;
    if (s->instructions > INSTRUCTIONS_MAX)
        s->limit = "instructions (5 million)";
    else if (clock_mono_us() > s->until_us)
        s->limit = "time (200 ms)";
    if (s->limit)
        luaL_error(l, "over its limit");
}

/* --- values --- */

static const char list_mark; /* the registry's key of the metatable that lists have */

static void mark_list(lua_State *l)
{
    lua_rawgetp(l, LUA_REGISTRYINDEX, &list_mark);
    lua_setmetatable(l, -2);
}

static void push_number(lua_State *l, struct str text)
{
    int64_t whole;
    if (str_int(text, &whole) == 0)
        lua_pushinteger(l, whole);
    else
        lua_pushnumber(l, strtod(str_c(script_of(l)->arena, text), NULL));
}

static void push(lua_State *l, const struct json *v)
{
    luaL_checkstack(l, 8, "too deep");
    switch (v->kind) {
    case JSON_NULL: lua_pushlightuserdata(l, NULL); return;
    case JSON_TRUE:
    case JSON_FALSE: lua_pushboolean(l, v->kind == JSON_TRUE); return;
    case JSON_NUMBER: push_number(l, v->text); return;
    case JSON_STRING: lua_pushlstring(l, v->text.p ? v->text.p : "", v->text.n); return;
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
    lua_Integer i = 0;
    lua_newtable(l);
    if (v->kind == JSON_ARRAY)
        mark_list(l);
    for (const struct json *m = v->child; m; m = m->next) {
        if (v->kind == JSON_ARRAY) {
            push(l, m);
            lua_rawseti(l, -2, ++i);
        } else if (m->kind != JSON_NULL) {
            lua_pushlstring(l, m->key.p, m->key.n);
            push(l, m);
            lua_rawset(l, -3);
        }
    }
}

static struct str text_at(lua_State *l, int at)
{
    struct str s;
    s.p = lua_tolstring(l, at, &s.n);
    if (text_invalid_at(s) >= 0 || memchr(s.p, 0, s.n))
        luaL_error(l, "a text that is no valid UTF-8");
    return str_copy(script_of(l)->arena, s);
}

static struct json *pull(lua_State *l, int depth);

static struct json *pull_list(lua_State *l, lua_Integer n, int depth)
{
    struct json *list = json_new(script_of(l)->arena, JSON_ARRAY);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(l, -1, i);
        json_push(list, pull(l, depth + 1));
        lua_pop(l, 1);
    }
    return list;
}

static int by_key(const void *x, const void *y)
{
    return str_cmp((*(struct json *const *)x)->key, (*(struct json *const *)y)->key);
}

static struct json *pull_object(lua_State *l, int depth)
{
    struct arena *a = script_of(l)->arena;
    struct json *object = json_new(a, JSON_OBJECT);
    size_t n = 0, size = 0;
    struct json **members = NULL; /* by their keys: Lua's own order changes from run to run */
    for (lua_pushnil(l); lua_next(l, -2); lua_pop(l, 1)) {
        if (lua_type(l, -2) != LUA_TSTRING)
            luaL_error(l, "a table with both names and places, or with holes, is neither an object nor a list");
        struct json *m = pull(l, depth + 1);
        m->key = text_at(l, -2);
        if (n == size) {
            struct json **more = ARENA_ARRAY(a, struct json *, size = size ? 2 * size : 8);
            if (n)
                memcpy(more, members, n * sizeof *members);
            members = more;
        }
        members[n++] = m;
    }
    if (n > JSON_MEMBERS_MAX)
        luaL_error(l, "more than %d members", JSON_MEMBERS_MAX);
    if (n)
        qsort(members, n, sizeof *members, by_key);
    for (size_t i = 0; i < n; i++)
        json_push(object, members[i]); /* links it; the key is set */
    return object;
}

/* Is the table on top a list? *n: its length. */
static bool is_list(lua_State *l, lua_Integer *n)
{
    lua_Integer keys = 0;
    *n = (lua_Integer)lua_rawlen(l, -1);
    for (lua_pushnil(l); lua_next(l, -2); lua_pop(l, 1))
        keys++;
    if (keys != *n)
        return false;
    if (keys)
        return true;
    bool marked = lua_getmetatable(l, -1);
    if (marked)
        lua_pop(l, 1);
    return marked;
}

static struct json *pull(lua_State *l, int depth)
{
    struct arena *a = script_of(l)->arena;
    lua_Integer n;
    luaL_checkstack(l, 8, "too deep");
    if (depth > DEPTH_MAX)
        luaL_error(l, "a value deeper than %d", DEPTH_MAX);
    switch (lua_type(l, -1)) {
    case LUA_TNIL:
    case LUA_TLIGHTUSERDATA: return json_new(a, JSON_NULL);
    case LUA_TBOOLEAN: return json_new_bool(lua_toboolean(l, -1), a);
    case LUA_TNUMBER:
        return lua_isinteger(l, -1) ? json_new_int(a, lua_tointeger(l, -1)) : json_new_num(a, lua_tonumber(l, -1));
    case LUA_TSTRING: return json_new_str(a, text_at(l, -1));
    case LUA_TTABLE: return is_list(l, &n) && n <= JSON_MEMBERS_MAX ? pull_list(l, n, depth) : pull_object(l, depth);
    default: luaL_error(l, "a %s is no value to return", luaL_typename(l, -1)); return NULL;
    }
}

/* --- what programs can call --- */

static int list(lua_State *l)
{
    luaL_checktype(l, 1, LUA_TTABLE);
    lua_settop(l, 1);
    mark_list(l);
    return 1;
}

static int fixed(lua_State *l)
{
    double v = luaL_checknumber(l, 1);
    lua_Integer places = luaL_checkinteger(l, 2);
    luaL_argcheck(l, places >= 0 && places <= PLACES_MAX, 2, "0 to 12 places");
    luaL_argcheck(l, v > -1e15 && v < 1e15, 1, "too large");
    lua_pushstring(l, str_f(script_of(l)->arena, "%.*f", (int)places, v).p);
    return 1;
}

static int find(lua_State *l)
{
    struct str whole, part;
    whole.p = luaL_checklstring(l, 1, &whole.n);
    part.p = luaL_checklstring(l, 2, &part.n);
    ptrdiff_t at = str_find(whole, part);
    if (at < 0)
        lua_pushnil(l);
    else
        lua_pushinteger(l, at + 1);
    return 1;
}

static int matches(lua_State *l)
{
    luaL_checkstring(l, 1);
    luaL_checkstring(l, 2);
    lua_pushboolean(l, regex_match(text_at(l, 2), text_at(l, 1)));
    return 1;
}

/* A table's text would be its address. */
static int to_string(lua_State *l)
{
    int kind = lua_type(l, 1);
    luaL_argcheck(l, kind == LUA_TNIL || kind == LUA_TBOOLEAN || kind == LUA_TNUMBER || kind == LUA_TSTRING, 1,
                  "only texts, numbers, true, false and nil have a text");
    luaL_tolstring(l, 1, NULL);
    return 1;
}

static const char prelude[] =
    "local next, sort, type = next, table.sort, type\n"
    "local function before(a, b)\n"
    "  local x, y = type(a), type(b)\n"
    "  if x ~= y then return x < y end\n"
    "  return a < b\n"
    "end\n"
    "function pairs(t)\n"
    "  local keys, i = {}, 0\n"
    "  for k in next, t do i = i + 1; keys[i] = k end\n"
    "  sort(keys, before)\n"
    "  i = 0\n"
    "  return function() i = i + 1; local k = keys[i]; if k ~= nil then return k, t[k] end end\n"
    "end\n"
    "_ENV.next = nil\n";

/* Takes from the table on top what is not in `kept`. */
static void keep_only(lua_State *l, const char *const *kept)
{
    for (lua_pushnil(l); lua_next(l, -2);) {
        lua_pop(l, 1);
        const char *const *k = kept;
        while (*k && !(lua_type(l, -1) == LUA_TSTRING && strcmp(*k, lua_tostring(l, -1)) == 0))
            k++;
        if (*k)
            continue;
        lua_pushvalue(l, -1);
        lua_pushnil(l);
        lua_rawset(l, -4); /* a field may be cleared while the table is walked */
    }
}

static void open_library(lua_State *l, const char *name, lua_CFunction open, const char *const *kept)
{
    luaL_requiref(l, name, open, 1);
    keep_only(l, kept);
    lua_pop(l, 1);
}

static void furnish(lua_State *l)
{
    static const char *const of_table[] = {"concat", "insert", "remove", "sort", "unpack", NULL};
    static const char *const of_string[] = {"byte", "char", "len", "lower", "reverse", "sub", "upper", NULL};
    static const char *const of_math[] = {"abs", "ceil", "exp",        "floor", "fmod",       "huge",
                                          "log", "max",  "maxinteger", "min",   "mininteger", "modf",
                                          "pi",  "sqrt", "tointeger",  "type",  "ult",        NULL};
    static const char *const of_base[] = {"assert", "error",  "ipairs", "next", "select", "tonumber",
                                          "type",   "string", "table",  "math", NULL};
    open_library(l, LUA_TABLIBNAME, luaopen_table, of_table);
    open_library(l, LUA_STRLIBNAME, luaopen_string, of_string);
    open_library(l, LUA_MATHLIBNAME, luaopen_math, of_math);
    open_library(l, LUA_GNAME, luaopen_base, of_base);
    lua_newtable(l);
    lua_rawsetp(l, LUA_REGISTRYINDEX, &list_mark);
    static const luaL_Reg ours[] = {{"list", list},       {"fixed", fixed},        {"find", find},
                                    {"matches", matches}, {"tostring", to_string}, {NULL, NULL}};
    lua_pushglobaltable(l);
    luaL_setfuncs(l, ours, 0);
    lua_pop(l, 1);
    lua_pushlightuserdata(l, NULL);
    lua_setglobal(l, "null");
    if (luaL_loadbufferx(l, prelude, sizeof prelude - 1, "=prelude", "t") != LUA_OK)
        lua_error(l);
    lua_call(l, 0, 0);
}

static void load(lua_State *l)
{
    struct script *s = script_of(l);
    if (luaL_loadbufferx(l, s->text.p ? s->text.p : "", s->text.n, "=lua", "t") != LUA_OK)
        lua_error(l);
}

/* --- running --- */

static int check_protected(lua_State *l)
{
    load(l);
    return 0;
}

static int run_protected(lua_State *l)
{
    struct script *s = script_of(l);
    furnish(l);
    push(l, s->input);
    lua_setglobal(l, "input");
    load(l);
    lua_sethook(l, count, LUA_MASKCOUNT, HOOK_INSTRUCTIONS);
    lua_call(l, 0, 1);
    lua_sethook(l, NULL, 0, 0);
    s->out = pull(l, 0);
    return 0;
}

static int protect(struct script *s, lua_CFunction body, struct err *e)
{
    lua_State *l = lua_newstate(give, s);
    if (!l)
        return err_set(e, ERR_LIMIT, "Lua cannot be started");
    *(struct script **)lua_getextraspace(l) = s;
    lua_pushcfunction(l, body);
    int r = 0;
    if (lua_pcall(l, 0, 0, 0) != LUA_OK) {
        const char *why = lua_type(l, -1) == LUA_TSTRING ? lua_tostring(l, -1) : "an error that is no text";
        r = s->limit ? err_set(e, ERR_LIMIT, "the program reached its limit of %s", s->limit)
                     : err_set(e, ERR_INVALID, "%.300s", text_invalid_at(str_of(why)) < 0 ? why : "an error");
    }
    lua_close(l);
    return r;
}

int lua_script_check(struct str text, struct err *e)
{
    struct script s = {.text = text};
    return protect(&s, check_protected, e);
}

int lua_script_run(struct arena *a, struct str text, const struct json *input, struct json **out, struct err *e)
{
    struct script s = {.arena = a, .text = text, .input = input, .until_us = clock_mono_us() + TIME_US_MAX};
    int r = protect(&s, run_protected, e);
    if (r == 0)
        *out = s.out;
    return r;
}
