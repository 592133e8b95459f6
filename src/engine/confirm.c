#include "engine/confirm.h"

#include "base/text.h"

#include <stddef.h>

/* Folded phrases: lower case, no accents, single spaces, a space at both ends. Within a language the longer ones come first,
 * since they are cut out of the text one after the other. */
static const char *const yes_strong[] = {
    /* en */ " that is correct ",
    " that s correct ",
    " sure thing ",
    " go ahead ",
    " please do ",
    " do it ",
    " do that ",
    " i do ",
    " i confirm ",
    " i agree ",
    " of course ",
    " sounds good ",
    " order it ",
    " block it ",
    " freeze it ",
    " yes ",
    " yep ",
    " yup ",
    " yeah ",
    " sure ",
    " confirmed ",
    " confirm ",
    " agreed ",
    " absolutely ",
    " ok ",
    " okay ",
    " correct ",
    /* pt */ " claro que sim ",
    " pode pedir ",
    " pode bloquear ",
    " pode congelar ",
    " pode mandar ",
    " pode fazer ",
    " pode sim ",
    " pode ser ",
    " com certeza ",
    " quero sim ",
    " isso mesmo ",
    " ss ",
    /* es */ " claro que si ",
    " de acuerdo ",
    " por supuesto ",
    " esta bien ",
    " adelante ",
    " hazlo ",
    " pidela ",
    " bloqueala ",
    " congelala ",
    " dale ",
    " vale ",
    " correcto ",
    " sip ",
    /* both */ " sim ",
    " si ",
    " pode ",
    " confirmo ",
    " claro ",
    " quero ",
    " quiero ",
    " isso ",
    " concordo ",
    " va ",
};
static const char *const yes_weak[] = {
    /* words that may come with a yes and say nothing of their own */
    " please ",         " thanks ",     " thank you ",     " that s fine ", " that is fine ", " fine ",
    " great ",          " perfect ",    " good ",          " por favor ",   " porfa ",        " obrigado ",
    " obrigada ",       " gracias ",    " favor ",         " beleza ",      " ta bom ",       " tudo bem ",
    " perfeito ",       " otimo ",      " perfecto ",      " bueno ",       " bien ",         " it ",
    " that ",           " you can ",    " the new card ",  " a new card ",  " new card ",     " order ",
    " um novo cartao ", " blz ",        " por gentileza ", " um novo ",     " o cartao ",     " o novo cartao ",
    " una nueva ",      " la tarjeta ", " now ",           " agora ",       " ahora ",
};
static const char *const no_strong[] = {
    /* en */ " not now ",
    " never mind ",
    " rather not ",
    " leave it as it is ",
    " leave it ",
    " don t ",
    " do not ",
    " nope ",
    " nah ",
    " not yet ",
    " cancel ",
    " stop ",
    /* pt */ " por enquanto nao ",
    " agora nao ",
    " ainda nao ",
    " deixa pra la ",
    " deixa assim ",
    " melhor nao ",
    " nao ",
    " deixa ",
    /* es */ " por ahora no ",
    " mejor no ",
    " todavia no ",
    " ahora no ",
    " dejalo asi ",
    " dejalo ",
    /* both */ " cancelar ",
    " cancela ",
    " no ",
};
static const char *const no_weak[] = {
    " thanks ",       " thank you ",  " please ",  " obrigado ", " obrigada ", " gracias ",
    " por favor ",    " it ",         " that ",    " i ",        " want ",     " order ",
    " do ",           " quero ",      " precisa ", " quiero ",   " lo ",       " hagas ",
    " faca ",         " um ",         " novo ",    " cartao ",   " a ",        " new ",
    " card ",         " one ",        " una ",     " nueva ",    " tarjeta ",  " for now ",
    " por enquanto ", " por ahora ",  " need ",    " need to ",  " isso ",     " eso ",
    " peca ",         " hace falta ", " wait ",    " espera ",
};

/* Cuts every phrase of the list out of the text (which keeps its single spaces); says whether any was there. */
static bool cut_out(struct buf *text, const char *const *list, size_t n)
{
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        struct str phrase = str_of(list[i]);
        ptrdiff_t at;
        while ((at = str_find(buf_str(text), phrase)) >= 0) {
            size_t end = (size_t)at + phrase.n - 1; /* the last space stays as the border of what follows */
            for (size_t k = end; k < text->n; k++)
                text->p[(size_t)at + k - end] = text->p[k];
            text->n -= end - (size_t)at;
            found = true;
        }
    }
    return found;
}

#define LIST(l) (l), sizeof(l) / sizeof *(l)

static bool nothing_left(const struct buf *text)
{
    return str_trim(buf_str(text)).n == 0;
}

/* What may stand beside a yes or a no. */
static const char harmless[] = ".,!¡…'’‘\"“”()-–—:+"
                               "👍👌✅✔🙏🙂😊😀😄❤💜🎉🏻🏼🏽🏾🏿";

enum confirm_answer confirm_read(struct str text)
{
    if (text.n > 200)
        return CONFIRM_OTHER; /* whoever writes so much says more than yes */
    if (text_has_other(text, str_of(harmless)))
        return CONFIRM_OTHER; /* "ok 👎" is no yes, nor is "yes?" however the mark is written */
    struct arena *a = arena_new("confirm", 2048);
    struct str folded = text_fold(a, text);
    struct buf yes = buf_new(a, folded.n + 1), no = buf_new(a, folded.n + 1);
    buf_add(&yes, folded);
    buf_add(&no, folded);
    bool said_yes = cut_out(&yes, LIST(yes_strong));
    cut_out(&yes, LIST(yes_weak));
    bool said_no = cut_out(&no, LIST(no_strong));
    cut_out(&no, LIST(no_weak));
    enum confirm_answer answer = CONFIRM_OTHER;
    if (said_yes && nothing_left(&yes))
        answer = CONFIRM_YES;
    else if (said_no && nothing_left(&no))
        answer = CONFIRM_NO;
    arena_free(a);
    return answer;
}
