/* SPDX-License-Identifier: Apache-2.0 */
/* What attach and detach share: from words on the command line to facts, a plan and its proof.  Holds no rule. */
#ifndef PT_CLI_GIVING_H
#define PT_CLI_GIVING_H

#include "cli/claims.h"
#include "cli/cli.h"
#include "decide/attach.h"
#include "model/host.h"
#include "model/plan.h"
#include "vm/libvirt.h"

/* every refusal that may be passed over, by its name (decide/): never all at once */
#define PT_FORCE_OPTIONS                                                                                               \
	{ "force-mounted", 0, NULL, "although a file system on it is mounted", false },                                \
		{ "force-swap", 0, NULL, "although the host swaps to it", false },                                     \
		{ "force-booted-from", 0, NULL, "although the firmware booted this host from it", false },             \
		{ "force-lvm", 0, NULL, "although LVM uses it", false },                                               \
		{ "force-device-mapper", 0, NULL, "although the device mapper uses it", false },                       \
		{ "force-md-raid", 0, NULL, "although an md array uses it", false },                                   \
		{ "force-multipath", 0, NULL, "although multipath uses it", false },                                   \
		{ "force-zfs", 0, NULL, "although ZFS uses it", false },                                               \
		{ "force-btrfs", 0, NULL, "although a btrfs that is mounted has a member on it", false },              \
		{ "force-bcache", 0, NULL, "although bcache uses it", false },                                         \
		{ "force-exported", 0, NULL, "although it is exported (LIO, nvmet)", false },                          \
		{ "force-loop", 0, NULL, "although a loop device stands on it", false },                               \
		{ "force-open", 0, NULL, "although a process has it open", false },                                    \
		{ "force-busy", 0, NULL, "although somebody, nobody knows who, holds it", false },                     \
		{ "force-default-route", 0, NULL, "although it carries the default route", false },                    \
		{ "force-session", 0, NULL, "although it carries this very session", false },                          \
		{ "force-bridge-port", 0, NULL, "although it is a port of a bridge or bond", false },                  \
		{ "force-console", 0, NULL, "although it is the console's GPU", false },                               \
		{ "force-drm-client", 0, NULL, "although a process draws with it", false },                            \
		{ "force-mediated", 0, NULL, "although its mediated devices go with it", false },                      \
		{ "force-vfio-open", 0, NULL, "although a process has it open through VFIO", false },                  \
		{ "force-override", 0, NULL, "although somebody set its driver_override for another driver", false },  \
		{ "force-group-bridge", 0, NULL, "although a bridge of its IOMMU group has a driver", false },         \
		{ "force-group-other", 0, NULL, "although its IOMMU group has a device that is no PCI function",       \
		  false },                                                                                             \
		{ "force-vfs-enabled", 0, NULL, "although it has virtual functions, which go with its driver",         \
		  false },                                                                                             \
		{ "force-vfs-in-use", 0, NULL, "although a VM that is off has one of its virtual functions", false },  \
		{ "force-pf-in-use", 0, NULL, "although its physical function is held for a guest", false },           \
		{ "force-other-vm", 0, NULL, "although a VM that is off has it", false },                              \
		{ "force-other-vm-disk", 0, NULL, "although a VM that is off has a disk on it", false },               \
		{ "force-disks-not-seen", 0, NULL, "although a disk of the VM may be behind it, unseen", false },      \
		{ "force-viommu", 0, NULL, "although the VM has a virtual IOMMU that may not let it", false },         \
		{ "force-memory", 0, NULL, "although there is too little memory to pin", false },                      \
	{                                                                                                              \
		"force-memory-limit", 0, NULL, "although the VM may lock too little memory", false                     \
	}

/* rows for the options of a change to a VM that runs */
#define PT_LIVE_OPTIONS                                                                                                \
	{ "live", 0, NULL, "while the VM runs, without shutting it down", false },                                     \
		{ "no-stop", 0, NULL, "while it runs if it runs, else in its definition: it is never shut down",       \
		  false },                                                                                             \
	{                                                                                                              \
		"unplug-timeout", 0, "SECONDS", "how long a guest may take to let go of a device (60)", false          \
	}

/**
 * struct pt_giving - all that bears on giving devices to a VM, or taking them; owns everything
 * @running: what the VM runs with, once pt_giving_live() was asked; @runs: it does
 * @wanted: the functions named, each once
 * @claims: what of the VMs' leads to disks of this host; their strings are those of @vm and @others
 * @blind: what could not be seen
 */
struct pt_giving {
	struct pt_domain vm;
	struct pt_domain running;
	bool runs;
	struct pt_domains others;
	struct pt_host host;
	PT_ARRAY(struct pt_bdf) wanted;
	struct pt_claims claims;
	struct pt_strv blind;
};

/** pt_giving_look() - operands are VM DEVICE…; usage errors name the operand; nothing is changed */
int pt_giving_look(struct pt_cli *cli, struct pt_vm_conn *conn, struct pt_giving *ret_giving, struct pt_error *err);

/** pt_giving_live() - with --live: look what the VM runs with, if it does */
int pt_giving_live(struct pt_cli *cli, struct pt_vm_conn *conn, struct pt_giving *giving, struct pt_error *err);

void pt_giving_done(struct pt_giving *giving);

/** pt_giving_refused() - print what stands against it, as text or JSON; returns @r, or an exit status with --json */
int pt_giving_refused(struct pt_cli *cli, const struct pt_plan *plan, int r, struct pt_error *err);

/** pt_giving_forced() - the names given with --force-…, NULL-terminated, borrowed from @cli; the caller frees */
const char **pt_giving_forced(const struct pt_cli *cli);

/**
 * pt_giving_options() - what the options of attach and detach ask for; @devices is left empty
 * @ret_forced: the names given with --force-…, borrowed by the request; the caller frees the array
 */
int pt_giving_options(struct pt_cli *cli, struct pt_attach_request *ret_request, const char ***ret_forced,
		      struct pt_error *err);

#endif
