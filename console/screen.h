/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole terminal, for commands that draw on it: keys come one by one, and whatever ends the program
 * (but SIGKILL), the terminal is as before. */
#ifndef CONSOLE_SCREEN_H
#define CONSOLE_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

enum screen_key {
    SCREEN_UP = 256,
    SCREEN_DOWN,
    SCREEN_PAGE_UP,
    SCREEN_PAGE_DOWN,
    SCREEN_NONE, /* nothing that we know */
};

/* Standard input and output are a terminal that can be drawn on. */
bool screen_there(void);
bool screen_enter(void);
void screen_leave(void);
void screen_size(size_t *rows, size_t *columns);
/* Shows a text of lines; what does not fit is cut off. The line `marked` stands out (SIZE_MAX: none). */
void screen_show(const char *text, size_t marked);
/* A key that was pressed: a character or a screen_key; -1: the terminal has gone. */
int screen_key(void);

#endif
