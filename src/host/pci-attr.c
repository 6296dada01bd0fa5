/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pci-attr.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

int pt_pci_attr_read(int dev_fd, const char *name, char *text, size_t size)
{
	/* O_NONBLOCK: a capture may hold a FIFO under any name */
	pt_autoclose int fd = openat(dev_fd, name, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = read(fd, text, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n == size)
		return -EFBIG;
	if (n && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	return (int)n;
}

const char *pt_pci_attr_link(int dev_fd, const char *name, char *target, size_t size)
{
	ssize_t n = readlinkat(dev_fd, name, target, size);
	const char *slash;

	if (n < 0 || (size_t)n == size)
		return NULL;
	target[n] = '\0';
	slash = strrchr(target, '/');
	return slash ? slash + 1 : target;
}
