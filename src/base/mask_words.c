#include "base/mask_parts.h"

#include <string.h>

/* A secret is one word behind a word that says what it is. */
enum { WORD_BYTES_MAX = 40, LINKS_MAX = 6, QUOTED_BYTES_MAX = 100 };

/* Takes the letter or digit at *i: in lower case and without an accent; 0x80 for any other letter; 0 for none. */
static unsigned char take_letter(struct str s, size_t *i)
{
    static const char latin[] = "aaaaaaaceeeeiiiidnooooo.ouuuuyts";
    unsigned char c = mask_byte(s, *i), next = mask_byte(s, *i + 1);
    if (c < 0x80) {
        unsigned char small = c | 0x20;
        bool letter = small >= 'a' && small <= 'z', digit = c >= '0' && c <= '9';
        *i += letter || digit;
        return letter ? small : digit ? c : 0;
    }
    if (c == 0xc2 || c == 0xe2)
        return 0; /* signs, quotes, dashes, spaces */
    for ((*i)++; (mask_byte(s, *i) & 0xc0) == 0x80;)
        (*i)++;
    bool accent = (c == 0xcc && next >= 0x80) || (c == 0xcd && next <= 0xaf); /* combining */
    if (accent)
        return take_letter(s, i);
    return c == 0xc3 ? (unsigned char)latin[next & 0x1f] : 0x80;
}

static bool letter_at(struct str s, size_t i)
{
    return take_letter(s, &(size_t){i}) != 0;
}

/* The end of the phrase when it stands at i in whole words, else 0. */
static size_t phrase_end(struct str s, size_t i, const char *phrase)
{
    for (; *phrase; phrase++) {
        if (*phrase == ' ') {
            size_t from = i;
            i = mask_skip_spaces(s, i);
            i += mask_dash(s, i);
            if (i == from)
                return 0;
        } else if (take_letter(s, &i) != (unsigned char)*phrase) {
            return 0;
        }
    }
    return letter_at(s, i) ? 0 : i;
}

/* The word at i in lower case, without accents, between spaces; gives its end. */
static size_t word_at(struct str s, size_t i, char word[WORD_BYTES_MAX])
{
    size_t n = 0;
    word[n++] = ' ';
    for (unsigned char c; (c = take_letter(s, &i));)
        if (n < WORD_BYTES_MAX - 2)
            word[n++] = (char)c;
    word[n++] = ' ';
    word[n] = 0;
    return i;
}

enum secret_kind { SECRET_NONE, SECRET_CODE, SECRET_PIN, SECRET_KEY, SECRET_PASSWORD };

/* A code or PIN is digits. A key ("clave") is an ordinary Spanish word, too. */
static const struct {
    const char *phrase;
    enum secret_kind kind;
} secrets[] = {
    {"password", SECRET_PASSWORD},
    {"passwords", SECRET_PASSWORD},
    {"passcode", SECRET_PASSWORD},
    {"passphrase", SECRET_PASSWORD},
    {"passwd", SECRET_PASSWORD},
    {"pwd", SECRET_PASSWORD},
    {"pin", SECRET_PIN},
    {"cvv", SECRET_CODE},
    {"cvc", SECRET_CODE},
    {"cvv2", SECRET_CODE},
    {"cvc2", SECRET_CODE},
    {"security code", SECRET_CODE},
    {"senha", SECRET_PASSWORD},
    {"senhas", SECRET_PASSWORD},
    {"palavra passe", SECRET_PASSWORD},
    {"codigo de seguranca", SECRET_CODE},
    {"contrasena", SECRET_PASSWORD},
    {"contrasenas", SECRET_PASSWORD},
    {"clave", SECRET_KEY},
    {"nip", SECRET_PIN},
    {"codigo de seguridad", SECRET_CODE},
};

static const char links[] = " is was its are eh era es foi fue sera ";
static const char near_words[] = " number code numero num nr ";
static const char far_words[] =
    " do da de del la el my mi meu minha for the of to card account app cartao conta aplicativo "
    "tarjeta cuenta acesso acceso banco bank nova novo new nueva nuevo atual actual current old "
    "antiga antigua anterior online web login internet ";
