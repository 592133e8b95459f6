#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NOTE_BYTES_MAX = 512 };

static int file_open(const char *path, int flags)
{
    char name[4096];
    if (snprintf(name, sizeof name, "%s.lock", path) >= (int)sizeof name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(name, flags | O_CLOEXEC, 0640);
}

/* The pid and, in the second line, the address. */
static void note_read(int fd, char pid[32], char address[NOTE_BYTES_MAX])
{
    char text[NOTE_BYTES_MAX + 1] = "";
    ssize_t n = pread(fd, text, NOTE_BYTES_MAX, 0);
    text[n > 0 ? n : 0] = 0;
    char *rest = text, *line = strsep(&rest, "\n");
    snprintf(pid, 32, "%.31s", line);
    line = rest ? strsep(&rest, "\n") : NULL;
    snprintf(address, NOTE_BYTES_MAX, "%s", line ? line : "");
}

int lock_take(const char *path, int *fd, struct err *e)
{
    int file = file_open(path, O_RDWR | O_CREAT);
    if (file < 0)
        return err_set(e, ERR_IO, "%s.lock: %s", path, strerror(errno));
    /* An open file description's lock, because it can be asked for without being taken (lock_holder):
     * asking never stands in the way of a server that starts at that moment. */
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(file, F_OFD_SETLK, &whole) == 0) {
        *fd = file;
        lock_note(file, "");
        return 0;
    }
    int why = errno;
    char pid[32], address[NOTE_BYTES_MAX];
    note_read(file, pid, address);
    close(file);
    if (why != EAGAIN && why != EACCES)
        return err_set(e, ERR_IO, "%s.lock: %s", path, strerror(why));
    return err_set(e, ERR_BUSY, "%s is in use by process %s%s%s; stop that one first", path, pid,
                   *address ? " at " : "", address);
}

void lock_note(int fd, const char *address)
{
    char text[NOTE_BYTES_MAX];
    int n = snprintf(text, sizeof text, "%ld\n%.*s\n", (long)getpid(), (int)strcspn(address, "\n"), address);
    if (n >= (int)sizeof text)
        n = snprintf(text, sizeof text, "%ld\n\n", (long)getpid());
    /* A note that cannot be written costs a convenience; the lock itself holds. */
    if (pwrite(fd, text, (size_t)n, 0) != n || ftruncate(fd, n) != 0)
        return;
}

struct str lock_holder(struct arena *a, const char *path)
{
    int fd = file_open(path, O_RDONLY);
    if (fd < 0)
        return STR("");
    struct flock whole = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    char pid[32] = "", address[NOTE_BYTES_MAX] = "";
    if (fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK)
        note_read(fd, pid, address);
    close(fd);
    return str_copy(a, str_of(address));
}
