#include "net/framing.h"

#include <string.h>

enum state {
    METHOD, /* between requests as long as nothing of it came */
    SCHEME, /* the target in absolute form: http://host/path */
    AUTHORITY,
    TARGET,
    VERSION,
    LINE_LF,
    NAME,
    VALUE,
    VALUE_LF,
    HEAD_LF,
    BODY,
    CHUNK_SIZE,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_CR,
    CHUNK_LF,
    LAST_CR,
    LAST_LF
};

enum special { PLAIN, CONTENT_LENGTH, TRANSFER_ENCODING, HOST, EXPECT, CONNECTION };

static const struct {
    const char *name;
    enum special special;
} specials[] = {
    {"content-length", CONTENT_LENGTH}, {"transfer-encoding", TRANSFER_ENCODING}, {"host", HOST}, {"expect", EXPECT},
    {"connection", CONNECTION},
};

static const struct {
    const char *name;
    bool may_have_body;
} methods[] = {
    {"GET", false},    {"POST", true},  {"PUT", true},      {"PATCH", true},
    {"DELETE", false}, {"HEAD", false}, {"OPTIONS", false},
};

/* token: tchar of RFC 9110; value: field-vchar, SP, HTAB and obs-text; host: what a host and a port are made of. */
enum { TOKEN = 1, VAL = 2, HOSTS = 4, TARGETS = 8, ANY = TOKEN | VAL | HOSTS | TARGETS };
static const unsigned char classes[256] = {
    ['\t'] = VAL,
    [' '] = VAL,
    [0x80 ... 0xff] = VAL,
    ['0' ... '9'] = ANY,
    ['A' ... 'Z'] = ANY,
    ['a' ... 'z'] = ANY,
    ['.'] = ANY,
    ['-'] = ANY,
    ['_'] = ANY,
    [':'] = VAL | HOSTS | TARGETS,
    ['['] = VAL | HOSTS | TARGETS,
    [']'] = VAL | HOSTS | TARGETS,
    ['!'] = TOKEN | VAL | TARGETS,
    ['$' ... '\''] = TOKEN | VAL | TARGETS,
    ['*'] = TOKEN | VAL | TARGETS,
    ['+'] = TOKEN | VAL | TARGETS,
    ['^'] = TOKEN | VAL | TARGETS,
    ['`'] = TOKEN | VAL | TARGETS,
    ['|'] = TOKEN | VAL | TARGETS,
    ['~'] = TOKEN | VAL | TARGETS,
    ['#'] = TOKEN | VAL,
    ['"'] = VAL | TARGETS,
    ['('] = VAL | TARGETS,
    [')'] = VAL | TARGETS,
    [','] = VAL | TARGETS,
    ['/'] = VAL | TARGETS,
    [';' ... '@'] = VAL | TARGETS,
    ['\\'] = VAL | TARGETS,
    ['{'] = VAL | TARGETS,
    ['}'] = VAL | TARGETS,
};

static bool is(char c, int class)
{
    return classes[(unsigned char)c] & class;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool refuse(struct framing *f, int status, const char *why)
{
    f->status = status;
    f->why = why;
    return false;
}

static void message_begin(struct framing *f)
{
    *f = (struct framing){
        .messages = f->messages, .head_bytes_max = f->head_bytes_max, .body_bytes_max = f->body_bytes_max};
}

static bool message_end(struct framing *f)
{
    f->messages++;
    message_begin(f);
    return true;
}

void framing_begin(struct framing *f, size_t head_bytes_max, uint64_t body_bytes_max)
{
    *f = (struct framing){.head_bytes_max = head_bytes_max, .body_bytes_max = body_bytes_max};
}

enum framing_phase framing_phase(const struct framing *f)
{
    if (f->state >= BODY)
        return FRAMING_BODY;
    return f->state == METHOD && f->head_bytes == 0 ? FRAMING_BETWEEN : FRAMING_HEAD;
}

uint64_t framing_body_left(const struct framing *f)
{
    return f->state == BODY ? f->left : 0;
}

static bool name_is(const struct framing *f, const char *text)
{
    return strlen(text) == f->name_n && memcmp(f->name, text, f->name_n) == 0;
}

static bool value_is(const struct framing *f, const char *text)
{
    return strlen(text) == f->value_n && memcmp(f->value, text, f->value_n) == 0;
}

/* Remembers the start of a name; a longer one is none that matters here. */
static void name_add(struct framing *f, char c)
{
    if (f->name_n < sizeof f->name)
        f->name[f->name_n++] = c;
}

static bool method_done(struct framing *f)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (!name_is(f, methods[i].name))
            continue;
        f->may_have_body = methods[i].may_have_body;
        f->state = TARGET;
        return true;
    }
    return refuse(f, f->name_n ? 501 : 400,
                  f->name_n ? "This method is not known here." : "The request line is empty.");
}

