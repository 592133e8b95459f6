/* yaml: reads the files of a workspace into JSON values.
 *
 * A strict subset of YAML 1.2, through libyaml: one document; maps with string keys, lists, plain
 * and quoted scalars. Refused with the line: duplicate keys, anchors, aliases, tags, merge keys,
 * several documents, tabs in indentation. Plain scalars read as the core schema says: null/~,
 * true/false, integers, decimals; everything else (yes, on, dates, 1_000) is a string.
 * Each value's `line` is set. */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/json.h"

/* `name` is the file's name for messages ("tools/reissue_card.yaml:12: ..."). An empty document is
 * null. Errors: ERR_INVALID, ERR_LIMIT (depth). */
MUST_USE int yaml_parse(struct arena *a, struct str text, const char *name, struct json **out,
                        struct err *e);

#endif
