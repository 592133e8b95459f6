#include "llm/llm_answer.h"

#include <stdio.h>
#include <string.h>

enum { COMPLAINT_BYTES_MAX = 200, TOKENS_BELIEVED_MAX = 1000000000 };

int llm_answer_failed(struct llm_end *end, int code, bool retryable, const char *format, ...)
{
    char text[sizeof end->answer.err.text];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    end->retryable = retryable;
    return end->answer.result = err_set(&end->answer.err, code, "%s", text);
}

/* Overwrites the secret, and every word that looks like a key: servers echo them half masked. */
static void mask(char *text, size_t n, struct str key)
{
    for (size_t i = 0; key.n >= 4 && i + key.n <= n; i++)
        if (memcmp(text + i, key.p, key.n) == 0)
            memset(text + i, '*', key.n);
    for (size_t i = 0; i + 3 <= n; i++) {
        if (memcmp(text + i, "sk-", 3) != 0)
            continue;
        for (; i < n && !strchr(" \t\n\"'.,;:)", text[i]); i++)
            text[i] = '*';
    }
}

/* The provider's own sentence, fit for one line of ours. Masked before it is cut, so that no half of a key
 * stays. */
static const char *quote(struct str said, struct str key, char *out, size_t size)
{
    char work[2048];
    size_t n = said.n < sizeof work ? said.n : sizeof work;
    if (n)
        memcpy(work, said.p, n);
    mask(work, n, key);
    if (n > COMPLAINT_BYTES_MAX)
        for (n = COMPLAINT_BYTES_MAX; n > 0 && ((unsigned char)work[n] & 0xc0) == 0x80; n--)
            ;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)work[i] < 0x20 || work[i] == 0x7f)
            work[i] = ' ';
    snprintf(out, size, "%.*s", (int)n, work);
    return out;
}

/* What is wrong, where servers put it: error.message, error as text, message, detail. */
static struct str said_by(const struct json *body, struct str raw)
{
    const struct json *error = json_get(body, "error");
    struct str said = json_is(error, JSON_STRING) ? json_str(error) : json_str(json_get(error, "message"));
    if (said.n == 0)
        said = json_str(json_get(body, "message"));
    if (said.n == 0)
        said = json_str(json_get(body, "detail"));
    return said.n || body ? said : str_trim(raw);
}

static bool speaks_of(const struct json *body, const char *word)
{
    const struct json *error = json_get(body, "error");
    return str_has(json_str(json_get(error, "code")), str_of(word)) ||
           str_has(json_str(json_get(error, "type")), str_of(word));
}

/* A complaint in the middle of a stream has no status line; some servers put the number into `code`. */
static int status_of(const struct json *body)
{
    static const struct {
        const char *word;
        int status;
    } words[] = {{"rate_limit", 429},      {"insufficient_quota", 429}, {"overloaded", 503},
                 {"invalid_request", 400}, {"context_length", 400},     {"not_found", 404},
                 {"authentication", 401},  {"permission", 403}};
    const struct json *error = json_get(body, "error");
    int64_t number = json_int(json_get(error, "code"), json_int(json_get(error, "status"), 0));
    if (number >= 400 && number <= 599)
        return (int)number;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (speaks_of(body, words[i].word))
            return words[i].status;
    return 500;
}

int llm_answer_refused(struct llm_end *end, int status, const struct json *body, struct str raw, struct str key)
{
    char words[COMPLAINT_BYTES_MAX + 1];
    if (status == 0)
        status = status_of(body);
    quote(said_by(body, raw), key, words, sizeof words);

    int code = status == 429 || status == 409   ? ERR_BUSY
               : status == 408                  ? ERR_TIMEOUT
               : status == 401 || status == 403 ? ERR_DENIED
               : status >= 500                  ? ERR_IO
                                                : ERR_INVALID;
    bool again =
        status == 408 || status == 409 || status >= 500 || (status == 429 && !speaks_of(body, "insufficient_quota"));
    end->status = status;
    end->quotes = words[0];
    return llm_answer_failed(end, code, again, "the model's server refused with status %d%s%s", status,
                             words[0] ? ": " : "", words);
}

struct str llm_answer_content(struct arena *a, const struct json *content)
{
    if (!json_is(content, JSON_ARRAY))
        return json_str(content);
    struct buf all = buf_new(a, LLM_ANSWER_BYTES_MAX);
    for (const struct json *part = content->child; part; part = part->next)
        if (str_is(json_str(json_get(part, "type")), "text"))
            buf_add(&all, json_str(json_get(part, "text")));
    return buf_str(&all);
}

