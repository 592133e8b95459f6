/* api_call: one call of the API, and what all calls share: refusals, the body's fields, answers that come later.
 *
 * Private to the api files. A function that answers the request when it refuses returns false; then nothing more may be
 * done with the call. */
#ifndef APP_API_CALL_H
#define APP_API_CALL_H

#include "app/access.h"
#include "app/api.h"
#include "app/reply.h"

enum { API_MESSAGE_CHARS_MAX = 10000, API_ID_BYTES_MAX = 64, API_LIST_MAX = 1000, API_EVENTS_MAX = 100000 };

struct api {
    struct api_config config;
    struct access *access;
    struct str customers; /* JSON of the example's customers, once fetched; in `arena` */
    struct arena *arena;
    bool stopping;
};

struct api_call {
    struct api *api;
    const struct api_config *config;
    struct request *r;
    struct arena *a; /* the request's */
    struct who who;
    int64_t conversation;    /* from the path; 0 where it names none */
    struct str part;         /* the path's other variable part */
    const struct json *body; /* an object; NULL for GET */
    unsigned masked;         /* kinds (base/mask.h) of what was hidden in the customer's words */
};

/* Answers with a problem and gives false. */
bool api_call_refuse(struct api_call *c, int status, const char *title, const char *detail);
/* The same with the place in the body, as reply_problem_at has it. */
bool api_call_refuse_at(struct api_call *c, int status, const char *title, const char *detail, struct str pointer,
                        ptrdiff_t offset);

/* Is every member of the body one of `fields` (the last has no name) and of its kind, or null? */
struct api_field {
    const char *name;
    enum json_kind kind;
};
bool api_call_fields(struct api_call *c, const struct api_field *fields);
/* A field's text: "" where it is missing. */
struct str api_call_text(const struct api_call *c, const char *field);

/* Can something be written now: is the disk in order, does the server stay up? */
bool api_call_storable(struct api_call *c);
/* Is it not too soon after this customer's other messages? */
bool api_call_in_time(struct api_call *c);
/* UTF-8 of at most bytes_max without control characters: what names and ids may hold. */
bool api_call_plain(struct api_call *c, struct str s, size_t bytes_max);
/* 1 to 64 such bytes, as ids of messages are; else 400 client_id_required. */
bool api_call_message_id(struct api_call *c, struct str id);
/* A message's text, repaired, when it is neither empty nor too long. */
bool api_call_message(struct api_call *c, struct str *text);
/* A customer's words without what nobody should keep (base/mask.h); the answer will tell. Nothing but these goes on from
 * here: no store, no model, no hash ever has the words as they came. */
struct str api_call_masked(struct api_call *c, struct str text);

/* Keeps the request until a runner_done_fn answers it. When its client leaves first, nobody is answered. */
struct api_wait {
    struct request *r; /* NULL: gone */
    struct api *api;
    unsigned masked;     /* the call's */
    struct str customer; /* who signs in once the customers are known; "" when only the list is wanted */
};
struct api_wait *api_call_wait(struct api_call *c);
/* A runner_done_fn: 202 with the seq, or why not. Frees the wait. */
void api_call_done(void *wait, const struct runner_done *done);

#endif
