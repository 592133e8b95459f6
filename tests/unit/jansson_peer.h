/* jansson_peer: the jansson library beside our own base/json.h, which uses some of the same names.
 *
 * Only tests and benchmarks include it. jansson's kinds are JANSSON_OBJECT and so on here; its
 * macros json_is_object and the like would compare with our kinds and must not be used. */
#ifndef TESTS_UNIT_JANSSON_PEER_H
#define TESTS_UNIT_JANSSON_PEER_H

#define JSON_OBJECT  JANSSON_OBJECT
#define JSON_ARRAY   JANSSON_ARRAY
#define JSON_STRING  JANSSON_STRING
#define JSON_INTEGER JANSSON_INTEGER
#define JSON_REAL    JANSSON_REAL
#define JSON_TRUE    JANSSON_TRUE
#define JSON_FALSE   JANSSON_FALSE
#define JSON_NULL    JANSSON_NULL
#define json_copy    jansson_copy
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_INTEGER
#undef JSON_REAL
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL
#undef json_copy

#endif
