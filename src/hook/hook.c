/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/hook.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "decide/whereabouts.h"
#include "domxml/domxml.h"
#include "host/block.h"
#include "host/pci.h"
#include "host/reserved.h"
#include "journal/journal.h"
#include "model/sriov-state.h"

struct hook {
	const struct pt_root *root;
	const char *journal_dir;
	const char *name; /* as libvirt calls the VM */
	struct pt_domain vm;
	struct pt_keeps known;
	struct pt_error *err;
};

static void hook_done(struct hook *h)
{
	pt_domain_done(&h->vm);
	pt_keeps_done(&h->known);
}

static int no(const struct hook *h, const char *why, const char *fix)
{
	(void)pt_refuse(h->err, NULL, "%s does not start: %s", h->name, why);
	if (fix && *fix)
		pt_hint(h->err, "%s", fix);
	return -EPERM;
}

static bool same_uuid(const char *a, const char *b)
{
	return a && b && strcasecmp(a, b) == 0;
}

static bool has_device(const struct hook *h, struct pt_bdf bdf)
{
	for (size_t i = 0; i < h->vm.hostdevs.n; i++) {
		const struct pt_domain_hostdev *d = &h->vm.hostdevs.v[i];

		if ((d->kind == PT_HOSTDEV_PCI || d->has_bdf) && pt_bdf_eq(d->bdf, bdf))
			return true;
	}
	return false;
}

/* did we ever give it a device? */
static bool is_ours(const struct hook *h)
{
	for (size_t i = 0; i < h->known.n; i++)
		if (same_uuid(h->known.v[i].vm_uuid, h->vm.uuid) || pt_streq(h->known.v[i].vm, h->name))
			return true;
	return false;
}

/* a step about a PF's virtual functions names them, too */
static bool has_vf_of(const struct hook *h, const struct pt_step *s)
{
	for (size_t i = 0; i < h->vm.hostdevs.n; i++) {
		const struct pt_domain_hostdev *d = &h->vm.hostdevs.v[i];

		if ((d->kind == PT_HOSTDEV_PCI || d->has_bdf) &&
		    (pt_sriov_text_names(s->state_before, d->bdf) || pt_sriov_text_names(s->state_after, d->bdf)))
			return true;
	}
	return false;
}

static bool is_about(const struct hook *h, const struct pt_step *s)
{
	bool device = pt_step_is_device(s->kind);

	return same_uuid(s->vm_uuid, h->vm.uuid) || (device && (has_device(h, s->bdf) || has_vf_of(h, s)));
}

/* the change itself starts it: in its own step, or to put back what ran before */
static bool is_starting(const struct hook *h, const struct pt_step_row *row)
{
	if (!same_uuid(row->step.vm_uuid, h->vm.uuid))
		return false;
	return (row->step.kind == PT_STEP_VM_START && row->state == PT_STEP_STARTED) ||
	       (row->step.kind == PT_STEP_VM_STOP && row->state == PT_STEP_UNDOING);
}

static int ask_change(const struct hook *h, const struct pt_change_record *change)
{
	bool alive = change->head.state == PT_CHANGE_OPEN && pt_owner_alive(h->root->proc_fd, &change->head.owner);
	pt_autofree char *why = NULL;
	bool concerned = false;

	for (size_t i = 0; i < change->steps.n; i++) {
		concerned = concerned || is_about(h, &change->steps.v[i].step);
		if (alive && is_starting(h, &change->steps.v[i]))
			return 0;
	}
	if (!concerned)
		return 0;
	why = pt_strf("change %lld (%s) %s", change->head.id, change->head.summary,
		      alive				     ? "is being made"
		      : change->head.state == PT_CHANGE_OPEN ? "was cut off"
							     : "could not be taken back completely");
	return no(h, why, alive ? "wait for it to end" : "run `passthru recover`");
}

