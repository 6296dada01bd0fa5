/* SPDX-License-Identifier: Apache-2.0 */
#include "fakevm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "domxml/domxml.h"

static const char definition[] = "<domain type='kvm'>\n"
				 "  <name>%s</name>\n"
				 "  <uuid>%s</uuid>\n"
				 "  <memory unit='KiB'>2097152</memory>\n"
				 "  <currentMemory unit='KiB'>2097152</currentMemory>\n"
				 "  <vcpu placement='static'>2</vcpu>\n"
				 "  <os>\n"
				 "    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>\n"
				 "  </os>\n"
				 "  <devices>\n"
				 "    <emulator>/usr/bin/qemu-system-x86_64</emulator>\n"
				 "    <disk type='block' device='disk'>\n"
				 "      <source dev='/dev/disk/by-id/scsi-35002538e00000001'/>\n"
				 "      <target dev='sda' bus='scsi'/>\n"
				 "      <address type='drive' controller='0' bus='0' target='0' unit='0'/>\n"
				 "    </disk>\n"
				 "    <disk type='block' device='disk'>\n"
				 "      <source dev='/dev/disk/by-id/scsi-35002538e00000002'/>\n"
				 "      <target dev='sdb' bus='scsi'/>\n"
				 "      <address type='drive' controller='0' bus='0' target='0' unit='1'/>\n"
				 "    </disk>\n"
				 "    <disk type='file' device='disk'>\n"
				 "      <source file='/var/lib/libvirt/images/boot.qcow2'/>\n"
				 "      <target dev='vda' bus='virtio'/>\n"
				 "    </disk>\n"
				 "    <controller type='scsi' index='0' model='virtio-scsi'/>\n"
				 "    <graphics type='vnc' port='-1' passwd='sesame'/>\n"
				 "  </devices>\n"
				 "</domain>\n";

struct fakevm *fakevm_new(struct fault *fault, struct fakekernel *kernel)
{
	struct fakevm *vm = fault_shared(sizeof(*vm));

	vm->fault = fault;
	vm->kernel = kernel;
	return vm;
}

void fakevm_free(struct fakevm *vm)
{
	fault_unshare(vm, sizeof(*vm));
}

struct fakevm_one *fakevm_add(struct fakevm *vm, const char *name, const char *uuid, enum pt_domain_state state)
{
	struct fakevm_one *one = &vm->vms[vm->n++];

	(void)snprintf(one->name, sizeof(one->name), "%s", name);
	(void)snprintf(one->uuid, sizeof(one->uuid), "%s", uuid);
	(void)snprintf(one->xml, sizeof(one->xml), definition, name, uuid);
	memcpy(one->live, one->xml, sizeof(one->live));
	one->state = state;
	return one;
}

static struct fakevm_one *find(struct fakevm *vm, const char *uuid, struct pt_error *err)
{
	for (unsigned i = 0; i < vm->n; i++)
		if ((!vm->vms[i].away || vm->vms[i].remains) && strcmp(vm->vms[i].uuid, uuid) == 0)
			return &vm->vms[i];
	(void)pt_say(err, -ENOENT, "no VM has the UUID %s", uuid);
	return NULL;
}

static int fake_get_xml(void *ctx, const char *uuid, char **ret_xml, struct pt_error *err)
{
	const struct fakevm_one *one = find(ctx, uuid, err);

	if (!one)
		return -ENOENT;
	*ret_xml = pt_strdup(one->xml);
	return 0;
}

/* libvirt gives a new device its place on the guest's bus */
static char *complete(const char *xml)
{
	static const char place[] =
		"<address type='pci' domain='0x0000' bus='0x05' slot='0x00' function='0x0'/></hostdev>";
	struct pt_buf b = { 0 };
	const char *from = xml;
	const char *end;

	while ((end = strstr(from, "</hostdev>"))) {
		char *before = pt_strndup(from, (size_t)(end - from));

		pt_buf_add(&b, before);
		pt_buf_add(&b, strstr(before, "address type='pci'") ? "</hostdev>" : place);
		free(before);
		from = end + strlen("</hostdev>");
	}
	pt_buf_add(&b, from);
	return pt_buf_take(&b);
}

static int fake_define(void *ctx, const char *uuid, const char *xml, struct pt_error *err)
{
	struct fakevm *vm = ctx;
	struct fakevm_one *one = find(vm, uuid, err);
	struct pt_domain domain;
	char *kept;
	int r;

	if (!one)
		return -ENOENT;
	r = fault_before(vm->fault);
	if (r < 0)
		return pt_fail(err, r, "libvirt will not have the definition of %s", one->name);
	r = pt_domxml_read(xml, &domain, err);
	if (r < 0)
		return r;
	pt_domain_done(&domain);
	one->defines++;
	kept = complete(xml);
	(void)snprintf(one->xml, sizeof(one->xml), "%s", kept);
	free(kept);
	fault_after(vm->fault);
	return 0;
}

