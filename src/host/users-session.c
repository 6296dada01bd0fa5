/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections that people are logged in over.  The environment (SSH_CONNECTION) is anybody's to write and is lost
 * by sudo, so the sockets of the processes above this one are looked up in the kernel's table; what the environment
 * says can only add a refusal.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/users-net.h"

#define TCP_ESTABLISHED_STATE 1
#define TCP_FILE_MAX	      ((size_t)64 << 20)

/* "  0: 0100007F:1F90 0200007F:D2C4 01 00000000:00000000 00:00000000 00000000  1000 0 12345 …", proc_net_tcp.rst */
bool pt_tcp_parse(const char *line, struct pt_tcp *ret_tcp)
{
	struct pt_tcp tcp = { 0 };
	char local[33];
	char remote[33];
	unsigned state;
	unsigned long long inode;

	if (sscanf(line, " %*u: %32[0-9A-Fa-f]:%*x %32[0-9A-Fa-f]:%*x %8x %*s %*s %*s %*s %*s %19llu", local, remote,
		   &state, &inode) != 4 ||
	    !pt_ip_parse_words(local, strlen(local), &tcp.local) ||
	    !pt_ip_parse_words(remote, strlen(remote), &tcp.remote))
		return false;
	tcp.established = state == TCP_ESTABLISHED_STATE;
	tcp.inode = inode;
	*ret_tcp = tcp;
	return true;
}

static const struct pt_socket *socket_of(const struct pt_look *look, uint64_t inode)
{
	const struct pt_socket *found = NULL;

	/* the one above us is the better name for it: sshd's own listener may share it */
	for (size_t i = 0; i < look->procs.sockets.n; i++)
		if (look->procs.sockets.v[i].inode == inode && (!found || look->procs.sockets.v[i].ours))
			found = &look->procs.sockets.v[i];
	return found;
}

static void read_table(struct pt_look *look, const char *path, const char *where, struct pt_logins *logins)
{
	pt_autofree char *text = NULL;

	/* a kernel without IPv6 has no tcp6 */
	if (pt_file_read(look->root->proc_fd, path, TCP_FILE_MAX, &text, NULL) < 0)
		return;
	for (char *line = text; line && *line;) {
		char *end = strchr(line, '\n');
		const struct pt_socket *s;
		struct pt_login *login;
		struct pt_tcp tcp;

		if (end)
			*end = '\0';
		if (pt_tcp_parse(line, &tcp) && tcp.established && (s = socket_of(look, tcp.inode))) {
			login = pt_array_add(logins);
			login->local = tcp.local;
			login->remote = tcp.remote;
			login->pid = s->pid;
			login->comm = pt_strdup(s->comm);
			login->ours = s->ours;
			login->where = where;
		}
		line = end ? end + 1 : NULL;
	}
}

/* sshd(8): "client-ip client-port server-ip server-port" */
static void read_environment(struct pt_logins *logins)
{
	const char *text = getenv("SSH_CONNECTION");
	struct pt_login login = { .ours = true, .where = "SSH_CONNECTION" };
	const char *server;
	size_t n;

	if (!text || !pt_ip_parse(text, n = strcspn(text, " "), &login.remote))
		return;
	server = text + n + strspn(text + n, " ");
	server += strcspn(server, " ");
	server += strspn(server, " ");
	if (pt_ip_parse(server, strcspn(server, " "), &login.local))
		pt_array_push(logins, login);
}

void pt_logins_read(struct pt_look *look, struct pt_logins *ret_logins)
{
	/* nobody is logged in to a capture */
	if (look->root->captured || look->root->proc_fd < 0)
		return;
	read_table(look, "net/tcp", "/proc/net/tcp", ret_logins);
	read_table(look, "net/tcp6", "/proc/net/tcp6", ret_logins);
	read_environment(ret_logins);
}

void pt_logins_done(struct pt_logins *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].comm);
	free(l->v);
	*l = (struct pt_logins){ 0 };
}
