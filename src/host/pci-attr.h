/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One attribute of a PCI function in as few system calls as it takes.  For the pci*.c files, which read thousands;
 * everybody else uses base/file.h.
 */
#ifndef PT_HOST_PCI_ATTR_H
#define PT_HOST_PCI_ATTR_H

#include <stddef.h>

/**
 * pt_pci_attr_read() - an attribute into @text, NUL-terminated, without its last newline
 * @dev_fd: the function's directory, so that @name cannot lead out of it: a link there is not followed
 *
 * One read(): sysfs gives an attribute whole or not at all (Documentation/filesystems/sysfs.rst).
 * Return: its length, or a negative errno; -EFBIG when it does not fit.
 */
int pt_pci_attr_read(int dev_fd, const char *name, char *text, size_t size);

/**
 * pt_pci_attr_read_within() - the same for an attribute that may wait for the device's lock
 *
 * driver_override and sriov_numvfs are shown under that lock (drivers/pci/pci-sysfs.c, iov.c), which a hanging unbind
 * never gives back, and a reader that waits for it cannot be killed.  So a child reads, which holds nothing of ours.
 *
 * Return: as above; -ETIMEDOUT when it did not answer in time; @size is at most 1024.
 */
int pt_pci_attr_read_within(int dev_fd, const char *name, char *text, size_t size, int timeout_ms);

/** pt_pci_attr_link() - a link's target into @target; returns its last component (within @target), NULL for no link */
const char *pt_pci_attr_link(int dev_fd, const char *name, char *target, size_t size);

#endif
