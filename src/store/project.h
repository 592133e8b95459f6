/* project: what follows from an event. One function writes every derived row, at the append and at the
 * refold alike, so the two cannot differ. For the files of this folder. */
#ifndef STORE_PROJECT_H
#define STORE_PROJECT_H

#include "store/event.h"
#include "store/query.h"

/* What must be known of a conversation to take its next event. */
struct fold {
    int64_t conversation;
    int64_t seq_next; /* 1: no such conversation yet */
    int64_t changed_us;
    int64_t fence;     /* of the holder that wrote it last; 0 for none */
    struct sha256 sha; /* of the last event; zeros before the first */
    char owner[16];
    bool closed, turn_open;
    bool push;  /* its messages go through the outbox */
    bool moved; /* owner, status or turn_open changed since the row was written */
};

/* Reads it from the tables. */
MUST_USE int fold_load(struct connection *c, int64_t conversation, struct fold *f, struct err *e);

/* Does this body say what the projection needs? Parses it only when the kind has consequences; `parsed` is
 * NULL otherwise. Errors: ERR_INVALID names the kind and the field. */
MUST_USE int store_body(struct arena *a, const struct event *ev, struct json **parsed, struct err *e);

/* Writes what follows from `ev` (stored at `pos`, body parsed by store_body) and moves the fold on. */
MUST_USE int store_project(struct connection *c, struct fold *f, const struct event *ev, int64_t pos,
                           const struct json *body, struct err *e);
/* Writes the conversation's own row; after the last of some events of one conversation. */
MUST_USE int store_project_row(struct connection *c, struct fold *f, struct err *e);

#endif
