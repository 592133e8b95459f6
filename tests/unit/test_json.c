#include "jansson_peer.h"
#include "test.h"

#include "base/json.h"
#include "base/rng.h"
#include "base/text.h"

#include <math.h>
#include <sodium.h>

static struct arena *a;
static struct err e;

static int make_arena(void **state)
{
    a = arena_new("test", 0);
    e = (struct err){0};
    return 0;
}

static int free_arena(void **state)
{
    arena_free(a);
    return 0;
}

static struct json *parse(const char *text)
{
    struct json *v = NULL;
    if (json_parse(a, str_of(text), &v, &e) < 0)
        print_error("%s: %s\n", text, e.text);
    assert_non_null(v);
    return v;
}

static struct str canonical(const char *text)
{
    return json_canonical(a, parse(text));
}

/* The sentence for a text that must be refused. */
static struct str refusal(struct str text)
{
    struct json *v = NULL;
    int r = json_parse(a, text, &v, &e);
    assert_true(r < 0 && !v);
    return str_of(e.text);
}

static struct str file(const char *path)
{
    struct buf text = buf_new(a, 64 << 20);
    FILE *f = path ? fopen(path, "r") : NULL;
    if (!f)
        return STR_NONE;
    char chunk[65536];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f));)
        buf_add(&text, (struct str){chunk, n});
    fclose(f);
    return buf_str(&text);
}

TEST(a_value_is_read_with_its_members_in_their_order)
{
    struct json *v =
        parse(" {\"name\" : \"Ana\", \"n\":[1, -2.50 ,true,false,null], \"deep\":{\"er\":{\"est\":\"x\"}}} ");
    CHECK(json_is(v, JSON_OBJECT) && v->n == 3 && v->line == 0);
    CHECK_STR(v->child->key, "name");
    CHECK_STR(json_str(json_get(v, "name")), "Ana");
    const struct json *n = json_get(v, "n");
    CHECK(n->n == 5 && json_int(json_at(n, 0), 9) == 1 && json_num(json_at(n, 1), 9) == -2.5);
    CHECK_STR(json_at(n, 1)->text, "-2.50"); /* the number's own text */
    CHECK(json_bool(json_at(n, 2), false) && !json_bool(json_at(n, 3), true) && json_is(json_at(n, 4), JSON_NULL));
    CHECK_STR(json_str(json_path(v, STR("deep.er.est"))), "x");
    CHECK(!json_path(v, STR("deep.no.est")) && !json_path(v, STR("name.x")) && !json_at(n, 5));
    CHECK_STR(json_text(a, v), "{\"name\":\"Ana\",\"n\":[1,-2.50,true,false,null],\"deep\":{\"er\":{\"est\":\"x\"}}}");
}

TEST(what_is_not_there_reads_as_the_default)
{
    CHECK(!json_get(NULL, "x") && !json_at(NULL, 0) && !json_path(NULL, STR("x")) && !json_is(NULL, JSON_NULL));
    CHECK_STR(json_str(NULL), "");
    CHECK_STR(json_str_or(parse("1"), STR("other")), "other");
    CHECK(json_int(NULL, 7) == 7 && json_num(NULL, 0.5) == 0.5 && json_bool(NULL, true));
    CHECK(json_int(parse("\"1\""), 7) == 7);
}

TEST(whole_numbers_are_read_however_they_are_spelt)
{
    CHECK_INT(json_int(parse("9223372036854775807"), 0), INT64_MAX);
    CHECK(json_int(parse("-9223372036854775808"), 0) == INT64_MIN);
    CHECK_INT(json_int(parse("9223372036854775808"), 5), 5);
    CHECK_INT(json_int(parse("3.0"), 5), 3);
    CHECK_INT(json_int(parse("-12e2"), 5), -1200);
    CHECK_INT(json_int(parse("1.5"), 5), 5);
    CHECK_INT(json_int(parse("1e19"), 5), 5);
    CHECK_INT(json_int(parse("0.0e-99"), 5), 0);
    CHECK_INT(json_int(parse("1.23e2"), 5), 123);
}

