#include "app/api_signin.h"

#include "base/clock.h"

#include <stdlib.h>

/* Keeps the service's list as {"customers":[...]}: it comes as that, or inside "data". Anybody may ask for it, so what
 * holds no list leaves nothing behind. */
static void keep_customers(struct api *api, struct str body)
{
    struct arena *a = arena_new("customers", 0);
    struct json *v = NULL;
    if (json_parse(a, body, &v, NULL) == 0) {
        const struct json *data = json_get(v, "data"), *list = json_get(data ? data : v, "customers");
        if (json_is(list, JSON_ARRAY))
            api->customers = str_f(api->arena, "{\"customers\":%.*s}", STR_ARG(json_text(a, list)));
    }
    arena_free(a);
}

static bool is_customer(struct api *api, struct arena *a, struct str customer)
{
    struct json *all;
    if (!session_customer_ok(customer) || json_parse(a, api->customers, &all, NULL) < 0)
        return false;
    const struct json *k = json_get(all, "customers")->child;
    while (k && !str_eq(json_str(json_get(k, "id")), customer))
        k = k->next;
    return k != NULL;
}

static void sign_in(struct api *api, struct request *r, struct str customer)
{
    struct arena *a = request_arena(r);
    if (!is_customer(api, a, customer)) {
        reply_problem(r, 404, "no_such_customer", "choose one of the customers that GET /v1/customers lists");
        return;
    }
    int64_t expires_s = clock_now_us() / 1000000 + SESSION_SECONDS;
    struct str token = session_token(a, &api->config.sessions, customer, expires_s);
    request_set(
        r, "Set-Cookie",
        str_f(a, "candor_session=%.*s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d", STR_ARG(token), SESSION_SECONDS)
            .p);
    reply_json(r, 201,
               str_f(a, "{\"token\":\"%.*s\",\"customer\":\"%.*s\",\"expires\":\"%.*s\"}", STR_ARG(token),
                     STR_ARG(customer), STR_ARG(clock_iso(a, expires_s * 1000000))));
}

static void on_customers(void *arg, const struct client_answer *answer)
{
    struct api_wait *w = arg;
    struct api *api = w->api;
    if (answer->end == CLIENT_DONE && answer->status == 200 && !api->customers.n)
        keep_customers(api, answer->body);
    if (w->r && !api->customers.n)
        reply_problem(w->r, 502, "no_customers",
                      "the service that lists the customers does not answer; is it running?");
    else if (w->r && w->customer.n)
        sign_in(api, w->r, w->customer);
    else if (w->r)
        reply_json(w->r, 200, api->customers);
    free(w);
}

/* The list is fetched by the first who needs it, which after a restart may be someone who signs in. */
static void fetch_customers(struct api_call *c, struct str customer)
{
    struct client_request q = {
        .method = "GET", .url = str_c(c->a, c->config->settings->signin_url), .connect_ms = 2000, .total_ms = 5000};
    static const struct client_hooks hooks = {.on_done = on_customers};
    struct api_wait *w = api_call_wait(c);
    w->customer = customer;
    client_send(c->config->client, &q, &hooks, w);
}

void api_signin_customers(struct api_call *c)
{
    if (!c->config->settings->signin_url.n)
        api_call_refuse(c, 404, "not_found", "this workspace has no example sign-in");
    else if (c->api->customers.n)
        reply_json(c->r, 200, c->api->customers);
    else
        fetch_customers(c, STR(""));
}

void api_signin_session(struct api_call *c)
{
    static const struct api_field fields[] = {{"customer", JSON_STRING}, {0}};
    struct str customer = api_call_text(c, "customer");
    if (!api_call_fields(c, fields))
        return;
    if (c->config->settings->signin_url.n && !c->api->customers.n && customer.n)
        fetch_customers(c, customer);
    else
        sign_in(c->api, c->r, customer);
}
