/* SPDX-License-Identifier: BSD-3-Clause */
/* doctor: hosts that could be added by ssh. */
#include "doctor.h"

#include "proto/start.h"

#include <errno.h>
#include <limits.h>
#include <pvmx/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAID_MAX = 2000, AT_ONE_TIME = 16 };

struct ssh_probe {
    const char *host;
    struct probe probe;
};

/* The shell splits the setting into words, as the daemon does; "$@" stays what it is. */
static void start(struct ssh_probe *s, const char *host)
{
    const char *ssh = getenv("PVMX_SSH");
    char daemon[PATH_MAX] = "pvmxd", *line = NULL, *remote = NULL;
    *s = (struct ssh_probe){.host = host, .probe = {.fd = -1, .errnum = EINVAL}};
    pxp_daemon_find(daemon, sizeof daemon);
    if (asprintf(&line, "exec %s -oBatchMode=yes -oConnectTimeout=8 -xT -- \"$@\"",
                 ssh && *ssh ? ssh : "ssh") > 0 &&
        asprintf(&remote, "p='%s'; test -x \"$p\" || p=pvmxd; exec \"$p\" --version",
                 daemon) > 0 &&
        !strchr(daemon, '\'')) {
        char sh[] = "/bin/sh", c[] = "-c",
             *argv[] = {sh, c, line, sh, (char *)(uintptr_t)host, remote, NULL};
        probe_start(&s->probe, argv);
    }
    free(line);
    free(remote);
}

static const char *advice_for(const char *said)
{
    static const struct {
        char word[32];
        char advice[160];
    } known[] = {
        {"Could not resolve",
         "check the name, or give it an address in ~/.ssh/config (HostName)"},
        {"Name or service not known",
         "check the name, or give it an address in ~/.ssh/config (HostName)"},
        {"Connection refused",
         "start sshd there, or give its port in ~/.ssh/config (Port)"},
        {"timed out", "check that the host is up and that firewalls let ssh through"},
        {"No route to host", "check the network between this machine and the host"},
        {"Permission denied", "make a key (ssh-keygen) and take it there (ssh-copy-id "
                              "HOST), or load it (ssh-add)"},
        {"Host key verification failed",
         "log in once by hand and accept its key, if it is the right one (ssh HOST)"},
        {"IDENTIFICATION HAS CHANGED",
         "if the host was set up anew, forget its old key (ssh-keygen -R HOST)"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strstr(said, known[i].word))
            return known[i].advice;
    return "try: ssh -oBatchMode=yes HOST true";
}

/* The line of the answer that tells most: the last. */
static const char *last_line(char *said)
{
    size_t len = strlen(said);
    while (len > 0 && (said[len - 1] == '\n' || said[len - 1] == '\r'))
        said[--len] = '\0';
    char *nl = strrchr(said, '\n');
    return nl ? nl + 1 : said;
}

static void judge(struct checkup *k, struct ssh_probe *s)
{
    static const char ours[] = "pvmxd (PVMX) ";
    char what[300], said[SAID_MAX];
    snprintf(what, sizeof what, "ssh to %.250s", s->host);
    if (s->probe.errnum) {
        doctor_note(k, what, false, strerror(s->probe.errnum), "install an ssh client");
        return;
    }
    int status = probe_finish(&s->probe, 0, said, sizeof said);
    const char *advice = advice_for(said), *line = last_line(said);
    bool there = strncmp(line, ours, sizeof ours - 1) == 0;
    if (status == 0 && there)
        doctor_note(k, what, strcmp(line + sizeof ours - 1, PVMX_VERSION) == 0, line,
                    "install the same version there");
    else if (status == 255)
        doctor_note(k, what, false, *line ? line : "ssh failed", advice);
    else if (status == 127 && strstr(said, "pvmxd") == NULL)
        doctor_note(k, what, false, *line ? line : "no ssh", "install an ssh client");
    else
        doctor_note(
            k, what, false, *line ? line : "pvmxd does not run there",
            "install PVMX there in the same place, or on the PATH of ssh's commands, or "
            "say where pvmxd is (add -d)");
}

void doctor_ssh(struct checkup *k, int n, char **hosts)
{
    struct ssh_probe probes[AT_ONE_TIME];
    for (int i = 0; i < n && !link_interrupted(); i += AT_ONE_TIME) {
        int m = n - i < AT_ONE_TIME ? n - i : AT_ONE_TIME;
        for (int j = 0; j < m; j++)
            start(&probes[j], hosts[i + j]);
        for (int j = 0; j < m; j++)
            judge(k, &probes[j]);
    }
}
