/* What JSON costs: reading and writing a chat request of about 2 KB, as it goes to a model and comes back from
 * the journal, and a file of about 1 MB; against jansson on the same bytes.
 *
 *   bench_json [SECONDS]      for each measurement (1); one CSV row per text and direction, MB = 10^6 bytes
 */
#include "base/clock.h"
#include "base/json.h"

#include "jansson_peer.h"

#include <stdio.h>
#include <stdlib.h>

enum { BYTES_MAX = 16 << 20, COPIES = 540 /* of the chat request in the large text */ };

struct work {
    struct str text;
    struct arena *arena;
    struct json *ours;
    json_t *theirs;
    size_t written; /* bytes, so that no compiler leaves the work out */
};

static void put_message(struct json_writer *w, const char *role, const char *text)
{
    json_open(w, '{');
    json_pair_str(w, "role", str_of(role));
    json_pair_str(w, "content", str_of(text));
    json_close(w, '}');
}

static void put_tool(struct json_writer *w, const char *name, const char *what)
{
    json_open(w, '{');
    json_pair_str(w, "type", STR("function"));
    json_key(w, "function");
    json_open(w, '{');
    json_pair_str(w, "name", str_of(name));
    json_pair_str(w, "description", str_of(what));
    json_key(w, "parameters");
    json_put_raw(w, STR("{\"type\":\"object\",\"properties\":{\"card_id\":{\"type\":\"string\"},\"days_late\":{"
                        "\"type\":\"integer\",\"minimum\":0}},\"required\":[\"card_id\"],"
                        "\"additionalProperties\":false}"));
    json_close(w, '}');
    json_close(w, '}');
}

static void put_chat(struct json_writer *w, int64_t id)
{
    json_open(w, '{');
    json_pair_int(w, "id", id);
    json_pair_str(w, "model", STR("example-model-large"));
    json_key(w, "temperature");
    json_put_num(w, 0.2);
    json_pair_bool(w, "stream", true);
    json_key(w, "messages");
    json_open(w, '[');
    put_message(w, "system",
                "You help customers whose card has not come. Look up the delivery before you say anything about it.\n"
                "Never promise a date. Ask before you send another card, and say which address it goes to.\n"
                "If the customer asks for a person, hand over at once. Write in the customer's language, in two or\n"
                "three short sentences, without headings. Quote carrier and tracking number exactly as the tool "
                "gives\nthem. A card that is late by less than three days is not late: say so kindly and offer to "
                "look again.\nAn address is never repeated in full; name its kind (home, work, branch) and the city. "
                "The macros\nfor this routine are delivery_on_time, delivery_late, reissue_offer and reissue_done.");
    put_message(w, "user", "Oi! Meu cart\u00e3o ainda n\u00e3o chegou, j\u00e1 faz duas semanas \U0001F622");
    put_message(w, "assistant", "Vou verificar a entrega para voc\u00ea.");
    put_message(w, "tool",
                "{\"carrier\":\"Rapido\",\"status\":\"in_transit\",\"shipped\":\"2026-01-03\","
                "\"expected\":\"2026-01-10\",\"days_late\":5}");
    put_message(w, "user", "And can you \"please\" send it to my work address instead? It is 12-B, Main Street.");
    json_close(w, ']');
    json_key(w, "tools");
    json_open(w, '[');
    put_tool(w, "check_card_delivery", "Where the card is and when it should arrive. Not for transfers.");
    put_tool(w, "reissue_card", "Sends a new card. Only after the customer has confirmed the address.");
    json_close(w, ']');
    json_key(w, "usage");
    json_open(w, '{');
    json_pair_int(w, "prompt_tokens", 1530);
    json_pair_int(w, "completion_tokens", 31);
    json_close(w, '}');
    json_close(w, '}');
}

static void read_ours(struct work *k)
{
    arena_reset(k->arena);
    if (json_parse(k->arena, k->text, &k->ours, NULL) < 0)
        abort();
}

static void read_theirs(struct work *k)
{
    json_decref(k->theirs);
    k->theirs = json_loadb(k->text.p, k->text.n, JSON_REJECT_DUPLICATES, NULL);
    if (!k->theirs)
        abort();
}

static void write_ours(struct work *k)
{
    struct arena *a = arena_new("bench", k->text.n * 2);
    k->written += json_text(a, k->ours).n;
    arena_free(a);
}

static void write_theirs(struct work *k)
{
    char *text = json_dumps(k->theirs, JSON_COMPACT);
    k->written += (size_t)(text[0] == '{' || text[0] == '[');
    free(text);
}

static double mb_per_s(void (*fn)(struct work *), struct work *k, double seconds)
{
    fn(k); /* once for the caches */
    int64_t start_us = clock_mono_us(), took_us = 0;
    size_t bytes = 0;
    for (; (double)took_us < seconds * 1e6; took_us = clock_mono_us() - start_us) {
        fn(k);
        bytes += k->text.n;
    }
    return (double)bytes / (double)took_us;
}

static void measure(const char *name, struct str text, double seconds)
{
    struct work k = {.text = text, .arena = arena_new("bench", text.n * 4)};
    double ours = mb_per_s(read_ours, &k, seconds), theirs = mb_per_s(read_theirs, &k, seconds);
    printf("%s,%zu,read,%.0f,%.0f,%.1f\n", name, text.n, ours, theirs, ours / theirs);
    ours = mb_per_s(write_ours, &k, seconds);
    theirs = mb_per_s(write_theirs, &k, seconds);
    printf("%s,%zu,write,%.0f,%.0f,%.1f\n", name, text.n, ours, theirs, ours / theirs);
    json_decref(k.theirs);
    arena_free(k.arena);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 1;
    struct buf small = buf_new(NULL, BYTES_MAX), large = buf_new(NULL, BYTES_MAX);
    put_chat(&(struct json_writer){.out = &small}, 1);
    struct json_writer w = {.out = &large};
    json_open(&w, '[');
    for (int64_t i = 0; i < COPIES; i++)
        put_chat(&w, i);
    json_close(&w, ']');

    printf("text,bytes,direction,mb_per_s,jansson_mb_per_s,times_jansson\n");
    measure("chat request", buf_str(&small), seconds);
    measure("large file", buf_str(&large), seconds);
    buf_free(&small);
    buf_free(&large);
    return 0;
}
