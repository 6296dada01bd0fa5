/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/hook.h"

#include <errno.h>
#include <stdlib.h>
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

/* @has: the functions that the VM's definition names; @unread: it cannot be read, so it may name any */
struct hook {
	const struct pt_root *root;
	const char *journal_dir;
	const char *name; /* as libvirt calls the VM */
	struct pt_domain vm;
	struct {
		struct pt_bdf *v;
		size_t n;
		size_t cap;
	} has;
	bool unread;
	struct pt_keeps known;
	struct pt_error *err;
};

static void hook_done(struct hook *h)
{
	pt_domain_done(&h->vm);
	free(h->has.v);
	pt_keeps_done(&h->known);
}

static int read_definition(struct hook *h, const char *xml, struct pt_error *err)
{
	int r = pt_domxml_read(xml, &h->vm, err);

	h->unread = r < 0;
	for (size_t i = 0; i < h->vm.hostdevs.n; i++)
		if (h->vm.hostdevs.v[i].kind == PT_HOSTDEV_PCI || h->vm.hostdevs.v[i].has_bdf)
			pt_array_push(&h->has, h->vm.hostdevs.v[i].bdf);
	for (size_t i = 0; i < h->vm.disks.n; i++)
		if (h->vm.disks.v[i].type == PT_DISK_NVME)
			pt_array_push(&h->has, h->vm.disks.v[i].nvme);
	return r;
}

static int no(const struct hook *h, const char *name, const char *why, const char *fix)
{
	(void)pt_refuse(h->err, name, "%s does not start: %s", h->name, why);
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
	for (size_t i = 0; i < h->has.n; i++)
		if (pt_bdf_eq(h->has.v[i], bdf))
			return true;
	return h->unread;
}

static bool has_devices(const struct hook *h)
{
	return h->has.n || h->unread;
}

/* the VM's own record, or nobody's in particular at an address that it has */
static bool is_its(const struct hook *h, const struct pt_keep *k)
{
	if (k->vm_uuid || k->vm)
		return same_uuid(k->vm_uuid, h->vm.uuid) || pt_streq(k->vm, h->name);
	return has_device(h, k->id.last_seen);
}

/* did we ever give it a device? */
static bool is_ours(const struct hook *h)
{
	for (size_t i = 0; i < h->known.n; i++)
		if (is_its(h, &h->known.v[i]))
			return true;
	return false;
}

/* by a change, which was in a journal then */
static bool is_in_a_journal(const struct hook *h)
{
	for (size_t i = 0; i < h->known.n; i++)
		if (h->known.v[i].change > 0 && is_its(h, &h->known.v[i]))
			return true;
	return false;
}

/* a step about a PF's virtual functions names them, too */
static bool has_vf_of(const struct hook *h, const struct pt_step *s)
{
	for (size_t i = 0; i < h->has.n; i++)
		if (pt_sriov_text_names(s->state_before, h->has.v[i]) ||
		    pt_sriov_text_names(s->state_after, h->has.v[i]))
			return true;
	return false;
}

static bool is_about(const struct hook *h, const struct pt_step *s)
{
	bool device = pt_step_is_device(s->kind);

	return same_uuid(s->vm_uuid, h->vm.uuid) || (h->unread && pt_streq(s->vm, h->name)) ||
	       (device && (has_device(h, s->bdf) || has_vf_of(h, s)));
}

/* the change itself starts it: in its own step, or to put back what ran before: it was shut down, or its QEMU ended of
 * a device that came or went, or of a move */
static bool is_starting(const struct hook *h, const struct pt_step_row *row)
{
	if (!same_uuid(row->step.vm_uuid, h->vm.uuid))
		return false;
	switch (row->step.kind) {
	case PT_STEP_VM_START:
		return row->state == PT_STEP_STARTED;
	case PT_STEP_VM_STOP:
	case PT_STEP_VM_PLUG:
	case PT_STEP_VM_UNPLUG:
	case PT_STEP_VM_MIGRATE:
		return row->state == PT_STEP_UNDOING;
	default:
		return false;
	}
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
	return no(h, alive ? "change-open" : "change-unsettled", why,
		  alive ? "wait for it to end" : "run `passthru recover`");
}

static int no_journal(const struct hook *h)
{
	pt_autofree char *why = pt_strf("a change gave it a device, and there is no journal in %s to tell whether one "
					"was cut off",
					h->journal_dir);

	return no(h, "no-journal", why,
		  "bring it back; where it is lost for good, `passthru recover` begins a new one");
}

