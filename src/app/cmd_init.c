/* init: a workspace that runs at once, to begin with. */
#include "app/command.h"
#include "app/workspaces.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char gitignore[] = "/data/\n*.key\n";

/* 0 when the folder is empty or not there. */
static int check_empty(const char *dir, struct err *e)
{
    DIR *d = opendir(dir);
    if (!d)
        return errno == ENOENT ? 0 : err_set(e, ERR_IO, "%s: %s", dir, strerror(errno));
    const struct dirent *entry;
    while ((entry = readdir(d)) && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0))
        ;
    int r = entry ? err_set(e, ERR_INVALID, "%s has files already; name a folder that is empty or not there", dir) : 0;
    closedir(d);
    return r;
}

/* Makes the folders on the way to the file `path`, which is changed back and forth. */
static int make_folders(char *path, struct err *e)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int failed = mkdir(path, 0777) < 0 && errno != EEXIST;
        if (failed)
            err_set(e, ERR_IO, "%s cannot be made: %s", path, strerror(errno));
        *slash = '/';
        if (failed)
            return ERR_IO;
    }
    return 0;
}

static int write_file(struct arena *a, const char *dir, const char *name, const void *bytes, size_t n, struct err *e)
{
    struct str path = str_f(a, "%s/%s", dir, name);
    char *p = arena_alloc(a, path.n + 1);
    memcpy(p, path.p, path.n);
    int r = make_folders(p, e);
    if (r < 0)
        return r;
    int fd = open(p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_set(e, ERR_IO, "%s: %s", p, strerror(errno));
    const char *at = bytes;
    while (r == 0 && n) {
        ssize_t done = write(fd, at, n);
        if (done < 0)
            r = err_set(e, ERR_IO, "%s: %s", p, strerror(errno));
        else
            at += done, n -= (size_t)done;
    }
    if (close(fd) < 0 && r == 0)
        r = err_set(e, ERR_IO, "%s: %s", p, strerror(errno));
    return r;
}

/* "card-delivery, start" */
static struct str names(struct arena *a)
{
    struct buf b = buf_new(a, 2000);
    const char *last = "";
    for (size_t i = 0; i < workspace_files_n; last = workspace_files[i++].workspace)
        if (strcmp(last, workspace_files[i].workspace) != 0)
            buf_addf(&b, "%s%s", b.n ? ", " : "", workspace_files[i].workspace);
    return buf_str(&b);
}

int cmd_init(struct command_context *c)
{
    const char *dir = c->argv[0], *example = command_option(c, "--example", "start");
    size_t files = 0;
    bool ignores = false;
    for (size_t i = 0; i < workspace_files_n; i++)
        files += strcmp(workspace_files[i].workspace, example) == 0;
    if (!files)
        return command_usage(c, "there is no example %s; there are: %s", example, names(c->arena).p);
    int r = check_empty(dir, c->err);
    for (size_t i = 0; r == 0 && i < workspace_files_n; i++) {
        const struct workspace_file *f = &workspace_files[i];
        if (strcmp(f->workspace, example) != 0)
            continue;
        r = write_file(c->arena, dir, f->path, f->bytes, f->n, c->err);
        ignores |= strcmp(f->path, ".gitignore") == 0;
    }
    if (r == 0 && !ignores)
        r = write_file(c->arena, dir, ".gitignore", gitignore, sizeof gitignore - 1, c->err);
    if (r < 0)
        return r;
    return command_tell(c, str_f(c->arena,
                                 "%s: %zu files of the example %s\n"
                                 "  candor check --workspace %s     says what is wrong with it\n"
                                 "  candor serve --workspace %s     answers on the chat page\n",
                                 dir, files, example, dir, dir));
}
