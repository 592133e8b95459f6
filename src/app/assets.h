/* assets: the files of web/, compiled into the program, plain and gzipped.
 *
 * tools/embed.py writes the table at build time; nothing here is read from disk or ever freed. */
#ifndef APP_ASSETS_H
#define APP_ASSETS_H

#include "base/str.h"

struct asset {
    const char *path; /* as in the URL: "/index.html" */
    const char *type; /* for Content-Type: "text/html; charset=utf-8" */
    const char *etag; /* W/"...", from the bytes' SHA-256; weak, as the gzipped form shares it */
    const unsigned char *bytes;
    size_t n;
    const unsigned char *gz; /* the same, gzipped; NULL where that would be no smaller */
    size_t gz_n;
};

/* The file that a URL's path names; "/" is "/index.html". NULL when there is none. */
const struct asset *asset_find(struct str path);

/* All of them, ordered by path. */
extern const struct asset assets[];
extern const size_t assets_n;

#endif
