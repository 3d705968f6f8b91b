/* SPDX-License-Identifier: BSD-3-Clause */
/* A job that outlives its processes: rank 0 and some workers work in steps; when a worker is lost, those
 * that are left find out, shrink, start a new one, merge, and do the step again. */
#include <mpi.h>
#include <mpix_pvmx.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What everybody knows between two steps; a newcomer gets it from rank 0. */
struct state {
    int step, steps;
    int members; /* as many as there are to be                        */
    int suicide; /* in every such step the last rank ends by itself, once; 0: never */
    int spared;  /* the step in which it does not                    */
    int slow;    /* milliseconds that a step takes                    */
    int lost;    /* workers so far                                    */
    double pi;   /* sum of the steps done                             */
};

static char *program;

/* Do all say so, in both groups of an intercommunicator? Everybody gets the same answer, whoever has
 * ended. */
static int all_agree(MPI_Comm comm, int yes)
{
    return MPIX_Comm_agree(comm, &yes) == MPI_SUCCESS && yes;
}

/* Spawner and spawned become one: the old ones keep their ranks, the new ones come behind. In all of
 * them, or in none: then somebody has ended. */
static int merge(MPI_Comm *inter, int behind, MPI_Comm *all)
{
    MPI_Comm_set_errhandler(*inter, MPI_ERRORS_RETURN);
    int mine = MPI_Intercomm_merge(*inter, behind, all) == MPI_SUCCESS;
    int merged = all_agree(*inter, mine);
    if (mine) {
        MPI_Comm_set_errhandler(*all, MPI_ERRORS_RETURN);
        if (!merged)
            MPI_Comm_free(all);
    }
    MPI_Comm_free(inter);
    return merged;
}

/* Starts so many processes and merges with them; *team stays when somebody ends meanwhile. */
static void grow(MPI_Comm *team, int missing)
{
    MPI_Comm inter, all;
    int rc = MPI_Comm_spawn(program, MPI_ARGV_NULL, missing, MPI_INFO_NULL, 0, *team,
                            &inter, MPI_ERRCODES_IGNORE);
    if (rc != MPI_SUCCESS) { /* not for want of one of us: all hear the same from rank 0 */
        fprintf(stderr, "recovery: no worker can be started\n");
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    if (merge(&inter, 0, &all)) {
        MPI_Comm_free(team);
        *team = all;
    }
}

/* Until the team is whole and everybody has the state of rank 0. Somebody may be lost in here, too: then
 * all go round once more, the newcomers with them. */
static void repair(MPI_Comm *team, struct state *s)
{
    for (;;) {
        MPI_Comm left;
        int size;
        MPIX_Comm_revoke(*team); /* who still works in the old one hears of it */
        if (MPIX_Comm_shrink(*team, &left) != MPI_SUCCESS)
            MPI_Abort(MPI_COMM_WORLD, 1);
        MPI_Comm_free(team);
        MPI_Comm_set_errhandler(left, MPI_ERRORS_RETURN);
        *team = left;
        MPI_Comm_size(left, &size);
        int rc = MPI_Bcast(s, sizeof(*s), MPI_BYTE, 0, left);
        if (!all_agree(left, rc == MPI_SUCCESS))
            continue;
        if (size >= s->members)
            return;
        grow(team, s->members - size);
    }
}

/* This process's part of the sum, and the team's whole. */
static int one_step(MPI_Comm team, const struct state *s, double *sum)
{
    int rank, size, n = 100000;
    double part = 0;
    MPI_Comm_rank(team, &rank);
    MPI_Comm_size(team, &size);
    if (s->suicide && s->step % s->suicide == 0 && s->step != s->spared && rank == size - 1)
        raise(SIGKILL);
    usleep((useconds_t)s->slow * 1000);
    for (int i = rank; i < n; i += size) {
        double x = (s->step + (i + 0.5) / n) / s->steps;
        part += 4 / (1 + x * x) / n / s->steps;
    }
    return MPI_Allreduce(&part, sum, 1, MPI_DOUBLE, MPI_SUM, team);
}

static void work(MPI_Comm *team, struct state *s)
{
    int rank;
    while (s->step < s->steps) {
        double sum = 0, begin;
        int rc = one_step(*team, s, &sum);
        begin = MPI_Wtime();
        if (all_agree(*team, rc == MPI_SUCCESS)) {
            s->pi += sum;
            s->step++;
            continue;
        }
        s->spared = s->step;
        s->lost++;
        repair(team, s);
        MPI_Comm_rank(*team, &rank);
        if (rank == 0)
            printf("step %d: a worker was lost; %d processes again after %.1f ms\n",
                   s->step, s->members, 1e3 * (MPI_Wtime() - begin));
    }
}

static void usage(void)
{
    printf(
        "usage: recovery [-n WORKERS] [-s STEPS] [-k STEP] [-d MS]\n"
        "Adds up pi in steps with workers that it starts itself.\n"
        "  -n WORKERS  how many (4)\n"
        "  -s STEPS    how many (50)\n"
        "  -k STEP     in every such step a worker kills itself (20; 0: never)\n"
        "  -d MS       how long a step takes, so that you can kill some yourself (0)\n");
}

static int options(int argc, char **argv, struct state *s)
{
    for (int c; (c = getopt(argc, argv, "n:s:k:d:h")) != -1;) {
        int value = optarg ? atoi(optarg) : 0;
        if (c == 'h' || c == '?' || value < 0 || ((c == 'n' || c == 's') && value == 0)) {
            usage();
            return c == 'h' ? -1 : 2;
        }
        *(c == 'n'   ? &s->members
          : c == 's' ? &s->steps
          : c == 'k' ? &s->suicide
                     : &s->slow) = value + (c == 'n');
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct state s = {.steps = 50, .members = 5, .suicide = 20};
    MPI_Comm parent, team;
    int status = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    program = argv[0];
    MPI_Comm_get_parent(&parent);
    if (parent != MPI_COMM_NULL) { /* a worker, in the middle of a repair */
        if (merge(&parent, 1, &team)) {
            repair(&team, &s);
            work(&team, &s);
            MPI_Comm_disconnect(&team);
        }
    } else if ((status = options(argc, argv, &s)) == 0) {
        MPI_Comm_dup(MPI_COMM_SELF, &team);
        MPI_Comm_set_errhandler(team, MPI_ERRORS_RETURN);
        setvbuf(stdout, NULL, _IOLBF, 0); /* a line is seen when it is written */
        repair(&team, &s);                /* a team of one lacks all others */
        printf("%d workers, %d steps\n", s.members - 1, s.steps);
        work(&team, &s);
        printf("pi is about %.10f after %d steps, %d workers lost\n", s.pi, s.steps, s.lost);
        MPI_Comm_disconnect(&team);
    }
    MPI_Finalize();
    return status > 0 ? status : 0;
}
