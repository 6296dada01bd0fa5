/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Virtualization Management of an NVMe controller (NVM Express Base Specification 2.0, 5.30 and 8.26) through its
 * character device.  Gives single commands; host/nvme-set.h knows their order.  Never touches a namespace.
 */
#ifndef PT_HOST_NVME_VIRT_H
#define PT_HOST_NVME_VIRT_H

#include "base/error.h"
#include "base/root.h"
#include "host/job.h"
#include "model/bdf.h"
#include "model/nvme.h"

#define PT_NVME_PAGE 4096u

/* the command's actions and resources, as they are numbered; and a reset, without which the first has no effect */
enum pt_nvme_act {
	PT_NVME_OWN = 1,
	PT_NVME_OFFLINE = 7,
	PT_NVME_ASSIGN = 8,
	PT_NVME_ONLINE = 9,
	PT_NVME_RESET = 256,
};

enum pt_nvme_resource {
	PT_NVME_QUEUES = 0,
	PT_NVME_INTERRUPTS = 1,
};

/** pt_nvme_parse() - the three pages that a controller identifies itself with, as it gave them; any bytes do */
void pt_nvme_parse(const unsigned char controller[PT_NVME_PAGE], const unsigned char capabilities[PT_NVME_PAGE],
		   const unsigned char secondaries[PT_NVME_PAGE], struct pt_nvme_virt *ret_virt);

/** pt_nvme_read() - 0; -ENODEV it is no NVMe controller that a driver of this host has; others with @err */
int pt_nvme_read(const struct pt_root *root, struct pt_bdf pf, struct pt_nvme_virt *ret_virt, struct pt_error *err);

/**
 * struct pt_nvme_command - about the secondary controller @id; PT_NVME_OWN and PT_NVME_RESET are about the primary
 * @n: how many, for PT_NVME_OWN and PT_NVME_ASSIGN
 */
struct pt_nvme_command {
	enum pt_nvme_act act;
	enum pt_nvme_resource resource;
	unsigned id;
	unsigned n;
};

/**
 * pt_nvme_act() - give one command
 * @job: with @mark_fd; the rest is filled in
 *
 * Return: 0; -EIO the controller refuses, with its status; -ETIMEDOUT: @job->pid hangs; else the kernel's errno.
 */
int pt_nvme_act(const struct pt_root *root, struct pt_bdf pf, const struct pt_nvme_command *command, struct pt_job *job,
		struct pt_error *err);

#endif
