/* settings: candor.yaml, the workspace's one settings file. docs/WORKSPACE.md lists every key.
 *
 * Unknown keys are refused with the line and the nearest known one. --set KEY=VALUE on the command line wins over the file. */
#ifndef APP_SETTINGS_H
#define APP_SETTINGS_H

#include "base/json.h"
#include "engine/tool.h"
#include "llm/llm.h"
#include "net/address.h"

struct settings {
    struct str dir;       /* the workspace's folder */
    struct str workspace; /* its name */
    struct str agent;     /* who answers on the chat page; "" when the workspace has none */
    struct str address;   /* "127.0.0.1" */
    int port;
    struct str store; /* path of the database file */
    struct llm_config llm;
    struct str model; /* whose variant of an agent is taken: provider.family, else its model's name; "offline" */
    const struct json *services;        /* name -> base URL */
    const struct json *secrets;         /* name -> file, relative to dir; NULL: none */
    const struct address_range *ranges; /* net.allow */
    size_t ranges_n;
    struct str signin_url;      /* where the example's customers are listed; "" when there is no example sign-in */
    struct str push_url;        /* where messages of push channels are sent; "" for none */
    int64_t cache_bytes;        /* idle conversations kept in memory */
    int messages_10s;           /* customer messages in 10 s */
    const struct json *locales; /* the languages in which every macro has its text, or NULL */
};

/* Reads <dir>/candor.yaml. `sets` are "KEY=VALUE" with dotted keys. Errors: ERR_NOT_FOUND, ERR_INVALID. */
MUST_USE int settings_load(struct arena *a, const char *dir, const char *const *sets, size_t sets_n,
                           struct settings *out, struct err *e);

/* Does the name ask for a secret? Those are read from files that only the owner can read, and nowhere else. */
bool settings_is_secret(struct str name);

/* What tools are given: base URLs, and the secrets read from their files. Errors: as key_file_read. */
MUST_USE int settings_tool_world(struct arena *a, const struct settings *s, struct tool_world *out, struct err *e);

/* <dir>/data is made when it is not there. Errors: ERR_IO. */
MUST_USE int settings_data_dir(const struct settings *s, struct err *e);

#endif