TEST(escapes_become_characters_and_plain_strings_stay_in_the_source)
{
    struct str source = STR("[\"plain text\",\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83d\\ude00 \xc3\xa9\"]");
    struct json *v;
    CHECK(json_parse(a, source, &v, &e) == 0);
    CHECK_STR(json_at(v, 1)->text, "\"\\/\b\f\n\r\t\u00e9\U0001F600 \u00e9");
    const char *p = json_at(v, 0)->text.p;
    CHECK(p > source.p && p < source.p + source.n);
}

TEST(a_refusal_says_where_and_why)
{
    CHECK_STR(refusal(STR("[1,]")), "not JSON at byte 3, depth 1: expected a value");
    CHECK_STR(refusal(STR("{\"a\":1,\"b\":{\"a\":1,\"a\":2}}")), "not JSON at byte 18, depth 2: duplicate key \"a\"");
    CHECK_STR(refusal(STR("{\"a\" 1}")), "not JSON at byte 5, depth 1: expected a colon after the member's name");
    CHECK_STR(refusal(STR("\"\\u0000\"")), "not JSON at byte 1, depth 0: a NUL character is not text");
    CHECK_STR(refusal(STR("\"x\\ud800\"")), "not JSON at byte 2, depth 0: half a surrogate pair");
    CHECK_STR(refusal(STR("\"\\udc00\\ud800\"")), "not JSON at byte 1, depth 0: half a surrogate pair");
    CHECK_STR(refusal(STR("\"ab\xc3(\"")), "not JSON at byte 3, depth 0: invalid UTF-8");
    CHECK_STR(refusal(STR("\xef\xbb\xbf{}")), "not JSON at byte 0, depth 0: a byte order mark");
    CHECK_STR(refusal(STR("1e309")), "not JSON at byte 0, depth 0: a number beyond a double");
    CHECK_STR(refusal(STR("1e-400")), "not JSON at byte 0, depth 0: a number beyond a double");
    CHECK_STR(refusal(STR("")), "not JSON at byte 0, depth 0: the text ends where a value is expected");
    CHECK_STR(refusal(STR("{} x")), "not JSON at byte 3, depth 0: something follows the value");
    CHECK_STR(refusal(STR("\"a\nb\"")),
              "not JSON at byte 2, depth 0: a control character inside a string must be escaped");
    CHECK(json_parse(a, STR_NONE, &(struct json *){0}, NULL) == ERR_INVALID);
}

TEST(every_prefix_of_a_document_is_refused)
{
    struct str whole = STR("{\"a\":[1.5e3,\"\\u00e9\\n\xc3\xa9\",true],\"b\":{\"c\":null}}");
    for (size_t n = 0; n < whole.n; n++) {
        char *copy = malloc(n + 1); /* its own block, so that a sanitizer sees a read past its end */
        memcpy(copy, whole.p, n);
        struct json *v;
        CHECK(json_parse(a, (struct str){copy, n}, &v, &e) == ERR_INVALID);
        free(copy);
    }
}

TEST(a_hundred_thousand_brackets_fail_cleanly)
{
    struct buf deep = buf_new(a, 1 << 20);
    for (int i = 0; i < 100000; i++)
        buf_addc(&deep, '[');
    struct json *v;
    CHECK(json_parse(a, buf_str(&deep), &v, &e) == ERR_LIMIT);
    buf_clear(&deep);
    for (int i = 0; i < 50000; i++)
        buf_adds(&deep, "[{\"\":");
    CHECK(json_parse(a, buf_str(&deep), &v, &e) == ERR_LIMIT);
}

TEST(the_deepest_document_allowed_is_read_and_one_level_more_is_not)
{
    struct buf deep = buf_new(a, 1 << 20);
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        buf_addc(&deep, '[');
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        buf_addc(&deep, ']');
    struct json *v;
    CHECK(json_parse(a, buf_str(&deep), &v, &e) == 0);
    CHECK_STR(json_text(a, v), buf_str(&deep).p);
    CHECK(json_parse(a, str_f(a, "[%s]", deep.p), &v, &e) == ERR_LIMIT);
}

static struct str many_members(int n, const char *last_key)
{
    struct buf text = buf_new(a, 1 << 20);
    struct json_writer w = {.out = &text};
    json_open(&w, '{');
    for (int i = 0; i < n - 1; i++) {
        json_key_str(&w, str_f(a, "key%d", i));
        json_put_int(&w, i);
    }
    json_key(&w, last_key);
    json_put_null(&w);
    json_close(&w, '}');
    return buf_str(&text);
}

