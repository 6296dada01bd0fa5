/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "host/block.h"
#include "host/capture.h"
#include "host/cpu.h"
#include "host/memory.h"
#include "host/pci.h"
#include "model/host.h"
#include "shape/cpu.h"
#include "shape/device.h"
#include "shape/hostfacts.h"
#include "vm/cpu.h"

static const struct pt_option options[] = {
	{ "capture", 'o', "FILE", "write this host into a tar for a bug report, or for --sysroot", false },
	{ "raw", 0, NULL, "keep serial numbers, MAC addresses, WWNs, UUIDs and the host's name", false },
	{ NULL, 0, NULL, NULL, false },
};

/* the directory of @path, opened, and the name in it */
static int open_parent(const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	pt_autofree char *dir = slash ? pt_strndup(path, slash == path ? 1 : (size_t)(slash - path)) : pt_strdup(".");
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*ret_name = slash ? slash + 1 : path;
	return fd < 0 ? -errno : fd;
}

static int write_tar(const char *path, const struct pt_capture *capture, struct pt_error *err)
{
	pt_autofree char *data = NULL;
	const char *name = NULL;
	pt_autoclose int dir_fd = open_parent(path, &name);
	size_t size = 0;
	int r;

	if (dir_fd < 0 || !*name)
		return pt_usage(err, dir_fd < 0 ? dir_fd : -EISDIR, "--capture %s: %s", path,
				dir_fd < 0 ? strerror(-dir_fd) : "this is a directory, not a file");
	r = pt_capture_tar(capture, name, &data, &size, err);
	if (r < 0)
		return r;
	/* readable for its maker only: whoever asked for --raw may not want it to be seen */
	r = pt_file_write_atomic(dir_fd, name, data, size, 0600);
	return r < 0 ? pt_fail(err, r, "cannot write %s", path) : 0;
}

static int capture(struct pt_cli *cli, const char *path, struct pt_error *err)
{
	PT_AUTO(pt_capture) c = { 0 };
	PT_AUTO(pt_strv) blind = { 0 };
	bool raw = pt_cli_flag(cli, "raw");
	int r = pt_capture_read(&cli->root, raw, &c, &blind, err);

	if (r == 0)
		r = write_tar(path, &c, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < blind.n; i++)
		(void)fprintf(cli->diag, "passthru: not in the capture: %s\n", blind.v[i]);
	if (cli->json)
		return pt_print_json(cli,
				     json_pack("{s:s, s:b, s:I, s:I, s:o}", "capture", path, "raw", raw, "devices",
					       (json_int_t)c.devices.n, "files", (json_int_t)c.files.n, "missing",
					       pt_json_strv(&blind)),
				     err);
	(void)fprintf(cli->out, "%s: %zu devices, %zu files%s\n", path, c.devices.n, c.files.n,
		      raw ? "; with serial numbers, MAC addresses and names as they are"
			  : "; serial numbers, MAC addresses, WWNs, UUIDs and the host's name are replaced");
	return PT_EXIT_DONE;
}

static json_t *memory_json(const struct pt_memory *m)
{
	json_t *pages = json_array();

	for (size_t i = 0; i < m->hugepages.n; i++)
		json_array_append_new(pages,
				      json_pack("{s:I, s:I, s:I}", "size_kib", (json_int_t)m->hugepages.v[i].size_kib,
						"total", (json_int_t)m->hugepages.v[i].total, "free",
						(json_int_t)m->hugepages.v[i].free));
	/* a host has memory: 0 is what could not be read */
	return json_pack("{s:o, s:o, s:o}", "total_kib",
			 m->total_kib ? json_integer((json_int_t)m->total_kib) : json_null(), "available_kib",
			 m->total_kib ? json_integer((json_int_t)m->available_kib) : json_null(), "hugepages", pages);
}

