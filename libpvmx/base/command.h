/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that another process gives to a shell later, somewhere else. */
#ifndef PX_COMMAND_H
#define PX_COMMAND_H

/* The template of a command ('%' is written "%%"), in which a program that is named by a relative path
 * with a '/' in it ("./a", "b/c") is found from wherever the command is run: the path begins at this
 * process's working directory. Any other command is as it was. To be freed; NULL: no memory. */
char *px_command_here(const char *command);

#endif