static bool method_byte(struct framing *f, char c)
{
    if (c == ' ')
        return method_done(f);
    if (!is(c, TOKEN))
        return refuse(f, 400, "The method has a wrong character.");
    name_add(f, c);
    return true;
}

/* "/path?query", but not "//": libevent would take what follows for a host. */
static bool target_byte(struct framing *f, char c)
{
    if (c == ' ' && f->target_bytes) {
        f->name_n = 0;
        f->state = VERSION;
        return true;
    }
    if (f->target_bytes == 0 && (c == 'h' || c == 'H')) {
        f->target_bytes = 1;
        f->state = SCHEME;
        return true;
    }
    if (!is(c, TARGETS) || (f->target_bytes == 0 && c != '/') || (f->target_bytes == 1 && c == '/'))
        return refuse(f, 400, "The target must be a path that begins with one '/'.");
    if (++f->target_bytes > FRAMING_TARGET_BYTES_MAX)
        return refuse(f, 414, "The target is longer than 8192 bytes.");
    return true;
}

static bool scheme_byte(struct framing *f, char c)
{
    static const char scheme[] = "http://";
    if (lower(c) != scheme[f->target_bytes])
        return refuse(f, 400, "The target must be a path or an http address.");
    if (++f->target_bytes == sizeof scheme - 1)
        f->state = AUTHORITY;
    return true;
}

/* A name or IPv4 address and perhaps a port. Brackets are refused: whoever asks for an IPv6 address in
 * this rare form has other forms. */
static bool authority_byte(struct framing *f, char c)
{
    bool in_port = f->value_ended, has_text = f->value_n > 0;
    if (c == '/' && has_text) {
        f->value_ended = false;
        f->length = 0;
        f->target_bytes++;
        f->state = TARGET;
        return true;
    }
    if (c == ':' && has_text && !in_port) {
        f->value_ended = true;
        f->value_n = 0;
        return true;
    }
    f->length = in_port ? f->length * 10 + (uint64_t)(c - '0') : 0;
    bool right = in_port ? c >= '0' && c <= '9' && f->length <= 65535 : is(c, TOKEN) && is(c, HOSTS);
    if (!right || ++f->target_bytes > 300)
        return refuse(f, 400, "The target's host is malformed.");
    f->value_n = 1;
    return true;
}

static bool version_byte(struct framing *f, char c)
{
    if (c != '\r') {
        if (!is(c, TARGETS) || f->name_n == sizeof f->name)
            return refuse(f, 400, "The request line is malformed.");
        name_add(f, c);
        return true;
    }
    f->is_http_1_0 = name_is(f, "HTTP/1.0");
    f->state = LINE_LF;
    if (f->is_http_1_0 || name_is(f, "HTTP/1.1"))
        return true;
    bool other = f->name_n == 8 && memcmp(f->name, "HTTP/", 5) == 0 && f->name[6] == '.';
    return refuse(f, other ? 505 : 400,
                  other ? "Only HTTP/1.0 and HTTP/1.1 are spoken here." : "The request line is malformed.");
}

