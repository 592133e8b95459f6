#include "engine/finding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENTENCE_BYTES_MAX = 600 };

#define ERROR   FINDING_ERROR
#define WARNING FINDING_WARNING
#define NOTE    FINDING_NOTE

static const struct check_rule_row rows[RULES] = {
    [RULE_UNREADABLE] = {"K01", ERROR, "a file that cannot be read as what it is to be",
                         "mend the line: indent with spaces, and quote a text that has a quote or `: ` in it; an "
                         "instruction begins with its front matter between lines of ---"},
    [RULE_UNKNOWN_KEY] = {"K02", ERROR, "a key that nobody reads", "correct the key or take it out"},
    [RULE_WRONG_VALUE] = {"K03", ERROR, "a value of a wrong kind, or a word that is none of the known ones",
                          "write a value of the kind that the key has"},
    [RULE_MISSING_KEY] = {"K04", ERROR, "a key that has to be there is missing", "add the key"},
    [RULE_WRONG_NAME] = {"K05", ERROR, "a file that calls itself by another name than the file's",
                         "write the file's name, or rename the file"},
    [RULE_STRAY_FILE] = {"K06", WARNING, "a file in a folder of modules that nobody reads",
                         "give it the folder's ending (.yaml, instructions .md) and a name of small letters, digits, _ "
                         "and -, or move it away"},
    [RULE_SETTINGS] = {"K07", ERROR, "candor.yaml is wrong", "mend the setting"},
    [RULE_JUDGE] = {"K08", ERROR, "a judge that cannot be read", "mend the judge's file"},

    [RULE_NO_MODULE] = {"A01", ERROR, "an agent names a module that is not there",
                        "correct the name in compose, or write the module"},
    [RULE_UNRESOLVED_PIN] = {"A02", ERROR, "an agent names a version of a module that there is not",
                             "name the version that the file has, or publish the one that is named"},
    [RULE_UNUSED_MODULE] = {"A03", WARNING, "a module that no agent uses",
                            "name it in an agent's compose, or delete the file"},
    [RULE_RUNTIME_MACROS] = {"A04", ERROR, "what the runtime says by itself is missing",
                             "compose a pack `runtime` with the texts handoff, handoff_unknown and handoff_model"},
    [RULE_MANY_TOOLS] = {"A05", WARNING, "an agent with more than 15 tools, among which models choose badly",
                         "join look-ups that go together to composite tools, or split the agent"},
    [RULE_PROMPT_BUDGET] = {"A06", ERROR, "a prompt over budgets.prompt_tokens before a word was said",
                            "shorten or drop modules, or raise the budget"},
    [RULE_NO_AGENT] = {"A07", ERROR, "candor.yaml names an agent that is not there",
                       "name an agent of agents/, or write it"},

    [RULE_FIELD_IN_TEXT] = {"I01", ERROR, "a field in a text that is sent as it stands",
                            "take it out: the state block tells the model the date, the language and what is known"},
    [RULE_CLOCK_WORDS] = {"I02", WARNING, "a date, a time or a counter in a text that is to stay the same",
                          "say it without the moment; a text that changes costs the re-use of the prompt"},
    [RULE_CONTRADICTION] = {"I03", NOTE, "two directives for one case that may not go together",
                            "decide for one, or say in both when it holds"},
    [RULE_NO_MUST] = {"I04", NOTE, "an instruction with neither `## Must` nor `## Must not`",
                      "put what always holds under ## Must and what never may happen under ## Must not"},

    [RULE_NO_STEP] = {"R01", ERROR, "a step that goes on to a step that is not there",
                      "correct the id, or add the step"},
    [RULE_STEP_FORM] = {"R02", ERROR, "a step that has no verb, two verbs, or not what its verb needs",
                        "write the step as docs/ROUTINES.md shows it"},
    [RULE_UNREACHABLE] = {"R03", ERROR, "a step that no way leads to", "lead to it from another step, or delete it"},
    [RULE_NO_ELSE] = {"R04", ERROR, "a decide without else", "add `- {else: STEP}` as the last row"},
    [RULE_OPEN_END] = {"R05", ERROR, "a path that ends in neither exit nor handoff",
                       "add `exit: OUTCOME`, a `next`, or a hand-off"},
    [RULE_NO_OUTCOME] = {"R06", ERROR, "an exit without its outcome", "write what came of it: `exit: resolved`"},
    [RULE_IDLE_LOOP] = {"R07", ERROR, "a loop in which nobody is asked and nothing is looked up, so it never ends",
                        "put an ask, a call or a confirm into the loop, or leave it"},
    [RULE_NO_SUCH_MACRO] = {"R08", ERROR, "a step says a macro that the agent has not",
                            "correct the name (pack.text), or compose the pack"},
    [RULE_NO_SUCH_SLOT] = {"R09", ERROR, "a slot that no scratchpad of the agent has",
                           "correct the name, or add the slot to a scratchpad"},
    [RULE_NO_SUCH_TOOL] = {"R10", ERROR, "a routine mentions a tool that the agent has not",
                           "correct the name, or compose the tool"},
    [RULE_NO_SUCH_ROUTINE] = {"R11", ERROR, "a routine calls one that the agent has not",
                              "correct the name, or compose the routine"},
    [RULE_NO_SUCH_REASON] = {"R12", ERROR, "a hand-off for a reason that there is not", "choose a known reason"},
    [RULE_NO_SUCH_VALUE] = {"R13", ERROR, "an expression reads what nothing supplies",
                            "read a slot, a field of a tool's project, or what docs/ROUTINES.md lists under Values"},
    [RULE_EXPRESSION] = {"R14", ERROR, "an expression that does not parse",
                         "write it as src/base/expr.h says; a text of your own has quotes of its own"},
    [RULE_NEVER_TRUE] = {"R15", ERROR, "an expression that comes out the same whatever is known",
                         "compare with a value that there can be"},
    [RULE_MISSING_ARGUMENT] = {"R16", ERROR, "a call or a proposal without an argument that the tool requires",
                               "add the argument to args"},
    [RULE_UNKNOWN_ARGUMENT] = {"R17", ERROR, "an argument that the tool does not take",
                               "correct the name, or take it out; what the session supplies is not given"},
    [RULE_ARGUMENT_TYPE] = {"R18", ERROR, "an argument of a kind that the tool does not take",
                            "give what the tool's input asks for"},
    [RULE_SLOT_UNREAD] = {"R19", WARNING, "a slot that is asked for and that nothing reads",
                          "use it, or do not ask the customer for it"},
    [RULE_SLOT_UNSET] = {"R20", ERROR, "a slot that is read and that nothing sets",
                         "ask for it in a routine, or give it a default or patterns"},
    [RULE_ACTION_CALLED] = {"R21", ERROR, "an action that is called without a confirmation",
                            "propose it: `confirm: {proposal: {tool, args}}`, then `act: $proposal`"},
    [RULE_ACT_UNCONFIRMED] = {"R22", ERROR, "an act to which a way leads that confirmed nothing",
                              "let every way to it come through the confirm step"},
    [RULE_IF_TEXT_ACTS] = {"R23", WARNING, "a model's judgement alone decides on the way to an action",
                           "decide with `if` over a slot or a tool's answer"},
    [RULE_RECURSION] = {"R24", ERROR, "a routine that calls itself, over others or not",
                        "go back to a step instead of calling the routine again"},
    [RULE_DEEP_CALLS] = {"R25", ERROR, "routines that call each other deeper than the stack holds",
                         "join routines: at most three may wait for others"},

    [RULE_TEMPLATE] = {"M01", ERROR, "a text whose braces are no fields",
                       "write {path} or {path|filter}; a brace is {{"},
    [RULE_FILTER] = {"M02", ERROR, "a filter that there is not", "use |date, |money or |plain"},
    [RULE_FIELD] = {"M03", ERROR, "a field that no tool, slot or step supplies",
                    "correct the path, add it to the tool's project, or give it in the step's `fields`"},
    [RULE_LOCALE] = {"M04", WARNING, "a text that is missing in a language", "add the text in that language"},
    [RULE_LONG_TEXT] = {"M05", ERROR, "a text longer than budgets.reply_chars of an agent that says it",
                        "shorten the text, or split it over two steps"},
    [RULE_UNUSED_MACRO] = {"M06", WARNING, "a text that no routine, tool or instruction mentions",
                           "use it, or delete it: every text is in the prompt"},

    [RULE_TOOL_FORM] = {"T01", ERROR, "a tool that could not be called", "write it as docs/WORKSPACE.md shows it"},
    [RULE_NO_WHEN_NOT] = {"T02", WARNING, "a tool that does not say when it is not for",
                          "add when_not: when a careful colleague would not call it"},
    [RULE_NO_EXAMPLE] = {"T03", WARNING, "a tool without an example", "add `examples: [{args: {..}, result: {..}}]`"},
    [RULE_EXAMPLE_ARGS] = {"T04", ERROR, "an example whose args its own input would refuse",
                           "write args as the model would give them, without what the session supplies"},
    [RULE_EXAMPLE_RESULT] = {"T05", ERROR, "an example whose result has more than the projection lets through",
                             "take the field out of the example, or add it to project"},
    [RULE_NO_IDEMPOTENCY] = {"T06", ERROR, "an action that does not say how a repeat is recognised",
                             "add `idempotency: {mode: key}` (or none, with `reconcile`)"},
    [RULE_NO_CONFIRM] = {"T07", ERROR, "an action that does not say who confirms it",
                         "add `confirm: {by: customer, text: MACRO}`, or by: none where nobody has to"},
    [RULE_NOT_SHOWN] = {"T08", ERROR, "an argument that the customer confirms without seeing it",
                        "give it x-show: true"},
    [RULE_NO_PROJECTION] = {"T09", WARNING, "a tool whose whole answer goes to the model",
                            "add `project` with the fields that the agent needs"},
    [RULE_CONFIRM_TEXT] = {"T10", ERROR, "an action that is proposed with a macro that the agent has not",
                           "correct confirm.text, or compose the pack"},
    [RULE_NO_SERVICE] = {"T11", ERROR, "a request to a service, or with a secret, that candor.yaml has not",
                         "correct the name, or add it to candor.yaml, as in `services: {NAME: \"https://...\"}`"},
    [RULE_REQUEST_VALUE] = {"T12", ERROR, "a request that reads what nothing supplies",
                            "read an argument of input or a step before it; a text of your own has quotes of its own"},

    [RULE_ENUM_VALUES] = {"S01", ERROR, "an enum slot without values", "add `values: {WORD: {en: [phrases]}}`"},
    [RULE_SLOT_DEFAULT] = {"S02", ERROR, "a default that is none of the slot's values", "choose one of the values"},
    [RULE_SLOT_TWICE] = {"S03", ERROR, "two slots of one name in an agent", "rename one of them"},
    [RULE_SLOT_PATTERN] =
        {"S04", ERROR, "a pattern that is no regular expression, so it never finds anything",
         "mend it: ( ) [ ] { } come in pairs, and a sign that is meant as it stands has a \\ before it"},

    [RULE_POLICY_TWICE] = {"P01", ERROR, "two rules of one id in a policy", "rename one of them"},
};

