#include "app/settings.h"

#include "base/key_file.h"
#include "base/nearest.h"
#include "base/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { SETTINGS_BYTES_MAX = 1 << 18 };

/* What a key may hold. */
enum kind { TEXT, WHOLE, NUMBER, YES_NO, MAP, LIST, WORDS };

struct known {
    const char *name;
    enum kind kind;
};

static const struct known known_root[] = {{"workspace", TEXT},
                                          {"agent", TEXT},
                                          {"listen", TEXT},
                                          {"store", TEXT},
                                          {"provider", MAP},
                                          {"locales", WORDS},
                                          {"services", MAP},
                                          {"secrets", MAP},
                                          {"net", MAP},
                                          {"signin", MAP},
                                          {"channel", MAP},
                                          {"cache_mib", WHOLE},
                                          {"messages_10s", WHOLE},
                                          {0}};
static const struct known known_provider[] = {{"kind", TEXT},
                                              {"base_url", TEXT},
                                              {"model", TEXT},
                                              {"family", TEXT},
                                              {"key_file", TEXT},
                                              {"recording", TEXT},
                                              {"record_to", TEXT},
                                              {"temperature", NUMBER},
                                              {"tokens_max", WHOLE},
                                              {"stream", YES_NO},
                                              {"attempts", WHOLE},
                                              {"connect_ms", WHOLE},
                                              {"first_token_ms", WHOLE},
                                              {"idle_ms", WHOLE},
                                              {"total_ms", WHOLE},
                                              {"retry_ms_base", WHOLE},
                                              {"retry_ms_max", WHOLE},
                                              {0}};
static const struct known known_signin[] = {{"kind", TEXT}, {"url", TEXT}, {0}};
static const struct known known_net[] = {{"allow", LIST}, {0}};
static const struct known known_channel[] = {{"push_url", TEXT}, {0}};
enum { KNOWN_MAX = sizeof known_provider / sizeof *known_provider };

bool settings_is_secret(struct str name)
{
    return str_has(name, STR("key")) || str_has(name, STR("token")) || str_has(name, STR("secret")) ||
           str_has(name, STR("password"));
}

/* Where a value stands, for a message: "candor.yaml:12", or "--set". */
struct place {
    char text[300];
};

static struct place place_of(const char *path, const struct json *v)
{
    struct place p;
    if (v && v->line)
        snprintf(p.text, sizeof p.text, "%s:%u", path, v->line);
    else
        snprintf(p.text, sizeof p.text, "%s", v ? "--set" : path);
    return p;
}

static bool is_of(const struct json *v, enum kind kind)
{
    switch (kind) {
    case TEXT: return v->kind == JSON_STRING;
    case WHOLE: return json_whole(v) && json_int(v, -1) >= 0;
    case NUMBER: return v->kind == JSON_NUMBER;
    case YES_NO: return v->kind == JSON_TRUE || v->kind == JSON_FALSE;
    case MAP: return v->kind == JSON_OBJECT;
    case LIST: return v->kind == JSON_ARRAY;
    case WORDS:
        for (const struct json *w = v->kind == JSON_ARRAY ? v->child : NULL; w; w = w->next)
            if (w->kind != JSON_STRING)
                return false;
        return v->kind == JSON_ARRAY && v->n > 0;
    }
    return false;
}

