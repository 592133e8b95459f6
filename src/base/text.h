/* text: UTF-8 from the outside world, and what the program may know about natural language.
 *
 * Bytes become text here: valid UTF-8 or refused (API) or repaired (chat page). */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/str.h"

/* The offset of the first byte that is not valid UTF-8 (overlong forms, surrogates and values past
 * U+10FFFF are not), or -1. A NUL byte counts as invalid: no text of ours holds one. */
ptrdiff_t text_invalid_at(struct str s);

/* A copy with every invalid sequence and every control character but \t and \n replaced by U+FFFD
 * (\r\n, \r and the separators U+2028 and U+2029 become \n). Sets *repaired when anything changed. */
struct str text_repair(struct arena *a, struct str s, bool *repaired);

/* A copy without what a reader cannot see but a model can: zero-width characters, tag characters
 * (U+E0000..E007F), bidirectional controls. ZWJ and variation selectors stay inside emoji. */
struct str text_visible(struct arena *a, struct str s, bool *changed);

/* Is there nothing to read: only white space of any script and what leaves no mark? The input must be valid UTF-8. */
bool text_blank(struct str s);

/* NFC. The input must be valid UTF-8. */
struct str text_nfc(struct arena *a, struct str s);

/* For matching: lower case, without accents, runs of white space and punctuation as one space,
 * a space at both ends: "Não, é 12-B!" gives " nao e 12 b ". */
struct str text_fold(struct arena *a, struct str s);

/* Does the folded text hold the folded word or phrase at word borders? */
bool text_has_phrase(struct str folded, struct str phrase_folded);

/* "en", "pt" or "es" by common words of each; `otherwise` where the text does not tell
 * (too short, a draw). A vocabulary, not a model: meant for choosing a macro's language. */
struct str text_language(struct str folded, struct str otherwise);

/* Is there anything beside letters, digits, spaces and their accents that is not one of `allowed`: punctuation, a symbol, a
 * control, a mark that crosses a letter out? */
bool text_has_other(struct str s, struct str allowed);

/* Code points of valid UTF-8. */
size_t text_length(struct str s);

/* A rough count of model tokens (bytes / 4, at least the words): for budgets, not for bills. */
size_t text_tokens(struct str s);

/* Unicode characters cut at a border: the first n code points. */
struct str text_head(struct str s, size_t n);

#endif
