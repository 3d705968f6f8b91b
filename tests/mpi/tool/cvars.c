/* SPDX-License-Identifier: BSD-3-Clause */
/* Control variables: listed, found by name, described, read, written where that has an effect,
 * before and after MPI_Init; categories that contain each variable once. */
#include "mtest.h"
#include <stdlib.h>
#include <string.h>

enum { MOST = 256 };

struct cvar {
    char name[128], desc[512];
    MPI_Datatype type;
    MPI_T_enum choices;
    int bind, scope, verbosity;
};

static void get(int i, struct cvar *v)
{
    int name_len = sizeof(v->name), desc_len = sizeof(v->desc);
    OK(MPI_T_cvar_get_info(i, v->name, &name_len, &v->verbosity, &v->type, &v->choices,
                           v->desc, &desc_len, &v->bind, &v->scope));
    CHECK(name_len == (int)strlen(v->name) + 1 && name_len > 5);
    CHECK(desc_len == (int)strlen(v->desc) + 1 && desc_len > 5);
}

static void check_enum(const struct cvar *v)
{
    int n = 0, len = 0;
    char name[128], seen[MOST][64];
    OK(MPI_T_enum_get_info(v->choices, &n, NULL, &len));
    CHECK(n >= 2 && len > 1);
    len = sizeof(name);
    OK(MPI_T_enum_get_info(v->choices, NULL, name, &len));
    CHECK(strcmp(name, v->name) == 0);
    for (int i = 0; i < n && i < MOST; i++) {
        int value = -1, room = sizeof(seen[i]);
        OK(MPI_T_enum_get_item(v->choices, i, &value, seen[i], &room));
        CHECK(value == i && room > 1);
        for (int k = 0; k < i; k++)
            CHECK(strcmp(seen[k], seen[i]) != 0);
    }
    CHECK_EQ(MPI_T_enum_get_item(v->choices, n, NULL, NULL, NULL), MPI_T_ERR_INVALID_ITEM);
    CHECK_EQ(MPI_T_enum_get_item(v->choices, -1, NULL, NULL, NULL), MPI_T_ERR_INVALID_ITEM);
}

static void all_are_described(void)
{
    int n = 0, index = -1;
    OK(MPI_T_cvar_get_num(&n));
    CHECK(n > 20 && n < MOST);
    for (int i = 0; i < n; i++) {
        struct cvar v;
        MPI_T_cvar_handle handle;
        int count = 0;
        union {
            int small;
            MPI_Count big;
            char text[4096];
        } value;
        get(i, &v);
        CHECK(strncmp(v.name, "PVMX_", 5) == 0 && v.bind == MPI_T_BIND_NO_OBJECT);
        OK(MPI_T_cvar_get_index(v.name, &index));
        CHECK_EQ(index, i);
        CHECK_EQ(v.choices != MPI_T_ENUM_NULL, v.type == MPI_INT);
        if (v.choices != MPI_T_ENUM_NULL)
            check_enum(&v);
        OK(MPI_T_cvar_handle_alloc(i, NULL, &handle, &count));
        CHECK(v.type == MPI_CHAR ? count > 1 && count <= (int)sizeof(value) : count == 1);
        OK(MPI_T_cvar_read(handle, &value));
        OK(MPI_T_cvar_handle_free(&handle));
        CHECK(handle == MPI_T_CVAR_HANDLE_NULL);
    }
    CHECK_EQ(MPI_T_cvar_get_info(n, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
             MPI_T_ERR_INVALID_INDEX);
    CHECK_EQ(MPI_T_cvar_get_index("PVMX_NOT_THERE", &index), MPI_T_ERR_INVALID_NAME);
    CHECK_EQ(MPI_T_cvar_handle_free(&(MPI_T_cvar_handle){MPI_T_CVAR_HANDLE_NULL}),
             MPI_T_ERR_INVALID_HANDLE);
}

static MPI_T_cvar_handle open_cvar(const char *name)
{
    MPI_T_cvar_handle handle = MPI_T_CVAR_HANDLE_NULL;
    int index = -1, count;
    OK(MPI_T_cvar_get_index(name, &index));
    OK(MPI_T_cvar_handle_alloc(index, NULL, &handle, &count));
    return handle;
}

static MPI_Count read_big(const char *name)
{
    MPI_Count value = -1;
    MPI_T_cvar_handle h = open_cvar(name);
    OK(MPI_T_cvar_read(h, &value));
    OK(MPI_T_cvar_handle_free(&h));
    return value;
}

static int write_big(const char *name, MPI_Count value)
{
    MPI_T_cvar_handle h = open_cvar(name);
    int rc = MPI_T_cvar_write(h, &value);
    OK(MPI_T_cvar_handle_free(&h));
    return rc;
}

/* Which choice of a variable has this word. */
static int choice(const char *name, const char *word)
{
    struct cvar v;
    int index = -1, n = 0;
    OK(MPI_T_cvar_get_index(name, &index));
    get(index, &v);
    OK(MPI_T_enum_get_info(v.choices, &n, NULL, NULL));
    for (int i = 0; i < n; i++) {
        char item[64];
        int len = sizeof(item), value = -1;
        OK(MPI_T_enum_get_item(v.choices, i, &value, item, &len));
        if (strcmp(item, word) == 0)
            return value;
    }
    return -1;
}

static int write_choice(const char *name, int value)
{
    MPI_T_cvar_handle h = open_cvar(name);
    int rc = MPI_T_cvar_write(h, &value);
    OK(MPI_T_cvar_handle_free(&h));
    return rc;
}

static void values_before_init(void)
{
    CHECK_EQ(read_big("PVMX_SHM_EAGER"), 2048); /* main has set it */
    CHECK_EQ(write_big("PVMX_SHM_EAGER", 1), MPI_T_ERR_INVALID);
    CHECK_EQ(write_big("PVMX_SHM_EAGER", 1000), MPI_SUCCESS);
    CHECK_EQ(write_big("PVMX_WAIT_SPIN", 1500), MPI_SUCCESS);
    CHECK_EQ(write_choice("PVMX_WAIT", 77), MPI_T_ERR_INVALID);
    CHECK_EQ(write_choice("PVMX_WAIT", choice("PVMX_WAIT", "sleep")), MPI_SUCCESS);
    CHECK_EQ(read_big("PVMX_WAIT_SPIN"), 1500);
}

/* What was set counts for MPI_Init, although the environment says otherwise. */
static void values_after_init(void)
{
    CHECK_EQ(read_big("PVMX_SHM_EAGER"), 1000);
    CHECK_EQ(write_big("PVMX_SHM_EAGER", 2000), MPI_T_ERR_CVAR_SET_NOT_NOW);
    CHECK_EQ(read_big("PVMX_SHM_EAGER"), 1000);
    CHECK_EQ(write_big("PVMX_WAIT_SPIN", 3000), MPI_SUCCESS);
    CHECK_EQ(read_big("PVMX_WAIT_SPIN"), 3000);
}

/* An algorithm is the same in all processes: each sets it. */
static void algorithm(MPI_Comm comm)
{
    int one = 1, sum = 0;
    int value = choice("PVMX_COLL_ALLREDUCE", "recursive_doubling");
    CHECK(value > 0);
    CHECK_EQ(write_choice("PVMX_COLL_ALLREDUCE", value), MPI_SUCCESS);
    OK(MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, comm));
    CHECK_EQ(sum, mt_size);
    value = choice("PVMX_COLL_ALLREDUCE", "auto");
    CHECK_EQ(write_choice("PVMX_COLL_ALLREDUCE", value), MPI_SUCCESS);
    OK(MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, comm));
}