static int fake_state(void *ctx, const char *uuid, enum pt_domain_state *ret_state, struct pt_error *err)
{
	const struct fakevm_one *one = find(ctx, uuid, err);

	if (!one)
		return -ENOENT;
	*ret_state = one->state;
	return 0;
}

/* libvirt binds managed devices itself, and gives them back when the VM stops (hold_devices()) */
static void bind_managed(struct fakevm *vm, const struct pt_domain *domain)
{
	for (size_t i = 0; i < domain->hostdevs.n; i++) {
		struct fakekernel_device *d = fakekernel_find(vm->kernel, domain->hostdevs.v[i].bdf);

		if (!d || !domain->hostdevs.v[i].managed || d->lent)
			continue;
		d->lent = true;
		memcpy(d->lent_from, d->driver, sizeof(d->lent_from));
		(void)snprintf(d->driver, sizeof(d->driver), "vfio-pci");
	}
}

/* what libvirt does with an unmanaged host device: virHostdevPreparePCIDevices() */
static int check_devices(struct fakevm *vm, const char *xml, struct pt_error *err)
{
	struct pt_domain domain;
	int r = pt_domxml_read(xml, &domain, err);

	if (r < 0)
		return r;
	bind_managed(vm, &domain);
	for (size_t i = 0; i < domain.hostdevs.n && r == 0; i++) {
		struct pt_bdf bdf = domain.hostdevs.v[i].bdf;
		const struct fakekernel_device *d = fakekernel_find(vm->kernel, bdf);

		if (!d || strcmp(d->driver, "vfio-pci") != 0)
			r = pt_say(err, -EINVAL, "PCI device %s must be manually detached from the host",
				   pt_bdf_str(bdf).s);
		else if (!fakekernel_viable(vm->kernel, bdf))
			r = pt_say(err, -EINVAL, "group of %s is not viable", pt_bdf_str(bdf).s);
	}
	/* and the disks of the other definition are there only while the host's driver has the controller */
	for (size_t i = 0; i < domain.disks.n && r == 0; i++)
		if (domain.disks.v[i].type == PT_DISK_BLOCK && vm->kernel->n_devices &&
		    strcmp(vm->kernel->devices[0].driver, "megaraid_sas") != 0)
			r = pt_say(err, -ENOENT, "cannot access storage file '%s'", domain.disks.v[i].source);
	pt_domain_done(&domain);
	return r;
}

/* QEMU has the nodes of its devices open while it runs */
static void hold_device(struct fakevm *vm, const struct fakevm_one *one, struct pt_bdf bdf, bool hold)
{
	struct fakekernel_device *d = fakekernel_find(vm->kernel, bdf);

	if (!d)
		return;
	(void)snprintf(d->held_by, sizeof(d->held_by), "%s", hold ? one->name : "");
	if (hold || !d->lent)
		return;
	d->lent = false;
	memcpy(d->driver, d->lent_from, sizeof(d->driver));
}

static void hold_devices(struct fakevm *vm, const struct fakevm_one *one, bool hold)
{
	struct pt_domain domain;

	if (pt_domxml_read(one->live, &domain, NULL) < 0)
		return;
	for (size_t i = 0; i < domain.hostdevs.n; i++)
		hold_device(vm, one, domain.hostdevs.v[i].bdf, hold);
	pt_domain_done(&domain);
}

void fakevm_off(struct fakevm *vm, struct fakevm_one *one)
{
	one->crashed = false;
	one->state = PT_DOMAIN_SHUTOFF;
	hold_devices(vm, one, false);
}

static void crash(struct fakevm *vm, struct fakevm_one *one)
{
	fakevm_off(vm, one);
	one->crashed = true;
}

static int fake_start(void *ctx, const char *uuid, struct pt_error *err)
{
	struct fakevm *vm = ctx;
	struct fakevm_one *one = find(vm, uuid, err);
	int r;

	if (!one)
		return -ENOENT;
	if (one->state == PT_DOMAIN_RUNNING)
		return 0;
	r = fault_before(vm->fault);
	if (r < 0)
		return pt_fail(err, r, "%s does not start", one->name);
	if (one->wont_start)
		return pt_say(err, -EIO, "%s does not start", one->name);
	if (vm->hook)
		r = vm->hook(vm->hook_ctx, one->name, one->xml, err);
	if (r == 0)
		r = check_devices(vm, one->xml, err);
	if (r < 0)
		return r;
	one->state = PT_DOMAIN_RUNNING;
	memcpy(one->live, one->xml, sizeof(one->live));
	hold_devices(vm, one, true);
	one->starts++;
	one->run++;
	fault_after(vm->fault);
	return 0;
}