static int ask_journal(const struct hook *h)
{
	PT_AUTO(pt_change_list) list = { 0 };
	struct pt_journal *journal = NULL;
	struct pt_error err = { 0 };
	int refused = 0;
	int r = pt_journal_open(h->journal_dir, PT_JOURNAL_READ, &journal, &err);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = pt_journal_list(journal, true, &list, &err);
	for (size_t i = 0; i < list.n && r == 0 && !refused; i++) {
		PT_AUTO(pt_change_record) change = { 0 };

		r = pt_journal_get(journal, list.v[i].id, &change, &err);
		refused = r == 0 ? ask_change(h, &change) : 0;
	}
	pt_journal_close(journal);
	if (r < 0 && is_ours(h))
		return no(h, err.msg, err.hint);
	return refused;
}

/* of virtual functions alike on several cards the one at the address is taken: nothing tells them apart before a guest
 * has them, and they carry nothing */
static bool may_stay(const struct pt_keep *k, const struct pt_whereabouts *w)
{
	return w->where == PT_WHERE_HERE || (k->id.is_vf && w->where == PT_WHERE_SEVERAL);
}

static int judge(const struct hook *h, const struct pt_whereabouts_list *where)
{
	for (size_t i = 0; i < h->known.n; i++) {
		const struct pt_keep *k = &h->known.v[i];
		const struct pt_whereabouts *w = &where->v[i];
		pt_autofree char *why = NULL;

		if ((k->vm_uuid && !same_uuid(k->vm_uuid, h->vm.uuid)) || !has_device(h, k->id.last_seen) ||
		    may_stay(k, w))
			continue;
		why = pt_strf("%s is not certain to be the device that it was given: %s", pt_bdf_str(k->id.last_seen).s,
			      w->why ? w->why : pt_where_str(w->where));
		return no(h, why, w->fix ? w->fix : "`passthru doctor` tells more");
	}
	return 0;
}

static int ask_devices(const struct hook *h)
{
	PT_AUTO(pt_devices) devices = { 0 };
	PT_AUTO(pt_identities) present = { 0 };
	PT_AUTO(pt_whereabouts_list) where = { 0 };
	PT_AUTO(pt_blocks) blocks = { 0 };
	struct pt_error err = { 0 };
	int r = pt_pci_list(h->root, &devices, &err);

	if (r == 0)
		r = pt_block_list(h->root, &blocks, &err);
	if (r == 0)
		r = pt_keep_present(h->root, &h->known, &devices, &blocks, &present, &err);
	if (r < 0)
		return is_ours(h) ? no(h, err.msg, err.hint) : 0;
	pt_whereabouts_find(&h->known, &present, &where);
	return judge(h, &where);
}

/* a record that cannot be read is a record all the same, of the device whose address is its name */
static int ask_unread(const struct hook *h)
{
	for (size_t i = 0; i < h->vm.hostdevs.n; i++) {
		struct pt_bdf bdf = h->vm.hostdevs.v[i].bdf;
		pt_autofree char *path = pt_strf("%s/%s.conf", &PT_RESERVED_DIR[1], pt_bdf_str(bdf).s);
		pt_autofree char *why = NULL;

		if ((h->vm.hostdevs.v[i].kind != PT_HOSTDEV_PCI && !h->vm.hostdevs.v[i].has_bdf) ||
		    pt_keep_by_bdf(&h->known, bdf) || pt_file_exists(h->root->root_fd, path) != 1)
			continue;
		why = pt_strf("/%s is there and cannot be understood", path);
		return no(h, why, "`passthru doctor` tells more");
	}
	return 0;
}

static int may_start(struct hook *h, const char *xml)
{
	struct pt_error err = { 0 };
	int r = pt_keep_list(h->root, &h->known, NULL, &err);

	if (r == 0)
		r = pt_domxml_read(xml, &h->vm, &err);
	/* by its name alone: whose definition cannot be read is not known by its UUID */
	if (r < 0)
		return is_ours(h) ? no(h, err.msg, err.hint) : 0;
	r = ask_journal(h);
	if (r == 0)
		r = ask_unread(h);
	return r == 0 && h->known.n ? ask_devices(h) : r;
}

int pt_hook_may_start(const struct pt_root *root, const char *journal_dir, const char *name, const char *xml,
		      struct pt_error *err)
{
	PT_CLEANUP(hook_done) struct hook h = { .root = root, .journal_dir = journal_dir, .name = name, .err = err };

	return may_start(&h, xml);
}
