/* SPDX-License-Identifier: Apache-2.0 */
/* The process of a running VM, as the kernel sees it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/text.h"
#include "vm/conn.h"

/* libvirt leaves the process's number there for as long as the VM runs */
static int read_pid(const struct pt_root *root, const char *name, int *ret_pid, struct pt_error *err)
{
	pt_autofree char *path = pt_strf("run/libvirt/qemu/%s.pid", name);
	pt_autofree char *line = NULL;
	char *end = NULL;
	long pid;
	int r;

	if (!pt_vm_plain_name(name))
		return pt_say(err, -EINVAL, "'%s' is no name of a file", name);
	r = pt_file_read_line(root->root_fd, path, &line);
	if (r < 0)
		return pt_fail(err, r, "cannot read /%s", path);
	pid = strtol(line, &end, 10);
	if (end == line || *end || pid <= 0 || pid > 0x7fffffff)
		return pt_say(err, -EBADMSG, "/%s: '%.32s' is no process number", path, line);
	*ret_pid = (int)pid;
	return 0;
}

/* the number behind @key at the beginning of a line; "unlimited" is UINT64_MAX */
static bool number_behind(const char *text, const char *key, uint64_t *ret)
{
	char *end = NULL;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!pt_startswith(line, key))
			continue;
		line += strlen(key);
		line += strspn(line, " \t");
		errno = 0;
		*ret = pt_startswith(line, "unlimited") ? UINT64_MAX : strtoull(line, &end, 10);
		return end != line && errno == 0;
	}
	return false;
}

int pt_vm_qemu_lock(struct pt_vm_conn *conn, const char *name, struct pt_qemu_lock *ret_lock, struct pt_error *err)
{
	const struct pt_root *root = conn->root;
	struct pt_qemu_lock lock = { 0 };
	pt_autofree char *limits = NULL;
	pt_autofree char *status = NULL;
	pt_autofree char *path = NULL;
	pt_autofree char *other = NULL;
	int r = read_pid(root, name, &lock.pid, err);

	if (r < 0)
		return r;
	path = pt_strf("%d/limits", lock.pid);
	other = pt_strf("%d/status", lock.pid);
	r = pt_file_read(root->proc_fd, path, PT_FILE_MAX, &limits, NULL);
	if (r >= 0)
		r = pt_file_read(root->proc_fd, other, PT_FILE_MAX, &status, NULL);
	if (r < 0)
		return pt_fail(err, r, "cannot look at the process %d of %s", lock.pid, name);
	if (!number_behind(limits, "Max locked memory", &lock.limit) ||
	    !number_behind(status, "VmLck:", &lock.locked_kib))
		return pt_say(err, -EBADMSG, "the process %d of %s does not tell what it has locked", lock.pid, name);
	*ret_lock = lock;
	return 0;
}

/* libvirt's number alone may come again after libvirt was restarted, QEMU's process number alone after many others */
int pt_vm_which_run(struct pt_vm_conn *conn, virDomainPtr dom, char **ret_run, struct pt_error *err)
{
	unsigned id = virDomainGetID(dom);
	int pid = 0;

	if (id == (unsigned)-1)
		return pt_say(err, -ESHUTDOWN, "%s does not run", virDomainGetName(dom));
	/* another host's process, or none, as of libvirt's test driver: then the number has to do */
	(void)read_pid(conn->root, virDomainGetName(dom), &pid, NULL);
	*ret_run = pt_strf("%u-%d", id, pid);
	return 0;
}
