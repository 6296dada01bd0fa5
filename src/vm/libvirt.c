/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/libvirt.h"

#include <stdarg.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "vm/conn.h"

/* libvirt's default handler prints every error on stderr; ours are told once, by the command */
static void keep_quiet(void *ctx, virErrorPtr error)
{
	(void)ctx;
	(void)error;
}

static int errno_of(int code)
{
	switch (code) {
	case VIR_ERR_NO_DOMAIN:
		return -ENOENT;
	case VIR_ERR_OPERATION_DENIED:
	case VIR_ERR_ACCESS_DENIED:
	case VIR_ERR_AUTH_FAILED:
	case VIR_ERR_AUTH_CANCELLED:
	case VIR_ERR_AUTH_UNAVAILABLE:
		return -EPERM;
	case VIR_ERR_OPERATION_TIMEOUT:
	case VIR_ERR_AGENT_UNRESPONSIVE:
	case VIR_ERR_AGENT_COMMAND_TIMEOUT:
		return -ETIMEDOUT;
	case VIR_ERR_NO_SUPPORT:
	case VIR_ERR_OPERATION_UNSUPPORTED:
	case VIR_ERR_AGENT_UNSYNCED:
		return -EOPNOTSUPP;
	case VIR_ERR_XML_ERROR:
	case VIR_ERR_XML_DETAIL:
	case VIR_ERR_XML_INVALID_SCHEMA:
	case VIR_ERR_CONFIG_UNSUPPORTED:
	case VIR_ERR_INVALID_ARG:
	case VIR_ERR_OS_TYPE:
		return -EINVAL;
	case VIR_ERR_OPERATION_INVALID:
		return -EBUSY;
	default:
		return -EIO;
	}
}

int pt_vm_fail_with(virErrorPtr last, struct pt_error *err, const char *format, ...)
{
	int code = errno_of(last ? last->code : 0);
	pt_autofree char *cause = pt_strdup(last && last->message ? last->message : "libvirt gave no reason");
	pt_autofree char *what = NULL;
	va_list ap;

	virFreeError(last);
	/* QEMU's words come in several lines */
	for (char *at = cause; (at = strpbrk(at, "\n\t"));)
		*at = ' ';
	pt_text_clean(cause);
	for (size_t n = strlen(cause); n > 0 && cause[n - 1] == ' '; n--)
		cause[n - 1] = '\0';
	va_start(ap, format);
	what = pt_strfv(format, ap);
	va_end(ap);
	if (code == -EPERM) {
		(void)pt_usage(err, code, "%s: %s", what, cause);
		pt_hint(err,
			"libvirt's access rules (polkit, or acl in libvirtd.conf) do not allow this; run it as root");
		return code;
	}
	return pt_say(err, code, "%s: %s", what, cause);
}

static bool have(const struct pt_root *root, const char *path)
{
	return pt_file_exists(root->root_fd, path) == 1;
}

/* which of libvirt's two ways this host has: one libvirtd, or a daemon for each driver */
static void hint_service(const struct pt_root *root, struct pt_error *err)
{
	bool whole = have(root, "usr/lib/systemd/system/libvirtd.service") ||
		     have(root, "lib/systemd/system/libvirtd.service") || have(root, "usr/sbin/libvirtd");
	bool modular = have(root, "usr/lib/systemd/system/virtqemud.service") ||
		       have(root, "lib/systemd/system/virtqemud.service") || have(root, "usr/sbin/virtqemud");
	bool chosen = have(root, "etc/systemd/system/sockets.target.wants/virtqemud.socket") ||
		      have(root, "etc/systemd/system/multi-user.target.wants/virtqemud.service");

	if (!whole && !modular)
		pt_hint(err, "libvirt is not installed: `apt install libvirt-daemon-system` (Debian, Ubuntu) or "
			     "`dnf install libvirt-daemon-kvm` (Fedora, RHEL)");
	else if (modular && (chosen || !whole))
		pt_hint(err, "start it: `systemctl start virtqemud.socket`, and see `systemctl status virtqemud`");
	else
		pt_hint(err, "start it: `systemctl start libvirtd`, and see `systemctl status libvirtd`");
}

static int open_failed(const struct pt_root *root, const char *uri, struct pt_error *err)
{
	bool usual = pt_startswith(uri, "qemu:///");
	int r = pt_vm_fail(err, "cannot reach libvirt at %s", uri);

	if (!err)
		return r;
	err->kind = PT_ERROR_USAGE;
	if (strstr(err->msg, "Permission denied")) {
		pt_hint(err, "run it as root, or join the group libvirt");
		return err->code = -EACCES;
	}
	if (!usual)
		pt_hint(err, "--connect %s is the usual connection", PT_VM_DEFAULT_URI);
	else if (r != -EPERM)
		hint_service(root, err);
	return err->code = r == -EIO ? -ECONNREFUSED : r;
}

