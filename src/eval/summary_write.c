/* The two forms of a summary: plain text for people, JSON for machines. */
#include "eval/summary.h"

#include "base/id.h"
#include "base/text.h"

enum { LINE_CHARS = 110 };

struct str summary_link(struct arena *a, int64_t conversation)
{
    return str_f(a, "/conversations/%.*s", STR_ARG(id_public(a, conversation)));
}

/* --- text --- */

static void text_head_line(const struct summary *s, struct buf *out)
{
    buf_addf(out, "%.*s: %zu conversation%s", STR_ARG(s->set), s->conversations, s->conversations == 1 ? "" : "s");
    if (s->tasks < s->conversations && s->trials_min == s->trials_max)
        buf_addf(out, ", %zu tasks with %zu trials each", s->tasks, s->trials_min);
    else if (s->tasks < s->conversations)
        buf_addf(out, ", %zu tasks with %zu to %zu trials", s->tasks, s->trials_min, s->trials_max);
    buf_adds(out, "\n");
}

/* "25 tasks", or "23 of 25 tasks; 2 have fewer than 2 rewarded trials". */
static void text_tasks(const struct summary *s, size_t k, struct buf *out)
{
    size_t left_out = s->pass_left_out[k - 1];
    if (left_out == 0) {
        buf_addf(out, "%zu tasks", s->pass[k - 1].i.n);
        return;
    }
    buf_addf(out, "%zu of %zu tasks; %zu %s ", s->tasks - left_out, s->tasks, left_out, left_out == 1 ? "has" : "have");
    if (k == 1)
        buf_adds(out, "no rewarded trial");
    else
        buf_addf(out, "fewer than %zu rewarded trials", k);
}

static void text_pass(const struct summary *s, struct buf *out)
{
    buf_adds(out, "\nSuccess: the share of tasks of which k trials all have the source's reward 1\n");
    if (s->rewarded == 0)
        buf_addf(out, "  n/a: %.*s\n", STR_ARG(s->pass[0].why));
    for (size_t k = 1; k <= SUMMARY_K_MAX && s->rewarded; k++) {
        const struct figure *f = &s->pass[k - 1];
        if (!f->defined)
            buf_addf(out, "  pass^%zu  n/a: %.*s\n", k, STR_ARG(f->why));
        else if (!f->bounded)
            buf_addf(out, "  pass^%zu  %.4f  no interval: %.*s  (", k, f->i.value, STR_ARG(f->why));
        else
            buf_addf(out, "  pass^%zu  %.4f  95 %% interval %.4f .. %.4f  (%s, ", k, f->i.value, f->i.low, f->i.high,
                     f->i.method);
        if (f->defined) {
            text_tasks(s, k, out);
            buf_adds(out, ")\n");
        }
    }
}

static void text_range(const struct figure *f, struct buf *out)
{
    if (f->bounded)
        buf_addf(out, "  %5.1f .. %5.1f", 100 * f->i.low, 100 * f->i.high);
    else
        buf_addf(out, "  %14s", "n/a");
}

static void text_judges(const struct summary *s, struct buf *out)
{
    size_t width = 5;
    for (size_t i = 0; i < s->judges_n; i++)
        width = s->judges[i].name.n > width ? s->judges[i].name.n : width;
    buf_adds(out, "\nFailures by judge, in % of the conversations that it judged, with 95 % intervals\n");
    buf_addf(out, "  %-*s  %-12s  %6s  %5s  %6s  %14s  %14s  %s\n", (int)width, "judge", "version", "failed", "of",
             "rate", "Wilson", "t over tasks", "not judged");
    for (size_t i = 0; i < s->judges_n; i++) {
        const struct summary_judge *j = &s->judges[i];
        buf_addf(out, "  %-*.*s  %-12.*s  %6zu  %5zu", (int)width, STR_ARG(j->name), STR_ARG(j->version), j->failed,
                 j->judged);
        if (j->rate.defined)
            buf_addf(out, "  %6.1f", 100 * j->rate.i.value);
        else
            buf_addf(out, "  %6s", "n/a");
        text_range(&j->rate, out);
        text_range(&j->over_tasks, out);
        if (j->unjudged)
            buf_addf(out, "  %zu undecided", j->unjudged);
        if (j->not_meant)
            buf_addf(out, "  %zu not applicable", j->not_meant);
        buf_adds(out, "\n");
    }
    if (s->judges_n == 0)
        buf_adds(out, "  no verdicts\n");
}

static void text_catches(const struct summary *s, struct buf *out)
{
    buf_adds(out, "\nWhat each judge catches\n");
    for (size_t i = 0; i < s->judges_n; i++)
        if (s->judges[i].catches.n)
            buf_addf(out, "  %.*s: %.*s\n", STR_ARG(s->judges[i].name), STR_ARG(s->judges[i].catches));
}