TEST(a_duplicate_key_is_found_in_objects_of_every_size)
{
    struct json *v;
    for (int n = 2; n < 40; n++) {
        CHECK(json_parse(a, many_members(n, "other"), &v, &e) == 0 && v->n == (uint32_t)n);
        CHECK(json_parse(a, many_members(n, "key0"), &v, &e) == ERR_INVALID);
        CHECK(json_parse(a, many_members(n, str_f(a, "key%d", n - 2).p), &v, &e) == ERR_INVALID);
    }
    CHECK(json_parse(a, many_members(JSON_MEMBERS_MAX, "other"), &v, &e) == 0);
    CHECK(json_parse(a, many_members(JSON_MEMBERS_MAX, "key5000"), &v, &e) == ERR_INVALID);
    CHECK(json_parse(a, many_members(JSON_MEMBERS_MAX + 1, "other"), &v, &e) == ERR_LIMIT);
}

/* "OFFSET POINTER" of a text that must be refused. */
static struct str place(struct str text)
{
    struct json *v = NULL;
    size_t offset = 9999;
    assert_true(json_parse_at(a, text, &v, &offset, NULL) < 0);
    struct str pointer = json_place(a, text, offset);
    return str_f(a, "%zu %.*s", offset, STR_ARG(pointer));
}

TEST(a_refusal_has_the_byte_and_the_pointer_of_the_place)
{
    CHECK_STR(place(STR("")), "0 ");
    CHECK_STR(place(STR("\xef\xbb\xbf{}")), "0 ");
    CHECK_STR(place(STR("{} x")), "3 ");
    CHECK_STR(place(STR("{\"a\":{\"b\":[1,{\"c\":NaN}]}}")), "18 /a/b/1/c");
    CHECK_STR(place(STR("{\"a\":1e999}")), "5 /a");
    CHECK_STR(place(STR("{\"a\":-Infinity}")), "6 /a");
    CHECK_STR(place(STR("[[],\"x\\ud800\"]")), "6 /1");
    CHECK_STR(place(STR("[0,1,\"\\u0000\"]")), "6 /2");
    CHECK_STR(place(STR("{\"a\":\"\xff\"}")), "6 /a");
    CHECK_STR(place(STR("{\"a\":[],\"b\":{\"a\":1,\"a\":2}}")), "19 /b/a"); /* the second a */
    CHECK_STR(place(STR("{\"a/b~c\":{\"\\u00e9\\\"\":{\"\":x}}}")), "25 /a~1b~0c/\u00e9\"/");
    CHECK_STR(place(STR("{\"a\":1,}")), "7 ");
    CHECK_STR(place(STR("[1,]")), "3 /1");
    CHECK_STR(place(STR("{\"a\" 1}")), "5 /a");
    CHECK_STR(place(STR("{'a':1}")), "1 ");
    CHECK_STR(place(STR("{\"a\":{\"b")), "8 /a");
    CHECK_STR(place(STR("{\"a\":{\"b\":\"c")), "12 /a/b");
    CHECK_STR(place(STR("{\"a\":[1,2}")), "9 /a/1");
    CHECK_STR(place(STR("{\"a\":[\"1\",\"2\" }")), "14 /a");
    CHECK_STR(place(STR("{\"a\":\"]}{[,:\\\"\",\"b\":[{}, {\"c\":[]}, tru]}")), "35 /b/2");
    for (int n = 17; n < 40; n++) { /* so many names are compared at the end */
        struct str text = many_members(n, "key5");
        CHECK_STR(place(text), str_f(a, "%td /key5", str_find(text, STR(",\"key5\":null")) + 1).p);
    }
    struct str deep = STR_NONE;
    for (int i = 0; i < 100; i++)
        deep = str_f(a, "%.*s[0,", STR_ARG(deep));
    CHECK_INT(place(deep).n, sizeof "192 " - 1 + 2 * JSON_DEPTH_MAX);
    struct buf wide = buf_new(a, 1 << 20);
    for (int i = 0; i < 50; i++)
        buf_addf(&wide, "{\"%060d\":", i);
    CHECK_INT(place(buf_str(&wide)).n,
              sizeof "3200 " - 1 + 61 * (JSON_PLACE_BYTES_MAX / 61)); /* an outer one's, whole */
}