const struct check_rule_row *check_rule_row(enum check_rule r)
{
    return &rows[r];
}

const char *severity_name(enum severity s)
{
    static const char *const names[] = {"error", "warning", "note"};
    return names[s];
}

static struct finding *add(struct findings *f, enum check_rule r, const char *file, uint32_t line)
{
    if (f->n == f->size) {
        size_t size = f->size ? 2 * f->size : 64;
        struct finding *list = ARENA_ARRAY(f->arena, struct finding, size);
        if (f->n)
            memcpy(list, f->list, f->n * sizeof *list);
        f->list = list;
        f->size = size;
    }
    f->list[f->n] = (struct finding){
        .rule = r, .severity = rows[r].severity, .file = file, .line = line, .repair = str_of(rows[r].repair)};
    return &f->list[f->n++];
}

static struct str sentence(struct arena *a, const char *format, va_list ap)
{
    char text[SENTENCE_BYTES_MAX];
    int n = vsnprintf(text, sizeof text, format, ap);
    struct str s = {text, n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1};
    return str_copy(a, str_whole(s, s.n));
}

void finding_add(struct findings *f, enum check_rule r, const char *file, const struct json *at, const char *format,
                 ...)
{
    va_list ap;
    va_start(ap, format);
    add(f, r, file, at ? at->line : 0)->sentence = sentence(f->arena, format, ap);
    va_end(ap);
}

