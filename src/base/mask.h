/* mask: what a customer types and nobody should keep: payment card numbers, CPFs, passwords and PINs.
 *
 * Pure: no I/O, no clock. Masking is for what comes in live, before it is stored or shown to a model; what was imported
 * stays as it came. Masking twice changes nothing more, so a message that is sent again is the same message.
 *
 *   4111 1111 1111 1111        [card number ending 1111]
 *   529.982.247-25             [CPF]
 *   my password is hunter2     my password is [hidden]
 *
 * A card number has the first digits and the length that issuers use (ISO/IEC 7812: 4 with 13; 30, 36, 38 or 39 with
 * 14; 34 or 37 with 15; 2 to 6 with 16 to 19 digits) and a right check digit (Luhn 1960, US patent 2950048), but is no
 * CLABE. Its digits may stand in groups with one space or dash between them. A CPF has 11 digits with two right check
 * digits, plain or grouped 3-3-3-2 or 9-2. A number that two capital letters begin is an account's (IBAN) or a
 * parcel's; up to 15 digits behind a + are a telephone's.
 *
 * A secret is one word behind a word such as "password", "PIN", "senha" or "contraseña" (the list is in mask_words.c)
 * and perhaps "is", "é", "es", ":" or "=". Without such a link it must look like one: digits, or digits and letters.
 * What is an ordinary word stays: "my PIN is not working". So these are not found: a password of several words after
 * its first one, one that is an ordinary word or stands within a sentence, one without the word before it, digits spelt
 * out, the digits of other scripts. */
#ifndef BASE_MASK_H
#define BASE_MASK_H

#include "base/str.h"

enum mask_kind { MASK_CARD_NUMBER = 1, MASK_CPF = 2, MASK_PASSWORD = 4 };

/* The text without them; the very `text` when there are none. `text` must be valid UTF-8. Sets *found to the kinds
 * found. What only text_visible (base/text.h) would show, such as a number with hidden characters between its digits,
 * is found too; the text is then given without hidden characters. */
struct str mask_text(struct arena *a, struct str text, unsigned *found);

/* "card_number", "cpf" or "password": the kind's name in answers. */
const char *mask_name(enum mask_kind kind);

#endif
