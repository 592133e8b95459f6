#include "app/access.h"

#include "base/clock.h"
#include "base/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RATES = 4096, OWNERS = 16384 };

/* A token bucket of one customer, refilled at messages_10s per 10 s. Direct-mapped: two customers that share a slot take
 * it from each other, which only makes the limit milder. */
struct rate {
    uint64_t who;
    double left;
    int64_t at_us;
};

/* Whose conversation: spares a look into the store for each call. Never changes, so it may be kept for ever. */
struct owned {
    int64_t conversation;
    uint64_t customer;
    bool recorded;
};

struct access {
    struct store *store;
    double messages_10s;
    struct rate rates[RATES];
    struct owned owners[OWNERS];
};

static uint64_t mark(struct str s)
{
    struct sha256 h = sha256_of(s);
    uint64_t v;
    memcpy(&v, h.b, sizeof v);
    return v;
}

struct access *access_new(struct store *s, int messages_10s)
{
    struct access *x = mem_get(sizeof *x);
    memset(x, 0, sizeof *x);
    x->store = s;
    x->messages_10s = messages_10s;
    return x;
}

void access_free(struct access *x)
{
    free(x);
}

int access_conversation(struct access *x, struct arena *a, int64_t conversation, const struct who *who, struct err *e)
{
    struct owned *o = &x->owners[(uint64_t)conversation % OWNERS];
    if (o->conversation == conversation && (who->staff || o->customer == mark(who->customer)))
        return 0;
    struct conversation_row row;
    int r = conversation_find(x->store, a, conversation, &row, e);
    if (r < 0)
        return r;
    if (!who->staff && !str_eq(row.customer, who->customer))
        return err_set(e, ERR_NOT_FOUND, "another customer's");
    *o = (struct owned){.conversation = conversation, .customer = mark(row.customer), .recorded = row.set.n > 0};
    return 0;
}

bool access_is_recorded(const struct access *x, int64_t conversation)
{
    const struct owned *o = &x->owners[(uint64_t)conversation % OWNERS];
    return o->conversation == conversation && o->recorded;
}

int access_wait_s(struct access *x, const struct who *who)
{
    if (x->messages_10s <= 0 || who->staff)
        return 0;
    uint64_t customer = mark(who->customer);
    struct rate *b = &x->rates[customer % RATES];
    int64_t now = clock_mono_us();
    if (b->who != customer)
        *b = (struct rate){.who = customer, .left = x->messages_10s, .at_us = now};
    b->left = fmin(b->left + (double)(now - b->at_us) / 1e7 * x->messages_10s, x->messages_10s);
    b->at_us = now;
    if (b->left < 1)
        return (int)ceil((1 - b->left) * 10 / x->messages_10s);
    b->left -= 1;
    return 0;
}

int access_may_open(struct access *x, const struct who *who, struct str key, struct err *e)
{
    return who->staff ? 0 : conversation_may_open(x->store, who->customer, key, ACCESS_OPEN_MAX, e);
}