static void categories(void)
{
    int n = 0, ncvars = 0, seen[MOST] = {0}, before = -1, after = -1;
    OK(MPI_T_category_changed(&before));
    OK(MPI_T_cvar_get_num(&ncvars));
    OK(MPI_T_category_get_num(&n));
    CHECK(n >= 4);
    for (int i = 0; i < n; i++) {
        char name[64], desc[128];
        int len = sizeof(name), dlen = sizeof(desc), cvars = 0, pvars = -1, cats = -1,
            events = -1, index = -1, list[MOST] = {0};
        OK(MPI_T_category_get_info(i, name, &len, desc, &dlen, &cvars, &pvars, &cats));
        CHECK(cvars > 0 && cvars < MOST && pvars == 0 && cats == 0);
        OK(MPI_T_category_get_num_events(i, &events));
        CHECK_EQ(events, 0);
        OK(MPI_T_category_get_index(name, &index));
        CHECK_EQ(index, i);
        OK(MPI_T_category_get_cvars(i, MOST, list));
        for (int k = 0; k < cvars; k++)
            seen[list[k]]++;
        OK(MPI_T_category_get_pvars(i, MOST, list));
        OK(MPI_T_category_get_events(i, MOST, list));
        OK(MPI_T_category_get_categories(i, MOST, list));
    }
    for (int i = 0; i < ncvars; i++)
        CHECK_EQ(seen[i], 1);
    CHECK_EQ(MPI_T_category_get_info(n, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
             MPI_T_ERR_INVALID_INDEX);
    CHECK_EQ(MPI_T_category_get_cvars(-1, 0, NULL), MPI_T_ERR_INVALID_INDEX);
    CHECK_EQ(MPI_T_category_get_index("nothing", &n), MPI_T_ERR_INVALID_NAME);
    OK(MPI_T_category_changed(&after));
    CHECK_EQ(before, after);
}

int main(int argc, char **argv)
{
    int provided = -1, n;
    setenv("PVMX_SHM_EAGER", "2k", 0);
    CHECK_EQ(MPI_T_cvar_get_num(&n), MPI_T_ERR_NOT_INITIALIZED);
    CHECK_EQ(MPI_T_finalize(), MPI_T_ERR_NOT_INITIALIZED);
    CHECK_EQ(MPI_T_init_thread(77, &provided), MPI_T_ERR_INVALID);
    OK(MPI_T_init_thread(MPI_THREAD_MULTIPLE, &provided));
    CHECK_EQ(provided, MPI_THREAD_MULTIPLE);
    OK(MPI_T_init_thread(MPI_THREAD_SINGLE, &provided)); /* counted */
    all_are_described();
    categories();
    bool first = argc < 2; /* the other one has a role among its arguments */
    if (first)
        values_before_init();
    MPI_Comm comm = mt_begin(&argc, &argv, 2);
    if (first)
        values_after_init();
    algorithm(comm);
    OK(MPI_T_finalize());
    all_are_described();
    int failed = mt_end();
    all_are_described(); /* after MPI_Finalize too */
    OK(MPI_T_finalize());
    CHECK_EQ(MPI_T_cvar_get_num(&n), MPI_T_ERR_NOT_INITIALIZED);
    return failed || mt_failures() != 0;
}