static const char late_words[] = " now agora ahora this esta essa esto isso just only so solo apenas ";
static const char joining_words[] = " and but e mas y pero please por or ou o ";

/* What follows "my password is" or "password:" and is no password. */
static const char common_words[] =
    " not no nao never nunca can i we you he she it they my your his her our their this that these those the a an and "
    "or "
    "but if "
    "in on at to for from of with by so as is was are be been has have had do does did can could will would should may "
    "might must what when where which who why how there here still already also always just too very only please "
    "thanks "
    "help hello hi ok yes wrong incorrect invalid correct right good bad weak strong safe unsafe secure insecure fine "
    "new "
    "old same different ready missing lost gone broken forgotten stolen known unknown blocked locked expired rejected "
    "reset "
    "changed compromised forgot long short easy hard difficult simple empty unique secret private needed required mine "
    "urgent "
    "yours public shared sent stuck late due back none nothing something everything anything important working null "
    "eu voce ele ela nos eles elas meu minha seu sua um uma o os as e ou mas se em na ao de do da dos das por para pra "
    "com "
    "sem que qual quais quando onde como porque aqui ali ainda ja tambem sempre so muito muita bem mal sim obrigado "
    "obrigada favor ajuda ola oi errada errado incorreta incorreto invalida invalido correta correto certa certo boa "
    "bom "
    "fraca forte segura seguro nova novo velha antiga mesma mesmo outra outro diferente pronta perdida esqueci "
    "esquecida "
    "bloqueada bloqueado vencida expirada expirou rejeitada recusada trocada alterada vazia facil dificil longa curta "
    "grande pequena simples unica secreta minha sua dele dela essa esta isso isto importante nada tudo preciso quero "
    "posso "
    "gostaria funciona urgente yo tu el ella usted ellos ellas mi su un una la los las y pero si en al del con sin "
    "cual cuales "
    "cuando donde porque aqui alli aun todavia ya tambien siempre solo muy bien mal gracias ayuda hola buena bueno "
    "mala malo "
    "incorrecta incorrecto invalida correcta correcto debil fuerte segura nueva vieja misma otra distinta lista "
    "perdida olvide "
    "olvidada bloqueada vencida caducada rechazada cambiada robada larga corta unica mia tuya suya eso esto nada todo "
    "necesito quiero puedo quisiera ";

static bool listed(const char *list, const char *word)
{
    return word[1] != ' ' && strstr(list, word);
}

static bool is_common(const char *word, bool by_ending)
{
    static const char *const endings[] = {"ed",  "ing", "ada",  "ado",  "ida",  "ido",   "ivel", "able", "ible",
                                          "oso", "osa", "ando", "endo", "indo", "mente", "cta",  "cto",  NULL};
    if (listed(common_words, word))
        return true;
    size_t n = strlen(word) - 1; /* without the space */
    for (const char *const *e = endings; by_ending && *e; e++)
        if (n > strlen(*e) + 2 && strncmp(word + n - strlen(*e), *e, strlen(*e)) == 0)
            return true;
    return false;
}

/* What stands between the word and the secret, and the secret itself. */
struct saying {
    enum secret_kind kind;
    bool colon, glued; /* a colon, an equals sign or a dash; glued: nothing between it and the secret */
    bool verb, weak;   /* is, é, es; weak: an "e", which may be "and" */
    bool far;          /* other words stand between */
    bool quoted;
    size_t from, end; /* the secret */
    size_t digits, letters, signs;
    bool inner_capital;
};

static size_t quote_at(struct str s, size_t i)
{
    unsigned char c = mask_byte(s, i), last = mask_byte(s, i + 2);
    if (c == '"' || c == '\'' || c == '`')
        return 1;
    if (c == 0xc2 && (mask_byte(s, i + 1) == 0xab || mask_byte(s, i + 1) == 0xbb))
        return 2;
    return c == 0xe2 && mask_byte(s, i + 1) == 0x80 && last >= 0x98 && last <= 0x9f ? 3 : 0;
}

