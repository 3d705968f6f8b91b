/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses as text, and TCP sockets that never block. */
#ifndef TCP_H
#define TCP_H

#include <pvmx/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { TCP_TEXT = 80 };

/* "192.0.2.1:4711" or "[2001:db8::1]:4711" as a socket address; numbers only. */
pvmx_err tcp_read(const char *text, struct sockaddr_storage *out, socklen_t *len);
void tcp_text(const struct sockaddr *a, char *text, size_t size);
/* The same address with another port. */
void tcp_set_port(struct sockaddr_storage *a, uint16_t port);
/* Begins to connect, from the own address `from` ("": any); *fd is nonblocking and close-on-exec. */
pvmx_err tcp_connect(const char *address, const char *from, int *fd);
/* Listens on address ("": all interfaces, IPv6 and IPv4) and a port of lo..hi (0, 0: any). */
pvmx_err tcp_listen(const char *address, uint16_t lo, uint16_t hi, int *fd, uint16_t *port);
/* This machine's addresses with that port, as they may be reached from outside, loopback last; at most
 * max texts, each to be freed. */
size_t tcp_own(uint16_t port, char **out, size_t max);
/* The address of this machine that `what` means: an address, an interface, a network (10.1.0.0/16). */
pvmx_err tcp_own_named(const char *what, char *text, size_t size);
/* False: it is an address. */
bool tcp_is_general(const char *what);
void tcp_tune(int fd);

#endif
