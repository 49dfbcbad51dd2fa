/*
 * t/bench/load.c — a closed loop of HTTP/1.1 requests on loopback, and what
 * they cost a process there.
 *
 *   load -h 127.0.0.1 -p PORT -f FILE [-c CONNECTIONS] [-t MILLISECONDS]
 *        [-n REQUESTS] [-s PID]... [-w]
 *
 * FILE holds whole requests, each ended by a NUL; the connections take them in
 * turn.  -n: so many, each once, in place of a time.  -w: the first one
 * upgrades to a WebSocket, and echoes of a small text frame are counted.
 * Prints one line of NAME=VALUE; cpu is the processes' time on a processor, in
 * ns, from all of them asleep to all of them asleep again, so that it belongs
 * to exactly these requests.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>


#define CONNECTIONS_MAX  1024
#define PIDS_MAX         16
#define BUFFER           65536
#define FRAME            32             /* bytes of a WebSocket message */


typedef struct {
    int        fd;
    int        upgraded;
    int        status;                  /* 0: the header has not ended yet */
    uint64_t   begin;                   /* ns */
    size_t     left;                    /* bytes of the body to come */
    size_t     have;                    /* bytes of the header so far */
    char       header[BUFFER];
} connection_t;

typedef struct {
    char      *data;
    size_t     len;
} request_t;


static struct sockaddr_in  addr;
static connection_t        connections[CONNECTIONS_MAX];
static request_t          *requests;
static size_t              nrequests, next_request;
static int                 ep, websocket;
static uint64_t            sent, done, bytes, limit, end, codes[1000];
static uint32_t           *took;        /* µs of each request */
static size_t              took_max;
static unsigned char       frame[2 + 4 + FRAME] = { 0x81, 0x80 | FRAME };


static _Noreturn void
die(const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    exit(1);
}


static uint64_t
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


static void
read_requests(const char *name)
{
    int          fd;
    char        *p, *last;
    struct stat  st;

    fd = open(name, O_RDONLY);
    if (fd == -1 || fstat(fd, &st) == -1 || st.st_size == 0) {
        die("%s: no requests", name);
    }

    p = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
        die("%s: %s", name, strerror(errno));
    }

    last = p + st.st_size;

    while (p < last) {
        if (nrequests % 1024 == 0) {
            requests = realloc(requests,
                               (nrequests + 1024) * sizeof(request_t));
            if (requests == NULL) {
                die("no memory");
            }
        }

        requests[nrequests].data = p;
        requests[nrequests].len = strnlen(p, last - p);
        p += requests[nrequests++].len + 1;
    }
}


static uint64_t
cpu_of(int pid)
{
    char                path[64];
    FILE               *f;
    unsigned long long  ns;

    snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);

    f = fopen(path, "r");
    if (f == NULL || fscanf(f, "%llu", &ns) != 1) {
        die("%s: %s", path, strerror(errno));
    }

    fclose(f);
    return ns;
}


/* The kernel counts a process's time as it goes to sleep. */
static void
cpu_at_rest(const int *pids, int n, uint64_t *cpu)
{
    int       i, same, tries;
    uint64_t  ns;

    memset(cpu, 0, n * sizeof(uint64_t));

    for (tries = 0, same = 0; same < 2 && tries < 50; tries++) {
        usleep(1000);
        same++;

        for (i = 0; i < n; i++) {
            ns = cpu_of(pids[i]);
            if (ns != cpu[i]) {
                same = 0;
            }
            cpu[i] = ns;
        }
    }
}


static void
connect_one(connection_t *c)
{
    int                 on = 1;
    struct epoll_event  ev;

    c->fd = socket(AF_INET, SOCK_STREAM, 0);

    if (c->fd == -1
        || connect(c->fd, (struct sockaddr *) &addr, sizeof(addr)) == -1)
    {
        die("connect: %s", strerror(errno));
    }

    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    fcntl(c->fd, F_SETFL, O_NONBLOCK);

    ev.events = EPOLLIN;
    ev.data.ptr = c;

    if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev) == -1) {
        die("epoll_ctl: %s", strerror(errno));
    }
}


/* The next request, unless it is enough. */
static void
send_next(connection_t *c)
{
    char    *data;
    size_t   len;
    ssize_t  n;

    c->begin = now();

    if ((limit && sent >= limit) || (!limit && c->begin >= end)) {
        return;
    }

    if (c->upgraded) {
        data = (char *) frame;
        len = sizeof(frame);

    } else {
        data = requests[next_request].data;
        len = requests[next_request].len;
        next_request = (next_request + 1) % nrequests;
    }

    sent++;

    /* what a request has fits into a socket's buffer */

    n = send(c->fd, data, len, MSG_NOSIGNAL);
    if (n != (ssize_t) len) {
        die("send: %s", n == -1 ? strerror(errno) : "a part only");
    }

    c->status = 0;
    c->have = 0;
    c->left = c->upgraded ? 2 + FRAME : 0;
}


static void
finish(connection_t *c)
{
    if (done == took_max) {
        took_max = took_max ? 2 * took_max : 65536;
        took = realloc(took, took_max * sizeof(uint32_t));
        if (took == NULL) {
            die("no memory");
        }
    }

    took[done++] = (now() - c->begin) / 1000;
    codes[c->upgraded ? 101 : c->status]++;

    send_next(c);
}