/* A word that may stand between. */
static bool skip_word(struct str s, size_t *i, struct saying *y)
{
    char word[WORD_BYTES_MAX];
    size_t from = *i, end = word_at(s, from, word);
    bool linked = y->colon || y->verb;
    if (listed(links, word))
        y->verb = true;
    else if (!linked && strcmp(word, " e ") == 0 && mask_byte(s, from) == 0xc3)
        y->verb = true; /* é */
    else if (!linked && strcmp(word, " e ") == 0)
        y->weak = true;
    else if (!linked && listed(far_words, word))
        y->far = true;
    else if (!listed(linked ? late_words : near_words, word) && !(strcmp(word, " it ") == 0 && quote_at(s, end)))
        return false;
    *i = end;
    return true;
}

/* One step over what links; false at the secret's place. */
static bool skip_link(struct str s, size_t *i, struct saying *y)
{
    size_t from = *i, dash = mask_dash(s, from), quote = quote_at(s, from);
    if (mask_byte(s, from) == ':' || mask_byte(s, from) == '=' || (dash && mask_byte(s, from + dash) == '>')) {
        y->colon = true;
        *i = from + (dash ? dash : 1);
        *i += mask_byte(s, *i) == '>';
        return true;
    }
    if (dash && mask_space(s, from + dash)) {
        y->weak = true;
        *i = from + dash;
        return true;
    }
    if (quote && from && letter_at(s, from - 1) && (mask_byte(s, from + quote) | 0x20) == 's' &&
        !letter_at(s, from + quote + 1)) { /* it's */
        y->verb = true;
        *i = from + quote + 1;
        return true;
    }
    return letter_at(s, from) && skip_word(s, i, y);
}

/* Cuts the secret's end: at white space, or at the other quote; without the sentence's own signs behind it. */
static void cut_secret(struct str s, struct saying *y)
{
    size_t i = y->from, quote = quote_at(s, i);
    if (quote) {
        size_t end = i + quote;
        while (end < s.n && end - i < QUOTED_BYTES_MAX && mask_byte(s, end) != '\n' && !quote_at(s, end))
            end++;
        y->quoted = quote_at(s, end) && end > i + quote;
        y->from = i + quote;
        if (y->quoted) {
            y->end = end;
            return;
        }
    }
    for (i = y->from; i < s.n && mask_byte(s, i) != '\n' && !mask_space(s, i);)
        i++;
    for (y->end = i; y->end > y->from;) {
        size_t n = y->end - y->from;
        if (strchr(".,;?)", mask_byte(s, y->end - 1)) || quote_at(s, y->end - 1) == 1)
            y->end--;
        else if (n >= 3 && (quote_at(s, y->end - 3) == 3 || memcmp(s.p + y->end - 3, "\xe2\x80\xa6", 3) == 0))
            y->end -= 3;
        else if (n >= 2 && quote_at(s, y->end - 2) == 2)
            y->end -= 2;
        else
            break;
    }
}

static void count_secret(struct str s, struct saying *y)
{
    bool small = false;
    for (size_t i = y->from; i < y->end;) {
        bool capital = mask_capital(s, i), digit = mask_digit(s, i);
        size_t before = i;
        if (take_letter(s, &i)) {
            y->digits += digit;
            y->letters += !digit;
            y->inner_capital |= capital && small;
            small |= !digit && !capital;
        } else {
            unsigned char c = mask_byte(s, i);
            y->signs += !mask_dash(s, i) && !quote_at(s, i) && c != '.' && c != '/' && c != '!';
            for (i = before + 1; i < y->end && (mask_byte(s, i) & 0xc0) == 0x80;)
                i++;
        }
    }
}

/* 2026-11-22, 22/11, 10:30, 1.234,56, R$ 50, 100% */
static bool is_date_or_amount(struct str secret)
{
    size_t i = 0, groups = 0;
    bool dashes = true;
    if (str_starts(secret, STR("$")) || str_starts(secret, STR("R$")) || str_starts(secret, STR("\xe2\x82\xac")) ||
        str_starts(secret, STR("\xc2\xa3")) || str_ends(secret, STR("%")))
        return true;
    for (bool in_group = false; i < secret.n; i++) {
        groups += mask_digit(secret, i) && !in_group;
        in_group = mask_digit(secret, i);
        if (!in_group && !strchr("-/.:,", secret.p[i]))
            return false;
        dashes = dashes && (in_group || secret.p[i] == '-');
    }
    return groups > (dashes ? 2U : 1U);
}

