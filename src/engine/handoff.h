/* handoff: everything the person who takes over needs, made from the folded conversation.
 *
 * The package is JSON with a fixed set of members (docs/JOURNAL.md, handoff.requested) and no words of a model: its summary
 * is a template over facts. */
#ifndef ENGINE_HANDOFF_H
#define ENGINE_HANDOFF_H

#include "engine/conversation.h"

/* The closed list of reasons; NULL-terminated. */
extern const char *const handoff_reasons[];
bool handoff_reason_known(struct str reason);

/* "high" when an outcome is unknown, the customer may be harmed or is upset; otherwise "normal". */
const char *handoff_priority(struct str reason);

/* The package as a JSON object's text, in `a`. */
struct str handoff_package(struct arena *a, const struct conversation *c, struct str reason, struct str note,
                           int64_t now_us);

#endif
