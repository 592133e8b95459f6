/* Who wrote which bytes of a prompt: every byte once, to the byte, and still so when a module has another name by now. */
#include "test.h"
#include "world.h"

#include "engine/instructions.h"

static struct world w;

static void hold(void)
{
    world_begin(&w, world_agent(NULL, NULL));
    assert_true(world_open(&w, "ana", "en") && world_say(&w, "hello \"you\"\n\\ \xc3\xa9") &&
                world_say(&w, "my card never came") && world_say(&w, "yes") && world_say(&w, "thanks"));
}

/* The prompt of the n-th question, with its labels. */
static struct context asked(int n, struct conversation **out)
{
    struct conversation *c;
    assert_int_equal(conversation_unfold(world_agents(&w), w.log, w.log_n, &c, &w.err), 0);
    c->messages.marking = true;
    for (size_t i = 0; i < w.log_n; i++) {
        if (w.log[i].kind == EVENT_MODEL_ASKED && --n == 0) {
            struct context x = context_make(w.arena, c, w.log[i].at_us);
            context_label(w.arena, c, w.log, w.log[i].at_us, &x);
            *out = c;
            return x;
        }
        assert_int_equal(conversation_fold(c, &w.log[i], &w.err), 0);
    }
    fail_msg("so many questions were not asked");
    return (struct context){0};
}

static struct str bytes_of(const struct str whole, const struct span *s)
{
    return (struct str){whole.p + s->from, s->to - s->from};
}

static const struct span *find(const struct context *x, const char *name, const char *anchor)
{
    for (size_t i = 0; i < x->spans_n; i++)
        if (str_is(x->spans[i].label.name, name) && str_is(x->spans[i].label.anchor, anchor))
            return &x->spans[i];
    fail_msg("nothing is of %s %s", name, anchor);
    return NULL;
}

TEST(every_byte_of_every_prompt_is_somebodys_and_of_nobody_else)
{
    hold();
    int prompts = world_count(&w, EVENT_MODEL_ASKED);
    for (int n = 1; n <= prompts; n++) {
        struct conversation *c;
        struct context x = asked(n, &c);
        struct str whole = context_bytes(w.arena, &x);
        struct sha256 sha = sha256_of(whole);
        CHECK(sha256_eq(&sha, &x.sha));
        size_t end = 0;
        for (size_t i = 0; i < x.spans_n; i++) {
            const struct span *s = &x.spans[i];
            CHECK(s->from == end && s->to > s->from && s->label.kind.n);
            bool module = !str_is(s->label.kind, "event") && !str_is(s->label.kind, "runtime");
            CHECK(!module || (s->label.sha.n == 64 && s->label.version.n && s->label.name.n));
            end = s->to;
        }
        CHECK_INT(end, whole.n);
        conversation_free(c);
    }
    CHECK(prompts >= 5);
    world_end(&w);
}

TEST(parts_stand_in_their_order_and_end_where_they_end)
{
    hold();
    struct conversation *c;
    struct context x = asked(4, &c);
    size_t ends[] = {x.tools.n + 1, x.tools.n + 1 + x.shared.n, x.bytes - x.state.n, x.bytes};
    for (size_t i = 0; i < x.spans_n; i++)
        if (i + 1 == x.spans_n || x.spans[i + 1].part != x.spans[i].part)
            CHECK_INT(x.spans[i].to, ends[x.spans[i].part]);
    conversation_free(c);
    world_end(&w);
}

TEST(a_span_holds_just_what_its_module_says)
{
    hold();
    struct conversation *c;
    struct context x = asked(4, &c);
    struct str whole = context_bytes(w.arena, &x);
    CHECK_STR(bytes_of(whole, find(&x, "voice", "M1")), "- Answer in the customer's language.\\n");
    struct str n2 = bytes_of(whole, find(&x, "card_delivery", "N1"));
    CHECK(str_starts(n2, STR("- Reissue a card")) && str_ends(n2, STR("conversation.")));
    struct str tool = bytes_of(whole, find(&x, "reissue_card", "reissue_card"));
    CHECK(str_starts(tool, STR("{\"type\":\"function\"")) && str_ends(tool, STR("}}")));
    struct str macro = bytes_of(whole, find(&x, "cards", "late"));
    CHECK(str_starts(macro, STR("\\\"cards.late\\\":{")) && str_ends(macro, STR("}")));
    struct str slot = bytes_of(whole, find(&x, "card_case", "reissue_reason"));
    CHECK(str_starts(slot, STR("{")) && str_has(slot, STR("\\\"slot\\\":\\\"reissue_reason\\\"")) &&
          str_ends(slot, STR("}")));
    struct str step = bytes_of(whole, find(&x, "card_delivery_investigation", "offer_reissue"));
    CHECK(str_starts(step, STR("{")) && str_ends(step, STR("}")) &&
          str_has(step, STR("\\\"id\\\":\\\"offer_reissue\\\"")));
    conversation_free(c);
    world_end(&w);
}

