#include "llm/llm_offline_words.h"

#include "base/text.h"

#include <string.h>

enum { CHARACTERS_MAX = 4096, NEGATION_WORDS = 3 };

/* A vocabulary is one text: its words between single spaces, a space at both ends. */
static bool among(const char *vocabulary, struct str word)
{
    char key[34];
    if (word.n == 0 || word.n > sizeof key - 2)
        return false;
    key[0] = key[word.n + 1] = ' ';
    memcpy(key + 1, word.p, word.n);
    return str_has(str_of(vocabulary), (struct str){key, word.n + 2});
}

/* --- folding --- */

/* One way to write what customers write in several. */
static const struct {
    const char *from, *to;
} spellings[] = {
    {"ll", "will"},         {"ve", "have"},           {"re", "are"},
    {"wont", "will not"},   {"cant", "can not"},      {"cannot", "can not"},
    {"dont", "do not"},     {"didnt", "did not"},     {"doesnt", "does not"},
    {"havent", "have not"}, {"hasnt", "has not"},     {"hadnt", "had not"},
    {"isnt", "is not"},     {"wasnt", "was not"},     {"arent", "are not"},
    {"werent", "were not"}, {"couldnt", "could not"}, {"wouldnt", "would not"},
    {"im", "i am"},         {"ive", "i have"},        {"u", "you"},
    {"n", "nao"},           {"naum", "nao"},          {"nn", "nao"},
    {"q", "que"},           {"vc", "voce"},           {"vcs", "voces"},
    {"ta", "esta"},         {"tava", "estava"},       {"pra", "para"},
    {"td", "tudo"},         {"ngm", "ninguem"},       {"hj", "hoje"},
    {"tbm", "tambem"},      {"xq", "porque"},         {"porq", "porque"},
};

/* Adds the word, written out, and a space. `before` is where the word before it starts in out. */
static void add_word(struct buf *out, struct str word, size_t *before)
{
    if (str_is(word, "t") && *before < out->n) { /* "haven t", "won t", "can t" */
        struct str last = str_trim(str_from(buf_str(out), *before));
        bool can = str_is(last, "can"), won = str_is(last, "won");
        if (can || won || (last.n > 2 && last.p[last.n - 1] == 'n')) {
            out->n = *before + last.n - !can;
            if (won)
                out->n = *before;
            *before = out->n;
            buf_adds(out, won ? "will not " : " not ");
            return;
        }
    }
    *before = out->n;
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        if (word.n && spellings[i].from[0] == word.p[0] && str_is(word, spellings[i].from)) {
            buf_adds(out, spellings[i].to);
            buf_addc(out, ' ');
            return;
        }
    buf_add(out, word);
    buf_addc(out, ' ');
}

/* Bytes of the clause mark at the start of s, 0 without one. */
static size_t clause_mark(struct str s)
{
    static const char *const wide[] = {"—", "–", "…", "¿", "¡"};
    if (s.p[0] > 0)
        return strchr(".,;:!?()\n\r\"", s.p[0]) ? 1 : 0;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (str_starts(s, str_of(wide[i])))
            return strlen(wide[i]);
    return 0;
}

struct str words_fold(struct arena *a, struct str text)
{
    text = text_head(text, CHARACTERS_MAX);
    struct buf out = buf_new(a, SIZE_MAX / 4); /* bound by the text */
    buf_addc(&out, ' ');
    while (text.n) {
        size_t n = 0, mark = 0;
        while (n < text.n && (mark = clause_mark(str_from(text, n))) == 0)
            n++;
        struct str clause = str_trim(text_fold(a, str_head(text, n))), word;
        bool question = mark && text.p[n] == '?', first = out.n == 1 || out.p[out.n - 2] == '|';
        text = str_from(text, n + mark);

        size_t before = out.n;
        while (clause.n && str_split(&clause, ' ', &word))
            add_word(&out, word, &before);
        if (question)
            buf_adds(&out, "? ");
        else if (mark && (before != out.n || !first))
            buf_adds(&out, "| ");
    }
    return buf_str(&out);
}

static bool is_mark(struct str word)
{
    return str_is(word, "|") || str_is(word, "?");
}

