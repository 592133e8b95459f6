#include "app/api.h"

#include "app/api_customer.h"
#include "app/api_signin.h"
#include "app/api_staff.h"
#include "app/api_switch.h"
#include "app/assets.h"
#include "app/metrics.h"
#include "base/clock.h"
#include "base/id.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void get_livez(struct api_call *c)
{
    reply_json(c->r, 200, STR("{\"live\":true}"));
}

static void get_readyz(struct api_call *c)
{
    struct err e = {0};
    bool ready = !c->api->stopping && store_healthy(c->config->store, &e) == 0;
    struct buf b = buf_new(c->a, 2048);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_pair_bool(&w, "ready", ready);
    json_pair_str(&w, "agent", c->config->agent->name);
    json_pair_str(&w, "agent_version", c->config->agent->sha_hex);
    if (!ready)
        json_pair_str(&w, "why", c->api->stopping ? STR("stopping") : str_of(reply_reason(&e)));
    json_close(&w, '}');
    reply_json(c->r, ready ? 200 : 503, buf_str(&b));
}

static void get_metrics(struct api_call *c)
{
    struct str text = metrics_text(c->a, c->config->runner, c->config->llm, feed_open(c->config->feed));
    request_reply(c->r, 200, "text/plain; version=0.0.4; charset=utf-8", text);
}

enum { OPEN = 1, STAFF = 2, CONVERSATION = 4 };

/* The table. {id} is a conversation, {n} any other part. */
static const struct route {
    const char *method, *path;
    int needs;
    void (*run)(struct api_call *c);
} routes[] = {
    {"GET", "/v1/customers", OPEN, api_signin_customers},
    {"POST", "/v1/session", OPEN, api_signin_session},
    {"GET", "/v1/conversations", 0, api_customer_conversations},
    {"POST", "/v1/conversations", 0, api_customer_open},
    {"POST", "/v1/conversations/{id}/messages", CONVERSATION, api_customer_message},
    {"GET", "/v1/conversations/{id}/events", CONVERSATION, api_customer_events},
    {"POST", "/v1/conversations/{id}/proposals/{n}/decision", CONVERSATION, api_customer_decision},
    {"POST", "/v1/conversations/{id}/handoff", CONVERSATION, api_customer_handoff},
    {"GET", "/v1/conversations/{id}/handoff", CONVERSATION | STAFF, api_staff_handoff},
    {"GET", "/v1/conversations/{id}/journal", CONVERSATION | STAFF, api_staff_journal},
    {"POST", "/v1/conversations/{id}/takeover", CONVERSATION | STAFF, api_staff_takeover},
    {"POST", "/v1/conversations/{id}/giveback", CONVERSATION | STAFF, api_staff_giveback},
    {"POST", "/v1/conversations/{id}/switch", CONVERSATION | STAFF, api_switch_one},
    {"POST", "/v1/agents/{n}/switch", STAFF, api_switch_all},
    {"POST", "/v1/conversations/{id}/reply", CONVERSATION | STAFF, api_staff_reply},
    {"POST", "/v1/conversations/{id}/rating", CONVERSATION, api_customer_rating},
    {"POST", "/v1/conversations/{id}/close", CONVERSATION, api_customer_close},
    {"GET", "/livez", OPEN, get_livez},
    {"GET", "/readyz", OPEN, get_readyz},
    {"GET", "/metrics", OPEN, get_metrics},
};
enum { ROUTES = sizeof routes / sizeof *routes };

static bool matches(const struct route *route, struct str path, struct str *id, struct str *part)
{
    struct str pattern = str_of(route->path), want, have;
    for (;;) {
        bool more = str_split(&pattern, '/', &want), also = str_split(&path, '/', &have);
        if (!more || !also)
            return more == also;
        if (str_is(want, "{id}"))
            *id = have;
        else if (str_is(want, "{n}"))
            *part = have;
        else if (!str_eq(want, have))
            return false;
    }
}

static struct str bearer(const struct request *r)
{
    struct str header = request_header(r, "Authorization"), rest = request_header(r, "Cookie"), part;
    if (header.n > 7 && strncasecmp(header.p, "Bearer ", 7) == 0)
        return str_trim(str_from(header, 7));
    while (str_split(&rest, ';', &part)) {
        part = str_trim(part);
        if (str_starts(part, STR("candor_session=")))
            return str_from(part, 15);
    }
    return STR("");
}

static bool is_json_type(struct str type)
{
    struct str media;
    str_split(&type, ';', &media);
    media = str_trim(media);
    return media.n == 16 && strncasecmp(media.p, "application/json", 16) == 0;
}