/* What JSONTestSuite says a parser must accept and we refuse on purpose: a key given twice has two
 * meanings, and a NUL is not text anywhere in this program. */
static const char *const refused_on_purpose[] = {
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
    "y_object_escaped_null_in_key.json",
    "y_string_null_escape.json",
};

TEST(json_test_suite_is_answered_as_it_says_but_for_four_named_refusals)
{
    struct str rest = file(test_shared("data/json_parsing/cases.jsonl")), line;
    if (!rest.p)
        return;
    int accepted = 0, refused = 0, free_choice = 0, on_purpose = 0;
    while (str_split(&rest, '\n', &line)) {
        struct json *row, *v;
        if (line.n == 0)
            continue;
        CHECK(json_parse(a, line, &row, &e) == 0);
        struct str base64 = json_str(json_get(row, "bytes_base64")), name = json_str(json_get(row, "name"));
        struct str expect = json_str(json_get(row, "expect"));
        unsigned char *bytes = mem_get(base64.n + 1); /* exactly as long as the text, for the sanitizer */
        size_t n = 0;
        CHECK(sodium_base642bin(bytes, base64.n, base64.p, base64.n, NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL) ==
              0);
        bytes = mem_resize(bytes, n);
        bool ok = json_parse(a, (struct str){(char *)bytes, n}, &v, &e) == 0;
        bool ours = false;
        for (size_t i = 0; i < sizeof refused_on_purpose / sizeof *refused_on_purpose; i++)
            ours = ours || str_is(name, refused_on_purpose[i]);
        bool right = ours || str_is(expect, "reject") ? !ok : str_is(expect, "accept") ? ok : true;
        if (!right)
            print_error("%.*s: %s\n", STR_ARG(name), ok ? "accepted" : e.text);
        CHECK(right);
        on_purpose += ours;
        free_choice += str_is(expect, "either");
        accepted += ok;
        refused += !ok;
        if (ok) { /* and what was read can be written and read again */
            struct json *again;
            CHECK(json_parse(a, json_text(a, v), &again, &e) == 0 && json_same(v, again));
        }
        free(bytes);
    }
    print_message("JSONTestSuite: %d accepted, %d refused (%d of them on purpose, %d were a free choice)\n", accepted,
                  refused, on_purpose, free_choice);
    CHECK(accepted + refused == 316 && on_purpose == 4);
}

TEST(naughty_strings_survive_a_round_trip)
{
    struct str text = file(test_shared("data/naughty_strings/blns.json"));
    if (!text.p)
        return;
    struct json *v, *again;
    CHECK(json_parse(a, text, &v, &e) == 0 && v->n > 500);
    CHECK(json_parse(a, json_text(a, v), &again, &e) == 0);
    CHECK(json_same(v, again));
    CHECK_STR(json_text(a, again), json_text(a, v).p);
}

/* A random value, with a bias towards what is hard: escapes, accents, empty things, odd numbers. */
static void random_value(struct json_writer *w, uint64_t *seed, int depth)
{
    static const char *const texts[] = {
        "", "a", "key", "\u00e9", "\"\\/\b\f\n\r\t\x01", "\U0001F600 x", "a longer text, plain", "e\u0301"};
    static const char *const numbers[] = {
        "0", "-0", "-1", "1.5", "1e5", "1E-7", "9007199254740993", "0.1", "123456789012.25", "-2.5e+3"};
    uint64_t r = rng_next(seed);
    unsigned pick = r % 8, n = r >> 8 & 7;
    if (depth == 0 && pick >= 6)
        pick = 0;
    switch (pick) {
    case 0: json_put_null(w); return;
    case 1: json_put_bool(w, r >> 16 & 1); return;
    case 2:
    case 3: json_put_raw(w, str_of(numbers[(r >> 16) % 10])); return;
    case 4:
    case 5: json_put_str(w, str_of(texts[(r >> 16) % 8])); return;
    case 6:
        json_open(w, '[');
        for (unsigned i = 0; i < n; i++)
            random_value(w, seed, depth - 1);
        json_close(w, ']');
        return;
    default:
        json_open(w, '{');
        for (unsigned i = 0; i < n; i++) {
            json_key_str(w, str_f(a, "%s%u", texts[rng_next(seed) % 8], i));
            random_value(w, seed, depth - 1);
        }
        json_close(w, '}');
    }
}