size_t words_count(struct str folded)
{
    size_t n = 0;
    struct str rest = str_trim(folded), word;
    while (rest.n && str_split(&rest, ' ', &word))
        n += !is_mark(word);
    return n;
}

uint64_t words_bits(struct str folded)
{
    uint64_t bits = 0, hash = 0;
    for (size_t i = 0; i < folded.n; i++) {
        hash = folded.p[i] == ' ' ? 0 : hash * 31 + (unsigned char)folded.p[i];
        if (i + 1 < folded.n && folded.p[i + 1] == ' ' && hash)
            bits |= UINT64_C(1) << (hash * UINT64_C(0x9e3779b97f4a7c15) >> 58);
    }
    return bits;
}

/* --- phrases --- */

static const char answers[] = " yes yeah yep yup no nope nah nothing none nobody sim nao nada ninguem si nadie ok okay "
                              "claro isso eso negative negativo afirmativo neither not yet still ainda todavia aun ";
/* What people put around an answer without saying more. */
static const char around[] =
    " it is was were they did do does had have has i we there at all sir sorry unfortunately "
    "sadly afraid hi hello estava esta estavam tem tinha tinham tenho la senhor senhora "
    "infelizmente desculpe estaba estaban tengo tenian tiene ahi alli senor senora lamentablemente "
    "desgraciadamente e a o y ";
static const struct {
    const char *language, *words;
} negations[] = {
    {"en", " not no never nobody nothing none without neither nor hardly "},
    {"pt", " nao nunca nem ninguem sem jamais nada tampouco "},
    {"es", " no nunca ni nadie sin jamas nada tampoco "},
};

static bool negates(struct str language, struct str word)
{
    for (size_t i = 0; i < sizeof negations / sizeof *negations; i++)
        if (str_is(language, negations[i].language))
            return among(negations[i].words, word);
    return false;
}

struct words_phrase words_phrase_of(struct arena *a, struct str text, struct str language, struct str value)
{
    struct words_phrase p = {.words = words_fold(a, text), .language = language, .value = value};
    struct str rest = str_trim(p.words), word;
    p.bits = words_bits(p.words);
    p.single = words_count(p.words) == 1;
    p.answer = rest.n > 0;
    while (rest.n && str_split(&rest, ' ', &word)) {
        p.answer &= among(answers, word);
        p.negative |= negates(language, word);
    }
    return p;
}

static bool turned_around(struct str before, struct str language)
{
    before = str_trim(before);
    for (int i = 0; i < NEGATION_WORDS && before.n; i++) {
        size_t start = before.n;
        while (start > 0 && before.p[start - 1] != ' ')
            start--;
        struct str word = str_from(before, start);
        if (is_mark(word))
            return false;
        if (negates(language, word))
            return true;
        before = str_trim(str_head(before, start));
    }
    return false;
}

ptrdiff_t words_find(struct str folded, const struct words_phrase *p)
{
    ptrdiff_t last = -1;
    if (p->words.n <= 2)
        return -1;
    for (size_t from = 0;;) {
        ptrdiff_t at = str_find(str_from(folded, from), p->words);
        if (at < 0)
            return last;
        size_t start = from + (size_t)at;
        if (p->negative || !turned_around(str_head(folded, start), p->language))
            last = (ptrdiff_t)start;
        from = start + 1;
    }
}

/* --- a person is wanted --- */

/* A person by any reading, and words that are one only behind a verb ("talk to someone"). */
static const char person_strong[] =
    " human humans humano humana atendente atendentes representative rep representante ";
static const char person_weak[] = " person someone somebody agent operator supervisor manager colleague advisor "
                                  "staff employee support pessoa alguem agente operador operadora gerente funcionario "
                                  "funcionaria gente colega suporte persona alguien asesor asesora ejecutivo ejecutiva "
                                  "encargado encargada soporte ";
static const char machines[] = " bot robot machine computer ai chatbot robo maquina ia ";
static const char person_real[] = " real actual live physical living ";
static const char contact[] = " talk speak chat transfer connect pass contact redirect escalate falar fala conversar "
                              "transferir transfere transfira passar passa passe chamar chame contatar contactar "
                              "atendido atendida encaminhar encaminha hablar hablo platicar transfiere transfiereme "
                              "transferirme pasarme pasame paseme pasas comunica comunicas comunique comunicar "
                              "comunicarme comunicame comuniqueme "
                              "atienda atiendan conectar conectame ";
