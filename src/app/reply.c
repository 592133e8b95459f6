#include "app/reply.h"

#include "base/json.h"
#include "base/log.h"

void reply_json(struct request *r, int status, struct str json)
{
    request_reply(r, status, "application/json", json);
}

void reply_seq(struct request *r, int64_t seq)
{
    reply_json(r, 202, str_f(request_arena(r), "{\"seq\":%lld}", (long long)seq));
}

void reply_problem(struct request *r, int status, const char *title, const char *detail)
{
    struct buf b = buf_new(request_arena(r), 4096);
    if (status >= 500) {
        request_set(r, "Retry-After", "2");
        log_write(LOG_WARN, "api.failed", LOG_INT("status", status), LOG_STR("title", str_of(title)),
                  LOG_STR("why", str_of(detail)), LOG_END);
    }
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_pair_str(&w, "type", STR("about:blank"));
    json_pair_str(&w, "title", str_of(title));
    json_pair_int(&w, "status", status);
    json_pair_str(&w, "detail", str_of(detail));
    json_close(&w, '}');
    request_reply(r, status, "application/problem+json", buf_str(&b));
}

void reply_error(struct request *r, const struct err *e)
{
    static const struct {
        int code, status;
        const char *title;
    } rows[] = {
        {ERR_INVALID, 400, "invalid"},   {ERR_NOT_FOUND, 404, "not_found"},
        {ERR_CONFLICT, 409, "conflict"}, {ERR_BUSY, 503, "busy"},
        {ERR_LIMIT, 413, "limit"},       {ERR_DENIED, 503, "busy"},
        {ERR_TIMEOUT, 504, "timeout"},   {ERR_FULL, 507, "disk_full"},
        {ERR_IO, 503, "store_failed"},   {ERR_UNSUPPORTED, 501, "unsupported"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == e->code) {
            reply_problem(r, rows[i].status, rows[i].title, e->text);
            return;
        }
    reply_problem(r, 500, "internal", e->text);
}
