/* SPDX-License-Identifier: BSD-3-Clause */
/* A bad cable between two network devices: slowwire DEVICE DEVICE DELAY_US JITTER_US LOSS_PERMILLE SEED.
 * Passes frames both ways, late and not all of them, in their order; what netem would do, on kernels
 * that have none. Runs until it is killed; says "ready". */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRAME = 80 * 1024, QUEUE = 4096 };

struct frame {
    uint64_t due;
    size_t len;
    uint8_t *bytes;
};

/* One direction. */
struct wire {
    int from, to;
    struct frame queue[QUEUE];
    unsigned head, n;
};

static uint64_t delay, jitter;
static unsigned loss;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int open_device(const char *name)
{
    int on = 1, fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
    struct sockaddr_ll a = {.sll_family = AF_PACKET,
                            .sll_protocol = htons(ETH_P_ALL),
                            .sll_ifindex = (int)if_nametoindex(name)};
    /* Long frames and open checksums pass as they are; our own frames are not ours to hear. */
    if (fd < 0 || a.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) != 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0) {
        perror(name);
        exit(1);
    }
    return fd;
}

static void take(struct wire *w, uint64_t now)
{
    static uint8_t bytes[FRAME];
    ssize_t n;
    while ((n = recv(w->from, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        if (w->n == QUEUE || (unsigned)(rand() % 1000) < loss)
            continue;
        uint64_t due = now + delay + (jitter > 0 ? (uint64_t)rand() * 1000 % jitter : 0);
        const struct frame *last = &w->queue[(w->head + w->n + QUEUE - 1) % QUEUE];
        struct frame *f = &w->queue[(w->head + w->n++) % QUEUE];
        *f = (struct frame){.due = w->n > 1 && due < last->due ? last->due : due,
                            .len = (size_t)n,
                            .bytes = malloc((size_t)n)};
        if (f->bytes != NULL)
            memcpy(f->bytes, bytes, (size_t)n);
    }
}

static void give(struct wire *w, uint64_t now)
{
    while (w->n > 0 && w->queue[w->head].due <= now) {
        struct frame *f = &w->queue[w->head];
        if (f->bytes != NULL && send(w->to, f->bytes, f->len, 0) < 0 && errno == ENOBUFS)
            return;
        free(f->bytes);
        w->head = (w->head + 1) % QUEUE;
        w->n--;
    }
}

int main(int argc, char **argv)
{
    static struct wire wires[2];
    if (argc != 7)
        return 2;
    int fds[2] = {open_device(argv[1]), open_device(argv[2])};
    delay = strtoull(argv[3], NULL, 10) * 1000;
    jitter = strtoull(argv[4], NULL, 10) * 1000;
    loss = (unsigned)atoi(argv[5]);
    srand((unsigned)atoi(argv[6]));
    for (int i = 0; i < 2; i++) {
        wires[i].from = fds[i];
        wires[i].to = fds[1 - i];
    }
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        struct pollfd p[2] = {{.fd = fds[0], .events = POLLIN},
                              {.fd = fds[1], .events = POLLIN}};
        poll(p, 2, wires[0].n + wires[1].n > 0 ? 1 : -1);
        for (int i = 0; i < 2; i++) {
            take(&wires[i], now_ns());
            give(&wires[i], now_ns());
        }
    }
}
