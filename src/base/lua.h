/* lua: small programs of a workspace, in Lua 5.4 without a way out: a JSON value in, a JSON value out.
 *
 * A program is the text of a function's body: it sees its input as `input` and returns a value.
 *
 *   local sum = 0
 *   for _, d in ipairs(input.debts) do if d.days_late > 0 then sum = sum + d.amount end end
 *   return {overdue = sum, text = fixed(sum, 2)}
 *
 * There is: assert error ipairs pairs (in the order of the keys) select tonumber tostring type; table.concat insert remove sort
 * unpack; string.byte char len lower reverse sub upper; math without random; and of ours null, list(t) (a list even if empty),
 * fixed(number, places) as text, find(text, part) (a place from 1, or nil), matches(text, pattern) (PCRE2 with match limits).
 * There is no I/O, clock, randomness, loading of code, coroutine, metatable, catching of errors, nor any function whose time does
 * not depend on instructions (Lua's patterns, string.rep, table.move). So a program gives the same value each time, or none.
 *
 * Bounded: 5 million instructions, 8 MiB, 200 ms. That is why it may run on the loop's thread: at worst a turn of another
 * conversation waits that long once. A null in an object is absent, in a list it is `null`. */
#ifndef BASE_LUA_H
#define BASE_LUA_H

#include "base/json.h"

/* Errors: ERR_INVALID (syntax; with the line). */
MUST_USE int lua_script_check(struct str text, struct err *e);

/* Errors: ERR_INVALID (an error of the program, with the line; a value that is no JSON), ERR_LIMIT. */
MUST_USE int lua_script_run(struct arena *a, struct str text, const struct json *input, struct json **out,
                            struct err *e);

#endif
