#include "app/reply.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mask.h"

void reply_json(struct request *r, int status, struct str json)
{
    request_reply(r, status, "application/json", json);
}

void reply_seq(struct request *r, int64_t seq, unsigned masked)
{
    struct buf b = buf_new(request_arena(r), 256);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_pair_int(&w, "seq", seq);
    if (masked) {
        json_key(&w, "masked");
        json_open(&w, '[');
        for (enum mask_kind kind = MASK_CARD_NUMBER; kind <= MASK_PASSWORD; kind <<= 1)
            if (masked & kind)
                json_put_str(&w, str_of(mask_name(kind)));
        json_close(&w, ']');
    }
    json_close(&w, '}');
    reply_json(r, 202, buf_str(&b));
}

/* `pointer` without an address: the problem is at no place of the body. */
static void problem(struct request *r, int status, const char *title, const char *detail, struct str pointer,
                    ptrdiff_t offset)
{
    struct buf b = buf_new(request_arena(r), 16384);
    struct json_writer w = {.out = &b};
    if (status >= 500)
        request_set(r, "Retry-After", "2");
    json_open(&w, '{');
    json_pair_str(&w, "type", STR("about:blank"));
    json_pair_str(&w, "title", str_of(title));
    json_pair_int(&w, "status", status);
    json_pair_str(&w, "detail", str_of(detail));
    if (pointer.p)
        json_pair_str(&w, "pointer", pointer);
    if (offset >= 0)
        json_pair_int(&w, "offset", offset);
    json_close(&w, '}');
    request_reply(r, status, "application/problem+json", buf_str(&b));
}

static void note(int status, const char *title, const char *why)
{
    if (status >= 500)
        log_write(LOG_WARN, "api.failed", LOG_INT("status", status), LOG_STR("title", str_of(title)),
                  LOG_STR("why", str_of(why)), LOG_END);
}

void reply_problem(struct request *r, int status, const char *title, const char *detail)
{
    note(status, title, detail);
    problem(r, status, title, detail, STR_NONE, -1);
}

void reply_problem_at(struct request *r, int status, const char *title, const char *detail, struct str pointer,
                      ptrdiff_t offset)
{
    note(status, title, detail);
    problem(r, status, title, detail, pointer, offset);
}

/* detail NULL: the error's own sentence. That of a failure names files and is for the log alone. */
static const struct row {
    int code, status;
    const char *title, *detail;
} rows[] = {
    {ERR_INVALID, 400, "invalid", NULL},
    {ERR_NOT_FOUND, 404, "not_found", NULL},
    {ERR_CONFLICT, 409, "conflict", NULL},
    {ERR_LIMIT, 413, "limit", NULL},
    {ERR_UNSUPPORTED, 501, "unsupported", "this is not possible here"},
    {ERR_BUSY, 503, "busy", "not now; send it again in a moment"},
    {ERR_DENIED, 503, "busy", "another process took over; send it again in a moment"},
    {ERR_IO, 503, "store_failed", "the store failed; what was not acknowledged has to be sent again later"},
    {ERR_TIMEOUT, 504, "timeout", "it took too long; send it again in a moment"},
    {ERR_FULL, 507, "disk_full", "the disk is low: nothing new can be taken; try again later"},
    {0, 500, "internal", "this is a mistake of ours"},
};

static const struct row *row_of(int code)
{
    const struct row *row = rows;
    while (row->code && row->code != code)
        row++;
    return row;
}

void reply_error(struct request *r, const struct err *e)
{
    const struct row *row = row_of(e->code);
    note(row->status, row->title, e->text);
    problem(r, row->status, row->title, row->detail ? row->detail : e->text, STR_NONE, -1);
}

const char *reply_reason(const struct err *e)
{
    const struct row *row = row_of(e->code);
    return row->detail ? row->detail : e->text;
}