static const char contact_behind[] = " talk speak chat call falar conversar ligar hablar platicar llamar ";
static const char want[] = " want wanna need prefer get give demand quero queria preciso prefiro gostaria desejo exijo "
                           "quiero quisiera necesito deseo dame prefiero ";
static const char filler[] =
    " a an the any some real actual live um uma de do com un una con with to by for me por "
    "please favor porfa now right agora ahora ya ja i just only so hi hello oi ola hola hey que "
    "your stop enough basta su seu sua me "
    "could can you would like have want need quero queria preciso quiero quisiera necesito asap ser ";
/* Someone else than us is meant. */
static const char elsewhere[] = " concierge mailroom reception receptionist desk doorman doorperson building neighbour "
                                "neighbor neighbours neighbors carrier courier driver delivery portaria porteiro "
                                "zelador recepcao predio vizinho vizinha vizinhos entregador transportadora correio "
                                "correios conserjeria conserje porteria portero recepcion edificio vecino vecina "
                                "vecinos repartidor mensajero paqueteria family wife husband ";
static const char *const person_phrases[] = {
    "real person",
    "actual person",
    "live person",
    "human being",
    "not a bot",
    "not a robot",
    "not a machine",
    "customer service",
    "customer support",
    "customer care",
    "call center",
    "transfer me",
    "escalate this",
    "escalate me",
    "pessoa real",
    "pessoa de verdade",
    "gente de verdade",
    "ser humano",
    "atendimento humano",
    "suporte humano",
    "me transfere",
    "me transfira",
    "central de atendimento",
    "ouvidoria",
    "nao um robo",
    "nao com um robo",
    "persona real",
    "persona de verdad",
    "atencion humana",
    "atencion al cliente",
    "servicio al cliente",
    "no un robot",
    "no con un robot",
    "transfiereme",
};

struct words {
    struct str *w;
    size_t n;
};

static struct words words_of(struct arena *a, struct str folded)
{
    size_t most = 1;
    for (size_t i = 0; i < folded.n; i++)
        most += folded.p[i] == ' ';
    struct words t = {.w = ARENA_ARRAY(a, struct str, most)};
    struct str rest = str_trim(folded), word;
    while (rest.n && str_split(&rest, ' ', &word))
        t.w[t.n++] = word;
    return t;
}

static bool any_negation(struct str word)
{
    return among(negations[0].words, word) || among(negations[1].words, word) || among(negations[2].words, word);
}

/* "i do not want to talk": a not within three words before the i-th. */
static bool refused(const struct words *t, size_t i)
{
    for (size_t back = 1; back <= NEGATION_WORDS && back <= i && !is_mark(t->w[i - back]); back++)
        if (any_negation(t->w[i - back]))
            return true;
    return false;
}

/* Is the person at i wanted: is a verb of contact near, or a wish right before it? */
static bool wanted(const struct words *t, size_t i)
{
    bool adjacent = true;
    for (size_t back = 1; back <= 5 && back <= i && !is_mark(t->w[i - back]); back++) {
        struct str word = t->w[i - back];
        if (among(contact, word) || (adjacent && among(want, word)))
            return !refused(t, i - back);
        adjacent = adjacent && among(filler, word);
    }
    for (size_t on = 1; on <= 5 && i + on < t->n && !is_mark(t->w[i + on]); on++)
        if (among(contact_behind, t->w[i + on]))
            return !refused(t, i) && !refused(t, i + on);
    return false;
}

/* "Human", "agent please", "quero uma pessoa": a clause of a person and nothing that says anything else. */
static bool nothing_else(const struct words *t)
{
    size_t persons = 0, others = 0;
    for (size_t i = 0; i < t->n; i++) {
        if (is_mark(t->w[i])) {
            if (persons > 0 && others == 0)
                return true;
            persons = others = 0;
        } else if (among(person_strong, t->w[i]) || among(person_weak, t->w[i])) {
            persons++;
        } else {
            others += !among(filler, t->w[i]);
        }
    }
    return persons > 0 && others == 0;
}

