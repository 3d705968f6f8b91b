/* SPDX-License-Identifier: BSD-3-Clause */
/* What TCP itself can do between two hosts: half round trips over one plain socket. usage: sockets
 * ADDRESS PORT (echoes, for one client), sockets ADDRESS PORT SIZE... (prints "SIZE microseconds" as
 * pingpong does). */
#include "timing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCHES = 9 };
static const double batch_us = 50e3;

struct order {
    uint32_t size, rounds;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int send_all(int fd, const char *buf, size_t n)
{
    while (n > 0) {
        ssize_t k = send(fd, buf, n, MSG_NOSIGNAL);
        if (k <= 0)
            return 0;
        buf += k;
        n -= (size_t)k;
    }
    return 1;
}

static int recv_all(int fd, char *buf, size_t n)
{
    while (n > 0) {
        ssize_t k = recv(fd, buf, n, 0);
        if (k <= 0)
            return 0;
        buf += k;
        n -= (size_t)k;
    }
    return 1;
}

static void echo(int fd)
{
    struct order o;
    while (recv_all(fd, (char *)&o, sizeof o)) {
        char *buf = malloc(o.size);
        memset(buf, 1, o.size);
        for (uint32_t i = 0; i < o.rounds; i++)
            if (!recv_all(fd, buf, o.size) || !send_all(fd, buf, o.size))
                die("echo");
        free(buf);
    }
}

static double pings(int fd, char *buf, uint32_t size, uint32_t n)
{
    struct order o = {size, n};
    send_all(fd, (char *)&o, sizeof o);
    double begin = now_us();
    for (uint32_t i = 0; i < n; i++)
        if (!send_all(fd, buf, size) || !recv_all(fd, buf, size))
            die("ping");
    return (now_us() - begin) / n;
}

static void measure(int fd, const char *name)
{
    double times[BATCHES];
    uint32_t size = (uint32_t)atoi(name);
    char *buf = malloc(size);
    memset(buf, 1, size);
    pings(fd, buf, size, 20);
    double each = pings(fd, buf, size, 20);
    uint32_t n = each < batch_us ? (uint32_t)(batch_us / each) + 1 : 1;
    for (int b = 0; b < BATCHES; b++)
        times[b] = pings(fd, buf, size, n) / 2;
    result(name, median(times, BATCHES));
    free(buf);
}

int main(int argc, char **argv)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (argc < 3 || inet_pton(AF_INET, argv[1], &a.sin_addr) != 1) {
        fprintf(stderr, "usage: sockets ADDRESS PORT [SIZE...]\n");
        return 2;
    }
    a.sin_port = htons((uint16_t)atoi(argv[2]));
    if (argc == 3) {
        int from;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 1) != 0)
            die("bind");
        printf("listens\n");
        fflush(stdout);
        from = accept(fd, NULL, NULL);
        setsockopt(from, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        echo(from);
        return 0;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
        die("connect");
    for (int i = 3; i < argc; i++)
        measure(fd, argv[i]);
    return 0;
}
