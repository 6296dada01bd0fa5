/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded before the program under test (LD_PRELOAD): ends it at an exact place.  The places are where something becomes
 * lasting: right before and right after each fsync(2) and fdatasync(2), which the journal makes around every step, and
 * right before and right after each child is made, which is how every single write to the kernel is done.
 *
 * PT_CUT_AT=N	at the N-th place, counted from 1; without it the places are counted and their number left in
 * PT_CUT_MARK
 * PT_CUT_HOW	kill: SIGKILL.  stop: all of it stands still, and PT_CUT_MARK appears: the server's plug can be pulled,
 *		or SIGCONT sent, and it goes on
 * PT_CUT_MARK	a file
 * PT_CUT_GONE	a file: only the places where it is no longer there count
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int places;
static pid_t program;

__attribute__((constructor)) static void begin(void)
{
	program = getpid();
}

static void leave_mark(const char *text)
{
	const char *mark = getenv("PT_CUT_MARK");
	int fd = mark ? open(mark, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	(void)!write(fd, text, strlen(text));
	(void)close(fd);
}

__attribute__((destructor)) static void count(void)
{
	char text[32];

	if (getpid() != program || getenv("PT_CUT_AT"))
		return;
	(void)snprintf(text, sizeof(text), "%d\n", atomic_load(&places));
	leave_mark(text);
}

static void place(void)
{
	const char *at = getenv("PT_CUT_AT");
	const char *how = getenv("PT_CUT_HOW");
	const char *gone = getenv("PT_CUT_GONE");
	int here;

	/* what a child does belongs to the place where it was made */
	if (getpid() != program || (gone && access(gone, F_OK) == 0))
		return;
	here = atomic_fetch_add(&places, 1) + 1;
	if (!at || here != atoi(at))
		return;
	if (!how || strcmp(how, "stop") != 0)
		(void)kill(program, SIGKILL);
	leave_mark("here\n");
	(void)kill(program, SIGSTOP);
}

/* a place before the call and one after */
static int sync_with(const char *name, int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
	int r;
	int saved;

	place();
	r = real(fd);
	saved = errno;
	place();
	errno = saved;
	return r;
}

int fsync(int fd)
{
	return sync_with("fsync", fd);
}

int fdatasync(int fd)
{
	return sync_with("fdatasync", fd);
}

pid_t fork(void)
{
	pid_t (*real)(void) = (pid_t(*)(void))dlsym(RTLD_NEXT, "fork");
	pid_t pid;
	int saved;

	place();
	pid = real();
	saved = errno;
	if (pid != 0)
		place();
	errno = saved;
	return pid;
}
