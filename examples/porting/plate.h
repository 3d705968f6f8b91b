/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of the program that computes, and knows nothing of processes: porting leaves it alone. A plate of
 * n x n points between a hot edge above and three cold ones; in each step every point becomes the mean of its
 * four neighbours, until none changes by more than eps. Each worker has a strip of rows. */
#ifndef PLATE_H
#define PLATE_H

struct plate {
    int n, workers, most; /* most: steps, at the utmost */
    double eps;
};

enum {
    CHECK_EVERY = 20, /* steps from one comparison with eps to the next */
    MOST_WORKERS = 64,
};

/* Rows of a worker, and one more above and below, which its neighbours or the edges have. */
struct strip {
    int n, rows;
    double *now, *next; /* (rows + 2) x (n + 2) */
};

/* Reads -n SIZE -w WORKERS -e EPS -s STEPS; what is wrong is said and ends the program with 2. */
void plate_options(struct plate *p, int argc, char **argv);
/* The first row of a worker, counted from 1; that of worker number p->workers is behind the last. */
int plate_first(const struct plate *p, int worker);
/* Memory for rows + 2 rows; ends the program when there is none. */
double *plate_alloc(int n, int rows);
/* The whole plate as it is at first. */
double *plate_start(int n);
/* The result, the same for any number of workers. */
void plate_print(const struct plate *p, const double *all, int steps);

void strip_init(struct strip *s, int n, int rows);
void strip_free(struct strip *s);
double *strip_row(struct strip *s, int row); /* of now; 0 and rows + 1 are the neighbours' */
/* One step; the largest change of a point. */
double strip_step(struct strip *s);

#endif