bool llm_answer_usage(const struct json *usage, int64_t *in, int64_t *out)
{
    int64_t prompt = json_int(json_get(usage, "prompt_tokens"), -1);
    int64_t completion = json_int(json_get(usage, "completion_tokens"), -1);
    if (prompt < 0 || completion < 0 || prompt > TOKENS_BELIEVED_MAX || completion > TOKENS_BELIEVED_MAX)
        return false;
    *in = prompt;
    *out = completion;
    return true;
}

int llm_answer_settle(struct llm_end *end, struct llm_tool_call *calls)
{
    struct llm_answer *answer = &end->answer;
    size_t bytes = answer->text.n;
    for (size_t i = 0; i < answer->calls_n; i++) {
        bytes += calls[i].id.n + calls[i].name.n + calls[i].arguments.n;
        if (calls[i].name.n == 0)
            return llm_answer_failed(end, ERR_INVALID, true, "the model called a tool without naming it");
        /* An answer that was cut for its length may have lost its arguments: those stay unreadable. */
        if (calls[i].arguments.n == 0 && !str_is(answer->finish, "length"))
            calls[i].arguments = STR("{}");
    }
    if (bytes > LLM_ANSWER_BYTES_MAX)
        return llm_answer_failed(end, ERR_LIMIT, false, "the model's answer is longer than %d bytes",
                                 LLM_ANSWER_BYTES_MAX);
    if (answer->finish.n == 0)
        answer->finish = answer->calls_n ? STR("tool_calls") : STR("stop");
    if (answer->text.n == 0 && answer->calls_n == 0)
        return llm_answer_failed(end, ERR_INVALID, true, "the model's answer is empty (it ended with \"%.*s\")",
                                 STR_ARG(str_head(answer->finish, 40)));
    answer->calls = calls;
    answer->result = 0;
    return 0;
}

static struct llm_tool_call call_read(struct arena *a, const struct json *item)
{
    const struct json *function = json_get(item, "function");
    const struct json *arguments = json_get(function, "arguments");
    return (struct llm_tool_call){.id = json_str(json_get(item, "id")),
                                  .name = json_str(json_get(function, "name")),
                                  .arguments =
                                      json_is(arguments, JSON_OBJECT) ? json_text(a, arguments) : json_str(arguments)};
}

int llm_answer_read(struct arena *a, struct str body, struct str key, struct llm_end *end)
{
    struct json *root;
    struct err e = {0};
    if (json_parse(a, body, &root, &e) < 0)
        return llm_answer_failed(end, ERR_INVALID, true, "the model's answer is unreadable: %.200s", e.text);
    const struct json *error = json_get(root, "error");
    if (error && !json_is(error, JSON_NULL))
        return llm_answer_refused(end, 0, root, STR_NONE, key);
    const struct json *choice = json_at(json_get(root, "choices"), 0), *message = json_get(choice, "message");
    if (!json_is(message, JSON_OBJECT))
        return llm_answer_failed(end, ERR_INVALID, true, "the model's answer has no message");

    struct llm_answer *answer = &end->answer;
    const struct json *content = json_get(message, "content"), *list = json_get(message, "tool_calls");
    answer->text = llm_answer_content(a, content);
    answer->has_text = json_is(content, JSON_STRING) || json_is(content, JSON_ARRAY);
    answer->finish = json_str(json_get(choice, "finish_reason"));
    struct str refusal = json_str(json_get(message, "refusal"));
    if (refusal.n) {
        answer->text = refusal;
        answer->has_text = true;
        answer->finish = STR("refusal");
    }

    size_t n = json_is(list, JSON_ARRAY) ? list->n : 0;
    if (n > LLM_ANSWER_CALLS_MAX)
        return llm_answer_failed(end, ERR_LIMIT, false, "the model made %zu calls in one answer, at most %d are read",
                                 n, LLM_ANSWER_CALLS_MAX);
    struct llm_tool_call *calls = n ? ARENA_ARRAY(a, struct llm_tool_call, n) : NULL;
    answer->calls_n = n;
    const struct json *item = n ? list->child : NULL;
    for (size_t i = 0; i < n; i++, item = item->next)
        calls[i] = call_read(a, item);
    answer->tokens_estimated = !llm_answer_usage(json_get(root, "usage"), &answer->tokens_in, &answer->tokens_out);
    return llm_answer_settle(end, calls);
}
