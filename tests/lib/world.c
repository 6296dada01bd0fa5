/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/commands.h"
#include "model/refusal.h"
#include "world.h"

#define GIB_KIB ((uint64_t)1 << 20)

struct pt_bdf world_bdf(const char *text)
{
	struct pt_bdf bdf = { 0 };

	if (pt_bdf_parse(text, &bdf) < 0)
		fail_msg("%s is no PCI address", text);
	return bdf;
}

struct pt_device *world_device(struct world *w, const char *bdf)
{
	struct pt_device *d = pt_devices_find(&w->host.devices, world_bdf(bdf));

	if (!d)
		fail_msg("no device %s", bdf);
	return d;
}

static int by_address(const void *a, const void *b)
{
	return pt_bdf_cmp(((const struct pt_device *)a)->bdf, ((const struct pt_device *)b)->bdf);
}

struct pt_device *world_add_device(struct world *w, const char *bdf, unsigned class_code, const char *driver, int group)
{
	struct pt_device *d = pt_array_add(&w->host.devices);

	d->bdf = world_bdf(bdf);
	d->vendor = 0x8086;
	d->device = 0x1000 + (uint16_t)w->host.devices.n;
	d->class_code = class_code;
	d->driver = pt_strdup_opt(driver);
	d->iommu_group = group;
	d->numa_node = PT_NUMA_NONE;
	d->vfs_now = -1;
	d->vf_index = -1;
	qsort(w->host.devices.v, w->host.devices.n, sizeof(*w->host.devices.v), by_address);
	return world_device(w, bdf);
}

static void add_block(struct world *w, const char *name, const char *disk, const char *controller)
{
	struct pt_block *b = pt_array_add(&w->host.blocks);

	b->name = pt_strdup(name);
	b->disk = pt_strdup(disk);
	b->has_controller = true;
	b->controller = world_bdf(controller);
}

struct pt_domain_disk *world_add_disk(struct world *w, const char *target, const char *bus, const char *source,
				      int block)
{
	struct pt_domain_disk *k = pt_array_add(&w->vm.disks);

	assert_true(w->vm.disks.n <= WORLD_DISKS_MAX);
	k->type = source ? PT_DISK_BLOCK : PT_DISK_NONE;
	k->device = pt_strdup("disk");
	k->target = pt_strdup(target);
	k->bus = pt_strdup(bus);
	k->source = pt_strdup_opt(source);
	w->disk_of[w->vm.disks.n - 1] = block;
	return k;
}

static void add_controller(struct pt_domain *vm, const char *type, unsigned index, const char *model)
{
	struct pt_domain_controller *c = pt_array_add(&vm->controllers);

	c->type = pt_strdup(type);
	c->index = index;
	c->model = pt_strdup_opt(model);
}

struct pt_domain_hostdev *world_add_hostdev(struct pt_domain *vm, const char *bdf, bool managed)
{
	struct pt_domain_hostdev *h = pt_array_add(&vm->hostdevs);

	h->kind = PT_HOSTDEV_PCI;
	h->bdf = world_bdf(bdf);
	h->has_bdf = true;
	h->managed = managed;
	return h;
}

struct pt_domain *world_add_vm(struct world *w, const char *name, enum pt_domain_state state)
{
	struct pt_domain *d = pt_array_add(&w->others);

	d->name = pt_strdup(name);
	d->state = state;
	d->persistent = true;
	d->free_pcie_ports = -1;
	d->pcie_ports = -1;
	return d;
}

struct pt_use *world_use(struct world *w, const char *bdf, enum pt_use_kind kind)
{
	return pt_uses_add(&w->host.uses, world_bdf(bdf), kind, "/proc/self/mountinfo", "sdb > sdb1 > mounted on /srv");
}

void world_ask(struct world *w, const char *bdf)
{
	pt_array_push(&w->asked, world_bdf(bdf));
}

void world_force(struct world *w, const char *name)
{
	pt_array_push(&w->forced, name);
}