static void text_worst(struct arena *a, const struct summary *s, struct buf *out)
{
    buf_adds(out, "\nRead these first: most failed judges, then the lowest reward\n");
    for (size_t i = 0; i < s->worst_n; i++) {
        const struct summary_worst *w = &s->worst[i];
        buf_addf(out, "  %2zu. %.*s  %.*s  %zu failed", i + 1, STR_ARG(w->item->label),
                 STR_ARG(summary_link(a, w->item->conversation)), w->failed);
        if (w->item->has_reward)
            buf_addf(out, ", reward %g", w->item->reward);
        buf_adds(out, "\n");
        for (size_t k = 0; k < w->failed; k++) {
            const struct verdict_row *row = w->rows[k];
            struct str head = text_head(row->analysis, LINE_CHARS);
            buf_addf(out, "      %.*s: %.*s%s", STR_ARG(row->judge), STR_ARG(head),
                     head.n < row->analysis.n ? "..." : "");
            if (row->evidence_seq)
                buf_addf(out, " (event %lld)", (long long)row->evidence_seq);
            buf_adds(out, "\n");
        }
    }
    if (s->worst_n == 0)
        buf_adds(out, "  none failed\n");
}

void summary_text(struct arena *a, const struct summary *s, struct str note, struct buf *out)
{
    text_head_line(s, out);
    if (note.n)
        buf_addf(out, "%.*s\n", STR_ARG(note));
    text_pass(s, out);
    text_judges(s, out);
    if (s->judges_n)
        text_catches(s, out);
    text_worst(a, s, out);
}

/* --- JSON --- */

static void json_number(struct json_writer *w, const char *key, bool there, double v)
{
    json_key(w, key);
    if (there)
        json_put_num(w, v);
    else
        json_put_null(w);
}

static void figure_members(struct json_writer *w, const struct figure *f)
{
    json_number(w, "value", f->defined, f->i.value);
    json_number(w, "low", f->bounded, f->i.low);
    json_number(w, "high", f->bounded, f->i.high);
    json_key(w, "method");
    if (f->bounded)
        json_put_str(w, str_of(f->i.method));
    else
        json_put_null(w);
    json_pair_int(w, "n", (int64_t)f->i.n);
    json_pair_str(w, "status", f->bounded ? STR("ok") : f->why);
}

static void json_figure(struct json_writer *w, const struct figure *f)
{
    json_open(w, '{');
    figure_members(w, f);
    json_close(w, '}');
}

static void json_judge(struct json_writer *w, const struct summary_judge *j)
{
    json_open(w, '{');
    json_pair_str(w, "judge", j->name);
    json_pair_str(w, "version", j->version);
    json_pair_str(w, "catches", j->catches);
    json_pair_int(w, "failed", (int64_t)j->failed);
    json_pair_int(w, "judged", (int64_t)j->judged);
    json_pair_int(w, "undecided", (int64_t)j->unjudged);
    json_pair_int(w, "not_applicable", (int64_t)j->not_meant);
    json_key(w, "rate");
    json_figure(w, &j->rate);
    json_key(w, "rate_over_tasks");
    json_figure(w, &j->over_tasks);
    json_close(w, '}');
}

static void json_worst(struct arena *a, struct json_writer *w, const struct summary_worst *one)
{
    json_open(w, '{');
    json_pair_str(w, "id", id_public(a, one->item->conversation));
    json_pair_str(w, "label", one->item->label);
    json_pair_str(w, "link", summary_link(a, one->item->conversation));
    json_number(w, "reward", one->item->has_reward, one->item->reward);
    json_key(w, "failed");
    json_open(w, '[');
    for (size_t k = 0; k < one->failed; k++) {
        json_open(w, '{');
        json_pair_str(w, "judge", one->rows[k]->judge);
        json_pair_str(w, "version", one->rows[k]->version);
        json_pair_str(w, "analysis", one->rows[k]->analysis);
        json_pair_int(w, "evidence_seq", one->rows[k]->evidence_seq);
        json_close(w, '}');
    }
    json_close(w, ']');
    json_close(w, '}');
}

void summary_json(struct arena *a, const struct summary *s, struct str note, struct json_writer *w)
{
    json_open(w, '{');
    json_pair_str(w, "set", s->set);
    json_pair_int(w, "conversations", (int64_t)s->conversations);
    json_pair_int(w, "tasks", (int64_t)s->tasks);
    json_pair_int(w, "rewarded", (int64_t)s->rewarded);
    json_pair_str(w, "note", note);
    json_key(w, "pass_hat_k");
    json_open(w, '{');
    for (size_t k = 1; k <= SUMMARY_K_MAX; k++) {
        json_key_str(w, str_f(a, "%zu", k));
        json_open(w, '{');
        figure_members(w, &s->pass[k - 1]);
        json_pair_int(w, "left_out", (int64_t)s->pass_left_out[k - 1]);
        json_close(w, '}');
    }
    json_close(w, '}');
    json_key(w, "judges");
    json_open(w, '[');
    for (size_t i = 0; i < s->judges_n; i++)
        json_judge(w, &s->judges[i]);
    json_close(w, ']');
    json_key(w, "worst");
    json_open(w, '[');
    for (size_t i = 0; i < s->worst_n; i++)
        json_worst(a, w, &s->worst[i]);
    json_close(w, ']');
    json_close(w, '}');
}
