#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define BYTES_HIGH 0x8080808080808080u

/* Length of the ASCII run at the start, eight bytes a step; NUL is not in it. */
static size_t ascii_run(struct str s)
{
    size_t i = 0;
    for (uint64_t word; s.n - i >= sizeof word; i += sizeof word) {
        memcpy(&word, s.p + i, sizeof word);
        if ((word | (word - 0x0101010101010101u)) & BYTES_HIGH) /* a high byte, or a NUL */
            break;
    }
    while (i < s.n && s.p[i] > 0)
        i++;
    return i;
}

/* Bytes of the well-formed sequence at p (table 3-7 of The Unicode Standard). Where there is none,
 * *broken is set and the length is that of the part to replace: what could have begun a sequence. */
static size_t sequence(const unsigned char *p, size_t n, bool *broken)
{
    *broken = false;
    if (p[0] < 0x80)
        return 1;
    unsigned char low = 0x80, high = 0xbf;
    size_t length = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    switch (p[0]) {
    case 0xe0: low = 0xa0; break;  /* overlong */
    case 0xed: high = 0x9f; break; /* surrogates */
    case 0xf0: low = 0x90; break;  /* overlong */
    case 0xf4: high = 0x8f; break; /* past U+10FFFF */
    }
    size_t i = 1;
    while (i < length && i < n && p[i] >= low && p[i] <= high) {
        low = 0x80; /* only the second byte is bound more closely */
        high = 0xbf;
        i++;
    }
    *broken = i != length;
    return i;
}

/* The code point of a well-formed sequence. */
static uint32_t code_point(const char *text, size_t length)
{
    const unsigned char *p = (const unsigned char *)text;
    if (length == 1)
        return p[0];
    uint32_t c = p[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++)
        c = c << 6 | (p[i] & 0x3f);
    return c;
}

/* Takes the first code point off valid UTF-8; 0 at its end. */
static uint32_t take(struct str *s)
{
    if (s->n == 0)
        return 0;
    bool broken;
    size_t length = sequence((const unsigned char *)s->p, s->n, &broken);
    uint32_t c = broken ? 0xfffd : code_point(s->p, length);
    *s = str_from(*s, length);
    return c;
}

ptrdiff_t text_invalid_at(struct str s)
{
    size_t i = 0;
    for (;;) {
        i += ascii_run(str_from(s, i));
        if (i == s.n)
            return -1;
        bool broken;
        size_t length = sequence((const unsigned char *)s.p + i, s.n - i, &broken);
        if (broken || s.p[i] == 0)
            return (ptrdiff_t)i;
        i += length;
    }
}

/* A buf for a text about as long as s. */
static struct buf buf_like(struct arena *a, struct str s)
{
    struct buf out = buf_new(a, SIZE_MAX / 4); /* bound by the input, which is in memory already */
    out.size = s.n + 8;
    out.p = arena_alloc(a, out.size);
    return out;
}

struct str text_repair(struct arena *a, struct str s, bool *repaired)
{
    struct buf out = buf_like(a, s);
    bool changed = false;
    for (size_t i = 0, length; i < s.n; i += length) {
        bool broken;
        length = sequence((const unsigned char *)s.p + i, s.n - i, &broken);
        uint32_t c = broken ? 0 : code_point(s.p + i, length);
        bool control = c < 0x20 || (c >= 0x7f && c < 0xa0), separator = c == 0x2028 || c == 0x2029;
        if ((!control && !separator) || c == '\t' || c == '\n') {
            buf_add(&out, (struct str){s.p + i, length});
            continue;
        }
        changed = true;
        if (separator)
            buf_addc(&out, '\n');
        else if (c != '\r')
            buf_adds(&out, "\xef\xbf\xbd");
        else if (i + 1 == s.n || s.p[i + 1] != '\n')
            buf_addc(&out, '\n');
    }
    *repaired = changed;
    return buf_str(&out);
}

static bool within(uint32_t c, uint32_t first, uint32_t last)
{
    return c >= first && c <= last;
}

