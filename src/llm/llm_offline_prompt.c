#include "llm/llm_offline_prompt.h"

enum { MESSAGES_MAX = 32, WORDS_BYTES_MAX = 8192 };

/* Is the quote at i a real one? Escaped ones have an odd number of backslashes before them. */
static bool is_quote(struct str s, size_t i)
{
    size_t from = i;
    while (from > 0 && s.p[from - 1] == '\\')
        from--;
    return s.p[i] == '"' && (i - from) % 2 == 0;
}

static struct str without_commas(struct str s)
{
    s = str_trim(s);
    while (s.n && s.p[s.n - 1] == ',')
        s = str_trim(str_head(s, s.n - 1));
    while (s.n && s.p[0] == ',')
        s = str_trim(str_from(s, 1));
    return s;
}

int offline_take_last(struct str *list, struct str *object, struct err *e)
{
    struct str s = without_commas(*list);
    int depth = 0;
    bool inside = false; /* a string: only a real quote ends it, also backwards */
    for (size_t i = s.n; i-- > 0;) {
        char c = s.p[i];
        if (c == '"' && is_quote(s, i))
            inside = !inside;
        else if (!inside && c == '}')
            depth++;
        else if (!inside && c == '{' && --depth == 0) {
            *object = str_from(s, i);
            *list = str_head(s, i);
            return 1;
        }
    }
    *list = STR("");
    return s.n == 0 ? 0 : err_set(e, ERR_INVALID, "the prompt's transcript is no list of messages");
}

static bool role_is(const struct json *message, const char *role)
{
    return str_is(json_str(json_get(message, "role")), role);
}

/* The next message towards the beginning; 0 at the beginning. */
static int take_message(struct arena *a, struct str *transcript, struct json **message, struct err *e)
{
    struct str object;
    int r = offline_take_last(transcript, &object, e);
    if (r <= 0)
        return r;
    r = json_parse(a, object, message, e);
    return r < 0 ? r : 1;
}

static bool is_button(struct str words)
{
    return str_starts(words, STR("[The customer pressed "));
}

/* The customer's messages at the end, `message` being the last one. */
static int read_words(struct arena *a, struct str transcript, struct json *message, struct offline_prompt *out,
                      struct err *e)
{
    struct str newest_first[MESSAGES_MAX];
    size_t n = 0;
    int r = 1;
    for (; r > 0 && role_is(message, "user"); r = take_message(a, &transcript, &message, e))
        if (n < MESSAGES_MAX && !is_button(json_str(json_get(message, "content"))))
            newest_first[n++] = json_str(json_get(message, "content"));
    if (r < 0)
        return r;
    out->begun = r > 0 && !role_is(message, "system");

    struct buf words = buf_new(a, WORDS_BYTES_MAX);
    while (n-- > 0) {
        buf_add(&words, newest_first[n]);
        if (n > 0)
            buf_addc(&words, '\n');
    }
    out->words = buf_str(&words);
    return 0;
}

static int read_transcript(struct arena *a, struct str transcript, struct offline_prompt *out, struct err *e)
{
    struct json *message;
    int r = take_message(a, &transcript, &message, e);
    if (r <= 0)
        return r;
    if (role_is(message, "user")) {
        out->customer_spoke = true;
        return read_words(a, transcript, message, out, e);
    }
    out->begun = true;
    while (r > 0 && role_is(message, "tool"))
        r = take_message(a, &transcript, &message, e);
    if (r > 0)
        out->calls = json_get(message, "tool_calls");
    return r < 0 ? r : 0;
}

/* "State of this conversation, kept by the runtime:\n{...}" */
static int read_state(struct arena *a, struct str piece, struct offline_prompt *out, struct err *e)
{
    struct json *message;
    if (json_parse(a, without_commas(piece), &message, e) < 0)
        return err_in(e, "the state block");
    struct str content = json_str(json_get(message, "content"));
    ptrdiff_t line = str_find(content, STR("\n"));
    if (line < 0 || json_parse(a, str_from(content, (size_t)line + 1), &out->state, e) < 0 ||
        !json_is(out->state, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "the state block holds no JSON object behind its first line");
    return 0;
}

int offline_prompt_read(struct arena *a, struct str transcript, struct str state, struct offline_prompt *out,
                        struct err *e)
{
    *out = (struct offline_prompt){.words = STR("")};
    int r = read_state(a, state, out, e);
    return r < 0 ? r : read_transcript(a, transcript, out, e);
}