TEST(what_was_said_is_the_event_that_said_it_escapes_and_all)
{
    hold();
    struct conversation *c;
    struct context x = asked(4, &c);
    struct str whole = context_bytes(w.arena, &x);
    CHECK_STR(bytes_of(whole, find(&x, "message.received", "2")), "hello \\\"you\\\"\\n\\\\ \xc3\xa9");
    CHECK(str_starts(bytes_of(whole, find(&x, "conversation.opened", "1")), STR("{\\\"channel\\\":\\\"web\\\"")));
    size_t answers = 0;
    for (size_t i = 0; i < x.spans_n; i++)
        if (str_is(x.spans[i].label.name, "tool.answered") && x.spans[i].part == PROMPT_TRANSCRIPT) {
            CHECK(str_starts(bytes_of(whole, &x.spans[i]), STR("{\\\"class\\\":")));
            answers++;
        }
    CHECK(answers >= 2);
    CHECK_STR(bytes_of(whole, find(&x, "state", "date")), "\\\"date\\\":\\\"2026-03-10\\\"");
    conversation_free(c);
    world_end(&w);
}

/* The old conversation's prompts stay as they were and are of the module that wrote them then. */
TEST(a_renamed_module_keeps_its_name_in_what_it_wrote_before)
{
    hold();
    struct conversation *c;
    struct context x = asked(3, &c);
    struct str sha = find(&x, "voice", "M1")->label.sha;
    conversation_free(c);
    w.second = world_agent("\"name\":\"voice\"", "\"name\":\"tone\"");
    CHECK(world_switch(&w, w.second) && world_say(&w, "hello"));
    x = asked(3, &c);
    CHECK_STR(find(&x, "voice", "M1")->label.sha, str_c(w.arena, sha));
    conversation_free(c);
    x = asked(world_count(&w, EVENT_MODEL_ASKED), &c);
    const struct span *renamed = find(&x, "tone", "M1");
    CHECK_STR(renamed->label.sha, str_c(w.arena, sha));
    CHECK_STR(bytes_of(context_bytes(w.arena, &x), renamed), "- Answer in the customer's language.\\n");
    conversation_free(c);
    world_end(&w);
}

TEST(instructions_come_apart_into_sections_items_and_paragraphs_and_together_again)
{
    static const struct {
        const char *text, *anchors;
    } cases[] = {
        {"", ""},
        {"words", "p1"},
        {"words\nmore\n\nnext", "p1 p2"},
        {"# Role\nYou are.\n\n# Must\n- a\n  goes on\n- b\n", "role role.p1 must M1 M2"},
        {"## Must not\n1. a\n2. b\n# Must\n- c\n# Must not\n- d", "must_not N1 N2 must M1 must_not N3"},
        {"# Escalate when\n\n\nthey ask\n# Style\nshort", "escalate_when escalate_when.p1 style style.p1"},
        {"#no heading\n### nor this", "p1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new("pieces", 0);
        struct instructions in = {.rest = str_of(cases[i].text)};
        struct instruction piece;
        struct buf anchors = buf_new(a, 1000), text = buf_new(a, 1000);
        while (instructions_next(a, &in, &piece)) {
            buf_addf(&anchors, "%s%.*s", anchors.n ? " " : "", STR_ARG(piece.anchor));
            buf_add(&text, piece.text);
        }
        CHECK_STR(buf_str(&anchors), cases[i].anchors);
        CHECK_STR(buf_str(&text), cases[i].text);
        arena_free(a);
    }
}

RUN(cmocka_unit_test(every_byte_of_every_prompt_is_somebodys_and_of_nobody_else),
    cmocka_unit_test(parts_stand_in_their_order_and_end_where_they_end),
    cmocka_unit_test(a_span_holds_just_what_its_module_says),
    cmocka_unit_test(what_was_said_is_the_event_that_said_it_escapes_and_all),
    cmocka_unit_test(a_renamed_module_keeps_its_name_in_what_it_wrote_before),
    cmocka_unit_test(instructions_come_apart_into_sections_items_and_paragraphs_and_together_again))
