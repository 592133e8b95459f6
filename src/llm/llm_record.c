#include "llm/llm_record.h"

#include "base/hash.h"
#include "llm/llm_answer.h"
#include "net/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DELTAS = 3, LINE_BYTES_MAX = 8 << 20 };

/* A recording in memory: its text, and an index from digests to lines. What is looked up is hashed with
 * SHA-256 first, whose bytes spread evenly whatever the labels are. */
struct slot {
    struct sha256 of;
    size_t line; /* an offset into the text; NO_LINE marks a free slot */
};

#define NO_LINE SIZE_MAX

struct recording {
    struct llm_provider provider;
    struct arena *arena, *scratch;
    struct loop *loop;
    struct str path, text;
    struct slot *slots;
    size_t slots_n; /* a power of two, at least twice what is in it */
};

struct llm_attempt {
    struct recording *p;
    struct loop_timer *timer; /* until the answer is given */
    struct llm_attempt_hooks hooks;
    void *arg;
    struct str label;
    struct sha256 by_call, by_key, by_label;
    int call_n;
    bool speaking, cancelled; /* a delta's reader may cancel */
};

/* The three things a line is found by. A letter in front keeps them apart. */
static struct sha256 digest_of_call(struct str label, int64_t call)
{
    sha256_state s;
    sha256_begin(&s);
    sha256_add(&s, STR("c"));
    sha256_add(&s, (struct str){(const char *)&call, sizeof call});
    sha256_add(&s, label);
    return sha256_end(&s);
}

static struct sha256 digest_of(const char *what, struct str text)
{
    sha256_state s;
    sha256_begin(&s);
    sha256_add(&s, str_of(what));
    sha256_add(&s, text);
    return sha256_end(&s);
}

static struct slot *slot_of(const struct recording *p, const struct sha256 *of)
{
    size_t i;
    memcpy(&i, of->b, sizeof i);
    for (i &= p->slots_n - 1; p->slots[i].line != NO_LINE; i = (i + 1) & (p->slots_n - 1))
        if (memcmp(&p->slots[i].of, of, sizeof *of) == 0)
            break;
    return &p->slots[i];
}

static void index_put(struct recording *p, struct sha256 of, size_t line)
{
    *slot_of(p, &of) = (struct slot){of, line};
}

static size_t index_find(const struct recording *p, const struct sha256 *of)
{
    return slot_of(p, of)->line;
}

/* Reads the answer of a line into `end`. Errors: those of llm_answer_settle. */
static int answer_read(struct arena *a, const struct json *line, struct llm_end *end)
{
    const struct json *from = json_get(line, "answer"), *text = json_get(from, "text"), *list = json_get(from, "calls");
    struct llm_answer *answer = &end->answer;
    size_t n = json_is(list, JSON_ARRAY) ? list->n : 0;
    struct llm_tool_call *calls = n ? ARENA_ARRAY(a, struct llm_tool_call, n) : NULL;
    const struct json *item = n ? list->child : NULL;
    for (size_t i = 0; i < n; i++, item = item->next)
        calls[i] = (struct llm_tool_call){.id = json_str(json_get(item, "id")),
                                          .name = json_str(json_get(item, "name")),
                                          .arguments = json_str(json_get(item, "arguments"))};
    answer->calls_n = n;
    answer->text = json_str(text);
    answer->has_text = json_is(text, JSON_STRING);
    answer->finish = json_str(json_get(from, "finish"));
    answer->tokens_in = json_int(json_get(from, "in"), 0);
    answer->tokens_out = json_int(json_get(from, "out"), 0);
    answer->tokens_estimated = answer->tokens_in == 0 && answer->tokens_out == 0;
    return llm_answer_settle(end, calls);
}

