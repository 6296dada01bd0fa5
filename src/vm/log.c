/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a VM's QEMU log: where the reason stands when a VM dies. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "vm/conn.h"

#define LOG_END	  8192
#define LOG_LINES 3

bool pt_vm_plain_name(const char *name)
{
	return name[0] && name[0] != '.' && !strchr(name, '/') && strlen(name) < 200;
}

static char *read_end(int fd)
{
	struct stat st;
	char *text = pt_alloc(LOG_END + 1);
	ssize_t n;

	/* only the end: the log of an old VM is megabytes */
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		free(text);
		return NULL;
	}
	n = pread(fd, text, LOG_END, st.st_size > LOG_END ? st.st_size - LOG_END : 0);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* libvirt's own lines about starting and ending, and the command line with its environment, tell no cause */
static bool tells_nothing(const char *line)
{
	return !*line || strstr(line, ": starting up ") || strstr(line, ": shutting down") ||
	       strstr(line, " is tainted: ") || line[0] == '/' || line[0] == '-' ||
	       (strchr(line, '=') && pt_endswith(line, " \\")) ||
	       strstr(line, "qemu-system-x86_64: terminating on signal") ||
	       pt_startswith(line, "char device redirected");
}

char *pt_vm_log_tail(const struct pt_root *root, const char *name)
{
	pt_autofree char *path = NULL;
	pt_autofree char *text = NULL;
	pt_autoclose int fd = -EBADF;
	struct pt_buf out = { 0 };
	const char *lines[LOG_LINES] = { NULL };
	char *save = NULL;

	if (!pt_vm_plain_name(name))
		return NULL;
	path = pt_strf("var/log/libvirt/qemu/%s.log", name);
	fd = pt_file_open(root->root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	text = fd < 0 ? NULL : read_end(fd);
	if (!text)
		return NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		pt_text_clean(line);
		/* a new start: what an earlier run left is no reason for this one */
		if (strstr(line, ": starting up "))
			memset(lines, 0, sizeof(lines));
		if (tells_nothing(line))
			continue;
		memmove(lines, lines + 1, sizeof(lines) - sizeof(*lines));
		lines[LOG_LINES - 1] = line;
	}
	for (size_t i = 0; i < LOG_LINES; i++)
		if (lines[i])
			pt_buf_addf(&out, "%s%s", out.n ? "; " : "", lines[i]);
	return out.n ? pt_buf_take(&out) : NULL;
}
