#include "engine/tool_files.h"

#include "base/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PROGRAM_BYTES_MAX = 1 << 16 };

static bool is_file_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_-.", s.p[i]))
            return false;
    return str_ends(s, STR(".lua")) && s.p[0] != '.';
}

static int take_in(struct arena *a, struct json *lua, const char *path, struct err *e)
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0;
    if (!json_is(lua, JSON_STRING) || !is_file_name(lua->text))
        return 0;
    FILE *f = fopen(str_f(a, "%.*s%.*s", folder, path, STR_ARG(lua->text)).p, "rb");
    if (!f)
        return yaml_refuse(e, path, lua, "the program %.*s is not beside it: %s", STR_ARG(lua->text), strerror(errno));
    struct buf b = buf_new(a, PROGRAM_BYTES_MAX);
    char piece[4096];
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0 && !b.cut;)
        buf_add(&b, (struct str){piece, n});
    fclose(f);
    if (b.cut)
        return yaml_refuse(e, path, lua, "the program %.*s is larger than 64 KiB", STR_ARG(lua->text));
    lua->text = buf_str(&b);
    return 0;
}

int tool_files_read(struct arena *a, struct json *spec, const char *path, struct err *e)
{
    const struct json *steps = json_get(spec, "steps");
    struct json *own = (struct json *)json_get(spec, "lua");
    if (own && take_in(a, own, path, e) < 0)
        return ERR_INVALID;
    for (const struct json *s = json_is(steps, JSON_ARRAY) ? steps->child : NULL; s; s = s->next) {
        struct json *lua = (struct json *)json_get(s, "lua");
        if (lua && take_in(a, lua, path, e) < 0)
            return ERR_INVALID;
    }
    return 0;
}
