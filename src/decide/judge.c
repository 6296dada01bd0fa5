/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/judge.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/cleanup.h"

void pt_judge_done(struct pt_judge *j)
{
	free(j->devices.v);
	free(j->bdfs.v);
}

bool pt_judge_wants(const struct pt_judge *j, struct pt_bdf bdf)
{
	for (size_t i = 0; i < j->bdfs.n; i++)
		if (pt_bdf_eq(j->bdfs.v[i], bdf))
			return true;
	return false;
}

static int by_address(const void *a, const void *b)
{
	return pt_bdf_cmp(*(const struct pt_bdf *)a, *(const struct pt_bdf *)b);
}

int pt_judge_devices(struct pt_judge *j, bool may_be_gone, struct pt_error *err)
{
	if (!j->request->n_devices)
		return pt_usage(err, -EINVAL, "no device is named");
	for (size_t i = 0; i < j->request->n_devices; i++)
		if (!pt_judge_wants(j, j->request->devices[i]))
			pt_array_push(&j->bdfs, j->request->devices[i]);
	qsort(j->bdfs.v, j->bdfs.n, sizeof(*j->bdfs.v), by_address);
	for (size_t i = 0; i < j->bdfs.n; i++) {
		const struct pt_device *d = pt_devices_find(&j->host->devices, j->bdfs.v[i]);

		if (!d && may_be_gone)
			continue;
		if (!d) {
			int r = pt_usage(err, -ENODEV, "this host has no PCI function %s", pt_bdf_str(j->bdfs.v[i]).s);

			pt_hint(err, "`passthru list` shows those that it has");
			return r;
		}
		pt_array_push(&j->devices, d);
	}
	return 0;
}

static struct pt_finding *say(struct pt_judge *j, enum pt_verdict verdict, const char *name, const char *where,
			      const char *fix, const char *fact)
{
	return pt_findings_add(&j->plan->findings, verdict, name, where, fix, "%s", fact);
}

void pt_judge_say(struct pt_judge *j, enum pt_verdict verdict, const char *name, const char *where, const char *fix,
		  const char *fact, ...)
{
	pt_autofree char *text = NULL;
	va_list ap;

	va_start(ap, fact);
	text = pt_strfv(fact, ap);
	va_end(ap);
	(void)say(j, verdict, name, where, fix, text);
}

static bool is_forced(const struct pt_judge *j, const char *name)
{
	const char *const *forced = j->request->forced;

	for (; forced && *forced; forced++)
		if (strcmp(*forced, name) == 0)
			return true;
	return false;
}

void pt_judge_refuse(struct pt_judge *j, enum pt_force force, const char *name, const char *where, const char *fix,
		     const char *fact, ...)
{
	bool pass = force == PT_FORCE_BY_NAME && is_forced(j, name);
	pt_autofree char *text = NULL;
	pt_autofree char *passed = NULL;
	struct pt_finding *f;
	va_list ap;

	va_start(ap, fact);
	text = pt_strfv(fact, ap);
	va_end(ap);
	passed = pass ? pt_strf("%s; passed over, as told by --force-%s", text, name) : NULL;
	f = say(j, pass ? PT_WARN : PT_FAIL, name, where, fix, pass ? passed : text);
	f->forceable = force == PT_FORCE_BY_NAME;
}

int pt_judge_verdict(const struct pt_judge *j, struct pt_error *err)
{
	const struct pt_finding *f = pt_plan_refusal(j->plan);
	int r;

	if (!f)
		return 0;
	r = pt_refuse(err, f->name, "%s", f->fact);
	pt_refused_by(err, f->name, f->forceable);
	if (f->fix)
		pt_hint(err, "%s", f->fix);
	return r;
}

char *pt_judge_title(const struct pt_device *d)
{
	const struct pt_bdf_text bdf = pt_bdf_str(d->bdf);

	if (d->vendor_name && d->device_name)
		return pt_strf("%s (%s %s)", bdf.s, d->vendor_name, d->device_name);
	if (d->vendor_name)
		return pt_strf("%s (%s %04x:%04x)", bdf.s, d->vendor_name, d->vendor, d->device);
	return pt_strf("%s (%04x:%04x)", bdf.s, d->vendor, d->device);
}

bool pt_judge_holds(const struct pt_domain *vm, struct pt_bdf bdf)
{
	for (size_t i = 0; i < vm->hostdevs.n; i++) {
		const struct pt_domain_hostdev *h = &vm->hostdevs.v[i];

		if ((h->kind == PT_HOSTDEV_PCI || h->has_bdf) && pt_bdf_eq(h->bdf, bdf))
			return true;
	}
	for (size_t i = 0; i < vm->disks.n; i++)
		if (vm->disks.v[i].type == PT_DISK_NVME && pt_bdf_eq(vm->disks.v[i].nvme, bdf))
			return true;
	return false;
}

const struct pt_domain *pt_judge_runner(const struct pt_judge *j, struct pt_bdf bdf)
{
	for (size_t i = 0; i < j->others->n; i++)
		if (j->others->v[i].state != PT_DOMAIN_SHUTOFF && pt_judge_holds(&j->others->v[i], bdf))
			return &j->others->v[i];
	return NULL;
}

bool pt_judge_managed(const struct pt_judge *j, const struct pt_device *d)
{
	const struct pt_domain_hostdev *h = pt_domain_hostdev_by_bdf(j->vm, d->bdf);

	if (h)
		return h->managed;
	return j->request->managed < 0 ? !pt_device_is_storage(d) : j->request->managed > 0;
}

