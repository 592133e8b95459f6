/* Routines by themselves: how a file reads, where a walk over given knowledge comes to, what a gate lets through. */
#include "test.h"

#include "base/yaml.h"
#include "routine/routine_walk.h"

static struct arena *a;

static const char macros_text[] = "p.hi: {en: Hi., pt: Oi.}\n"
                                  "p.who: {en: 'To whom?'}\n"
                                  "p.much: {en: 'How much?'}\n"
                                  "p.done: {en: 'Sent {field.n} to {slot.who}.'}\n"
                                  "p.no: {en: 'Not sent.'}\n"
                                  "p.other: {en: 'That costs nothing.'}\n"
                                  "p.hole: {en: '{slot.nothing}'}\n"
                                  "runtime.back: {en: 'Back to before.'}\n";

/* Every verb, and the usual forms of targets. */
static const char send[] = "routine: send\n"
                           "mode: script\n"
                           "steps:\n"
                           "  - {id: hi, say: p.hi}\n"
                           "  - id: what\n"
                           "    ask:\n"
                           "      - {slot: who, question: p.who}\n"
                           "      - {slot: much, question: p.much, when: \"slot.who != 'nobody'\"}\n"
                           "    on_max: {handoff: missing_information}\n"
                           "  - id: look\n"
                           "    call: {tool: find, args: {name: slot.who, limit: 3, kind: \"'person'\"}}\n"
                           "    on_error: {transient: retry, refused: {say: p.no, exit: nobody}}\n"
                           "  - id: which\n"
                           "    decide:\n"
                           "      - {if: tool.find.n == 0, to: {goto: what}}\n"
                           "      - {else: offer}\n"
                           "  - id: offer\n"
                           "    requires: {identity: 1}\n"
                           "    confirm: {proposal: {tool: send, args: {to: $tool.find.id, amount: slot.much}}}\n"
                           "    yes: do\n"
                           "    no: {say: p.no, exit: declined}\n"
                           "    unclear: {repeat: 1, then: {handoff: unclear_answer}}\n"
                           "  - id: do\n"
                           "    act: $proposal\n"
                           "    ok: told\n"
                           "  - {id: told, say: {macro: p.done, fields: {n: result.n}}, next: wrap}\n"
                           "  - {id: wrap, note: 'sent {slot.much}'}\n"
                           "  - {id: end, exit: {outcome: sent}}\n";

static struct json *yaml(const char *text)
{
    struct json *v;
    struct err e;
    if (yaml_parse(a, str_of(text), "t.yaml", &v, &e) < 0)
        fail_msg("%s", e.text);
    return v;
}

/* "" or the sentence of what is wrong with the routine. */
static struct str reads(const char *text)
{
    struct routine r;
    struct err e = {0};
    return routine_read(a, yaml(text), "t.yaml", &r, &e) < 0 ? str_copy(a, str_of(e.text)) : STR("");
}

static struct routine_book book_of(const char *const *texts, size_t n)
{
    struct routine *routines = ARENA_ARRAY(a, struct routine, n);
    struct err e;
    for (size_t i = 0; i < n; i++)
        if (routine_read(a, yaml(texts[i]), "t.yaml", &routines[i], &e) < 0)
            fail_msg("%s", e.text);
    struct json *macros = yaml(macros_text);
    return (struct routine_book){.routines = routines, .n = n, .macros = macros};
}

/* One walk over `state` (JSON members), as a line: words | what it waits for | frames. */
struct scene {
    const char *state, *step;
    const char *called;
    bool follower, heard, phrased;
    bool before; /* the proposal was made before the routine came to this step */
};

