/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What change/ may do to the host: single attribute writes below sysfs, a module, a file of our own.  Decides nothing
 * and knows no order of writes (host/bind.h and host/reserve.h do).  A test passes a fake kernel's functions instead.
 */
#ifndef PT_HOST_OPS_H
#define PT_HOST_OPS_H

#include "base/error.h"
#include "base/root.h"
#include "host/nvme-virt.h"
#include "model/bdf.h"
#include "model/link-state.h"
#include "model/sriov.h"

/* where we keep files of our own: readable state, the udev rules made from it, what this boot has found out */
enum pt_host_place {
	PT_HOST_RESERVED, /* /etc/passthru/reserved.d */
	PT_HOST_RULES,	  /* /etc/udev/rules.d */
	PT_HOST_RUN,	  /* /run/passthru: until the next boot */
	PT_HOST_SRIOV,	  /* /etc/passthru/sriov.d */
};

/**
 * struct pt_host_ops
 * @settle_ms: how long a link in sysfs may take to agree after a write that returned
 * @write: one value to one attribute, on behalf of the function @bdf.  0, the kernel's errno, -ETIMEDOUT when the write
 *         did not return within @timeout_ms (it goes on hanging by itself), -EBUSY when an earlier write to @bdf still
 *         hangs; nothing is written then.  @timeout_ms 0 is PT_HOST_WRITE_MS
 * @quiet: wait until no write to @bdf is under way any more, of whatever process: one that was killed leaves its last
 *         write to end by itself.  0; -EBUSY when it does not within @timeout_ms
 * @read: first line of an attribute; caller frees; -ENOENT
 * @link: last component of a link's target; caller frees; -ENOENT when there is no such link
 * @exists: 1, 0, or a negative errno
 * @pause: wait a little for the kernel; NULL: nanosleep(2)
 * @load_module: by name or alias; 0 when it is loaded already; -ENOENT when there is none
 * @holders: who has a node of the function open, in words; caller frees; NULL: nobody
 * @viable: may VFIO have the function's IOMMU group?  1 yes; -EPERM no, -EBUSY in use, both with who stands in the way;
 *          -ENOENT nobody can be asked
 * @file_read: a file of ours as a whole; caller frees; -ENOENT
 * @file_write: create or replace it; @text NULL removes it (-ENOENT when it is not there)
 * @vf_read: the network interface of a PF with the settings of its VFs; -ENODEV when it has none here
 * @vf_write: one setting of one VF; the kernel's errno; -ETIMEDOUT and -EBUSY as @write
 * @link_write: what it says of the interface of a PF, up or down and its MTU; as @vf_write
 * @pf_link: @up: set the PF's interface up where it is down, and wait for its carrier: 1 it was down, 0 it was up;
 *           -ENETDOWN no carrier within @timeout_ms, and it is as it was; @timeout_ms 0: not waited for.  Not @up: set
 * it down
 * Paths are relative to /sys.  What has an @err fills it in on failure.
 */
struct pt_host_ops {
	void *ctx;
	unsigned settle_ms;
	int (*write)(void *ctx, struct pt_bdf bdf, const char *path, const char *value, unsigned timeout_ms,
		     struct pt_error *err);
	int (*quiet)(void *ctx, struct pt_bdf bdf, unsigned timeout_ms, struct pt_error *err);
	int (*read)(void *ctx, const char *path, char **ret_line);
	int (*link)(void *ctx, const char *path, char **ret_name);
	int (*exists)(void *ctx, const char *path);
	void (*pause)(void *ctx, unsigned ms);
	int (*load_module)(void *ctx, const char *name, struct pt_error *err);
	char *(*holders)(void *ctx, struct pt_bdf bdf);
	int (*viable)(void *ctx, struct pt_bdf bdf, struct pt_error *err);
	int (*file_read)(void *ctx, enum pt_host_place place, const char *name, char **ret_text, struct pt_error *err);
	int (*file_write)(void *ctx, enum pt_host_place place, const char *name, const char *text,
			  struct pt_error *err);
	int (*vf_read)(void *ctx, struct pt_bdf pf, struct pt_pf_link *ret_link, struct pt_error *err);
	int (*vf_write)(void *ctx, struct pt_bdf pf, unsigned index, const struct pt_vf_settings *one,
			struct pt_error *err);
	int (*pf_link)(void *ctx, struct pt_bdf pf, bool up, unsigned timeout_ms, struct pt_error *err);
	int (*nvme_read)(void *ctx, struct pt_bdf pf, struct pt_nvme_virt *ret_virt, struct pt_error *err);
	int (*nvme_act)(void *ctx, struct pt_bdf pf, const struct pt_nvme_command *command, struct pt_error *err);
	int (*link_write)(void *ctx, struct pt_bdf pf, const struct pt_link_state *want, struct pt_error *err);
};

#define PT_HOST_WRITE_MS  10000u
#define PT_HOST_MODULE_MS 30000u

/**
 * struct pt_host_paths - absolute directories; made when something is written and they are missing
 * @run: marks of writes under way: a write that hangs outlives this program, its mark tells the next one
 */
struct pt_host_paths {
	const char *reserved;
	const char *rules;
	const char *run;
	const char *sriov;
};

struct pt_host_writer;

/**
 * pt_host_writer_open() - the real thing; touches nothing before something is written
 * @root: the running host; borrowed, as @paths
 * @ret_ops: filled in; valid until pt_host_writer_close()
 */
void pt_host_writer_open(const struct pt_root *root, const struct pt_host_paths *paths,
			 struct pt_host_writer **ret_writer, struct pt_host_ops *ret_ops);

/* NULL is allowed */
void pt_host_writer_close(struct pt_host_writer *writer);

#endif
