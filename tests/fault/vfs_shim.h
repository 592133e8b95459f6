/* vfs_shim: a disk that fails when told to, and that can lose its power.
 *
 * It stands between SQLite and the real disk, for the database and its log. An operation is a write, a
 * truncation or a sync; they are numbered from 1 on after shim_reset. What is written is in real files, but
 * nothing is really synced, so thousands of sessions run in seconds. Not for two stores at once. */
#ifndef TESTS_FAULT_VFS_SHIM_H
#define TESTS_FAULT_VFS_SHIM_H

#include <stdbool.h>
#include <stdint.h>

enum shim_fault {
    SHIM_NONE,
    SHIM_FULL, /* no room: this write and all after it fail, until shim_reset; syncs succeed */
    SHIM_EIO,  /* a broken sector: this one operation fails, and seems all right again afterwards */
    SHIM_KILL, /* the process dies before the operation */
};

void shim_install(void); /* the default of every connection opened from now on */
void shim_remove(void);

/* Forgets faults, counts from 0, and fails as told at operation number `at`. */
void shim_reset(enum shim_fault fault, long at);
long shim_operations(void);
bool shim_failed(void); /* has the fault happened? */

/* From now on remembers what a power cut would leave, and calls `before` ahead of every operation, on the
 * thread that does it. NULL ends this. */
void shim_watch(void (*before)(void *arg), void *arg);
/* Writes into `folder` the files as a cut at this moment may leave them: of what was not synced, each sector
 * of 512 bytes by itself is new, old, or torn in the middle, as `random` says. From `before` only. */
void shim_cut(const char *folder, uint64_t *random);

#endif
