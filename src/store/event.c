#include "store/event.h"

#include <assert.h>

static const char *const names[EVENT_KINDS] = {
    [EVENT_OPENED] = "conversation.opened",
    [EVENT_MESSAGE_RECEIVED] = "message.received",
    [EVENT_MODEL_ASKED] = "model.asked",
    [EVENT_MODEL_ANSWERED] = "model.answered",
    [EVENT_MODEL_FAILED] = "model.failed",
    [EVENT_TOOL_ANSWERED] = "tool.answered",
    [EVENT_SCRATCHPAD_UPDATED] = "scratchpad.updated",
    [EVENT_ACTION_PROPOSED] = "action.proposed",
    [EVENT_CONFIRMATION_GIVEN] = "confirmation.given",
    [EVENT_ACTION_STARTED] = "action.started",
    [EVENT_ACTION_DONE] = "action.done",
    [EVENT_REPLY_SENT] = "reply.sent",
    [EVENT_HANDOFF_REQUESTED] = "handoff.requested",
    [EVENT_OWNER_CHANGED] = "owner.changed",
    [EVENT_HUMAN_MESSAGE] = "human.message",
    [EVENT_RATING_GIVEN] = "rating.given",
    [EVENT_TIMER_SET] = "timer.set",
    [EVENT_TIMER_FIRED] = "timer.fired",
    [EVENT_TURN_RESUMED] = "turn.resumed",
    [EVENT_TURN_ENDED] = "turn.ended",
    [EVENT_MESSAGE_DELIVERED] = "message.delivered",
    [EVENT_CLOSED] = "conversation.closed",
    [EVENT_AGENT_SWITCHED] = "agent.switched",
    [EVENT_ROUTINE_WALKED] = "routine.walked",
    [EVENT_MEMORY_WRITTEN] = "memory.written",
};

const char *event_name(enum event_kind kind)
{
    assert(kind > EVENT_NONE && kind < EVENT_KINDS);
    return names[kind];
}

enum event_kind event_kind_of(struct str name)
{
    for (int kind = EVENT_NONE + 1; kind < EVENT_KINDS; kind++)
        if (str_is(name, names[kind]))
            return (enum event_kind)kind;
    return EVENT_NONE;
}

struct sha256 event_sha(const struct sha256 *previous, const struct event *ev)
{
    const int64_t numbers[] = {ev->conversation, ev->seq, ev->at_us, ev->kind};
    enum { NUMBERS = sizeof numbers / sizeof *numbers };
    char head[NUMBERS * (STR_INT_BYTES + 1)], *to = head;
    for (size_t i = 0; i < NUMBERS; i++) {
        to = str_put_int(to, numbers[i]);
        *to++ = '|';
    }
    sha256_state state;
    sha256_begin(&state);
    sha256_add(&state, (struct str){(const char *)previous->b, SHA256_BYTES});
    sha256_add(&state, (struct str){head, (size_t)(to - head)});
    sha256_add(&state, ev->body);
    return sha256_end(&state);
}