static struct str line_of(const struct routine_walk *w)
{
    static const char *const ends[] = {"waits",  "calls",     "proposes", "phrases",
                                       "judges", "leads out", "ended",    "hands over"};
    struct buf b = buf_new(a, 4096);
    buf_addf(&b, "%.*s| %s", STR_ARG(buf_str(&w->words)), ends[w->end]);
    for (size_t i = 0; i < w->calls_n; i++)
        buf_addf(&b, " %.*s%.*s", STR_ARG(w->calls[i].tool), STR_ARG(w->calls[i].args));
    for (size_t i = 0; i < w->asking_n; i++)
        buf_addf(&b, " ?%.*s", STR_ARG(w->asking[i]));
    if (w->reason.n)
        buf_addf(&b, " %.*s", STR_ARG(w->reason));
    for (const struct json *n = w->ended->child; n; n = n->next)
        buf_addf(&b, " !%.*s", STR_ARG(json_str(json_at(n, 1))));
    for (size_t i = 0; i < w->frames_n; i++)
        buf_addf(&b, " @%.*s", STR_ARG(w->frames[i].step));
    return buf_str(&b);
}

/* With today, and a customer who is known unless the members say otherwise. */
static struct str members(const char *some)
{
    const char *session = strstr(some, "\"session\"") ? "" : "\"session\":{\"identity\":1},";
    return str_f(a, "{\"date\":\"2026-03-10\",%s%s}", session, some);
}

static struct str walk_in(const struct routine_book *book, struct scene s)
{
    struct json *state;
    struct err e;
    struct str text = members(s.state);
    if (json_parse(a, text, &state, &e) < 0)
        fail_msg("%s", e.text);
    struct routine_walk w = routine_walk_new(a, book, state);
    struct str called = str_of(s.called);
    w.language = STR("en");
    w.script = !s.follower;
    w.heard = s.heard;
    w.phrased = s.phrased;
    w.proposed = !s.before && json_is(json_get(state, "proposal"), JSON_OBJECT);
    w.called = &called;
    w.called_n = s.called ? 1 : 0;
    w.frames[w.frames_n++] = (struct routine_frame){book->routines[0].name, str_of(s.step ? s.step : "")};
    routine_walk_on(&w);
    return line_of(&w);
}

static struct str walked(struct scene s)
{
    static const char *const texts[] = {send};
    struct routine_book book = book_of(texts, 1);
    return walk_in(&book, s);
}

#define KNOWN           "\"slot\":{\"who\":\"Maria\",\"much\":50},\"slot_status\":{\"who\":\"stated\",\"much\":\"stated\"}"
#define FOUND           KNOWN ",\"tool\":{\"find\":{\"n\":1,\"id\":\"m1\"}},\"tool_class\":{\"find\":\"ok\"}"
#define PROPOSED(state) FOUND ",\"proposal\":{\"tool\":\"send\",\"state\":\"" state "\",\"result\":{\"n\":50}}"

TEST(what_is_not_known_is_asked_for_in_one_message)
{
    CHECK_STR(walked((struct scene){"\"slot\":{}"}), "Hi. To whom? How much?| waits ?who ?much @what");
    CHECK_STR(walked((struct scene){"\"slot\":{\"who\":\"Maria\"},\"slot_status\":{\"who\":\"stated\"}"}),
              "Hi. How much?| waits ?much @what");
    CHECK_STR(walked((struct scene){"\"slot\":{\"who\":\"nobody\"},\"slot_status\":{\"who\":\"stated\"}"}),
              "Hi.| calls find{\"name\":\"nobody\",\"limit\":3,\"kind\":\"person\"} @look");
    CHECK_STR(walked((struct scene){"\"asked\":{\"who\":2}", "what"}), "| hands over missing_information @what");
}

