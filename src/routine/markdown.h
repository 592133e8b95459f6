/* markdown: the lines of a document as a flat list of blocks. No more of Markdown than procedures use: headings with #,
 * paragraphs, list items by indentation, code fences (left out), and of marks within a line only that they vanish. */
#ifndef ROUTINE_MARKDOWN_H
#define ROUTINE_MARKDOWN_H

#include "base/str.h"

enum markdown_kind { MARKDOWN_HEADING, MARKDOWN_PARAGRAPH, MARKDOWN_ITEM };

struct markdown {
    struct markdown *next;
    enum markdown_kind kind;
    int level; /* of a heading 1..6; of an item its indentation in columns */
    bool bold; /* the whole of it is bold: a heading in disguise */
    struct str text;
    size_t line;
};

/* The text must be UTF-8. NULL for an empty document. */
struct markdown *markdown_read(struct arena *a, struct str text);

#endif
