/* schema: does a JSON value fit a JSON Schema? Draft 2020-12, as far as tools use it.
 *
 * Known: every keyword of the draft's vocabularies but $vocabulary, within one document: $id, $anchor and $dynamicAnchor
 * name its parts, $ref and $dynamicRef lead to them, and nothing is fetched. Refused by schema_check, so that nothing
 * is accepted in silence: any other keyword, another draft in $schema, a reference that leads out of the document (also
 * the draft's own metaschema), a multipleOf of more than 18 digits. Keys that start with "x-" are ours and ignored.
 *
 * Numbers are compared exactly, from their digits: 1.0 is an integer, 12345678901234567890 is not ...891. Patterns are
 * ECMA-262's (u flag), anywhere in the text, run by PCRE2 with match limits; references to groups are refused. Lengths
 * are counted in code points. Text with a NUL never comes here (base/json.h). docs/SCHEMA.md says what was measured.
 *
 * `format` is a note in the draft, and to schema_check and schema_fits. With their twins, which tools use, it is a demand:
 * date, time, date-time, duration, email, ipv4, ipv6, uuid, uri, uri-reference, json-pointer and relative-json-pointer. The
 * draft's other formats are refused then, names that it does not define (int32) stay notes. */
#ifndef BASE_SCHEMA_H
#define BASE_SCHEMA_H

#include "base/json.h"

/* Is this a schema that schema_fits can decide? Errors: ERR_UNSUPPORTED names the keyword and its
 * JSON Pointer; ERR_INVALID for a keyword with a wrong kind of value, a pattern that does not
 * compile, a $ref that points to nothing or leads back to itself without end; ERR_LIMIT. */
MUST_USE int schema_check(const struct json *schema, struct err *e);
MUST_USE int schema_check_formats(const struct json *schema, struct err *e);

/* 0 when the value fits. ERR_INVALID: e says where in the value (JSON Pointer) and what was
 * expected, as a sentence that a model or a person can act on. ERR_LIMIT: the schema asks for more
 * than a million comparisons, or a pattern for more steps than it may. The schema must have passed the check of the same name. */
MUST_USE int schema_fits(const struct json *schema, const struct json *value, struct err *e);
MUST_USE int schema_fits_formats(const struct json *schema, const struct json *value, struct err *e);

#endif
