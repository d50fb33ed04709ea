/* A disk that fails when it is told to, for one process and one folder: a library to be loaded before the C library's own
 * calls (LD_PRELOAD). It counts what is done to files below DISK_FOLDER, writes each step down in DISK_LOG, and misbehaves as
 * DISK_FAULT says:
 *
 *   kill:N    the process ends before its N-th step
 *   tear:N    the same in the middle of it: half of a write is there
 *   eio:N     the N-th step fails
 *   dead:N    the N-th step and every later one fail
 *   short:N   half of the N-th step, if it is a write, is done, and the disk is full from there on
 *   full:N    from the N-th step on nothing new finds space; what is there can be written over
 *   read:N    the N-th read fails
 *
 * A step is a change: making, writing, cutting, syncing, removing or renaming a file, or making a folder. Shared memory of
 * SQLite (-shm) is no file to it, because nothing in it outlives the processes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define OPEN_FILES 4096

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_length;
static int journal = -1;
static char fault[16];
static long moment;
static long steps;
static long reads;
/* The path of each open file below the folder. */
static char *names[OPEN_FILES];

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_fsync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_unlink)(const char *);
static int (*real_unlinkat)(int, const char *, int);
static int (*real_rename)(const char *, const char *);
static int (*real_mkdir)(const char *, mode_t);

__attribute__((constructor)) static void begin(void) {
    real_open = dlsym(RTLD_NEXT, "open");
    real_openat = dlsym(RTLD_NEXT, "openat");
    real_close = dlsym(RTLD_NEXT, "close");
    real_read = dlsym(RTLD_NEXT, "read");
    real_pread = dlsym(RTLD_NEXT, "pread");
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    real_writev = dlsym(RTLD_NEXT, "writev");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_unlinkat = dlsym(RTLD_NEXT, "unlinkat");
    real_rename = dlsym(RTLD_NEXT, "rename");
    real_mkdir = dlsym(RTLD_NEXT, "mkdir");
    const char *where = getenv("DISK_FOLDER");
    const char *log = getenv("DISK_LOG");
    const char *what = getenv("DISK_FAULT");
    if (!where || !log) return;
    strncpy(folder, where, sizeof folder - 1);
    folder_length = strlen(folder);
    journal = real_open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const char *colon = what ? strchr(what, ':') : NULL;
    if (colon && (size_t)(colon - what) < sizeof fault) {
        memcpy(fault, what, (size_t)(colon - what));
        moment = atol(colon + 1);
    }
}

static int is(const char *name) { return strcmp(fault, name) == 0; }

/* The part of a path below the folder, "" for the folder itself, or nothing. */
static const char *below(const char *path) {
    if (journal < 0 || !path || strncmp(path, folder, folder_length) != 0) return NULL;
    path += folder_length;
    if (*path == '\0') return path;
    if (*path != '/') return NULL;
    size_t length = strlen(path);
    if (length >= 4 && strcmp(path + length - 4, "-shm") == 0) return NULL;
    return path + 1;
}

static const char *name_of(int fd) { return fd >= 0 && fd < OPEN_FILES ? names[fd] : NULL; }

static void put(const void *bytes, size_t length) {
    const char *from = bytes;
    while (length > 0) {
        ssize_t done = real_write(journal, from, length);
        if (done <= 0) _exit(99);
        from += done;
        length -= (size_t)done;
    }
}

/* One step that was done: kind, lengths of name and data, offset, name, data. */
static void tell(char kind, const char *name, uint64_t offset, const void *data, uint32_t length) {
    char head[17];
    uint32_t letters = (uint32_t)strlen(name);
    head[0] = kind;
    memcpy(head + 1, &letters, 4);
    memcpy(head + 5, &length, 4);
    memcpy(head + 9, &offset, 8);
    put(head, sizeof head);
    put(name, letters);
    put(data, length);
}