TEST(a_call_is_made_on_arrival_and_its_class_decides)
{
    CHECK_STR(walked((struct scene){FOUND, "what"}),
              "| calls find{\"name\":\"Maria\",\"limit\":3,\"kind\":\"person\"} @look");
    CHECK_STR(walked((struct scene){FOUND, "look", "find"}),
              "| proposes send{\"to\":\"m1\",\"amount\":50} ?confirm:offer @offer");
    CHECK_STR(walked((struct scene){KNOWN ",\"tool_class\":{\"find\":\"refused\"}", "look", "find"}),
              "Not sent.| ended !nobody");
    CHECK_STR(walked((struct scene){KNOWN ",\"tool_class\":{\"find\":\"unknown\"}", "look", "find"}),
              "| hands over data_unavailable @look");
    CHECK_STR(walked((struct scene){KNOWN ",\"tool_class\":{\"find\":\"transient\"}", "look", "find"}),
              "| calls find{\"name\":\"Maria\",\"limit\":3,\"kind\":\"person\"} ?retry:look @look");
    CHECK_STR(walked((struct scene){KNOWN ",\"tool_class\":{\"find\":\"transient\"},\"asked\":{\"retry:look\":1}",
                                    "look", "find"}),
              "| hands over data_unavailable @look");
}

TEST(a_follower_passes_what_is_known_and_drops_words_that_it_will_say_again)
{
    const char guide[] = "routine: send\nmode: guide\nsteps:\n"
                         "  - {id: hi, say: p.hi}\n"
                         "  - {id: look, call: find}\n"
                         "  - {id: told, say: p.no, exit: done}\n";
    const char *const texts[] = {guide};
    struct routine_book book = book_of(texts, 1);
    CHECK_STR(walk_in(&book, (struct scene){"\"slot\":{}", .follower = true}), "| calls find{} @hi");
    CHECK_STR(walk_in(&book, (struct scene){"\"tool_class\":{\"find\":\"ok\"}", "hi", .follower = true}),
              "Hi. Not sent.| ended !done");
}

TEST(what_became_of_the_proposal_is_read_where_it_was_made)
{
    CHECK_STR(walked((struct scene){PROPOSED("ok"), "offer"}), "Sent 50 to Maria.| ended !sent");
    CHECK_STR(walked((struct scene){PROPOSED("already_done"), "offer"}), "Sent 50 to Maria.| ended !sent");
    CHECK_STR(walked((struct scene){PROPOSED("declined"), "offer"}), "Not sent.| ended !declined");
    CHECK_STR(walked((struct scene){PROPOSED("refused"), "offer"}), "| hands over action_refused @offer");
    CHECK_STR(walked((struct scene){PROPOSED("void") ",\"asked\":{\"confirm:offer\":1}", "offer"}),
              "| proposes send{\"to\":\"m1\",\"amount\":50} ?confirm:offer @offer");
    CHECK_STR(walked((struct scene){PROPOSED("void") ",\"asked\":{\"confirm:offer\":2}", "offer"}),
              "| hands over unclear_answer @offer");
    /* one of an earlier run is past */
    CHECK_STR(walked((struct scene){PROPOSED("ok"), "look", "find"}),
              "| proposes send{\"to\":\"m1\",\"amount\":50} ?confirm:offer @offer");
    /* the runtime refused it before anybody was asked */
    CHECK_STR(walked((struct scene){FOUND ",\"proposal\":null", "offer", "send"}),
              "| hands over action_refused @offer");
    /* also when an earlier one of that tool went through, was declined or void */
    CHECK_STR(walked((struct scene){PROPOSED("ok"), "offer", "send", .before = true}),
              "| hands over action_refused @offer");
    CHECK_STR(walked((struct scene){PROPOSED("declined"), "offer", "send", .before = true}),
              "| hands over action_refused @offer");
    CHECK_STR(walked((struct scene){PROPOSED("ok"), "offer", .before = true}),
              "| proposes send{\"to\":\"m1\",\"amount\":50} ?confirm:offer @offer");
}

TEST(a_step_has_its_requirements)
{
    CHECK_STR(walked((struct scene){FOUND ",\"session\":{\"identity\":0}", "look", "find"}),
              "| hands over compliance @look");
}

