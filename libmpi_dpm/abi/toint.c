/* SPDX-License-Identifier: BSD-3-Clause */
/* Handles as ints for Fortran and other languages: a predefined handle is its ABI value, any other
 * one gets a number above the reserved range at its first use. A number belongs to an address for
 * good: an object that later lies there has the same one, so nothing needs to be told of an
 * object's end and the table stays as small as the set of addresses in use. */
#include "abi/handles.h"
#include "xmpi.h"
#include <pthread.h>
#include <stdlib.h>

/* First number: integers up to 16384 are reserved by the ABI. */
enum { FIRST = 16385 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void **by_number; /* number - FIRST -> address                              */
static int *cells;       /* open addressing: index into by_number + 1, 0: empty    */
static int used, room;   /* cells has 2 * room entries                             */

static size_t slot_of(const void *p)
{
    uint64_t h = (uint64_t)(uintptr_t)p *
                 0x9e3779b97f4a7c15ull; /* golden ratio: spreads addresses */
    size_t mask = (size_t)room * 2 - 1, i = (size_t)(h >> 32) & mask;
    while (cells[i] && by_number[cells[i] - 1] != p)
        i = (i + 1) & mask;
    return i;
}

/* Doubles the room (a power of 2); false without memory, then nothing has changed. */
static bool grow(void)
{
    int want = room ? room * 2 : 64;
    void **numbers = realloc(by_number, (size_t)want * sizeof(*numbers));
    if (!numbers)
        return false;
    by_number = numbers;
    int *fresh = calloc((size_t)want * 2, sizeof(*fresh));
    if (!fresh)
        return false;
    free(cells);
    cells = fresh;
    room = want;
    for (int i = 0; i < used; i++)
        cells[slot_of(by_number[i])] = i + 1;
    return true;
}

/* There is no way to report an error: without memory the result is 0, which is no handle. */
static int to_int(void *handle)
{
    if ((uintptr_t)handle < XMPI_PREDEF_LIMIT)
        return (int)(uintptr_t)handle;
    pthread_mutex_lock(&lock);
    int number = 0;
    if (used < room || grow()) {
        size_t slot = slot_of(handle);
        if (!cells[slot]) {
            by_number[used++] = handle;
            cells[slot] = used;
        }
        number = FIRST + cells[slot] - 1;
    }
    pthread_mutex_unlock(&lock);
    return number;
}

static void *from_int(int number)
{
    if (number >= 0 && number < XMPI_PREDEF_LIMIT)
        return (void *)(uintptr_t)number;
    pthread_mutex_lock(&lock);
    int i = number - FIRST;
    void *handle = i >= 0 && i < used ? by_number[i] : NULL;
    pthread_mutex_unlock(&lock);
    return handle;
}

#define XMPI_TOINT_PAIR(type, name)                                                      \
    int xmpi_##name##_toint(type handle)                                                 \
    {                                                                                    \
        return to_int(handle);                                                           \
    }                                                                                    \
    type xmpi_##name##_fromint(int number)                                               \
    {                                                                                    \
        return from_int(number);                                                         \
    }

XMPI_TOINT_PAIR(MPI_Comm, comm)
XMPI_TOINT_PAIR(MPI_Errhandler, errhandler)
XMPI_TOINT_PAIR(MPI_File, file)
XMPI_TOINT_PAIR(MPI_Group, group)
XMPI_TOINT_PAIR(MPI_Info, info)
XMPI_TOINT_PAIR(MPI_Message, message)
XMPI_TOINT_PAIR(MPI_Op, op)
XMPI_TOINT_PAIR(MPI_Request, request)
XMPI_TOINT_PAIR(MPI_Session, session)
XMPI_TOINT_PAIR(MPI_Datatype, type)
XMPI_TOINT_PAIR(MPI_Win, win)
