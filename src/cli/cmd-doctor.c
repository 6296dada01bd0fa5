/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/findings.h"
#include "cli/identify.h"
#include "cli/print.h"
#include "decide/doctor.h"
#include "host/block.h"
#include "host/group-others.h"
#include "host/memory.h"
#include "host/pci.h"
#include "host/platform.h"
#include "host/reserved.h"
#include "host/resolve.h"
#include "host/users.h"
#include "shape/finding.h"
#include "vm/libvirt.h"

PT_DEFINE_CLEANUP(struct pt_vm_conn *, pt_vm_close)

/* the libvirt that answers here is not a captured host's */
static void ask_libvirt(const struct pt_cli *cli, struct pt_libvirt *ret, struct pt_domains *ret_vms)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *conn = NULL;
	PT_AUTO(pt_vm_version) version = { 0 };
	struct pt_error err = { 0 };
	int r;

	if (cli->root.captured)
		return;
	ret->uri = pt_strdup(cli->uri ? cli->uri : PT_VM_DEFAULT_URI);
	r = pt_vm_open(&cli->root, cli->uri, true, &conn, &err);
	if (r == 0)
		r = pt_vm_version_read(conn, &version, &err);
	if (r < 0) {
		ret->reachable = PT_KNOWN_NO;
		ret->error = pt_strdup(err.msg);
		ret->fix = err.hint[0] ? pt_strdup(err.hint) : NULL;
		return;
	}
	ret->reachable = PT_KNOWN_YES;
	ret->version = pt_strdup(version.libvirt);
	if (version.hypervisor)
		ret->hypervisor = pt_strf("%s %s", version.type ? version.type : "hypervisor", version.hypervisor);
	/* a definition that cannot be read stands in the way of a change to it, and says nothing of this host */
	if (cli->n_operands == 0 && pt_vm_list(conn, NULL, ret_vms, NULL) < 0)
		*ret_vms = (struct pt_domains){ 0 };
}

static size_t count_unknown(const struct pt_findings *findings)
{
	size_t n = 0;

	for (size_t i = 0; i < findings->n; i++)
		n += findings->v[i].verdict == PT_UNKNOWN;
	return n;
}

/* the last line: the verdict, or the first thing to fix */
static char *summary(const char *can, const struct pt_findings *findings)
{
	const struct pt_finding *first = pt_doctor_first(findings);
	const struct pt_finding *undecided = pt_doctor_undecided(findings);

	if (first)
		return pt_strf("To fix first: %s: %s.", first->name, first->fix ? first->fix : first->fact);
	if (undecided)
		return pt_strf("Not decided: %s: %s.", undecided->name, undecided->fact);
	return pt_strf("%s%s.", can, count_unknown(findings) ? ", as far as can be seen" : "");
}

static int print_json(struct pt_cli *cli, const char *device, const char *text, const struct pt_findings *findings,
		      struct pt_error *err)
{
	json_t *o = json_object();

	if (device)
		(void)json_object_set_new(o, "device", json_string(device));
	(void)json_object_set_new(o, "verdict", json_string(pt_verdict_str(pt_findings_worst(findings))));
	(void)json_object_set_new(o, "summary", json_string(text));
	(void)json_object_set_new(o, "findings", pt_findings_json(findings));
	return pt_print_json(cli, o, err);
}

static int answer(struct pt_cli *cli, const struct pt_device *device, const struct pt_findings *findings,
		  struct pt_error *err)
{
	struct pt_bdf_text bdf = device ? pt_bdf_str(device->bdf) : (struct pt_bdf_text){ "" };
	pt_autofree char *can =
		device ? pt_strf("%s can be passed through", bdf.s) : pt_strdup("This host can pass devices through");
	pt_autofree char *text = summary(can, findings);
	int r = PT_EXIT_DONE;

	if (cli->json) {
		r = print_json(cli, device ? bdf.s : NULL, pt_text_clean(text), findings, err);
	} else {
		pt_cli_findings(cli, findings);
		(void)fputc('\n', cli->out);
		pt_cli_wrap(cli->out, pt_text_clean(text), 0, 0);
	}
	if (r < 0)
		return r;
	return pt_findings_worst(findings) == PT_FAIL ? PT_EXIT_NO : PT_EXIT_DONE;
}

/* a question about one device is answered with what stands against the host, and with all about the device */
static void keep_troubles(const struct pt_findings *host, struct pt_findings *to)
{
	for (size_t i = 0; i < host->n; i++) {
		const struct pt_finding *f = &host->v[i];

		if (f->verdict == PT_FAIL || f->verdict == PT_WARN)
			pt_findings_add(to, f->verdict, f->name, f->where, f->fix, "%s", f->fact);
	}
}

static int find_device(struct pt_cli *cli, struct pt_host *host, struct pt_device **ret_device, struct pt_error *err)
{
	struct pt_bdf bdf;
	int r = pt_resolve_device(&cli->root, &host->devices, cli->operands[0], &bdf, err);

	if (r < 0)
		return r;
	*ret_device = pt_devices_find(&host->devices, bdf);
	if (!*ret_device)
		return pt_usage(err, -ENODEV, "there is no device %s", pt_bdf_str(bdf).s);
	return pt_pci_read(&cli->root, *ret_device, false, err);
}

