/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nvme-virt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/file.h"

#define ADMIN_IDENTIFY	 0x06
#define ADMIN_VIRTUAL	 0x1c
#define CNS_CONTROLLER	 0x01
#define CNS_CAPABILITIES 0x14
#define CNS_SECONDARIES	 0x15
#define OACS_VIRTUAL	 (1u << 7)
#define SECONDARY_FIRST	 32
#define SECONDARY_SIZE	 32
#define SECONDARIES_MOST 127
#define COMMAND_MS	 10000u
/* CAP.TO: a controller may take up to two minutes to be ready */
#define RESET_MS 150000u
#define PAGES	 3

static unsigned get16(const unsigned char *at)
{
	return at[0] | (unsigned)at[1] << 8;
}

static unsigned get32(const unsigned char *at)
{
	return get16(at) | get16(at + 2) << 16;
}

/* Primary Controller Capabilities: queues from byte 32 on, interrupts in the same order from 64 on */
static void parse_pool(const unsigned char *at, bool flexible, struct pt_nvme_pool *pool)
{
	*pool = (struct pt_nvme_pool){
		.flexible = flexible,
		.total = get32(at),
		.own = get16(at + 8),
		.fixed = get16(at + 10),
		.most = get16(at + 12),
		.step = get16(at + 14),
	};
}

void pt_nvme_parse(const unsigned char controller[PT_NVME_PAGE], const unsigned char capabilities[PT_NVME_PAGE],
		   const unsigned char secondaries[PT_NVME_PAGE], struct pt_nvme_virt *ret_virt)
{
	unsigned n = secondaries[0] < SECONDARIES_MOST ? secondaries[0] : SECONDARIES_MOST;

	*ret_virt = (struct pt_nvme_virt){ .manages = (get16(controller + 256) & OACS_VIRTUAL) != 0 };
	if (!ret_virt->manages)
		return;
	ret_virt->id = (uint16_t)get16(capabilities);
	parse_pool(capabilities + 32, capabilities[4] & 1, &ret_virt->queues);
	parse_pool(capabilities + 64, capabilities[4] & 2, &ret_virt->interrupts);
	for (unsigned i = 0; i < n; i++) {
		const unsigned char *at = secondaries + SECONDARY_FIRST + (size_t)SECONDARY_SIZE * i;
		struct pt_nvme_secondary *s = pt_array_add(&ret_virt->v);

		*s = (struct pt_nvme_secondary){
			.id = (uint16_t)get16(at),
			.online = at[4] & 1,
			.vfn = (uint16_t)get16(at + 8),
			.queues = (uint16_t)get16(at + 10),
			.interrupts = (uint16_t)get16(at + 12),
		};
	}
}

/* /dev/nvme0 of the function; no block device is opened */
static int open_controller(const struct pt_root *root, struct pt_bdf pf)
{
	pt_autofree char *path = pt_strf("bus/pci/devices/%s/nvme", pt_bdf_str(pf).s);
	PT_AUTO(pt_strv) names = { 0 };

	if (root->captured || pt_file_list(root->sys_fd, path, &names) < 0 || !names.n)
		return -ENODEV;
	pt_strv_sort(&names);
	return pt_file_open(root->dev_fd, names.v[0], O_RDONLY | O_NOCTTY | O_NONBLOCK);
}

/* a controller's own no comes as a positive status */
static int submit(int fd, struct nvme_admin_cmd *command)
{
	int r;

	command->timeout_ms = COMMAND_MS;
	r = ioctl(fd, NVME_IOCTL_ADMIN_CMD, command);
	return r < 0 ? -errno : r;
}

static int identify(int fd, unsigned cns, unsigned char *page)
{
	struct nvme_admin_cmd command = {
		.opcode = ADMIN_IDENTIFY,
		.addr = (uint64_t)(uintptr_t)page,
		.data_len = PT_NVME_PAGE,
		.cdw10 = cns,
	};
	int r = submit(fd, &command);

	return r > 0 ? -EIO : r;
}

