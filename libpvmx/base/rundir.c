/* SPDX-License-Identifier: BSD-3-Clause */
/* The runtime directory: where it is, whose it is, and making or removing it. */
#include "base/rundir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/param.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VM_NAME_MAX = 64 };

static const char *vm_setting;
static const struct px_param settings[] = {
    {.name = "vm",
     .type = PX_PARAM_TEXT,
     .dflt = "default",
     .help = "name of the virtual machine to use",
     .at_start = true,
     .store.text = &vm_setting},
};

static void register_settings(void)
{
    px_param_register(settings, sizeof settings / sizeof settings[0]);
}

void px_rundir_settings(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_settings);
}

pvmx_err px_rundir_vm(const char *vm, const char **name)
{
    px_rundir_settings();
    if (vm == NULL || vm[0] == '\0')
        vm = __atomic_load_n(&vm_setting, __ATOMIC_ACQUIRE);
    if (vm == NULL || vm[0] == '\0')
        vm = "default";
    size_t len =
        strspn(vm, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    if (vm[len] != '\0' || len > VM_NAME_MAX || vm[0] == '.' || vm[0] == '-')
        return px_fail(
            PVMX_ERR_ARG,
            "\"%.80s\" is no name for a virtual machine: use at most %d letters, "
            "digits, '.', '_' and '-', beginning with a letter, digit or '_'",
            vm, VM_NAME_MAX);
    *name = vm;
    return PVMX_OK;
}

static const char *const remedy =
    "remove it, or set XDG_RUNTIME_DIR to a directory of your own (mode 700)";

/* Opens the folder `name` in `at`, makes it first if asked to. It must be a real directory of this
 * user that nobody else can enter. path: for the sentence. */
static pvmx_err open_private(int at, const char *name, const char *path, bool create, int *out)
{
    bool made = false;
    if (create) {
        made = mkdirat(at, name, 0700) == 0;
        if (!made && errno != EEXIST)
            return px_fail_errno(errno, "cannot make the runtime directory %s", path);
    }
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        struct stat st;
        int errnum = errno;
        if ((errnum == ENOTDIR || errnum == ELOOP) &&
            fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            return px_fail(PVMX_ERR_PERM, "runtime directory %s is %s: %s", path,
                           S_ISLNK(st.st_mode) ? "a symbolic link" : "not a directory",
                           remedy);
        return px_fail_errno(errnum, "cannot open the runtime directory %s", path);
    }
    struct stat st;
    pvmx_err err = PVMX_OK;
    /* mkdirat obeys the umask, which may take even the owner's bits. */
    if (made && fchmod(fd, 0700) < 0)
        err = px_fail_errno(errno, "cannot set the mode of %s", path);
    else if (fstat(fd, &st) < 0)
        err = px_fail_errno(errno, "cannot look at the runtime directory %s", path);
    else if (st.st_uid != geteuid())
        err = px_fail(PVMX_ERR_PERM,
                      "runtime directory %s belongs to user %u, not to you (%u): %s",
                      path, (unsigned)st.st_uid, (unsigned)geteuid(), remedy);
    else if ((st.st_mode & 077) != 0)
        err = px_fail(PVMX_ERR_PERM,
                      "runtime directory %s is open to others (mode %03o): chmod 700 it",
                      path, (unsigned)st.st_mode & 0777);
    if (err != PVMX_OK) {
        px_fd_close(&fd);
        return err;
    }
    *out = fd;
    return PVMX_OK;
}

/* The directory that holds this user's VMs, split where it is made: an existing base and a name.
 * A base named by XDG_RUNTIME_DIR that does not exist (containers, su) counts as not set. */
static pvmx_err find_base(const char **base, char *name, size_t size)
{
    struct stat st;
    const char *xdg = getenv("XDG_RUNTIME_DIR");
    if (xdg != NULL && xdg[0] == '/' && stat(xdg, &st) == 0) {
        if (!S_ISDIR(st.st_mode))
            return px_fail(PVMX_ERR_PERM, "XDG_RUNTIME_DIR (%s) is not a directory", xdg);
        if (st.st_uid != geteuid())
            return px_fail(
                PVMX_ERR_PERM,
                "XDG_RUNTIME_DIR (%s) belongs to user %u, not to you (%u): unset it or "
                "set it to a directory of your own",
                xdg, (unsigned)st.st_uid, (unsigned)geteuid());
        *base = xdg;
        snprintf(name, size, "pvmx");
        return PVMX_OK;
    }
    *base = "/tmp";
    snprintf(name, size, "pvmx-%u", (unsigned)geteuid());
    return PVMX_OK;
}

pvmx_err px_rundir_open(const char *vm, bool create, struct px_rundir *out)
{
    const char *base = NULL;
    char name[32], parent[sizeof out->path];
    struct px_rundir dir;
    pvmx_err err = px_rundir_vm(vm, &vm);
    if (err == PVMX_OK)
        err = find_base(&base, name, sizeof name);
    if (err != PVMX_OK)
        return err;
    int n = snprintf(parent, sizeof parent, "%s/%s", base, name);
    int m = snprintf(dir.path, sizeof dir.path, "%s/%s/%s", base, name, vm);
    if (n < 0 || m < 0 || (size_t)m >= sizeof dir.path)
        return px_fail(PVMX_ERR_TOOBIG, "XDG_RUNTIME_DIR is longer than %zu bytes",
                       sizeof dir.path);
    snprintf(dir.socket, sizeof dir.socket, "%s/ctl", dir.path);
    snprintf(dir.lock, sizeof dir.lock, "%s/lock", dir.path);

    int base_fd = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC), parent_fd = -1, fd = -1;
    if (base_fd < 0)
        return px_fail_errno(errno, "cannot open %s", base);
    /* A VM that is just leaving may remove the parent between our two steps. */
    for (int round = 0; round < 8; round++) {
        px_fd_close(&parent_fd);
        err = open_private(base_fd, name, parent, create, &parent_fd);
        if (err == PVMX_OK)
            err = open_private(parent_fd, vm, dir.path, create, &fd);
        if (err != PVMX_ERR_NOENT || !create)
            break;
    }
    if (err == PVMX_OK)
        *out = dir;
    px_fd_close(&fd);
    px_fd_close(&parent_fd);
    px_fd_close(&base_fd);
    return err;
}

void px_rundir_remove(const struct px_rundir *dir)
{
    char parent[sizeof dir->path];
    if (rmdir(dir->path) < 0 && errno != ENOENT)
        return;
    snprintf(parent, sizeof parent, "%s", dir->path);
    char *slash = strrchr(parent, '/');
    if (slash != NULL) {
        *slash = '\0';
        rmdir(parent); /* fails when another VM of this user lives there: right */
    }
}
