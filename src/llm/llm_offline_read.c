#include "llm/llm_offline_read.h"

#include "base/clock.h"
#include "base/quantity.h"
#include "base/regex.h"
#include "llm/llm_offline_words.h"

enum { ANSWER_BYTES_MAX = 120 };

/* Of two phrases that overlap the longer one counts ("not yet" before "yes"), of two that do not, the one said
 * last. */
static struct str read_slot_in(const struct offline_slot *slot, struct str folded, struct str language, bool other,
                               bool asked)
{
    const struct words_phrase *best = NULL;
    ptrdiff_t best_at = -1;
    uint64_t bits = words_bits(folded);
    bool brief = words_count(folded) <= 3;
    for (size_t i = 0; i < slot->phrases.n; i++) {
        const struct words_phrase *p = &slot->phrases.p[i];
        if ((p->bits & ~bits) || str_eq(p->language, language) == other)
            continue;
        if (p->single && slot->has_question && (!asked || (other && !brief)))
            continue; /* a word that needs its question, or one that may mean something else here */
        if (p->answer && (!asked || !words_answers(folded, p)))
            continue;
        ptrdiff_t at = words_find(folded, p);
        if (at < 0 || (best && p->single && !best->single))
            continue;
        bool stronger = best && !p->single && best->single;
        bool apart =
            best && (at >= best_at + (ptrdiff_t)best->words.n - 1 || best_at >= at + (ptrdiff_t)p->words.n - 1);
        if (!best || stronger || (apart ? at > best_at : p->words.n > best->words.n)) {
            best = p;
            best_at = at;
        }
    }
    return best ? best->value : STR_NONE;
}

struct str offline_read_slot(const struct offline_slot *slot, struct str folded, struct str language, bool asked)
{
    struct str value = read_slot_in(slot, folded, language, false, asked);
    return value.n ? value : read_slot_in(slot, folded, language, true, asked);
}

static bool is_of_type(struct str type, const struct quantity *q, bool asked)
{
    if (str_is(type, "date"))
        return q->kind == QUANTITY_DATE;
    if (str_is(type, "money"))
        return q->kind == QUANTITY_MONEY || (asked && q->kind == QUANTITY_NUMBER);
    if (str_is(type, "integer"))
        return q->kind == QUANTITY_NUMBER && !str_has(q->value, STR("."));
    return str_is(type, "number") && (q->kind == QUANTITY_NUMBER || q->kind == QUANTITY_PERCENT);
}

static bool has_digit(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= '0' && s.p[i] <= '9')
            return true;
    return false;
}

/* A day of a month ("10 March") whose year was not said, as the last such day. */
static struct str last_such_day(struct arena *a, const struct quantity *q, struct str today)
{
    int64_t year, days;
    if (str_cmp(q->value, today) <= 0 || !has_digit(q->text) || str_has(q->text, str_head(q->value, 4)) ||
        str_int(str_head(q->value, 4), &year) < 0)
        return q->value;
    struct str before = str_f(a, "%04lld%.*s", (long long)year - 1, STR_ARG(str_from(q->value, 4)));
    return clock_days(before, &days) == 0 ? before : q->value;
}

/* "not 50", "80 instead of 50": what it is not. */
static bool excluded(struct arena *a, struct str before)
{
    static const char *const signs[] = {" not ",         " instead of ", " rather than ", " e nao ",      " em vez de ",
                                        " ao inves de ", " y no ",       " en vez de ",   " en lugar de "};
    struct str folded = words_fold(a, before);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (str_ends(folded, str_of(signs[i])))
            return true;
    return false;
}

/* Of several the last one said: "100, no, 150". */
static struct str read_quantity(struct arena *a, const struct offline_slot *slot, struct str words, struct str language,
                                struct str today, bool asked)
{
    struct quantity q;
    struct str value = STR_NONE;
    for (size_t at = 0; quantity_next(a, words, &at, language, today, &q);)
        if (is_of_type(slot->type, &q, asked) && !excluded(a, str_head(words, (size_t)(q.text.p - words.p))))
            value = slot->past && q.kind == QUANTITY_DATE ? last_such_day(a, &q, today) : q.value;
    return value;
}

/* Those under `answer` count only when the slot was asked for. */
static struct str by_pattern(const struct offline_slot *slot, struct str words, bool asked)
{
    struct str group;
    for (const struct json *l = slot->patterns ? slot->patterns->child : NULL; l; l = l->next)
        for (const struct json *p = asked || !str_is(l->key, "answer") ? l->child : NULL; p; p = p->next)
            if (regex_group(json_str(p), words, &group) && str_trim(group).n)
                return str_trim(group);
    return STR_NONE;
}

/* What the type makes of it. A group that ends in its digits ("8" of "8 mil") is the whole quantity that begins there. */
static struct str pattern_quantity(struct arena *a, const struct offline_slot *slot, struct str words, struct str found,
                                   struct str language, struct str today)
{
    struct quantity q;
    size_t from = (size_t)(found.p - words.p), at = from;
    if (quantity_next(a, words, &at, language, today, &q) && is_of_type(slot->type, &q, true) && q.text.p <= found.p &&
        q.text.p + q.text.n > found.p + found.n)
        return q.value;
    return read_quantity(a, slot, found, language, today, true);
}

/* A short answer that is no question. */
static struct str whole_answer(struct str words)
{
    struct str s = str_trim(words);
    while (s.n && (s.p[s.n - 1] == '.' || s.p[s.n - 1] == '!'))
        s.n--;
    return s.n && s.n <= ANSWER_BYTES_MAX && !str_has(s, STR("?")) && !str_has(s, STR("\n")) ? s : STR_NONE;
}

struct str offline_read_typed(struct arena *a, const struct offline_slot *slot, struct str words, struct str language,
                              struct str today, bool asked)
{
    bool text = str_is(slot->type, "text");
    struct str found = by_pattern(slot, words, asked);
    if (text)
        return found.n ? found : asked && !slot->patterns ? whole_answer(words) : STR_NONE;
    if (found.n) /* a pattern says where the value stands, the type what it is */
        return pattern_quantity(a, slot, words, found, language, today);
    return asked || (slot->alone && !slot->patterns) ? read_quantity(a, slot, words, language, today, asked) : STR_NONE;
}

/* The longest phrase of the list that the text holds; NULL for none. */
static const struct words_phrase *longest(const struct offline_phrases *list, struct str folded)
{
    const struct words_phrase *best = NULL;
    uint64_t bits = words_bits(folded);
    for (size_t i = 0; i < list->n; i++)
        if (!(list->p[i].bits & ~bits) && str_has(folded, list->p[i].words) &&
            (!best || list->p[i].words.n > best->words.n))
            best = &list->p[i];
    return best;
}

const struct offline_routine *offline_choose(const struct offline_plan *plan, struct str folded,
                                             const struct offline_slot *answered, bool *single)
{
    const struct offline_routine *best = NULL, *by_answer = NULL;
    const struct words_phrase *best_phrase = NULL;
    for (size_t i = 0; i < plan->book.n; i++) {
        const struct offline_routine *r = &plan->routines[i];
        const struct words_phrase *start = longest(&r->start, folded);
        if (longest(&r->never, folded))
            continue;
        if (answered && !by_answer && routine_asks(r->routine, answered->name))
            by_answer = r;
        if (start && (!best || start->words.n > best_phrase->words.n)) {
            best = r;
            best_phrase = start;
        }
    }
    *single = best && best_phrase->single;
    return best ? best : by_answer;
}
