#include "app/api_call.h"

#include "base/mask.h"
#include "base/text.h"

#include <stdlib.h>

bool api_call_refuse(struct api_call *c, int status, const char *title, const char *detail)
{
    reply_problem(c->r, status, title, detail);
    return false;
}

bool api_call_refuse_at(struct api_call *c, int status, const char *title, const char *detail, struct str pointer,
                        ptrdiff_t offset)
{
    reply_problem_at(c->r, status, title, detail, pointer, offset);
    return false;
}

/* A name too long for a pointer is answered with that of the body. */
static struct str pointer_to(struct api_call *c, struct str name)
{
    struct buf b = buf_new(c->a, JSON_PLACE_BYTES_MAX);
    json_pointer_add(&b, name);
    return b.cut ? STR("") : buf_str(&b);
}

bool api_call_fields(struct api_call *c, const struct api_field *fields)
{
    static const char *const kinds[] = {"null", "false", "true", "a number", "a string", "an array", "an object"};
    for (const struct json *m = c->body->child; m; m = m->next) {
        const struct api_field *f = fields;
        while (f->name && !str_is(m->key, f->name))
            f++;
        struct str name = text_head(m->key, 60);
        if (!f->name)
            return api_call_refuse_at(c, 422, "unknown_field",
                                      str_f(c->a, "there is no field \"%.*s\" here", STR_ARG(name)).p,
                                      pointer_to(c, m->key), -1);
        if (m->kind != f->kind && m->kind != JSON_NULL)
            return api_call_refuse_at(c, 422, "invalid",
                                      str_f(c->a, "\"%s\" is %s, not %s", f->name, kinds[f->kind], kinds[m->kind]).p,
                                      pointer_to(c, m->key), -1);
    }
    return true;
}

struct str api_call_text(const struct api_call *c, const char *field)
{
    return json_str(json_get(c->body, field));
}

bool api_call_storable(struct api_call *c)
{
    struct err e = {0};
    if (c->api->stopping)
        return api_call_refuse(c, 503, "stopping", "the server is restarting; send it again in a moment");
    if (store_healthy(c->config->store, &e) == 0)
        return true;
    reply_error(c->r, &e);
    return false;
}

bool api_call_in_time(struct api_call *c)
{
    int wait_s = access_wait_s(c->api->access, &c->who);
    if (!wait_s)
        return true;
    request_set(c->r, "Retry-After", str_f(c->a, "%d", wait_s).p);
    return api_call_refuse(c, 429, "too_many_messages", "too many messages in a short time; wait a moment");
}

bool api_call_plain(struct api_call *c, struct str s, size_t bytes_max)
{
    bool changed;
    if (s.n > bytes_max || text_invalid_at(s) >= 0)
        return false;
    text_repair(c->a, s, &changed);
    return !changed && str_find(s, STR("\n")) < 0 && str_find(s, STR("\t")) < 0;
}

bool api_call_message_id(struct api_call *c, struct str id)
{
    return (id.n && api_call_plain(c, id, API_ID_BYTES_MAX)) ||
           api_call_refuse(c, 400, "client_id_required",
                           "send a client_id of 1 to 64 bytes without control characters, new for each message");
}

bool api_call_message(struct api_call *c, struct str *text)
{
    bool repaired;
    *text = text_repair(c->a, api_call_text(c, "text"), &repaired);
    if (text_blank(*text))
        return api_call_refuse(c, 422, "empty_message", "the message is empty");
    if (text_length(*text) > API_MESSAGE_CHARS_MAX)
        return api_call_refuse(c, 413, "too_long", "a message has at most 10,000 characters");
    return true;
}

struct str api_call_masked(struct api_call *c, struct str text)
{
    unsigned found;
    text = mask_text(c->a, text, &found);
    c->masked |= found;
    return text;
}

/* --- answers that come later --- */

static void left(void *arg)
{
    ((struct api_wait *)arg)->r = NULL;
}

struct api_wait *api_call_wait(struct api_call *c)
{
    struct api_wait *w = mem_get(sizeof *w);
    *w = (struct api_wait){.r = c->r, .api = c->api, .masked = c->masked};
    request_on_gone(c->r, left, w);
    return w;
}

void api_call_done(void *wait, const struct runner_done *done)
{
    struct api_wait *w = wait;
    if (w->r && done->result == ERR_DUPLICATE && done->duplicate_differs)
        reply_problem(w->r, 422, "key_reused", "this client_id was used before with other words");
    else if (w->r && (done->result == 0 || done->result == ERR_DUPLICATE))
        reply_seq(w->r, done->seq, w->masked);
    else if (w->r)
        reply_error(w->r, &done->err);
    free(w);
}
