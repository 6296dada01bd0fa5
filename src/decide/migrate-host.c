/* SPDX-License-Identifier: Apache-2.0 */
/* The half of decide/migrate.h that is about the other host. */
#include "decide/migrate.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "decide/cpuflags.h"
#include "decide/migrate-ask.h"

/* libvirt compares the UUIDs of the hosts, and their names besides: what is alike in one it takes for one host */
static bool is_here(const struct pt_migrate_host *here, const struct pt_migrate_host *host, struct pt_findings *l)
{
	const char *a = here->hypervisor.host_uuid;
	const char *b = host->hypervisor.host_uuid;

	if (a && b && strcasecmp(a, b) == 0)
		pt_findings_add(l, PT_FAIL, "same-host", host->where,
				pt_streq(here->name, host->name)
					? NULL
					: "if it is another host: host_uuid in libvirt's virtqemud.conf (or "
					  "libvirtd.conf) there, and its facts anew",
				"it is this host: the UUID of both is %s", a);
	else if (pt_streq(here->name, host->name) && a && b)
		pt_findings_add(
			l, PT_FAIL, "same-host", host->where, "give it another host name",
			"it has another UUID, but is called %s like this host, and libvirt takes it for this one",
			here->name);
	else if (pt_streq(here->name, host->name))
		pt_findings_add(l, PT_FAIL, "same-host", host->where, NULL, "it is this host: both are called %s",
				here->name);
	else
		return false;
	return true;
}

/* where libvirt is not known, it is taken for one */
static bool is_x86(const struct pt_migrate_host *host)
{
	const char *arch = host->hypervisor.arch;

	return !arch || pt_streq(arch, "x86_64") || pt_streq(arch, "i686");
}

static void judge_vendor(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	const char *here = ask->look->host.vendor ? ask->look->host.vendor : ask->source->cpu.vendor;

	/* elsewhere the kernel names no vendor, and a difference would be one of models */
	if (!is_x86(ask->source))
		return;
	if (!here || !host->cpu.vendor)
		pt_findings_add(l, PT_UNKNOWN, "cpu-vendor", host->where, NULL, "who made its processor is not known");
	else if (!pt_streq(here, host->cpu.vendor))
		pt_findings_add(l, PT_FAIL, "cpu-vendor", host->where, "no model bridges two vendors while a VM runs",
				"its processor is %s, this one %s", host->cpu.vendor, here);
}

/* libvirt's two lists of this host, for this VM and for any: what neither has it would not list for an equal host */
static void split_by_list(const struct pt_cpu_look *look, const struct pt_migrate_host *source,
			  struct pt_migrate_needs *n)
{
	PT_AUTO(pt_strv) rest = { 0 };

	if (look->host_model.flags.n || source->hypervisor.flags.n) {
		pt_cpu_flags_missing(&n->given.flags, &look->host_model.flags, &rest);
		pt_cpu_flags_missing(&rest, &source->hypervisor.flags, &n->unlisted);
	}
	pt_cpu_flags_missing(&n->given.flags, &n->unlisted, &n->listed);
}

void pt_migrate_needs_of(const struct pt_cpu_look *look, const struct pt_migrate_host *source,
			 struct pt_migrate_needs *ret_needs)
{
	struct pt_migrate_needs n = { 0 };

	pt_cpu_given_of(look, &pt_cpu_look_now(look)->cpu, &n.given);
	split_by_list(look, source, &n);
	/* of the kernel's words those that libvirt gives guests too: constant_tsc and its like no guest gets */
	if (n.given.known)
		pt_cpu_flags_pick(&look->host.flags, &n.given.flags, true, &n.by_kernel);
	else
		pt_strv_copy(&n.by_kernel, &look->host.flags);
	*ret_needs = n;
}

void pt_migrate_needs_done(struct pt_migrate_needs *n)
{
	pt_cpu_given_done(&n->given);
	pt_strv_done(&n->listed);
	pt_strv_done(&n->unlisted);
	pt_strv_done(&n->by_kernel);
	*n = (struct pt_migrate_needs){ 0 };
}

