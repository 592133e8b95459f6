/* Formats, each as its RFC says. */
#include "base/schema_words.h"

#include "base/clock.h"
#include "base/regex.h"

#define OCTET "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
#define IPV4  OCTET "(\\." OCTET "){3}"
#define H16   "[0-9A-Fa-f]{1,4}"
#define LS32  "(" H16 ":" H16 "|" IPV4 ")"
/* RFC 3986, 3.2.2; the same addresses as RFC 4291, 2.2 */
#define IPV6 \
    "((" H16 ":){6}" LS32 "|::(" H16 ":){5}" LS32 "|(" H16 ")?::(" H16 ":){4}" LS32 "|((" H16 ":){0,1}" H16 \
    ")?::(" H16 ":){3}" LS32 "|((" H16 ":){0,2}" H16 ")?::(" H16 ":){2}" LS32 "|((" H16 ":){0,3}" H16 ")?::" H16 \
    ":" LS32 "|((" H16 ":){0,4}" H16 ")?::" LS32 "|((" H16 ":){0,5}" H16 ")?::" H16 "|((" H16 ":){0,6}" H16 ")?::)"

#define LABEL "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"

/* RFC 3986, appendix A */
#define PCT   "%[0-9A-Fa-f]{2}"
#define SAFE  "-A-Za-z0-9._~!$&'()*+,;=" /* first in a class, for its hyphen */
#define PCHAR "([" SAFE ":@]|" PCT ")"
#define AUTHORITY \
    "(([" SAFE ":]|" PCT ")*@)?(\\[(" IPV6 "|v[0-9A-Fa-f]+\\.[" SAFE ":]+)\\]|([" SAFE "]|" PCT ")*)(:\\d*)?"
#define ROOTED      "//" AUTHORITY "(/" PCHAR "*)*|/(" PCHAR "+(/" PCHAR "*)*)?"
#define TAIL        "(\\?(" PCHAR "|[/?])*)?(#(" PCHAR "|[/?])*)?"
#define WITH_SCHEME "[A-Za-z][A-Za-z0-9+.-]*:(" ROOTED "|(" PCHAR "+(/" PCHAR "*)*)?)"
#define RELATIVE    "(" ROOTED "|(([" SAFE "@]|" PCT ")+(/" PCHAR "*)*)?)"

/* RFC 3339, appendix A */
#define DURATION_TIME "T(\\d+S|\\d+M(\\d+S)?|\\d+H(\\d+M(\\d+S)?)?)"
#define DURATION_DATE "(\\d+D|\\d+M(\\d+D)?|\\d+Y(\\d+M(\\d+D)?)?)"

static int two_digits(struct str s, size_t at)
{
    return (s.p[at] - '0') * 10 + (s.p[at + 1] - '0');
}

static bool is_date(struct str s)
{
    int64_t days;
    return regex_match(STR("^\\d{4}-\\d\\d-\\d\\d$"), s) && clock_days(s, &days) == 0;
}

/* RFC 3339. A leap second exists only at the end of a day in UTC. */
static bool is_time(struct str s)
{
    if (!regex_match(STR("^\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?([Zz]|[+-]\\d\\d:\\d\\d)$"), s))
        return false;
    int hour = two_digits(s, 0), minute = two_digits(s, 3), second = two_digits(s, 6), offset = 0;
    if ((s.p[s.n - 1] | 0x20) != 'z') {
        int hours = two_digits(s, s.n - 5), minutes = two_digits(s, s.n - 2);
        if (hours > 23 || minutes > 59)
            return false;
        offset = (hours * 60 + minutes) * (s.p[s.n - 6] == '-' ? -1 : 1);
    }
    bool last_minute = (hour * 60 + minute - offset + 2 * 1440) % 1440 == 1439;
    return hour < 24 && minute < 60 && (second < 60 || (second == 60 && last_minute));
}

static bool is_date_time(struct str s)
{
    return s.n > 11 && (s.p[10] | 0x20) == 't' && is_date(str_head(s, 10)) && is_time(str_from(s, 11));
}

/* RFC 5321's mailbox, without comments and with a loose look at addresses in brackets. */
static bool is_email(struct str s)
{
    return s.n <= 320 && regex_match(STR("^([\\w!#$%&'*+/=?^`{|}~-]+(\\.[\\w!#$%&'*+/=?^`{|}~-]+)*|"
                                         "\"([ !#-\\[\\]-~]|\\\\[ -~])*\")@"
                                         "(" LABEL "(\\." LABEL ")*|\\[(" IPV4 "|IPv6:" IPV6 ")\\])$"),
                                     s);
}

static const struct {
    const char *name, *must;
    bool (*is)(struct str s);
    const char *pattern; /* where `is` is NULL */
} formats[] = {
    {"date", "a date like 2026-11-22", is_date, NULL},
    {"time", "a time of day like 07:45:00Z", is_time, NULL},
    {"date-time", "a time like 2026-11-22T07:45:00Z", is_date_time, NULL},
    {"duration", "a duration like P3D or PT1H30M", NULL,
     "^P(\\d+W|" DURATION_DATE "(" DURATION_TIME ")?|" DURATION_TIME ")$"},
    {"email", "an e-mail address", is_email, NULL},
    {"ipv4", "an IPv4 address like 192.0.2.1", NULL, "^" IPV4 "$"},
    {"ipv6", "an IPv6 address like 2001:db8::1", NULL, "^" IPV6 "$"},
    {"uuid", "a UUID", NULL, "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"},
    {"uri", "a URI with its scheme", NULL, "^" WITH_SCHEME TAIL "$"},
    {"uri-reference", "a URI reference", NULL, "^(" WITH_SCHEME "|" RELATIVE ")" TAIL "$"},
    {"json-pointer", "a JSON Pointer like /a/0", NULL, "^(/([^~/]|~[01])*)*$"},
    {"relative-json-pointer", "a relative JSON Pointer like 1/a", NULL, "^(0|[1-9]\\d*)(#|(/([^~/]|~[01])*)*)$"},
};

const char *format_wrong(struct str format, struct str text)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (str_is(format, formats[i].name)) {
            bool right = formats[i].is ? formats[i].is(text) : regex_match(str_of(formats[i].pattern), text);
            return right ? NULL : formats[i].must;
        }
    return NULL;
}

/* A host name may be one of xn--..., which takes the tables of IDNA to judge. */
bool format_missing(struct str format)
{
    static const char *const names[] = {"hostname",      "idn-email",    "idn-hostname", "iri",
                                        "iri-reference", "uri-template", "regex"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_is(format, names[i]))
            return true;
    return false;
}
