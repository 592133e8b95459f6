/* memory: what is remembered of a customer, and its erasure. */
#include "app/command.h"

#include "base/clock.h"
#include "base/id.h"
#include "store/memory.h"

#include <stdio.h>
#include <string.h>

enum { TOLD_BYTES_MAX = 1 << 16 };

static int list(struct command_context *c, struct store *s, struct str customer)
{
    struct memory_row *rows;
    size_t n = 0;
    int r = memory_read(s, c->arena, customer, clock_now_us(), &rows, &n, c->err);
    if (r < 0)
        return r;
    struct buf b = buf_new(c->arena, TOLD_BYTES_MAX);
    struct json_writer w = {.out = &b};
    if (c->json)
        json_open(&w, '[');
    for (size_t i = 0; i < n; i++) {
        struct str since = clock_date(c->arena, rows[i].at_us), until = clock_date(c->arena, rows[i].expires_us);
        if (!c->json) {
            buf_addf(&b, "%.*s: %.*s (since %.*s, until %.*s, from conversation %.*s)\n", STR_ARG(rows[i].key),
                     STR_ARG(rows[i].value), STR_ARG(since), STR_ARG(until),
                     STR_ARG(id_public(c->arena, rows[i].conversation)));
            continue;
        }
        json_open(&w, '{');
        json_pair_str(&w, "key", rows[i].key);
        json_pair_str(&w, "value", rows[i].value);
        json_pair_str(&w, "conversation", id_public(c->arena, rows[i].conversation));
        json_pair_str(&w, "since", since);
        json_pair_str(&w, "until", until);
        json_close(&w, '}');
    }
    if (c->json) {
        json_close(&w, ']');
        buf_addc(&b, '\n');
    }
    if (!n && !c->json)
        fprintf(stderr, "nothing is remembered of %.*s\n", STR_ARG(customer));
    return command_tell(c, buf_str(&b));
}

static int erase(struct command_context *c, struct store *s, struct str customer)
{
    size_t n = 0;
    int r = memory_erase(s, customer, clock_now_us(), &n, c->err);
    if (r < 0)
        return r;
    return command_tell(c, str_f(c->arena, c->json ? "{\"erased\":%zu}\n" : "%zu remembered values erased\n", n));
}

int cmd_memory(struct command_context *c)
{
    bool lists = strcmp(c->argv[0], "list") == 0;
    struct settings settings;
    struct store *s = NULL;
    if (!lists && strcmp(c->argv[0], "erase") != 0)
        return command_usage(c, "memory knows `list` and `erase`, not \"%s\"", c->argv[0]);
    int r = command_settings(c, &settings);
    if (r)
        return r;
    struct store_config config = {.path = str_c(c->arena, settings.store)};
    r = store_open(&config, &s, c->err);
    if (r == 0)
        r = lists ? list(c, s, str_of(c->argv[1])) : erase(c, s, str_of(c->argv[1]));
    if (s)
        store_close(s);
    return r;
}
