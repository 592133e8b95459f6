#include "engine/retrieval.h"

#include "engine/retrieval_words.h"
#include "store/knowledge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Long queries repeat themselves, so a high k1 serves them better than the usual 1.2 (docs/KNOWLEDGE.md). */
const struct retrieval_form retrieval_form_best = {
    .stem = true, .stop_words = true, .title_weight = 3, .k1 = 4, .b = 0.75};

const struct retrieval_weights retrieval_question = {
    .of = {[RETRIEVAL_BOTH] = 2, [RETRIEVAL_FEEDBACK] = 0.5, [RETRIEVAL_TOPIC] = 0.5, [RETRIEVAL_PLACE] = 0.5}};
const struct retrieval_weights retrieval_situation = {
    .of = {[RETRIEVAL_BOTH] = 2, [RETRIEVAL_FEEDBACK] = 3, [RETRIEVAL_TOPIC] = 3, [RETRIEVAL_OPENING] = 1.5}};

enum {
    FEEDBACK_DOCUMENTS = 20,
    CLAUSE_WORDS_MIN = 3,
    SITUATION_CLAUSES = 6,
    FUSED_MAX = 100, /* of a clause's list */
    FUSED_K = 10,
};
static const double heard_power = 0.75; /* how much it matters that a word is asked often */

static const struct retrieval_form place_form = {.k1 = 1.2, .b = 0.3};

struct retrieval {
    struct arena *arena;
    struct knowledge_index *words_of; /* for its tokenizers; holds no documents */
    struct retrieval_form form;
    const struct retrieval_document *documents;
    size_t n, topics_n;
    uint32_t *topic; /* of each document */
    float *opens;    /* 1: the first of its topic */
    float *tools;    /* 1: names a tool */
    uint32_t *section_of;
    struct dictionary words, pairs, topics, stops;
    struct field by_word, by_pair, by_topic, by_section, place_words, place_pairs;
    size_t heard_n;
    uint32_t *heard_words, *heard_pairs; /* in how many queries, by id */
};

const char *retrieval_feature_name(enum retrieval_feature f)
{
    static const char *const names[] = {"words",    "pairs", "both",    "clauses", "passages",
                                        "feedback", "topic", "opening", "tools",   "place"};
    return names[f];
}

/* Words that stand in any text: as they are after folding. What is no word of the language here may be one there, so a few
 * content words are lost ("sin", "era"); names of products are not among them. */
static const char stop_words[] = "a about above after again against all also am an and any are as at be because been "
                                 "before being below between both "
                                 "but by can could did do does doing don down during each else few for from further "
                                 "get got had has have having he her "
                                 "here hers him his how i if in into is it its itself just let ll me more most my no "
                                 "nor not now of off on once only or "
                                 "other our out over own re s same she should so some such t than that the their them "
                                 "then there these they this those "
                                 "through to too under until up us ve very was we were what when where which while who "
                                 "whom why will with would yes you "
                                 "your yours d m please thank thanks hi hello "
                                 "o os um uma de do da dos das em no na nos nas por para com sem e ou que qual quais "
                                 "como quando onde se eu meu minha "
                                 "meus minhas seu sua ao aos pela pelo pelas pelos esta este isso isto ele ela foi ser "
                                 "estar tem ter ha mais muito nao "
                                 "sim ola obrigado obrigada quero posso gostaria "
                                 "el la los las un una unos unas del al lo con sin y u quien donde cuando cual cuales "
                                 "mi mis su sus tu es son fue esta "
                                 "este estos estas eso esto hay muy si le les yo puedo quiero quisiera gracias hola";

/* --- texts into ids --- */

struct taking {
    struct retrieval *r;
    struct ids *words, *pairs;
    uint32_t before; /* the word before; WORD_NONE at the beginning */
    bool add;
};

static void take_word(void *arg, struct str word, size_t at)
{
    struct taking *t = arg;
    (void)at;
    if (t->r->form.stop_words && dictionary_word(&t->r->stops, word, false) != WORD_NONE)
        return;
    uint32_t id = dictionary_word(&t->r->words, word, t->add);
    if (t->pairs)
        ids_add(t->pairs, dictionary_pair(&t->r->pairs, t->before, id, t->add));
    ids_add(t->words, id);
    t->before = id;
}