static int fake_alive(void *ctx, const char *uuid, struct pt_error *err)
{
	struct fakevm_one *one = find(ctx, uuid, err);

	if (!one)
		return -ENOENT;
	if (one->unwell)
		return pt_say(err, -EIO, "cannot ask libvirt for the state of %s", one->name);
	if (one->dies && strstr(one->xml, "<hostdev"))
		crash(ctx, one);
	if (one->plug_kills_later && strstr(one->live, "<hostdev")) {
		one->plug_kills_later = false;
		crash(ctx, one);
	}
	if (one->state == PT_DOMAIN_RUNNING)
		return 1;
	(void)pt_say(err, one->crashed ? -EIO : -ECANCELED, "qemu: vfio 0000:01:00.0: failed to setup container");
	return 0;
}

static int fake_stop(void *ctx, const char *uuid, unsigned timeout_ms, bool force, struct pt_error *err)
{
	struct fakevm *vm = ctx;
	struct fakevm_one *one = find(vm, uuid, err);
	int r;

	if (!one)
		return -ENOENT;
	if (one->state == PT_DOMAIN_SHUTOFF)
		return 0;
	r = fault_before(vm->fault);
	if (r < 0)
		return pt_fail(err, r, "cannot shut %s down", one->name);
	if (one->wont_stop)
		return pt_say(err, -EIO, "cannot shut %s down: Failed to terminate process: Device or resource busy",
			      one->name);
	if (!force && (one->ignores_shutdown || one->late_shutdown)) {
		if (one->late_shutdown)
			fakevm_off(vm, one);
		return pt_say(err, -ETIMEDOUT, "%s did not shut down within %u ms", one->name, timeout_ms);
	}
	fakevm_off(vm, one);
	one->stops++;
	fault_after(vm->fault);
	return 0;
}

static int fake_autostart(void *ctx, const char *uuid, int set, bool *ret, struct pt_error *err)
{
	struct fakevm *vm = ctx;
	struct fakevm_one *one = find(vm, uuid, err);
	int r;

	if (!one)
		return -ENOENT;
	*ret = one->autostart;
	if (set < 0)
		return 0;
	r = fault_before(vm->fault);
	if (r < 0)
		return pt_fail(err, r, "cannot set autostart of %s", one->name);
	one->autostart = set != 0;
	*ret = one->autostart;
	fault_after(vm->fault);
	return 0;
}

static int fake_managed_save(void *ctx, const char *uuid, struct pt_error *err)
{
	const struct fakevm_one *one = find(ctx, uuid, err);

	return one ? one->managed_save : -ENOENT;
}

static int fake_live_xml(void *ctx, const char *uuid, char **ret_xml, struct pt_error *err)
{
	const struct fakevm_one *one = find(ctx, uuid, err);

	if (!one)
		return -ENOENT;
	if (one->state == PT_DOMAIN_SHUTOFF)
		return pt_say(err, -ESHUTDOWN, "%s does not run", one->name);
	*ret_xml = pt_strdup(one->live);
	return 0;
}

/* put in at the end of its devices; taken out wherever it is */
static void set_live(struct fakevm_one *one, const char *element, bool in)
{
	char *at = strstr(one->live, in ? "</devices>" : element);
	char *rest;

	if (!at)
		return;
	rest = pt_strdup(in ? at : at + strlen(element));
	(void)snprintf(at, sizeof(one->live) - (size_t)(at - one->live), "%s%s", in ? element : "", rest);
	free(rest);
}

static int fake_which_run(void *ctx, const char *uuid, char **ret_run, struct pt_error *err)
{
	const struct fakevm_one *one = find(ctx, uuid, err);

	if (!one)
		return -ENOENT;
	if (one->state == PT_DOMAIN_SHUTOFF)
		return pt_say(err, -ESHUTDOWN, "%s does not run", one->name);
	*ret_run = pt_strf("%u", one->run);
	return 0;
}

/* each look brings a slow plug nearer to its end */
static int fake_busy(void *ctx, const char *uuid, struct pt_error *err)
{
	struct fakevm *vm = ctx;
	struct fakevm_one *one = find(vm, uuid, err);

	if (!one)
		return -ENOENT;
	if (!one->slow_plug)
		return 0;
	if (--one->slow_plug == 0) {
		set_live(one, one->coming, true);
		hold_devices(vm, one, true);
	}
	return 1;
}

