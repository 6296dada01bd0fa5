/* SPDX-License-Identifier: Apache-2.0 */
/* How a parameter gets onto or off this host's kernel command line, in words.  Pure. */
#ifndef PT_DECIDE_BOOTFIX_H
#define PT_DECIDE_BOOTFIX_H

#include "model/platform.h"

/**
 * pt_bootfix() - one sentence: which file or command, what to run afterwards, reboot
 * @add: the word to add, or NULL; when the loader's configuration has it already, the sentence says what it waits for
 * @remove: the word to take away, or NULL; at least one of both is given
 *
 * Return: the caller frees.
 */
char *pt_bootfix(const struct pt_platform *p, const char *add, const char *remove);

#endif