static int read_job(const struct pt_job *job, int answer_fd)
{
	static unsigned char pages[PAGES][PT_NVME_PAGE];
	int r = identify(job->fd, CNS_CONTROLLER, pages[0]);

	if (r == 0 && (get16(pages[0] + 256) & OACS_VIRTUAL))
		r = identify(job->fd, CNS_CAPABILITIES, pages[1]);
	if (r == 0 && (get16(pages[0] + 256) & OACS_VIRTUAL))
		r = identify(job->fd, CNS_SECONDARIES, pages[2]);
	return r == 0 ? pt_file_write_all(answer_fd, pages[0], sizeof(pages)) : r;
}

int pt_nvme_read(const struct pt_root *root, struct pt_bdf pf, struct pt_nvme_virt *ret_virt, struct pt_error *err)
{
	pt_autoclose int fd = open_controller(root, pf);
	PT_AUTO(pt_buf) pages = { 0 };
	struct pt_job job = { .work = read_job, .fd = fd, .mark_fd = -1, .timeout_ms = (PAGES + 1) * COMMAND_MS };
	const unsigned char *all;
	int r = fd < 0 ? fd : pt_job_run(&job, &pages);

	if (r == 0 && pages.n != (size_t)PAGES * PT_NVME_PAGE)
		r = -EBADMSG;
	if (r == -ETIMEDOUT)
		return pt_say(err, -EBUSY, "the NVMe controller %s does not answer", pt_bdf_str(pf).s);
	if (r < 0)
		return pt_fail(err, r, "the NVMe controller %s does not tell of its VFs", pt_bdf_str(pf).s);
	all = (const unsigned char *)pages.s;
	pt_nvme_parse(all, all + PT_NVME_PAGE, all + (size_t)2 * PT_NVME_PAGE, ret_virt);
	return 0;
}

static int act_job(const struct pt_job *job, int answer_fd)
{
	struct nvme_admin_cmd command = *(const struct nvme_admin_cmd *)job->arg;
	int status = submit(job->fd, &command);

	return status > 0 ? pt_file_write_all(answer_fd, &status, sizeof(status)) : status;
}

/* the driver holds back what is under way, and sends it again afterwards */
static int reset_job(const struct pt_job *job, int answer_fd)
{
	(void)answer_fd;
	return ioctl(job->fd, NVME_IOCTL_RESET) < 0 ? -errno : 0;
}

/* the end of "the controller refuses controller 2 …" */
static const char *describe(const struct pt_nvme_command *c)
{
	if (c->act == PT_NVME_OFFLINE)
		return "to go offline";
	if (c->act == PT_NVME_ONLINE)
		return "to go online";
	return c->resource == PT_NVME_QUEUES ? "that number of queues" : "that number of interrupts";
}

int pt_nvme_act(const struct pt_root *root, struct pt_bdf pf, const struct pt_nvme_command *command, struct pt_job *job,
		struct pt_error *err)
{
	struct nvme_admin_cmd raw = {
		.opcode = ADMIN_VIRTUAL,
		.cdw10 = (unsigned)command->act | (unsigned)command->resource << 8 | command->id << 16,
		.cdw11 = command->n,
	};
	bool reset = command->act == PT_NVME_RESET;
	pt_autoclose int fd = open_controller(root, pf);
	PT_AUTO(pt_buf) answer = { 0 };
	int status = 0;
	int r = fd;

	if (fd >= 0) {
		job->work = reset ? reset_job : act_job;
		job->arg = &raw;
		job->fd = fd;
		job->timeout_ms = reset ? RESET_MS : 2 * COMMAND_MS;
		r = pt_job_run(job, &answer);
	}
	if (r == 0 && answer.n == sizeof(status))
		memcpy(&status, answer.s, sizeof(status));
	if (status)
		return pt_say(err, -EIO, "the NVMe controller %s refuses controller %u %s: %u (status 0x%x)",
			      pt_bdf_str(pf).s, command->id, describe(command), command->n, (unsigned)status);
	return r < 0 ? pt_fail(err, r, "the NVMe controller %s cannot be asked", pt_bdf_str(pf).s) : 0;
}
