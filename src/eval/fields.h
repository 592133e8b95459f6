/* fields: strict reading of the maps of a workspace file. What is unknown is refused with its line and, where one is near,
 * the word that was meant. */
#ifndef EVAL_FIELDS_H
#define EVAL_FIELDS_H

#include "base/json.h"

/* Refuses a value that is no map or has a key that `known` (NULL-terminated) does not list.
 * ERR_INVALID: "line 7: unknown key \"tols\"; did you mean \"tools\"?" */
MUST_USE int fields_check(const struct json *map, const char *const *known, struct err *e);

/* A text that must be there and not be empty. */
MUST_USE int fields_text(const struct json *map, const char *key, struct str *out, struct err *e);
/* A list of texts, or one text as a list of one; n 0 when the key is absent. */
MUST_USE int fields_texts(struct arena *a, const struct json *map, const char *key, struct str **out, size_t *n,
                          struct err *e);
/* A whole number of at least `least`; `otherwise` when the key is absent. */
MUST_USE int fields_int(const struct json *map, const char *key, int64_t least, int64_t otherwise, int64_t *out,
                        struct err *e);
MUST_USE int fields_bool(const struct json *map, const char *key, bool *out, struct err *e);

#endif
