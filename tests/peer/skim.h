/* skim: walks over JSON text without making values of it: the members of an object from the front, the
 * elements of an array from the back. For a server that answers faster than it could parse.
 *
 * Well-formed text is walked rightly; anything else ends the walk, but is not always noticed. */
#ifndef PEER_SKIM_H
#define PEER_SKIM_H

#include "base/str.h"

/* The next member's key: `inside` is moved to its value. Then the value: moved past it. */
bool skim_key(struct str *inside, struct str *key);
bool skim_value(struct str *inside, struct str *value);

/* Both: the next member. `inside` is what stands behind the object's '{'; it is moved past the member. `key`
 * is as it was written, without quotes. False at the object's end or where the text is broken. */
bool skim_member(struct str *inside, struct str *key, struct str *value);

/* The last element. `inside` is what stands between the array's brackets; it is cut before the element. */
bool skim_last(struct str *inside, struct str *value);

/* The last member of what stands between an object's braces. */
bool skim_last_member(struct str *inside, struct str *key, struct str *value);

#endif
