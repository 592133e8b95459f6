#include "engine/openapi.h"

#include "base/regex.h"
#include "base/text.h"
#include "base/yaml.h"
#include "engine/openapi_parts.h"
#include "routine/draft.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NOTE_CHARS_MAX = 300, NAME_BYTES_MAX = 60, TOOLS_MAX = 500, REFS_MAX = 16, FILE_BYTES_MAX = 1 << 20 };

/* --- what the parts share --- */

void tool_draft_todo(struct tool_draft *d, const char *key, const char *format, ...)
{
    char words[1000];
    va_list ap;
    va_start(ap, format);
    vsnprintf(words, sizeof words, format, ap);
    va_end(ap);
    struct note *n = ARENA_NEW(d->arena, struct note);
    /* a cut in the middle of a character would be no text */
    *n = (struct note){.key = key,
                       .text = openapi_line(d->arena, str_whole(str_of(words), strlen(words)), NOTE_CHARS_MAX)};
    for (const struct note *before = d->notes; before; before = before->next)
        if (strcmp(before->key, key) == 0 && str_eq(before->text, n->text))
            return;
    if (d->last)
        d->last->next = n;
    else
        d->notes = n;
    d->last = n;
    d->notes_n++;
}

/* U+0085, U+2028 and U+2029 end a line in YAML as well; U+FEFF, U+FFFE and U+FFFF may not stand in it. */
struct str openapi_line(struct arena *a, struct str text, size_t n)
{
    static const char *const breaks[] = {"\xc2\x85",     "\xe2\x80\xa8", "\xe2\x80\xa9",
                                         "\xef\xbb\xbf", "\xef\xbf\xbe", "\xef\xbf\xbf"};
    struct buf b = buf_new(a, text.n + 1);
    for (size_t i = 0, taken; i < text.n; i += taken) {
        struct str rest = str_from(text, i);
        bool space = (unsigned char)rest.p[0] <= ' ' || rest.p[0] == 0x7f;
        taken = 1;
        for (size_t k = 0; k < sizeof breaks / sizeof *breaks; k++)
            if (str_starts(rest, str_of(breaks[k]))) {
                space = true;
                taken = strlen(breaks[k]);
            }
        if (!space && rest.n > 1 && (unsigned char)rest.p[0] == 0xc2 && (unsigned char)rest.p[1] < 0xa0) {
            space = true; /* the other controls beyond ASCII */
            taken = 2;
        }
        if (!space)
            buf_addc(&b, rest.p[0]);
        else if (b.n && b.p[b.n - 1] != ' ')
            buf_addc(&b, ' ');
    }
    struct str line = str_trim(buf_str(&b));
    return text_length(line) <= n ? line : str_f(a, "%.*s...", STR_ARG(text_head(line, n - 3)));
}

const struct json *openapi_follow(const struct tool_draft *d, const struct json *v)
{
    for (int i = 0; i < REFS_MAX; i++) {
        const struct json *ref = json_get(v, "$ref");
        if (!json_is(ref, JSON_STRING))
            return v;
        if (!str_starts(ref->text, STR("#/")))
            return NULL;
        struct str rest = str_from(ref->text, 2), step;
        v = d->document;
        while (v && str_split(&rest, '/', &step))
            v = json_pointer_step(v, step);
    }
    return NULL;
}

const struct json *openapi_json(const struct tool_draft *d, const struct json *body)
{
    const struct json *content = json_get(body, "content");
    for (const struct json *m = json_is(content, JSON_OBJECT) ? content->child : NULL; m; m = m->next)
        if (regex_match(STR("(?i)^application/([a-z0-9.+-]+\\+)?json\\s*(;|$)"), m->key))
            return openapi_follow(d, m);
    return NULL;
}

const struct json *openapi_example(const struct tool_draft *d, const struct json *of)
{
    const struct json *all = json_get(of, "examples"), *one = json_get(of, "example");
    if (!one && json_is(all, JSON_OBJECT))
        one = json_get(openapi_follow(d, all->child), "value");
    if (!one && json_is(all, JSON_ARRAY))
        one = all->child;
    if (!one && json_is(json_get(of, "schema"), JSON_OBJECT))
        one = openapi_example(d, openapi_follow(d, json_get(of, "schema")));
    return one;
}

