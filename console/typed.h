/* SPDX-License-Identifier: BSD-3-Clause */
/* The line that is being typed, as it stands on the terminal: the editor does not tell where the cursor is
 * when the line takes several rows. The prompt is of ASCII characters. */
#ifndef CONSOLE_TYPED_H
#define CONSOLE_TYPED_H

#include <histedit.h>

/* Takes prompt and line away; the cursor stands where they began. */
void typed_away(EditLine *el);
/* Moves the cursor behind the line. */
void typed_behind(EditLine *el);

#endif