/* Returns how much of the header's buffer is body, -1: it has not ended. */
static ssize_t
read_header(connection_t *c)
{
    char  *eoh, *p;

    eoh = memmem(c->header, c->have, "\r\n\r\n", 4);

    if (eoh == NULL) {
        if (c->have == BUFFER) {
            die("a header of more than %d bytes", BUFFER);
        }
        return -1;
    }

    *eoh = '\0';

    if (sscanf(c->header, "HTTP/1.1 %3d", &c->status) != 1
        || c->status < 100 || c->status > 999)
    {
        die("no response: %.40s", c->header);
    }

    p = strcasestr(c->header, "\r\ncontent-length:");
    c->left = p ? strtoull(p + 17, NULL, 10) : 0;

    if (!p && strcasestr(c->header, "\r\ntransfer-encoding:")) {
        die("a response without Content-Length");
    }

    return c->have - (eoh + 4 - c->header);
}


static void
on_readable(connection_t *c)
{
    static char  sink[1 << 18];
    ssize_t      n, body;

    if (c->status == 0 && !c->upgraded) {
        n = recv(c->fd, c->header + c->have, BUFFER - c->have, 0);
    } else {
        n = recv(c->fd, sink, sizeof(sink), 0);
    }

    if (n == -1 && errno == EAGAIN) {
        return;
    }

    if (n <= 0) {
        die("connection closed after %lu of %lu requests", done, sent);
    }

    bytes += n;
    body = n;

    if (c->status == 0 && !c->upgraded) {
        c->have += n;
        body = read_header(c);
        if (body == -1) {
            return;
        }
    }

    if (c->status == 101 && websocket && !c->upgraded) {
        c->upgraded = 1;
        return;
    }

    if ((size_t) body > c->left) {
        die("%ld bytes more than expected, status %d", body - c->left,
            c->status);
    }

    c->left -= body;

    if (c->left == 0) {
        finish(c);
    }
}


static void
serve(int (*ready)(int), int n)
{
    int                 i, k;
    struct epoll_event  events[256];

    while (!ready(n)) {
        k = epoll_wait(ep, events, 256, 20000);
        if (k == 0) {
            die("no answer within 20 s: %lu of %lu", done, sent);
        }

        for (i = 0; i < k; i++) {
            on_readable(events[i].data.ptr);
        }
    }
}


static int
all_answered(int n)
{
    (void) n;
    return done == sent;
}


static int
all_upgraded(int n)
{
    while (n > 0 && connections[n - 1].upgraded) {
        n--;
    }

    return n == 0;
}


static int
by_value(const void *a, const void *b)
{
    uint32_t  x = *(const uint32_t *) a, y = *(const uint32_t *) b;

    return (x > y) - (x < y);
}


static void
report(uint64_t ns, const uint64_t *before, const uint64_t *after, int npids)
{
    int  i;

    if (done == 0) {
        die("nothing was sent");
    }

    qsort(took, done, sizeof(uint32_t), by_value);

    printf("requests=%lu ns=%lu bytes=%lu p50=%u p99=%u cpu=", done, ns,
           bytes, took[done / 2], took[done * 99 / 100]);

    for (i = 0; i < npids; i++) {
        printf("%s%lu", i ? "," : "", after[i] - before[i]);
    }

    for (i = 0; i < 1000; i++) {
        if (codes[i]) {
            printf(" %d=%lu", i, codes[i]);
        }
    }

    printf("\n");
}


int
main(int argc, char **argv)
{
    int          i, opt, n = 32, npids = 0, pids[PIDS_MAX];
    uint64_t     begin, ms = 1000, before[PIDS_MAX], after[PIDS_MAX];
    const char  *file = NULL, *host = "127.0.0.1";

    addr.sin_family = AF_INET;

    while ((opt = getopt(argc, argv, "h:p:f:c:t:n:s:w")) != -1) {
        switch (opt) {
        case 'h': host = optarg; break;
        case 'p': addr.sin_port = htons(atoi(optarg)); break;
        case 'f': file = optarg; break;
        case 'c': n = atoi(optarg); break;
        case 't': ms = strtoull(optarg, NULL, 10); break;
        case 'n': limit = strtoull(optarg, NULL, 10); break;
        case 's':
            if (npids == PIDS_MAX) {
                die("too many processes");
            }
            pids[npids++] = atoi(optarg);
            break;
        case 'w': websocket = 1; break;
        default: exit(2);
        }
    }

    if (file == NULL || n < 1 || n > CONNECTIONS_MAX
        || inet_pton(AF_INET, host, &addr.sin_addr) != 1)
    {
        die("-h, -p, -f, -c: see the top of t/bench/load.c");
    }

    read_requests(file);
    ep = epoll_create1(0);

    for (i = 0; i < n; i++) {
        connect_one(&connections[i]);
    }

    if (websocket) {
        for (i = 0; i < n; i++) {
            if (send(connections[i].fd, requests[0].data, requests[0].len, 0)
                != (ssize_t) requests[0].len)
            {
                die("send: %s", strerror(errno));
            }
        }
        serve(all_upgraded, n);
        bytes = 0;
    }

    cpu_at_rest(pids, npids, before);

    begin = now();
    end = begin + ms * 1000000;

    for (i = 0; i < n; i++) {
        send_next(&connections[i]);
    }

    serve(all_answered, n);
    ms = now() - begin;

    cpu_at_rest(pids, npids, after);
    report(ms, before, after, npids);

    return 0;
}
