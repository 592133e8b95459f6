#include "test.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/rng.h"

static int deferred_sum;

static void add_one(void *x)
{
    deferred_sum = deferred_sum * 10 + *(int *)x;
}

TEST(an_arena_gives_back_what_is_not_memory_newest_first)
{
    struct arena *a = arena_new("test", 64);
    int one = 1, two = 2;
    deferred_sum = 0;
    arena_defer(a, add_one, &one);
    arena_defer(a, add_one, &two);
    arena_free(a);
    CHECK_INT(deferred_sum, 21);
}

TEST(an_arena_serves_blocks_larger_than_its_first)
{
    struct arena *a = arena_new("test", 64);
    char *p = arena_alloc(a, 100000);
    for (int i = 0; i < 100000; i++)
        CHECK(p[i] == 0);
    arena_reset(a);
    CHECK(arena_bytes(a) == 64);
    arena_free(a);
}

TEST(a_buf_is_cut_at_its_bound_and_says_so)
{
    struct arena *a = arena_new("test", 0);
    struct buf b = buf_new(a, 5);
    buf_adds(&b, "four");
    CHECK(!b.cut);
    buf_adds(&b, "five");
    CHECK(b.cut);
    CHECK_STR(buf_str(&b), "fourf");
    arena_free(a);
}

TEST(splitting_gives_every_part_also_the_empty_ones)
{
    struct str rest = STR("a,,b"), part;
    char seen[16] = "";
    while (str_split(&rest, ',', &part))
        snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "[%.*s]", STR_ARG(part));
    assert_string_equal(seen, "[a][][b]");
}

TEST(a_number_out_of_range_is_refused)
{
    int64_t v;
    CHECK(str_int(STR("9223372036854775807"), &v) == 0 && v == INT64_MAX);
    CHECK(str_int(STR("-9223372036854775808"), &v) == 0 && v == INT64_MIN);
    CHECK(str_int(STR("9223372036854775808"), &v) < 0);
    CHECK(str_int(STR("12a"), &v) < 0 && str_int(STR(""), &v) < 0 && str_int(STR("-"), &v) < 0);
}

TEST(numbers_are_written_as_printf_writes_them)
{
    const int64_t v[] = {0, 7, -1, 10, 99, -100, 1795333500000000, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        char ours[STR_INT_BYTES], theirs[STR_INT_BYTES + 4];
        size_t n = (size_t)(str_put_int(ours, v[i]) - ours);
        CHECK(n == (size_t)snprintf(theirs, sizeof theirs, "%lld", (long long)v[i]));
        CHECK(memcmp(ours, theirs, n) == 0);
    }
}

TEST(dates_go_to_days_and_back_and_false_dates_are_refused)
{
    struct arena *a = arena_new("test", 0);
    int64_t days;
    for (int64_t d = -200000; d < 200000; d += 37) {
        CHECK(clock_days(clock_date_of_days(a, d), &days) == 0);
        CHECK(days == d);
    }
    CHECK(clock_days(STR("2024-02-29"), &days) == 0);
    CHECK(clock_days(STR("2026-02-29"), &days) < 0);
    CHECK(clock_days(STR("2026-13-01"), &days) < 0);
    CHECK_STR(clock_iso(a, 1795333500000000), "2026-11-22T07:45:00Z");
    arena_free(a);
}

TEST(sha256_matches_fips_180_and_hmac_rfc_4231)
{
    struct arena *a = arena_new("test", 0);
    struct sha256 h = sha256_of(STR("abc"));
    CHECK_STR(hash_hex(a, h.b, 32), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    h = hmac_of(STR("Jefe"), STR("what do ya want for nothing?"));
    CHECK_STR(hash_hex(a, h.b, 32), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    unsigned char back[32];
    CHECK(hash_unhex(hash_hex(a, h.b, 32), back, 32) == 0 && memcmp(back, h.b, 32) == 0);
    arena_free(a);
}

TEST(base32_gives_five_bits_a_digit)
{
    struct arena *a = arena_new("test", 0);
    CHECK_STR(hash_base32(a, (const unsigned char *)"\xff\xff\xff\xff\xff", 5), "zzzzzzzz");
    CHECK_STR(hash_base32(a, (const unsigned char *)"\x00\x01", 2), "000g");
    arena_free(a);
}

TEST(a_seeded_process_repeats_its_randomness)
{
    rng_seed(7);
    uint64_t one = rng_u64();
    rng_seed(7);
    CHECK(rng_u64() == one);
    rng_seed(0);
    CHECK(rng_id(1000) > 0 && rng_id(2000000) > rng_id(1000000));
}

RUN(cmocka_unit_test(an_arena_gives_back_what_is_not_memory_newest_first),
    cmocka_unit_test(an_arena_serves_blocks_larger_than_its_first),
    cmocka_unit_test(a_buf_is_cut_at_its_bound_and_says_so),
    cmocka_unit_test(splitting_gives_every_part_also_the_empty_ones),
    cmocka_unit_test(a_number_out_of_range_is_refused), cmocka_unit_test(numbers_are_written_as_printf_writes_them),
    cmocka_unit_test(dates_go_to_days_and_back_and_false_dates_are_refused),
    cmocka_unit_test(sha256_matches_fips_180_and_hmac_rfc_4231), cmocka_unit_test(base32_gives_five_bits_a_digit),
    cmocka_unit_test(a_seeded_process_repeats_its_randomness))
