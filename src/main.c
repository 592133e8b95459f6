/* START HERE. Candor is one program with two roads through it:
 *
 *   A customer writes and is answered                  Many conversations become one decision
 *     app/api          HTTP request -> message           eval/import    recorded conversations become journals
 *     engine/runner    load, fold, step, append, act     eval/judge     verdicts by rules
 *     engine/turn      a turn: the table of steps        stats/interval how sure is a share?
 *     engine/context   journal + agent -> one prompt     eval/summary   pass^k, failure rates, the worst
 *     llm/llm          one question to one model         app/cmd_eval   report as text or JSON
 *     app/tool_http    one call of the business
 *     store/writer     durable before it is visible
 *     app/feed         the reply, as it happens
 *
 * Everything that happens is an event in a conversation's journal (store/event.h). A conversation's state is a fold over its
 * events (engine/conversation.h), and a turn is a pure step from that state to what is wanted next (engine/turn.h).
 *
 * Each folder uses only what stands before it: base; net, stats, store, routine; llm; engine; eval; app (docs/ARCHITECTURE.md).
 * The table of commands is in app/command.c; each is a function in app/cmd_*.c. */
#include "app/command.h"

int main(int argc, char **argv)
{
    return command_run(argc, argv);
}
