#include "app/session.h"

#include "base/hash.h"
#include "base/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_HEX = 64, SIGNATURE_HEX = 40 };

static int load_key(struct arena *a, const char *path, struct str *out, struct err *e)
{
    char text[KEY_HEX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        unsigned char bytes[KEY_HEX / 2];
        rng_bytes(bytes, sizeof bytes);
        struct str hex = hash_hex(a, bytes, sizeof bytes);
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, hex.p, hex.n) != (ssize_t)hex.n || fsync(fd) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
            if (fd >= 0)
                close(fd);
            return err_set(e, ERR_IO, "%s cannot be made: %s", path, strerror(errno));
        }
    }
    struct stat st;
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : -1;
    bool open_to_others = fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 077);
    if (fd >= 0)
        close(fd);
    if (n != KEY_HEX)
        return err_set(e, ERR_IO, "%s does not hold a key of %d hex digits; remove it and a new one is made", path,
                       KEY_HEX);
    if (open_to_others)
        return err_set(e, ERR_DENIED, "%s can be read by others; do: chmod 600 %s", path, path);
    *out = str_copy(a, (struct str){text, sizeof text});
    return 0;
}

int sessions_load(struct arena *a, const char *dir, struct sessions *out, struct err *e)
{
    if (load_key(a, str_f(a, "%s/session.key", dir).p, &out->key, e) < 0)
        return e ? e->code : ERR_IO;
    return load_key(a, str_f(a, "%s/operator.token", dir).p, &out->operator_token, e);
}

static struct str signature(struct arena *a, const struct sessions *s, struct str signed_part)
{
    struct sha256 mac = hmac_of(s->key, signed_part);
    return hash_hex(a, mac.b, SIGNATURE_HEX / 2);
}

struct str session_token(struct arena *a, const struct sessions *s, struct str customer, int64_t expires_s)
{
    struct str part = str_f(a, "%.*s.%lld", STR_ARG(customer), (long long)expires_s);
    return str_f(a, "%.*s.%.*s", STR_ARG(part), STR_ARG(signature(a, s, part)));
}

static bool same(struct str a, struct str b)
{
    return a.n == b.n && a.n && sodium_memcmp(a.p, b.p, a.n) == 0;
}

int session_check(const struct sessions *s, struct str token, int64_t now_s, struct who *out)
{
    *out = (struct who){.customer = STR("")};
    if (same(token, s->operator_token)) {
        out->staff = true;
        return 0;
    }
    struct str rest = token, customer, expiry, given;
    int64_t expires_s;
    if (!str_split(&rest, '.', &customer) || !str_split(&rest, '.', &expiry) || !str_split(&rest, '.', &given) ||
        rest.p || !session_customer_ok(customer) || str_int(expiry, &expires_s) < 0)
        return ERR_DENIED;
    struct arena *a = arena_new("session", 1024);
    struct str part = {token.p, customer.n + 1 + expiry.n};
    bool good = same(signature(a, s, part), given) && now_s < expires_s;
    arena_free(a);
    out->customer = customer;
    return good ? 0 : ERR_DENIED;
}

bool session_customer_ok(struct str customer)
{
    for (size_t i = 0; i < customer.n; i++) {
        char c = customer.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return customer.n >= 1 && customer.n <= 64;
}
