#include "test.h"

#include "base/clock.h"
#include "base/mask.h"
#include "base/rng.h"
#include "base/text.h"

static struct arena *a;

static int make_arena(void **state)
{
    a = arena_new("test", 0);
    return 0;
}

static int free_arena(void **state)
{
    arena_free(a);
    return 0;
}

/* What becomes of a text; that a second time changes nothing is part of every case. */
static struct str masked(const char *text, unsigned kinds, const char *file, int line)
{
    unsigned found, again;
    struct str once = mask_text(a, str_of(text), &found), twice = mask_text(a, once, &again);
    if (found != kinds || again || !str_eq(once, twice)) {
        print_error("\"%s\"\n-> \"%.*s\"\nkinds %u, want %u; again %u\n", text, STR_ARG(once), found, kinds, again);
        _fail(file, line);
    }
    return once;
}

static void check_same(const char *const *texts, const char *file, int line)
{
    for (; *texts; texts++) {
        unsigned found;
        struct str got = mask_text(a, str_of(*texts), &found);
        if (found || got.p != *texts) {
            print_error("\"%s\" became \"%.*s\"\n", *texts, STR_ARG(got));
            _fail(file, line);
        }
    }
}

#define CHECK_MASK(text, kinds, want) test_str(masked((text), (kinds), __FILE__, __LINE__), (want), __FILE__, __LINE__)
#define CHECK_SAME(...)               ((void)state, check_same((const char *const[]){__VA_ARGS__, NULL}, __FILE__, __LINE__))
#define CARD                          MASK_CARD_NUMBER
#define CPF                           MASK_CPF
#define PASSWORD                      MASK_PASSWORD

/* The numbers are the test numbers that payment processors publish (Visa, Mastercard, American Express, Diners, Discover,
 * JCB, UnionPay, Maestro, Elo, Hipercard). */
TEST(card_numbers_keep_their_last_four_digits)
{
    CHECK_MASK("4111111111111111", CARD, "[card number ending 1111]");
    CHECK_MASK("my card 4111 1111 1111 1111 is lost", CARD, "my card [card number ending 1111] is lost");
    CHECK_MASK("4111-1111-1111-1111", CARD, "[card number ending 1111]");
    CHECK_MASK("4111 - 1111 - 1111 - 1111.", CARD, "[card number ending 1111].");
    CHECK_MASK("cartão:5555555555554444,", CARD, "cartão:[card number ending 4444],");
    CHECK_MASK("3782 822463 10005 (amex)", CARD, "[card number ending 0005] (amex)");
    CHECK_MASK("3782 8224 6310 005", CARD, "[card number ending 0005]");
    CHECK_MASK("378282246310005", CARD, "[card number ending 0005]");
    CHECK_MASK("3056 930902 5904", CARD, "[card number ending 5904]");
    CHECK_MASK("36227206271667", CARD, "[card number ending 1667]");
    CHECK_MASK("4222222222222", CARD, "[card number ending 2222]");
    CHECK_MASK("6011111111111117", CARD, "[card number ending 1117]");
    CHECK_MASK("3530111333300000", CARD, "[card number ending 0000]");
    CHECK_MASK("6205500000000000004", CARD, "[card number ending 0004]");
    CHECK_MASK("6205 5000 0000 0000 004", CARD, "[card number ending 0004]");
    CHECK_MASK("620550 0000000000004", CARD, "[card number ending 0004]");
    CHECK_MASK("6362970000457013 e 3841001111222233334", CARD, "[card number ending 7013] e 3841001111222233334");
    CHECK_MASK("2223003122003222", CARD, "[card number ending 3222]");
    CHECK_MASK("4111\u00a01111\u20131111\u20111111", CARD, "[card number ending 1111]");
    CHECK_MASK("card4111111111111111x", CARD, "card[card number ending 1111]x");
}

TEST(what_stands_beside_a_card_number_does_not_hide_it)
{
    CHECK_MASK("4111 1111 1111 1111 12/27 123", CARD, "[card number ending 1111] 12/27 123");
    CHECK_MASK("4111 1111 1111 1111 12 27 123", CARD, "[card number ending 1111] 12 27 123");
    CHECK_MASK("2 4111 1111 1111 1111", CARD, "2 [card number ending 1111]");
    CHECK_MASK("4111 1111 1111 1111 5555 5555 5555 4444", CARD, "[card number ending 1111] [card number ending 4444]");
    CHECK_MASK("7 4111 1111 1111 1111 5555 5555 5555 4444", CARD,
               "7 [card number ending 1111] [card number ending 4444]");
    CHECK_MASK("4111111111111111 529.982.247-25", CARD | CPF, "[card number ending 1111] [CPF]");
    CHECK_MASK("tel 98765-4321 4111111111111111 22240-003", CARD, "tel 98765-4321 [card number ending 1111] 22240-003");
}

