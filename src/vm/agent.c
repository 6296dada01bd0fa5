/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/agent.h"

#include <errno.h>

#include "base/text.h"
#include "vm/conn.h"
#include "vm/reply.h"

#define PING_LIMIT_S 3
#define ASK_LIMIT_S  10

/* the kernel's table is a line of some 200 characters a function; what is longer than this is no such table */
#define TABLE_MAX    ((size_t)256 << 10)
#define TABLE_CHUNKS 64

/* a processor takes 1 to 2 KiB there; the first ones are enough */
#define CPUINFO_ENOUGH ((size_t)64 << 10)

/* a parser for the reply to one command */
typedef int (*reply_parser)(const char *reply, struct pt_guest *guest, struct pt_error *err);

static int ask(const struct pt_agent *agent, const char *command, char **ret_reply, struct pt_error *err)
{
	return agent->ask(agent->ctx, command, ASK_LIMIT_S, ret_reply, err);
}

static int ask_list(const struct pt_agent *agent, const char *name, reply_parser parse, struct pt_guest *guest,
		    struct pt_error *err)
{
	pt_autofree char *command = pt_strf("{\"execute\":\"%s\"}", name);
	pt_autofree char *reply = NULL;
	int r = ask(agent, command, &reply, err);

	if (r >= 0)
		r = parse(reply, guest, err);
	return r < 0 ? pt_wrap(err, r, "guest agent, %s", name) : 0;
}

static void ask_disks(const struct pt_agent *agent, const struct pt_strv *can, struct pt_guest *guest)
{
	struct pt_error err = { 0 };
	int r = -EOPNOTSUPP;

	if (pt_strv_has(can, "guest-get-disks"))
		r = ask_list(agent, "guest-get-disks", pt_reply_disks, guest, &err);
	/* older agents, and those of other systems than Linux and Windows, know only disks with a file system on them
	 */
	if (r < 0 && pt_strv_has(can, "guest-get-fsinfo"))
		r = ask_list(agent, "guest-get-fsinfo", pt_reply_fsinfo, guest, &err);
	if (r < 0)
		guest->disks_unknown = pt_strdup(err.msg[0] ? err.msg : "its guest agent has no guest-get-disks");
}

static void ask_nics(const struct pt_agent *agent, const struct pt_strv *can, struct pt_guest *guest)
{
	struct pt_error err = { 0 };

	if (!pt_strv_has(can, "guest-network-get-interfaces"))
		guest->nics_unknown = pt_strdup("its guest agent has no guest-network-get-interfaces");
	else if (ask_list(agent, "guest-network-get-interfaces", pt_reply_nics, guest, &err) < 0)
		guest->nics_unknown = pt_strdup(err.msg);
}

/* @enough: what is behind that many bytes is not wanted; 0: all is, and a file without an end is an error */
static int read_chunks(const struct pt_agent *agent, long long handle, size_t enough, struct pt_buf *text,
		       struct pt_error *err)
{
	pt_autofree char *command =
		pt_strf("{\"execute\":\"guest-file-read\",\"arguments\":{\"handle\":%lld,\"count\":65536}}", handle);
	bool eof = false;

	for (unsigned i = 0; !eof; i++) {
		pt_autofree char *reply = NULL;
		int r = ask(agent, command, &reply, err);

		if (r >= 0)
			r = pt_reply_chunk(reply, text, &eof, err);
		if (r < 0)
			return r;
		if (enough && text->n >= enough)
			return 0;
		if (text->n > TABLE_MAX || i > TABLE_CHUNKS)
			return pt_say(err, -EFBIG, "the file has no end");
	}
	return 0;
}

static int read_file(const struct pt_agent *agent, const char *path, size_t enough, struct pt_buf *text,
		     struct pt_error *err)
{
	pt_autofree char *open =
		pt_strf("{\"execute\":\"guest-file-open\",\"arguments\":{\"path\":\"%s\",\"mode\":\"r\"}}", path);
	pt_autofree char *reply = NULL;
	pt_autofree char *command = NULL;
	pt_autofree char *closed = NULL;
	long long handle = 0;
	int r = ask(agent, open, &reply, err);

