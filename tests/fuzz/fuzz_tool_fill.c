/* Templates of requests: whatever a pattern says, filling ends; whatever a value holds, it stays one segment of the path, one
 * value of the query and one line of the header. The first line is a pattern, the second a value. */
#include "engine/tool.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool escaped(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '%') {
            if (i + 2 >= s.n || !strchr("0123456789ABCDEF", s.p[i + 1]) || !strchr("0123456789ABCDEF", s.p[i + 2]))
                return false;
            i += 2;
        } else if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~", s.p[i]) || !s.p[i]) {
            return false;
        }
    return true;
}

static bool one_line(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return true;
}

static struct json *of(struct arena *a, const char *key, struct str text)
{
    struct json *o = json_new(a, JSON_OBJECT);
    json_set(o, str_of(key), json_new_str(a, text));
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena *a = arena_new("fuzz", 0);
    struct str value = {(const char *)data, n > 3000 ? 3000 : n}, pattern;
    struct tool_http out;
    struct err e;
    if (!str_split(&value, '\n', &pattern))
        pattern = STR_NONE;
    struct tool_world world = {.services = of(a, "shop", STR("http://h")), .secrets = of(a, "k", STR("s3cret"))};
    struct json *root = of(a, "v", value);

    struct json *http = of(a, "url", STR("${shop}/{v}"));
    if (tool_http_fill(a, http, &world, root, &out, &e) == 0) {
        struct str rest = str_from(out.url, 9);
        must(str_starts(out.url, STR("http://h/")) && rest.n && escaped(rest));
        must(!str_is(rest, ".") && !str_is(rest, ".."));
    }
    http = of(a, "url", STR("${shop}/x"));
    json_set(http, STR("query"), of(a, "q", STR("v")));
    if (tool_http_fill(a, http, &world, root, &out, &e) == 0)
        must(str_starts(out.url, STR("http://h/x?q=")) && escaped(str_from(out.url, 13)));
    http = of(a, "url", STR("${shop}/x"));
    json_set(http, STR("headers"), of(a, "X-V", STR("{v} ${secret.k}")));
    if (tool_http_fill(a, http, &world, root, &out, &e) == 0)
        must(out.headers_n == 1 && one_line(out.headers[0]) && out.secrets_n == 1);

    http = of(a, "url", pattern);
    json_set(http, STR("headers"), of(a, "X-P", pattern));
    if (tool_http_fill(a, http, &world, root, &out, &e) == 0) /* no secret gets into a URL */
        must(one_line(out.headers[0]) &&
             (!str_has(out.url, STR("s3cret")) || str_has(value, STR("s3cret")) || str_has(pattern, STR("s3cret"))));
    arena_free(a);
    return 0;
}