static struct str random_text(uint64_t *seed)
{
    struct buf text = buf_new(a, 1 << 20);
    random_value(&(struct json_writer){.out = &text}, seed, 5);
    return buf_str(&text);
}

static bool same_as_jansson(const struct json *v, json_t *j)
{
    switch (v->kind) {
    case JSON_NULL: return json_typeof(j) == JANSSON_NULL;
    case JSON_FALSE: return json_typeof(j) == JANSSON_FALSE;
    case JSON_TRUE: return json_typeof(j) == JANSSON_TRUE;
    case JSON_NUMBER: return json_typeof(j) == JANSSON_REAL && json_num(v, NAN) == json_real_value(j);
    case JSON_STRING: return json_typeof(j) == JANSSON_STRING && str_eq(v->text, str_of(json_string_value(j)));
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
    bool object = v->kind == JSON_OBJECT;
    if (json_typeof(j) != (object ? JANSSON_OBJECT : JANSSON_ARRAY))
        return false;
    size_t i = 0;
    for (const struct json *c = v->child; c; c = c->next) {
        json_t *member = object ? json_object_get(j, str_c(a, c->key)) : json_array_get(j, i);
        if (!member || !same_as_jansson(c, member))
            return false;
        i++;
    }
    return i == v->n && i == (object ? json_object_size(j) : json_array_size(j));
}

TEST(jansson_reads_the_same_from_five_thousand_random_documents)
{
    uint64_t seed = 11;
    for (int i = 0; i < 5000; i++) {
        struct str text = random_text(&seed);
        struct json *v;
        json_error_t j_error;
        CHECK(json_parse(a, text, &v, &e) == 0);
        CHECK(str_eq(json_text(a, v), text));
        json_t *j = json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &j_error);
        CHECK(j && same_as_jansson(v, j));
        json_decref(j);
        arena_reset(a);
    }
}

TEST(jansson_refuses_what_we_refuse_when_a_document_is_damaged)
{
    uint64_t seed = 12;
    int refused = 0, stricter = 0;
    for (int i = 0; i < 20000; i++) {
        struct str text = random_text(&seed);
        static const char damage[] = "\"\\{}[],:.-+e0 u\x01\x80\xc3\xff";
        char *p = (char *)(uintptr_t)text.p;
        p[rng_next(&seed) % text.n] = damage[rng_next(&seed) % (sizeof damage - 1)];
        struct json *v;
        json_error_t j_error;
        bool ours = json_parse(a, text, &v, &e) == 0;
        json_t *j =
            json_loadb(text.p, text.n,
                       JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &j_error);
        refused += !ours;
        stricter += j && !ours;
        if (ours && !j)
            print_error("only jansson refuses %.*s: %s\n", STR_ARG(text), j_error.text);
        if (j && !ours && !strstr(e.text, "beyond a double") && !strstr(e.text, "NUL"))
            print_error("only we refuse %.*s: %s\n", STR_ARG(text), e.text);
        CHECK(!ours || j);
        CHECK(ours || !j || strstr(e.text, "beyond a double") || strstr(e.text, "NUL"));
        json_decref(j);
        arena_reset(a);
    }
    print_message("20000 damaged documents: %d refused, %d of them by us alone (NUL, 1e999)\n", refused, stricter);
    CHECK(refused > 1000);
}

