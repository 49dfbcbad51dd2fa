/*
 * t/fuzz/replay.c — an engine that needs no libFuzzer: it runs a target with
 * each file of a folder and with mutations of it, which are the same in every
 * run.
 *
 *     replay FOLDER MUTATIONS FAULT
 *
 * FAULT is a file: what the target was given when the process ended in it.
 */

#include "engine.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>


#define REPLAY_SIZE    65536            /* bytes of an input */
#define REPLAY_FILES   4096
#define REPLAY_HANG    60               /* s of CPU, a file and its mutations */


typedef struct {
    size_t    len;
    uint8_t  *data;
} replay_file_t;


extern void __sanitizer_set_death_callback(void (*callback)(void))
    __attribute__((weak));
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static size_t replay_read(const char *folder);
static void replay_one(uint8_t *data, size_t len);
static size_t replay_mutate(uint8_t *p, size_t len, size_t nfiles);
static size_t replay_splice(uint8_t *p, size_t len, uint8_t *from, size_t n);
static size_t replay_random(size_t n);
static void replay_fault(void);
static void replay_signal(int sig);


static replay_file_t  replay_files[REPLAY_FILES];
static uint8_t        replay_buf[REPLAY_SIZE];
static uint64_t       replay_seed;

static const char    *replay_out;       /* what is running, and where to */
static uint8_t       *replay_data;
static size_t         replay_len;

static int          (*replay_target)(const uint8_t *data, size_t size);


int
LLVMFuzzerRunDriver(int *argc, char ***argv,
    int (*one)(const uint8_t *data, size_t size))
{
    char             **args;
    size_t             i, n, len, mutations;
    struct itimerval   hang = { { 0, 0 }, { REPLAY_HANG, 0 } };

    args = *argv;

    if (*argc != 4) {
        fprintf(stderr, "replay: FOLDER MUTATIONS FAULT\n");
        return 2;
    }

    mutations = strtoul(args[2], NULL, 10);
    replay_out = args[3];
    replay_target = one;

    n = replay_read(args[1]);
    if (n == 0) {
        fprintf(stderr, "replay: no file in %s\n", args[1]);
        return 2;
    }

    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(replay_fault);
    }

    signal(SIGABRT, replay_signal);
    signal(SIGPROF, replay_signal);

    replay_seed = 88172645463325252;

    for (i = 0; i < n; i++) {
        setitimer(ITIMER_PROF, &hang, NULL);
        replay_one(replay_files[i].data, replay_files[i].len);

        for (size_t k = 0; k < mutations; k++) {
            len = replay_files[i].len;
            memcpy(replay_buf, replay_files[i].data, len);
            len = replay_mutate(replay_buf, len, n);
            replay_one(replay_buf, len);
        }
    }

    if (__lsan_do_recoverable_leak_check
        && __lsan_do_recoverable_leak_check())
    {
        fprintf(stderr, "replay: memory has leaked\n");
        return 1;
    }

    printf("%zu files, %zu inputs\n", n, n * (mutations + 1));

    return 0;
}


/* By name, so that the mutations are the same wherever they run. */
static size_t
replay_read(const char *folder)
{
    int              fd, n, i;
    char             path[4096];
    size_t           nfiles;
    ssize_t          len;
    struct dirent  **names;

    n = scandir(folder, &names, NULL, alphasort);
    nfiles = 0;

    for (i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);

        if (names[i]->d_name[0] == '.' || nfiles == REPLAY_FILES) {
            continue;
        }

        fd = open(path, O_RDONLY);
        len = (fd == -1) ? -1 : read(fd, replay_buf, REPLAY_SIZE / 2);

        if (len == -1) {
            perror(path);
            exit(2);
        }

        close(fd);

        replay_files[nfiles].data = malloc(len + 1);
        replay_files[nfiles].len = len;
        memcpy(replay_files[nfiles++].data, replay_buf, len);
    }

    for (i = 0; i < n; i++) {
        free(names[i]);
    }

    if (n != -1) {
        free(names);
    }

    return nfiles;
}


/* In memory of exactly its size: ASan sees a read too far. */
static void
replay_one(uint8_t *data, size_t len)
{
    replay_data = malloc(len ? len : 1);
    replay_len = len;

    memcpy(replay_data, data, len);
    replay_target(replay_data, len);

    free(replay_data);
    replay_data = NULL;
}


/* One to four changes; the buffer has REPLAY_SIZE bytes. */
static size_t
replay_mutate(uint8_t *p, size_t len, size_t nfiles)
{
    size_t          at, n, times;
    replay_file_t  *other;

    static const char  odd[] = "\0\n\r\t \"\\/{}[]():;,.=&?%#<>@~-_+*09azAZ"
                               "\x7f\x80\xc3\xff";

    for (times = replay_random(4) + 1; times; times--) {
        at = replay_random(len + 1);
        n = replay_random(len - at + 1);

        switch (replay_random(7)) {

        case 0:                                     /* a bit */
            if (at < len) {
                p[at] ^= 1 << replay_random(8);
            }
            break;

        case 1:                                     /* another byte */
            if (at < len) {
                p[at] = odd[replay_random(sizeof(odd))];
            }
            break;

        case 2:                                     /* one more */
            len = replay_splice(p, len, (uint8_t *)
                                odd + replay_random(sizeof(odd)), 1);
            break;

        case 3:                                     /* a part is gone */
            memmove(p + at, p + at + n, len - at - n);
            len -= n;
            break;

        case 4:                                     /* the end is gone */
            len = at;
            break;

        case 5:                                     /* a part twice */
            len = replay_splice(p, len, p + at, n % 64);
            break;

        default:                                    /* a part of another */
            other = &replay_files[replay_random(nfiles)];
            at = replay_random(other->len + 1);
            n = replay_random(other->len - at + 1);
            len = replay_splice(p, len, other->data + at, n % 256);
        }
    }

    return len;
}


/* Puts n bytes, at most 256, somewhere into p. */
static size_t
replay_splice(uint8_t *p, size_t len, uint8_t *from, size_t n)
{
    size_t   at;
    uint8_t  part[256];

    at = replay_random(len + 1);

    if (n > sizeof(part) || len + n > REPLAY_SIZE) {
        return len;
    }

    /* from may be inside of p */

    while (n && from >= p && from < p + len && from + n > p + len) {
        n--;
    }

    memcpy(part, from, n);
    memmove(p + at + n, p + at, len - at);
    memcpy(p + at, part, n);

    return len + n;
}


/* 0 to n - 1 (xorshift) */
static size_t
replay_random(size_t n)
{
    replay_seed ^= replay_seed << 13;
    replay_seed ^= replay_seed >> 7;
    replay_seed ^= replay_seed << 17;

    return replay_seed % n;
}


static void
replay_fault(void)
{
    int  fd;

    fd = replay_data ? open(replay_out, O_CREAT|O_WRONLY|O_TRUNC, 0644) : -1;

    if (fd != -1) {
        (void) !write(fd, replay_data, replay_len);
        close(fd);
    }
}


static void
replay_signal(int sig)
{
    replay_fault();

    signal(sig, SIG_DFL);
    raise(sig);
}