/* Does the sentence end behind the secret, or go on with another one? */
static bool sentence_ends(struct str s, size_t end)
{
    char word[WORD_BYTES_MAX];
    size_t i = mask_skip_spaces(s, end);
    if (i >= s.n || strchr(".,;?!)\n", mask_byte(s, end)) || mask_byte(s, i) == '\n' || mask_byte(s, end) == 0xe2)
        return true;
    word_at(s, i, word);
    return listed(joining_words, word);
}

static bool is_word_secret(struct str s, const struct saying *y)
{
    char word[WORD_BYTES_MAX];
    word_at(s, y->from, word);
    if (y->kind == SECRET_CODE || y->kind == SECRET_PIN || y->letters < 3)
        return false;
    if (y->colon && (y->glued || y->quoted))
        return true;
    if ((y->colon || y->verb) && (y->signs || y->inner_capital))
        return true;
    if (y->colon)
        return !is_common(word, false);
    return y->verb && y->kind == SECRET_PASSWORD && (y->quoted || (sentence_ends(s, y->end) && !is_common(word, true)));
}

static bool is_secret(struct str s, const struct saying *y)
{
    struct str secret = {s.p + y->from, y->end - y->from};
    size_t digits = y->digits, others = y->letters + y->signs;
    bool pin = y->kind == SECRET_PIN || y->kind == SECRET_CODE;
    static const char *const masks[] = {"[hidden]", "[CPF]", "[card"};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++)
        if (str_starts(secret, str_of(masks[i])))
            return false;
    if (secret.n == 0 || str_has(secret, STR("://")) || is_date_or_amount(secret))
        return false;
    if (digits == 0)
        return is_word_secret(s, y);
    if (y->colon || y->verb || y->weak)
        return digits >= 3 || (others && digits + others >= 4);
    if (y->far || secret.n != digits + y->letters)
        return false;
    if (pin)
        return others == 0 && digits >= (y->kind == SECRET_CODE ? 3 : 4) && digits <= 12;
    return others ? secret.n >= 5 : digits >= 4;
}

static bool find_secret(struct str s, size_t i, struct saying *y)
{
    size_t end = 0;
    *y = (struct saying){0};
    for (size_t k = 0; k < sizeof secrets / sizeof *secrets && !end; k++) {
        if ((mask_byte(s, i) | 0x20) == secrets[k].phrase[0])
            end = phrase_end(s, i, secrets[k].phrase);
        y->kind = secrets[k].kind;
    }
    if (!end)
        return false;
    if (mask_byte(s, end) == '-' && letter_at(s, end + 1))
        end++; /* PIN-code */
    for (int n = 0; n < LINKS_MAX; n++) {
        size_t next = mask_skip_spaces(s, end);
        if (!skip_link(s, &next, y))
            break;
        end = next;
    }
    y->from = mask_skip_spaces(s, end);
    y->glued = y->colon && y->from == end;
    if (y->colon && mask_byte(s, y->from) == '\n') {
        y->from = mask_skip_spaces(s, y->from + 1);
        y->glued = false;
    }
    while (mask_byte(s, y->from) == '(' || mask_byte(s, y->from) == '<')
        y->from++;
    cut_secret(s, y);
    count_secret(s, y);
    return is_secret(s, y);
}

struct str mask_secrets(struct arena *a, struct str s, unsigned *found)
{
    struct buf out = buf_new(a, 4 * s.n + 64);
    size_t copied = 0;
    bool within = false; /* a word */
    for (size_t i = 0; i < s.n;) {
        struct saying y;
        if (!within && strchr("pscnPSCN", s.p[i]) && find_secret(s, i, &y)) {
            buf_add(&out, (struct str){s.p + copied, y.from - copied});
            buf_adds(&out, "[hidden]");
            i = copied = y.end;
        }
        size_t from = i;
        within = take_letter(s, &i) != 0;
        i += i == from;
    }
    if (!copied)
        return s;
    *found |= MASK_PASSWORD;
    buf_add(&out, str_from(s, copied));
    return buf_str(&out);
}