bool openapi_path_word(struct str word)
{
    static const char *const taken[] = {"and",         "or",         "not",  "in",     "is",     "set",
                                        "contains",    "matches",    "true", "false",  "null",   "round",
                                        "hours_since", "plus_hours", "args", "answer", "date",   "now",
                                        "label",       "key",        "item", "index",  "failed", "session"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (str_is(word, taken[i]))
            return false;
    return true;
}

/* --- one operation --- */

/* "getCardById" as get_card_by_id; "" when nothing is left. */
static struct str tool_name(struct arena *a, struct str id)
{
    struct buf b = buf_new(a, NAME_BYTES_MAX);
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i], before = i ? id.p[i - 1] : 0, after = i + 1 < id.n ? id.p[i + 1] : 0;
        bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
        bool begins = upper && ((before >= 'a' && before <= 'z') || (before >= '0' && before <= '9') ||
                                (before >= 'A' && before <= 'Z' && after >= 'a' && after <= 'z'));
        if ((begins || (!upper && !lower && !digit)) && b.n && b.p[b.n - 1] != '_')
            buf_addc(&b, '_');
        if (digit && !b.n)
            buf_addc(&b, 'n');
        if (upper || lower || digit)
            buf_addc(&b, upper ? (char)(c | 0x20) : c);
    }
    struct str name = buf_str(&b);
    while (str_ends(name, STR("_")))
        name = str_head(name, name.n - 1);
    return name;
}

static void put_str(struct tool_draft *d, const char *key, struct str text)
{
    json_set(d->spec, str_of(key), json_new_str(d->arena, text));
}

static void read_words(struct tool_draft *d, struct str name)
{
    struct arena *a = d->arena;
    struct str summary = openapi_line(a, json_str(json_get(d->operation, "summary")), OPENAPI_WORDS_MAX);
    struct str more = openapi_line(a, json_str(json_get(d->operation, "description")), OPENAPI_WORDS_MAX);
    put_str(d, "tool", name);
    put_str(d, "version", STR("0.1.0"));
    if (!summary.n && !more.n)
        tool_draft_todo(d, "summary", "say in one sentence what it does; the document does not");
    if (!summary.n)
        summary = more.n ? more : str_f(a, "%.*s %.*s", STR_ARG(d->method), STR_ARG(openapi_line(a, d->path, 200)));
    else if (more.n && !str_eq(more, summary))
        summary = str_f(a, "%.*s%s %.*s", STR_ARG(summary), str_ends(summary, STR(".")) ? "" : ".", STR_ARG(more));
    put_str(d, "summary", summary);
    if (json_bool(json_get(d->operation, "deprecated"), false))
        tool_draft_todo(d, "tool", "the document calls this operation deprecated");
    tool_draft_todo(d, "when", "`when`: in which case the model calls it");
    tool_draft_todo(d, "when_not", "`when_not`: in which cases it must not");
}

static void read_effect(struct tool_draft *d, struct str name)
{
    struct arena *a = d->arena;
    put_str(d, "effect", d->action ? STR("action") : STR("read"));
    if (!d->action)
        return;
    if (str_is(d->method, "POST"))
        tool_draft_todo(
            d, "effect",
            "if it only looks something up: effect: read, without title, idempotency, confirm, x-show and x-label");
    tool_draft_todo(d, "class", "`class`: reversible, costly or irrevocable");
    struct json *title = json_new(a, JSON_OBJECT), *confirm = json_new(a, JSON_OBJECT);
    json_set(title, STR("en"), json_new_str(a, openapi_line(a, json_str(json_get(d->spec, "summary")), 60)));
    json_set(d->spec, STR("title"), title);
    json_set(confirm, STR("by"), json_new_str(a, STR("customer")));
    json_set(confirm, STR("text"), json_new_str(a, str_f(a, "confirm.%.*s", STR_ARG(name))));
    json_set(d->spec, STR("confirm"), confirm);
    tool_draft_todo(d, "confirm", "the text that asks the customer: %.*s in macros/confirm.yaml, or another macro",
                    STR_ARG(name));
    if (!json_get(d->spec, "idempotency")) {
        struct json *idempotency = json_new(a, JSON_OBJECT);
        json_set(idempotency, STR("mode"), json_new_str(a, STR("none")));
        json_set(d->spec, STR("idempotency"), idempotency);
        tool_draft_todo(d, "idempotency", "mode: key when the service honours the header Idempotency-Key");
    }
    tool_draft_todo(d, "reconcile", "`reconcile`: the request that asks what became of a {key}");
    tool_draft_todo(d, "limits", "`limits`: {per_conversation: N}");
}

