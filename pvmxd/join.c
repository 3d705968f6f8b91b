/* SPDX-License-Identifier: BSD-3-Clause */
/* The text on a new daemon's standard input. */
#include "join.h"
#include "base/clock.h"
#include "base/err.h"
#include "table.h"
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 16 * 1024, WAIT_S = 60 };
static const char first_line[] = "pvmx-join 1";

/* Texts that are left out when they are empty. */
static const struct {
    char word[12];
    size_t field;
} texts[] = {
    {"wdir", offsetof(struct join, wdir)},
    {"path", offsetof(struct join, path)},
    {"wrapper", offsetof(struct join, wrapper)},
    {"debugger", offsetof(struct join, debugger)},
    {"listen", offsetof(struct join, listen)},
    {"ports", offsetof(struct join, ports)},
};

static pvmx_err add_line(struct px_buf *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static pvmx_err add_line(struct px_buf *out, const char *fmt, ...)
{
    char line[JOIN_TEXT + 64];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    pvmx_err err = px_buf_append(out, line, (size_t)n);
    secure_forget(line, sizeof line);
    return err;
}

pvmx_err join_write(struct px_buf *out, const struct join *j)
{
    char key[2 * SECURE_KEY + 1];
    secure_key_text(j->key, key);
    if (px_buf_reserve(out, TEXT_MAX) == NULL) /* so that no copy of the key is left behind */
        return px_fail(PVMX_ERR_NOMEM, "no memory to add host %s", j->host);
    pvmx_err err =
        add_line(out,
                 "%s\nvm %s\nhost %s\nlauncher %s\nindex %u\nleader %u\nslots %u\n"
                 "speed %u\napart %d\nkey %s\n",
                 first_line, j->vm, j->host, j->launcher, j->index, j->leader, j->slots,
                 j->speed, j->apart, key);
    secure_forget(key, sizeof key);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *value = (const char *)j + texts[i].field;
        if (err == PVMX_OK && *value != '\0')
            err = add_line(out, "%s %s\n", texts[i].word, value);
    }
    for (size_t i = 0; err == PVMX_OK && i < j->naddresses; i++)
        err = add_line(out, "address %s\n", j->addresses[i]);
    return err == PVMX_OK ? add_line(out, "end\n") : err;
}

static pvmx_err number(const char *word, const char *text, uint32_t max, uint32_t *out)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || v > max)
        return px_fail(PVMX_ERR_PROTO, "standard input: \"%s %.40s\" is no number up to %u",
                       word, text, max);
    *out = (uint32_t)v;
    return PVMX_OK;
}

static pvmx_err text(const char *word, const char *value, char *out, size_t size)
{
    if (strlen(value) >= size)
        return px_fail(PVMX_ERR_PROTO, "standard input: %s is too long", word);
    memcpy(out, value, strlen(value) + 1);
    return PVMX_OK;
}

static pvmx_err line(struct join *j, const char *word, const char *value)
{
    uint32_t n = 0;
    pvmx_err err;
    if (strcmp(word, "vm") == 0)
        return text(word, value, j->vm, sizeof j->vm);
    if (strcmp(word, "host") == 0)
        return text(word, value, j->host, sizeof j->host);
    if (strcmp(word, "launcher") == 0)
        return text(word, value, j->launcher, sizeof j->launcher);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(word, texts[i].word) == 0)
            return text(word, value, (char *)j + texts[i].field, JOIN_TEXT);
    if (strcmp(word, "index") == 0)
        return number(word, value, HOSTS_MAX, &j->index);
    if (strcmp(word, "leader") == 0)
        return number(word, value, HOSTS_MAX, &j->leader);
    if (strcmp(word, "slots") == 0)
        return number(word, value, UINT32_MAX - 2, &j->slots);
    if (strcmp(word, "speed") == 0)
        return number(word, value, 1000000, &j->speed);
    if (strcmp(word, "apart") == 0) {
        err = number(word, value, 1, &n);
        j->apart = n != 0;
        return err;
    }
    if (strcmp(word, "key") == 0)
        return secure_key_read(value, j->key)
                   ? PVMX_OK
                   : px_fail(PVMX_ERR_PROTO, "standard input: the key is not 64 digits");
    if (strcmp(word, "address") == 0 && j->naddresses < HOST_ADDRESSES) {
        j->addresses[j->naddresses] = strdup(value);
        if (j->addresses[j->naddresses] == NULL)
            return px_fail(PVMX_ERR_NOMEM, "no memory");
        j->naddresses++;
    }
    return PVMX_OK; /* a word of a later release */
}

pvmx_err join_parse(char *input, struct join *out)
{
    char *save = NULL;
    *out = (struct join){.speed = HOST_SPEED};
    char *l = strtok_r(input, "\n", &save);
    pvmx_err err = PVMX_OK;
    if (l == NULL || strcmp(l, first_line) != 0)
        err = px_fail(
            PVMX_ERR_VERSION,
            "standard input does not begin with \"%s\": --join is for another pvmxd "
            "of this release to use",
            first_line);
    bool ended = false;
    while (err == PVMX_OK && !ended && (l = strtok_r(NULL, "\n", &save)) != NULL) {
        char *value = strchr(l, ' ');
        ended = strcmp(l, "end") == 0;
        if (!ended && value != NULL) {
            *value = '\0';
            err = line(out, l, value + 1);
        }
    }
    static const uint8_t none[SECURE_KEY];
    if (err == PVMX_OK &&
        (!ended || out->index == 0 || out->leader == 0 || out->naddresses == 0 ||
         !table_name_ok(out->host) || memcmp(out->key, none, sizeof none) == 0))
        err = px_fail(PVMX_ERR_PROTO,
                      "standard input does not say all that is needed to join");
    if (err != PVMX_OK)
        join_free(out);
    return err;
}

pvmx_err join_read(int fd, struct join *out)
{
    static char input[TEXT_MAX];
    size_t n = 0;
    uint64_t end = px_now_ns() + WAIT_S * PX_SEC;
    pvmx_err err = PVMX_OK;
    while (err == PVMX_OK && (n < 4 || memcmp(input + n - 4, "end\n", 4) != 0)) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        uint64_t now = px_now_ns();
        int ready = now < end ? poll(&p, 1, (int)((end - now) / PX_MS)) : 0;
        ssize_t got = ready > 0 ? read(fd, input + n, sizeof input - 1 - n) : -1;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready == 0)
            err = px_fail(PVMX_ERR_TIMEDOUT,
                          "standard input says nothing: --join is for another "
                          "pvmxd to use");
        else if (got <= 0)
            err = px_fail(PVMX_ERR_PROTO,
                          "standard input ended too early: --join is for another "
                          "pvmxd to use");
        else
            n += (size_t)got;
    }
    input[n] = '\0';
    if (err == PVMX_OK)
        err = join_parse(input, out);
    secure_forget(input, sizeof input);
    return err;
}

void join_free(struct join *j)
{
    for (size_t i = 0; i < j->naddresses; i++)
        free(j->addresses[i]);
    j->naddresses = 0;
    secure_forget(j->key, sizeof j->key);
}
