/* SPDX-License-Identifier: Apache-2.0 */
#include "change/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"

#define LOOK_AGAIN_MS 50

struct pt_lock {
	int fd;
	bool held;
	char *path;
};

int pt_lock_open(const char *dir, struct pt_lock **ret_lock, struct pt_error *err)
{
	pt_autofree char *path = pt_strf("%s/lock", dir);
	int r = pt_file_mkdir_p(dir, 0700);
	int fd;

	if (r < 0)
		return pt_fail(err, r, "cannot make the directory %s", dir);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return pt_fail(err, -errno, "cannot open the lock %s", path);
	*ret_lock = pt_alloc(sizeof(**ret_lock));
	**ret_lock = (struct pt_lock){ .fd = fd, .path = pt_take_ptr(path) };
	return 0;
}

void pt_lock_close(struct pt_lock *lock)
{
	if (!lock)
		return;
	pt_lock_drop(lock);
	pt_closep(&lock->fd);
	free(lock->path);
	free(lock);
}

/* fcntl(2): an open file description lock ends with the last descriptor of it, so with our process at the latest */
static int try_lock(const struct pt_lock *lock)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(lock->fd, F_OFD_SETLK, &l) == 0)
		return 1;
	return errno == EAGAIN || errno == EACCES || errno == EINTR ? 0 : -errno;
}

/* for those who wait; a holder that cannot write this is no worse a holder */
static void sign(const struct pt_lock *lock, const char *what)
{
	pt_autofree char *text = pt_strf("pid %d (%s)\n", (int)getpid(), what);

	if (ftruncate(lock->fd, 0) == 0)
		(void)!pwrite(lock->fd, text, strlen(text), 0);
}

static void read_holder(const struct pt_lock *lock, char *ret_text, size_t size)
{
	ssize_t n = pread(lock->fd, ret_text, size - 1, 0);

	ret_text[n > 0 ? n : 0] = '\0';
	ret_text[strcspn(ret_text, "\n")] = '\0';
	for (char *c = ret_text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	if (!ret_text[0])
		(void)snprintf(ret_text, size, "somebody");
}

static void pause_ms(unsigned ms)
{
	struct timespec ts = { .tv_nsec = (long)ms * 1000000 };

	/* a signal ends the pause early, and the caller looks at what it asked for */
	(void)nanosleep(&ts, NULL);
}

int pt_lock_take(struct pt_lock *lock, const char *what, const struct pt_lock_wait *wait, struct pt_error *err)
{
	char holder[512] = "";

	if (lock->held)
		return 0;
	for (unsigned waited = 0;; waited += LOOK_AGAIN_MS) {
		int r = try_lock(lock);

		if (r < 0)
			return pt_fail(err, r, "cannot take the lock %s", lock->path);
		if (r == 1)
			break;
		if (!holder[0]) {
			read_holder(lock, holder, sizeof(holder));
			if (wait->waiting && wait->ms)
				wait->waiting(wait->ctx, holder);
		}
		if (wait->interrupted && wait->interrupted(wait->ctx))
			return pt_say(err, -ECANCELED,
				      "interrupted while waiting for another change; nothing was done");
		if (wait->ms != PT_LOCK_FOREVER && waited >= wait->ms) {
			read_holder(lock, holder, sizeof(holder));
			r = pt_say(err, -ETIMEDOUT, "another change is being made by %s; waited %u s for it", holder,
				   wait->ms / 1000);
			pt_refused_by(err, "change-open", false);
			pt_hint(err, "try again later, or wait longer with --wait SECONDS");
			return r;
		}
		pause_ms(LOOK_AGAIN_MS);
	}
	lock->held = true;
	sign(lock, what);
	return 0;
}

void pt_lock_drop(struct pt_lock *lock)
{
	struct flock l = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	if (!lock->held)
		return;
	/* cannot fail on a descriptor that is open and was locked */
	(void)fcntl(lock->fd, F_OFD_SETLK, &l);
	lock->held = false;
}