	if (r >= 0)
		r = pt_reply_handle(reply, &handle, err);
	if (r < 0)
		return r;
	r = read_chunks(agent, handle, enough, text, err);
	command = pt_strf("{\"execute\":\"guest-file-close\",\"arguments\":{\"handle\":%lld}}", handle);
	/* the guest's descriptor; the agent closes what is left when it ends */
	(void)ask(agent, command, &closed, NULL);
	return r;
}

/* one file that lists every function with ids and driver, so that no path is made of what the guest says */
static int read_pci_table(const struct pt_agent *agent, struct pt_guest *guest, struct pt_error *err)
{
	PT_AUTO(pt_buf) text = { 0 };
	int r = read_file(agent, "/proc/bus/pci/devices", 0, &text, err);

	if (r >= 0 && text.s)
		pt_reply_pci_table(text.s, guest);
	return r;
}

static void ask_functions(const struct pt_agent *agent, const struct pt_strv *can, struct pt_guest *guest)
{
	struct pt_error err = { 0 };
	int r = -EOPNOTSUPP;

	if (pt_strv_has(can, "guest-get-devices"))
		r = ask_list(agent, "guest-get-devices", pt_reply_devices, guest, &err);
	if (r < 0 && pt_strv_has(can, "guest-file-open") && pt_strv_has(can, "guest-file-read"))
		r = read_pci_table(agent, guest, &err);
	if (r >= 0 && guest->functions.n)
		return;
	if (r >= 0)
		guest->functions_unknown = pt_strdup("the guest lists no PCI functions");
	else
		guest->functions_unknown =
			pt_strdup(err.msg[0] ? err.msg : "its guest agent may not read files (guest-file-open)");
}

void pt_agent_ask(const struct pt_agent *agent, struct pt_guest *ret_guest)
{
	PT_AUTO(pt_strv) can = { 0 };
	pt_autofree char *pong = NULL;
	pt_autofree char *info = NULL;
	pt_autofree char *os = NULL;
	struct pt_guest guest = { 0 };
	struct pt_error err = { 0 };
	int r = agent->ask(agent->ctx, "{\"execute\":\"guest-ping\"}", PING_LIMIT_S, &pong, &err);

	if (r >= 0)
		r = ask(agent, "{\"execute\":\"guest-info\"}", &info, &err);
	if (r >= 0)
		r = pt_reply_commands(info, &can, &err);
	if (r < 0) {
		pt_guest_keep_silent(&guest, err.msg);
		*ret_guest = guest;
		return;
	}
	/* the name of the system is for the eye only */
	if (pt_strv_has(&can, "guest-get-osinfo") && ask(agent, "{\"execute\":\"guest-get-osinfo\"}", &os, NULL) >= 0)
		(void)pt_reply_os(os, &guest.os, NULL);
	ask_disks(agent, &can, &guest);
	ask_nics(agent, &can, &guest);
	ask_functions(agent, &can, &guest);
	*ret_guest = guest;
}

static int ask_libvirt(void *ctx, const char *command, int timeout_s, char **ret_reply, struct pt_error *err)
{
	virDomainPtr dom = ctx;
	char *reply = virDomainQemuAgentCommand(dom, command, timeout_s, 0);

	if (!reply)
		return pt_vm_fail(err, "libvirt says");
	*ret_reply = reply;
	return 0;
}

