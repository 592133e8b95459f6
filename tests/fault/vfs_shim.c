#include "vfs_shim.h"

#include "base/arena.h"
#include "base/rng.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512, IMAGES_MAX = 8 };

/* A file as the programs see it, and as the platter has it. */
struct image {
    char name[256];
    unsigned char *now, *durable;
    size_t now_n, durable_n, room;
    unsigned char *dirty; /* by sector */
    bool synced;          /* ever: before that even the name may be lost */
};

struct shim_file {
    sqlite3_file base;
    struct image *image; /* NULL: not watched */
    bool counted;
    sqlite3_file real[];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
    enum shim_fault fault;
    long at, operations;
    bool failed;
    void (*before)(void *arg);
    void *arg;
    struct image images[IMAGES_MAX];
} shim;

static sqlite3_vfs *real_vfs, shim_vfs;

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((struct shim_file *)f)->real;
}

/* --- images --- */

static void image_resize(struct image *im, size_t n)
{
    size_t room = (n + SECTOR - 1) / SECTOR * SECTOR;
    if (room > im->room) {
        room *= 2;
        im->now = mem_resize(im->now, room);
        im->durable = mem_resize(im->durable, room);
        im->dirty = mem_resize(im->dirty, room / SECTOR);
        memset(im->now + im->room, 0, room - im->room);
        memset(im->durable + im->room, 0, room - im->room);
        memset(im->dirty + im->room / SECTOR, 0, (room - im->room) / SECTOR);
        im->room = room;
    }
    im->now_n = n;
}

static void image_write(struct image *im, const void *bytes, size_t n, size_t offset)
{
    image_resize(im, offset + n > im->now_n ? offset + n : im->now_n);
    memcpy(im->now + offset, bytes, n);
    for (size_t s = offset / SECTOR; s * SECTOR < offset + n; s++)
        im->dirty[s] = 1;
}

static void image_truncate(struct image *im, size_t n)
{
    size_t was = im->now_n;
    if (n >= was)
        return;
    image_resize(im, n);
    memset(im->now + n, 0, was - n);
    memset(im->dirty + n / SECTOR, 1, (was + SECTOR - 1) / SECTOR - n / SECTOR);
}

static void image_sync(struct image *im)
{
    for (size_t s = 0; s < im->room / SECTOR; s++)
        if (im->dirty[s])
            memcpy(im->durable + s * SECTOR, im->now + s * SECTOR, SECTOR);
    memset(im->dirty, 0, im->room / SECTOR);
    im->durable_n = im->now_n;
    im->synced = true;
}

static struct image *image_of(const char *path)
{
    struct image *unused = NULL;
    for (struct image *im = shim.images; im < shim.images + IMAGES_MAX; im++) {
        if (strcmp(im->name, path) == 0)
            return im;
        if (!*im->name && !unused)
            unused = im;
    }
    if (!unused)
        abort();
    snprintf(unused->name, sizeof unused->name, "%s", path);
    return unused;
}

static void image_free(struct image *im)
{
    free(im->now);
    free(im->durable);
    free(im->dirty);
    *im = (struct image){0};
}

static void image_cut(const struct image *im, const char *folder, uint64_t *random)
{
    if (!im->synced && rng_next(random) % 2)
        return;
    size_t most = im->now_n > im->durable_n ? im->now_n : im->durable_n;
    size_t least = im->now_n < im->durable_n ? im->now_n : im->durable_n;
    size_t n = rng_next(random) % 2 ? most : least;
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, strrchr(im->name, '/') + 1);
    FILE *f = fopen(path, "w");
    for (size_t from = 0; f && from < n; from += SECTOR) {
        unsigned char sector[SECTOR];
        memcpy(sector, im->durable + from, SECTOR);
        uint64_t r = rng_next(random);
        if (im->dirty[from / SECTOR] && r % 3)
            memcpy(sector, im->now + from, r % 3 == 1 ? SECTOR : (r >> 8) % SECTOR);
        fwrite(sector, 1, n - from < SECTOR ? n - from : SECTOR, f);
    }
    if (!f || fclose(f) != 0)
        abort();
}

void shim_cut(const char *folder, uint64_t *random)
{
    for (struct image *im = shim.images; im < shim.images + IMAGES_MAX; im++)
        if (*im->name)
            image_cut(im, folder, random);
}

void shim_watch(void (*before)(void *arg), void *arg)
{
    pthread_mutex_lock(&mutex);
    shim.before = before;
    shim.arg = arg;
    for (int i = 0; i < IMAGES_MAX; i++)
        image_free(&shim.images[i]);
    pthread_mutex_unlock(&mutex);
}