TEST(a_called_routine_gives_its_outcome_back_and_an_interrupted_one_goes_on_where_it_stood)
{
    const char caller[] = "routine: caller\nmode: script\nsteps:\n"
                          "  - {id: sub, call_routine: callee, on: {good: {say: p.hi, exit: a}}, next: bad}\n"
                          "  - {id: bad, say: p.no, exit: b}\n";
    const char callee[] = "routine: callee\nmode: script\nsteps:\n"
                          "  - {id: x, decide: [{if: slot.fine, to: {exit: good}}, {else: {exit: poor}}]}\n";
    const char asker[] = "routine: asker\nmode: script\nsteps:\n"
                         "  - {id: q, ask: [{slot: who, question: p.who}]}\n  - {id: e, exit: done}\n";
    const char side[] = "routine: side\nmode: script\nsteps:\n  - {id: s, say: p.other, exit: told}\n";
    const char *const texts[] = {caller, callee, asker, side};
    struct routine_book book = book_of(texts, 4);
    CHECK_STR(walk_in(&book, (struct scene){"\"slot\":{\"fine\":true}"}), "Hi.| ended !good !a");
    CHECK_STR(walk_in(&book, (struct scene){"\"slot\":{\"fine\":false}"}), "Not sent.| ended !poor !b");

    struct routine_walk w = routine_walk_new(a, &book, yaml("slot: {}"));
    w.language = STR("en");
    w.script = true;
    w.frames[w.frames_n++] = (struct routine_frame){STR("asker"), STR("q")};
    w.frames[w.frames_n++] = (struct routine_frame){STR("side"), STR("")};
    routine_walk_on(&w);
    CHECK_STR(line_of(&w), "That costs nothing. Back to before. To whom?| waits ?who !told @q");
}

TEST(a_fresh_question_is_put_on_every_arrival)
{
    const char loop[] = "routine: loop\nmode: script\nsteps:\n"
                        "  - {id: hi, say: p.hi}\n"
                        "  - {id: q, ask: [{slot: who, question: p.who, fresh: true}], next: hi}\n";
    const char *const texts[] = {loop};
    struct routine_book book = book_of(texts, 1);
    CHECK_STR(walk_in(&book, (struct scene){KNOWN ",\"asked\":{\"who\":1}"}), "Hi. To whom?| waits ?who @q");
    CHECK_STR(walk_in(&book, (struct scene){KNOWN ",\"asked\":{\"who\":1}", "q", .heard = true}),
              "Hi. To whom?| waits ?who @q");
}

TEST(words_and_judgements_of_a_model_are_waited_for)
{
    const char soft[] =
        "routine: soft\nmode: script\nsteps:\n"
        "  - {id: s, say: {macro: p.hi, text: be warm}}\n"
        "  - {id: d, decide: [{if_text: the customer is upset, to: {handoff: frustration}}, {else: e}]}\n"
        "  - {id: e, exit: fine}\n";
    const char *const texts[] = {soft};
    struct routine_book book = book_of(texts, 1);
    CHECK_STR(walk_in(&book, (struct scene){"\"slot\":{}"}), "| phrases @s");
    CHECK_STR(walk_in(&book, (struct scene){"\"slot\":{}", "s", .phrased = true}), "| judges @d");
    CHECK_STR(walk_in(&book, (struct scene){"\"judged\":{\"d.row0\":true}", "d"}), "| hands over frustration @d");
    CHECK_STR(walk_in(&book, (struct scene){"\"judged\":{\"d.row0\":false}", "d"}), "| ended !fine");
}

TEST(a_macro_with_a_hole_and_a_circle_end_with_a_person)
{
    const char hole[] =
        "routine: hole\nmode: script\nsteps:\n  - {id: a, say: p.hi}\n  - {id: b, say: p.hole, exit: x}\n";
    const char circle[] = "routine: c\nmode: script\nsteps:\n  - {id: a, goto: b}\n  - {id: b, goto: a}\n";
    const char *const holes[] = {hole}, *const circles[] = {circle};
    struct routine_book one = book_of(holes, 1), other = book_of(circles, 1);
    CHECK_STR(walk_in(&one, (struct scene){"\"slot\":{}"}), "| hands over data_unavailable @");
    CHECK_STR(walk_in(&other, (struct scene){"\"slot\":{}"}), "| hands over low_confidence @");
}