/* of the flags that libvirt does not list: those that this kernel has and the target's has not */
static void add_unlisted(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_strv *missing)
{
	PT_AUTO(pt_strv) here = { 0 };
	PT_AUTO(pt_strv) gone = { 0 };

	if (!ask->needs->unlisted.n || !host->cpu.flags.n)
		return;
	pt_cpu_flags_pick(&ask->needs->unlisted, &ask->look->host.flags, true, &here);
	pt_cpu_flags_pick(&here, &host->cpu.flags, false, &gone);
	for (size_t i = 0; i < gone.n; i++)
		pt_strv_add(missing, gone.v[i]);
	pt_strv_sort(missing);
}

/*
 * With libvirt's list of the target, flag for flag.  Else by the target's kernel, whose list leaves flags out that
 * guests have: of a host-passthrough VM it is compared with this host's kernel's, of any other it is only a hint.
 * Return: above 0 when @ret_missing is sure, below when it is a hint, 0 when nothing is known.
 */
static int missing_flags(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host,
			 struct pt_strv *ret_missing)
{
	const struct pt_cpu_given *given = &ask->needs->given;

	if (given->known && host->known && host->hypervisor.flags.n) {
		pt_cpu_flags_missing(&ask->needs->listed, &host->hypervisor.flags, ret_missing);
		add_unlisted(ask, host, ret_missing);
		return 1;
	}
	if (!host->cpu.flags.n)
		return 0;
	if (is_whole_host(ask) && ask->look->host.flags.n) {
		pt_cpu_flags_pick(&ask->needs->by_kernel, &host->cpu.flags, false, ret_missing);
		/* which of them the VM has is not known, but with all of them there that is nothing to ask */
		return given->known || !ret_missing->n ? 1 : -1;
	}
	if (!given->known)
		return 0;
	pt_cpu_flags_pick(&given->flags, &host->cpu.flags, false, ret_missing);
	return -1;
}

/* libvirt there offers no processor to a VM with KVM */
static void judge_kvm(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	const struct pt_strv *flags = &host->cpu.flags;

	/* elsewhere libvirt offers no host-model, which says nothing of KVM */
	if (!pt_streq(pt_cpu_look_now(ask->look)->type, "kvm") || !is_x86(host))
		return;
	if (flags->n && !pt_strv_has(flags, "vmx") && !pt_strv_has(flags, "svm"))
		pt_findings_add(l, PT_FAIL, "kvm", host->where, "turn virtualisation on in its firmware",
				"its processor has neither vmx nor svm: it runs no VM with KVM");
	else if (host->known && !host->hypervisor.flags.n)
		pt_findings_add(
			l, PT_UNKNOWN, "kvm", host->where,
			"there: is kvm_intel or kvm_amd loaded, and what does `virsh domcapabilities --virttype "
			"kvm` say?",
			"its libvirt tells of no processor for VMs with KVM: whether KVM is usable there is "
			"not known");
}

/* off x86 libvirt lists no flags of a host-model, but names the processor */
static bool is_alike_elsewhere(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host)
{
	const struct pt_cpu_host *a = &ask->source->cpu;
	const struct pt_cpu_host *b = &host->cpu;

	return is_whole_host(ask) && host->known && !is_x86(ask->source) && !is_x86(host) && a->vendor && a->model &&
	       pt_streq(a->vendor, b->vendor) && pt_streq(a->model, b->model);
}

/* "10.0.2": 0 for what is no version */
static unsigned long version_number(const char *text)
{
	unsigned major = 0;
	unsigned minor = 0;
	unsigned micro = 0;

	/* libvirt makes it of a number */
	if (!text || sscanf(text, "%3u.%3u.%3u", &major, &minor, &micro) < 2)
		return 0;
	return major * 1000000UL + minor * 1000UL + micro;
}

/* without KVM the processor is QEMU's own, whatever the host has; a QEMU learns flags and forgets none */
static void judge_emulated(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	const char *here = ask->source->hypervisor.qemu;
	const char *there = host->hypervisor.qemu;

	if (version_number(here) && version_number(there) >= version_number(here))
		pt_findings_add(l, PT_OK, "cpu-flags", host->where, NULL,
				"QEMU emulates the VM's processor, and is %s there, %s here", there, here);
	else
		pt_findings_add(
			l, PT_UNKNOWN, "cpu-flags", host->where, "bring QEMU there to the version of this host",
			"QEMU emulates the VM's processor: whether QEMU %s there can do all that QEMU %s here does is "
			"not known",
			there ? there : "of an unknown version", here ? here : "of an unknown version");
}

