#include "test.h"

#include "net/address.h"

TEST(special_ranges_are_not_public_whatever_their_form)
{
    static const char *const inside[] = {"127.0.0.1",
                                         "10.0.0.1",
                                         "172.16.0.1",
                                         "172.31.255.255",
                                         "192.168.1.1",
                                         "169.254.169.254",
                                         "100.64.0.1",
                                         "0.0.0.0",
                                         "224.0.0.1",
                                         "255.255.255.255",
                                         "192.0.2.9",
                                         "198.19.0.1",
                                         "::1",
                                         "::",
                                         "fe80::1%eth0",
                                         "fd00::1",
                                         "::ffff:10.0.0.1",
                                         "64:ff9b::a00:1",
                                         "2002:a00:1::1",
                                         "ff02::1",
                                         "2001:db8::1",
                                         "::127.0.0.1",
                                         "",
                                         "example.com",
                                         "1.2.3"};
    static const char *const outside[] = {"8.8.8.8",     "172.32.0.1",           "172.15.255.255", "100.128.0.1",
                                          "11.0.0.1",    "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808",
                                          "192.167.1.1", "223.255.255.255"};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        if (address_allowed(inside[i], NULL, 0))
            fail_msg("%s", inside[i]);
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        if (!address_allowed(outside[i], NULL, 0))
            fail_msg("%s", outside[i]);
    CHECK(!address_allowed(NULL, NULL, 0));
}

TEST(a_listed_range_is_allowed_and_no_bit_more)
{
    struct address_range r[2];
    CHECK_INT(address_range_read(STR("10.1.128.0/17"), &r[0], NULL), 0);
    CHECK_INT(address_range_read(STR("fd00:1::/32"), &r[1], NULL), 0);
    CHECK(address_allowed("10.1.128.1", r, 2) && address_allowed("10.1.255.255", r, 2));
    CHECK(!address_allowed("10.1.127.255", r, 2) && !address_allowed("10.2.128.1", r, 2));
    CHECK(address_allowed("::ffff:10.1.200.1", r, 2) && address_allowed("fd00:1::7", r, 2));
    CHECK(!address_allowed("fd00:2::7", r, 2));
    CHECK_INT(address_range_read(STR("127.0.0.1"), &r[0], NULL), 0);
    CHECK(address_allowed("127.0.0.1", r, 1) && !address_allowed("127.0.0.2", r, 1));
}

TEST(what_is_no_range_is_refused)
{
    struct address_range r;
    struct err e;
    static const char *const wrong[] = {"",         "/8",         "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/x",
                                        "10.0.0/8", "fd00::/129", "host/8",      "10.0.0.0/8/8"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (address_range_read(str_of(wrong[i]), &r, &e) == 0)
            fail_msg("%s", wrong[i]);
}

RUN(cmocka_unit_test(special_ranges_are_not_public_whatever_their_form),
    cmocka_unit_test(a_listed_range_is_allowed_and_no_bit_more), cmocka_unit_test(what_is_no_range_is_refused))