/* "I do not want to talk to a bot." */
static bool no_machine(const struct words *t)
{
    for (size_t i = 0; i < t->n; i++)
        for (size_t back = 1; among(machines, t->w[i]) && back <= 5 && back <= i; back++)
            if (among(contact, t->w[i - back]) && refused(t, i - back))
                return true;
    return false;
}

/* Does the text hold the phrase, and no "not" before it? */
static bool says(struct str folded, struct str phrase)
{
    if (!text_has_phrase(folded, phrase))
        return false;
    struct str before = str_head(folded, (size_t)str_find(folded, phrase)), rest = phrase, first;
    str_split(&rest, ' ', &first);
    return any_negation(first) || (!turned_around(before, STR("en")) && !turned_around(before, STR("pt")));
}

bool words_ask_person(struct arena *a, struct str folded)
{
    struct words t = words_of(a, folded);
    bool of_others = false;
    for (size_t i = 0; i < t.n; i++)
        of_others |= among(elsewhere, t.w[i]);
    for (size_t i = 0; i < t.n; i++) {
        bool strong = among(person_strong, t.w[i]) || (i > 0 && among(person_real, t.w[i - 1]));
        bool weak = !of_others && among(person_weak, t.w[i]);
        bool thing = i + 1 < t.n && among(" resources error rights ", t.w[i + 1]); /* human resources */
        if ((strong || weak) && !thing && wanted(&t, i))
            return true;
    }
    for (size_t i = 0; i < sizeof person_phrases / sizeof *person_phrases; i++)
        if (says(folded, str_of(person_phrases[i])))
            return true;
    return no_machine(&t) || nothing_else(&t);
}

/* --- thanks and greetings --- */

static const char thanks[] = " thanks thank thx ty cheers bye goodbye obrigado obrigada obg obgd obrigadao valeu vlw "
                             "agradeco agradecido agradecida tchau gracias agradezco adios chau chao ";
static const char closing[] =
    " ok okay great perfect good nice cool fine alright super understood got it that s all you "
    "very much so is a lot for your help the no more nothing else everything have day "
    "perfeito otimo beleza legal certo tudo bem blz joia entendi entendido muito pela por so "
    "isso mais nada e era ajuda sua bom ate logo amanha perfecto genial vale listo bueno muy "
    "bien excelente muchas mil eso es todo hasta luego pronto de acuerdo tu su la un buen dia "
    "see then later nos vemos ";
static const char greetings[] =
    " hi hello hey there good morning afternoon evening day oi ola oie opa bom boa dia tarde "
    "noite tudo bem hola buenos buenas dias tardes noches que tal como estas you are how "
    "esta voce e ai greetings hiya ";

/* Are all words in either vocabulary, and is there one? */
static bool only(struct str folded, const char *one, const char *other)
{
    size_t n = 0;
    struct str rest = str_trim(folded), word;
    while (rest.n && str_split(&rest, ' ', &word)) {
        if (is_mark(word))
            continue;
        if (!among(one, word) && !among(other, word))
            return false;
        n++;
    }
    return n > 0;
}

bool words_thank(struct str folded)
{
    struct str rest = str_trim(folded), word;
    while (rest.n && str_split(&rest, ' ', &word))
        if (among(thanks, word))
            return true;
    return false;
}

bool words_close(struct str folded)
{
    return only(folded, thanks, closing);
}

bool words_answers(struct str folded, const struct words_phrase *p)
{
    if (!p->single) { /* "not yet" says all when nothing comes behind it: not in "not yet delivered" */
        ptrdiff_t at = words_find(folded, p);
        size_t end = at < 0 ? 0 : (size_t)at + p->words.n;
        return at >= 0 && (end == folded.n || folded.p[end] == '|');
    }
    struct str rest = str_trim(folded), word;
    while (rest.n && str_split(&rest, ' ', &word))
        if (str_is(word, "?") || (!is_mark(word) && !among(answers, word) && !among(around, word) &&
                                  !among(thanks, word) && !among(closing, word)))
            return false;
    return true;
}

bool words_greet(struct str folded)
{
    return only(folded, greetings, greetings);
}
