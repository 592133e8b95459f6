/* tool_parts: what the files of engine/tool.h need of each other. Private to them. */
#ifndef ENGINE_TOOL_PARTS_H
#define ENGINE_TOOL_PARTS_H

#include "engine/tool.h"

/* The input schema as the model sees it: without what the session supplies and without x- keys. */
struct json *tool_model_input(struct arena *a, const struct json *input);
/* enum tool_source of one property of the input, or-ed. */
unsigned tool_property_sources(const struct json *property);

/* A step is what its one verb says: "http", "command", "let", "lua" or "tool"; NULL when it has none. */
const char *tool_verb(const struct json *step);
/* The same of a tool without steps, whose name is no verb. */
const char *tool_adapter(const struct json *spec);

#endif
