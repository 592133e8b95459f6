#include "base/line_diff.h"

#include <string.h>

enum { CELLS_MAX = 4 << 20 };

struct lines {
    struct str *at;
    size_t n;
};

/* A line of the result: ' ', '-' or '+'. */
struct row {
    char sign;
    struct str line;
};

static struct lines split(struct arena *a, struct str text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    struct lines l = {.at = ARENA_ARRAY(a, struct str, n)};
    if (text.n && text.p[text.n - 1] == '\n')
        text.n--;
    for (struct str rest = text, line; text.n && str_split(&rest, '\n', &line);)
        l.at[l.n++] = line;
    return l;
}

static struct lines part(struct lines l, size_t from, size_t to)
{
    return (struct lines){l.at + from, to - from};
}

static size_t put(struct row *rows, size_t n, char sign, struct lines l)
{
    for (size_t i = 0; i < l.n; i++)
        rows[n++] = (struct row){sign, l.at[i]};
    return n;
}

/* The lines between the common beginning and end. length[i][j]: of the longest common subsequence from i and j on. */
static size_t middle(struct arena *a, struct lines old, struct lines now, struct row *rows, size_t n)
{
    size_t wide = now.n + 1;
    if (old.n * now.n > CELLS_MAX) {
        n = put(rows, n, '-', old);
        return put(rows, n, '+', now);
    }
    uint32_t *length = ARENA_ARRAY(a, uint32_t, (old.n + 1) * wide);
    for (size_t i = old.n; i-- > 0;)
        for (size_t j = now.n; j-- > 0;) {
            uint32_t down = length[(i + 1) * wide + j], right = length[i * wide + j + 1];
            length[i * wide + j] = str_eq(old.at[i], now.at[j]) ? length[(i + 1) * wide + j + 1] + 1
                                   : down > right               ? down
                                                                : right;
        }
    size_t i = 0, j = 0;
    while (i < old.n && j < now.n)
        if (str_eq(old.at[i], now.at[j])) {
            rows[n++] = (struct row){' ', old.at[i++]};
            j++;
        } else if (length[(i + 1) * wide + j] >= length[i * wide + j + 1]) {
            rows[n++] = (struct row){'-', old.at[i++]};
        } else {
            rows[n++] = (struct row){'+', now.at[j++]};
        }
    n = put(rows, n, '-', part(old, i, old.n));
    return put(rows, n, '+', part(now, j, now.n));
}

static bool near(const struct row *rows, size_t n, size_t i, size_t context)
{
    size_t from = i > context ? i - context : 0;
    for (size_t k = from; k < n && k <= i + context; k++)
        if (rows[k].sign != ' ')
            return true;
    return false;
}

void line_diff(struct arena *a, struct str old, struct str now, size_t context, const char *indent, struct buf *out)
{
    struct lines o = split(a, old), w = split(a, now);
    size_t head = 0, tail = 0, n = 0;
    while (head < o.n && head < w.n && str_eq(o.at[head], w.at[head]))
        head++;
    while (tail + head < o.n && tail + head < w.n && str_eq(o.at[o.n - 1 - tail], w.at[w.n - 1 - tail]))
        tail++;
    if (head == o.n && head == w.n)
        return;
    struct row *rows = ARENA_ARRAY(a, struct row, o.n + w.n + 1);
    n = put(rows, n, ' ', part(o, 0, head));
    n = middle(a, part(o, head, o.n - tail), part(w, head, w.n - tail), rows, n);
    n = put(rows, n, ' ', part(o, o.n - tail, o.n));
    bool left_out = false;
    for (size_t i = 0; i < n; i++) {
        if (near(rows, n, i, context)) {
            buf_addf(out, "%s%c %.*s\n", indent, rows[i].sign, STR_ARG(rows[i].line));
            left_out = false;
            continue;
        }
        if (!left_out)
            buf_addf(out, "%s...\n", indent);
        left_out = true;
    }
}
