/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/findings.h"
#include "cli/print.h"
#include "cli/prove.h"
#include "shape/finding.h"

PT_DEFINE_CLEANUP(struct pt_vm_conn *, pt_vm_close)

static const struct pt_option options[] = {
	{ "wait", 'w', "SECONDS", "ask again until all is proved, at most so long (0)", false },
	{ "no-agent", 0, NULL, "leave the guest alone: only the kernel's and libvirt's word", false },
	{ "qmp", 0, NULL, "ask QEMU's monitor too; libvirt marks the VM as tainted until it is shut off", false },
	{ NULL, 0, NULL, NULL, false },
};

static char *summary(const char *vm, const struct pt_findings *found)
{
	size_t failed = 0;
	size_t unknown = 0;

	for (size_t i = 0; i < found->n; i++) {
		failed += found->v[i].verdict == PT_FAIL;
		unknown += found->v[i].verdict == PT_UNKNOWN;
	}
	if (failed)
		return pt_strf("Not proved: %zu of %zu proofs for %s failed.", failed, found->n, vm);
	if (unknown)
		return pt_strf("%s has its devices, as far as can be seen.", vm);
	return pt_strf("%s has its devices.", vm);
}

static int answer(struct pt_cli *cli, const struct pt_findings *found, struct pt_error *err)
{
	const char *vm = cli->operands[0];
	pt_autofree char *text = pt_text_clean(summary(vm, found));
	int r = PT_EXIT_DONE;

	if (cli->json) {
		r = pt_print_json(cli,
				  json_pack("{s:s, s:s, s:s, s:o}", "vm", vm, "verdict",
					    pt_verdict_str(pt_findings_worst(found)), "summary", text, "findings",
					    pt_findings_json(found)),
				  err);
	} else {
		pt_cli_findings(cli, found);
		(void)fputc('\n', cli->out);
		pt_cli_wrap(cli->out, text, 0, 0);
	}
	if (r < 0)
		return r;
	return pt_findings_worst(found) == PT_FAIL ? PT_EXIT_NO : PT_EXIT_DONE;
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_CLEANUP(pt_vm_closep) struct pt_vm_conn *conn = NULL;
	PT_AUTO(pt_findings) found = { 0 };
	struct pt_prove ask = { .vm = cli->operands[0],
				.qmp = pt_cli_flag(cli, "qmp"),
				.silent = pt_cli_flag(cli, "no-agent") };
	int r = pt_cli_need_live(cli, err);

	if (r >= 0)
		r = pt_cli_number(cli, "wait", 0, 3600, 0, &ask.wait_s, err);
	ask.agent_wait_s = ask.wait_s;
	if (r >= 0)
		r = pt_prove_open(cli, &conn, err);
	if (r >= 0)
		r = pt_prove(cli, conn, &ask, &found, err);
	return r < 0 ? r : answer(cli, &found, err);
}

const struct pt_command pt_command_verify = {
	.name = "verify",
	.args = "VM",
	.group = "Look",
	.summary = "Prove that a guest has its devices",
	.description =
		"One line a proof. First the word of this host's kernel: a VFIO driver holds the device, its DMA is "
		"on,\n"
		"a driver in the guest has taken its interrupts. Then libvirt's: the running VM has "
		"it.\n"
		"Then the guest's own, when its agent answers: the device with its driver, the disks that were behind\n"
		"it on this host by serial number, network interfaces by MAC address.\n\n"
		"Asking the guest agent makes libvirt note \"custom guest agent control commands issued\" for the VM\n"
		"until it is shut off; --no-agent leaves it alone. What nobody can tell is `unknown`. Exit status 0\n"
		"when no proof failed, 3 when one did or the VM does not run.",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