static json_t *devices_json(const struct pt_devices *devices)
{
	json_t *list = json_array();

	for (size_t i = 0; i < devices->n; i++)
		json_array_append_new(list, pt_device_to_json(&devices->v[i], true));
	return list;
}

static json_t *blocks_json(const struct pt_blocks *blocks)
{
	json_t *list = json_array();

	for (size_t i = 0; i < blocks->n; i++)
		json_array_append_new(list, pt_block_to_json(&blocks->v[i]));
	return list;
}

static int read_all(const struct pt_cli *cli, struct pt_host *host, struct pt_error *err)
{
	int r = pt_look_devices(cli, &host->devices, err);

	for (size_t i = 0; r == 0 && i < host->devices.n; i++) {
		r = pt_pci_read(&cli->root, &host->devices.v[i], false, err);
		if (r == -ENODEV) /* gone while we looked */
			r = 0;
	}
	if (r == 0)
		r = pt_block_list(&cli->root, &host->blocks, err);
	if (r < 0)
		return r;
	if (pt_memory_read(&cli->root, &host->memory, NULL) < 0)
		host->memory = (struct pt_memory){ 0 };
	if (cli->root.proc_fd >= 0)
		(void)pt_file_read_line(cli->root.proc_fd, "sys/kernel/hostname", &host->hostname);
	return 0;
}

PT_DEFINE_CLEANUP(struct pt_vm_conn *, pt_vm_close)

/* libvirt tells this only to who may write; a host without it has facts too, and so has a captured one */
static json_t *hypervisor_json(struct pt_cli *cli)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *conn = NULL;
	PT_AUTO(pt_migrate_host) h = { 0 };

	if (cli->root.captured || !pt_vm_uri_is_local(cli->uri) ||
	    pt_vm_open(&cli->root, cli->uri, false, &conn, NULL) < 0 || pt_vm_hypervisor(conn, &h, NULL) < 0)
		return json_null();
	return pt_hypervisor_json(h.known, &h.hypervisor);
}

static json_t *cpu_json(const struct pt_cli *cli)
{
	PT_AUTO(pt_cpu_host) cpu = { 0 };

	return pt_cpu_host_read(&cli->root, &cpu, NULL) < 0 ? json_null() : pt_cpu_host_json(&cpu);
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_AUTO(pt_host) host = { 0 };
	const char *path = pt_cli_value(cli, "capture");
	int r;

	if (path)
		return capture(cli, path, err);
	if (pt_cli_flag(cli, "raw"))
		return pt_usage(err, -EINVAL, "--raw says what goes into a capture: it needs --capture FILE");
	r = read_all(cli, &host, err);
	if (r < 0)
		return r;
	return pt_print_json(cli,
			     json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "hostname", pt_json_text(host.hostname), "cpu",
				       cpu_json(cli), "hypervisor", hypervisor_json(cli), "memory",
				       memory_json(&host.memory), "devices", devices_json(&host.devices), "disks",
				       blocks_json(&host.blocks)),
			     err);
}

const struct pt_command pt_command_facts = {
	.name = "facts",
	.args = "",
	.group = "Look",
	.summary = "Tell everything that decisions are made from, or capture this host in a file",
	.description =
		"Prints, as JSON, what passthru knows of this host: every device in full, disks, memory, the\n"
		"processor, and what its libvirt offers: `passthru migrate --check` and `passthru cpu baseline` read "
		"it.\n\n"
		"--capture FILE writes a tar with the kernel's own files instead: devices.umockdev, proc/, firmware/ "
		"and\n"
		"others, whatever list, show, tree and doctor read.  Another machine looks at it with --sysroot FILE.\n"
		"Serial numbers, MAC addresses, WWNs, UUIDs and the host's name are replaced, the same one by the "
		"same\n"
		"replacement everywhere, so that the file can be given away; IP addresses and the names of volumes "
		"stay.\n"
		"FILE may end in .tar, .tar.gz, .tar.xz or .tar.zst.",
	.options = options,
	.max_operands = 0,
	.run = run,
};
