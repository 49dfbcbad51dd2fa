/*
 * t/bench/held.c — thousands of connections that are held open: by a client on
 * loopback, and by an application that takes WebSockets and says nothing.
 *
 *   held listen HOST PORT
 *   held hold HOST PORT COUNT TEXT FILE
 *
 * FILE holds whole requests, each ended by a NUL; the connections take them in
 * turn.  hold says "open" once TEXT has come on each, then takes orders, a line
 * each, and answers each with a line:
 *
 *   mark           forgets what has come: "marked"
 *   wait TEXT      "COUNT MILLISECONDS": since the mark TEXT has come on all
 *                  that are open, the last one so long after it
 *   closed COUNT   the same, as soon as so many were closed since the mark
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>


#define KEPT     2048           /* of what has come last on a connection */
#define PATIENCE 120000         /* ms without anything */
#define AT_ONCE  256            /* connections that wait for their answer */


typedef struct {
    int        fd;              /* -1: closed */
    int        has;             /* the text that is waited for has come */
    size_t     len;
    char       text[KEPT + 1];
} held_t;


static const char  *switching =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static struct sockaddr_in  addr;
static held_t             *held;
static int                 ep, count, closed, having;
static const char         *wanted;
static char                buf[1 << 16];
static uint64_t            marked, last;        /* ms */


static _Noreturn void
die(const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    fputs("held: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    exit(1);
}


static uint64_t
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


static void
watch(int fd, void *data)
{
    struct epoll_event  ev = { .events = EPOLLIN, .data.ptr = data };

    fcntl(fd, F_SETFL, O_NONBLOCK);

    if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == -1) {
        die("epoll_ctl: %s", strerror(errno));
    }
}


/* The application: each request is answered, nothing else is said. */
static void
take(void)
{
    int                  i, n, fd, on = 1, listening;
    ssize_t              got;
    struct epoll_event   events[256];

    listening = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));

    if (bind(listening, (struct sockaddr *) &addr, sizeof(addr)) == -1
        || listen(listening, 4096) == -1)
    {
        die("listen: %s", strerror(errno));
    }

    watch(listening, NULL);

    for ( ;; ) {
        n = epoll_wait(ep, events, 256, -1);

        for (i = 0; i < n; i++) {

            if (events[i].data.ptr == NULL) {
                while ((fd = accept(listening, NULL, NULL)) != -1) {
                    watch(fd, (void *) (intptr_t) fd);
                }
                continue;
            }

            fd = (int) (intptr_t) events[i].data.ptr;
            got = read(fd, buf, sizeof(buf));

            if (got <= 0 && !(got == -1 && errno == EAGAIN)) {
                close(fd);

            } else if (got > 4 && memcmp(buf + got - 4, "\r\n\r\n", 4) == 0
                       && write(fd, switching, strlen(switching)) == -1)
            {
                close(fd);
            }
        }
    }
}


static void
came(held_t *h)
{
    size_t   cut;
    ssize_t  n;

    n = read(h->fd, buf, sizeof(buf));

    if (n == -1 && errno == EAGAIN) {
        return;
    }

    if (n <= 0) {
        close(h->fd);
        h->fd = -1;
        closed++;
        having -= h->has;
        last = now();
        return;
    }

    if (n > KEPT) {
        memcpy(h->text, buf + n - KEPT, KEPT);
        h->len = KEPT;

    } else {
        cut = h->len + n > KEPT ? h->len + n - KEPT : 0;
        memmove(h->text, h->text + cut, h->len - cut);
        memcpy(h->text + h->len - cut, buf, n);
        h->len += n - cut;
    }

    if (!h->has && wanted
        && memmem(h->text, h->len, wanted, strlen(wanted)))
    {
        h->has = 1;
        having++;
        last = now();
    }
}


/* Until so many have the text, or so many were closed. */
static void
until(int have, int gone)
{
    int                 i, n;
    struct epoll_event  events[256];

    while (having < have && closed < gone) {
        n = epoll_wait(ep, events, 256, PATIENCE);

        if (n == 0) {
            die("nothing more comes: %d of %d have \"%s\", %d were closed",
                having, count, wanted ? wanted : "", closed);
        }

        for (i = 0; i < n; i++) {
            came(events[i].data.ptr);
        }
    }
}


static void
open_one(held_t *h, const char *request)
{
    int      on = 1;
    ssize_t  n;

    h->fd = socket(AF_INET, SOCK_STREAM, 0);

    if (h->fd == -1
        || connect(h->fd, (struct sockaddr *) &addr, sizeof(addr)) == -1)
    {
        die("connection %ld: %s", h - held, strerror(errno));
    }

    setsockopt(h->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

    n = send(h->fd, request, strlen(request), MSG_NOSIGNAL);
    if (n != (ssize_t) strlen(request)) {
        die("send: %s", n == -1 ? strerror(errno) : "a part only");
    }

    watch(h->fd, h);
}


static void
hold(const char *file)
{
    int      i;
    char    *requests, *request, *line;
    FILE    *f;
    size_t   size, room;
    ssize_t  n;

    f = fopen(file, "r");
    if (f == NULL) {
        die("%s: %s", file, strerror(errno));
    }

    fseek(f, 0, SEEK_END);
    size = ftell(f);
    rewind(f);

    requests = malloc(size + 1);
    if (size == 0 || requests == NULL || fread(requests, 1, size, f) != size) {
        die("%s: no requests", file);
    }

    requests[size] = '\0';
    request = requests;

    for (i = 0; i < count; i++) {
        until(i - AT_ONCE, count + 1);

        open_one(&held[i], request);
        request += strlen(request) + 1;

        if (request >= requests + size) {
            request = requests;
        }
    }

    until(count, 1);

    if (closed) {
        die("%d were closed", closed);
    }

    puts("open");
    fflush(stdout);

    line = NULL;
    room = 0;

    while ((n = getline(&line, &room, stdin)) > 0) {
        line[n - 1] = '\0';

        if (strcmp(line, "mark") == 0) {
            for (i = 0; i < count; i++) {
                held[i].len = 0;
                held[i].has = 0;
            }

            having = 0;
            closed = 0;
            wanted = NULL;
            marked = now();
            puts("marked");

        } else if (strncmp(line, "wait ", 5) == 0) {
            wanted = strdup(line + 5);
            for (i = 0, size = 0; i < count; i++) {
                size += (held[i].fd != -1);
            }

            until((int) size, 1);
            printf("%d %lu\n", having, last - marked);

        } else if (strncmp(line, "closed ", 7) == 0) {
            until(count + 1, atoi(line + 7));
            printf("%d %lu\n", closed, last - marked);

        } else {
            die("no order: %s", line);
        }

        fflush(stdout);
    }
}


int
main(int argc, char **argv)
{
    ep = epoll_create1(0);

    if (ep == -1 || argc < 4) {
        die("listen HOST PORT | hold HOST PORT COUNT TEXT FILE");
    }

    addr.sin_family = AF_INET;
    addr.sin_port = htons(atoi(argv[3]));

    if (inet_pton(AF_INET, argv[2], &addr.sin_addr) != 1) {
        die("%s is no address", argv[2]);
    }

    if (strcmp(argv[1], "listen") == 0) {
        take();
    }

    if (argc != 7) {
        die("hold HOST PORT COUNT TEXT FILE");
    }

    count = atoi(argv[4]);
    wanted = argv[5];
    held = calloc(count, sizeof(held_t));

    if (held == NULL) {
        die("no memory");
    }

    hold(argv[6]);

    return 0;
}