/* --- faults --- */

void shim_reset(enum shim_fault fault, long at)
{
    pthread_mutex_lock(&mutex);
    shim.fault = fault;
    shim.at = at;
    shim.operations = 0;
    shim.failed = false;
    pthread_mutex_unlock(&mutex);
}

long shim_operations(void)
{
    return shim.operations;
}

bool shim_failed(void)
{
    return shim.failed;
}

/* Called with the mutex held: SQLITE_OK, or what this operation fails with. */
static int operation(const struct shim_file *f, bool sync)
{
    if (!f->counted)
        return SQLITE_OK;
    long n = ++shim.operations;
    if (shim.before)
        shim.before(shim.arg);
    bool now = shim.fault == SHIM_FULL ? n >= shim.at && !sync : n == shim.at;
    if (shim.fault == SHIM_NONE || !now)
        return SQLITE_OK;
    if (shim.fault == SHIM_KILL)
        raise(SIGKILL);
    shim.failed = true;
    return shim.fault == SHIM_FULL ? SQLITE_FULL : sync ? SQLITE_IOERR_FSYNC : SQLITE_IOERR_WRITE;
}

/* --- the file's methods --- */

static int shim_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}

static int shim_read(sqlite3_file *f, void *bytes, int n, sqlite3_int64 offset)
{
    return real_of(f)->pMethods->xRead(real_of(f), bytes, n, offset);
}

static int shim_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 offset)
{
    struct shim_file *file = (struct shim_file *)f;
    pthread_mutex_lock(&mutex);
    int rc = operation(file, false);
    if (rc == SQLITE_OK && file->image && shim.before)
        image_write(file->image, bytes, (size_t)n, (size_t)offset);
    pthread_mutex_unlock(&mutex);
    return rc == SQLITE_OK ? real_of(f)->pMethods->xWrite(real_of(f), bytes, n, offset) : rc;
}

static int shim_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    struct shim_file *file = (struct shim_file *)f;
    pthread_mutex_lock(&mutex);
    int rc = operation(file, false);
    if (rc == SQLITE_OK && file->image && shim.before)
        image_truncate(file->image, (size_t)n);
    pthread_mutex_unlock(&mutex);
    return rc == SQLITE_OK ? real_of(f)->pMethods->xTruncate(real_of(f), n) : rc;
}

static int shim_sync(sqlite3_file *f, int flags)
{
    struct shim_file *file = (struct shim_file *)f;
    pthread_mutex_lock(&mutex);
    int rc = operation(file, true);
    if (rc == SQLITE_OK && file->image && shim.before)
        image_sync(file->image);
    pthread_mutex_unlock(&mutex);
    return rc;
}

static int shim_file_size(sqlite3_file *f, sqlite3_int64 *n)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), n);
}

static int shim_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int shim_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int shim_check_reserved(sqlite3_file *f, int *out)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int shim_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int shim_sector_size(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int shim_characteristics(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int shim_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}

static int shim_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void shim_shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int shim_shm_unmap(sqlite3_file *f, int remove)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_file_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_check_reserved,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector_size,
    .xDeviceCharacteristics = shim_characteristics,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
    struct shim_file *file = (struct shim_file *)f;
    int rc = real_vfs->xOpen(real_vfs, name, file->real, flags, out_flags);
    file->base.pMethods = file->real->pMethods ? &methods : NULL;
    file->counted = flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL);
    pthread_mutex_lock(&mutex);
    file->image = rc == SQLITE_OK && file->counted && name && shim.before ? image_of(name) : NULL;
    pthread_mutex_unlock(&mutex);
    return rc;
}

static int shim_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
    pthread_mutex_lock(&mutex);
    for (struct image *im = shim.images; im < shim.images + IMAGES_MAX; im++)
        if (strcmp(im->name, name) == 0)
            image_free(im);
    pthread_mutex_unlock(&mutex);
    return real_vfs->xDelete(real_vfs, name, sync_dir);
}

void shim_install(void)
{
    if (!real_vfs)
        real_vfs = sqlite3_vfs_find(NULL);
    shim_vfs = *real_vfs;
    shim_vfs.zName = "shim";
    shim_vfs.szOsFile = (int)sizeof(struct shim_file) + real_vfs->szOsFile;
    shim_vfs.xOpen = shim_open;
    shim_vfs.xDelete = shim_delete;
    sqlite3_vfs_register(&shim_vfs, 1);
}

void shim_remove(void)
{
    sqlite3_vfs_register(real_vfs, 1);
}
