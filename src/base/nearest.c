#include "base/nearest.h"

enum { LETTERS_MAX = 2, WORD_BYTES_MAX = 40 };

/* WORD_BYTES_MAX for words that are too long to compare. */
static size_t distance(struct str a, struct str b)
{
    size_t row[WORD_BYTES_MAX + 1];
    if (a.n > WORD_BYTES_MAX || b.n > WORD_BYTES_MAX)
        return WORD_BYTES_MAX;
    for (size_t k = 0; k <= b.n; k++)
        row[k] = k;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t k = 1; k <= b.n; k++) {
            size_t change = diagonal + (a.p[i - 1] != b.p[k - 1]), least = row[k] < row[k - 1] ? row[k] : row[k - 1];
            diagonal = row[k];
            row[k] = change < least + 1 ? change : least + 1;
        }
    }
    return row[b.n];
}

const char *nearest_word(struct str word, const char *const *known)
{
    const char *best = NULL;
    size_t least = LETTERS_MAX + 1;
    for (; *known; known++) {
        size_t d = distance(word, str_of(*known));
        if (d < least && d < word.n) { /* a word of which nothing is left is no misspelling */
            least = d;
            best = *known;
        }
    }
    return best;
}
