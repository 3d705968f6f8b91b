/* SPDX-License-Identifier: BSD-3-Clause */
/* Graph topologies, whole and distributed: edges, weights, errors of one process that all hear. */
#include "mtest.h"
#include <string.h>

/* A star: 0 with all, all with 0; a double edge from 1 to 0. */
static const int star_index[] = {3, 5, 6, 7};
static const int star_edges[] = {1, 2, 3, 0, 0, 0, 0};

static void whole(MPI_Comm comm)
{
    MPI_Comm graph;
    int status, n, m, index[4], edges[7], near[3];
    OK(MPI_Graph_create(comm, 4, star_index, star_edges, 1, &graph));
    CHECK((graph == MPI_COMM_NULL) == (mt_rank >= 4));
    if (graph == MPI_COMM_NULL)
        return;
    OK(MPI_Topo_test(graph, &status));
    CHECK_EQ(status, MPI_GRAPH);
    OK(MPI_Graphdims_get(graph, &n, &m));
    CHECK(n == 4 && m == 7);
    OK(MPI_Graph_get(graph, 4, 7, index, edges));
    CHECK(memcmp(index, star_index, sizeof(index)) == 0);
    CHECK(memcmp(edges, star_edges, sizeof(edges)) == 0);
    OK(MPI_Graph_neighbors_count(graph, 0, &n));
    CHECK_EQ(n, 3);
    OK(MPI_Graph_neighbors_count(graph, 1, &n));
    CHECK_EQ(n, 2);
    near[2] = -1;
    OK(MPI_Graph_neighbors(graph, 0, 2, near)); /* no more than there is room for */
    CHECK(near[0] == 1 && near[1] == 2 && near[2] == -1);
    CHECK_CLASS(MPI_Graph_neighbors(graph, 4, 3, near), MPI_ERR_RANK);
    CHECK_CLASS(MPI_Graph_neighbors_count(graph, -1, &n), MPI_ERR_RANK);
    CHECK_CLASS(MPI_Graph_neighbors(graph, 0, -2, near), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Cartdim_get(graph, &n), MPI_ERR_TOPOLOGY);
    CHECK_CLASS(MPI_Dist_graph_neighbors_count(graph, &n, &n, &n), MPI_ERR_TOPOLOGY);
    OK(MPI_Comm_free(&graph));
}

static void whole_errors(MPI_Comm comm)
{
    static const int falling[] = {3, 2, 2, 2}, wild[] = {1, 2, 9, 0, 0, 0, 0};
    static const int many[] = {0, 0, 0, 0, 0, 0, 0};
    MPI_Comm graph;
    int n;
    CHECK_CLASS(MPI_Graph_create(comm, 4, falling, star_edges, 0, &graph), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Graph_create(comm, 4, star_index, wild, 0, &graph), MPI_ERR_RANK);
    CHECK_CLASS(MPI_Graph_create(comm, 4, star_index, NULL, 0, &graph), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Graph_create(comm, 7, many, NULL, 0, &graph), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Graph_create(comm, -4, star_index, star_edges, 0, &graph), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Graph_map(comm, 4, falling, star_edges, &n), MPI_ERR_ARG);
    OK(MPI_Graph_map(comm, 4, star_index, star_edges, &n));
    CHECK_EQ(n, mt_rank < 4 ? mt_rank : MPI_UNDEFINED);
    OK(MPI_Graph_create(comm, 0, NULL, NULL, 0, &graph));
    CHECK(graph == MPI_COMM_NULL);
}