/* Checks a line while its number is known, and puts it into the index. */
static int line_load(struct recording *p, struct str line, size_t n, struct err *e)
{
    struct json *v;
    struct llm_end end = {0};
    arena_reset(p->scratch);
    if (json_parse(p->scratch, line, &v, e) < 0)
        return err_in(e, "%.*s:%zu", STR_ARG(p->path), n);
    struct str label = json_str(json_get(v, "label")), key = json_str(json_get(v, "key"));
    int64_t call = json_int(json_get(v, "call"), 0);
    unsigned char sha[SHA256_BYTES];
    if (key.n && hash_unhex(key, sha, sizeof sha) < 0)
        return err_set(e, ERR_INVALID, "%.*s:%zu: the key is no SHA-256 in hex", STR_ARG(p->path), n);
    if (key.n == 0 && (label.n == 0 || call < 1))
        return err_set(e, ERR_INVALID, "%.*s:%zu: neither a key nor a label with a call", STR_ARG(p->path), n);
    if (answer_read(p->scratch, v, &end) < 0)
        return err_set(e, ERR_INVALID, "%.*s:%zu: %.200s", STR_ARG(p->path), n, end.answer.err.text);

    size_t at = (size_t)(line.p - p->text.p);
    if (label.n) {
        index_put(p, digest_of_call(label, call), at);
        index_put(p, digest_of("l", label), at);
    }
    if (key.n)
        index_put(p, digest_of("k", (struct str){(const char *)sha, sizeof sha}), at);
    return 0;
}

static int recording_load(struct recording *p, struct err *e)
{
    size_t lines = 1, n = 0;
    for (size_t i = 0; i < p->text.n; i++)
        lines += p->text.p[i] == '\n';
    for (p->slots_n = 16; p->slots_n < lines * 3 * 2; p->slots_n *= 2)
        ;
    p->slots = ARENA_ARRAY(p->arena, struct slot, p->slots_n);
    for (size_t i = 0; i < p->slots_n; i++)
        p->slots[i].line = NO_LINE;

    struct str rest = p->text, line;
    while (str_split(&rest, '\n', &line)) {
        n++;
        if (!rest.p)
            break; /* what stands behind the last line's end is nothing, or unfinished */
        if (str_trim(line).n == 0)
            continue;
        int r = line_load(p, line, n, e);
        if (r < 0)
            return r;
    }
    return 0;
}

static int file_read(struct arena *a, struct str path, struct str *out, struct err *e)
{
    struct stat st;
    int fd = open(str_c(a, path), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_NOT_FOUND, "the recording %.*s cannot be read: %s", STR_ARG(path), strerror(errno));
    int r = fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)
                ? err_set(e, ERR_INVALID, "the recording %.*s is no plain file", STR_ARG(path))
                : 0;
    if (r == 0 && st.st_size > LLM_RECORDING_BYTES_MAX)
        r = err_set(e, ERR_LIMIT, "the recording %.*s is larger than %d bytes", STR_ARG(path), LLM_RECORDING_BYTES_MAX);
    if (r == 0) {
        char *text = arena_alloc(a, (size_t)st.st_size + 1);
        size_t n = 0;
        ssize_t got = 1;
        for (; n < (size_t)st.st_size && got > 0; n += got > 0 ? (size_t)got : 0)
            got = read(fd, text + n, (size_t)st.st_size - n);
        if (got < 0)
            r = err_set(e, ERR_IO, "the recording %.*s cannot be read: %s", STR_ARG(path), strerror(errno));
        *out = (struct str){text, n};
    }
    close(fd);
    return r;
}

/* The line that answers: by label and call where the file knows the label, else by the transcript. */
static size_t line_find(const struct llm_attempt *t)
{
    if (t->label.n && index_find(t->p, &t->by_label) != NO_LINE)
        return index_find(t->p, &t->by_call);
    return index_find(t->p, &t->by_key);
}

