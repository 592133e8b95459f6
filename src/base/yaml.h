/* yaml: reads the files of a workspace into JSON values.
 *
 * A strict subset of YAML 1.2, through libyaml: one document; maps with string keys, lists, plain
 * and quoted scalars. Refused with the line: duplicate keys, keys that are no strings unless quoted
 * (200:, true:), anchors, aliases, tags, merge keys, several documents, tabs in indentation, NUL.
 *
 * Plain scalars read as the core schema says: null/~ and nothing, true/false (also True, TRUE), and
 * numbers as JSON spells them. Everything else (yes, on, dates, 1_000, 007, +55, 0x1f, .5) is a
 * string, so that a post code or a telephone number keeps its digits. Block scalars are strings.
 *
 * Each value's `line` is set; that of a map's member is the line of its key. */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/json.h"

/* `name` is the file's name for messages ("tools/reissue_card.yaml:12: ..."). An empty document is
 * null. Errors: ERR_INVALID, ERR_LIMIT (depth). */
MUST_USE int yaml_parse(struct arena *a, struct str text, const char *name, struct json **out, struct err *e);

/* The value as such a file, a line for each scalar; yaml_parse gives the same value back. Texts that could be read as
 * something else are quoted. */
void yaml_write(struct buf *out, const struct json *v);

/* What is wrong with a value of the file `name`: ERR_INVALID, "name:line: sentence"; without a line when the value did not
 * come from a file (`at` may be NULL). */
int yaml_refuse(struct err *e, const char *name, const struct json *at, const char *format, ...) PRINTF_LIKE(4, 5);

#endif
