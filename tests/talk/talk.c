/* talk: plays the scripts of this folder. README.md has their language.
 *
 *     talk WORKSPACES FILE|FOLDER...       with the example bank's program in $BANK
 *
 * A folder stands for the scripts in it, and in its folders' own tests/ (examples: what every example workspace brings).
 *
 * One line a script; of a failed one the place, what was expected and what was there, and its journal. The last line counts;
 * exit 0 when nothing failed. */
#include "base/text.h"
#include "expect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SCRIPT_BYTES_MAX = 1 << 18, SCRIPTS_MAX = 500 };

/* --- one line --- */

static struct str cut_word(struct str *rest)
{
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ')
        n++;
    struct str word = str_head(*rest, n);
    *rest = str_trim(str_from(*rest, n));
    return word;
}

static int do_agent(struct stage *s, struct str rest, struct err *e)
{
    return stage_agent(s, rest, e);
}

static int do_as(struct stage *s, struct str rest, struct err *e)
{
    struct str customer = cut_word(&rest), locale = cut_word(&rest);
    int64_t identity = 1;
    if (rest.n && (!str_starts(rest, STR("identity ")) || str_int(str_from(rest, 9), &identity) < 0))
        return err_set(e, ERR_INVALID, "write: as CUSTOMER LOCALE identity N");
    return stage_as(s, customer, locale, (int)identity, e);
}

static int do_bank(struct stage *s, struct str rest, struct err *e)
{
    struct str fault = cut_word(&rest);
    return stage_bank(s, fault, rest, e);
}

static int do_program(struct stage *s, struct str rest, struct err *e)
{
    return str_is(rest, "dies") ? stage_dies(s, e) : err_set(e, ERR_INVALID, "the program dies, and starts again");
}

static int do_closes(struct stage *s, struct str rest, struct err *e)
{
    return stage_closes(s, e);
}

/* One row a word. `may_be_refused`: the next line may expect that. */
static const struct act {
    const char *word;
    int (*run)(struct stage *s, struct str rest, struct err *e);
    bool may_be_refused;
} acts[] = {
    {"agent", do_agent, false},        {"as", do_as, false},
    {"customer", stage_message, true}, {"resend", stage_resend, true},
    {"button", stage_button, true},    {"closes", do_closes, true},
    {"person", stage_person, true},    {"operator", stage_operator, true},
    {"model", stage_model, false},     {"tool", stage_tool, false},
    {"bank", do_bank, false},          {"clock", stage_clock, false},
    {"program", do_program, false},
};

/* "\u{200B}" is that character, "\n" a line end. */
static struct str unescape(struct arena *a, struct str s)
{
    struct buf b = buf_new(a, SCRIPT_BYTES_MAX);
    for (size_t i = 0; i < s.n; i++) {
        struct str here = str_from(s, i);
        if (str_starts(here, STR("\\n"))) {
            buf_addc(&b, '\n');
            i++;
        } else if (str_starts(here, STR("\\u{"))) {
            char *end;
            unsigned long c = strtoul(here.p + 3, &end, 16);
            if (c >= 0x10000)
                buf_addf(&b, "%c%c%c%c", (int)(0xF0 | c >> 18), (int)(0x80 | (c >> 12 & 63)),
                         (int)(0x80 | (c >> 6 & 63)), (int)(0x80 | (c & 63)));
            else if (c >= 0x800)
                buf_addf(&b, "%c%c%c", (int)(0xE0 | c >> 12), (int)(0x80 | (c >> 6 & 63)), (int)(0x80 | (c & 63)));
            else
                buf_addc(&b, (char)c);
            i += (size_t)(end - here.p);
        } else {
            buf_addc(&b, s.p[i]);
        }
    }
    return buf_str(&b);
}

/* --- one script --- */

struct script {
    const char *path;
    struct arena *arena;
    struct str text;
    int line_n;
    int refused; /* the last act's answer, when it was no */
    struct err why;
};

static const struct act *act_find(struct str word)
{
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (str_is(word, acts[i].word))
            return &acts[i];
    return NULL;
}

/* Without the comment: from # on, at the start or behind two spaces. */
static struct str strip(struct str line)
{
    ptrdiff_t at = str_starts(line, STR("#")) ? 0 : str_find(line, STR("  #"));
    return str_trim(at < 0 ? line : str_head(line, (size_t)at));
}

static int play_line(struct script *k, struct stage *s, struct str line, struct err *e)
{
    struct str rest = strip(line);
    struct str word = cut_word(&rest);
    const struct act *act = act_find(word);
    bool expects = str_is(word, "expect");
    if (!word.n)
        return 0;
    if (k->refused && !(expects && str_starts(rest, STR("refused"))) && !expects) {
        *e = k->why;
        return k->refused;
    }
    if (expects) {
        int r = expect_check(s, rest, k->refused, e);
        if (str_starts(rest, STR("refused")))
            k->refused = 0;
        return r;
    }
    if (!act)
        return err_set(e, ERR_INVALID, "no line begins with \"%.*s\"", STR_ARG(word));
    k->why = (struct err){0};
    k->refused = act->run(s, unescape(k->arena, rest), &k->why);
    if (k->refused == 0 || (act->may_be_refused && k->refused != ERR_TIMEOUT))
        return 0;
    *e = k->why;
    return k->refused;
}

