/* key_file: a secret from a file of its own, which only its owner may read. */
#ifndef BASE_KEY_FILE_H
#define BASE_KEY_FILE_H

#include "base/str.h"

/* The one word in the file, without the white space around it. Errors: ERR_NOT_FOUND, ERR_DENIED (others can read it, or we
 * cannot), ERR_INVALID (empty, several words, no plain file). The sentences name the file, never the key. */
MUST_USE int key_file_read(struct arena *a, struct str path, struct str *key, struct err *e);

#endif