/* A ring with weights; process 0 has a second edge to the next one. */
static void adjacent(MPI_Comm comm)
{
    int next = (mt_rank + 1) % mt_size, before = (mt_rank + mt_size - 1) % mt_size;
    int out[] = {next, next}, in[] = {before, before}, outw[] = {5, 6}, inw[] = {5, 6};
    int nin = mt_rank == 1 ? 2 : 1, nout = mt_rank == 0 ? 2 : 1, n, m, weighted, status;
    int got_in[2], got_out[2], got_inw[2], got_outw[2], flag, len = 8;
    char value[8];
    MPI_Comm graph, dup;
    MPI_Info info;
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "hint", "x"));
    OK(MPI_Dist_graph_create_adjacent(comm, nin, in, inw, nout, out, outw, info, 1, &graph));
    OK(MPI_Info_free(&info));
    OK(MPI_Comm_get_info(graph, &info));
    OK(MPI_Info_get_string(info, "hint", &len, value, &flag));
    CHECK(flag && strcmp(value, "x") == 0);
    OK(MPI_Info_free(&info));
    OK(MPI_Comm_dup(graph, &dup));
    OK(MPI_Comm_free(&graph));
    OK(MPI_Topo_test(dup, &status));
    CHECK_EQ(status, MPI_DIST_GRAPH);
    OK(MPI_Dist_graph_neighbors_count(dup, &n, &m, &weighted));
    CHECK(n == nin && m == nout && weighted);
    OK(MPI_Dist_graph_neighbors(dup, 2, got_in, got_inw, 2, got_out, got_outw));
    for (int i = 0; i < nin; i++)
        CHECK(got_in[i] == before && got_inw[i] == 5 + i);
    for (int i = 0; i < nout; i++)
        CHECK(got_out[i] == next && got_outw[i] == 5 + i);
    CHECK_CLASS(MPI_Dist_graph_neighbors(dup, 2, got_in, NULL, 2, got_out, got_outw),
                MPI_ERR_ARG);
    CHECK_CLASS(MPI_Dist_graph_neighbors(dup, -1, got_in, got_inw, 2, got_out, got_outw),
                MPI_ERR_ARG);
    OK(MPI_Dist_graph_neighbors(dup, 1, got_in, MPI_UNWEIGHTED, 0, NULL, MPI_UNWEIGHTED));
    CHECK_CLASS(MPI_Graphdims_get(dup, &n, &m), MPI_ERR_TOPOLOGY);
    OK(MPI_Comm_free(&dup));
}

static void adjacent_errors(MPI_Comm comm)
{
    int zero = 0, far = mt_size, minus = -1;
    MPI_Comm graph;
    CHECK_CLASS(MPI_Dist_graph_create_adjacent(comm, 1, &far, MPI_UNWEIGHTED, 0, NULL,
                                               MPI_UNWEIGHTED, MPI_INFO_NULL, 0, &graph),
                MPI_ERR_RANK);
    CHECK_CLASS(MPI_Dist_graph_create_adjacent(comm, 1, &zero, &minus, 1, &zero, &zero,
                                               MPI_INFO_NULL, 0, &graph),
                MPI_ERR_ARG);
    CHECK_CLASS(MPI_Dist_graph_create_adjacent(comm, 1, &zero, MPI_WEIGHTS_EMPTY, 0, NULL,
                                               NULL, MPI_INFO_NULL, 0, &graph),
                MPI_ERR_ARG);
    CHECK_CLASS(MPI_Dist_graph_create_adjacent(comm, 1, &zero, MPI_UNWEIGHTED, 1, &zero,
                                               &zero, MPI_INFO_NULL, 0, &graph),
                MPI_ERR_ARG);
    CHECK_CLASS(MPI_Dist_graph_create_adjacent(comm, -1, &zero, &zero, 1, &zero, &zero,
                                               MPI_INFO_NULL, 0, &graph),
                MPI_ERR_ARG);
    CHECK_CLASS(MPI_Dist_graph_create_adjacent(comm, 1, NULL, &zero, 0, NULL, &zero,
                                               MPI_INFO_NULL, 0, &graph),
                MPI_ERR_ARG);
}

static int weight_between(int from, int to)
{
    return 100 * from + to;
}

