/* SPDX-License-Identifier: BSD-3-Clause */
/* The plate, its strips, and one step of the computation. */
#include "plate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void usage(const char *program, const char *problem)
{
    fprintf(stderr,
            "%s: %s\nusage: %s [-n SIZE] [-w WORKERS] [-e EPS] [-s STEPS]\n"
            "SIZE: 1 to 10000 points each way; WORKERS: 1 to 64, at most SIZE; EPS: at "
            "least 0; "
            "STEPS: at least 1\n",
            program, problem, program);
    exit(2);
}

static int read_int(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);
    return *end || value < 1 || value > 2000000000 ? -1 : (int)value;
}

void plate_options(struct plate *p, int argc, char **argv)
{
    char *end = "";
    *p = (struct plate){.n = 96, .workers = 4, .most = 1000000, .eps = 0.001};
    for (int c; (c = getopt(argc, argv, "n:w:e:s:")) != -1;) {
        if (c == 'n')
            p->n = read_int(optarg);
        else if (c == 'w')
            p->workers = read_int(optarg);
        else if (c == 's')
            p->most = read_int(optarg);
        else if (c == 'e')
            p->eps = strtod(optarg, &end);
        else
            usage(argv[0], "what it was started with makes no sense");
    }
    if (optind < argc || *end || !(p->eps >= 0))
        usage(argv[0], "an argument or a number is wrong");
    if (p->n < 1 || p->n > 10000 || p->workers < 1 || p->workers > MOST_WORKERS ||
        p->workers > p->n || p->most < 1)
        usage(argv[0], "a number is too large or too small");
}

int plate_first(const struct plate *p, int worker)
{
    return 1 + (int)((long)worker * p->n / p->workers);
}

double *plate_alloc(int n, int rows)
{
    double *all = calloc((size_t)(rows + 2) * (size_t)(n + 2), sizeof *all);
    if (!all) {
        fprintf(stderr, "no memory for a plate of %d x %d\n", rows, n);
        exit(1);
    }
    return all;
}

double *plate_start(int n)
{
    double *all = plate_alloc(n, n);
    for (int i = 0; i < n + 2; i++)
        all[i] = 100;
    return all;
}

void plate_print(const struct plate *p, const double *all, int steps)
{
    double sum = 0;
    for (int row = 1; row <= p->n; row++)
        for (int i = 1; i <= p->n; i++)
            sum += all[(size_t)row * (size_t)(p->n + 2) + (size_t)i];
    printf("plate of %d x %d: %d steps, mean %.9f\n", p->n, p->n, steps,
           sum / ((double)p->n * p->n));
}

void strip_init(struct strip *s, int n, int rows)
{
    *s = (struct strip){n, rows, plate_alloc(n, rows), plate_alloc(n, rows)};
}

void strip_free(struct strip *s)
{
    free(s->now);
    free(s->next);
}

double *strip_row(struct strip *s, int row)
{
    return s->now + (size_t)row * (size_t)(s->n + 2);
}

double strip_step(struct strip *s)
{
    double *old = s->now, largest = 0;
    size_t width = (size_t)s->n + 2;
    for (int row = 0; row < s->rows + 2; row++) { /* edges stay as they are */
        s->next[(size_t)row * width] = old[(size_t)row * width];
        s->next[(size_t)row * width + width - 1] = old[(size_t)row * width + width - 1];
    }
    for (int row = 1; row <= s->rows; row++) {
        for (int i = 1; i <= s->n; i++) {
            size_t at = (size_t)row * width + (size_t)i;
            s->next[at] =
                (old[at - width] + old[at + width] + old[at - 1] + old[at + 1]) / 4;
            largest = fmax(largest, fabs(s->next[at] - old[at]));
        }
    }
    memcpy(s->next, old, width * sizeof *old);
    memcpy(s->next + (size_t)(s->rows + 1) * width, old + (size_t)(s->rows + 1) * width,
           width * sizeof *old);
    s->now = s->next;
    s->next = old;
    return largest;
}