/* Appends the ids of a text; `pairs` may be NULL. */
static int take(struct retrieval *r, struct str text, bool add, struct ids *words, struct ids *pairs, struct err *e)
{
    struct taking t = {r, words, pairs, WORD_NONE, add};
    return knowledge_words(r->words_of, text, r->form.stem, take_word, &t, e);
}

static void take_stop(void *arg, struct str word, size_t at)
{
    (void)at;
    dictionary_word(arg, word, true);
}

static void ids_repeat(struct ids *l, size_t from, size_t to, int times)
{
    for (int k = 0; k < times; k++)
        for (size_t i = from; i < to; i++)
            ids_add(l, l->p[i]);
}

/* --- making --- */

/* Is there a_word_like_this, with two _ or more: the name of a tool? */
static bool names_a_tool(struct str s)
{
    int bars = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '_')
            bars += i > 0 && s.p[i - 1] != '_';
        else if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            bars = 0;
        if (bars == 3)
            return true;
    }
    return false;
}

/* The next section of a Markdown text: up to a line that begins with #. */
static bool next_section(struct str *rest, struct str *section)
{
    if (!rest->n)
        return false;
    ptrdiff_t end = str_find(str_from(*rest, 1), STR("\n#"));
    *section = end < 0 ? *rest : str_head(*rest, (size_t)end + 2);
    *rest = str_from(*rest, section->n);
    return true;
}

struct making {
    struct ids words, pairs;
    struct ids *topics; /* words of each topic */
};

static int add_sections(struct retrieval *r, struct ids *words, struct ids *section_of, size_t i, struct err *e)
{
    struct str rest = r->documents[i].body, section;
    int got = 0;
    while (got == 0 && next_section(&rest, &section)) {
        words->n = 0;
        got = take(r, r->documents[i].title, false, words, NULL, e);
        if (got == 0)
            got = take(r, section, false, words, NULL, e);
        field_add(&r->by_section, words->p, words->n);
        ids_add(section_of, (uint32_t)i);
    }
    return got;
}

/* Made when they are asked for: the weights that come with the program leave them out. */
static int make_sections(struct retrieval *r, struct err *e)
{
    struct ids words = {.arena = r->arena}, section_of = {.arena = r->arena};
    int got = 0;
    for (size_t i = 0; got == 0 && i < r->n; i++)
        got = add_sections(r, &words, &section_of, i, e);
    r->section_of = section_of.p;
    field_close(&r->by_section, r->words.n, r->form.k1, r->form.b);
    return got;
}

static int add_document(struct retrieval *r, struct making *m, size_t i, struct err *e)
{
    const struct retrieval_document *d = &r->documents[i];
    uint32_t topic = r->topic[i];
    m->words.n = m->pairs.n = 0;
    int got = take(r, d->title, true, &m->words, &m->pairs, e);
    size_t words = m->words.n, pairs = m->pairs.n;
    ids_repeat(&m->words, 0, words, r->form.title_weight - 1);
    ids_repeat(&m->pairs, 0, pairs, r->form.title_weight - 1);
    size_t body = m->words.n;
    if (got == 0)
        got = take(r, d->body, true, &m->words, &m->pairs, e);
    for (size_t k = 0; k < m->words.n; k++)
        if (k < words || k >= body)
            ids_add(&m->topics[topic], m->words.p[k]);
    field_add(&r->by_word, m->words.p, m->words.n);
    field_add(&r->by_pair, m->pairs.p, m->pairs.n);
    m->words.n = m->pairs.n = 0;
    if (got == 0)
        got = take(r, d->topic, true, &m->words, &m->pairs, e);
    field_add(&r->place_words, m->words.p, m->words.n);
    field_add(&r->place_pairs, m->pairs.p, m->pairs.n);
    return got;
}

static void find_topics(struct retrieval *r)
{
    r->topic = ARENA_ARRAY(r->arena, uint32_t, r->n + 1);
    r->opens = ARENA_ARRAY(r->arena, float, r->n + 1);
    r->tools = ARENA_ARRAY(r->arena, float, r->n + 1);
    for (size_t i = 0; i < r->n; i++) {
        r->topic[i] = dictionary_word(&r->topics, r->documents[i].topic, true);
        r->opens[i] = r->topic[i] == r->topics_n;
        r->topics_n += r->opens[i] > 0;
        r->tools[i] = names_a_tool(r->documents[i].body);
    }
}