void finding_add_line(struct findings *f, enum check_rule r, const char *file, uint32_t line, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    add(f, r, file, line)->sentence = sentence(f->arena, format, ap);
    va_end(ap);
}

void finding_repair(struct findings *f, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    f->list[f->n - 1].repair = sentence(f->arena, format, ap);
    va_end(ap);
}

/* Takes the number and ": " off the front. */
static bool take_line(struct str *text, int64_t *line)
{
    ptrdiff_t colon = str_find(*text, STR(": "));
    if (colon <= 0 || str_int(str_head(*text, (size_t)colon), line) < 0)
        return false;
    *text = str_from(*text, (size_t)colon + 2);
    return true;
}

void finding_add_err(struct findings *f, enum check_rule r, const char *file, const struct err *why)
{
    struct str text = str_of(why->text), name = str_of(file);
    int64_t line = 0;
    if (str_starts(text, name) && text.n > name.n) {
        struct str rest = str_from(text, name.n);
        if (str_starts(rest, STR(": line ")))
            rest = str_from(rest, 7);
        else if (str_starts(rest, STR(": ")))
            text = str_from(rest, 2);
        else
            rest = str_from(rest, 1);
        if (take_line(&rest, &line))
            text = rest;
    }
    finding_add_line(f, r, file, (uint32_t)line, "%.*s", STR_ARG(text));
}