static bool read_body(struct api_call *c)
{
    struct json *v;
    struct str body = request_body(c->r);
    struct err e = {0};
    size_t offset;
    if (!is_json_type(request_header(c->r, "Content-Type"))) /* also keeps other sites' forms out */
        return api_call_refuse(c, 415, "json_required", "send the body as application/json");
    if (json_parse_at(c->a, body, &v, &offset, &e) < 0)
        return api_call_refuse_at(c, 400, "invalid_json", e.text, json_place(c->a, body, offset), (ptrdiff_t)offset);
    if (!json_is(v, JSON_OBJECT))
        return api_call_refuse_at(c, 400, "invalid_json", "the body must be a JSON object", STR(""), 0);
    c->body = v;
    return true;
}

/* May this caller see the conversation, and change it? Whatever the reason it may not be seen, the answer is the same. */
static bool allowed(struct api_call *c, const struct route *route, struct str id)
{
    struct err e = {0};
    if (id_parse(id, &c->conversation) < 0)
        return api_call_refuse(c, 404, "not_found", "there is no such conversation");
    int r = access_conversation(c->api->access, c->a, c->conversation, &c->who, &e);
    if (r == ERR_NOT_FOUND)
        return api_call_refuse(c, 404, "not_found", "there is no such conversation");
    if (r < 0) {
        reply_error(c->r, &e);
        return false;
    }
    if (strcmp(route->method, "POST") == 0 && access_is_recorded(c->api->access, c->conversation))
        return api_call_refuse(c, 409, "recorded", "this conversation was imported and cannot go on here");
    return true;
}

static void run(struct api_call *c, const struct route *route, struct str id)
{
    int64_t now_s = clock_now_us() / 1000000;
    if (!(route->needs & OPEN) && session_check(&c->config->sessions, bearer(c->r), now_s, &c->who) < 0) {
        request_set(c->r, "WWW-Authenticate", "Bearer");
        api_call_refuse(c, 401, "sign_in", "sign in first: POST /v1/session");
        return;
    }
    if ((route->needs & STAFF) && !c->who.staff) {
        api_call_refuse(c, 403, "staff_only", "this call needs the operator's token");
        return;
    }
    if ((route->needs & CONVERSATION) && !allowed(c, route, id))
        return;
    if (strcmp(route->method, "POST") == 0 && !read_body(c))
        return;
    route->run(c);
}

static void page(struct api_call *c, const struct asset *asset)
{
    request_set(c->r, "Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
                "form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
    request_set(c->r, "Referrer-Policy", "no-referrer");
    request_set(c->r, "Cache-Control", "no-cache");
    request_set(c->r, "ETag", asset->etag);
    request_set(c->r, "Vary", "Accept-Encoding");
    if (str_has(request_header(c->r, "If-None-Match"), str_of(asset->etag))) {
        request_reply(c->r, 304, asset->type, STR(""));
        return;
    }
    bool gz = asset->gz && str_has(request_header(c->r, "Accept-Encoding"), STR("gzip"));
    if (gz)
        request_set(c->r, "Content-Encoding", "gzip");
    struct str bytes = {(const char *)(gz ? asset->gz : asset->bytes), gz ? asset->gz_n : asset->n};
    request_reply(c->r, 200, asset->type, bytes);
}

/* The page of one conversation is the same for every id; an id that cannot be one has none. */
static const struct asset *asset_at(struct str path)
{
    struct str prefix = STR("/conversations/");
    int64_t id;
    if (str_starts(path, prefix) && id_parse(str_from(path, prefix.n), &id) == 0)
        path = STR("/conversation.html");
    return asset_find(path);
}

void api_handle(struct request *r, void *arg)
{
    struct api *api = arg;
    struct api_call c = {.api = api, .config = &api->config, .r = r, .a = request_arena(r)};
    struct str path = request_path(r), id = STR("");
    const char *method = request_method(r), *allow = "";
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    for (size_t i = 0; i < ROUTES; i++) {
        if (!matches(&routes[i], path, &id, &c.part))
            continue;
        if (strcmp(routes[i].method, reads ? "GET" : method) == 0) {
            run(&c, &routes[i], id);
            return;
        }
        const char *takes = strcmp(routes[i].method, "GET") == 0 ? "GET, HEAD" : routes[i].method;
        allow = *allow ? str_f(c.a, "%s, %s", allow, takes).p : takes;
    }
    const struct asset *asset = asset_at(path);
    if (asset && reads) {
        page(&c, asset);
    } else if (asset || *allow) {
        request_set(r, "Allow", asset ? "GET, HEAD" : allow);
        api_call_refuse(&c, 405, "method", "this address does not take that method");
    } else {
        api_call_refuse(&c, 404, "not_found", "there is nothing at this address");
    }
}

struct api *api_new(const struct api_config *config)
{
    struct api *api = mem_get(sizeof *api);
    memset(api, 0, sizeof *api);
    api->config = *config;
    api->arena = arena_new("api", 0);
    api->access = access_new(config->store, config->settings->messages_10s);
    return api;
}

void api_free(struct api *api)
{
    access_free(api->access);
    arena_free(api->arena);
    free(api);
}

void api_stopping(struct api *api)
{
    api->stopping = true;
}