void pt_guest_ask(struct pt_vm_conn *conn, const char *uuid, struct pt_guest *ret_guest)
{
	pt_autodomain virDomainPtr dom = NULL;
	PT_AUTO(pt_domain) live = { 0 };
	struct pt_error err = { 0 };
	int r = pt_vm_live(conn, uuid, &live, &err);

	if (r >= 0 && !live.guest_agent) {
		*ret_guest = (struct pt_guest){ 0 };
		pt_guest_keep_silent(ret_guest, "the VM has no channel for a guest agent");
		ret_guest->no_channel = true;
		return;
	}
	if (r >= 0)
		r = pt_vm_lookup(conn, uuid, &dom, &err);
	if (r < 0) {
		*ret_guest = (struct pt_guest){ 0 };
		pt_guest_keep_silent(ret_guest, err.msg);
		return;
	}
	pt_agent_ask(&(struct pt_agent){ dom, ask_libvirt }, ret_guest);
}

/* QEMU's agent, of whatever version, on a command that its configuration leaves out, or that it was built without */
static bool is_forbidden(const char *words)
{
	return strstr(words, "has been disabled") || strstr(words, "has not been found") ||
	       strstr(words, "is not allowed");
}

int pt_agent_file(const struct pt_agent *agent, const char *path, size_t enough, char **ret_text, struct pt_error *err)
{
	PT_AUTO(pt_buf) text = { 0 };
	pt_autofree char *pong = NULL;
	struct pt_error why = { 0 };
	int r = agent->ask(agent->ctx, "{\"execute\":\"guest-ping\"}", PING_LIMIT_S, &pong, err);

	if (r < 0)
		return r;
	r = read_file(agent, path, enough, &text, &why);
	if (r >= 0) {
		*ret_text = pt_buf_take(&text);
		return 0;
	}
	if (is_forbidden(why.msg))
		r = why.code = -EACCES;
	if (err)
		*err = why;
	return r;
}

static int read_from_guest(struct pt_vm_conn *conn, const char *uuid, const char *path, size_t enough, char **ret_text,
			   struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	PT_AUTO(pt_domain) live = { 0 };
	int r = pt_vm_live(conn, uuid, &live, err);

	if (r >= 0 && !live.guest_agent)
		return pt_say(err, -EOPNOTSUPP, "%s has no channel for a guest agent", live.name);
	if (r >= 0)
		r = pt_vm_lookup(conn, uuid, &dom, err);
	return r < 0 ? r : pt_agent_file(&(struct pt_agent){ dom, ask_libvirt }, path, enough, ret_text, err);
}

int pt_guest_cpuinfo(struct pt_vm_conn *conn, const char *uuid, char **ret_text, struct pt_error *err)
{
	return read_from_guest(conn, uuid, "/proc/cpuinfo", CPUINFO_ENOUGH, ret_text, err);
}

int pt_guest_iommu(struct pt_vm_conn *conn, const char *uuid, char **ret_type, struct pt_error *err)
{
	struct pt_error why = { 0 };
	pt_autofree char *text = NULL;
	int r = read_from_guest(conn, uuid, "/sys/kernel/iommu_groups/0/type", 1, &text, &why);

	if (r >= 0) {
		text[strcspn(text, "\n")] = '\0';
		*ret_type = pt_text_clean(pt_take_ptr(text));
		return 1;
	}
	/* the agent of a guest answers with its own errno's text */
	if (strstr(why.msg, strerror(ENOENT)))
		return 0;
	if (err)
		*err = why;
	return r;
}

int pt_qmp_functions(struct pt_vm_conn *conn, const char *uuid, struct pt_qmp_functions *ret_functions,
		     struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	pt_autofree char *reply = NULL;
	struct pt_qmp_functions l = { 0 };
	int r = pt_vm_lookup(conn, uuid, &dom, err);

	if (r < 0)
		return r;
	if (virDomainQemuMonitorCommand(dom, "{\"execute\":\"query-pci\"}", &reply, 0) < 0)
		return pt_vm_fail(err, "QEMU's monitor does not answer for %s", virDomainGetName(dom));
	r = pt_reply_query_pci(reply, &l, err);
	if (r < 0) {
		pt_qmp_functions_done(&l);
		return pt_wrap(err, r, "query-pci of %s", virDomainGetName(dom));
	}
	*ret_functions = l;
	return 0;
}
