#include "domain.h"

#include "base/clock.h"
#include "base/decimal.h"
#include "serve.h"

enum { CENTS_MAX = 1000000000, ANSWER_BYTES_MAX = 64 * 1024 };

const struct domain *const domains[] = {
    &customers_domain, &cards_domain,     &deliveries_domain,   &debts_domain,
    &limits_domain,    &transfers_domain, &underwriting_domain, NULL,
};

const struct json *deed_row(struct deed *d, const char *sql)
{
    return books_row(d->books, d->arena, sql, d->values);
}

struct str deed_text(const struct deed *d, const char *name)
{
    return json_str(json_get(d->body, name));
}

int64_t deed_cents(const struct deed *d, const char *name)
{
    struct decimal amount, none = {.scale = 2};
    if (!decimal_of(json_get(d->body, name), &amount) || !decimal_align(&amount, &none) || amount.scale != 2)
        return -1;
    return amount.n < 0 || amount.n > CENTS_MAX ? -1 : amount.n;
}

int64_t deed_day(const struct deed *d, const char *name)
{
    int64_t days;
    return clock_days(deed_text(d, name), &days) < 0 ? -1 : days;
}

void deed_set(struct deed *d, const char *name, int64_t value)
{
    json_set(d->values, str_of(name), json_new_int(d->arena, value));
}

void deed_set_text(struct deed *d, const char *name, struct str value)
{
    json_set(d->values, str_of(name), json_new_str(d->arena, value));
}

int deed_refuse(struct deed *d, int status, const char *code, const char *message)
{
    d->status = status;
    d->answer = serve_error_text(d->arena, code, message);
    return 0;
}

int deed_write(struct deed *d, const char *sql, struct err *e)
{
    return books_write(d->books, sql, d->values, e);
}

int deed_done(struct deed *d, const char *sql)
{
    struct buf out = buf_new(d->arena, ANSWER_BYTES_MAX);
    struct json_writer w = {.out = &out};
    json_open(&w, '{');
    json_key(&w, "data");
    json_open(&w, '{');
    json_key(&w, d->name);
    if (books_read(d->books, sql, d->values, false, &w) < 0)
        json_put_null(&w);
    json_close(&w, '}');
    json_close(&w, '}');
    d->status = 201;
    d->answer = buf_str(&out);
    return 0;
}