/* Characters that leave no mark on the page. Joiners and variation selectors are among them. */
static bool invisible(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        {0x00ad, 0x00ad},   /* soft hyphen */
        {0x034f, 0x034f},   /* combining grapheme joiner */
        {0x061c, 0x061c},   /* Arabic letter mark: bidirectional */
        {0x115f, 0x1160},   /* Hangul fillers */
        {0x17b4, 0x17b5},   /* Khmer inherent vowels */
        {0x180b, 0x180f},   /* Mongolian selectors and vowel separator */
        {0x200b, 0x200f},   /* zero-width space, non-joiner, joiner; direction marks */
        {0x202a, 0x202e},   /* bidirectional embeddings and overrides */
        {0x2060, 0x206f},   /* word joiner, invisible operators, isolates, deprecated controls */
        {0x3164, 0x3164},   /* Hangul filler */
        {0xfe00, 0xfe0f},   /* variation selectors */
        {0xfeff, 0xfeff},   /* byte order mark */
        {0xffa0, 0xffa0},   /* half-width Hangul filler */
        {0xfff0, 0xfffb},   /* unassigned specials, interlinear annotation */
        {0x1bca0, 0x1bca3}, /* shorthand format controls */
        {0x1d173, 0x1d17a}, /* musical format controls */
        {0xe0000, 0xe0fff}, /* tags, variation selectors supplement */
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && c >= ranges[i][0]; i++)
        if (c <= ranges[i][1])
            return true;
    return false;
}