static int unknown_key(const struct json *m, const struct known *known, const char *path, const char *where,
                       struct err *e)
{
    const char *names[KNOWN_MAX + 1] = {0};
    for (size_t i = 0; known[i].name; i++)
        names[i] = known[i].name;
    const char *nearest = nearest_word(m->key, names);
    if (!nearest && settings_is_secret(m->key))
        return err_set(e, ERR_INVALID,
                       "%s: keys do not belong in settings; put it in a file and name that: provider.key_file",
                       place_of(path, m).text);
    return err_set(e, ERR_INVALID, "%s: there is no setting %s%.*s%s%s%s", place_of(path, m).text, where,
                   STR_ARG(m->key), nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

static int check_keys(const struct json *object, const struct known *known, const char *path, const char *where,
                      struct err *e)
{
    static const char *const kinds[] = {"a text", "a whole number from 0 on", "a number", "true or false", "a map",
                                        "a list", "a list of words"};
    for (const struct json *m = object ? object->child : NULL; m; m = m->next) {
        const struct known *k = known;
        while (k->name && !str_is(m->key, k->name))
            k++;
        if (!k->name)
            return unknown_key(m, known, path, where, e);
        if (m->kind != JSON_NULL && !is_of(m, k->kind))
            return err_set(e, ERR_INVALID, "%s: %s%s is %s%s", place_of(path, m).text, where, k->name, kinds[k->kind],
                           k->kind == TEXT ? "; put it in quotes" : "");
    }
    return 0;
}

static int check_services(const struct json *services, const char *path, struct err *e)
{
    for (const struct json *m = services ? services->child : NULL; m; m = m->next)
        if (!str_starts(json_str(m), STR("http://")) && !str_starts(json_str(m), STR("https://")))
            return err_set(e, ERR_INVALID, "%s: services.%.*s is a base URL, such as http://127.0.0.1:8091",
                           place_of(path, m).text, STR_ARG(m->key));
    return 0;
}

static int check_secrets(const struct json *secrets, const char *path, struct err *e)
{
    for (const struct json *m = secrets ? secrets->child : NULL; m; m = m->next)
        if (!json_str(m).n)
            return err_set(e, ERR_INVALID, "%s: secrets.%.*s is the name of a file that only you can read",
                           place_of(path, m).text, STR_ARG(m->key));
    return 0;
}

/* net.allow: ranges of addresses. */
static int read_ranges(struct arena *a, struct settings *s, const struct json *allow, const char *path, struct err *e)
{
    struct address_range *ranges = ARENA_ARRAY(a, struct address_range, allow ? allow->n + 1 : 1);
    for (const struct json *m = allow ? allow->child : NULL; m; m = m->next)
        if (address_range_read(json_str(m), &ranges[s->ranges_n++], e) < 0)
            return err_in(e, "%s: net.allow", place_of(path, m).text);
    s->ranges = ranges;
    return 0;
}

/* What the file as a whole has to be. */
static int check(const struct json *root, const char *path, struct err *e)
{
    const struct json *provider = json_get(root, "provider"), *signin = json_get(root, "signin"),
                      *kind = json_get(signin, "kind"), *url = json_get(provider, "base_url"),
                      *made_by = json_get(provider, "kind");
    if (check_keys(root, known_root, path, "", e) < 0 ||
        check_keys(provider, known_provider, path, "provider.", e) < 0 ||
        check_keys(signin, known_signin, path, "signin.", e) < 0 ||
        check_keys(json_get(root, "channel"), known_channel, path, "channel.", e) < 0 ||
        check_keys(json_get(root, "net"), known_net, path, "net.", e) < 0 ||
        check_secrets(json_get(root, "secrets"), path, e) < 0 ||
        check_services(json_get(root, "services"), path, e) < 0)
        return ERR_INVALID;
    if (kind && !str_is(json_str(kind), "example"))
        return err_set(e, ERR_INVALID, "%s: signin.kind is example, not \"%.*s\"", place_of(path, kind).text,
                       STR_ARG(json_str(kind)));
    if (str_has(json_str(url), STR("@")) || str_has(json_str(url), STR("?")))
        return err_set(e, ERR_INVALID,
                       "%s: provider.base_url holds no key; put it in a file and name that: provider.key_file",
                       place_of(path, url).text);
    if (str_is(json_str(made_by), "recorded") && !json_str(json_get(provider, "recording")).n)
        return err_set(e, ERR_INVALID,
                       "%s: provider.kind is recorded; set provider.recording too, to the file that is played back",
                       place_of(path, made_by).text);
    return 0;
}

/* --set provider.kind=recorded: makes the objects on the way. Numbers and true/false are read as such. */
static int apply_set(struct arena *a, struct json *root, const char *set, struct err *e)
{
    const char *equals = strchr(set, '=');
    if (!equals || equals == set)
        return err_set(e, ERR_INVALID, "--set %s: write KEY=VALUE, such as provider.kind=offline", set);
    struct str path = {set, (size_t)(equals - set)}, part;
    struct json *at = root, *value;
    struct str text = str_of(equals + 1);
    if (yaml_parse(a, text, "--set", &value, NULL) < 0 || value->kind == JSON_OBJECT || value->kind == JSON_ARRAY ||
        value->kind == JSON_NULL)
        value = json_new_str(a, text);
    value->line = 0;
    while (str_split(&path, '.', &part)) {
        if (!path.p) {
            json_set(at, part, value);
            break;
        }
        struct json *next = (struct json *)json_get(at, str_c(a, part));
        if (!next || next->kind != JSON_OBJECT) {
            next = json_new(a, JSON_OBJECT);
            json_set(at, part, next);
        }
        at = next;
    }
    return 0;
}

static struct str in_dir(struct arena *a, struct str dir, struct str path)
{
    return !path.n || path.p[0] == '/' ? path : str_f(a, "%.*s/%.*s", STR_ARG(dir), STR_ARG(path));
}

static int read_listen(struct settings *s, const struct json *v, const char *path, struct err *e)
{
    struct str listen = json_str_or(v, STR("127.0.0.1:8080"));
    size_t colon = listen.n;
    while (colon && listen.p[colon - 1] != ':')
        colon--;
    int64_t port = -1;
    if (!colon || str_int(str_from(listen, colon), &port) < 0 || port < 0 || port > 65535)
        return err_set(e, ERR_INVALID, "%s: listen is \"%.*s\"; write ADDRESS:PORT, such as 127.0.0.1:8080",
                       place_of(path, v).text, STR_ARG(listen));
    s->address = str_head(listen, colon - 1);
    s->port = (int)port;
    return 0;
}

static void read_provider(struct arena *a, struct settings *s, const struct json *p)
{
    s->llm = (struct llm_config){
        .kind = json_str_or(json_get(p, "kind"), STR("offline")),
        .base_url = json_str(json_get(p, "base_url")),
        .model = json_str(json_get(p, "model")),
        .key_file = in_dir(a, s->dir, json_str(json_get(p, "key_file"))),
        .recording = in_dir(a, s->dir, json_str(json_get(p, "recording"))),
        .record_to = in_dir(a, s->dir, json_str(json_get(p, "record_to"))),
        .temperature = json_num(json_get(p, "temperature"), -1),
        .tokens_max = (int)json_int(json_get(p, "tokens_max"), 0),
        .stream = json_bool(json_get(p, "stream"), true),
        .attempts = (int)json_int(json_get(p, "attempts"), 0),
        .connect_ms = (int)json_int(json_get(p, "connect_ms"), 0),
        .first_token_ms = (int)json_int(json_get(p, "first_token_ms"), 0),
        .idle_ms = (int)json_int(json_get(p, "idle_ms"), 0),
        .total_ms = (int)json_int(json_get(p, "total_ms"), 0),
        .retry_ms_base = (int)json_int(json_get(p, "retry_ms_base"), 0),
        .retry_ms_max = (int)json_int(json_get(p, "retry_ms_max"), 0),
    };
    s->model = str_is(s->llm.kind, "offline") ? s->llm.kind : json_str_or(json_get(p, "family"), s->llm.model);
}

/* "${bank}/v1/customers" */
static struct str with_service(struct arena *a, const struct settings *s, struct str url)
{
    ptrdiff_t end = str_find(url, STR("}"));
    if (!str_starts(url, STR("${")) || end < 0)
        return url;
    struct str name = {url.p + 2, (size_t)end - 2};
    struct str base = json_str(json_get(s->services, str_c(a, name)));
    return str_f(a, "%.*s%.*s", STR_ARG(base), STR_ARG(str_from(url, (size_t)end + 1)));
}

int settings_load(struct arena *a, const char *dir, const char *const *sets, size_t sets_n, struct settings *out,
                  struct err *e)
{
    const char *path = str_f(a, "%s/candor.yaml", dir).p;
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_set(e, ERR_NOT_FOUND, "%s: %s; name the workspace's folder with --workspace DIR", path,
                       strerror(errno));
    struct buf text = buf_new(a, SETTINGS_BYTES_MAX);
    char piece[4096];
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0 && !text.cut;)
        buf_add(&text, (struct str){piece, n});
    fclose(f);
    struct json *root;
    if (text.cut)
        return err_set(e, ERR_LIMIT, "%s: larger than 256 KiB", path);
    if (yaml_parse(a, buf_str(&text), path, &root, e) < 0)
        return ERR_INVALID;
    if (!json_is(root, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "%s:1: write settings as `key: value` lines", path);
    for (size_t i = 0; i < sets_n; i++)
        if (apply_set(a, root, sets[i], e) < 0)
            return ERR_INVALID;
    if (check(root, path, e) < 0)
        return ERR_INVALID;
    struct settings s = {.dir = str_copy(a, str_of(dir)),
                         .workspace = json_str(json_get(root, "workspace")),
                         .agent = json_str(json_get(root, "agent")),
                         .services = json_get(root, "services"),
                         .secrets = json_get(root, "secrets"),
                         .locales = json_is(json_get(root, "locales"), JSON_ARRAY) ? json_get(root, "locales") : NULL,
                         .cache_bytes = json_int(json_get(root, "cache_mib"), 8) << 20,
                         .messages_10s = (int)json_int(json_get(root, "messages_10s"), 20)};
    if (!s.workspace.n)
        return err_set(e, ERR_INVALID, "%s:1: `workspace` (its name) is missing", path);
    if (read_listen(&s, json_get(root, "listen"), path, e) < 0 ||
        read_ranges(a, &s, json_path(root, STR("net.allow")), path, e) < 0)
        return ERR_INVALID;
    s.store = in_dir(a, s.dir, json_str_or(json_get(root, "store"), STR("data/candor.db")));
    read_provider(a, &s, json_get(root, "provider"));
    const struct json *signin = json_get(root, "signin");
    if (json_get(signin, "kind"))
        s.signin_url = with_service(a, &s, json_str(json_get(signin, "url")));
    s.push_url = with_service(a, &s, json_str(json_get(json_get(root, "channel"), "push_url")));
    *out = s;
    return 0;
}

int settings_tool_world(struct arena *a, const struct settings *s, struct tool_world *out, struct err *e)
{
    struct json *secrets = json_new(a, JSON_OBJECT);
    *out = (struct tool_world){.services = s->services, .secrets = secrets, .dir = s->dir};
    for (const struct json *m = s->secrets ? s->secrets->child : NULL; m; m = m->next) {
        struct str value;
        int r = key_file_read(a, in_dir(a, s->dir, json_str(m)), &value, e);
        if (r < 0)
            return r;
        json_set(secrets, m->key, json_new_str(a, value));
    }
    return 0;
}

int settings_data_dir(const struct settings *s, struct err *e)
{
    struct arena *a = arena_new("data dir", 0);
    const char *path = str_f(a, "%.*s/data", STR_ARG(s->dir)).p;
    int r = 0;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        r = err_set(e, ERR_IO, "%s cannot be made: %s", path, strerror(errno));
    arena_free(a);
    return r;
}
