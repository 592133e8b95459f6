#include "app/sink.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(const struct sink *s, struct err *e)
{
    return err_set(e, ERR_IO, "%s: %s", s->path ? s->path : "the output", strerror(errno));
}

static mode_t mode_of_new(void)
{
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* A file beside the target, with the mode that the target has or would have; `st`: the target's, when there is one. */
static int part_open(struct arena *a, struct sink *s, const struct stat *st, struct err *e)
{
    mode_t mode = st ? st->st_mode & 0777 : mode_of_new();
    char *part = (char *)str_f(a, "%s.XXXXXX", s->target).p;
    int fd = mkstemp(part);
    if (fd < 0)
        return failed(s, e);
    s->part = part;
    if (st && fchown(fd, st->st_uid, st->st_gid) < 0)
        errno = 0; /* who may not give a file away keeps it, as an editor that saves it does */
    s->f = fchmod(fd, mode) == 0 ? fdopen(fd, "wb") : NULL;
    if (s->f)
        return 0;
    int r = failed(s, e);
    close(fd);
    unlink(part);
    return r;
}

int sink_open(struct arena *a, const char *path, struct sink *out, struct err *e)
{
    struct stat st;
    char real[PATH_MAX];
    *out = (struct sink){.f = stdout, .path = path};
    if (!path)
        return 0;
    bool there = stat(path, &st) == 0;
    bool direct = there ? !S_ISREG(st.st_mode) : lstat(path, &st) == 0; /* a link to nothing yet */
    if (direct) {
        signal(SIGPIPE, SIG_IGN); /* a reader that left is an error like a full disk */
        out->f = fopen(path, "wb");
        return out->f ? 0 : failed(out, e);
    }
    if (there && (access(path, W_OK) < 0 || !realpath(path, real)))
        return failed(out, e);
    out->target = there ? str_f(a, "%s", real).p : path;
    return part_open(a, out, there ? &st : NULL, e);
}

int sink_write(struct sink *s, struct str text, struct err *e)
{
    return fwrite(text.p, 1, text.n, s->f) == text.n ? 0 : failed(s, e);
}

int sink_close(struct sink *s, int r, struct err *e)
{
    bool good = fflush(s->f) == 0 && (!s->part || fsync(fileno(s->f)) == 0);
    if (s->path)
        good = fclose(s->f) == 0 && good;
    if (good && r == 0 && s->part)
        good = rename(s->part, s->target) == 0;
    int result = r == 0 && !good ? failed(s, e) : r;
    if (result && s->part)
        unlink(s->part);
    return result;
}