static int no_library(const struct pt_root *root, int r, struct pt_error *err)
{
	if (err)
		err->kind = PT_ERROR_USAGE;
	if (have(root, "usr/sbin/libvirtd") || have(root, "usr/sbin/virtqemud"))
		pt_hint(err, "install libvirt's client library: `apt install libvirt0` (Debian, Ubuntu) or "
			     "`dnf install libvirt-libs` (Fedora, RHEL)");
	else
		hint_service(root, err);
	return pt_wrap(err, r, "libvirt cannot be asked");
}

static virConnectPtr do_open(const char *uri, bool readonly)
{
	virConnectPtr conn = readonly ? virConnectOpenReadOnly(uri) : virConnectOpen(uri);

	if (conn)
		virConnSetErrorFunc(conn, NULL, keep_quiet);
	return conn;
}

int pt_vm_open(const struct pt_root *root, const char *uri, bool readonly, struct pt_vm_conn **ret_conn,
	       struct pt_error *err)
{
	const char *to = uri ? uri : PT_VM_DEFAULT_URI;
	virConnectPtr conn;
	int r = pt_libvirt_load(err);

	if (r < 0)
		return no_library(root, r, err);
	/* until there is a connection only the handler of the whole process is asked */
	virSetErrorFunc(NULL, keep_quiet);
	conn = do_open(to, readonly);
	if (!conn)
		return open_failed(root, to, err);
	*ret_conn = pt_alloc(sizeof(**ret_conn));
	**ret_conn = (struct pt_vm_conn){ .conn = conn, .uri = pt_strdup(to), .readonly = readonly, .root = root };
	return 0;
}

void pt_vm_close(struct pt_vm_conn *conn)
{
	if (!conn)
		return;
	/* drops our reference; whatever libvirt still does for us does not depend on it */
	(void)virConnectClose(conn->conn);
	free(conn->uri);
	free(conn);
}

bool pt_vm_uri_is_local(const char *uri)
{
	const char *authority = uri ? strstr(uri, "://") : ":///";

	return authority && authority[3] == '/';
}

void pt_vm_set_poll(struct pt_vm_conn *conn, int (*poll)(void *ctx), void *ctx)
{
	conn->poll = poll;
	conn->poll_ctx = ctx;
}

static char *version_text(unsigned long version)
{
	return pt_strf("%lu.%lu.%lu", version / 1000000, version / 1000 % 1000, version % 1000);
}

int pt_vm_numbers(struct pt_vm_conn *conn, unsigned long *ret_libvirt, unsigned long *ret_qemu, struct pt_error *err)
{
	if (virConnectGetLibVersion(conn->conn, ret_libvirt) < 0)
		return pt_vm_fail(err, "cannot ask libvirt at %s for its version", conn->uri);
	if (virConnectGetVersion(conn->conn, ret_qemu) < 0)
		*ret_qemu = 0;
	return 0;
}

int pt_vm_version_read(struct pt_vm_conn *conn, struct pt_vm_version *ret_version, struct pt_error *err)
{
	unsigned long libvirt = 0;
	unsigned long hypervisor = 0;
	const char *type = virConnectGetType(conn->conn);
	int r = pt_vm_numbers(conn, &libvirt, &hypervisor, err);

	if (r < 0)
		return r;
	if (!type)
		return pt_vm_fail(err, "cannot ask libvirt at %s what it drives", conn->uri);
	*ret_version = (struct pt_vm_version){
		.uri = pt_strdup(conn->uri),
		.type = pt_strdup(type),
		.libvirt = version_text(libvirt),
		.hypervisor = hypervisor ? version_text(hypervisor) : NULL,
	};
	return 0;
}

void pt_vm_version_done(struct pt_vm_version *version)
{
	free(version->uri);
	free(version->type);
	free(version->libvirt);
	free(version->hypervisor);
	*version = (struct pt_vm_version){ 0 };
}

/* libvirt is restarted by upgrades; its VMs live on, and so must an undo that is half-way */
static void connect_again(struct pt_vm_conn *conn)
{
	virConnectPtr again;

	if (virConnectIsAlive(conn->conn) == 1)
		return;
	again = do_open(conn->uri, conn->readonly);
	if (!again)
		return;
	(void)virConnectClose(conn->conn);
	conn->conn = again;
}

int pt_vm_lookup(struct pt_vm_conn *conn, const char *uuid, virDomainPtr *ret_dom, struct pt_error *err)
{
	virDomainPtr dom = NULL;
	int r;

	if (!conn)
		return pt_say(err, -ENOTCONN, "libvirt was not reached, and a VM is asked for");
	connect_again(conn);
	dom = virDomainLookupByUUIDString(conn->conn, uuid);
	if (!dom) {
		r = pt_vm_fail(err, "cannot find the VM with UUID %s", uuid);
		if (r == -ENOENT)
			return pt_say(err, r, "there is no VM with UUID %s any more", uuid);
		return r;
	}
	*ret_dom = dom;
	return 0;
}
