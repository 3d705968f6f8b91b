/* SPDX-License-Identifier: BSD-3-Clause */
/* See terminal.h. */
#include "terminal.h"

#include "base/fd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>

void terminal_resize(int master, int like)
{
    struct winsize size;
    if (ioctl(like, TIOCGWINSZ, &size) == 0)
        ioctl(master, TIOCSWINSZ, &size);
}

/* As the user's, but that ends of lines and tabs are left to that one. */
static bool set_up(int slave, int like)
{
    struct termios t;
    if (tcgetattr(like, &t) != 0)
        return false;
    t.c_oflag &= ~(tcflag_t)OPOST;
    return tcsetattr(slave, TCSANOW, &t) == 0;
}

bool terminal_open(struct terminal *t, int like)
{
    int flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
    *t = (struct terminal){.master = posix_openpt(flags), .slave = -1};
    /* By descriptor: wherever /dev/pts is, or is not. */
    if (t->master >= 0 && unlockpt(t->master) == 0)
        t->slave = ioctl(t->master, TIOCGPTPEER, flags);
    if (t->slave >= 0 && set_up(t->slave, like)) {
        terminal_resize(t->master, like);
        return true;
    }
    px_fd_close(&t->slave);
    px_fd_close(&t->master);
    return false;
}
