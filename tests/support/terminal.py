# SPDX-License-Identifier: BSD-3-Clause
"""A program on a pseudo-terminal, as a person has it: what it shows can be waited for, keys can be
pressed."""

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time

from screen import Screen

CTRL_C, CTRL_D, CTRL_Z, TAB, UP, ENTER = "\x03", "\x04", "\x1a", "\t", "\x1b[A", "\r"


class Terminal:
    def __init__(self, test, *command, env=None, cwd=None, deadline=60):
        self.test, self.deadline, self.shown, self.status = test, deadline, "", None
        self.screen = None
        env = dict(env or test.env, TERM="xterm", PS1="$ ", PS2="> ")
        command = [str(c) for c in command]
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                self.set_size(0, 40, 200)  # before the program can look: it sees no change
                os.chdir(cwd or test.tmp)
                os.execvpe(command[0], command, env)
            finally:
                os._exit(127)
        test.addCleanup(self.close)

    @staticmethod
    def set_size(fd, rows, columns):
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        self.set_size(self.fd, rows, columns)
        if self.screen:
            self.screen.resize(rows, columns)

    def watch(self, rows, columns):
        """From now on what a person sees is known: the screen is empty, and of this size."""
        self.resize(rows, columns)
        self.screen = Screen(rows, columns)

    def see(self, pattern):
        """Waits until the screen, its lines above included, is so (a regular expression)."""
        end = time.monotonic() + self.deadline
        while not re.search(pattern, self.screen.text()):
            if time.monotonic() > end or not self.read(0.2):
                self.test.fail(f"{pattern!r} is not seen; what is:\n{self.screen.text()}")

    def send(self, text):
        os.write(self.fd, text.encode())

    def line(self, text):
        self.send(text + ENTER)

    def read(self, seconds):
        """Takes what is shown within this time; false: the program has gone."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.shown += data.decode(errors="replace")
        if self.screen:
            self.screen.feed(data)
        return bool(data)

    def expect(self, pattern):
        """Waits until pattern (a regular expression) is shown, and drops everything up to its end."""
        end = time.monotonic() + self.deadline
        while True:
            found = re.search(pattern, self.shown)
            if found:
                self.shown = self.shown[found.end():]
                return found
            if time.monotonic() > end or not self.read(0.2):
                self.test.fail(f"{pattern!r} is not shown; what is: {self.shown[-3000:]!r}")

    def finish(self):
        """Waits for the end; the exit status, or minus the signal."""
        end = time.monotonic() + self.deadline
        while self.status is None:
            if self.fd < 0 or not self.read(0.05):
                time.sleep(0.01)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end:
                self.test.fail(f"the program does not end; it shows {self.shown!r}")
        while self.fd >= 0 and select.select([self.fd], [], [], 0)[0] and self.read(0):
            continue
        return self.status

    def hang_up(self):
        """Closes the terminal, as one closes a window."""
        os.close(self.fd)
        self.fd = -1

    def close(self):
        if self.status is None:
            try:
                os.kill(self.pid, 9)
            except ProcessLookupError:
                pass
            _, status = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(status)
        if self.fd >= 0:
            self.hang_up()
