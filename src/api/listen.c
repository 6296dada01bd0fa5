/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets that are listened on. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/parts.h"
#include "base/cleanup.h"
#include "base/file.h"

#define BACKLOG 1024

/* a socket that was left by somebody who died is taken over; one that answers is not */
static int check_left(const struct sockaddr_un *at, struct pt_error *err)
{
	pt_autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;
	int r;

	if (fd < 0)
		return pt_fail(err, -errno, "cannot make a socket");
	if (lstat(at->sun_path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return pt_usage(err, -EEXIST, "[api] socket %s: there is something else", at->sun_path);
	if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) < 0)
		return 0;
	r = pt_say(err, -EADDRINUSE, "%s: somebody serves there already", at->sun_path);
	pt_hint(err, "is another passthrud running?");
	return r;
}

/* the folder is root's alone as it is made: others may pass through it to the socket, and see no name in it */
static void open_way(const char *dir)
{
	struct stat st;

	/* who cannot get there is not served, which is no reason not to serve the rest */
	if (stat(dir, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & S_IXOTH))
		(void)chmod(dir, (st.st_mode & 07777) | S_IXGRP | S_IXOTH);
}

int pt_listen_unix(const char *path, bool open_to_all, struct pt_error *err)
{
	pt_autoclose int fd = -EBADF;
	pt_autofree char *dir = pt_strdup(path);
	pt_autofree char *made = pt_strf("%s.new", path);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char *slash = strrchr(dir, '/');
	int r;

	if (!slash || slash == dir || strlen(made) >= sizeof(at.sun_path))
		return pt_usage(err, -EINVAL, "[api] socket = %.120s: expected an absolute path of at most %zu bytes",
				path, sizeof(at.sun_path) - 6);
	*slash = '\0';
	r = pt_file_mkdir_p(dir, 0755);
	if (r < 0)
		return pt_fail(err, r, "cannot make %s", dir);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	r = check_left(&at, err);
	if (r < 0)
		return r;
	if (open_to_all)
		open_way(dir);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", made);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)unlink(made);
	/* made aside and renamed: it is never there with other permissions than it is to have */
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
	    chmod(made, open_to_all ? 0666 : 0600) < 0 || listen(fd, BACKLOG) < 0 || rename(made, path) < 0)
		return pt_fail(err, -errno, "cannot listen on %s", path);
	return pt_take_fd(fd);
}

/* "ADDRESS:PORT", "[ADDRESS]:PORT": numbers, no names that somebody else answers for */
static int read_where(const char *where, struct addrinfo **ret, struct pt_error *err)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
					.ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(where, ':');
	bool brackets = *where == '[' && colon && colon > where && colon[-1] == ']';
	pt_autofree char *host = colon ? pt_strndup(where + brackets, (size_t)(colon - where) - 2 * brackets) : NULL;
	int r = colon && colon[1] ? getaddrinfo(host, colon + 1, &hints, ret) : EAI_NONAME;

	if (r == 0)
		return 0;
	return pt_usage(err, -EINVAL, "[api] listen = %.80s: expected ADDRESS:PORT, in numbers (%s)", where,
			gai_strerror(r));
}

int pt_listen_tcp(const char *where, unsigned *ret_port, struct pt_error *err)
{
	struct addrinfo *at = NULL;
	pt_autoclose int fd = -EBADF;
	struct sockaddr_storage got;
	socklen_t size = sizeof(got);
	const int on = 1;
	int r = read_where(where, &at, err);

	if (r < 0)
		return r;
	fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&got, &size) < 0)
		r = pt_fail(err, -errno, "cannot listen on [api] listen = %s", where);
	freeaddrinfo(at);
	if (r < 0)
		return r;
	*ret_port = ntohs(got.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)(const void *)&got)->sin6_port
						    : ((const struct sockaddr_in *)(const void *)&got)->sin_port);
	return pt_take_fd(fd);
}