static bool line_end(struct framing *f, char c)
{
    if (c != '\n')
        return refuse(f, 400, "A CR stands alone.");
    f->name_n = 0;
    f->state = NAME;
    return true;
}

static bool name_byte(struct framing *f, char c)
{
    if (c == ':' && f->name_n) {
        f->special = PLAIN;
        for (size_t i = 0; i < sizeof specials / sizeof *specials; i++)
            if (name_is(f, specials[i].name))
                f->special = (uint8_t)specials[i].special;
        f->value_n = 0;
        f->value_ended = false;
        f->state = VALUE;
        return true;
    }
    if (c == '\r' && f->name_n == 0) {
        f->state = HEAD_LF;
        return true;
    }
    if (!is(c, TOKEN))
        return refuse(f, 400, "A header's name has a wrong character, or a header is folded.");
    name_add(f, lower(c));
    return true;
}

/* The values that decide where the message ends must be one word; white space may stand around it. */
static bool special_value_byte(struct framing *f, char c)
{
    if (c == ' ' || c == '\t') {
        f->value_ended = f->value_n > 0;
        return true;
    }
    if (f->special == HOST ? !is(c, HOSTS) || f->value_ended : f->value_ended && f->special != CONNECTION)
        return refuse(
            f, 400, f->special == HOST ? "The Host header is malformed." : "A framing header has more than one value.");
    if (f->special != HOST && f->value_n < sizeof f->value)
        f->value[f->value_n++] = lower(c);
    if (f->special == HOST)
        f->value_n = 1;
    return true;
}

static bool value_byte(struct framing *f, char c)
{
    if (c == '\r') {
        f->state = VALUE_LF;
        return true;
    }
    if (!is(c, VAL))
        return refuse(f, 400, "A header's value has a control character.");
    return f->special == PLAIN || special_value_byte(f, c);
}

static bool length_done(struct framing *f)
{
    if (f->has_length)
        return refuse(f, 400, "There are two Content-Length headers.");
    if (f->value_n == 0 || f->value_n > 18)
        return refuse(f, 400, "Content-Length is not a number.");
    f->length = 0;
    for (int i = 0; i < f->value_n; i++) {
        if (f->value[i] < '0' || f->value[i] > '9')
            return refuse(f, 400, "Content-Length is not a number.");
        f->length = f->length * 10 + (uint64_t)(f->value[i] - '0');
    }
    f->has_length = true;
    return true;
}

static bool header_done(struct framing *f)
{
    f->state = NAME;
    f->name_n = 0;
    if (++f->headers_n > FRAMING_HEADERS_MAX)
        return refuse(f, 431, "There are more than 100 headers.");
    switch (f->special) {
    case CONTENT_LENGTH: return length_done(f);
    case TRANSFER_ENCODING:
        if (f->is_chunked || !value_is(f, "chunked"))
            return refuse(f, 400, "Transfer-Encoding must be chunked, once.");
        f->is_chunked = true;
        return true;
    case HOST:
        if (f->value_n == 0 || f->hosts_n++)
            return refuse(f, 400, "There must be one Host header.");
        return true;
    case EXPECT: return value_is(f, "100-continue") || refuse(f, 417, "Only 100-continue can be expected.");
    case CONNECTION: f->has_connection = !value_is(f, "close"); return true;
    default: return true;
    }
}

static bool head_done(struct framing *f)
{
    if (f->hosts_n == 0 && !f->is_http_1_0)
        return refuse(f, 400, "There must be one Host header.");
    if (f->is_chunked && (f->has_length || f->is_http_1_0))
        return refuse(f, 400, "Transfer-Encoding does not go with Content-Length or HTTP/1.0.");
    if (!f->may_have_body && (f->length || f->is_chunked))
        return refuse(f, 400, "This method takes no body.");
    /* libevent cannot tell where such a request ends. */
    if (f->may_have_body && !f->has_length && !f->is_chunked && f->has_connection)
        return refuse(f, 411, "Content-Length is missing.");
    if (f->length > f->body_bytes_max)
        return refuse(f, 413, "The body is too large.");
    f->left = f->length;
    f->value_n = 0;
    f->state = f->is_chunked ? CHUNK_SIZE : BODY;
    return f->is_chunked || f->left || message_end(f);
}

