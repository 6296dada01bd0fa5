/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* errno of a call that has just failed, as it is returned: always below 0 */
static int failed(void)
{
	int r = -errno;

	assert(r < 0);
	return r;
}

static int open_within(int dir_fd, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC), .resolve = resolve | RESOLVE_NO_MAGICLINKS };
	long fd;

	do
		fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd < 0 ? failed() : (int)fd;
}

int pt_file_open(int dir_fd, const char *path, int flags)
{
	return open_within(dir_fd, path, flags, RESOLVE_BENEATH);
}

int pt_file_open_in_root(int root_fd, const char *path, int flags)
{
	return open_within(root_fd, path, flags, RESOLVE_IN_ROOT);
}

static int read_all(int fd, size_t max, char **ret_text, size_t *ret_size)
{
	pt_autofree char *text = NULL;
	size_t cap = 4096;
	size_t n = 0;

	text = pt_alloc(cap + 1);
	for (;;) {
		ssize_t got = read(fd, text + n, cap - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return failed();
		if (got == 0)
			break;
		n += (size_t)got;
		if (n > max)
			return -EFBIG;
		if (n == cap) {
			cap *= 2;
			text = pt_realloc(text, cap + 1, 1);
		}
	}
	text[n] = '\0';
	*ret_text = pt_take_ptr(text);
	if (ret_size)
		*ret_size = n;
	return 0;
}

int pt_file_read(int dir_fd, const char *path, size_t max, char **ret_text, size_t *ret_size)
{
	/* a capture may hold a FIFO: opening or reading it must not wait for a writer; for sysfs and /proc it is the
	 * same */
	pt_autoclose int fd = pt_file_open(dir_fd, path, O_RDONLY | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return fd;
	return read_all(fd, max, ret_text, ret_size);
}

int pt_file_read_line(int dir_fd, const char *path, char **ret_line)
{
	pt_autofree char *text = NULL;
	int r = pt_file_read(dir_fd, path, PT_FILE_MAX, &text, NULL);

	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	*ret_line = pt_take_ptr(text);
	return 0;
}

int pt_file_read_i64(int dir_fd, const char *path, int64_t *ret_value)
{
	pt_autofree char *line = NULL;
	char *end = NULL;
	long long value;
	int r = pt_file_read_line(dir_fd, path, &line);

	if (r < 0)
		return r;
	errno = 0;
	value = strtoll(line, &end, 0);
	if (errno || end == line || *end)
		return -EINVAL;
	*ret_value = value;
	return 0;
}

int pt_file_read_u64(int dir_fd, const char *path, uint64_t *ret_value)
{
	pt_autofree char *line = NULL;
	char *end = NULL;
	unsigned long long value;
	int r = pt_file_read_line(dir_fd, path, &line);

	if (r < 0)
		return r;
	errno = 0;
	value = strtoull(line, &end, 0);
	if (errno || end == line || *end || line[0] == '-')
		return -EINVAL;
	*ret_value = value;
	return 0;
}

/*
 * The link itself is read, not followed, so its target need not exist below @dir_fd; but the directories that lead to
 * it are resolved below.
 */
int pt_file_link(int dir_fd, const char *path, char **ret_target)
{
	pt_autoclose int fd = pt_file_open(dir_fd, path, O_PATH | O_NOFOLLOW);
	char target[PATH_MAX];
	ssize_t n;

	if (fd < 0)
		return fd;
	n = readlinkat(fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return failed();
	target[n] = '\0';
	*ret_target = pt_strdup(target);
	return 0;
}

int pt_file_link_name(int dir_fd, const char *path, char **ret_name)
{
	pt_autofree char *target = NULL;
	const char *slash;
	int r = pt_file_link(dir_fd, path, &target);

	if (r < 0)
		return r;
	slash = strrchr(target, '/');
	*ret_name = pt_strdup(slash ? slash + 1 : target);
	return 0;
}

int pt_file_list(int dir_fd, const char *path, struct pt_strv *ret_names)
{
	pt_autoclose int fd = pt_file_open(dir_fd, path, O_RDONLY | O_DIRECTORY);
	pt_autoclosedir DIR *dir = NULL;
	struct dirent *entry;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir)
		return failed();
	(void)pt_take_fd(fd);
	for (errno = 0; (entry = readdir(dir)); errno = 0)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			pt_strv_add(ret_names, entry->d_name);
	if (errno)
		return failed();
	pt_strv_sort(ret_names);
	return 0;
}

int pt_file_exists(int dir_fd, const char *path)
{
	pt_autoclose int fd = pt_file_open(dir_fd, path, O_PATH | O_NOFOLLOW);

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	return fd < 0 ? fd : 1;
}

int pt_file_write_attr(int dir_fd, const char *path, const char *value)
{
	pt_autoclose int fd = pt_file_open(dir_fd, path, O_WRONLY | O_NOCTTY);
	size_t size = strlen(value);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = write(fd, value, size);
	if (n < 0)
		return failed();
	return (size_t)n == size ? 0 : -EIO;
}

int pt_file_write_all(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed();
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

static int write_durably(int fd, const char *text, size_t size)
{
	int r = pt_file_write_all(fd, text, size);

	return r < 0 || fsync(fd) == 0 ? r : -errno;
}

/*
 * A new file without a name until it is whole: a death in between leaves nothing behind.  Where the file system has no
 * such files, this user may not name one, or the name is taken: an errno, and nothing was done.
 */
static int make_nameless(int dir_fd, const char *name, const char *text, size_t size, mode_t mode)
{
	pt_autoclose int fd = openat(dir_fd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, mode);
	int r;

	if (fd < 0)
		return failed();
	r = fchmod(fd, mode) < 0 ? -errno : write_durably(fd, text, size);
	if (r == 0 && linkat(fd, "", dir_fd, name, AT_EMPTY_PATH) < 0)
		r = -errno;
	return r;
}

int pt_file_write_atomic(int dir_fd, const char *name, const char *text, size_t size, mode_t mode)
{
	pt_autofree char *temporary = pt_strf(".%s.new", name);
	pt_autoclose int fd = -EBADF;
	int r;

	if (strchr(name, '/'))
		return -EINVAL;
	if (unlinkat(dir_fd, temporary, 0) < 0 && errno != ENOENT)
		return failed();
	if (make_nameless(dir_fd, name, text, size, mode) == 0)
		return fsync(dir_fd) < 0 ? -errno : 0;
	fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return failed();
	r = fchmod(fd, mode) < 0 ? -errno : write_durably(fd, text, size);
	if (r == 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
		r = -errno;
	if (r < 0) {
		/* the first failure is the one to report */
		(void)unlinkat(dir_fd, temporary, 0);
		return r;
	}
	return fsync(dir_fd) < 0 ? -errno : 0;
}

int pt_file_mkdir_p(const char *path, mode_t mode)
{
	pt_autofree char *copy = pt_strdup(path);

	if (path[0] != '/')
		return -EINVAL;
	for (char *p = copy + 1;; p++) {
		char was = *p;

		if (was != '/' && was != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, was ? 0755 : mode) < 0 && errno != EEXIST)
			return failed();
		*p = was;
		if (!was)
			return 0;
	}
}