static int fill(struct retrieval *r, struct err *e)
{
    struct arena *a = r->arena;
    struct making m = {{.arena = a}, {.arena = a}, NULL};
    int got = knowledge_words(r->words_of, str_of(stop_words), r->form.stem, take_stop, &r->stops, e);
    find_topics(r);
    m.topics = ARENA_ARRAY(a, struct ids, r->topics_n + 1);
    for (size_t t = 0; t < r->topics_n; t++)
        m.topics[t].arena = a;
    for (size_t i = 0; got == 0 && i < r->n; i++)
        got = add_document(r, &m, i, e);
    for (size_t t = 0; t < r->topics_n; t++)
        field_add(&r->by_topic, m.topics[t].p, m.topics[t].n);
    field_close(&r->by_word, r->words.n, r->form.k1, r->form.b);
    field_close(&r->by_pair, r->pairs.n, r->form.k1, r->form.b);
    field_close(&r->by_topic, r->words.n, r->form.k1, r->form.b);
    field_close(&r->place_words, r->words.n, place_form.k1, place_form.b);
    field_close(&r->place_pairs, r->pairs.n, place_form.k1, place_form.b);
    r->heard_words = ARENA_ARRAY(a, uint32_t, r->words.n + 1);
    r->heard_pairs = ARENA_ARRAY(a, uint32_t, r->pairs.n + 1);
    return got;
}

int retrieval_new(const struct retrieval_document *documents, size_t n, const struct retrieval_form *form,
                  struct retrieval **out, struct err *e)
{
    struct arena *a = arena_new("retrieval", 1 << 16);
    struct retrieval *r = ARENA_NEW(a, struct retrieval);
    *r = (struct retrieval){.arena = a, .form = *form, .documents = documents, .n = n};
    r->words = dictionary_new(a), r->pairs = dictionary_new(a);
    r->topics = dictionary_new(a), r->stops = dictionary_new(a);
    r->by_word = field_new(a), r->by_pair = field_new(a), r->by_topic = field_new(a);
    r->by_section = field_new(a), r->place_words = field_new(a), r->place_pairs = field_new(a);
    int got = knowledge_index_new(NULL, 0, &r->words_of, e);
    if (got == 0)
        got = fill(r, e);
    if (got < 0)
        retrieval_free(r);
    else
        *out = r;
    return got;
}

void retrieval_free(struct retrieval *r)
{
    if (!r)
        return;
    knowledge_index_free(r->words_of);
    arena_free(r->arena);
}

/* --- asking --- */

/* One query at work. */
struct asking {
    struct retrieval *r;
    struct arena *arena;
    struct str text;
    struct term *words, *pairs;
    size_t words_n, pairs_n;
    double *both; /* made once, used by several features */
};