static void judge_flags(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	PT_AUTO(pt_strv) missing = { 0 };
	int sure = missing_flags(ask, host, &missing);
	pt_autofree char *names = some(&missing);
	pt_autofree char *fix = NULL;

	if (sure == 0 && is_alike_elsewhere(ask, host)) {
		pt_findings_add(l, PT_OK, "cpu-flags", host->where, NULL, "its processor is %s, as this one is",
				host->cpu.model);
		return;
	}
	if (sure == 0) {
		pt_findings_add(l, PT_UNKNOWN, "cpu-flags", host->where, "`passthru facts --json` there, as root",
				"which flags its processor has is not known");
		return;
	}
	if (!missing.n && sure < 0) {
		pt_findings_add(l, PT_UNKNOWN, "cpu-flags", host->where, "`passthru facts --json` there, as root",
				"its kernel lists every flag that the VM has, but libvirt there was not asked");
		return;
	}
	if (!missing.n) {
		pt_findings_add(l, PT_OK, "cpu-flags", host->where, NULL, "it has every flag that the VM has");
		return;
	}
	if (is_whole_host(ask))
		fix = pt_strf(
			"a processor that both can run: `passthru cpu baseline` with both hosts, then `passthru cpu %s "
			"FILE --restart`",
			pt_shell(ask->look->vm.name).s);
	if (sure > 0)
		pt_findings_add(l, PT_FAIL, "cpu-flags", host->where, fix, "it lacks %zu flag%s that the VM has: %s",
				missing.n, missing.n == 1 ? "" : "s", names);
	else
		pt_findings_add(l, PT_UNKNOWN, "cpu-flags", host->where, "`passthru facts --json` there, as root",
				"its kernel does not list %zu flag%s that the VM has: %s; libvirt there was not asked",
				missing.n, missing.n == 1 ? "" : "s", names);
}

static void judge_alike(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	const struct pt_cpu_host *a = &ask->source->cpu;
	const struct pt_cpu_host *b = &host->cpu;

	if (is_whole_host(ask) && a->family >= 0 && b->family >= 0 &&
	    (a->family != b->family || a->number != b->number || a->stepping != b->stepping))
		pt_findings_add(l, PT_WARN, "cpu-model", host->where, NULL,
				"its processor is family %d, model %d, stepping %d, this one %d, %d, %d: a guest with "
				"host-passthrough may have fitted itself to the old one",
				b->family, b->number, b->stepping, a->family, a->number, a->stepping);
	if (a->microcode && b->microcode && strtoull(a->microcode, NULL, 0) != strtoull(b->microcode, NULL, 0))
		pt_findings_add(l, PT_WARN, "microcode", host->where,
				is_whole_host(ask) ? "bring both to the same revision" : NULL,
				"its microcode is %s, this one %s: what one mends the other may not", b->microcode,
				a->microcode);
}

static void judge_tsc(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	uint64_t named = pt_cpu_look_now(ask->look)->tsc_hz;
	uint64_t here = named ? named : ask->source->hypervisor.tsc_hz;
	uint64_t there = host->hypervisor.tsc_hz;
	uint64_t apart = here > there ? here - there : there - here;
	bool bound;

	bound = named || pt_strv_has(&ask->needs->given.flags, "invtsc");
	/* QEMU takes 250 parts in a million for the same (target/i386/kvm/kvm.c) */
	if (!here || !there || apart <= here / 4000)
		return;
	if (host->hypervisor.tsc_scaling == PT_KNOWN_YES)
		pt_findings_add(l, PT_WARN, "tsc", host->where, NULL,
				"its TSC ticks at %" PRIu64 " kHz, the VM's at %" PRIu64
				": its processor has to scale it, which it can",
				there / 1000, here / 1000);
	else
		pt_findings_add(l, bound ? PT_FAIL : PT_WARN, "tsc", host->where, NULL,
				"its TSC ticks at %" PRIu64 " kHz, the VM's at %" PRIu64
				": without TSC scaling the guest's clock goes wrong",
				there / 1000, here / 1000);
}

static void judge_machine(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	const char *machine = pt_cpu_look_now(ask->look)->machine;

	if (!host->known || !host->hypervisor.machines.n || !machine)
		pt_findings_add(l, PT_UNKNOWN, "machine", host->where, NULL,
				"whether it has the machine type %s is not known", machine ? machine : "of the VM");
	else if (!pt_strv_has(&host->hypervisor.machines, machine))
		pt_findings_add(l, PT_FAIL, "machine", host->where, "bring QEMU there to the version of this host",
				"its QEMU%s%s has no machine type %s", host->hypervisor.qemu ? " " : "",
				host->hypervisor.qemu ? host->hypervisor.qemu : "", machine);
}

