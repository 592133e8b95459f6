/* access: may this caller see this conversation, write now, open one more?
 *
 * Kept in memory and bounded; what is forgotten is looked up in the store again. Operators have no limits. */
#ifndef APP_ACCESS_H
#define APP_ACCESS_H

#include "app/session.h"
#include "store/journal.h"

struct access;

enum { ACCESS_OPEN_MAX = 200 }; /* open conversations of one customer */

/* messages_10s: what one customer may send in 10 s; 0: no limit. */
struct access *access_new(struct store *s, int messages_10s);
void access_free(struct access *x);

/* May the caller see the conversation? Errors: ERR_NOT_FOUND (none such, or another's: no difference), ERR_IO. */
MUST_USE int access_conversation(struct access *x, struct arena *a, int64_t conversation, const struct who *who,
                                 struct err *e);
/* May it go on? One that was imported only stands for reading. Asked after access_conversation. */
bool access_is_recorded(const struct access *x, int64_t conversation);

/* Takes one of the customer's messages of this time. 0, or after how many seconds to try again. */
int access_wait_s(struct access *x, const struct who *who);

/* Errors: ERR_LIMIT: ACCESS_OPEN_MAX are open, and this is no repetition of an opening under `key`. */
MUST_USE int access_may_open(struct access *x, const struct who *who, struct str key, struct err *e);

#endif
