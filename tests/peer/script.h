/* script: what the simulated model says. The first rule that holds for a prompt answers it.
 *
 * A script is a JSON list of rules:
 *   {"when":{...}, "answer":{"text":"...", "calls":[{"name":"...","arguments":{...}}], "repeat":2}}
 * Every member of `when` must hold; an empty `when` always does. "Last" is the conversation's last
 * message: a system message behind it is the state block and does not count.
 *   last_role         "user", "assistant" or "tool"
 *   last_contains     a text, or a list of which one is enough, in the last message's words; ASCII
 *                     letters in any case
 *   last_tool         the tool, or a list of tools, that the last message is the result of
 *   state_contains    a text in the state block
 *   called            a tool that was called in this conversation
 *   not_called        one that was not
 *   user_turns        how many messages the customer wrote
 *   calls_since_user  how many tool results came since the customer's last message
 * `arguments` may be a string: it is sent as it is, so that it can be broken. `repeat` is how often the
 * rule may answer in all; without it there is no end.
 * Texts and argument values may hold ${state:a.b} (from the JSON object in the state block) and
 * ${tool:NAME.a.b} (from the last result of that tool, or its member `result`). A string that is nothing
 * but one of them becomes the value itself; what cannot be found becomes nothing. */
#ifndef PEER_SCRIPT_H
#define PEER_SCRIPT_H

#include "prompt.h"

struct script;

enum { SCRIPT_CALLS_MAX = 16 };

struct script_answer {
    struct str text;
    bool has_text;
    struct {
        struct str name, arguments;
    } calls[SCRIPT_CALLS_MAX];
    size_t calls_n;
};

/* `source` is a script's text, which must outlive the script. Errors: ERR_INVALID. */
MUST_USE int script_read(struct arena *program, struct str source, struct script **out, struct err *e);
void script_again(struct script *s); /* every rule may repeat from the start */

/* Finds the answer; its texts live in the arena or the script. Where no rule holds, it says so. */
void script_run(struct script *s, const struct prompt *p, struct arena *a, struct script_answer *out);

/* The built-in script of the card-delivery agent. */
extern const char script_card_delivery[];

#endif