static int play(struct script *k, struct stage *s, struct err *e)
{
    struct str rest = k->text, line;
    int r = stage_bank(s, STR("reset"), STR(""), e);
    while (r == 0 && str_split(&rest, '\n', &line)) {
        k->line_n++;
        r = play_line(k, s, line, e);
    }
    if (r == 0 && k->refused) {
        *e = k->why;
        r = k->refused;
    }
    if (r == 0 && expect_house_rules(s, e) < 0)
        r = err_in(e, "the rules of the house");
    return r;
}

/* The scripts in examples/NAME/tests are about NAME. */
static const char *agent_of(struct arena *a, const char *path)
{
    struct str rest = str_of(path), part, before = STR(""), before_that = STR("");
    while (str_split(&rest, '/', &part) && rest.p) {
        before_that = before;
        before = part;
    }
    return str_is(before, "tests") && before_that.n ? str_c(a, before_that) : "card-delivery";
}

static bool run_script(const struct stage_setup *setup, const char *path)
{
    struct script k = {.path = path, .arena = arena_new("script", 0)};
    struct buf text = buf_new(k.arena, SCRIPT_BYTES_MAX);
    struct err e = {0};
    char piece[4096];
    FILE *f = fopen(path, "rb");
    int r = f ? 0 : err_set(&e, ERR_NOT_FOUND, "%s", strerror(errno));
    for (size_t n; f && (n = fread(piece, 1, sizeof piece, f)) > 0;)
        buf_add(&text, (struct str){piece, n});
    if (f)
        fclose(f);
    k.text = buf_str(&text);
    struct stage_setup own = *setup;
    own.agent = agent_of(k.arena, path);
    struct stage *s = stage_new(&own);
    if (r == 0)
        r = play(&k, s, &e);
    printf("%s %s\n", r == 0 ? "ok    " : "FAILED", path);
    if (r < 0) {
        printf("  %s:%d: %s\n", path, k.line_n, e.text);
        expect_tell(s);
    }
    fflush(stdout);
    stage_free(s);
    arena_free(k.arena);
    return r == 0;
}

/* --- all of them --- */

/* Starts the bank and reads where it listens. */
static pid_t start_bank(const char *program, const char *dir, char url[64])
{
    const char *const argv[] = {program, "--port", "0", "--data", dir, "--today", STAGE_DAY, NULL};
    int out[2];
    char line[128] = "";
    if (!program || pipe2(out, O_CLOEXEC) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out[1], STDOUT_FILENO);
        execv(program, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(out[1]);
    for (size_t i = 0; i < sizeof line - 1 && read(out[0], line + i, 1) == 1 && line[i] != '\n'; i++)
        ;
    close(out[0]);
    return sscanf(line, "listening on %63s", url) == 1 ? pid : -1;
}

static bool is_script(const struct dirent *d)
{
    return str_ends(str_of(d->d_name), STR(".talk"));
}

static int is_name(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static size_t gather(struct arena *a, const char *path, const char **scripts, size_t n)
{
    struct stat st;
    struct dirent **names;
    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
        scripts[n] = path;
        return n + 1;
    }
    int found = scandir(path, &names, is_name, alphasort);
    for (int i = 0; i < found; i++) {
        const char *tests = str_f(a, "%s/%s/tests", path, names[i]->d_name).p;
        if (is_script(names[i]) && n < SCRIPTS_MAX)
            scripts[n++] = str_f(a, "%s/%s", path, names[i]->d_name).p;
        else if (stat(tests, &st) == 0 && S_ISDIR(st.st_mode))
            n = gather(a, tests, scripts, n);
        free(names[i]);
    }
    if (found >= 0)
        free(names);
    return n;
}

int main(int argc, char **argv)
{
    struct arena *a = arena_new("talk", 0);
    const char *scripts[SCRIPTS_MAX];
    size_t n = 0;
    int failed = 0;
    char url[64], dir[256];
    snprintf(dir, sizeof dir, "%s/candor-talk-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir);
    if (argc < 3 || !mkdtemp(dir)) {
        fprintf(stderr, "usage: BANK=PROGRAM talk WORKSPACES FILE|FOLDER...\n");
        return 2;
    }
    pid_t bank = start_bank(getenv("BANK"), dir, url);
    if (bank < 0) {
        fprintf(stderr, "talk: the example bank does not start; BANK names its program\n");
        return 2;
    }
    for (int i = 2; i < argc; i++)
        n = gather(a, argv[i], scripts, n);
    struct stage_setup setup = {.workspaces = argv[1], .bank_url = url, .dir = dir};
    for (size_t i = 0; i < n; i++)
        failed += !run_script(&setup, scripts[i]);
    kill(bank, SIGTERM);
    waitpid(bank, NULL, 0);
    int left = system(str_f(a, "rm -r '%s'", dir).p);
    printf("%zu passed, %d failed, 0 skipped\n", n - (size_t)failed, failed);
    arena_free(a);
    return failed || !n || left ? 1 : 0;
}