static int fake_plug(void *ctx, const char *uuid, const char *element, struct pt_error *err)
{
	struct fakevm *vm = ctx;
	struct fakevm_one *one = find(vm, uuid, err);
	char *xml = pt_strf("<domain><name>one</name><devices>%s</devices></domain>", element);
	char *whole = complete(xml);
	char *kept = NULL;
	struct pt_domain d = { 0 };
	int r = one ? fault_before(vm->fault) : -ENOENT;

	if (r == -EIO)
		(void)pt_say(err, r, "%s does not take the device while it runs", one->name);
	if (r == 0 && one->state == PT_DOMAIN_SHUTOFF)
		r = pt_say(err, -EBUSY, "%s is not running", one->name);
	if (r == 0)
		r = check_devices(vm, xml, err);
	if (r == 0)
		r = pt_domxml_read(whole, &d, err);
	if (r == 0 && d.hostdevs.n != 1)
		r = pt_say(err, -EINVAL, "this is no device: %s", element);
	if (r == 0 && one->plug_kills) {
		one->plug_kills = false;
		crash(vm, one);
		r = pt_say(err, -EIO, "%s does not take the device while it runs: Unable to read from monitor",
			   one->name);
	}
	if (r == 0 && one->slow_plug) {
		r = pt_domxml_hostdev(whole, d.hostdevs.v[0].bdf, &kept, err);
		(void)snprintf(one->coming, sizeof(one->coming), "%s", kept);
		_exit(FAULT_EXIT);
	}
	if (r == 0 && one->forgets_plug)
		hold_device(vm, one, d.hostdevs.v[0].bdf, false);
	if (r == 0 && !one->forgets_plug) {
		r = pt_domxml_hostdev(whole, d.hostdevs.v[0].bdf, &kept, err);
		set_live(one, kept, true);
		hold_device(vm, one, d.hostdevs.v[0].bdf, true);
	}
	if (r == 0)
		fault_after(vm->fault);
	pt_domain_done(&d);
	free(xml);
	free(whole);
	free(kept);
	return r;
}

void fakevm_let_go(struct fakevm *vm, struct fakevm_one *one, struct pt_bdf bdf)
{
	char *element = NULL;

	if (pt_domxml_hostdev(one->live, bdf, &element, NULL) < 0)
		return;
	set_live(one, element, false);
	hold_device(vm, one, bdf, false);
	free(element);
}

static int fake_unplug(void *ctx, const char *uuid, struct pt_bdf bdf, unsigned timeout_ms, struct pt_error *err)
{
	struct fakevm *vm = ctx;
	struct fakevm_one *one = find(vm, uuid, err);
	char *element = NULL;
	int r;

	if (!one)
		return -ENOENT;
	if (one->state == PT_DOMAIN_SHUTOFF || pt_domxml_hostdev(one->live, bdf, &element, NULL) < 0)
		return 0;
	free(element);
	r = fault_before(vm->fault);
	if (r < 0)
		return pt_fail(err, r, "cannot ask the guest of %s", one->name);
	if (one->not_asked)
		return pt_say(err, -EIO, "cannot ask the guest of %s: multifunction", one->name);
	if (one->unplug_kills) {
		one->unplug_kills = false;
		crash(vm, one);
		return 0;
	}
	if (one->refuses_unplug)
		return pt_say(err, -EBUSY, "the guest of %s refuses to let go of it", one->name);
	if (one->late_unplug || !one->ignores_unplug)
		fakevm_let_go(vm, one, bdf);
	if (one->late_unplug || one->ignores_unplug)
		return pt_say(err, -ETIMEDOUT, "the guest of %s did not let go within %u ms", one->name, timeout_ms);
	fault_after(vm->fault);
	return 0;
}

static int fake_migrate(void *ctx, const char *uuid, const struct pt_migrate_to *to, unsigned timeout_ms,
			struct pt_error *err)
{
	struct fakevm *vm = ctx;
	struct fakevm_one *one = find(vm, uuid, err);
	int r = one ? fault_before(vm->fault) : -ENOENT;

