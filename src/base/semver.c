#include "base/semver.h"

const char *semver_step_name(enum semver_step step)
{
    static const char *const names[] = {"none", "patch", "minor", "major"};
    return names[step];
}

/* Up to three numbers between points; gives how many, 0 when it is none of that. */
static int numbers(struct str text, uint32_t out[3])
{
    struct str rest = text, part;
    int n = 0;
    for (; str_split(&rest, '.', &part); n++) {
        int64_t v = 0;
        if (n == 3 || part.n == 0 || part.n > 9 || (part.n > 1 && part.p[0] == '0'))
            return 0;
        for (size_t i = 0; i < part.n; i++) {
            if (part.p[i] < '0' || part.p[i] > '9')
                return 0;
            v = 10 * v + (part.p[i] - '0');
        }
        out[n] = (uint32_t)v;
    }
    return n;
}

int semver_parse(struct str text, struct semver *out, struct err *e)
{
    uint32_t v[3] = {0};
    if (!text.p || numbers(text, v) != 3)
        return err_set(e, ERR_INVALID, "\"%.*s\" is no version; write three numbers, such as 1.0.0",
                       STR_ARG(str_head(text, 60)));
    *out = (struct semver){v[0], v[1], v[2]};
    return 0;
}

static struct semver after_major(struct semver v)
{
    return (struct semver){v.major + 1, 0, 0};
}

static struct semver after_minor(struct semver v)
{
    return (struct semver){v.major, v.minor + 1, 0};
}

static struct semver after_patch(struct semver v)
{
    return (struct semver){v.major, v.minor, v.patch + 1};
}

int semver_range_parse(struct str text, struct semver_range *out, struct err *e)
{
    char sign = text.n && (text.p[0] == '^' || text.p[0] == '~') ? text.p[0] : 0;
    uint32_t v[3] = {0};
    int n = text.p ? numbers(str_from(text, sign ? 1 : 0), v) : 0;
    if (n == 0 || (!sign && n < 3))
        return err_set(e, ERR_INVALID, "\"%.*s\" is no version or range; write 1.4.2, ^1.4 or ~1.4.2",
                       STR_ARG(str_head(text, 60)));
    struct semver from = {v[0], v[1], v[2]};
    out->from = from;
    if (!sign)
        out->below = after_patch(from);
    else if (n == 1 || (sign == '^' && from.major > 0))
        out->below = after_major(from);
    else if (sign == '^' && n == 3 && from.minor == 0)
        out->below = after_patch(from); /* of 0.0.x each is its own */
    else
        out->below = after_minor(from);
    return 0;
}

static int cmp(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

int semver_cmp(struct semver a, struct semver b)
{
    int r = cmp(a.major, b.major);
    r = r ? r : cmp(a.minor, b.minor);
    return r ? r : cmp(a.patch, b.patch);
}

bool semver_in(struct semver v, struct semver_range range)
{
    return semver_cmp(range.from, v) <= 0 && semver_cmp(v, range.below) < 0;
}

struct semver semver_next(struct semver v, enum semver_step step)
{
    switch (step) {
    case SEMVER_NONE: return v;
    case SEMVER_PATCH: return after_patch(v);
    case SEMVER_MINOR: return v.major ? after_minor(v) : after_patch(v);
    case SEMVER_MAJOR: break;
    }
    return v.major ? after_major(v) : after_minor(v);
}

enum semver_step semver_between(struct semver from, struct semver to)
{
    if (from.major != to.major || (from.major == 0 && from.minor != to.minor))
        return SEMVER_MAJOR;
    if (from.minor != to.minor)
        return SEMVER_MINOR;
    if (from.patch == to.patch)
        return SEMVER_NONE;
    return from.major ? SEMVER_PATCH : SEMVER_MINOR; /* of 0.x.y a patch may add */
}

struct str semver_text(struct arena *a, struct semver v)
{
    return str_f(a, "%u.%u.%u", v.major, v.minor, v.patch);
}
