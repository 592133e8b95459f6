/* reply: a scripted answer as an OpenAI-compatible server writes it, whole or as a stream of chunks. */
#ifndef PEER_REPLY_H
#define PEER_REPLY_H

#include "faults.h"
#include "script.h"

struct reply {
    const struct script_answer *answer;
    const char *model;
    int64_t number; /* of the request: in the answer's id */
    int64_t created_s;
    size_t prompt_bytes; /* for the usage */
    bool usage;          /* streams: with a last chunk that tells the usage */
    bool unique_ids;     /* no call's id comes again in another answer */
    enum fault fault;    /* FAULT_BADSSE and FAULT_BADJSON spoil the text; others do not matter here */
};

/* Both append to `out`. A stream's chunks end in an empty line each, the last one is [DONE]. */
void reply_whole(const struct reply *r, struct buf *out);
void reply_stream(const struct reply *r, struct buf *out);

#endif
