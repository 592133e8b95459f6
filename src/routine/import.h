/* import: a written procedure becomes draft routines, by its structure alone. Pure.
 *
 * Markdown. A heading below which others say "Step 1.2: ..." (or bear numbers, "2. ...", "2.1 ...") is a routine and those
 * are its steps; a document without such headings has one routine for each section that asks, checks, does or hands over
 * something. Within a section each sentence, list item and bold line is looked at:
 *
 *   "If ..., ...", "**If ...:**", "Otherwise"     a row of decide (if_text); what stands below it is its branch
 *   "Ask the customer ...", "Guide ...", "Gather" ask; the slot is named after the sentence's first words of content
 *   "Proceed to Step 1.2", "Follow Path 2.1"      goto, call_routine
 *   "Escalate to ...", "transfer ... to a human"  handoff
 *   "Tell ...", "Inform ...", "Apologize"         say
 *   "Check ...", "Verify ...", "Look up"          call, with a tool named after the sentence
 *   "Send ...", "Cancel ...", "Apply ..."         confirm and act, likewise
 *   anything else                                 a comment
 *
 * Guidelines (JSON, the form of the ABCD data set): {FLOW: {description, subflows: {NAME: {actions: [{type, button, text,
 * subtext: []}], instructions: []}}}}. A subflow is a routine. A step's button is a call (types "kb query" and "faq/policy",
 * and buttons that look something up) or an action to confirm; a step of the type "communication" without a button is said.
 * A button stands where the step's texts name it in brackets first, else at the step's beginning. A button that another
 * step's text names in a condition of its own ("If ... [Update Order]") is a branch with that action; without a condition
 * it is told in a marked comment. Steps of which the instructions say that their order is free take the order in which the flow
 * names their buttons first. */
#ifndef ROUTINE_IMPORT_H
#define ROUTINE_IMPORT_H

#include "routine/draft.h"

enum { IMPORT_TEXT_BYTES_MAX = 1 << 20 };

/* `file` is the document's name; one that ends in .json is read as guidelines. Everything lives in `a`. Errors:
 * ERR_INVALID (not UTF-8, no such JSON), ERR_LIMIT (too long), ERR_UNDEFINED (there is no procedure in it). */
MUST_USE int routine_import(struct arena *a, const char *file, struct str text, struct drafts *out, struct err *e);

/* The two readers; `ds` has arena, source and pack. */
void import_sop(struct drafts *ds, struct str text);
MUST_USE int import_guidelines(struct drafts *ds, const char *file, struct str text, struct err *e);

#endif
