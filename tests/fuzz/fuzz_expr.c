/* Any text is either refused, with and without a root alike, or gives a value that JSON can hold; compiled once, it
 * gives that value again, whichever way the types of its paths are known, and reads what is a path. */
#include "base/expr.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct known {
    struct arena *a;
    const struct json *root;
};

/* Types as exact as the root allows: of a path that is there the only value that it has. */
static bool path(void *with, struct str name, struct expr_type *out, struct err *e)
{
    const struct known *k = with;
    const struct json *v = json_path(k->root, name);
    if (v)
        *out = expr_type_of(k->a, v);
    return v || err_set(e, ERR_NOT_FOUND, "no %.*s", STR_ARG(name)) == 0;
}

static void problem(void *with, size_t at, const char *sentence)
{
    if (at > EXPR_BYTES_MAX || !*sentence)
        abort();
}

static void reads(void *with, struct str name)
{
    if (!name.n)
        abort();
}

/* The kinds of the type hold the kind of the value. */
static void check_compiled(struct arena *a, struct str source, const struct json *root, const struct json *value)
{
    const struct expr *x;
    struct err e;
    struct known k = {a, root};
    struct expr_scope scope = {&k, path, problem};
    if (expr_compile(a, source, &x, &e) < 0 || !json_same(value, expr_run(a, x, root)))
        abort();
    expr_paths(x, reads, &k);
    struct expr_type t = expr_type(a, x, &scope);
    if (!(t.kinds & expr_type_of(a, value).kinds))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena *a = arena_new("fuzz", 0);
    struct json *root, *value, *again;
    struct err e;
    struct str source = {(const char *)data, n};
    if (json_parse(a, STR("{\"a\":1.5,\"b\":\"2026-11-22\",\"c\":[1,\"x\",null],\"d\":{\"e\":true},\"f\":-9e18}"),
                   &root, &e) < 0)
        abort();
    int r = expr_eval(a, source, root, &value, &e);
    if (r != expr_check(source, &e))
        abort();
    if (r == 0) {
        expr_true(value);
        check_compiled(a, source, root, value);
        struct str text = json_text(a, value);
        if (json_parse(a, text, &again, &e) < 0 && e.code != ERR_LIMIT && text.n < n * 100)
            abort();
    }
    arena_free(a);
    return 0;
}
