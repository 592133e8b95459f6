/* schema: does a JSON value fit a JSON Schema? A subset of draft 2020-12.
 *
 * Known: type, enum, const, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf,
 * minLength, maxLength, pattern (PCRE2 with match limits), format (date, date-time, email checked;
 * others are notes), items, prefixItems, contains, minItems, maxItems, uniqueItems, properties,
 * required, additionalProperties, patternProperties, propertyNames, minProperties, maxProperties,
 * allOf, anyOf, oneOf, not, if/then/else, local $ref (#/...) and $defs, and true/false schemas.
 * Numbers compare exactly up to 18 digits. A $id below the top is refused: it would move "#".
 * Keys that start with "x-" and the annotations title, description, default, examples, $comment,
 * $schema, $id are ignored. Anything else makes schema_check refuse the schema. */
#ifndef BASE_SCHEMA_H
#define BASE_SCHEMA_H

#include "base/json.h"

/* Is this a schema that schema_fits can decide? Errors: ERR_UNSUPPORTED names the keyword and its
 * JSON Pointer; ERR_INVALID for a keyword with a wrong kind of value, a pattern that does not
 * compile, a $ref that points to nothing or leads back to itself without end; ERR_LIMIT. */
MUST_USE int schema_check(const struct json *schema, struct err *e);

/* 0 when the value fits. ERR_INVALID: e says where in the value (JSON Pointer) and what was
 * expected, as a sentence that a model or a person can act on. ERR_LIMIT: the schema asks for more
 * than a million comparisons. The schema must have passed schema_check. */
MUST_USE int schema_fits(const struct json *schema, const struct json *value, struct err *e);

#endif
