/* finding: what is wrong with a file of a workspace, where, by which rule, and what to do.
 *
 * Rules have ids that do not change, so that a team can talk about them and a script can look for one. A letter says what
 * the rule is about: A agents, I instructions, R routines, M macros, T tools, S scratchpads, P policies, K the form of
 * files. The table is the only place that knows them (docs/CHECK.md is made of the same words). */
#ifndef ENGINE_FINDING_H
#define ENGINE_FINDING_H

#include "base/json.h"

enum severity {
    FINDING_ERROR,   /* an agent with it is refused */
    FINDING_WARNING, /* works, but is hardly what was meant */
    FINDING_NOTE     /* to look at; may well be right */
};
const char *severity_name(enum severity s);

enum check_rule {
    RULE_UNREADABLE,
    RULE_UNKNOWN_KEY,
    RULE_WRONG_VALUE,
    RULE_MISSING_KEY,
    RULE_WRONG_NAME,
    RULE_STRAY_FILE,
    RULE_SETTINGS,
    RULE_JUDGE,

    RULE_NO_MODULE,
    RULE_UNRESOLVED_PIN,
    RULE_UNUSED_MODULE,
    RULE_RUNTIME_MACROS,
    RULE_MANY_TOOLS,
    RULE_PROMPT_BUDGET,
    RULE_NO_AGENT,

    RULE_FIELD_IN_TEXT,
    RULE_CLOCK_WORDS,
    RULE_CONTRADICTION,
    RULE_NO_MUST,

    RULE_NO_STEP,
    RULE_STEP_FORM,
    RULE_UNREACHABLE,
    RULE_NO_ELSE,
    RULE_OPEN_END,
    RULE_NO_OUTCOME,
    RULE_IDLE_LOOP,
    RULE_NO_SUCH_MACRO,
    RULE_NO_SUCH_SLOT,
    RULE_NO_SUCH_TOOL,
    RULE_NO_SUCH_ROUTINE,
    RULE_NO_SUCH_REASON,
    RULE_NO_SUCH_VALUE,
    RULE_EXPRESSION,
    RULE_NEVER_TRUE,
    RULE_MISSING_ARGUMENT,
    RULE_UNKNOWN_ARGUMENT,
    RULE_ARGUMENT_TYPE,
    RULE_SLOT_UNREAD,
    RULE_SLOT_UNSET,
    RULE_ACTION_CALLED,
    RULE_ACT_UNCONFIRMED,
    RULE_IF_TEXT_ACTS,
    RULE_RECURSION,
    RULE_DEEP_CALLS,

    RULE_TEMPLATE,
    RULE_FILTER,
    RULE_FIELD,
    RULE_LOCALE,
    RULE_LONG_TEXT,
    RULE_UNUSED_MACRO,

    RULE_TOOL_FORM,
    RULE_NO_WHEN_NOT,
    RULE_NO_EXAMPLE,
    RULE_EXAMPLE_ARGS,
    RULE_EXAMPLE_RESULT,
    RULE_NO_IDEMPOTENCY,
    RULE_NO_CONFIRM,
    RULE_NOT_SHOWN,
    RULE_NO_PROJECTION,
    RULE_CONFIRM_TEXT,
    RULE_NO_SERVICE,
    RULE_REQUEST_VALUE,

    RULE_ENUM_VALUES,
    RULE_SLOT_DEFAULT,
    RULE_SLOT_TWICE,
    RULE_SLOT_PATTERN,

    RULE_POLICY_TWICE,
    RULES
};

struct check_rule_row {
    const char *id; /* "T04" */
    enum severity severity;
    const char *catches; /* one line */
    const char *repair;  /* what to do, where a finding does not say it more exactly */
};
const struct check_rule_row *check_rule_row(enum check_rule r);

struct finding {
    enum check_rule rule;
    enum severity severity;
    const char *file;
    uint32_t line; /* 0: the file as a whole */
    struct str sentence, repair;
};

struct findings {
    struct arena *arena;
    struct finding *list;
    size_t n, size;
};

/* `file` is borrowed, `at` (may be NULL) gives the line. */
void PRINTF_LIKE(5, 6) finding_add(struct findings *f, enum check_rule r, const char *file, const struct json *at,
                                   const char *format, ...);
void PRINTF_LIKE(5, 6)
    finding_add_line(struct findings *f, enum check_rule r, const char *file, uint32_t line, const char *format, ...);
/* What to do about the newest one. */
void PRINTF_LIKE(2, 3) finding_repair(struct findings *f, const char *format, ...);
/* A sentence that begins with its place, "file:7: ..." or "file: line 7: ...", as readers of files write it. */
void finding_add_err(struct findings *f, enum check_rule r, const char *file, const struct err *why);

/* In the order of files, lines and ids, each once: a module that several agents use was looked at for each. */
void findings_sort(struct findings *f);
/* Warnings count as errors from now on. */
void findings_strict(struct findings *f);
size_t findings_count(const struct findings *f, enum severity s);
/* The first error as "file:line: sentence": ERR_INVALID, or 0 when there is none. */
MUST_USE int findings_refuse(const struct findings *f, struct err *e);

/* "tools/x.yaml:33: error T06 sentence" and a line with the repair. */
void finding_write(const struct finding *f, struct buf *out);
/* {"file","line","rule","severity","sentence","repair"}; line null for the file as a whole. */
void finding_write_json(const struct finding *f, struct json_writer *w);

#endif