/* pages of the VM's size; where it names none, those of the only size that the host has */
static const struct pt_hugepages *pages_for(const struct pt_domain *vm, const struct pt_migrate_host *host)
{
	if (!vm->hugepage_kib)
		return host->hugepages.n == 1 ? &host->hugepages.v[0] : NULL;
	for (size_t i = 0; i < host->hugepages.n; i++)
		if (host->hugepages.v[i].size_kib == vm->hugepage_kib)
			return &host->hugepages.v[i];
	return NULL;
}

static void judge_hugepages(const struct pt_domain *vm, const struct pt_migrate_host *host, struct pt_findings *l)
{
	const struct pt_hugepages *p = pages_for(vm, host);
	uint64_t need;

	if (!p && (!host->hugepages.n || !vm->hugepage_kib)) {
		pt_findings_add(l, PT_UNKNOWN, "memory", host->where, "`passthru facts --json` there tells",
				"how many of the huge pages that the VM's memory is made of it has free is not known");
		return;
	}
	need = p && p->size_kib ? vm->memory_kib / p->size_kib + (vm->memory_kib % p->size_kib != 0) : 0;
	if (!p)
		pt_findings_add(l, PT_FAIL, "memory", host->where, NULL,
				"it has no huge pages of %" PRIu64 " KiB, which the VM's memory is made of",
				vm->hugepage_kib);
	else if (p->free < need)
		pt_findings_add(l, PT_FAIL, "memory", host->where, "set more aside there: vm.nr_hugepages",
				"it has %" PRIu64 " huge pages of %" PRIu64 " KiB free, and the VM needs %" PRIu64,
				p->free, p->size_kib, need);
}

static bool has_twin(const struct pt_migrate_ask *ask)
{
	const struct pt_domain *vm = pt_cpu_look_now(ask->look);

	for (size_t i = 0; i < vm->hostdevs.n; i++)
		if (vm->hostdevs.v[i].team_of)
			return true;
	return false;
}

static void judge_memory(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	uint64_t need = pt_cpu_look_now(ask->look)->memory_kib;

	if (pt_cpu_look_now(ask->look)->hugepages)
		judge_hugepages(pt_cpu_look_now(ask->look), host, l);
	else if (!host->available_kib)
		pt_findings_add(l, PT_UNKNOWN, "memory", host->where, NULL, "how much memory it has free is not known");
	else if (host->available_kib < need)
		pt_findings_add(l, PT_FAIL, "memory", host->where, NULL,
				"it has %" PRIu64 " MiB of memory free, and the VM needs %" PRIu64,
				host->available_kib / 1024, need / 1024);
	else if (host->certain_kib && host->certain_kib < need)
		/* a device has all of it pinned at once */
		pt_findings_add(l, has_twin(ask) ? PT_UNKNOWN : PT_WARN, "memory", host->where,
				"there: MemAvailable in /proc/meminfo, which libvirt does not tell",
				"it has %" PRIu64 " MiB of memory free for certain, and the VM needs %" PRIu64
				"; %" PRIu64 " MiB are in caches, of which those of shared memory do not give way",
				host->certain_kib / 1024, need / 1024,
				(host->available_kib - host->certain_kib) / 1024);
}

/* "net_br_lan_52_54_00_00_00_01" is br-lan: libvirt makes an underscore of what is neither letter nor digit */
static bool is_netdev(const char *device, const char *name)
{
	const size_t mac = strlen("_52_54_00_00_00_01");
	size_t n = strlen(name);

	if (!pt_startswith(device, "net_"))
		return false;
	device += strlen("net_");
	if (strlen(device) != n && strlen(device) != n + mac)
		return false;
	for (size_t i = 0; i < n; i++)
		if (device[i] != name[i] && (device[i] != '_' || isalnum((unsigned char)name[i])))
			return false;
	return true;
}

static bool has_netdev(const struct pt_migrate_host *host, const char *name)
{
	for (size_t i = 0; i < host->netdevs.n; i++)
		if (is_netdev(host->netdevs.v[i], name))
			return true;
	return false;
}

