/* recorded: the tools and the outgoing channel of recorded conversations, as a world that can be counted.
 *
 * Each recorded call is known by (label, tool, canonical arguments); where the same call was made several
 * times, each time is an occurrence with its own answer. What was done to this world since the start, or
 * the last reset, is its state. */
#ifndef PEER_RECORDED_H
#define PEER_RECORDED_H

#include "base/json.h"

struct recorded;

/* Reads conversations, one JSON object a line: {"id", "messages":[{"role","content","tool_calls":[{"id",
 * "name","arguments"}],"tool_call_id"}]} (also the OpenAI form, with "function" inside a call). A call is
 * paired with the first result after it that has its id: ids repeat within a conversation. `text` must
 * outlive the world. Errors: ERR_INVALID. */
MUST_USE int recorded_new(struct str text, bool ignore_key, struct recorded **out, struct err *e);
void recorded_free(struct recorded *w);
void recorded_reset(struct recorded *w);

/* A call, and what the tool says.
 *   with a key     the k-th distinct key of a call gets its k-th occurrence, or the last one; the same key
 *                  gets its first answer again. A write that is executed and whose answer does not begin
 *                  with "Error" is an effect.
 *   without a key  a read: the occurrence that was recorded after as many writes as were executed by now,
 *                  so that asking twice does not change the answer. No effect.
 * Errors: ERR_NOT_FOUND (never recorded), ERR_INVALID (the arguments), ERR_CONFLICT (the key came with
 * another call before). `output` lives as long as the world. */
MUST_USE int recorded_call(struct recorded *w, struct str label, struct str tool, struct str arguments, struct str key,
                           struct str *output, struct err *e);

/* A message to the customer. The same mid is taken once; *duplicate tells. ERR_NOT_FOUND: no such label. */
MUST_USE int recorded_send(struct recorded *w, struct str label, struct str mid, struct str text, bool *duplicate);

/* {"effects":[{"tool","args"}],"messages":["..."],"executions":n,"replays":n,"duplicates":n} of one label, or
 * an object of all labels that anything happened to, in their order. Executions are calls of writes that
 * were carried out; replays are calls that a key was known for; duplicates are messages not taken again. */
MUST_USE int recorded_state(const struct recorded *w, struct str label, struct json_writer *out);
void recorded_states(const struct recorded *w, struct json_writer *out);

#endif