static bool chunk_size_byte(struct framing *f, char c)
{
    if (c == '\r' && f->value_n) {
        f->body_bytes += f->left;
        f->state = CHUNK_SIZE_LF;
        return f->body_bytes <= f->body_bytes_max || refuse(f, 413, "The body is too large.");
    }
    char l = lower(c);
    int digit = l >= '0' && l <= '9' ? l - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
    if (digit < 0 || f->value_n == 12)
        return refuse(f, 400, "A chunk's size must be hex digits and CR LF.");
    f->value_n++;
    f->left = f->left * 16 + (uint64_t)digit;
    return true;
}

static bool expect_byte(struct framing *f, char c, char want, enum state next)
{
    f->state = (uint8_t)next;
    return c == want || refuse(f, 400, "A chunk does not end where it says.");
}

static bool head_byte(struct framing *f, char c)
{
    if (++f->head_bytes > f->head_bytes_max)
        return f->state <= TARGET ? refuse(f, 414, "The request line is too long.")
                                  : refuse(f, 431, "The headers are too large.");
    switch ((enum state)f->state) {
    case METHOD: return method_byte(f, c);
    case SCHEME: return scheme_byte(f, c);
    case AUTHORITY: return authority_byte(f, c);
    case TARGET: return target_byte(f, c);
    case VERSION: return version_byte(f, c);
    case LINE_LF: return line_end(f, c);
    case NAME: return name_byte(f, c);
    case VALUE: return value_byte(f, c);
    case VALUE_LF: return c == '\n' ? header_done(f) : refuse(f, 400, "A CR stands alone.");
    default: /* HEAD_LF */ return c == '\n' ? head_done(f) : refuse(f, 400, "A CR stands alone.");
    }
}

static bool chunk_byte(struct framing *f, char c)
{
    switch ((enum state)f->state) {
    case CHUNK_SIZE: return chunk_size_byte(f, c);
    case CHUNK_SIZE_LF: f->value_n = 0; return expect_byte(f, c, '\n', f->left ? CHUNK_DATA : LAST_CR);
    case CHUNK_CR: return expect_byte(f, c, '\r', CHUNK_LF);
    case CHUNK_LF: return expect_byte(f, c, '\n', CHUNK_SIZE);
    case LAST_CR: /* a trailer would be merged into the headers: refused */ return expect_byte(f, c, '\r', LAST_LF);
    default: /* LAST_LF */ return expect_byte(f, c, '\n', METHOD) && message_end(f);
    }
}

/* Skips what belongs to the body or, for speed, to a plain header's value. */
static size_t skip(struct framing *f, const char *p, size_t n)
{
    if (f->state == BODY || f->state == CHUNK_DATA) {
        size_t take = f->left < n ? (size_t)f->left : n;
        f->left -= take;
        if (f->left == 0 && f->state == BODY)
            message_end(f);
        else if (f->left == 0)
            f->state = CHUNK_CR;
        return take;
    }
    size_t take = 0;
    if (f->state == VALUE && f->special == PLAIN) {
        size_t room = f->head_bytes_max - f->head_bytes;
        while (take < n && take < room && is(p[take], VAL))
            take++;
        f->head_bytes += (uint32_t)take;
    }
    return take;
}

bool framing_feed(struct framing *f, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n && !f->status;) {
        size_t skipped = skip(f, bytes + i, n - i);
        i += skipped;
        if (skipped)
            continue;
        if (f->state < BODY)
            head_byte(f, bytes[i]);
        else
            chunk_byte(f, bytes[i]);
        i++;
    }
    return f->status == 0;
}
