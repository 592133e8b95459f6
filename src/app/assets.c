#include "app/assets.h"

#include <string.h>

const struct asset *asset_find(struct str path)
{
    if (path.n == 1 && path.p[0] == '/')
        path = STR("/index.html");
    for (size_t i = 0; i < assets_n; i++)
        if (strlen(assets[i].path) == path.n && memcmp(assets[i].path, path.p, path.n) == 0)
            return &assets[i];
    return NULL;
}
