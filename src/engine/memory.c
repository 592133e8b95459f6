#include "engine/memory.h"

enum { KEYS_MAX = 32, VALUE_BYTES_MAX = 200, DAYS_MAX = 36500 };

static const int64_t day_us = 86400LL * 1000000;

static const struct slot_value *value_of(const struct conversation *c, struct str slot)
{
    for (const struct slot_value *v = c->slots; v; v = v->next)
        if (str_eq(v->slot, slot))
            return v;
    return NULL;
}

int memory_write(struct conversation *c, struct turn_events *out, struct err *e)
{
    struct decision b;
    int n = 0;
    decision_begin(&b, out->arena);
    json_pair_str(&b.w, "customer", c->customer);
    json_key(&b.w, "set");
    json_open(&b.w, '[');
    for (const struct json *s = c->agent->slots->child; s && n < KEYS_MAX; s = s->next) {
        const struct json *days = json_get(json_get(s, "remember"), "days");
        const struct slot_value *v = value_of(c, json_str(json_get(s, "slot")));
        if (!days || !v || !str_is(v->status, "stated") || !str_is(v->source, "customer") ||
            v->value.n > VALUE_BYTES_MAX)
            continue;
        json_open(&b.w, '{');
        json_pair_str(&b.w, "key", v->slot);
        json_pair_str(&b.w, "value", v->value);
        json_pair_int(&b.w, "seq", v->evidence);
        int64_t kept = json_int(days, 1);
        json_pair_int(&b.w, "expires_us", out->now_us + (kept < DAYS_MAX ? kept : DAYS_MAX) * day_us);
        json_close(&b.w, '}');
        n++;
    }
    json_close(&b.w, ']');
    return n && c->customer.n ? decision_add(&b, c, out, EVENT_MEMORY_WRITTEN, e) : 0;
}