TEST(the_canonical_form_is_one_text_for_one_value)
{
    CHECK_STR(canonical("{\"b\":1,\"a\":{\"z\":[],\"y\":{}}}"), "{\"a\":{\"y\":{},\"z\":[]},\"b\":1}");
    CHECK_STR(canonical("[1.0,1e0,10E-1,0.1e1,1]"), "[1,1,1,1,1]");
    CHECK_STR(canonical("[-0,0.0,0e9,-0.00e-9]"), "[0,0,0,0]");
    CHECK_STR(canonical("[1E2,1.50,-12.3400e1,0.001e3]"), "[100,1.5,-123.4,1]");
    CHECK_STR(canonical("[0.000001,1e-7,12.5e-9,0.00001234]"), "[0.000001,1e-7,1.25e-8,0.00001234]");
    CHECK_STR(canonical("[12345678901234567890123,1e22,123456789.123456789123456789]"),
              "[12345678901234567890123,10000000000000000000000,123456789.123456789123456789]");
    CHECK_STR(canonical("\"\\u0041\\/\\u000a\\u001f\\u00e9 e\u0301 \x7f\""), "\"A/\\n\\u001f\u00e9 \u00e9 \x7f\"");
    CHECK_STR(canonical("{\"e\u0301\":1,\"f\":2,\"\":3}"), "{\"\":3,\"f\":2,\"\u00e9\":1}");
    CHECK_STR(canonical("{\"aa\":1,\"a\":2,\"B\":3}"), "{\"B\":3,\"a\":2,\"aa\":1}");
}

/* The members of every object in the opposite order; numbers as another program might spell them. */
static struct json *respelt(const struct json *v)
{
    struct json *out = json_new(a, v->kind);
    if (v->kind == JSON_STRING)
        out->text = v->text;
    if (v->kind == JSON_NUMBER)
        out->text = str_find(v->text, STR(".")) < 0 && str_int(v->text, &(int64_t){0}) == 0
                        ? str_f(a, "%.*s.00e0", STR_ARG(v->text))
                        : v->text;
    for (uint32_t i = v->n; i-- > 0 && v->kind == JSON_OBJECT;) {
        const struct json *c = v->child;
        for (uint32_t skip = i; skip; skip--)
            c = c->next;
        json_set(out, c->key, respelt(c));
    }
    for (const struct json *c = v->child; c && v->kind == JSON_ARRAY; c = c->next)
        json_push(out, respelt(c));
    return out;
}

TEST(canonical_texts_are_equal_when_values_are_and_only_then)
{
    uint64_t seed = 13;
    struct arena *kept = arena_new("kept", 0);
    struct json *before = NULL;
    for (int i = 0; i < 3000; i++) {
        struct json *v, *again;
        CHECK(json_parse(a, random_text(&seed), &v, &e) == 0);
        struct str text = json_canonical(a, v);
        CHECK(json_parse(a, text, &again, &e) == 0);
        CHECK(str_eq(json_canonical(a, again), text)); /* a fixed point */
        struct json *other = respelt(v);
        CHECK(json_same(v, other) && str_eq(json_canonical(a, other), text));
        if (before) {
            bool same_text = str_eq(json_canonical(a, before), text);
            CHECK(!json_same(v, before) || same_text);
        }
        before = json_copy(kept, v);
        arena_reset(a);
    }
    arena_free(kept);
}

TEST(equality_goes_by_value)
{
    CHECK(json_same(parse("{\"a\":1,\"b\":[2.0]}"), parse("{\"b\":[2],\"a\":1e0}")));
    CHECK(!json_same(parse("{\"a\":1}"), parse("{\"a\":2}")) && !json_same(parse("{\"a\":1}"), parse("{\"b\":1}")));
    CHECK(!json_same(parse("[1,2]"), parse("[2,1]")) && !json_same(parse("1"), parse("\"1\"")));
    CHECK(!json_same(parse("0.1"), parse("0.10000000000000001"))); /* doubles could not tell */
    CHECK(json_same(NULL, NULL) && !json_same(parse("null"), NULL));
}

TEST(a_writer_puts_the_commas)
{
    struct buf out = buf_new(a, 1000);
    struct json_writer w = {.out = &out};
    json_open(&w, '{');
    json_pair_str(&w, "s", STR("q\"\\\x02\n\u00e9/"));
    json_pair_int(&w, "i", INT64_MIN);
    json_pair_bool(&w, "t", true);
    json_key(&w, "list");
    json_open(&w, '[');
    json_open(&w, '[');
    json_close(&w, ']');
    json_open(&w, '{');
    json_close(&w, '}');
    json_put_null(&w);
    json_put_raw(&w, STR("{\"raw\":1}"));
    json_put(&w, parse("[1,{\"x\":[]}]"));
    json_close(&w, ']');
    json_key_str(&w, STR("end"));
    json_put_num(&w, 0.1);
    json_close(&w, '}');
    CHECK_STR(buf_str(&out), "{\"s\":\"q\\\"\\\\\\u0002\\n\u00e9/\",\"i\":-9223372036854775808,\"t\":true,"
                             "\"list\":[[],{},null,{\"raw\":1},[1,{\"x\":[]}]],\"end\":0.1}");
}

