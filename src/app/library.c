#include "app/library.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/module.h"

#include <stdlib.h>

enum { LOOK_EVERY_US = 1000000, RESULTS = 5, PASSAGE_CHARS = 600, ANSWER_BYTES_MAX = 1 << 20 };

struct shelf {
    struct shelf *next;
    struct str name;
    const char *path;
    struct knowledge *knowledge;
    struct sha256 stamp, sha;
    int64_t looked_us;
};

struct library {
    struct arena *arena;
    const char *workspace;
    struct shelf *first;
};

struct library *library_new(const char *workspace)
{
    struct arena *a = arena_new("library", 0);
    struct library *l = ARENA_NEW(a, struct library);
    *l = (struct library){.arena = a, .workspace = workspace};
    return l;
}

void library_free(struct library *l)
{
    if (!l)
        return;
    for (struct shelf *s = l->first; s; s = s->next)
        knowledge_close(s->knowledge);
    arena_free(l->arena);
}

static struct shelf *shelf_of(struct library *l, struct str name)
{
    for (struct shelf *s = l->first; s; s = s->next)
        if (str_eq(s->name, name))
            return s;
    struct shelf *s = ARENA_NEW(l->arena, struct shelf);
    *s = (struct shelf){.next = l->first,
                        .name = str_copy(l->arena, name),
                        .path = str_f(l->arena, "%s/knowledge/%.*s", l->workspace, STR_ARG(name)).p};
    return l->first = s;
}

static int read_shelf(struct shelf *s, struct sha256 stamp, struct err *e)
{
    struct knowledge *k;
    int r = knowledge_open(s->path, s->name, &k, e);
    if (r < 0)
        return r;
    r = knowledge_index(k, e);
    if (r < 0) {
        knowledge_close(k);
        return r;
    }
    knowledge_close(s->knowledge);
    s->knowledge = k;
    s->sha = knowledge_sha(k);
    s->stamp = stamp;
    return 0;
}

int library_find(struct library *l, struct str collection, struct knowledge **out, struct err *e)
{
    if (!module_name_ok(collection))
        return err_set(e, ERR_INVALID, "a collection is a folder of knowledge/, with small letters, digits, _ and -");
    struct shelf *s = shelf_of(l, collection);
    int64_t now_us = clock_mono_us();
    if (!s->knowledge || now_us - s->looked_us >= LOOK_EVERY_US) {
        struct sha256 stamp = knowledge_stamp(s->path);
        s->looked_us = now_us;
        if (!s->knowledge || !sha256_eq(&stamp, &s->stamp)) {
            int r = read_shelf(s, stamp, e);
            if (r < 0 && !s->knowledge)
                return r;
            if (r < 0) {
                log_write(LOG_WARN, "library.unreadable", LOG_STR("collection", s->name),
                          LOG_STR("why", str_of(e ? e->text : "")), LOG_END); /* the earlier ones stay in use */
                s->stamp = stamp;                                             /* said once for each change */
            }
        }
    }
    *out = s->knowledge;
    return 0;
}

int library_prepare(struct library *l, const struct agent *agent, struct err *e)
{
    for (size_t i = 0; i < agent->tools_n; i++) {
        const struct json *how = json_get(agent->tools[i].spec, "knowledge");
        struct knowledge *k;
        if (!how)
            continue;
        int r = library_find(l, json_str(json_get(how, "collection")), &k, e);
        if (r < 0)
            return err_in(e, "the tool %.*s", STR_ARG(agent->tools[i].name));
        struct str made_with = json_str(json_get(how, "sha256"));
        struct sha256 sha = knowledge_sha(k);
        if (made_with.n && !str_eq(hash_hex(l->arena, sha.b, SHA256_BYTES), made_with))
            log_write(LOG_WARN, "library.changed_since_version", LOG_STR("tool", agent->tools[i].name),
                      LOG_STR("collection", json_str(json_get(how, "collection"))), LOG_END);
    }
    return 0;
}

int library_answer(struct library *l, struct arena *a, const struct json *how, struct str query, struct str locale,
                   struct str date, struct json **out, struct err *e)
{
    struct str collection = json_str(json_get(how, "collection"));
    struct knowledge *k;
    struct knowledge_query q = {.text = query,
                                .results = (size_t)json_int(json_get(how, "results"), RESULTS),
                                .passage_chars = (size_t)json_int(json_get(how, "passage_chars"), PASSAGE_CHARS),
                                .locale = locale,
                                .date = date};
    if (!l)
        return err_set(e, ERR_NOT_FOUND, "there are no documents here");
    int r = library_find(l, collection, &k, e);
    if (r < 0)
        return r;
    struct knowledge_found found[KNOWLEDGE_RESULTS_MAX];
    int n = knowledge_search(k, a, &q, found, e);
    if (n < 0)
        return n;
    struct buf b = buf_new(a, ANSWER_BYTES_MAX);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_key(&w, "results");
    knowledge_write(found, (size_t)n, &w);
    json_pair_str(&w, "collection", collection);
    json_pair_str(&w, "documents_sha256", hash_hex(a, shelf_of(l, collection)->sha.b, SHA256_BYTES));
    json_close(&w, '}');
    return b.cut ? err_set(e, ERR_LIMIT, "the documents found are larger than 1 MiB")
                 : json_parse(a, buf_str(&b), out, e);
}
