/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pci-attr.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
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

#define WITHIN_MAX 1024 /* far below PIPE_BUF, so that the answer comes in one piece */

struct within {
	int result;
	char text[WITHIN_MAX];
};

/* in the child: only what signal-safety(7) allows, and no descriptor kept that somebody else might wait for */
static void __attribute__((noreturn)) read_in_child(int dev_fd, const char *name, int pipe_fd)
{
	struct within answer = { 0 };

	if (dup2(dev_fd, 0) < 0 || dup2(pipe_fd, 1) < 0 || close_range(2, ~0U, 0) < 0)
		_exit(1);
	answer.result = pt_pci_attr_read(0, name, answer.text, sizeof(answer.text));
	_exit(write(1, &answer, sizeof(answer)) == (ssize_t)sizeof(answer) ? 0 : 1);
}

static int wait_answer(int pipe_fd, struct within *answer, int timeout_ms)
{
	struct pollfd p = { .fd = pipe_fd, .events = POLLIN };
	ssize_t n;
	int r;

	do
		r = poll(&p, 1, timeout_ms);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return r < 0 ? -errno : -ETIMEDOUT;
	n = read(pipe_fd, answer, sizeof(*answer));
	return n == (ssize_t)sizeof(*answer) ? 0 : -EIO;
}

int pt_pci_attr_read_within(int dev_fd, const char *name, char *text, size_t size, int timeout_ms)
{
	pt_autoclose int read_fd = -EBADF;
	pt_autoclose int write_fd = -EBADF;
	struct within answer = { 0 };
	int fds[2];
	pid_t pid;
	int r;

	assert(size <= WITHIN_MAX);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	read_fd = fds[0];
	write_fd = fds[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		read_in_child(dev_fd, name, write_fd);
	pt_closep(&write_fd);
	write_fd = -EBADF;
	r = wait_answer(read_fd, &answer, timeout_ms);
	if (r < 0)
		(void)kill(pid, SIGKILL);
	/* one that waits in the kernel cannot be killed: it is left to init */
	while (waitpid(pid, NULL, r == -ETIMEDOUT ? WNOHANG : 0) < 0 && errno == EINTR)
		;
	if (r < 0 || answer.result < 0)
		return r < 0 ? r : answer.result;
	if ((size_t)answer.result >= size)
		return -EFBIG;
	memcpy(text, answer.text, (size_t)answer.result + 1);
	return answer.result;
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
