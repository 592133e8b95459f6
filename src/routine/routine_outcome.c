#include "routine/routine_outcome.h"

enum { PROPOSALS_MAX = 2 /* of a follower: for one action in a conversation */ };

/* The newest proposal's state when it is one of `tool`, else "". */
static struct str state_of(const struct routine_walk *w, struct str tool)
{
    const struct json *proposal = json_get(w->state, "proposal");
    return str_eq(json_str(json_get(proposal, "tool")), tool) ? json_str(json_get(proposal, "state")) : STR("");
}

const char *routine_outcome_final(const struct routine_walk *w, struct str tool)
{
    static const char *const final[] = {"ok", "already_done", "refused", "unknown"};
    for (size_t i = 0; i < sizeof final / sizeof *final; i++)
        if (str_is(state_of(w, tool), final[i]))
            return final[i];
    return NULL;
}

static bool called(const struct routine_walk *w, struct str tool)
{
    for (size_t i = 0; i < w->called_n; i++)
        if (str_eq(w->called[i], tool))
            return true;
    return false;
}

static const char *known(const struct routine_walk *w, struct str tool, bool stood)
{
    struct str state = state_of(w, tool);
    const struct json *class = json_get(json_get(w->state, "tool_class"), str_c(w->a, tool));
    int64_t times = json_int(json_path(w->state, STR("proposal.times")), 0);
    const char *became = routine_outcome_final(w, tool);
    if (became)
        return became;
    /* A no is the answer to this step's question only where the step asked it; one of an earlier run is past. */
    if (str_is(state, "declined") && stood)
        return "no";
    if (called(w, tool)) /* and there is no outcome: the runtime did not let it through */
        return "refused";
    if (!state.n && class)
        return str_is(json_str(class), "unknown") ? "unknown" : str_is(json_str(class), "ok") ? "ok" : "refused";
    if (state.n && times >= PROPOSALS_MAX)
        return str_is(state, "declined") ? "no" : "unclear";
    return NULL;
}

static const char *here(const struct routine_walk *w, const struct routine_step *s, struct str tool)
{
    const char *counter = str_f(w->a, "confirm:%.*s", STR_ARG(s->id)).p;
    if (w->proposed && routine_outcome_final(w, tool))
        return routine_outcome_final(w, tool);
    if (w->proposed && str_is(state_of(w, tool), "declined"))
        return "no";
    if (called(w, tool) && !w->proposed) /* the runtime did not let it through */
        return "refused";
    return json_int(json_get(json_get(w->state, "asked"), counter), 0) > s->repeat ? "unclear" : NULL;
}

const char *routine_outcome(const struct routine_walk *w, const struct routine_step *s, bool stood)
{
    struct str tool = s->calls[0].tool;
    if (w->script)
        return stood ? here(w, s, tool) : NULL;
    return known(w, tool, stood);
}