TEST(a_cpf_is_hidden_when_its_check_digits_are_right)
{
    CHECK_MASK("meu cpf é 529.982.247-25.", CPF, "meu cpf é [CPF].");
    CHECK_MASK("CPF52998224725", CPF, "CPF[CPF]");
    CHECK_MASK("529 982 247 25", CPF, "[CPF]");
    CHECK_MASK("529982247-25", CPF, "[CPF]");
    CHECK_MASK("123.456.789-09 e 11144477735", CPF, "[CPF] e [CPF]");
    CHECK_MASK("52998224725 98765-4321", CPF, "[CPF] 98765-4321");
    CHECK_SAME("529.982.247-26", "52998224735", "111.111.111-11", "000.000.000-00", "5299822472", "152998224725",
               "529982 24725", "529982247 25", "52.998.224.725", "+52998224725");
}

TEST(other_numbers_stay)
{
    CHECK_SAME("RC-20991", "CO-100000005", "GB100000005", "RM123456785GB", "BR123", "my card ending in 4417",
               "final 4417", "1111", "4111111111111112", "41111111111111111111", "4111 1111 1111", "1234567890123",
               "+55 11 98765-4321", "(11) 98765-4321", "11987654321", "+52 55 1234 5678", "+44 7700 900123",
               "+49 151 23456789", "+4915123456789", "555-0100", "0800 726 0101", "R$ 1.234.567,89", "$12,345.67",
               "2026-11-22 10:30:00", "22/11/2026", "2026-11-22T10:30:00.123456Z", "1700000000000", "1700000000000000",
               "22240-003", "DE89 3704 0044 0532 0130 00", "GB29 NWBK 6016 1331 9268 19", "ES9121000418450200051332",
               "FI2112345600000785", "12.345.678/0001-95", "33000167000101", "3.14159265358979", "658073021573681932",
               "c00c7n8dse80r0", "4.111.111.111.111.111", "4111\n1111\n1111\n1111", "");
    /* Every telephone number of these forms: none has the length and the first digits of a card. */
    for (int i = 0; i < 20000; i++)
        CHECK_SAME(str_f(a, "+55 11 9%04d-%04d", i / 2, i % 10000).p, str_f(a, "55 21 9%04d %04d", i % 9999, i / 3).p,
                   str_f(a, "+52 1 55 %04d %04d", i % 9973, i / 2).p, str_f(a, "+447700%06d", i).p);
    /* A long number in groups of four holds a card number by chance; it is none, but at its ends. */
    CHECK_SAME("3526 0311 4111 1111 1111 1111 1000 0000 0410 0000 0041");
}