static int by_term(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Each known id once, its weight from how often it is there and how often people ask it. */
static struct term *terms_of(struct arena *a, struct ids *l, const uint32_t *heard, size_t heard_n, size_t *n)
{
    struct term *terms = ARENA_ARRAY(a, struct term, l->n + 1);
    *n = 0;
    if (l->n)
        qsort(l->p, l->n, sizeof *l->p, by_term);
    for (size_t i = 0; i < l->n && l->p[i] != WORD_NONE;) {
        size_t end = i + 1;
        while (end < l->n && l->p[end] == l->p[i])
            end++;
        double often = heard[l->p[i]] ? heard[l->p[i]] : 1;
        double tells = heard_n ? pow(log(((double)heard_n + 1) / often), heard_power) : 1;
        terms[(*n)++] = (struct term){l->p[i], (double)(end - i) * tells};
        i = end;
    }
    return terms;
}

static int ask(struct retrieval *r, struct arena *a, struct str query, struct asking *out, struct err *e)
{
    struct ids words = {.arena = a}, pairs = {.arena = a};
    *out = (struct asking){.r = r, .arena = a, .text = str_whole(query, RETRIEVAL_QUERY_BYTES_MAX)};
    int got = take(r, out->text, false, &words, &pairs, e);
    out->words = terms_of(a, &words, r->heard_words, r->heard_n, &out->words_n);
    out->pairs = terms_of(a, &pairs, r->heard_pairs, r->heard_n, &out->pairs_n);
    return got;
}

int retrieval_hear(struct retrieval *r, struct str query, struct err *e)
{
    struct arena *a = arena_new("retrieval", 0);
    struct asking q;
    int got = ask(r, a, query, &q, e);
    for (size_t i = 0; got == 0 && i < q.words_n; i++)
        r->heard_words[q.words[i].id]++;
    for (size_t i = 0; got == 0 && i < q.pairs_n; i++)
        r->heard_pairs[q.pairs[i].id]++;
    r->heard_n += got == 0;
    arena_free(a);
    return got;
}

static bool ends_clause(struct str s, size_t i)
{
    unsigned char c = (unsigned char)s.p[i];
    bool last = i + 1 == s.n, before_space = last || s.p[i + 1] == ' ' || s.p[i + 1] == '\n';
    if (c == '\n' || c == '"')
        return true;
    if (c == '-')
        return i > 0 && s.p[i - 1] == ' ' && before_space;
    return before_space && memchr(".!?;:", c, 5);
}

/* The next part of a text between full stops, colons, dashes, quotes or line ends. */
static bool next_clause(struct str *rest, struct str *clause)
{
    if (!rest->n)
        return false;
    size_t i = 0;
    while (i < rest->n && !ends_clause(*rest, i))
        i++;
    *clause = str_head(*rest, i);
    *rest = str_from(*rest, i + 1);
    return true;
}

static bool is_clause(struct str clause)
{
    int words = 0;
    clause = str_trim(clause);
    for (size_t i = 0; i < clause.n; i++)
        words += clause.p[i] != ' ' && (i == 0 || clause.p[i - 1] == ' ');
    return words >= CLAUSE_WORDS_MIN;
}

const struct retrieval_weights *retrieval_weights_for(struct str query)
{
    struct str rest = str_head(query, RETRIEVAL_QUERY_BYTES_MAX), clause;
    int n = 0;
    while (next_clause(&rest, &clause))
        n += is_clause(clause);
    return n >= SITUATION_CLAUSES ? &retrieval_situation : &retrieval_question;
}

/* --- features: each fills n scores that are 0 before --- */

static int words_score(struct asking *q, double *s, struct err *e)
{
    (void)e;
    field_score(&q->r->by_word, q->words, q->words_n, s);
    return 0;
}

static int pairs_score(struct asking *q, double *s, struct err *e)
{
    (void)e;
    field_score(&q->r->by_pair, q->pairs, q->pairs_n, s);
    return 0;
}

static int both_score(struct asking *q, double *s, struct err *e)
{
    size_t n = q->r->n;
    if (!q->both) {
        double *pairs = ARENA_ARRAY(q->arena, double, n + 1);
        q->both = ARENA_ARRAY(q->arena, double, n + 1);
        if (words_score(q, q->both, e) < 0 || pairs_score(q, pairs, e) < 0)
            return ERR_INVALID;
        scores_norm(q->both, n);
        scores_norm(pairs, n);
        for (size_t i = 0; i < n; i++)
            q->both[i] += pairs[i];
        scores_norm(q->both, n);
    }
    memcpy(s, q->both, n * sizeof *s);
    return 0;
}

static int clauses_score(struct asking *q, double *s, struct err *e)
{
    struct retrieval *r = q->r;
    struct str rest = q->text, clause;
    struct ids words = {.arena = q->arena};
    double *own = ARENA_ARRAY(q->arena, double, r->n + 1);
    while (next_clause(&rest, &clause)) {
        if (!is_clause(clause))
            continue;
        words.n = 0;
        int got = take(r, clause, false, &words, NULL, e);
        if (got < 0)
            return got;
        size_t n;
        struct term *terms = terms_of(q->arena, &words, r->heard_words, r->heard_n, &n);
        memset(own, 0, r->n * sizeof *own);
        field_score(&r->by_word, terms, n, own);
        uint32_t best[FUSED_MAX];
        size_t kept = scores_top(own, r->n, best, FUSED_MAX);
        for (size_t i = 0; i < kept; i++)
            s[best[i]] += 1.0 / (FUSED_K + (double)i);
    }
    return 0;
}

static int passages_score(struct asking *q, double *s, struct err *e)
{
    const struct field *f = &q->r->by_section;
    int got = f->first ? 0 : make_sections(q->r, e);
    double *own = ARENA_ARRAY(q->arena, double, f->n + 1);
    field_score(f, q->words, q->words_n, own);
    for (size_t i = 0; i < f->n; i++)
        s[q->r->section_of[i]] = fmax(s[q->r->section_of[i]], own[i]);
    return got;
}

/* The first documents' words, each document by the square of its score, are the query. */
static int feedback_score(struct asking *q, double *s, struct err *e)
{
    const struct field *f = &q->r->by_word;
    double *both = ARENA_ARRAY(q->arena, double, q->r->n + 1);
    double *sum = ARENA_ARRAY(q->arena, double, f->vocabulary + 1);
    uint32_t best[FEEDBACK_DOCUMENTS];
    int got = both_score(q, both, e);
    size_t n = got < 0 ? 0 : scores_top(both, q->r->n, best, FEEDBACK_DOCUMENTS);
    for (size_t k = 0; k < n; k++)
        for (uint32_t i = f->from.p[best[k]]; i < f->from.p[best[k] + 1]; i++)
            sum[f->id.p[i]] += both[best[k]] * both[best[k]] * (double)f->cosine[i];
    for (uint32_t t = 0; t < f->vocabulary; t++)
        for (uint32_t i = f->first[t]; sum[t] > 0 && i < f->first[t + 1]; i++)
            s[f->document[i]] += sum[t] * (double)f->cosine_by_id[i];
    return got;
}

static int topic_score(struct asking *q, double *s, struct err *e)
{
    double *own = ARENA_ARRAY(q->arena, double, q->r->topics_n + 1);
    (void)e;
    field_score(&q->r->by_topic, q->words, q->words_n, own);
    for (size_t i = 0; i < q->r->n; i++)
        s[i] = own[q->r->topic[i]];
    return 0;
}

static int opening_score(struct asking *q, double *s, struct err *e)
{
    (void)e;
    for (size_t i = 0; i < q->r->n; i++)
        s[i] = (double)q->r->opens[i];
    return 0;
}

static int tools_score(struct asking *q, double *s, struct err *e)
{
    (void)e;
    for (size_t i = 0; i < q->r->n; i++)
        s[i] = (double)q->r->tools[i];
    return 0;
}

static int place_score(struct asking *q, double *s, struct err *e)
{
    double *pairs = ARENA_ARRAY(q->arena, double, q->r->n + 1);
    (void)e;
    field_score(&q->r->place_words, q->words, q->words_n, s);
    field_score(&q->r->place_pairs, q->pairs, q->pairs_n, pairs);
    scores_norm(s, q->r->n);
    scores_norm(pairs, q->r->n);
    for (size_t i = 0; i < q->r->n; i++)
        s[i] += pairs[i];
    return 0;
}

static int (*const scorers[RETRIEVAL_FEATURES])(struct asking *q, double *s, struct err *e) = {
    [RETRIEVAL_WORDS] = words_score,     [RETRIEVAL_PAIRS] = pairs_score,       [RETRIEVAL_BOTH] = both_score,
    [RETRIEVAL_CLAUSES] = clauses_score, [RETRIEVAL_PASSAGES] = passages_score, [RETRIEVAL_FEEDBACK] = feedback_score,
    [RETRIEVAL_TOPIC] = topic_score,     [RETRIEVAL_OPENING] = opening_score,   [RETRIEVAL_TOOLS] = tools_score,
    [RETRIEVAL_PLACE] = place_score,
};

static int score(struct asking *q, enum retrieval_feature f, double *s, struct err *e)
{
    memset(s, 0, q->r->n * sizeof *s);
    int got = scorers[f](q, s, e);
    scores_norm(s, q->r->n);
    return got;
}

int retrieval_features(struct retrieval *r, struct str query, const struct retrieval_weights *wanted, float *features,
                       struct err *e)
{
    struct arena *a = arena_new("retrieval", 1 << 16);
    struct asking q;
    double *s = ARENA_ARRAY(a, double, r->n + 1);
    int got = ask(r, a, query, &q, e);
    memset(features, 0, r->n * RETRIEVAL_FEATURES * sizeof *features);
    for (int f = 0; got == 0 && f < RETRIEVAL_FEATURES; f++) {
        if (wanted && wanted->of[f] == 0)
            continue;
        got = score(&q, f, s, e);
        for (size_t i = 0; i < r->n; i++)
            features[i * RETRIEVAL_FEATURES + (size_t)f] = (float)s[i];
    }
    arena_free(a);
    return got;
}

int retrieval_search(struct retrieval *r, struct str query, const struct retrieval_weights *weights,
                     struct retrieval_hit *hits, size_t max, struct err *e)
{
    struct arena *a = arena_new("retrieval", 1 << 16);
    struct asking q;
    double *s = ARENA_ARRAY(a, double, r->n + 1), *sum = ARENA_ARRAY(a, double, r->n + 1);
    uint32_t *best = ARENA_ARRAY(a, uint32_t, max + 1);
    int got = ask(r, a, query, &q, e);
    for (int f = 0; got == 0 && q.words_n && f < RETRIEVAL_FEATURES; f++) {
        if (weights->of[f] == 0)
            continue;
        got = score(&q, f, s, e);
        for (size_t i = 0; i < r->n; i++)
            sum[i] += weights->of[f] * s[i];
    }
    size_t n = got < 0 ? 0 : scores_top(sum, r->n, best, max);
    for (size_t i = 0; i < n; i++)
        hits[i] = (struct retrieval_hit){best[i], sum[best[i]]};
    arena_free(a);
    return got < 0 ? got : (int)n;
}

/* --- passages --- */

/* Where words of the query stand in a body. */
struct places {
    const struct asking *q;
    struct ids term, at; /* place in q->words; offset in the body */
};

static void note_place(void *arg, struct str word, size_t at)
{
    struct places *p = arg;
    uint32_t id = dictionary_word(&p->q->r->words, word, false);
    size_t low = 0, high = p->q->words_n;
    while (low < high) { /* ordered by id */
        size_t middle = (low + high) / 2;
        if (p->q->words[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == p->q->words_n || p->q->words[low].id != id)
        return;
    ids_add(&p->term, (uint32_t)low);
    ids_add(&p->at, (uint32_t)at);
}

/* What the words of the query between two offsets are worth, each counted once. `seen` has a place for each of them. */
static double worth_of(const struct places *p, size_t from, size_t to, uint32_t *seen, uint32_t mark)
{
    double worth = 0;
    for (size_t i = 0; i < p->at.n && p->at.p[i] < to; i++) {
        const struct term *t = &p->q->words[p->term.p[i]];
        if (p->at.p[i] < from || seen[p->term.p[i]] == mark)
            continue;
        seen[p->term.p[i]] = mark;
        worth += t->weight * p->q->r->by_word.idf[t->id];
    }
    return worth;
}

/* At most `chars` characters from `from` on: whole lines, or whole words of the first. */
static struct str cut_passage(struct str body, size_t from, size_t chars)
{
    struct str rest = str_from(body, from), head;
    size_t bytes = 0;
    for (size_t i = 0, n = 0; i < rest.n; i++) {
        n += ((unsigned char)rest.p[i] & 0xc0) != 0x80;
        if (n > chars)
            break;
        bytes = i + 1;
    }
    if (bytes == rest.n)
        return str_trim(rest);
    head = str_head(rest, bytes);
    for (const char *const *end = (const char *const[]){"\n", " ", NULL}; *end; end++)
        for (size_t i = head.n; i > head.n / 2; i--)
            if (head.p[i - 1] == **end)
                return str_trim(str_head(head, i));
    return str_trim(str_whole(head, head.n));
}

/* The passage begins at the line from which most is to be had. */
static size_t best_start(const struct places *p, struct str body, size_t chars)
{
    uint32_t *seen = ARENA_ARRAY(p->q->arena, uint32_t, p->q->words_n + 1), mark = 0;
    double most = 0;
    size_t best = 0;
    for (size_t at = 0; at < body.n;) {
        struct str passage = cut_passage(body, at, chars);
        size_t end = passage.n ? (size_t)(passage.p - body.p) + passage.n : at;
        double worth = worth_of(p, at, end, seen, ++mark);
        if (worth > most) {
            most = worth;
            best = at;
        }
        ptrdiff_t line = str_find(str_from(body, at), STR("\n"));
        if (end >= body.n || line < 0)
            break;
        at += (size_t)line + 1;
    }
    return best;
}

int retrieval_passage(struct retrieval *r, struct str query, struct str body, size_t chars, struct str *out,
                      struct err *e)
{
    struct arena *a = arena_new("passage", 0);
    struct asking q;
    struct places p = {.q = &q, .term.arena = a, .at.arena = a};
    int got = ask(r, a, query, &q, e);
    if (got == 0)
        got = knowledge_words(r->words_of, body, r->form.stem, note_place, &p, e);
    if (got == 0)
        *out = cut_passage(body, best_start(&p, body, chars), chars);
    arena_free(a);
    return got;
}
