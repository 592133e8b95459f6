/* log: what the operator reads. One JSON object a line on stderr, typed fields only, so that a
 * customer's words cannot get in by accident and control characters cannot forge a line.
 *
 *   log_write(LOG_INFO, "turn.ended", LOG_INT("ms", 12), LOG_ID("conversation", id), LOG_END);
 *   {"at":"2026-11-22T07:45:00.123456Z","level":"info","event":"turn.ended","ms":12,
 *    "conversation":"c00c7n8dse80r0"}                                        (on one line)
 *
 * LOG_STR texts are cut after 500 characters; what is not UTF-8 or acts on a terminal is replaced.
 * A line has at most 4096 bytes: fields that do not fit are left out and "cut":true stands at the
 * end. LOG_ID is a conversation's id in its public form (base/id.h). LOG_SECRET fields are masked:
 * only the length and the first four hex digits of the SHA-256 are written, so that equal values
 * can be recognised and none can be read. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_kind { LOG_KIND_END, LOG_KIND_INT, LOG_KIND_STR, LOG_KIND_SECRET, LOG_KIND_ID };

struct log_field {
    enum log_kind kind;
    const char *name;
    int64_t number;
    struct str text;
};

#define LOG_INT(n, v)    ((struct log_field){.kind = LOG_KIND_INT, .name = (n), .number = (v)})
#define LOG_STR(n, s)    ((struct log_field){.kind = LOG_KIND_STR, .name = (n), .text = (s)})
#define LOG_SECRET(n, s) ((struct log_field){.kind = LOG_KIND_SECRET, .name = (n), .text = (s)})
#define LOG_ID(n, v)     ((struct log_field){.kind = LOG_KIND_ID, .name = (n), .number = (v)})
#define LOG_END          ((struct log_field){.kind = LOG_KIND_END})

void log_level_set(enum log_level least); /* lines below it are dropped; LOG_INFO at start */
/* Where lines go instead of stderr; NULL gives stderr back. The line ends in \n. */
void log_sink_set(void (*sink)(void *arg, struct str line), void *arg);
/* Static names for `event`: "server.started". Thread-safe; a line is written at once. */
void log_write(enum log_level level, const char *event, ...);

#endif
