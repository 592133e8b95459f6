#include "test.h"

#include "store/event.h"

TEST(every_kind_has_a_name_that_leads_back_to_it)
{
    for (int kind = 1; kind < EVENT_KINDS; kind++)
        CHECK(event_kind_of(str_of(event_name((enum event_kind)kind))) == (enum event_kind)kind);
    CHECK(event_kind_of(STR("message")) == EVENT_NONE);
    CHECK(event_kind_of(STR("")) == EVENT_NONE);
}

/* The expected hashes come from Python's hashlib over the bytes that docs/JOURNAL.md describes:
 *   a = sha256(bytes(32) + b'7|1|1767225600000000|2|{"text":"hi"}')
 *   b = sha256(a + b'7|2|1767225600000001|20|{"outcome":"replied"}') */
TEST(the_chain_is_the_one_of_the_document)
{
    struct arena *a = arena_new("test", 0);
    struct sha256 zero = {0};
    struct event first = {.conversation = 7,
                          .seq = 1,
                          .at_us = 1767225600000000,
                          .kind = EVENT_MESSAGE_RECEIVED,
                          .body = STR("{\"text\":\"hi\"}")};
    struct event second = {.conversation = 7,
                           .seq = 2,
                           .at_us = 1767225600000001,
                           .kind = EVENT_TURN_ENDED,
                           .body = STR("{\"outcome\":\"replied\"}")};
    first.sha = event_sha(&zero, &first);
    second.sha = event_sha(&first.sha, &second);
    CHECK_STR(hash_hex(a, first.sha.b, 32), "114331ce729938367f85ecff3a2b8ff20fef3a54ed879fc693bafc286315be01");
    CHECK_STR(hash_hex(a, second.sha.b, 32), "709885f13b48236dd957dcaac66fb2923481d0615145124a8db6d8b4b5dab1d9");
    arena_free(a);
}

TEST(each_member_of_an_event_moves_its_hash)
{
    struct sha256 zero = {0}, other = {.b = {1}};
    struct event ev = {.conversation = 7, .seq = 1, .at_us = 5, .kind = EVENT_CLOSED, .body = STR("{}")};
    struct sha256 sha = event_sha(&zero, &ev), moved = event_sha(&other, &ev);
    CHECK(!sha256_eq(&sha, &moved));
    struct event changed[] = {ev, ev, ev, ev, ev};
    changed[0].conversation = 71;
    changed[1].seq = 2;
    changed[2].at_us = 6;
    changed[3].kind = EVENT_RATING_GIVEN;
    changed[4].body = STR("{ }");
    for (int i = 0; i < 5; i++) {
        moved = event_sha(&zero, &changed[i]);
        CHECK(!sha256_eq(&sha, &moved));
    }
}

RUN(cmocka_unit_test(every_kind_has_a_name_that_leads_back_to_it),
    cmocka_unit_test(the_chain_is_the_one_of_the_document), cmocka_unit_test(each_member_of_an_event_moves_its_hash))
