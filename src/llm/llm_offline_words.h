/* llm_offline_words: what the offline provider can make of a customer's words. Closed vocabularies and
 * phrases, in English, Portuguese and Spanish; no grammar, no statistics, no learning. Pure.
 *
 * Words are folded first: lower case, no accents, no punctuation but "|" between clauses and "?" behind a
 * question; contractions and the commonest chat spellings written out ("haven't", "havent" -> "have not";
 * "n", "naum" -> "nao"; "ta" -> "esta"). Vocabularies and phrases go through the same folding. */
#ifndef LLM_LLM_OFFLINE_WORDS_H
#define LLM_LLM_OFFLINE_WORDS_H

#include "base/str.h"

/* " no | ya la tengo " of "No, ¡ya la tengo!". A space at both ends. */
struct str words_fold(struct arena *a, struct str text);

size_t words_count(struct str folded);
/* One bit or more for the words of a text: a phrase with a bit that the text has not is not in it. */
uint64_t words_bits(struct str folded);

struct words_phrase {
    struct str words;    /* folded, a space at both ends */
    struct str language; /* whose "no" turns it around */
    struct str value;    /* what it says; "" for phrases that have no value */
    uint64_t bits;       /* words_bits */
    bool single;         /* one word */
    bool answer;         /* only a question gives it a meaning: yes, no, nothing, not yet */
    bool negative;       /* it holds a "not" itself, so one before it changes nothing */
};
struct words_phrase words_phrase_of(struct arena *a, struct str text, struct str language, struct str value);

/* Where the text says the phrase: the offset of its last mention that is not turned around by a "not" up to
 * three words before it in the same clause; -1 when there is none. */
ptrdiff_t words_find(struct str folded, const struct words_phrase *p);

/* Does the answer stand alone? A word like "yes" does in a text that holds nothing but answers, thanks and what
 * people put around them ("no, sorry"); "not yet" does at the end of a clause. Anything else around it may be
 * what really matters ("no idea", "yes, but where?"). */
bool words_answers(struct str folded, const struct words_phrase *p);

/* The customer wants to talk with a person. */
bool words_ask_person(struct arena *a, struct str folded);
/* Thanks or a farewell. */
bool words_thank(struct str folded);
/* Nothing but "ok", "great", "perfeito", "vale", thanks. */
bool words_close(struct str folded);
/* Nothing but a greeting. */
bool words_greet(struct str folded);

#endif