/* --- reading --- */

TEST(what_is_wrong_with_a_routine_is_said_with_its_line)
{
    CHECK_STR(reads(send), "");
    CHECK_STR(reads("routine: r\n"), "t.yaml:1: a routine needs `steps`, a list");
    CHECK_STR(reads("routine: r\nsteps:\n  - {say: x}\n"), "t.yaml:3: a step needs an `id`");
    CHECK(str_has(reads("routine: r\nsteps:\n  - {id: a, dance: x}\n"), STR("step a: it has no verb")));
    CHECK(str_has(reads("routine: r\nsteps:\n  - {id: a, say: x, call: y}\n"), STR("two verbs, say and call")));
    CHECK(str_has(reads("routine: r\nsteps:\n  - {id: a, exit: x}\n  - {id: a, exit: x}\n"),
                  STR("t.yaml:4: two steps have the id a")));
    CHECK(str_has(reads("routine: r\nsteps:\n  - {id: a, goto: b}\n"), STR("next names b, which is no step")));
    CHECK(str_has(reads("routine: r\nmode: free\nsteps:\n  - {id: a, exit: x}\n"),
                  STR("mode is \"free\"; write guide, gate or script")));
    CHECK(str_has(reads("routine: r\nsteps:\n  - {id: a, act: that}\n"), STR("act is always `act: $proposal`")));
    CHECK(str_has(reads("routine: r\nsteps:\n  - {id: a, decide: [{if: x}]}\n"), STR("a row of decide needs `to`")));
    CHECK(str_has(reads("routine: r\nsteps:\n  - {id: a, say: x, next: {say: y, next: nowhere}}\n"),
                  STR("step a.next: next names nowhere")));
}

/* --- the gate --- */

static struct str gate(const char *state_members, const char *tool, const char *args, bool action)
{
    static const char *const texts[] = {send};
    struct routine_book book = book_of(texts, 1);
    struct json *state, *given;
    struct err e;
    if (json_parse(a, members(state_members), &state, &e) < 0 || json_parse(a, str_of(args), &given, &e) < 0)
        fail_msg("%s", e.text);
    struct routine_verdict v = routine_gate(a, book.routines, state, str_of(tool), given, action);
    return v.allowed ? STR("yes")
                     : str_f(a, "%s at %.*s %.*s", v.reason, STR_ARG(v.step), STR_ARG(json_text(a, v.missing)));
}

TEST(a_gate_holds_an_action_until_the_walk_from_the_beginning_comes_to_it)
{
    const char *args = "{\"to\":\"m1\",\"amount\":50}";
    CHECK_STR(gate("\"slot\":{}", "send", args, true), "step_not_reached at what [\"slot.who\",\"slot.much\"]");
    CHECK_STR(gate(KNOWN, "send", args, true), "step_not_reached at look [\"tool.find\"]");
    CHECK_STR(gate(FOUND, "send", args, true), "yes");
    CHECK_STR(gate(FOUND, "send", "{\"to\":\"m2\",\"amount\":50.0}", true), "arguments_differ at offer [\"to\"]");
    CHECK_STR(gate(FOUND ",\"session\":{\"identity\":0}", "send", args, true), "identity_too_low at offer []");
    CHECK_STR(gate("\"slot\":{}", "unrelated", "{}", true), "yes");
}

static bool gate_of(const char *routine, const char *state_members, const char *tool)
{
    const char *const texts[] = {routine};
    struct routine_book book = book_of(texts, 1);
    struct json *state;
    if (json_parse(a, members(state_members), &state, NULL) < 0)
        fail_msg("%s", state_members);
    return routine_gate(a, book.routines, state, str_of(tool), yaml("{}"), true).allowed;
}

