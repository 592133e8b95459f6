/* import: recorded conversations become journals and a set with what was expected of them.
 *
 * Reading is pure and comes first: a file with one wrong line changes nothing, and the error says where
 * ("conversations.jsonl:17: messages[3].role is missing"). Storing comes second and can be repeated: a
 * conversation that is there already, byte for byte, is taken as it is, so an import that was killed goes on
 * when it is run again. The set appears at the very end, as a whole.
 *
 * Formats: one JSON object a line, or one list of them (import_source.h).
 *
 *   tau-bench     task_id, trial, messages; may have id (else task-<task_id>-trial-<trial>), reward, r_actions,
 *                 r_outputs, user_id, instruction, expected_actions [{name, kwargs}], expected_outputs [text]. Or what
 *                 tau-bench itself writes, {task_id, reward, info, traj, trial}: traj is messages, and info.task says
 *                 what was expected. No messages at all is a run that broke off; its reward counts.
 *   openai-jsonl  messages; may have id (else <file>-<line>) and all fields above but info and traj.
 *   candor-jsonl  what export writes: whole journals (see export.h).
 *
 * Other fields, of a conversation or a message, are left out and counted. A field that is null is missing; without a
 * reward the conversation has none, and is no trial to pass^k.
 *
 * messages are OpenAI chat messages: role user, assistant (content, tool_calls), tool (content, tool_call_id,
 * name); system or developer only before the others. Tool calls may be {id, type, function: {name, arguments}}
 * or {id, name, arguments}; arguments is text and is kept as it is (an object becomes its text). content may be a
 * list of text parts, and null where nothing was said (import_source.h). Ids of providers repeat within real
 * conversations, so an answer is paired with the first open call of that id in the last message with calls.
 *
 * What becomes of a message:
 *   user                   message.received (after a turn.ended, when a reply or call stands before it)
 *   assistant, no calls    model.answered, reply.sent {of}
 *   assistant with calls   model.answered: its words were not shown to the customer
 *   tool                   tool.answered {"class": "refused" if the text starts with "Error", else "ok",
 *                          "result": {"text": ...}}: tools of these sources report failure in that way
 *   the end                turn.ended and conversation.closed: nobody shall answer a recorded conversation
 *
 * conversation.opened has channel "import", agent = the set's name, source = the format, and key
 * "import:<set>/<label>"; leading system messages, and what a round trip needs beside the messages, stand in
 * the item's note. */
#ifndef EVAL_IMPORT_H
#define EVAL_IMPORT_H

#include "store/dataset.h"

enum {
    IMPORT_BYTES_MAX = 1 << 29,         /* a file; larger ones are imported in parts */
    IMPORT_CONVERSATIONS_MAX = 1000000, /* of a file */
    IMPORT_IGNORED_MAX = 16             /* names of left-out fields that are told apart */
};

struct import_ignored {
    struct str field; /* "message.refusal", "tools" */
    size_t n;
};

struct import_conversation {
    struct dataset_item item;   /* item.conversation is the new id */
    const struct event *events; /* kind, at_us, body */
    size_t events_n;
    struct str source_sha; /* hex SHA-256 of the line */
    size_t line;           /* 1.. */
};

struct import_batch {
    struct str set, format;
    struct import_conversation *conversations;
    size_t n;
    size_t messages, calls;
    size_t calls_unanswered;                               /* at the end of a conversation that was cut off */
    struct import_ignored ignored[IMPORT_IGNORED_MAX + 1]; /* the last row counts what had no room */
    size_t ignored_n;
    size_t already; /* filled by import_store: were there from an earlier attempt */
};

/* Reads a whole file. Everything in `out` lives in `a` and borrows from `bytes`.
 *
 *   file    its name for messages
 *   now_us  when the events happened, as far as we know: now. Ids are made of the milliseconds before it.
 *   errors  ERR_NOT_FOUND: no such format. ERR_INVALID, ERR_LIMIT: the first bad line and field; a set's name
 *           that is not 1 to 64 letters, digits, '-', '_' and '.'; no conversation at all; a label twice. */
MUST_USE int import_read(struct arena *a, const char *format, const char *file, struct str bytes, const char *set,
                         int64_t now_us, struct import_batch *out, struct err *e);

/* Writes the batch. Errors: ERR_CONFLICT (the set has one of the labels already, or the name is that of an agent;
 * nothing was added), and those of the store. */
MUST_USE int import_store(struct store *s, struct arena *a, struct import_batch *batch, struct err *e);

#endif