/* The complete graph with loops, each edge given by some third process. */
static void given_by_others(MPI_Comm comm, bool weights)
{
    enum { MOST = 32 };
    int sources[MOST], degrees[MOST], dests[MOST], w[MOST], wd[MOST], n = 0, m, k;
    bool seen_in[MOST] = {false}, seen_out[MOST] = {false};
    MPI_Comm graph;
    for (int s = 0; s < mt_size; s++) {
        sources[n] = s;
        degrees[n] = 1;
        dests[n] = (s + mt_rank) % mt_size;
        w[n] = weight_between(s, dests[n]);
        n++;
    }
    OK(MPI_Dist_graph_create(comm, n, sources, degrees, dests,
                             weights ? w : MPI_UNWEIGHTED, MPI_INFO_NULL, 0, &graph));
    OK(MPI_Dist_graph_neighbors_count(graph, &n, &m, &k));
    CHECK(n == mt_size && m == mt_size && !k == !weights);
    OK(MPI_Dist_graph_neighbors(graph, n, sources, weights ? w : MPI_UNWEIGHTED, m, dests,
                                weights ? wd : MPI_UNWEIGHTED));
    for (int i = 0; i < n; i++) {
        seen_in[sources[i]] = seen_out[dests[i]] = true;
        if (weights)
            CHECK(w[i] == weight_between(sources[i], mt_rank) &&
                  wd[i] == weight_between(mt_rank, dests[i]));
    }
    for (int r = 0; r < mt_size; r++)
        CHECK(seen_in[r] && seen_out[r]);
    OK(MPI_Comm_free(&graph));
}

/* One process gives all the edges, the others none. */
static void given_by_one(MPI_Comm comm)
{
    int sources[] = {0, 2}, degrees[] = {2, 1}, dests[] = {1, 2, 0}, w[] = {7, 8, 9};
    int n, m, weighted, in[2], inw[2], out[2], outw[2];
    MPI_Comm graph;
    OK(MPI_Dist_graph_create(comm, mt_rank == 3 ? 2 : 0, sources, degrees, dests,
                             mt_rank == 3 ? w : MPI_WEIGHTS_EMPTY, MPI_INFO_NULL, 0, &graph));
    OK(MPI_Dist_graph_neighbors_count(graph, &n, &m, &weighted));
    CHECK(weighted);
    CHECK_EQ(n, mt_rank < 3 ? 1 : 0);
    CHECK_EQ(m, mt_rank == 0 ? 2 : mt_rank == 2 ? 1 : 0);
    OK(MPI_Dist_graph_neighbors(graph, n, in, inw, m, out, outw));
    if (mt_rank == 0)
        CHECK(in[0] == 2 && inw[0] == 9 && out[0] == 1 && outw[0] == 7 && out[1] == 2 &&
              outw[1] == 8);
    OK(MPI_Comm_free(&graph));
}

/* Without an edge anywhere: weighted unless MPI_UNWEIGHTED was said. */
static void no_edges(MPI_Comm comm)
{
    int w = 0;
    const int *given[] = {&w, NULL, MPI_WEIGHTS_EMPTY, MPI_UNWEIGHTED};
    for (int i = 0; i < 4; i++) {
        int n, m, weighted;
        MPI_Comm graph;
        OK(MPI_Dist_graph_create(comm, 0, NULL, NULL, NULL, given[i], MPI_INFO_NULL, 0,
                                 &graph));
        OK(MPI_Dist_graph_neighbors_count(graph, &n, &m, &weighted));
        CHECK(n == 0 && m == 0 && weighted == (i < 3));
        OK(MPI_Comm_free(&graph));
        OK(MPI_Dist_graph_create_adjacent(comm, 0, NULL, given[i], 0, NULL, given[i],
                                          MPI_INFO_NULL, 0, &graph));
        OK(MPI_Dist_graph_neighbors_count(graph, &n, &m, &weighted));
        CHECK(n == 0 && m == 0 && weighted == (i < 3));
        OK(MPI_Comm_free(&graph));
    }
}

