/* session: who is asking. Tokens are signed, not stored: customer.expiry.signature (HMAC-SHA-256 under data/session.key).
 *
 * The operator's token (data/operator.token) opens staff calls. Both files are made on first use, readable by the owner
 * only; a file that others can read is refused. */
#ifndef APP_SESSION_H
#define APP_SESSION_H

#include "base/str.h"

struct sessions {
    struct str key;            /* signs customers' tokens */
    struct str operator_token; /* the operator's token */
};

struct who {
    struct str customer; /* "" for the operator */
    bool staff;          /* has the operator's token */
};

enum { SESSION_SECONDS = 12 * 3600 };

/* Loads or makes the two files in `dir`. Errors: ERR_IO, ERR_DENIED (others can read it). */
MUST_USE int sessions_load(struct arena *a, const char *dir, struct sessions *out, struct err *e);

struct str session_token(struct arena *a, const struct sessions *s, struct str customer, int64_t expires_s);
/* Errors: ERR_DENIED (no token, a false or an expired one). */
MUST_USE int session_check(const struct sessions *s, struct str token, int64_t now_s, struct who *out);

/* The form of a customer's id: 1 to 64 of a-z A-Z 0-9 _ - */
bool session_customer_ok(struct str customer);

#endif
