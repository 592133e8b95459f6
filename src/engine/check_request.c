#include "engine/check.h"

#include "base/nearest.h"
#include "engine/check_parts.h"

/* Requests of tools: are the services and secrets that they name in candor.yaml, and what they send among what they get? */

enum { NAMES_MAX = 64 };

/* What a request's templates may read: the arguments, the steps before it, and what is always there. */
struct request_check {
    struct check *k;
    const struct checked *m;
    const char *known[NAMES_MAX + 1];
    const struct json *at; /* what is looked at */
};

static void know(struct request_check *q, struct str name)
{
    size_t n = 0;
    while (q->known[n])
        n++;
    if (n < NAMES_MAX)
        q->known[n] = str_c(q->k->arena, name);
}

static bool is_known(const struct request_check *q, struct str name)
{
    for (size_t i = 0; q->known[i]; i++)
        if (str_is(name, q->known[i]))
            return true;
    return q->known[NAMES_MAX - 1] != NULL; /* more than are kept */
}

static void check_read(void *with, struct str path)
{
    struct request_check *q = with;
    struct str head = path;
    for (size_t i = 0; i < path.n && head.n == path.n; i++)
        if (path.p[i] == '.' || path.p[i] == '[')
            head.n = i;
    if (is_known(q, head))
        return;
    const char *nearest = nearest_word(head, q->known);
    finding_add(q->k->found, RULE_REQUEST_VALUE, q->m->file, q->at,
                "the request reads %.*s, which nothing supplies%s%s%s", STR_ARG(head), nearest ? "; did you mean " : "",
                nearest ? nearest : "", nearest ? "?" : "");
}

/* "shop" of services, "secret.shop" of secrets. */
static void check_place(struct request_check *q, struct str name)
{
    bool secret = str_starts(name, STR("secret."));
    const struct json *all = secret ? q->k->secrets : q->k->services;
    struct str key = secret ? str_from(name, 7) : name;
    if (q->k->places_known && !json_get(all, str_c(q->k->arena, key)))
        finding_add(q->k->found, RULE_NO_SERVICE, q->m->file, q->at, "candor.yaml has no %s.%.*s",
                    secret ? "secrets" : "services", STR_ARG(key));
}

/* "${shop}/v1/orders/{order}" */
static void check_pattern(struct request_check *q, const struct json *pattern)
{
    struct str rest = json_str(pattern);
    q->at = pattern;
    for (ptrdiff_t open; (open = str_find(rest, STR("{"))) >= 0;) {
        bool dollar = open > 0 && rest.p[open - 1] == '$';
        rest = str_from(rest, (size_t)open + 1);
        ptrdiff_t end = str_find(rest, STR("}"));
        if (end < 0)
            return;
        struct str name = str_head(rest, (size_t)end);
        rest = str_from(rest, (size_t)end + 1);
        if (dollar)
            check_place(q, name);
        else
            check_read(q, name);
    }
}

/* The expressions in a query or a body. One that does not parse was told with the tool's form. */
static void check_values(struct request_check *q, const struct json *v)
{
    const struct expr *x;
    if (json_is(v, JSON_OBJECT) || json_is(v, JSON_ARRAY)) {
        for (const struct json *m = v->child; m; m = m->next)
            check_values(q, m);
    } else if (json_is(v, JSON_STRING) && expr_compile(q->k->arena, v->text, &x, NULL) == 0) {
        q->at = v;
        expr_paths(x, check_read, q);
    }
}

static void check_request(struct request_check *q, const struct json *http)
{
    const struct json *headers = json_get(http, "headers");
    check_pattern(q, json_get(http, "url"));
    for (const struct json *h = json_is(headers, JSON_OBJECT) ? headers->child : NULL; h; h = h->next)
        check_pattern(q, h);
    check_values(q, json_get(http, "query"));
    check_values(q, json_get(http, "body"));
}

void check_requests(struct check *k, const struct checked *m)
{
    static const char *const always[] = {"args", "date", "now", "label", "key", "item", "index", "failed", "session"};
    struct request_check q = {.k = k, .m = m};
    const struct json *properties = json_get(json_get(m->body, "input"), "properties"),
                      *steps = json_get(m->body, "steps");
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        know(&q, str_of(always[i]));
    for (const struct json *p = json_is(properties, JSON_OBJECT) ? properties->child : NULL; p; p = p->next)
        know(&q, p->key);
    for (const struct json *s = json_is(steps, JSON_ARRAY) ? steps->child : NULL; s; s = s->next)
        know(&q, json_str(json_get(s, "id")));
    check_request(&q, json_get(m->body, "http"));
    check_request(&q, json_get(m->body, "reconcile"));
    for (const struct json *s = json_is(steps, JSON_ARRAY) ? steps->child : NULL; s; s = s->next)
        check_request(&q, json_get(s, "http"));
}