unsigned pt_judge_vfio_count(const struct pt_judge *j)
{
	unsigned n = 0;

	for (size_t i = 0; i < j->devices.n; i++)
		n += !pt_domain_hostdev_by_bdf(j->vm, j->devices.v[i]->bdf);
	for (size_t i = 0; i < j->vm->hostdevs.n; i++)
		n += j->vm->hostdevs.v[i].kind == PT_HOSTDEV_PCI || j->vm->hostdevs.v[i].kind == PT_HOSTDEV_MDEV;
	return n;
}

void pt_judge_running(struct pt_judge *j, bool may_restart, const char *why)
{
	pt_autofree char *fix = NULL;

	if (!pt_judge_runs(j->vm) || may_restart)
		return;
	fix = pt_strf("--restart does the round: shuts %s down, changes it, starts it again, and puts it back if it "
		      "does not come up. Or shut it down first",
		      j->vm->name);
	pt_judge_refuse(j, PT_FORCE_NEVER, "vm-runs", NULL, fix, "VM %s is %s: %s", j->vm->name,
			j->vm->state == PT_DOMAIN_PAUSED ? "paused" : "running", why);
}

struct pt_step *pt_judge_vm_step(struct pt_judge *j, enum pt_step_kind kind)
{
	struct pt_step *s = pt_plan_step(j->plan, kind);

	/* the VM runs on: neither this nor what takes it back stops it */
	s->flag = kind == PT_STEP_VM_DEFINE && j->request->live && j->running;

	s->vm = pt_strdup_opt(j->vm->name);
	s->vm_uuid = pt_strdup_opt(j->vm->uuid);
	return s;
}

struct pt_step *pt_judge_device_step(struct pt_judge *j, enum pt_step_kind kind, const struct pt_device *d)
{
	struct pt_step *s = pt_plan_step(j->plan, kind);

	s->bdf = d->bdf;
	s->vendor = d->vendor;
	s->device = d->device;
	s->subvendor = d->subvendor;
	s->subdevice = d->subdevice;
	return s;
}

void pt_judge_stop(struct pt_judge *j)
{
	if (pt_judge_runs(j->vm) && !j->request->live)
		pt_judge_vm_step(j, PT_STEP_VM_STOP)->timeout_ms = j->request->stop_timeout_ms;
}

void pt_judge_settings(struct pt_judge *j)
{
	const struct pt_plan *from = j->request->settings;

	for (size_t i = 0; from && i < from->steps.n; i++) {
		struct pt_step copy;

		pt_step_copy(&from->steps.v[i], &copy);
		pt_array_push(&j->plan->steps, copy);
	}
	for (size_t i = 0; from && i < from->findings.n; i++) {
		const struct pt_finding *f = &from->findings.v[i];

		pt_findings_add(&j->plan->findings, f->verdict, f->name, f->where, f->fix, "%s", f->fact)->forceable =
			f->forceable;
	}
}

void pt_judge_start(struct pt_judge *j)
{
	if (!j->request->live && (pt_judge_runs(j->vm) || j->request->start))
		(void)pt_judge_vm_step(j, PT_STEP_VM_START);
}

void pt_judge_summary(struct pt_judge *j, const char *verb, const char *preposition)
{
	PT_AUTO(pt_strv) titles = { 0 };
	pt_autofree char *list = NULL;

	/* a device that is gone can be taken out of a definition too */
	for (size_t i = 0; i < j->bdfs.n; i++) {
		const struct pt_device *d = pt_devices_find(&j->host->devices, j->bdfs.v[i]);

		pt_strv_take(&titles, d ? pt_judge_title(d) : pt_strdup(pt_bdf_str(j->bdfs.v[i]).s));
	}
	list = pt_strv_join(&titles, ", ");
	pt_strset(&j->plan->verb, verb);
	free(j->plan->summary);
	j->plan->summary = pt_strf(
		"%s %s %s %s%s%s%s", verb, list, preposition, j->vm->name, j->request->network ? ", network " : "",
		j->request->network ? j->request->network->name : "", j->request->live ? ", while it runs" : "");
}

unsigned pt_judge_count_others(const struct pt_judge *j, struct pt_bdf bdf, const struct pt_domain **ret_one)
{
	unsigned n = 0;

	for (size_t i = 0; i < j->others->n; i++) {
		if (!pt_judge_holds(&j->others->v[i], bdf))
			continue;
		*ret_one = &j->others->v[i];
		n++;
	}
	return n;
}

bool pt_judge_is_recorded(const struct pt_keep *k, const struct pt_device *d)
{
	return k->known && k->id.vendor == d->vendor && k->id.device == d->device && k->id.subvendor == d->subvendor &&
	       k->id.subdevice == d->subdevice;
}

void pt_judge_hand_over(struct pt_judge *j, const struct pt_device *d, const struct pt_keep *k, const char *driver,
			const struct pt_domain *to)
{
	struct pt_step *s;

	(void)pt_judge_device_step(j, PT_STEP_UNRESERVE, d);
	s = pt_judge_device_step(j, PT_STEP_RESERVE, d);
	s->driver_after = pt_strdup_opt(driver);
	s->identity = pt_identity_lines(&k->id);
	s->vm = to ? pt_strdup_opt(to->name) : NULL;
	s->vm_uuid = to ? pt_strdup_opt(to->uuid) : NULL;
}
