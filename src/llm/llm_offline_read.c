#include "llm/llm_offline_read.h"

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