TEST(passwords_and_pins_are_hidden_in_three_languages)
{
    CHECK_MASK("my password is hunter2", PASSWORD, "my password is [hidden]");
    CHECK_MASK("My Password Is: Tr0ub4dor&3, please help", PASSWORD, "My Password Is: [hidden], please help");
    CHECK_MASK("password:sunshine", PASSWORD, "password:[hidden]");
    CHECK_MASK("password = sunshine", PASSWORD, "password = [hidden]");
    CHECK_MASK("Login: ana Password: sunshine ok?", PASSWORD, "Login: ana Password: [hidden] ok?");
    CHECK_MASK("my password is Sunshine.", PASSWORD, "my password is [hidden].");
    CHECK_MASK("the password's qwErty and I cannot log in", PASSWORD, "the password's [hidden] and I cannot log in");
    CHECK_MASK("my password is \"correct horse 1\" ok", PASSWORD, "my password is \"[hidden]\" ok");
    CHECK_MASK("password hunter2 does not work", PASSWORD, "password [hidden] does not work");
    CHECK_MASK("the passcode for my account is 9911", PASSWORD, "the passcode for my account is [hidden]");
    CHECK_MASK("my PIN 4821 is rejected", PASSWORD, "my PIN [hidden] is rejected");
    CHECK_MASK("PIN: 4821", PASSWORD, "PIN: [hidden]");
    CHECK_MASK("my pin it's 4821", PASSWORD, "my pin it's [hidden]");
    CHECK_MASK("PIN number is 4821, CVV 123", PASSWORD, "PIN number is [hidden], CVV [hidden]");
    CHECK_MASK("pin-code -> 4821", PASSWORD, "pin-code -> [hidden]");
    CHECK_MASK("Security code: 123", PASSWORD, "Security code: [hidden]");
    CHECK_MASK("minha senha é girassol", PASSWORD, "minha senha é [hidden]");
    CHECK_MASK("MINHA SENHA É 1234", PASSWORD, "MINHA SENHA É [hidden]");
    CHECK_MASK("a senha do cartão e 482100", PASSWORD, "a senha do cartão e [hidden]");
    CHECK_MASK("senha: abc@123; cpf 529.982.247-25", PASSWORD | CPF, "senha: [hidden]; cpf [CPF]");
    CHECK_MASK("Senha:\nabc123", PASSWORD, "Senha:\n[hidden]");
    CHECK_MASK("código de segurança 123", PASSWORD, "código de segurança [hidden]");
    CHECK_MASK("palavra-passe = gato", PASSWORD, "palavra-passe = [hidden]");
    CHECK_MASK("mi contraseña es Lola2019", PASSWORD, "mi contraseña es [hidden]");
    CHECK_MASK("CONTRASEÑA: perrito", PASSWORD, "CONTRASEÑA: [hidden]");
    CHECK_MASK("contrasen\u0303a=perrito", PASSWORD, "contrasen\u0303a=[hidden]");
    CHECK_MASK("mi clave 5678 no sirve", PASSWORD, "mi clave [hidden] no sirve");
    CHECK_MASK("la clave de acceso es 5678", PASSWORD, "la clave de acceso es [hidden]");
    CHECK_MASK("mi NIP es 1234 y el CVV es 321", PASSWORD, "mi NIP es [hidden] y el CVV es [hidden]");
    CHECK_MASK("código de seguridad: 321", PASSWORD, "código de seguridad: [hidden]");
    CHECK_MASK("cvv 123 4111 1111 1111 1111", PASSWORD | CARD, "cvv [hidden] [card number ending 1111]");
}

TEST(talking_about_passwords_and_pins_stays)
{
    CHECK_SAME("I forgot my password", "my PIN is not working", "my password is wrong", "My password is blocked.",
               "The password is rejected every time", "is my password safe?", "I need a new PIN", "what is my PIN?",
               "Password: I forgot it", "About my password: can you reset it?", "password: blocked", "PIN: not working",
               "I changed my PIN 2 days ago", "I changed my password on 2026-11-22", "password 2026-11-22", "PIN 22/11",
               "the PIN of card 4417", "the password for account 12345678", "the PIN for RC-20991", "PIN, 4 digits",
               "my PIN is 4 digits long", "I was asked for the password 3 times", "my password is 8 characters",
               "forgot password - urgent", "the password cost me $100", "password reset: https://bank.example/r/1a2b",
               "pinch 1234", "spin 4821", "my PIN is lost", "The CVV is on the back", "opinion: 1234", "PIN is OK",
               "it fails 100 times", "Is the PIN the last four digits, 4417?", "my PIN is 100%");
    CHECK_SAME("esqueci minha senha", "minha senha não funciona", "a senha está bloqueada", "minha senha é inválida",
               "minha senha é muito fraca", "Senha: esqueci", "qual é a minha senha?",
               "esqueci a senha e o cartão 4417 sumiu", "troquei a senha há 2 dias", "a senha do cartão 4417",
               "o PIN do pedido RC-20991", "minha senha é a mesma", "meu PIN é de 4 dígitos", "a senha tem 6 números",
               "o código de segurança sumiu", "senha errada 3 vezes");
    CHECK_SAME("olvidé mi contraseña", "mi PIN no funciona", "mi clave es incorrecta", "mi contraseña es fácil",
               "la clave es entender", "Contraseña: no me acuerdo", "¿cuál es mi clave?", "cambié mi NIP hace 2 días",
               "la contraseña está bloqueada", "la clave de rastreo GB100000005", "clave de rastreo: RC-20991",
               "el NIP de la tarjeta 4417", "mi contraseña es la misma", "mi clave no es válida", "nip bloqueado");
}

TEST(hidden_characters_between_digits_hide_nothing)
{
    unsigned found;
    CHECK_STR(mask_text(a, STR("4111\u200b1111\u200b1111\u200b1111!"), &found), "[card number ending 1111]!");
    CHECK(found == CARD);
    CHECK_STR(mask_text(a, STR("pass\u200bword: abc1"), &found), "password: [hidden]");
    struct str other = STR("a\u200bb 1234 c");
    CHECK(mask_text(a, other, &found).p == other.p && !found);
}