/* Hands the words on in a few pieces, cut between characters. False: the reader wants no more. */
static bool speak(struct llm_attempt *t, struct str text)
{
    if (!t->hooks.on_delta)
        return true;
    size_t step = text.n / DELTAS + 1;
    t->speaking = true;
    while (text.n && !t->cancelled) {
        size_t n = step < text.n ? step : text.n;
        while (n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
            n++;
        t->hooks.on_delta(t->arg, str_head(text, n));
        text = str_from(text, n);
    }
    t->speaking = false;
    return !t->cancelled;
}

static void answer_now(void *arg)
{
    struct llm_attempt *t = arg;
    struct recording *p = t->p;
    struct llm_end end = {.retry_after_ms = -1};
    struct json *v;
    int r;
    size_t at = line_find(t);
    t->timer = NULL;
    if (at == NO_LINE) {
        r = llm_answer_failed(&end, ERR_NOT_FOUND, false, "the recording has no answer to call %d of \"%.*s\"",
                              t->call_n, STR_ARG(str_head(t->label, 80)));
    } else {
        struct str line = str_from(p->text, at);
        line = str_head(line, (size_t)((const char *)memchr(line.p, '\n', line.n) - line.p));
        arena_reset(p->scratch);
        r = json_parse(p->scratch, line, &v, NULL);
        if (r == 0)
            r = answer_read(p->scratch, v, &end);
    }
    if (r < 0 || speak(t, end.answer.text)) {
        end.delivered = r == 0 && t->hooks.on_delta && end.answer.text.n;
        t->hooks.on_end(t->arg, &end);
    }
    free(t);
}

/* A quote inside a message's text is escaped, so a message's beginning cannot stand inside another message. */
struct sha256 llm_record_key(const struct llm_question *q)
{
    static const char begin[] = "{\"role\":\"user\",\"content\":\"";
    struct arena *a = arena_new("record key", 1024);
    struct str rest = q->transcript;
    ptrdiff_t at;
    sha256_state s;
    sha256_begin(&s);
    sha256_add(&s, str_f(a, "%d", q->call_n));
    while ((at = str_find(rest, str_of(begin))) >= 0) {
        rest = str_from(rest, (size_t)at + sizeof begin - 1);
        size_t n = 0;
        while (n < rest.n && rest.p[n] != '"')
            n += rest.p[n] == '\\' ? 2 : 1;
        sha256_add(&s, STR("\n"));
        sha256_add(&s, str_head(rest, n));
    }
    arena_free(a);
    return sha256_end(&s);
}

static struct llm_attempt *record_ask(struct llm_provider *provider, const struct llm_question *q, int total_ms,
                                      const struct llm_attempt_hooks *hooks, void *arg)
{
    struct recording *p = (struct recording *)provider;
    struct llm_attempt *t = mem_get(sizeof *t);
    struct sha256 key = llm_record_key(q);
    *t = (struct llm_attempt){.p = p,
                              .hooks = *hooks,
                              .arg = arg,
                              .label = q->label,
                              .call_n = q->call_n,
                              .by_call = digest_of_call(q->label, q->call_n),
                              .by_label = digest_of("l", q->label),
                              .by_key = digest_of("k", (struct str){(const char *)key.b, SHA256_BYTES})};
    t->timer = loop_after(p->loop, 0, answer_now, t);
    return t;
}

static void record_cancel(struct llm_provider *provider, struct llm_attempt *t)
{
    if (t->speaking) {
        t->cancelled = true; /* answer_now is below us on the stack and frees it */
        return;
    }
    loop_cancel(t->timer);
    free(t);
}

static void record_free(struct llm_provider *provider)
{
    struct recording *p = (struct recording *)provider;
    arena_free(p->scratch);
    arena_free(p->arena);
}

int llm_record_new(struct loop *l, const struct llm_config *config, struct llm_provider **out, struct err *e)
{
    struct arena *a = arena_new("llm_record", 0);
    struct recording *p = ARENA_NEW(a, struct recording);
    *p = (struct recording){.provider = {.ask = record_ask, .cancel = record_cancel, .free = record_free},
                            .arena = a,
                            .scratch = arena_new("llm_record scratch", 32 << 10),
                            .loop = l,
                            .path = str_copy(a, config->recording)};
    int r = file_read(a, p->path, &p->text, e);
    if (r == 0)
        r = recording_load(p, e);
    if (r < 0) {
        record_free(&p->provider);
        return r;
    }
    *out = &p->provider;
    return 0;
}

struct llm_recorder {
    struct arena *arena, *scratch;
    struct str path;
    int fd; /* -1 after a failure */
};

/* Cuts an unfinished last line off, so that the next one begins a line. */
static int tail_mend(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
        return fstat(fd, &st);
    char block[4096];
    off_t end = st.st_size;
    while (end > 0) {
        off_t from = end > (off_t)sizeof block ? end - (off_t)sizeof block : 0;
        ssize_t n = pread(fd, block, (size_t)(end - from), from);
        if (n <= 0)
            return -1;
        const char *hit = memrchr(block, '\n', (size_t)n);
        end = hit ? from + (hit - block) + 1 : from;
        if (hit)
            break;
    }
    return end == st.st_size ? 0 : ftruncate(fd, end);
}

int llm_recorder_new(struct str path, struct llm_recorder **out, struct err *e)
{
    struct arena *a = arena_new("llm_recorder", 0);
    struct llm_recorder *r = ARENA_NEW(a, struct llm_recorder);
    *r = (struct llm_recorder){.arena = a, .scratch = arena_new("llm_recorder scratch", 0), .path = str_copy(a, path)};
    r->fd = open(r->path.p, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (r->fd < 0 || tail_mend(r->fd) < 0) {
        int code = err_set(e, ERR_IO, "the recording %.*s cannot be written: %s", STR_ARG(path), strerror(errno));
        llm_recorder_free(r);
        return code;
    }
    *out = r;
    return 0;
}

void llm_recorder_free(struct llm_recorder *r)
{
    if (!r)
        return;
    if (r->fd >= 0)
        close(r->fd);
    arena_free(r->scratch);
    arena_free(r->arena);
}

static struct str line_write(struct arena *a, const struct llm_question *q, const struct llm_answer *answer)
{
    struct buf line = buf_new(a, LINE_BYTES_MAX);
    struct json_writer w = {.out = &line};
    struct sha256 key = llm_record_key(q);
    json_open(&w, '{');
    json_pair_str(&w, "label", q->label);
    json_pair_int(&w, "call", q->call_n);
    json_pair_str(&w, "key", hash_hex(a, key.b, SHA256_BYTES));
    json_key(&w, "answer");
    json_open(&w, '{');
    json_key(&w, "text");
    if (answer->has_text)
        json_put_str(&w, answer->text);
    else
        json_put_null(&w);
    json_key(&w, "calls");
    json_open(&w, '[');
    for (size_t i = 0; i < answer->calls_n; i++) {
        json_open(&w, '{');
        json_pair_str(&w, "id", answer->calls[i].id);
        json_pair_str(&w, "name", answer->calls[i].name);
        json_pair_str(&w, "arguments", answer->calls[i].arguments);
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_pair_str(&w, "finish", answer->finish);
    json_pair_int(&w, "in", answer->tokens_in);
    json_pair_int(&w, "out", answer->tokens_out);
    json_close(&w, '}');
    json_close(&w, '}');
    buf_addc(&line, '\n');
    return line.cut ? STR_NONE : buf_str(&line);
}

int llm_recorder_add(struct llm_recorder *r, const struct llm_question *q, const struct llm_answer *answer,
                     struct err *e)
{
    arena_reset(r->scratch);
    struct str line = line_write(r->scratch, q, answer);
    if (line.n == 0)
        return err_set(e, ERR_LIMIT, "an answer is too long for the recording %.*s", STR_ARG(r->path));
    ssize_t n = r->fd < 0 ? -1 : write(r->fd, line.p, line.n);
    if (n == (ssize_t)line.n)
        return 0;
    int why = n < 0 ? errno : ENOSPC;
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
    return err_set(e, why == ENOSPC || why == EDQUOT ? ERR_FULL : ERR_IO, "the recording %.*s cannot be written: %s",
                   STR_ARG(r->path), strerror(why));
}