static void make_devices(struct world *w)
{
	struct pt_device *d = world_add_device(w, "0000:01:00.0", 0x010400, "megaraid_sas", 14);

	d->vendor = 0x1000;
	d->device = 0x0079;
	d->subvendor = 0x1000;
	d->subdevice = 0x9261;
	d->vendor_name = pt_strdup("Broadcom / LSI");
	d->device_name = pt_strdup("MegaRAID SAS 2108");
	(void)world_add_device(w, "0000:00:01.0", 0x060400, "pcieport", 1);
	(void)world_add_device(w, "0000:00:1f.0", 0x060100, "lpc_ich", 9);
	(void)world_add_device(w, "0000:00:1f.2", 0x010601, "ahci", 9);
	(void)world_add_device(w, "0000:00:1f.3", 0x0c0500, "i801_smbus", 9);
	(void)world_add_device(w, "0000:05:00.0", 0x060400, "pcieport", 20);
	(void)world_add_device(w, "0000:05:01.0", 0x020000, "e1000", 20);
	(void)world_add_device(w, "0000:05:02.0", 0x020000, "e1000", 20);
	d = world_add_device(w, "0000:41:00.0", 0x020000, "igb", 30);
	d->sriov = PT_SRIOV_PF;
	d->vfs_total = 7;
	for (unsigned i = 0; i < 2; i++) {
		d = world_add_device(w, i ? "0000:41:10.2" : "0000:41:10.0", 0x020000, "igbvf", 31 + (int)i);
		d->sriov = PT_SRIOV_VF;
		d->pf = world_bdf("0000:41:00.0");
		d->vf_index = (int)i;
	}
}

static void make_vm(struct world *w)
{
	w->vm.name = pt_strdup("cvm");
	w->vm.uuid = pt_strdup("f5a1d2b6-0b5e-4f0c-9b3f-0c4d3a1e7f21");
	w->vm.type = pt_strdup("kvm");
	w->vm.arch = pt_strdup("x86_64");
	w->vm.machine = pt_strdup("pc-i440fx-9.2");
	w->vm.memory_kib = 20 * GIB_KIB;
	w->vm.free_pcie_ports = -1;
	w->vm.pcie_ports = -1;
	w->vm.persistent = true;
	w->vm.state = PT_DOMAIN_RUNNING;
	add_controller(&w->vm, "scsi", 0, "virtio-scsi");
	add_controller(&w->vm, "ide", 0, NULL);
	add_controller(&w->vm, "pci", 0, "pci-root");
	(void)world_add_disk(w, "hda", "ide", "/srv/boot.iso", -1);
	(void)world_add_disk(w, "sda", "scsi", "/dev/disk/by-id/wwn-1", 0);
	(void)world_add_disk(w, "sdb", "scsi", "/dev/disk/by-id/wwn-2-part1", 2);
	(void)world_add_disk(w, "sdc", "scsi", "/dev/sdc", 3);
	for (size_t i = 0; i < w->vm.disks.n; i++)
		w->vm.disks.v[i].has_controller_index = true;
}

struct world *world_new(void)
{
	struct world *w = pt_alloc(sizeof(*w));
	struct pt_hugepages pool = { 2048, 0, 0 };

	make_devices(w);
	add_block(w, "sda", "sda", "0000:01:00.0");
	add_block(w, "sdb", "sdb", "0000:01:00.0");
	add_block(w, "sdb1", "sdb", "0000:01:00.0");
	add_block(w, "sdc", "sdc", "0000:01:00.0");
	add_block(w, "sdd", "sdd", "0000:00:1f.2");
	w->host.memory.total_kib = 32 * GIB_KIB;
	w->host.memory.available_kib = 10 * GIB_KIB;
	pt_array_push(&w->host.memory.hugepages, pool);
	w->host.iommu_active = PT_KNOWN_YES;
	w->host.intremap = PT_KNOWN_YES;
	make_vm(w);
	w->request.managed = -1;
	w->request.stop_timeout_ms = 120000;
	return w;
}