static bool pictographic(uint32_t c)
{
    return c >= 0xa9 &&
           utf8proc_get_property((utf8proc_int32_t)c)->boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

/* May the invisible c stay between these two? Only where it makes an emoji what it is: a joiner
 * between two pictures, a selector behind a picture or inside a keycap. */
static bool part_of_emoji(uint32_t before, uint32_t c, uint32_t after)
{
    if (c == 0x200d)
        return pictographic(after) && (pictographic(before) || before == 0xfe0f || within(before, 0x1f3fb, 0x1f3ff));
    if (c != 0xfe0e && c != 0xfe0f)
        return false;
    return pictographic(before) || (after == 0x20e3 && (within(before, '0', '9') || before == '#' || before == '*'));
}

struct str text_visible(struct arena *a, struct str s, bool *changed)
{
    *changed = false;
    if (ascii_run(s) == s.n)
        return s;
    struct buf out = buf_like(a, s);
    uint32_t before = 0;
    while (s.n) {
        const char *from = s.p;
        uint32_t c = take(&s);
        struct str rest = s;
        if (invisible(c) && !part_of_emoji(before, c, take(&rest))) {
            *changed = true;
            continue;
        }
        buf_add(&out, (struct str){from, (size_t)(s.p - from)});
        before = c;
    }
    return buf_str(&out);
}

bool text_blank(struct str s)
{
    while (s.n) {
        uint32_t c = take(&s);
        bool space =
            c == ' ' || within(c, '\t', '\r') || utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_ZS;
        if (!space && !invisible(c))
            return false;
    }
    return true;
}

struct str text_nfc(struct arena *a, struct str s)
{
    if (ascii_run(s) == s.n)
        return s;
    utf8proc_uint8_t *mapped = NULL;
    utf8proc_ssize_t n =
        utf8proc_map((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, &mapped, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (n < 0)
        return s; /* not UTF-8: the caller's mistake, but no reason to lose the text */
    struct str out = str_copy(a, (struct str){(const char *)mapped, (size_t)n});
    free(mapped);
    return out;
}

enum { FOLDED_MAX = 32 }; /* code points that one can become; the longest known is 18 */

/* A letter or digit, or what stands for "nothing" (0) or for a border between words (' '). */
static uint32_t folded(uint32_t c)
{
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return c;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF: return 0;
    default: return ' ';
    }
}

static char folded_ascii(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c | 0x20);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : ' ';
}

/* Not ASCII only: compatibility decomposition makes full-width letters and ligatures plain. */
static void fold_add(struct buf *out, uint32_t c)
{
    utf8proc_int32_t parts[FOLDED_MAX];
    int state = 0;
    utf8proc_ssize_t n =
        utf8proc_decompose_char((utf8proc_int32_t)c, parts, FOLDED_MAX,
                                UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK, &state);
    for (utf8proc_ssize_t i = 0; i < n && i < FOLDED_MAX; i++) {
        uint32_t f = folded((uint32_t)parts[i]);
        utf8proc_uint8_t bytes[4];
        if (f == ' ' && out->p[out->n - 1] != ' ')
            buf_addc(out, ' ');
        if (f != ' ' && f != 0)
            buf_add(out, (struct str){(char *)bytes, (size_t)utf8proc_encode_char((utf8proc_int32_t)f, bytes)});
    }
}

struct str text_fold(struct arena *a, struct str s)
{
    struct buf out = buf_like(a, s);
    buf_addc(&out, ' ');
    while (s.n) {
        size_t run = ascii_run(s);
        for (size_t i = 0; i < run; i++) {
            char c = folded_ascii(s.p[i]);
            if (c != ' ' || out.p[out.n - 1] != ' ')
                buf_addc(&out, c);
        }
        s = str_from(s, run);
        if (s.n)
            fold_add(&out, take(&s));
    }
    if (out.p[out.n - 1] != ' ')
        buf_addc(&out, ' ');
    return buf_str(&out);
}

bool text_has_phrase(struct str folded, struct str phrase_folded)
{
    struct str phrase = str_trim(phrase_folded);
    if (phrase.n == 0)
        return false;
    for (size_t from = 0;;) {
        ptrdiff_t at = str_find(str_from(folded, from), phrase);
        if (at < 0)
            return false;
        size_t start = from + (size_t)at, end = start + phrase.n;
        if ((start == 0 || folded.p[start - 1] == ' ') && (end == folded.n || folded.p[end] == ' '))
            return true;
        from = start + 1;
    }
}

/* Common words of each language as customers write them, folded. A word that two languages share
 * stands in both lists, so that it decides nothing between them. */
static const struct {
    const char *code, *words;
} languages[] = {
    {"en",
     " the a an and or but is are was were be been am i you he she it we they my your his her its our their me him "
     "us them this that these those of to in on at for from with without by about not no yes do does did don doesn "
     "didn won can could would should will shall may might must have has had haven hasn what when where which who "
     "why how there here as if than then so too very just also already yet still never ever any some all more most "
     "much many hi hello hey please thanks thank sorry help need want get got make know think see tell send "
     "sent card delivery account money transfer payment bank order address arrived arrive come came lost stolen "
     "new old another one going been waiting wait track delayed late today yesterday tomorrow week weeks day days "
     "month months ago after before again because good morning afternoon evening "},
    {"pt",
     " me te ha o a os as um uma uns umas e ou mas de do da dos das em no na nos nas ao aos pelo pela por para pra pro "
     "com "
     "sem que se nao sim eu tu ele ela nos voces voce vc vcs eles elas meu minha meus minhas seu sua seus suas "
     "este esta isto esse essa isso aquele aquela aquilo aqui ali la ja ainda mais muito muita muitos bem mal "
     "tambem so onde quando como quanto porque pq qual quais quem cade ser sou e sao era foi foram estou estao "
     "estava tenho tem temos tinha ter vai vou vamos ir fazer faz fiz fez quero queria quer preciso precisa posso "
     "pode podem poderia chegou chegar chega chegando entrega entregue entregaram cartao conta dinheiro endereco "
     "pedido pix banco fatura boleto cobranca senha limite emprestimo transferencia dia dias semana semanas mes "
     "hoje ontem amanha agora depois antes nada nunca sempre outro outra novo nova obrigado obrigada oi ola bom "
     "boa tarde noite favor ajuda ajudar segunda via perdi perdido roubado roubaram recebi receber pelo to ta ne "
     "demora demorando moro vivo mudei certo errado vez vezes "},
    {"es",
     " a el la los las un una unos unas y o u pero de del al en por para con sin que se no si yo tu el ella nosotros "
     "usted ustedes ellos ellas mi mis su sus este esta esto ese esa eso aquel aquella aqui ahi alli ya aun mas "
     "muy mucho mucha muchos bien mal tambien solo donde cuando como cuanto porque cual cuales quien ser soy es "
     "son era fue fueron estoy esta estan estaba tengo tiene tienen tenemos tenia hay ha he han hemos va voy "
     "vamos ir hacer hace hice hizo quiero quisiera quiere necesito necesita puedo puede pueden podria llego "
     "llegar llega llegado llegando entrega entregado entregaron tarjeta cuenta dinero direccion pedido banco "
     "factura cobro clave limite prestamo transferencia dia dias semana semanas mes meses hoy ayer manana ahora "
     "despues antes nada nunca siempre otro otra nuevo nueva gracias hola buenos buenas buen tarde tardes noches "
     "favor ayuda ayudar perdi perdido robada robaron recibi recibido recibir segunda demora me te le nos les lo desde "
     "hasta "
     "sigue todavia cambie vivo correcto dos vez veces "},
};

struct str text_language(struct str folded, struct str otherwise)
{
    enum { LANGUAGES = sizeof languages / sizeof *languages };
    size_t hits[LANGUAGES] = {0}, best = 0;
    struct str lists[LANGUAGES], rest = str_trim(folded), word;
    for (size_t i = 0; i < LANGUAGES; i++)
        lists[i] = str_of(languages[i].words);
    while (str_split(&rest, ' ', &word)) {
        char between[40] = " "; /* with its spaces the word is found whole, and faster */
        if (word.n == 0 || word.n + 2 > sizeof between)
            continue;
        memcpy(between + 1, word.p, word.n);
        between[word.n + 1] = ' ';
        for (size_t i = 0; i < LANGUAGES; i++)
            hits[i] += str_has(lists[i], (struct str){between, word.n + 2});
    }
    for (size_t i = 1; i < LANGUAGES; i++)
        if (hits[i] > hits[best])
            best = i;
    for (size_t i = 0; i < LANGUAGES; i++)
        if (i != best && hits[i] == hits[best])
            return otherwise;
    return str_of(languages[best].code);
}

size_t text_length(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += (s.p[i] & 0xc0) != 0x80;
    return n;
}

size_t text_tokens(struct str s)
{
    size_t words = 0;
    bool between = true;
    for (size_t i = 0; i < s.n; i++) {
        bool space = s.p[i] == ' ' || (s.p[i] >= '\t' && s.p[i] <= '\r');
        words += between && !space;
        between = space;
    }
    size_t quarters = (s.n + 3) / 4;
    return quarters > words ? quarters : words;
}

/* What a word is made of, and what stands between words. */
static bool is_plain(utf8proc_int32_t c)
{
    enum { CLASS_OVERLAY = 1 };
    const utf8proc_property_t *p = utf8proc_get_property(c);
    switch (p->category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_ZS: return true;
    case UTF8PROC_CATEGORY_MN: return p->combining_class != CLASS_OVERLAY;
    default: return c == '\n' || c == '\r' || c == '\t';
    }
}

bool text_has_other(struct str s, struct str allowed)
{
    for (size_t i = 0; i < s.n;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s.p + i, (utf8proc_ssize_t)(s.n - i), &c);
        if (n <= 0)
            return true; /* no text at all */
        if (!is_plain(c) && !str_has(allowed, (struct str){s.p + i, (size_t)n}))
            return true;
        i += (size_t)n;
    }
    return false;
}

struct str text_head(struct str s, size_t n)
{
    size_t i = 0;
    for (; i < s.n; i++)
        if ((s.p[i] & 0xc0) != 0x80 && n-- == 0)
            break;
    return str_head(s, i);
}
