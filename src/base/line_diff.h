/* line_diff: what differs between two texts, line by line, for people to read. */
#ifndef BASE_LINE_DIFF_H
#define BASE_LINE_DIFF_H

#include "base/str.h"

/* Appends a line for each line of both texts that differs, "-" before an old one and "+" before a new one, and up to `context`
 * lines around it that are the same, with a blank; "..." stands for what is left out. `indent` goes before all. The longest
 * common subsequence is kept, unless both texts differ over thousands of lines: then what lies between their common beginning and
 * end counts as new. Nothing is appended when the texts are the same. Needs memory from `a` for a while. */
void line_diff(struct arena *a, struct str old, struct str now, size_t context, const char *indent, struct buf *out);

#endif