void world_free(struct world *w)
{
	pt_host_done(&w->host);
	pt_domain_done(&w->vm);
	pt_domains_done(&w->others);
	pt_plan_done(&w->plan);
	free(w->claims.v);
	free(w->asked.v);
	free(w->forced.v);
	free(w);
}

int world_setup(void **state)
{
	*state = world_new();
	return 0;
}

int world_teardown(void **state)
{
	world_free(*state);
	return 0;
}

static void prepare(struct world *w)
{
	w->request.devices = w->asked.v;
	w->request.n_devices = w->asked.n;
	if (w->forced.n) {
		pt_array_push(&w->forced, NULL);
		w->forced.n--;
		w->request.forced = w->forced.v;
	}
	pt_plan_done(&w->plan);
	w->err = (struct pt_error){ 0 };
}

int world_attach(struct world *w)
{
	const struct pt_attach_facts facts = { .host = &w->host,
					       .vm = &w->vm,
					       .running = w->running,
					       .others = &w->others,
					       .disk_of = w->disk_of,
					       .claims = w->claims.v,
					       .n_claims = w->claims.n };

	prepare(w);
	return pt_decide_attach(&facts, &w->request, &w->plan, &w->err);
}

int world_detach(struct world *w)
{
	const struct pt_attach_facts facts = {
		.host = &w->host, .vm = &w->vm, .running = w->running, .others = &w->others
	};

	prepare(w);
	return pt_decide_detach(&facts, &w->request, &w->plan, &w->err);
}

const struct pt_finding *world_finding(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->plan.findings.n; i++)
		if (strcmp(w->plan.findings.v[i].name, name) == 0)
			return &w->plan.findings.v[i];
	return NULL;
}

const struct pt_step *world_step(const struct world *w, enum pt_step_kind kind, size_t i)
{
	for (size_t k = 0; k < w->plan.steps.n; k++)
		if (w->plan.steps.v[k].kind == kind && i-- == 0)
			return &w->plan.steps.v[k];
	return NULL;
}

char *world_steps(const struct world *w)
{
	struct pt_buf out = { 0 };

	for (size_t i = 0; i < w->plan.steps.n; i++)
		pt_buf_addf(&out, "%s%s", i ? " " : "", pt_step_kind_str(w->plan.steps.v[i].kind));
	return pt_buf_take(&out);
}

/* the message says --force-NAME: the command must know it */
static void expect_option(const char *name)
{
	for (const struct pt_option *o = pt_command_attach.options; o->name; o++)
		if (pt_startswith(o->name, "force-") && strcmp(o->name + strlen("force-"), name) == 0)
			return;
	fail_msg("attach has no option --force-%s", name);
}

void world_refused(struct world *w, const char *name, bool forceable)
{
	const struct pt_finding *f;
	int r = world_attach(w);

	if (r != -EPERM)
		fail_msg("not refused: %d %s", r, w->err.msg);
	f = pt_plan_refusal(&w->plan);
	assert_string_equal(f->name, name);
	assert_int_equal(f->forceable, forceable);
	assert_int_equal(w->err.kind, PT_ERROR_REFUSED);
	assert_string_equal(w->err.msg, f->fact);
	assert_string_equal(w->err.refusal, name);
	assert_int_equal(w->err.forceable, forceable);
	assert_non_null(pt_refusal_find(name));
	assert_string_not_equal(w->err.hint, "");
	world_force(w, name);
	r = world_attach(w);
	if (forceable) {
		expect_option(name);
		if (r < 0)
			fail_msg("refused though forced: %s", w->err.msg);
		f = world_finding(w, name);
		assert_non_null(f);
		assert_int_equal(f->verdict, PT_WARN);
		assert_non_null(strstr(f->fact, "--force-"));
	} else {
		assert_int_equal(r, -EPERM);
		assert_string_equal(pt_plan_refusal(&w->plan)->name, name);
	}
}