/* libvirt there would refuse it, but only after its functions have been taken from the guest here */
static void judge_networks(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	const struct pt_domain *vm = pt_cpu_look_now(ask->look);

	for (size_t i = 0; host->nets_known && i < vm->networks.n; i++) {
		pt_autofree char *fix = pt_strf("there: `virsh net-start %s`, or define it first", vm->networks.v[i]);

		if (!pt_strv_has(&host->networks, vm->networks.v[i]))
			pt_findings_add(l, PT_FAIL, "network", host->where, fix,
					"its libvirt has no active network %s, which the VM is on", vm->networks.v[i]);
	}
	for (size_t i = 0; host->netdevs_known && i < vm->bridges.n; i++)
		/* no more than a hint: it hears of interfaces from udev, and else knows those of its start only */
		if (!has_netdev(host, vm->bridges.v[i]))
			pt_findings_add(
				l, PT_WARN, "network", host->where, "make it there, as it is here",
				"its libvirt sees no bridge %s there, which the VM is on: without it the VM stays here",
				vm->bridges.v[i]);
}

/* libvirt refuses a name that another has, and takes the place of a definition that has name and UUID */
static void judge_vm_there(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host,
			   const struct pt_migrate_vm *v, struct pt_findings *l)
{
	const struct pt_domain *vm = &ask->look->vm;
	bool same_uuid = vm->uuid && strcasecmp(v->uuid, vm->uuid) == 0;
	bool same_name = pt_streq(v->name, vm->name);

	if (same_uuid && v->active)
		pt_findings_add(l, PT_FAIL, "vm-there", host->where,
				"see which of them is to be: two with the same disks destroy these",
				"a VM with its UUID runs there already, %s", v->name);
	else if (same_uuid && !same_name)
		pt_findings_add(l, PT_FAIL, "vm-there", host->where, "`virsh undefine` there, if nobody needs it",
				"%s there has the UUID of %s", v->name, vm->name);
	else if (same_uuid)
		pt_findings_add(l, PT_WARN, "vm-there", host->where, NULL,
				"%s is defined there, too, and shut off: that definition is replaced", v->name);
	else if (same_name)
		pt_findings_add(l, PT_FAIL, "vm-there", host->where, "`virsh domrename` one of them, shut off",
				"another VM is called %s there (%s)", v->name, v->uuid);
}

/* a newer libvirt has models that an older one does not know, whatever the processor can do */
static void judge_model(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	const struct pt_cpu_def *cpu = cpu_of(ask);

	if (cpu->mode != PT_CPU_MODE_CUSTOM || !cpu->model || !host->hypervisor.models.n ||
	    pt_strv_has(&host->hypervisor.models, cpu->model))
		return;
	pt_findings_add(
		l, PT_FAIL, "cpu-unknown-model", host->where,
		"bring libvirt and QEMU there to the version of this host; or give the VM a model that both know",
		"its libvirt%s%s knows no processor model %s, which the VM has", host->hypervisor.libvirt ? " " : "",
		host->hypervisor.libvirt ? host->hypervisor.libvirt : "", cpu->model);
}

static void judge_processor(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host, struct pt_findings *l)
{
	judge_vendor(ask, host, l);
	judge_kvm(ask, host, l);
	judge_flags(ask, host, l);
	judge_alike(ask, host, l);
	judge_tsc(ask, host, l);
}

void pt_decide_migrate_host(const struct pt_migrate_ask *ask, const struct pt_migrate_host *host,
			    struct pt_findings *ret_findings)
{
	const char *a = ask->source->hypervisor.arch;
	const char *b = host->hypervisor.arch;

	if (host->why_not) {
		pt_findings_add(ret_findings, PT_UNKNOWN, "host", host->where, host->why_fix, "%s", host->why_not);
		return;
	}
	if (is_here(ask->source, host, ret_findings))
		return;
	if (a && b && !pt_streq(a, b)) {
		pt_findings_add(ret_findings, PT_FAIL, "arch", host->where, NULL, "it is a host of %s, this one of %s",
				b, a);
		return;
	}
	for (size_t i = 0; i < host->vms.n; i++)
		judge_vm_there(ask, host, &host->vms.v[i], ret_findings);
	judge_model(ask, host, ret_findings);
	if (is_emulated(ask))
		judge_emulated(ask, host, ret_findings);
	else
		judge_processor(ask, host, ret_findings);
	judge_machine(ask, host, ret_findings);
	judge_memory(ask, host, ret_findings);
	judge_networks(ask, host, ret_findings);
}