TEST(a_double_is_written_with_the_fewest_digits_that_read_back)
{
    CHECK_STR(json_text(a, json_new_num(a, 0.1)), "0.1");
    CHECK_STR(json_text(a, json_new_num(a, 100)), "100");
    CHECK_STR(json_text(a, json_new_num(a, 0.1 + 0.2)), "0.30000000000000004");
    CHECK_STR(json_text(a, json_new_num(a, NAN)), "null");
    CHECK_STR(json_text(a, json_new_num(a, -INFINITY)), "null");
    uint64_t seed = 3;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = rng_next(&seed);
        double v;
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v))
            continue;
        struct json *back;
        CHECK(json_parse(a, json_text(a, json_new_num(a, v)), &back, &e) == 0 && json_num(back, NAN) == v);
        arena_reset(a);
    }
}

TEST(values_made_by_hand_grow_and_their_members_can_be_replaced)
{
    struct json *o = json_new(a, JSON_OBJECT), *list = json_new(a, JSON_ARRAY);
    json_set(o, STR("a"), json_new_int(a, 1));
    json_set(o, STR("list"), list);
    json_set(o, STR("a"), json_new_str(a, STR("two")));
    for (int i = 0; i < 3; i++)
        json_push(list, json_new_bool(i % 2, a));
    CHECK_STR(json_text(a, o), "{\"a\":\"two\",\"list\":[false,true,false]}");
    json_set(o, STR("list"), json_new(a, JSON_NULL));
    json_set(o, STR("z"), json_new_int(a, -5));
    CHECK_STR(json_text(a, o), "{\"a\":\"two\",\"list\":null,\"z\":-5}");
    CHECK_INT(o->n, 3);

    struct json by_hand = {.kind = JSON_ARRAY, .n = 1, .child = json_new_int(a, 1)};
    json_push(&by_hand, json_new_int(a, 2));
    CHECK_STR(json_text(a, &by_hand), "[1,2]");
    json_push(parse("[1]"), json_new_int(a, 2)); /* a parsed value can grow too */
}

TEST(a_copy_outlives_what_it_was_copied_from)
{
    struct arena *other = arena_new("other", 0);
    struct json *copy = json_copy(other, parse("{\"k\":[\"v\",{\"n\":1.50}]}"));
    arena_reset(a);
    memset(arena_alloc(a, 2000), 'x', 2000);
    CHECK_STR(json_text(a, copy), "{\"k\":[\"v\",{\"n\":1.50}]}");
    arena_free(other);
}

#define ROW(t) cmocka_unit_test_setup_teardown(t, make_arena, free_arena)
RUN(ROW(a_value_is_read_with_its_members_in_their_order), ROW(what_is_not_there_reads_as_the_default),
    ROW(whole_numbers_are_read_however_they_are_spelt),
    ROW(escapes_become_characters_and_plain_strings_stay_in_the_source), ROW(a_refusal_says_where_and_why),
    ROW(every_prefix_of_a_document_is_refused), ROW(a_hundred_thousand_brackets_fail_cleanly),
    ROW(the_deepest_document_allowed_is_read_and_one_level_more_is_not),
    ROW(a_duplicate_key_is_found_in_objects_of_every_size), ROW(a_refusal_has_the_byte_and_the_pointer_of_the_place),
    ROW(json_test_suite_is_answered_as_it_says_but_for_four_named_refusals), ROW(naughty_strings_survive_a_round_trip),
    ROW(jansson_reads_the_same_from_five_thousand_random_documents),
    ROW(jansson_refuses_what_we_refuse_when_a_document_is_damaged), ROW(the_canonical_form_is_one_text_for_one_value),
    ROW(canonical_texts_are_equal_when_values_are_and_only_then), ROW(equality_goes_by_value),
    ROW(a_writer_puts_the_commas), ROW(a_double_is_written_with_the_fewest_digits_that_read_back),
    ROW(values_made_by_hand_grow_and_their_members_can_be_replaced), ROW(a_copy_outlives_what_it_was_copied_from))
