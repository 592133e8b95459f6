/* outbox: sends the messages of push channels, each until it was taken.
 *
 * What waits is the store's outbox table, derived from the journal: a message stands there until message.delivered. One
 * message of a conversation is under way at a time, so the order holds; a crash between the receiver's 2xx and the
 * event sends the same message id again. A message that was not taken is sent again after 1 s, 2 s, 4 s, ... 5 min, without
 * an end; only its own conversation waits for it. The delays are in memory: a new process tries each at once. */
#ifndef APP_OUTBOX_H
#define APP_OUTBOX_H

#include "engine/runner.h"
#include "net/client.h"

struct outbox;

struct outbox *outbox_new(struct loop *l, struct client *c, struct store *s, struct runner *r, struct str url);
void outbox_free(struct outbox *o);
/* Something may be waiting. */
void outbox_wake(struct outbox *o);

#endif
