/* reply: answers of the API: JSON, and errors as problem+json (RFC 9457). */
#ifndef APP_REPLY_H
#define APP_REPLY_H

#include "net/server.h"

void reply_json(struct request *r, int status, struct str json);
/* {"seq":N} with 202: something is durable. `masked`: kinds (base/mask.h) of what was hidden in it before. */
void reply_seq(struct request *r, int64_t seq, unsigned masked);
/* `title` is a stable word of docs/API.md; `detail` a sentence. From 500 on: with Retry-After, and in the log. */
void reply_problem(struct request *r, int status, const char *title, const char *detail);
/* The same with where in the body it is: `pointer` is a JSON Pointer (RFC 6901), `offset` a byte, or -1 for none. */
void reply_problem_at(struct request *r, int status, const char *title, const char *detail, struct str pointer,
                      ptrdiff_t offset);
/* An error of the store or the engine as its status and title. What a failure's sentence says goes to the log only. */
void reply_error(struct request *r, const struct err *e);
/* What reply_error would tell of it. */
const char *reply_reason(const struct err *e);

#endif
