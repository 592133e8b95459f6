/* llm: one question to one model. The only road to a model; the caller cannot tell which one answers.
 *
 * Providers: "openai" (any OpenAI-compatible server, streaming or not), "offline" (embedded, follows the
 * routine's structured steps, no network), "recorded" (plays a file of recorded answers back). Recording is
 * one setting on any of them.
 *
 * Retries happen here, `attempts` in all and never past total_ms: 408, 409, 429, 5xx, connection lost or silent.
 * Full jitter; never earlier than Retry-After says. An answer that is unreadable or empty is asked for again once,
 * and so is one that broke after its first words (on_restart tells). Nobody acts on words before on_done, so
 * repeating the question is safe; what a cut stream said of tools is dropped. Questions share a budget of
 * retries: each takes one of LLM_RETRIES_MAX, an answer gives one back, so that a provider which is down for all is
 * not asked three times by each.
 *
 * A prompt is two JSON arrays, given in pieces that are byte prefixes of the next call's (docs/PROMPT.md).
 * Everything runs on the loop thread. */
#ifndef LLM_LLM_H
#define LLM_LLM_H

#include "base/json.h"

struct loop;
struct client;
struct llm;
struct llm_call;

struct llm_config {
    struct str kind;      /* "offline" | "openai" | "recorded" */
    struct str base_url;  /* openai: "http://127.0.0.1:8001/v1" */
    struct str model;     /* openai: the model's name; others: a label for the journal */
    struct str key_file;  /* openai: a file that holds the key; "" for none; never echoed */
    struct str recording; /* recorded: the file to play back */
    struct str record_to; /* any kind: append every question and answer to this file; "" for none */
    double temperature;   /* < 0: not sent */
    int tokens_max;       /* 0: not sent */
    bool stream;
    int attempts;                                      /* 0: 3 */
    int connect_ms, first_token_ms, idle_ms, total_ms; /* 0: 5,000 / 20,000 / 15,000 / 60,000 */
    int retry_ms_base, retry_ms_max;                   /* 0: 250 / 8,000; full jitter below base * 2^attempt */
};

enum { LLM_RETRIES_MAX = 100 };

/* Everything is copied; the files are opened here. */
MUST_USE int llm_new(struct loop *l, struct client *c, const struct llm_config *config, struct llm **out,
                     struct err *e);       /* ERR_INVALID, ERR_NOT_FOUND (key file, recording), ERR_DENIED (key file) */
void llm_free(struct llm *m);              /* cancels what is open */
struct str llm_model(const struct llm *m); /* for the journal: "offline-1", "gpt-4o", ... */

struct llm_question {
    struct str tools; /* the inside of a JSON array of OpenAI tool definitions, "" for none */
    /* The inside of a JSON array of OpenAI chat messages, in pieces to be put one after the other (commas are
     * part of the pieces): what all conversations of the agent share; the transcript; the state block. */
    struct str shared, transcript, state;
    struct str label; /* the conversation's outside name, for recordings; may be "" */
    int call_n;       /* 1, 2, ...: which model call of the conversation this is */
};

struct llm_tool_call {
    struct str id; /* the provider's; not unique, never used as a key */
    struct str name;
    struct str arguments; /* as the provider gave them: should be a JSON object, may be anything */
};

struct llm_answer {
    int result; /* 0, or ERR_TIMEOUT, ERR_IO, ERR_BUSY (429), ERR_LIMIT, ERR_INVALID (unreadable) ... */
    struct err err;
    struct str text; /* "" when there is none */
    bool has_text;   /* false: the content was null (kept apart from "" for a faithful record) */
    const struct llm_tool_call *calls;
    size_t calls_n;
    struct str finish;             /* "stop", "tool_calls", "length", "refusal", ... */
    int64_t tokens_in, tokens_out; /* as reported, or our estimate */
    bool tokens_estimated;
    int attempts; /* how often the model was asked, failures included */
};

struct llm_hooks {
    void (*on_delta)(void *arg, struct str text); /* words as they come; NULL: not wanted */
    void (*on_restart)(void *arg);                /* forget the deltas: the answer starts over; may be NULL */
    void (*on_done)(void *arg, const struct llm_answer *answer); /* once, last; the answer's texts live during
                                                                  * the call; never called from llm_ask itself */
};

/* The question's texts are borrowed until on_done or llm_cancel. */
struct llm_call *llm_ask(struct llm *m, const struct llm_question *q, const struct llm_hooks *hooks, void *arg);
/* No callback comes after this. Allowed inside on_delta and on_restart, not inside on_done. */
void llm_cancel(struct llm_call *call);

/* For /metrics. Counters since llm_new but for `open`. */
enum { LLM_CODES = 13 };
struct llm_stats {
    int64_t questions, answers, cancelled, open; /* questions = answers + failures + cancelled + open */
    int64_t attempts, retries, restarts;
    int64_t failed[LLM_CODES]; /* questions by how they failed: failed[-code], named by err_name */
    int64_t tokens_in, tokens_out;
};
void llm_stats(const struct llm *m, struct llm_stats *out);

#endif