	(void)timeout_ms;
	if (r < 0)
		return one ? pt_fail(err, r, "libvirt did not move %s to %s", one->name, to->uri) : r;
	if (one->lost)
		crash(vm, one);
	if (one->move_fails || one->lost)
		return pt_say(err, -EIO, "libvirt did not move %s to %s: Lost connection", one->name, to->uri);
	hold_devices(vm, one, false);
	one->away = true;
	one->remains = one->leaves;
	if (one->leaves)
		one->state = one->leaves_as;
	fault_after(vm->fault);
	return one->move_lies ? pt_say(err, -EIO, "libvirt did not move %s: End of file", one->name) : 0;
}

static struct fakevm_one *find_away(struct fakevm *vm, const char *uuid)
{
	for (unsigned i = 0; i < vm->n; i++)
		if (vm->vms[i].away && strcmp(vm->vms[i].uuid, uuid) == 0)
			return &vm->vms[i];
	return NULL;
}

static int fake_settle(void *ctx, const char *uuid, const struct pt_migrate_to *to, char **ret_doubt,
		       struct pt_error *err)
{
	const struct fakevm_one *away = find_away(ctx, uuid);
	const struct fakevm_one *one = away ? away : find(ctx, uuid, err);

	if (!one)
		return -ENOENT;
	*ret_doubt = NULL;
	if (one->both)
		return pt_say(err, -EBUSY, "the VM runs here AND at %s", to->uri);
	if (!away && one->state == PT_DOMAIN_RUNNING) {
		if (one->silent)
			*ret_doubt = pt_strf("%s does not answer", to->uri);
		return 0;
	}
	if (one->silent)
		return pt_say(err, -EHOSTUNREACH, "%s does not answer", to->uri);
	return away != NULL;
}

static int fake_leave(void *ctx, const char *uuid, const struct pt_migrate_to *to, struct pt_error *err)
{
	struct fakevm *vm = ctx;
	struct fakevm_one *one = find_away(vm, uuid);
	int r;

	if (!one)
		return pt_say(err, -ENOENT, "no such VM at %s", to->uri);
	if (!one->remains || one->leave_lies)
		return 0;
	r = fault_before(vm->fault);
	if (r < 0)
		return pt_fail(err, r, "%s is still defined here", one->name);
	one->autostart = false;
	if (one->leaves_as == PT_DOMAIN_RUNNING)
		return pt_say(err, -EBUSY, "%s runs HERE TOO", one->name);
	if (one->wont_leave)
		return pt_say(err, -EBUSY, "%s is still defined here, without autostart", one->name);
	one->state = PT_DOMAIN_SHUTOFF;
	one->remains = false;
	fault_after(vm->fault);
	return 0;
}

static int fake_arrive(void *ctx, const char *uuid, const struct pt_migrate_to *to, const char *element,
		       struct pt_error *err)
{
	struct fakevm *vm = ctx;
	struct fakevm_one *one = find_away(vm, uuid);
	int r;

	if (!one)
		return pt_say(err, -ENOENT, "no such VM at %s", to->uri);
	if (!element || strstr(one->arrived, element))
		return 0;
	r = fault_before(vm->fault);
	if (r < 0)
		return pt_fail(err, r, "libvirt at %s does not give it the device", to->uri);
	(void)snprintf(one->arrived, sizeof(one->arrived), "%s", element);
	fault_after(vm->fault);
	return 0;
}

void fakevm_reboot(struct fakevm *vm)
{
	for (unsigned i = 0; i < vm->n; i++)
		vm->vms[i].state = PT_DOMAIN_SHUTOFF;
}

void fakevm_ops(struct fakevm *vm, struct pt_vm_ops *ret_ops)
{
	*ret_ops = (struct pt_vm_ops){
		.ctx = vm,
		.get_xml = fake_get_xml,
		.define = fake_define,
		.state = fake_state,
		.start = fake_start,
		.alive = fake_alive,
		.stop = fake_stop,
		.autostart = fake_autostart,
		.managed_save = fake_managed_save,
		.live_xml = fake_live_xml,
		.which_run = fake_which_run,
		.busy = fake_busy,
		.plug = fake_plug,
		.unplug = fake_unplug,
		.migrate = fake_migrate,
		.settle = fake_settle,
		.leave = fake_leave,
		.arrive = fake_arrive,
	};
}

char *fakevm_text(const struct fakevm *vm)
{
	struct pt_buf b = { 0 };

	for (unsigned i = 0; i < vm->n; i++)
		pt_buf_addf(&b, "%s%s state=%d autostart=%d\n%s%s", vm->vms[i].away ? "away " : "", vm->vms[i].name,
			    (int)vm->vms[i].state, vm->vms[i].autostart, vm->vms[i].xml,
			    vm->vms[i].state == PT_DOMAIN_SHUTOFF ? "" : vm->vms[i].live);
	return pt_buf_take(&b);
}
