/*
 * t/preload/preload.c — what a test does to a running nginx from below: a step
 * of the wall clock, and resources that are absent for a moment.  Loaded by
 * LD_PRELOAD (AIGC::Preload); steered through a file that the test writes to.
 *
 * The monotonic clock is never touched: that is what makes it a step.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>


/* In the file, in this order; AIGC::Preload knows it. */
static struct {
    int64_t  clock;         /* s that the wall clock is ahead */
    int64_t  dead;          /* so many curl_multi_socket_action() fail */
    int64_t  no_memory;     /* curl_easy_init() fails while it is set */
    int64_t  no_socket;     /* socket() fails, likewise */
    int64_t  no_event;      /* so many epoll_ctl(EPOLL_CTL_ADD) fail, of
                               descriptors that socket() gave */
    int64_t  no_disk;       /* files take no more bytes, likewise */
} none, *ctl = &none;

static unsigned char  made[65536];      /* by socket(), not by accept4() */


#define real(name)                                                            \
    static __typeof__(&name) f;                                               \
    if (f == NULL) {                                                          \
        *(void **) &f = dlsym(RTLD_NEXT, #name);                              \
    }


__attribute__((constructor)) static void
start(void)
{
    int          fd;
    void        *p;
    const char  *file;

    file = getenv("AIGC_PRELOAD");

    if (file == NULL || (fd = open(file, O_RDWR)) == -1) {
        return;
    }

    p = mmap(NULL, sizeof(none), PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);

    if (p != MAP_FAILED) {
        ctl = p;
    }

    close(fd);
}


static int
once(int64_t *n)
{
    int64_t  have;

    have = *(volatile int64_t *) n;

    while (have > 0) {
        if (__atomic_compare_exchange_n(n, &have, have - 1, 0,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        {
            return 1;
        }
    }

    return 0;
}


static int64_t
ahead(void)
{
    return *(volatile int64_t *) &ctl->clock;
}


int
gettimeofday(struct timeval *tv, void *tz)
{
    struct timespec  ts;

    real(clock_gettime);

    (void) tz;                          /* obsolete */

    if (f(CLOCK_REALTIME, &ts) != 0) {
        return -1;
    }

    tv->tv_sec = ts.tv_sec + ahead();
    tv->tv_usec = ts.tv_nsec / 1000;

    return 0;
}


time_t
time(time_t *t)
{
    struct timespec  ts;

    real(clock_gettime);

    f(CLOCK_REALTIME, &ts);
    ts.tv_sec += ahead();

    if (t) {
        *t = ts.tv_sec;
    }

    return ts.tv_sec;
}


int
clock_gettime(clockid_t clock, struct timespec *ts)
{
    int  rc;

    real(clock_gettime);

    rc = f(clock, ts);

    if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    {
        ts->tv_sec += ahead();
    }

    return rc;
}


static int
mark(int fd, int socket)
{
    if (fd >= 0 && fd < (int) sizeof(made)) {
        made[fd] = socket;
    }

    return fd;
}


int
socket(int domain, int type, int protocol)
{
    real(socket);

    if (*(volatile int64_t *) &ctl->no_socket && domain != AF_UNIX) {
        errno = EMFILE;
        return -1;
    }

    return mark(f(domain, type, protocol), 1);
}


int
accept4(int s, struct sockaddr *addr, socklen_t *len, int flags)
{
    real(accept4);

    return mark(f(s, addr, len, flags), 0);
}


int
epoll_ctl(int ep, int op, int fd, struct epoll_event *event)
{
    real(epoll_ctl);

    if (op == EPOLL_CTL_ADD && fd < (int) sizeof(made) && made[fd]
        && once(&ctl->no_event))
    {
        errno = ENOSPC;
        return -1;
    }

    return f(ep, op, fd, event);
}


static int
full(int fd)
{
    struct stat  st;

    if (!*(volatile int64_t *) &ctl->no_disk || fstat(fd, &st) != 0
        || !S_ISREG(st.st_mode))
    {
        return 0;
    }

    errno = ENOSPC;
    return 1;
}


ssize_t
write(int fd, const void *buf, size_t n)
{
    real(write);

    return full(fd) ? -1 : f(fd, buf, n);
}


ssize_t
pwrite64(int fd, const void *buf, size_t n, off64_t offset)
{
    real(pwrite64);

    return full(fd) ? -1 : f(fd, buf, n, offset);
}


/* libcurl's, without its headers: a test needs no more than a compiler */

void *curl_easy_init(void);
int curl_multi_socket_action(void *multi, int s, int what, int *running);


void *
curl_easy_init(void)
{
    real(curl_easy_init);

    return *(volatile int64_t *) &ctl->no_memory ? NULL : f();
}


int
curl_multi_socket_action(void *multi, int s, int what, int *running)
{
    real(curl_multi_socket_action);

    return once(&ctl->dead) ? 11 /* CURLM_ABORTED_BY_CALLBACK */
                            : f(multi, s, what, running);
}
