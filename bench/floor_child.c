/* SPDX-License-Identifier: BSD-3-Clause */
/* The program that floor.c starts. */
#include <unistd.h>

int main(void)
{
    return write(3, "x", 1) != 1;
}