TEST(kinds_have_names)
{
    CHECK_STR(str_of(mask_name(CARD)), "card_number");
    CHECK_STR(str_of(mask_name(CPF)), "cpf");
    CHECK_STR(str_of(mask_name(PASSWORD)), "password");
}

/* Luhn's sum written the other way round, and the published length of each issuer. */
TEST(every_right_number_is_found_and_every_wrong_one_stays)
{
    static const struct {
        const char *prefix;
        int n;
    } issuers[] = {{"4", 13},   {"4", 16},  {"4", 19},  {"51", 16},   {"55", 16}, {"2221", 16}, {"34", 15},  {"37", 15},
                   {"300", 14}, {"36", 14}, {"38", 14}, {"6011", 16}, {"62", 17}, {"62", 19},   {"5067", 16}};
    uint64_t seed = 11;
    for (int i = 0; i < 15000; i++) {
        char d[24] = "";
        int n = issuers[i % 15].n, k = snprintf(d, sizeof d, "%s", issuers[i % 15].prefix), sum = 0;
        while (k < n)
            d[k++] = (char)('0' + rng_next(&seed) % 10);
        for (int j = 0; j < n - 1; j++) {
            int v = (d[j] - '0') * ((n - j) % 2 ? 1 : 2);
            sum += v / 10 + v % 10;
        }
        d[n - 1] = (char)('0' + (10 - sum % 10) % 10);
        CHECK_MASK(str_f(a, "n %s.", d).p, CARD, str_f(a, "n [card number ending %s].", d + n - 4).p);
        d[n - 1] = (char)('0' + (d[n - 1] - '0' + 1 + rng_next(&seed) % 9) % 10);
        CHECK_SAME(str_f(a, "n %s.", d).p);
    }
}

/* Labelled by python-stdnum: https://arthurdejong.org/python-stdnum */
TEST(numbers_that_another_program_labelled_are_told_apart)
{
    const char *path = test_shared("data/id_numbers/numbers.tsv");
    FILE *f = path ? fopen(path, "r") : NULL;
    char line[400];
    int hidden_n = 0, others_n = 0, missed_n = 0, chance_n = 0;
    while (f && fgets(line, sizeof line, f)) {
        struct str rest = str_of(line), kind, value, valid;
        str_split(&rest, '\t', &kind);
        str_split(&rest, '\t', &value);
        str_split(&rest, '\t', &valid);
        bool ours = str_is(valid, "1") && (str_is(kind, "cpf") || str_is(kind, "card_luhn"));
        unsigned found;
        mask_text(a, str_f(a, "x: %.*s, please", STR_ARG(value)), &found);
        hidden_n += ours;
        others_n += !ours;
        missed_n += ours && found != (str_is(kind, "cpf") ? (unsigned)CPF : (unsigned)CARD);
        chance_n += !ours && found;
    }
    if (f)
        fclose(f);
    CHECK(!f || (hidden_n == 300 && others_n > 1000));
    CHECK_INT(missed_n, 0);
    CHECK(chance_n <= 5); /* a check digit is right by chance once in ten times */
}

TEST(a_long_text_is_read_in_a_moment)
{
    static const char *const pieces[] = {"where is my card ", "1 ", "4111 1111 1111 1111 ", "1234 ", "pin 1234 ",
                                         "password: ",        "4.", "n\u00e3o \u200b "};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct buf b = buf_new(a, 12000);
        while (!b.cut)
            buf_adds(&b, pieces[i]);
        unsigned found;
        int64_t from_us = clock_mono_us();
        mask_text(a, str_head(buf_str(&b), 10000), &found);
        CHECK(clock_mono_us() - from_us < 200000); /* some ms, on a machine that is busy */
    }
}

#define ROW(t) cmocka_unit_test_setup_teardown(t, make_arena, free_arena)
RUN(ROW(card_numbers_keep_their_last_four_digits), ROW(what_stands_beside_a_card_number_does_not_hide_it),
    ROW(a_cpf_is_hidden_when_its_check_digits_are_right), ROW(other_numbers_stay),
    ROW(passwords_and_pins_are_hidden_in_three_languages), ROW(talking_about_passwords_and_pins_stays),
    ROW(hidden_characters_between_digits_hide_nothing), ROW(kinds_have_names),
    ROW(every_right_number_is_found_and_every_wrong_one_stays),
    ROW(numbers_that_another_program_labelled_are_told_apart), ROW(a_long_text_is_read_in_a_moment))