static void end(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* Counts a step. Gives 0 when it is to be done, -1 with errno when it fails. */
static int step(int grows) {
    steps += 1;
    if (steps < moment || moment == 0) return 0;
    if (steps == moment && is("kill")) end();
    if ((steps == moment && is("eio")) || is("dead")) {
        tell('!', "", (uint64_t)steps, NULL, 0);
        errno = EIO;
        return -1;
    }
    if (grows && (is("full") || (is("short") && steps > moment))) {
        tell('!', "", (uint64_t)steps, NULL, 0);
        errno = ENOSPC;
        return -1;
    }
    return 0;
}

/* For a step that cannot be done by halves. */
static void torn(void) {
    if (steps == moment && is("tear")) end();
}

static int opened(int fd, const char *name) {
    if (fd >= 0 && fd < OPEN_FILES) {
        free(names[fd]);
        names[fd] = strdup(name);
    }
    return fd;
}

static int open_below(int at, const char *path, const char *name, int flags, mode_t mode) {
    struct stat about;
    pthread_mutex_lock(&turn);
    int is_new = (flags & O_CREAT) && fstatat(at, path, &about, 0) != 0;
    int cuts = (flags & O_TRUNC) && !is_new;
    int fd = -1;
    if ((!is_new && !cuts) || step(is_new) == 0) {
        if (is_new || cuts) torn();
        fd = real_openat(at, path, flags, mode);
        if (fd >= 0 && is_new) tell('C', name, 0, NULL, 0);
        if (fd >= 0 && cuts) tell('T', name, 0, NULL, 0);
        opened(fd, name);
    }
    pthread_mutex_unlock(&turn);
    return fd;
}

#define MODE_OF(flags, mode)                     \
    mode_t mode = 0;                             \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {     \
        va_list rest;                            \
        va_start(rest, flags);                   \
        mode = va_arg(rest, mode_t);             \
        va_end(rest);                            \
    }

int open(const char *path, int flags, ...) {
    MODE_OF(flags, mode)
    const char *name = below(path);
    return name ? open_below(AT_FDCWD, path, name, flags, mode) : real_open(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE_OF(flags, mode)
    return open(path, flags, mode);
}

int openat(int at, const char *path, int flags, ...) {
    MODE_OF(flags, mode)
    const char *name = below(path);
    return name ? open_below(at, path, name, flags, mode) : real_openat(at, path, flags, mode);
}

int openat64(int at, const char *path, int flags, ...) {
    MODE_OF(flags, mode)
    return openat(at, path, flags, mode);
}

int close(int fd) {
    if (name_of(fd)) {
        pthread_mutex_lock(&turn);
        free(names[fd]);
        names[fd] = NULL;
        pthread_mutex_unlock(&turn);
    }
    return real_close(fd);
}

static ssize_t write_below(int fd, const void *data, size_t length, off_t offset) {
    struct stat about;
    pthread_mutex_lock(&turn);
    ssize_t done = -1;
    int grows = fstat(fd, &about) != 0 || offset + (off_t)length > about.st_size;
    if (step(grows) == 0) {
        int half = steps == moment && (is("tear") || is("short"));
        done = real_pwrite(fd, data, half ? length / 2 : length, offset);
        if (done > 0) tell('W', names[fd], (uint64_t)offset, data, (uint32_t)done);
        torn();
    }
    pthread_mutex_unlock(&turn);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    return name_of(fd) ? write_below(fd, data, length, offset) : real_pwrite(fd, data, length, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) { return pwrite(fd, data, length, offset); }

/* Where a write without an offset goes. */
static off_t place(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return lseek(fd, 0, flags >= 0 && (flags & O_APPEND) ? SEEK_END : SEEK_CUR);
}

ssize_t write(int fd, const void *data, size_t length) {
    if (!name_of(fd)) return real_write(fd, data, length);
    off_t offset = place(fd);
    ssize_t done = write_below(fd, data, length, offset);
    if (done > 0) lseek(fd, offset + done, SEEK_SET);
    return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!name_of(fd)) return real_writev(fd, parts, count);
    /* The first part alone is a correct answer: the caller goes on with the rest. */
    return count > 0 ? write(fd, parts[0].iov_base, parts[0].iov_len) : 0;
}

static int read_fails(int fd) {
    if (!name_of(fd)) return 0;
    pthread_mutex_lock(&turn);
    reads += 1;
    int fails = is("read") && reads == moment;
    tell(fails ? '!' : 'r', "", (uint64_t)reads, NULL, 0);
    pthread_mutex_unlock(&turn);
    if (fails) errno = EIO;
    return fails;
}

ssize_t read(int fd, void *data, size_t length) { return read_fails(fd) ? -1 : real_read(fd, data, length); }

ssize_t pread(int fd, void *data, size_t length, off_t offset) {
    return read_fails(fd) ? -1 : real_pread(fd, data, length, offset);
}

ssize_t pread64(int fd, void *data, size_t length, off_t offset) { return pread(fd, data, length, offset); }

int fsync(int fd) {
    if (!name_of(fd)) return real_fsync(fd);
    pthread_mutex_lock(&turn);
    int result = -1;
    if (step(0) == 0) {
        torn();
        /* Nothing has to reach a real disk: what a cut of the power leaves is made up from the journal. */
        tell('S', names[fd], 0, NULL, 0);
        result = 0;
    }
    pthread_mutex_unlock(&turn);
    return result;
}

int fdatasync(int fd) { return fsync(fd); }

int ftruncate(int fd, off_t length) {
    if (!name_of(fd)) return real_ftruncate(fd, length);
    pthread_mutex_lock(&turn);
    int result = -1;
    struct stat about;
    int grows = fstat(fd, &about) != 0 || length > about.st_size;
    if (step(grows) == 0) {
        torn();
        result = real_ftruncate(fd, length);
        if (result == 0) tell('T', names[fd], (uint64_t)length, NULL, 0);
    }
    pthread_mutex_unlock(&turn);
    return result;
}

int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

int unlink(const char *path) {
    const char *name = below(path);
    if (!name) return real_unlink(path);
    pthread_mutex_lock(&turn);
    int result = -1;
    if (access(path, F_OK) != 0) {
        result = real_unlink(path);
    } else if (step(0) == 0) {
        torn();
        result = real_unlink(path);
        if (result == 0) tell('U', name, 0, NULL, 0);
    }
    pthread_mutex_unlock(&turn);
    return result;
}

int unlinkat(int at, const char *path, int flags) {
    return flags == 0 && below(path) ? unlink(path) : real_unlinkat(at, path, flags);
}

int rename(const char *from, const char *to) {
    const char *old = below(from), *new = below(to);
    if (!old || !new) return real_rename(from, to);
    pthread_mutex_lock(&turn);
    int result = -1;
    if (step(1) == 0) {
        torn();
        result = real_rename(from, to);
        if (result == 0) tell('R', old, 0, new, (uint32_t)strlen(new));
    }
    pthread_mutex_unlock(&turn);
    return result;
}

int mkdir(const char *path, mode_t mode) {
    const char *name = below(path);
    struct stat about;
    if (!name || stat(path, &about) == 0) return real_mkdir(path, mode);
    pthread_mutex_lock(&turn);
    int result = -1;
    if (step(1) == 0) {
        torn();
        result = real_mkdir(path, mode);
        if (result == 0) tell('M', name, 0, NULL, 0);
    }
    pthread_mutex_unlock(&turn);
    return result;
}