/* A mistake of one process is everybody's error, and nobody waits. */
static void dist_errors(MPI_Comm comm)
{
    int zero = 0, one = 1, to = mt_rank == 2 ? mt_size : 0, neg = mt_rank == 1 ? -1 : 1;
    MPI_Comm graph;
    CHECK_CLASS(MPI_Dist_graph_create(comm, 1, &zero, &one, &to, MPI_UNWEIGHTED,
                                      MPI_INFO_NULL, 0, &graph),
                mt_rank == 2 ? MPI_ERR_RANK : MPI_ERR_ARG);
    CHECK(graph == MPI_COMM_NULL);
    CHECK_CLASS(MPI_Dist_graph_create(comm, 1, &zero, &neg, &zero, MPI_UNWEIGHTED,
                                      MPI_INFO_NULL, 0, &graph),
                MPI_ERR_ARG);
    CHECK_CLASS(MPI_Dist_graph_create(comm, 1, &zero, &one, &zero,
                                      mt_rank == 0 ? MPI_UNWEIGHTED : &one, MPI_INFO_NULL,
                                      0, &graph),
                MPI_ERR_ARG);
    CHECK_CLASS(MPI_Dist_graph_create(comm, 1, &zero, &one, NULL, MPI_UNWEIGHTED,
                                      MPI_INFO_NULL, 0, &graph),
                MPI_ERR_ARG);
}

static void not_on_intercomms(MPI_Comm comm)
{
    int dims[] = {1}, periods[] = {0}, index[] = {0};
    MPI_Comm half, inter, made;
    OK(MPI_Comm_split(comm, mt_rank == 0, 0, &half));
    OK(MPI_Intercomm_create(half, 0, comm, mt_rank == 0, 1, &inter));
    OK(MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN));
    CHECK_CLASS(MPI_Cart_create(inter, 1, dims, periods, 0, &made), MPI_ERR_COMM);
    CHECK_CLASS(MPI_Graph_create(inter, 1, index, NULL, 0, &made), MPI_ERR_COMM);
    CHECK_CLASS(MPI_Dist_graph_create(inter, 0, NULL, NULL, NULL, MPI_UNWEIGHTED,
                                      MPI_INFO_NULL, 0, &made),
                MPI_ERR_COMM);
    OK(MPI_Comm_free(&inter));
    OK(MPI_Comm_free(&half));
}

/* Neighbours are both sources and destinations, in the order of their list: 0 and 1 have two edges, 3
 * one to itself. Of two blocks to the same process the first arrives as the first. */
static void neighborhoods(MPI_Comm comm)
{
    static const int index[] = {3, 5, 6, 7}, edges[] = {1, 2, 1, 0, 0, 0, 3};
    static const int from[4][3] = {{1, 2, 1}, {0, 0}, {0}, {3}};
    static const int block[4][3] = {{0, 0, 1}, {0, 2}, {1}, {0}}; /* of the sender's */
    MPI_Comm graph;
    MPI_Request req;
    int sent[3], got[3], n, rank;
    OK(MPI_Graph_create(comm, 4, index, edges, 0, &graph));
    if (graph == MPI_COMM_NULL)
        return;
    OK(MPI_Comm_rank(graph, &rank));
    OK(MPI_Graph_neighbors_count(graph, rank, &n));
    for (int form = 0; form < 2; form++) {
        for (int k = 0; k < 3; k++) {
            sent[k] = 10 * rank + k;
            got[k] = -1;
        }
        if (form == 0) {
            OK(MPI_Neighbor_alltoall(sent, 1, MPI_INT, got, 1, MPI_INT, graph));
        } else {
            OK(MPI_Ineighbor_alltoall(sent, 1, MPI_INT, got, 1, MPI_INT, graph, &req));
            OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
        }
        for (int k = 0; k < 3; k++)
            CHECK_EQ(got[k], k < n ? 10 * from[rank][k] + block[rank][k] : -1);
        OK(MPI_Neighbor_allgather(sent, 1, MPI_INT, got, 1, MPI_INT, graph));
        for (int k = 0; k < 3; k++)
            CHECK_EQ(got[k], k < n ? 10 * from[rank][k] : -1);
    }
    OK(MPI_Comm_free(&graph));
}

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 5);
    whole(comm);
    whole_errors(comm);
    adjacent(comm);
    adjacent_errors(comm);
    given_by_others(comm, false);
    given_by_others(comm, true);
    given_by_one(comm);
    no_edges(comm);
    dist_errors(comm);
    not_on_intercomms(comm);
    neighborhoods(comm);
    return mt_end();
}