static const struct json *servers(const struct tool_draft *d)
{
    const struct json *of[] = {json_get(d->operation, "servers"), json_get(d->item, "servers"),
                               json_get(d->document, "servers")};
    for (size_t i = 0; i < 3; i++)
        if (json_is(of[i], JSON_ARRAY) && of[i]->n)
            return of[i]->child;
    return NULL;
}

static void read_surroundings(struct tool_draft *d)
{
    const struct json *security = json_get(d->operation, "security"), *server = servers(d);
    struct str url = openapi_line(d->arena, json_str(json_get(server, "url")), 150);
    tool_draft_todo(d, "http", "services.%.*s in candor.yaml is the base URL%s%.*s", STR_ARG(d->service),
                    url.n ? "; the document says " : "", STR_ARG(url));
    if (!security)
        security = json_get(d->document, "security");
    const struct json *schemes = json_get(json_get(d->document, "components"), "securitySchemes");
    for (const struct json *s = json_is(security, JSON_ARRAY) ? security->child : NULL; s; s = s->next)
        for (const struct json *m = json_is(s, JSON_OBJECT) ? s->child : NULL; m; m = m->next) {
            const struct json *scheme = openapi_follow(d, json_get(schemes, str_c(d->arena, m->key)));
            struct str in = openapi_line(d->arena, json_str(json_get(scheme, "in")), 20);
            struct str name = openapi_line(d->arena, json_str(json_get(scheme, "name")), 60);
            if (!str_is(json_str(json_get(scheme, "type")), "apiKey")) {
                in = STR("header");
                name = STR("Authorization");
            }
            tool_draft_todo(d, "http", "the service asks for %.*s: the %.*s %.*s",
                            STR_ARG(openapi_line(d->arena, m->key, 60)), STR_ARG(in), STR_ARG(name));
        }
}

/* --- the file --- */

static void put_notes(const struct tool_draft *d, const char *key, struct buf *out)
{
    for (const struct note *n = d->notes; n; n = n->next)
        if (strcmp(n->key, key) == 0)
            buf_addf(out, "# " DRAFT_MARK ": %.*s\n", STR_ARG(n->text));
}

struct str tool_draft_text(const struct tool_draft *d)
{
    static const char *const order[] = {"tool",        "version",   "summary", "title",  "effect",  "class",
                                        "when",        "when_not",  "input",   "http",   "project", "errors",
                                        "idempotency", "reconcile", "confirm", "limits", "examples"};
    struct buf out = buf_new(d->arena, FILE_BYTES_MAX);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const struct json *v = json_get(d->spec, order[i]);
        put_notes(d, order[i], &out);
        if (!v)
            continue;
        struct json *alone = json_new(d->arena, JSON_OBJECT);
        json_set(alone, str_of(order[i]), json_copy(d->arena, v));
        yaml_write(&out, alone);
    }
    return out.cut ? STR_NONE : buf_str(&out);
}

/* --- the document --- */

struct reader {
    struct arena *arena;
    const struct json *document;
    const struct openapi_wish *wish;
    struct openapi_draft *drafts;
    size_t n;
    struct err *e;
};

static bool wished(const struct reader *r, struct str id, struct str name)
{
    for (size_t i = 0; i < r->wish->operations_n; i++)
        if (str_is(id, r->wish->operations[i]) || str_is(name, r->wish->operations[i]))
            return true;
    return r->wish->operations_n == 0;
}

