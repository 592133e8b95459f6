/* feed: what a customer sees of a conversation as it happens: long polls and event streams. docs/API.md, "Events". */
#ifndef APP_FEED_H
#define APP_FEED_H

#include "net/server.h"
#include "store/journal.h"

struct feed;

struct feed *feed_new(struct loop *l, struct store *s);
void feed_free(struct feed *f);

/* The customer's view of one journal event: its type and its JSON. False when customers do not see it. */
bool feed_view(struct arena *a, const struct event *ev, const char **type, struct str *json);

/* Answers a long poll: at once when there are events after `after`, else when one comes or after wait_s. */
void feed_poll(struct feed *f, struct request *r, int64_t conversation, int64_t after, int wait_s);
/* Answers with an event stream that begins after `after`. */
void feed_stream(struct feed *f, struct request *r, int64_t conversation, int64_t after);

/* Have the forms of runner_ports.notify and .draft. */
struct conversation;
void feed_notify(struct feed *f, int64_t conversation, const struct event *events, size_t n);
void feed_draft(struct feed *f, int64_t conversation, struct str words);

/* The server stops: polls are answered with what there is, and nobody waits from now on. */
void feed_drain(struct feed *f);

size_t feed_open(const struct feed *f); /* streams and polls that wait */

#endif
