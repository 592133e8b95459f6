/* variant: an agent version as one family of models gets it.
 *
 * An agent's file may have small overlays, `variants: [{when: {model_family: gpt-5}, add, remove, set}]`. Its bundle holds the
 * base and the modules that overlays add; the bundle of a family is made from it alone, drafted or published, and has a hash
 * and so an identity of its own. Models that are no overlay's get the base without the offline provider's phrases. */
#ifndef ENGINE_VARIANT_H
#define ENGINE_VARIANT_H

#include "base/json.h"

/* The bundle for a model: its name as the provider has it ("openai/gpt-5-mini", of which the vendor is dropped), a family, or
 * "offline"; "" is nobody in particular. `offline` and "" get the bundle itself unless an overlay is theirs. The overlay whose
 * family is the longest beginning of the name is taken: gpt-5 is the family of gpt-5-mini and gpt-5.1, not of gpt-50. Errors:
 * ERR_INVALID (the bundle does not read). */
MUST_USE int variant_bundle(struct arena *a, struct str bundle, struct str model, struct str *out, struct err *e);

/* The bundle's value with one overlay on it; values keep their lines. `all` stays as it is. */
struct json *variant_apply(struct arena *a, const struct json *all, const struct json *variant);

/* Is the model of the family? */
bool variant_is_of(struct str model, struct str family);

#endif