static int by_place(const void *x, const void *y)
{
    const struct finding *a = x, *b = y;
    int files = strcmp(a->file, b->file);
    if (files)
        return files;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    int ids = strcmp(rows[a->rule].id, rows[b->rule].id);
    return ids ? ids : str_cmp(a->sentence, b->sentence);
}

void findings_sort(struct findings *f)
{
    if (f->n)
        qsort(f->list, f->n, sizeof *f->list, by_place);
    size_t kept = 0;
    for (size_t i = 0; i < f->n; i++)
        if (!kept || by_place(&f->list[kept - 1], &f->list[i]))
            f->list[kept++] = f->list[i];
    f->n = kept;
}

void findings_strict(struct findings *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->list[i].severity == WARNING)
            f->list[i].severity = ERROR;
}

size_t findings_count(const struct findings *f, enum severity s)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        n += f->list[i].severity == s;
    return n;
}

int findings_refuse(const struct findings *f, struct err *e)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *x = &f->list[i];
        if (x->severity != ERROR)
            continue;
        return x->line ? err_set(e, ERR_INVALID, "%s:%u: %.*s", x->file, x->line, STR_ARG(x->sentence))
                       : err_set(e, ERR_INVALID, "%s: %.*s", x->file, STR_ARG(x->sentence));
    }
    return 0;
}

void finding_write(const struct finding *f, struct buf *out)
{
    buf_adds(out, f->file);
    if (f->line)
        buf_addf(out, ":%u", f->line);
    buf_addf(out, ": %s %s %.*s\n    repair: %.*s\n", severity_name(f->severity), rows[f->rule].id,
             STR_ARG(f->sentence), STR_ARG(f->repair));
}

void finding_write_json(const struct finding *f, struct json_writer *w)
{
    json_open(w, '{');
    json_pair_str(w, "file", str_of(f->file));
    json_key(w, "line");
    if (f->line)
        json_put_int(w, f->line);
    else
        json_put_null(w);
    json_pair_str(w, "rule", str_of(rows[f->rule].id));
    json_pair_str(w, "severity", str_of(severity_name(f->severity)));
    json_pair_str(w, "sentence", f->sentence);
    json_pair_str(w, "repair", f->repair);
    json_close(w, '}');
}