static int find_users(const struct pt_cli *cli, struct pt_host *host, const struct pt_device *device,
		      struct pt_strv *blind, struct pt_error *err)
{
	int r = pt_block_list(&cli->root, &host->blocks, err);

	if (r < 0)
		return r;
	pt_group_others(&cli->root, device->iommu_group, host);
	return pt_users_find(&cli->root, host, &device->bdf, 1, &host->uses, blind, err);
}

static int judge_device(struct pt_cli *cli, const struct pt_platform *platform, struct pt_host *host,
			struct pt_findings *findings, struct pt_error *err)
{
	PT_AUTO(pt_strv) blind = { 0 };
	struct pt_device_platform more;
	struct pt_device *device = NULL;
	int r = find_device(cli, host, &device, err);

	if (r == 0 && !pt_device_is_bridge(device))
		r = find_users(cli, host, device, &blind, err);
	if (r < 0)
		return r;
	pt_platform_device(&cli->root, device, &more);
	pt_doctor_device(platform, host, device, &more, findings);
	/* what could not be looked at is a finding too, not a silence */
	for (size_t i = 0; i < blind.n; i++)
		pt_findings_add(findings, PT_UNKNOWN, "users", NULL, NULL, "%s", blind.v[i]);
	return answer(cli, device, findings, err);
}

/* where everything is that was reserved or given; without a reservation nothing is said */
static int judge_reserved(const struct pt_cli *cli, struct pt_host *host, struct pt_findings *findings,
			  struct pt_error *err)
{
	PT_AUTO(pt_keeps) known = { 0 };
	PT_AUTO(pt_identities) present = { 0 };
	PT_AUTO(pt_whereabouts_list) where = { 0 };
	PT_AUTO(pt_blocks) blocks = { 0 };
	PT_AUTO(pt_strv) bad = { 0 };
	PT_AUTO(pt_strv) against = { 0 };
	int r = pt_keep_list(&cli->root, &known, &bad, err);

	for (size_t i = 0; i < bad.n; i++)
		pt_findings_add(findings, PT_FAIL, "reserved", NULL,
				"see what is in it; `passthru history` tells what "
				"was reserved",
				"%s", bad.v[i]);
	if (r < 0 || !known.n)
		return r;
	r = pt_block_list(&cli->root, &blocks, err);
	if (r == 0)
		r = pt_keep_present(&cli->root, &known, &host->devices, &blocks, &present, err);
	if (r < 0)
		return r;
	pt_whereabouts_find(&known, &present, &where);
	for (size_t i = 0; i < where.n; i++) {
		const struct pt_device *d = pt_devices_find(&host->devices, where.v[i].bdf);
		char *other = d ? pt_override_against(&cli->root, d) : NULL;

		pt_strv_take(&against, other ? other : pt_strdup(""));
	}
	pt_doctor_reserved(&known, &where, &host->devices, &against, pt_early_installed(&cli->root) == 1, findings);
	return 0;
}

static int judge(struct pt_cli *cli, const struct pt_platform *platform, struct pt_host *host,
		 const struct pt_domains *vms, struct pt_error *err)
{
	PT_AUTO(pt_findings) of_host = { 0 };
	PT_AUTO(pt_findings) findings = { 0 };
	bool memory_known = pt_memory_read(&cli->root, &host->memory, NULL) == 0;

	int r;

	pt_doctor_host(platform, host, memory_known, &of_host);
	r = judge_reserved(cli, host, &of_host, err);
	if (r < 0)
		return r;
	pt_doctor_ports(vms, &of_host);
	if (cli->n_operands == 0)
		return answer(cli, NULL, &of_host, err);
	keep_troubles(&of_host, &findings);
	return judge_device(cli, platform, host, &findings, err);
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_AUTO(pt_platform) platform = { 0 };
	PT_AUTO(pt_host) host = { 0 };
	PT_AUTO(pt_domains) vms = { 0 };
	int r = pt_look_devices(cli, &host.devices, err);

	/* a host without PCI can still be asked why */
	if (r < 0 && cli->n_operands)
		return r;
	pt_platform_read(&cli->root, &platform);
	ask_libvirt(cli, &platform.libvirt, &vms);
	return judge(cli, &platform, &host, &vms, err);
}

const struct pt_command pt_command_doctor = {
	.name = "doctor",
	.args = "[DEVICE]",
	.group = "Look",
	.summary = "Can this host, this device, be passed through, and if not, why not",
	.description = "One line a check: its verdict (ok, note, warn, unknown, fail), what was found, where it was "
		       "read, and\n"
		       "what to do about it on this host: which boot loader, which file, which command. A check that "
		       "depends on\n"
		       "one that failed is left out. The last line says that all is well, or what to fix first.\n\n"
		       "With DEVICE, its IOMMU group, driver, resets, BARs, reserved memory and SR-IOV are judged, "
		       "after what\n"
		       "stands against the host. Nothing is changed. Without root, what cannot be seen is `unknown`.",
	.max_operands = 1,
	.run = run,
};
