/* SPDX-License-Identifier: Apache-2.0 */
/* Other names of network interfaces, which only the running kernel tells (rtnetlink).  Reads only. */
#ifndef PT_HOST_ALTNAME_H
#define PT_HOST_ALTNAME_H

/**
 * pt_altname_find() - the name of the interface that has @altname among its alternative names
 * @ret_name: the caller frees
 *
 * Return: 0, -ENODEV when there is none, or another negative errno when the kernel cannot be asked.
 */
int pt_altname_find(const char *altname, char **ret_name);

#endif
