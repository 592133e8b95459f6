#include "base/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_BYTES_MAX = 4096 };

int key_file_read(struct arena *a, struct str path, struct str *key, struct err *e)
{
    char text[KEY_BYTES_MAX + 1];
    struct stat st;
    int fd = open(str_c(a, path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set(e, errno == EACCES ? ERR_DENIED : ERR_NOT_FOUND, "the key file %.*s cannot be read: %s",
                       STR_ARG(path), strerror(errno));
    int r = fstat(fd, &st);
    ssize_t n = r == 0 && S_ISREG(st.st_mode) ? read(fd, text, sizeof text) : -1;
    close(fd);
    if (n < 0)
        return err_set(e, ERR_INVALID, "the key file %.*s is no plain file", STR_ARG(path));
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        r = err_set(e, ERR_DENIED, "the key file %.*s can be read by others (mode %04o): run chmod 600 on it",
                    STR_ARG(path), (unsigned)st.st_mode & 07777);
    struct str trimmed = str_trim((struct str){text, (size_t)n});
    for (size_t i = 0; r == 0 && i < trimmed.n; i++)
        if (trimmed.p[i] <= ' ' || trimmed.p[i] > '~')
            r = err_set(e, ERR_INVALID, "the key file %.*s holds more than one word", STR_ARG(path));
    if (r == 0 && (trimmed.n == 0 || n > KEY_BYTES_MAX))
        r = err_set(e, ERR_INVALID, "the key file %.*s is %s", STR_ARG(path), trimmed.n ? "too long" : "empty");
    if (r == 0)
        *key = str_copy(a, trimmed);
    sodium_memzero(text, sizeof text);
    return r;
}
