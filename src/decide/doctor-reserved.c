/* SPDX-License-Identifier: Apache-2.0 */
/* What is reserved, or was given to a VM: is it where it was, and with whom it should be? */
#include "base/cleanup.h"
#include "decide/doctor.h"
#include "decide/group.h"

#define NAME "reserved"

static void judge_here(const struct pt_keep *k, const struct pt_whereabouts *w, const struct pt_device *d,
		       const char *where, struct pt_findings *f)
{
	struct pt_bdf_text bdf = pt_bdf_str(k->id.last_seen);
	const char *serial = k->id.serial ? k->id.serial : "its ids and its slot";
	const char *vm = k->vm ? k->vm : "guests";

	if (!pt_keep_at_boot(k))
		pt_findings_add(f, PT_OK, NAME, where, NULL, "%s is where %s was given it; known by %s", bdf.s, vm,
				serial);
	else if (d && pt_driver_is_vfio(d->driver))
		pt_findings_add(f, PT_OK, NAME, where, NULL, "%s is kept for %s by %s; known by %s", bdf.s, vm,
				d->driver, serial);
	else if (!w->boot)
		pt_findings_add(f, PT_FAIL, NAME, where, w->fix, "%s is reserved for %s, but %s has it: %s", bdf.s, vm,
				d && d->driver ? d->driver : "no driver", w->why);
	else
		pt_findings_add(f, PT_FAIL, NAME, where,
				"`passthru boot` binds it; if a driver of the host was faster, it is built into the "
				"kernel, or loaded by an initramfs that does not know of the reservation: "
				"`update-initramfs -u` or `dracut -f`",
				"%s is reserved for %s, but %s has it", bdf.s, vm,
				d && d->driver ? d->driver : "no driver");
}

void pt_doctor_reserved(const struct pt_keeps *known, const struct pt_whereabouts_list *where,
			const struct pt_devices *devices, const struct pt_strv *against, bool early_installed,
			struct pt_findings *f)
{
	bool any = false;

	for (size_t i = 0; i < known->n; i++) {
		const struct pt_keep *k = &known->v[i];
		const struct pt_whereabouts *w = &where->v[i];
		struct pt_bdf_text bdf = pt_bdf_str(k->id.last_seen);
		pt_autofree char *file = pt_strf("/etc/passthru/reserved.d/%s.conf", bdf.s);

		any = any || pt_keep_at_boot(k);
		if (pt_keep_at_boot(k) && against->v[i][0]) {
			pt_findings_add(f, PT_FAIL, NAME, file, "take that back, or `passthru release` it",
					"%s is reserved, but not bound at boot: %s", bdf.s, against->v[i]);
			continue;
		}
		if (w->where == PT_WHERE_HERE) {
			judge_here(k, w, pt_devices_find(devices, k->id.last_seen), file, f);
			continue;
		}
		pt_findings_add(f, w->where == PT_WHERE_UNSEEN ? PT_UNKNOWN : PT_FAIL, NAME, file,
				w->fix ? w->fix : "if it is gone for good, `passthru release` it, or detach it",
				"%s%s%s: %s%s", k->vm ? "of VM " : "", k->vm ? k->vm : "", k->vm ? "" : "reserved",
				w->why ? w->why : pt_where_str(w->where),
				w->stranger ? "; another device is at its address" : "");
	}
	if (any && !early_installed)
		pt_findings_add(
			f, PT_WARN, NAME, NULL, "`make install`",
			"the program that udev asks at boot is not installed: after a reboot the host's drivers "
			"take what is reserved");
}