TEST(a_gate_lets_an_action_through_behind_whatever_became_of_the_one_before)
{
    const char two[] = "routine: two\nmode: gate\nsteps:\n"
                       "  - {id: a, confirm: {proposal: {tool: first}}, no: c}\n"
                       "  - {id: b, act: $proposal, refused: {exit: over}}\n"
                       "  - {id: c, confirm: {proposal: {tool: second}}}\n"
                       "  - {id: d, act: $proposal}\n  - {id: e, exit: done}\n";
    CHECK(!gate_of(two, "\"proposal\":null", "second"));
    CHECK(gate_of(two, "\"proposal\":{\"tool\":\"first\",\"state\":\"ok\"}", "second"));
    CHECK(gate_of(two, "\"proposal\":{\"tool\":\"first\",\"state\":\"declined\"}", "second"));
    CHECK(!gate_of(two, "\"proposal\":{\"tool\":\"first\",\"state\":\"refused\"}", "second"));
    /* the second one was void: it is proposed again */
    CHECK(
        gate_of(two, "\"proposal\":{\"tool\":\"second\",\"state\":\"void\"},\"became\":{\"first\":\"ok\"}", "second"));
    CHECK(!gate_of(two, "\"proposal\":{\"tool\":\"second\",\"state\":\"void\"},\"became\":{\"first\":\"void\"}",
                   "second"));
}

TEST(what_only_a_model_can_judge_leads_both_ways_and_a_gate_ends_in_a_circle)
{
    const char soft[] = "routine: soft\nmode: gate\nsteps:\n"
                        "  - {id: d, decide: [{if_text: it is lost, to: a}, {if: slot.who == 'x', to: c}, {else: d}]}\n"
                        "  - {id: a, confirm: {proposal: {tool: first}}}\n  - {id: b, act: $proposal}\n"
                        "  - {id: c, confirm: {proposal: {tool: second}}}\n  - {id: e, act: $proposal}\n"
                        "  - {id: f, exit: done}\n";
    CHECK(gate_of(soft, "\"slot\":{}", "first"));
    CHECK(!gate_of(soft, "\"slot\":{}", "second"));
    CHECK(gate_of(soft, "\"slot\":{\"who\":\"x\"}", "second"));
}

TEST(a_gate_holds_a_read_until_its_arguments_are_known)
{
    CHECK_STR(gate("\"slot\":{}", "find", "{\"name\":\"x\"}", false), "step_not_reached at look [\"slot.who\"]");
    CHECK_STR(gate(KNOWN, "find", "{\"name\":\"Maria\"}", false), "yes");
}

static int begin(void **state)
{
    a = arena_new("routine test", 0);
    return 0;
}

static int end(void **state)
{
    arena_free(a);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_known_is_asked_for_in_one_message),
        cmocka_unit_test(a_call_is_made_on_arrival_and_its_class_decides),
        cmocka_unit_test(a_follower_passes_what_is_known_and_drops_words_that_it_will_say_again),
        cmocka_unit_test(what_became_of_the_proposal_is_read_where_it_was_made),
        cmocka_unit_test(a_step_has_its_requirements),
        cmocka_unit_test(a_called_routine_gives_its_outcome_back_and_an_interrupted_one_goes_on_where_it_stood),
        cmocka_unit_test(a_fresh_question_is_put_on_every_arrival),
        cmocka_unit_test(words_and_judgements_of_a_model_are_waited_for),
        cmocka_unit_test(a_macro_with_a_hole_and_a_circle_end_with_a_person),
        cmocka_unit_test(what_is_wrong_with_a_routine_is_said_with_its_line),
        cmocka_unit_test(a_gate_holds_an_action_until_the_walk_from_the_beginning_comes_to_it),
        cmocka_unit_test(a_gate_lets_an_action_through_behind_whatever_became_of_the_one_before),
        cmocka_unit_test(what_only_a_model_can_judge_leads_both_ways_and_a_gate_ends_in_a_circle),
        cmocka_unit_test(a_gate_holds_a_read_until_its_arguments_are_known),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