static int add_draft(struct reader *r, const struct json *item, const struct json *operation, const char *method)
{
    struct arena *a = r->arena;
    struct str id = json_str(json_get(operation, "operationId"));
    struct str verb = str_of(method), where = str_f(a, "%s %.*s", method, STR_ARG(openapi_line(a, item->key, 200)));
    struct str name = tool_name(a, id.n ? id : where);
    if (!name.n)
        name = tool_name(a, where);
    if (!json_is(operation, JSON_OBJECT))
        return err_set(r->e, ERR_INVALID, "%.*s is no operation", STR_ARG(where));
    if (!wished(r, id, name))
        return 0;
    for (size_t i = 0; i < r->n; i++)
        if (str_eq(r->drafts[i].name, name))
            return err_set(r->e, ERR_INVALID, "%.*s and %.*s would both be the tool %.*s; give one another operationId",
                           STR_ARG(r->drafts[i].operation), STR_ARG(where), STR_ARG(name));
    if (r->n == TOOLS_MAX)
        return err_set(r->e, ERR_LIMIT, "more than %d operations; name those that are meant", TOOLS_MAX);
    struct tool_draft d = {.arena = a,
                           .document = r->document,
                           .item = item,
                           .operation = operation,
                           .method = verb,
                           .path = item->key,
                           .service = r->wish->service,
                           .action = !str_is(verb, "GET") && !str_is(verb, "HEAD"),
                           .old = str_starts(json_str(json_get(r->document, "openapi")), STR("3.0")),
                           .spec = json_new(a, JSON_OBJECT),
                           .properties = json_new(a, JSON_OBJECT),
                           .required = json_new(a, JSON_ARRAY),
                           .args = json_new(a, JSON_OBJECT)};
    if (!id.n)
        tool_draft_todo(&d, "tool", "the document gives this operation no name");
    read_words(&d, name);
    tool_draft_read_input(&d);
    read_effect(&d, name);
    read_surroundings(&d);
    tool_draft_read_answer(&d);
    r->drafts[r->n] =
        (struct openapi_draft){.name = name, .operation = where, .text = tool_draft_text(&d), .todos = d.notes_n};
    return r->drafts[r->n++].text.n
               ? 0
               : err_set(r->e, ERR_LIMIT, "%.*s would be a file of more than 1 MiB", STR_ARG(where));
}

static int read_path(struct reader *r, const struct json *item)
{
    /* Our requests know these methods; a HEAD has no answer that a model could read. */
    static const struct {
        const char *key, *method;
    } methods[] = {{"get", "GET"}, {"post", "POST"}, {"put", "PUT"}, {"patch", "PATCH"}, {"delete", "DELETE"}};
    int code = 0;
    for (size_t i = 0; code == 0 && i < sizeof methods / sizeof *methods; i++)
        if (json_get(item, methods[i].key))
            code = add_draft(r, item, json_get(item, methods[i].key), methods[i].method);
    return code;
}

/* Each wish was found. */
static int check_wishes(const struct reader *r)
{
    for (size_t i = 0; i < r->wish->operations_n; i++) {
        struct str wish = str_of(r->wish->operations[i]), name = tool_name(r->arena, wish);
        bool found = false;
        for (size_t k = 0; k < r->n; k++)
            found = found || str_eq(r->drafts[k].name, name);
        if (!found)
            return err_set(r->e, ERR_NOT_FOUND, "the document has no operation %.*s", STR_ARG(wish));
    }
    return r->n ? 0 : err_set(r->e, ERR_NOT_FOUND, "the document has no operation that could be a tool");
}

int openapi_drafts(struct arena *a, const struct json *document, const struct openapi_wish *wish,
                   struct openapi_draft **out, size_t *n, struct err *e)
{
    struct reader r = {.arena = a, .document = document, .wish = wish, .e = e};
    struct str version = json_str(json_get(document, "openapi"));
    const struct json *paths = json_get(document, "paths");
    if (json_get(document, "swagger"))
        return err_set(e, ERR_UNSUPPORTED, "this is Swagger 2.0; only OpenAPI 3.0 and 3.1 are read");
    if (!version.n)
        return err_set(e, ERR_INVALID, "this is no OpenAPI document: it has no `openapi: 3.0.x` or `3.1.x`");
    if (!regex_match(STR("^3\\.[01](\\.|$)"), version))
        return err_set(e, ERR_UNSUPPORTED, "OpenAPI %.*s is not supported; only 3.0 and 3.1 are read",
                       STR_ARG(openapi_line(a, version, 20)));
    if (!json_is(paths, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "the document has no `paths`");
    r.drafts = ARENA_ARRAY(a, struct openapi_draft, TOOLS_MAX);
    int code = 0;
    for (const struct json *p = paths->child; code == 0 && p; p = p->next)
        if (str_starts(p->key, STR("/")))
            code = read_path(&r, p);
    if (code == 0)
        code = check_wishes(&r);
    *out = r.drafts;
    *n = r.n;
    return code;
}
