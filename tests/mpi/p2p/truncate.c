/* SPDX-License-Identifier: BSD-3-Clause */
/* A message longer than the receive buffer: MPI_ERR_TRUNCATE, the buffer's end is respected, and
 * the next message comes as if nothing had happened. */
#include "mtest.h"
#include <stdlib.h>
#include <string.h>

static void receive_short(MPI_Comm comm, int size, bool nonblocking)
{
    char *buf = malloc((size_t)size);
    char said[MPI_MAX_ERROR_STRING];
    int len, rc, half = size / 2;
    MPI_Status st;
    MPI_Request req;
    memset(buf, 0x55, (size_t)size);
    if (nonblocking) {
        OK(MPI_Irecv(buf, half, MPI_BYTE, 0, 1, comm, &req));
        rc = MPI_Wait(&req, &st);
        CHECK(req == MPI_REQUEST_NULL);
    } else {
        rc = MPI_Recv(buf, half, MPI_BYTE, 0, 1, comm, &st);
    }
    CHECK_CLASS(rc, MPI_ERR_TRUNCATE);
    MPI_Error_string(rc, said, &len);
    CHECK(strstr(said, "MPI_ERR_TRUNCATE") != NULL);
    CHECK_EQ(st.MPI_SOURCE, 0);
    CHECK_EQ(st.MPI_TAG, 1);
    for (int i = half; i < size; i++)
        if (buf[i] != 0x55) {
            mt_fail(__FILE__, __LINE__, "byte %d behind the buffer of %d was written", i,
                    half);
            break;
        }
    OK(MPI_Recv(buf, size, MPI_BYTE, 0, 2, comm, &st));
    CHECK(mt_filled(buf, (size_t)size, 2));
    free(buf);
}

int main(int argc, char **argv)
{
    static const int sizes[] = {2, 100, 16 * 1024, 3 << 20};
    MPI_Comm comm = mt_begin(&argc, &argv, 2);
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
        for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
            if (mt_rank == 0) {
                char *buf = malloc((size_t)sizes[s]);
                mt_fill(buf, (size_t)sizes[s], 2);
                OK(MPI_Send(buf, sizes[s], MPI_BYTE, 1, 1, comm));
                OK(MPI_Send(buf, sizes[s], MPI_BYTE, 1, 2, comm));
                free(buf);
            } else if (mt_rank == 1) {
                receive_short(comm, sizes[s], nonblocking);
            }
        }
    return mt_end();
}