static int ask_journal(const struct hook *h)
{
	PT_AUTO(pt_change_list) list = { 0 };
	struct pt_journal *journal = NULL;
	struct pt_error err = { 0 };
	int refused = 0;
	int r = pt_journal_open(h->journal_dir, PT_JOURNAL_READ, &journal, &err);

	if (r == -ENOENT)
		return is_in_a_journal(h) ? no_journal(h) : 0;
	if (r == 0)
		r = pt_journal_list(journal, true, &list, &err);
	for (size_t i = 0; i < list.n && r == 0 && !refused; i++) {
		PT_AUTO(pt_change_record) change = { 0 };

		r = pt_journal_get(journal, list.v[i].id, &change, &err);
		refused = r == 0 ? ask_change(h, &change) : 0;
	}
	pt_journal_close(journal);
	/* what was given by a change that was cut off may have no record yet, or no more */
	if (r < 0 && (is_ours(h) || has_devices(h)))
		return no(h, err.refusal[0] ? err.refusal : "unreadable", err.msg, err.hint);
	return refused;
}

/* is it to be this device that this VM has at its address? */
static bool counts(const struct hook *h, const struct pt_keep *k)
{
	return (!k->vm_uuid || same_uuid(k->vm_uuid, h->vm.uuid)) && has_device(h, k->id.last_seen);
}

static int judge(const struct hook *h, const struct pt_whereabouts_list *where)
{
	for (size_t i = 0; i < h->known.n; i++) {
		const struct pt_keep *k = &h->known.v[i];
		const struct pt_whereabouts *w = &where->v[i];
		pt_autofree char *why = NULL;

		if (!counts(h, k) || w->where == PT_WHERE_HERE)
			continue;
		why = pt_strf("%s is not certain to be the device that it was given: %s", pt_bdf_str(k->id.last_seen).s,
			      w->why ? w->why : pt_where_str(w->where));
		return no(h, "identity", why, w->fix ? w->fix : "`passthru doctor` tells more");
	}
	return 0;
}

/* every function of such a kind is looked at, so only where a record counts */
static int ask_devices(const struct hook *h)
{
	PT_AUTO(pt_devices) devices = { 0 };
	PT_AUTO(pt_identities) present = { 0 };
	PT_AUTO(pt_whereabouts_list) where = { 0 };
	PT_AUTO(pt_blocks) blocks = { 0 };
	struct pt_error err = { 0 };
	bool any = false;
	int r;

	for (size_t i = 0; i < h->known.n; i++)
		any = any || counts(h, &h->known.v[i]);
	if (!any)
		return 0;
	r = pt_pci_list(h->root, &devices, &err);
	if (r == 0)
		r = pt_block_list(h->root, &blocks, &err);
	if (r == 0)
		r = pt_keep_present(h->root, &h->known, &devices, &blocks, &present, &err);
	if (r < 0)
		return no(h, "unreadable", err.msg, err.hint);
	pt_whereabouts_find(&h->known, &present, &where);
	return judge(h, &where);
}

/* a record that cannot be read is a record all the same, of the device whose address is its name */
static int ask_unread(const struct hook *h)
{
	for (size_t i = 0; i < h->has.n; i++) {
		struct pt_bdf bdf = h->has.v[i];
		pt_autofree char *path = pt_strf("%s/%s.conf", &PT_RESERVED_DIR[1], pt_bdf_str(bdf).s);
		pt_autofree char *why = NULL;

		if (pt_keep_by_bdf(&h->known, bdf) || pt_file_exists(h->root->root_fd, path) != 1)
			continue;
		why = pt_strf("/%s is there and cannot be understood", path);
		return no(h, "unreadable", why, "`passthru doctor` tells more");
	}
	return 0;
}

static int may_start(struct hook *h, const char *xml)
{
	struct pt_error no_definition = { 0 };
	struct pt_error no_records = { 0 };
	bool blind = pt_keep_list(h->root, &h->known, NULL, &no_records) < 0;
	int r;

	(void)read_definition(h, xml, &no_definition); /* h->unread tells */
	r = ask_journal(h);
	if (r == 0 && blind && has_devices(h))
		r = no(h, "unreadable", no_records.msg,
		       "every device that it has may be another one now: make that readable");
	if (r == 0 && h->unread && is_ours(h))
		r = no(h, "unreadable", no_definition.msg, no_definition.hint);
	if (r == 0)
		r = ask_unread(h);
	return r == 0 ? ask_devices(h) : r;
}

int pt_hook_may_start(const struct pt_root *root, const char *journal_dir, const char *name, const char *xml,
		      struct pt_error *err)
{
	PT_CLEANUP(hook_done) struct hook h = { .root = root, .journal_dir = journal_dir, .name = name, .err = err };

	return may_start(&h, xml);
}

int pt_hook_blind(const char *name, const char *xml, const struct pt_error *why, struct pt_error *err)
{
	PT_CLEANUP(hook_done) struct hook h = { .name = name, .err = err };
	struct pt_error no_definition = { 0 };

	(void)read_definition(&h, xml, &no_definition); /* h.unread tells */
	return has_devices(&h) ? no(&h, "unreadable", why->msg, why->hint) : 0;
}
