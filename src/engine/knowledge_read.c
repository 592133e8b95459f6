#include "engine/knowledge.h"

#include "base/text.h"
#include "base/yaml.h"
#include "engine/keys.h"

#include <string.h>

/* Does it look like 2026-11-28? */
static bool is_date(struct str s)
{
    static const char form[] = "dddd-dd-dd";
    if (s.n != sizeof form - 1)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (form[i] == 'd' ? s.p[i] < '0' || s.p[i] > '9' : s.p[i] != '-')
            return false;
    return true;
}

/* An id is put between brackets and read back out of answers. */
static bool is_id(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '[' || s.p[i] == ']' || s.p[i] == 127)
            return false;
    return s.n > 0 && s.n <= 200;
}

/* The id without the number at its end: "gold_account_012" is one of "gold_account". */
static struct str stem_of(struct str id)
{
    size_t n = id.n;
    while (n && id.p[n - 1] >= '0' && id.p[n - 1] <= '9')
        n--;
    while (n && n < id.n && strchr("_-. ", id.p[n - 1]))
        n--;
    return n ? str_head(id, n) : id;
}

/* `body` is the Markdown's, or NONE: then `content` holds it. */
static int document_of(const struct json *v, struct str body, const char *name, uint32_t line, struct str folder,
                       struct knowledge_document *d, struct err *e)
{
    *d = (struct knowledge_document){
        .id = json_str(json_get(v, "id")),
        .title = json_str(json_get(v, "title")),
        .body = body.p ? body : json_str(json_get(v, "content")),
        .source = json_str(json_get(v, "source")),
        .topic = json_str(json_get(v, "topic")),
        .locale = json_str(json_get(v, "locale")),
        .valid_from = json_str(json_get(v, "valid_from")),
        .valid_to = json_str(json_get(v, "valid_to")),
    };
    if (!is_id(d->id))
        return err_set(e, ERR_INVALID,
                       "%s:%u: a document needs `id`: up to 200 bytes without blanks and brackets, to be cited as [id]",
                       name, line);
    if (!d->title.n || text_blank(d->body))
        return err_set(e, ERR_INVALID, "%s:%u: the document %.*s needs `title` and a text", name, line, STR_ARG(d->id));
    if ((d->valid_from.n && !is_date(d->valid_from)) || (d->valid_to.n && !is_date(d->valid_to)))
        return err_set(e, ERR_INVALID, "%s:%u: valid_from and valid_to are dates like 2026-11-28", name, line);
    if (!d->topic.n)
        d->topic = folder.n ? folder : stem_of(d->id);
    return 0;
}

static int read_markdown(struct arena *a, struct str text, const char *name, struct str folder, knowledge_take *fn,
                         void *arg, struct err *e)
{
    struct json *front;
    struct knowledge_document d;
    ptrdiff_t end = str_find(str_from(text, 3), STR("\n---\n"));
    if (!str_starts(text, STR("---\n")) || end < 0)
        return err_set(e, ERR_INVALID, "%s:1: a document begins with --- lines that hold id and title", name);
    struct str body = str_from(text, (size_t)end + 8);
    int r = yaml_parse(a, str_head(str_from(text, 3), (size_t)end + 1), name, &front, e);
    if (r == 0)
        r = keys_check(front, "id", name, e);
    if (r == 0)
        r = document_of(front, body.p ? body : STR(""), name, 1, folder, &d, e);
    return r < 0 ? r : fn(arg, &d, name, 1, e);
}

static int read_line(struct arena *a, struct str text, const char *name, uint32_t line, struct str folder,
                     knowledge_take *fn, void *arg, struct err *e)
{
    struct json *v;
    struct knowledge_document d;
    struct err why;
    int r = json_parse(a, text, &v, &why);
    if (r < 0)
        return err_set(e, r, "%s:%u: %s", name, line, why.text);
    if (!json_is(v, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "%s:%u: a document is one JSON object a line", name, line);
    r = document_of(v, STR_NONE, name, line, folder, &d, e);
    return r < 0 ? r : fn(arg, &d, name, line, e);
}

int knowledge_read(struct arena *a, struct str text, const char *name, struct str folder, knowledge_take *fn, void *arg,
                   struct err *e)
{
    ptrdiff_t bad = text_invalid_at(text);
    if (bad >= 0)
        return err_set(e, ERR_INVALID, "%s: byte %td is not UTF-8 text", name, bad);
    if (!str_ends(str_of(name), STR(".jsonl")))
        return read_markdown(a, text, name, folder, fn, arg, e);
    struct str line;
    int r = 0;
    for (uint32_t n = 1; r == 0 && str_split(&text, '\n', &line); n++)
        if (str_trim(line).n)
            r = read_line(a, line, name, n, folder, fn, arg, e);
    return r;
}
