/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nvme-set.h"

#include <errno.h>

#include "base/cleanup.h"
#include "model/nvme.h"

/* what a VF shall have */
struct share {
	unsigned queues;
	unsigned interrupts;
};

/* how many the primary controller keeps */
static struct share own_of(const struct pt_nvme_virt *card, const struct pt_sriov_state *want)
{
	struct share s = { card->queues.own, card->interrupts.own };

	if (want->vfs > 0) {
		s.queues = pt_nvme_own(&card->queues, (unsigned)want->vfs, PT_NVME_QUEUES_LEAST);
		s.interrupts = pt_nvme_own(&card->interrupts, (unsigned)want->vfs, PT_NVME_INTERRUPTS_LEAST);
	}
	if (want->own_queues >= 0)
		s.queues = (unsigned)want->own_queues;
	if (want->own_interrupts >= 0)
		s.interrupts = (unsigned)want->own_interrupts;
	return s;
}

static struct share share_of(const struct pt_nvme_virt *card, const struct pt_sriov_state *want, unsigned index)
{
	const struct pt_vf_state *said = pt_sriov_state_vf(want, index);
	struct share own = own_of(card, want);
	struct share s = {
		pt_nvme_share(&card->queues, (unsigned)want->vfs, own.queues),
		pt_nvme_share(&card->interrupts, (unsigned)want->vfs, own.interrupts),
	};

	if (said && said->queues && card->queues.flexible)
		s.queues = said->queues;
	if (said && said->interrupts && card->interrupts.flexible)
		s.interrupts = said->interrupts;
	return s;
}

static bool has(const struct pt_nvme_virt *card, const struct pt_nvme_secondary *one, struct share s)
{
	return one->online && (!card->queues.flexible || one->queues == s.queues) &&
	       (!card->interrupts.flexible || one->interrupts == s.interrupts);
}

static int act(const struct pt_host_ops *ops, struct pt_bdf pf, struct pt_nvme_command command, struct pt_error *err)
{
	return ops->nvme_act(ops->ctx, pf, &command, err);
}

/* what it has goes back to all of them */
static int take(const struct pt_host_ops *ops, struct pt_bdf pf, const struct pt_nvme_virt *card,
		const struct pt_nvme_secondary *one, struct pt_error *err)
{
	int r = one->online ? act(ops, pf, (struct pt_nvme_command){ PT_NVME_OFFLINE, 0, one->id, 0 }, err) : 0;

	if (r == 0 && one->queues && card->queues.flexible)
		r = act(ops, pf, (struct pt_nvme_command){ PT_NVME_ASSIGN, PT_NVME_QUEUES, one->id, 0 }, err);
	if (r == 0 && one->interrupts && card->interrupts.flexible)
		r = act(ops, pf, (struct pt_nvme_command){ PT_NVME_ASSIGN, PT_NVME_INTERRUPTS, one->id, 0 }, err);
	return r;
}

static int give(const struct pt_host_ops *ops, struct pt_bdf pf, const struct pt_nvme_virt *card,
		const struct pt_nvme_secondary *one, struct share s, struct pt_error *err)
{
	int r = 0;

	if (card->queues.flexible)
		r = act(ops, pf, (struct pt_nvme_command){ PT_NVME_ASSIGN, PT_NVME_QUEUES, one->id, s.queues }, err);
	if (r == 0 && card->interrupts.flexible)
		r = act(ops, pf, (struct pt_nvme_command){ PT_NVME_ASSIGN, PT_NVME_INTERRUPTS, one->id, s.interrupts },
			err);
	return r < 0 ? r : act(ops, pf, (struct pt_nvme_command){ PT_NVME_ONLINE, 0, one->id, 0 }, err);
}

static int check(const struct pt_host_ops *ops, struct pt_bdf pf, const struct pt_sriov_state *want,
		 const struct pt_nvme_virt *before, struct pt_error *err)
{
	PT_AUTO(pt_nvme_virt) now = { 0 };
	int r = ops->nvme_read(ops->ctx, pf, &now, err);

	for (unsigned i = 0; i < (unsigned)want->vfs && r == 0; i++) {
		const struct pt_nvme_secondary *one = pt_nvme_of_vf(&now, i);

		if (!one || !has(&now, one, share_of(before, want, i)))
			r = pt_say(err, -EIO,
				   "the controller behind VF %u of %s is %s, with %u queues and %u interrupts, "
				   "after it was given its share",
				   i, pt_bdf_str(pf).s, one && one->online ? "online" : "offline",
				   one ? one->queues : 0u, one ? one->interrupts : 0u);
	}
	return r;
}

static int check_enough(struct pt_bdf pf, const struct pt_nvme_virt *card, unsigned vfs, struct pt_error *err)
{
	int r = 0;

	for (unsigned i = 0; i < vfs && r == 0; i++)
		if (!pt_nvme_of_vf(card, i))
			r = pt_say(err, -EIO, "%s knows no secondary controller for its VF %u", pt_bdf_str(pf).s, i);
	if (r == 0 && pt_nvme_most_vfs(card) < vfs)
		r = pt_say(err, -ENOSPC, "%s has queues and interrupts for %u virtual functions, not for %u",
			   pt_bdf_str(pf).s, pt_nvme_most_vfs(card), vfs);
	return r;
}

/* what VFs that are not wanted so have, back to all of them */
static int take_all(const struct pt_host_ops *ops, struct pt_bdf pf, const struct pt_nvme_virt *card,
		    const struct pt_sriov_state *want, struct pt_error *err)
{
	int r = 0;

	for (size_t i = 0; i < card->v.n && r == 0; i++) {
		const struct pt_nvme_secondary *one = &card->v.v[i];
		bool wanted = one->vfn >= 1 && one->vfn <= (unsigned)want->vfs;

		if (!wanted || !has(card, one, share_of(card, want, one->vfn - 1u)))
			r = take(ops, pf, card, one, err);
	}
	return r;
}

/*
 * 1 when the primary controller has another share now: it was reset for that, and its secondaries are offline.  What
 * it was told to have before a reset that never came cannot be read: where a share is said, as in taking back, it is
 * told again, or some later reset would bring the other one.
 */
static int make_own(const struct pt_host_ops *ops, struct pt_bdf pf, const struct pt_nvme_virt *card,
		    const struct pt_sriov_state *want, struct pt_error *err)
{
	struct share own = own_of(card, want);
	bool queues = card->queues.flexible && own.queues != card->queues.own;
	bool interrupts = card->interrupts.flexible && own.interrupts != card->interrupts.own;
	int r = 0;

	if (queues || (card->queues.flexible && want->own_queues >= 0))
		r = act(ops, pf, (struct pt_nvme_command){ PT_NVME_OWN, PT_NVME_QUEUES, card->id, own.queues }, err);
	if (r == 0 && (interrupts || (card->interrupts.flexible && want->own_interrupts >= 0)))
		r = act(ops, pf, (struct pt_nvme_command){ PT_NVME_OWN, PT_NVME_INTERRUPTS, card->id, own.interrupts },
			err);
	if (r == 0 && (queues || interrupts))
		r = act(ops, pf, (struct pt_nvme_command){ PT_NVME_RESET, 0, card->id, 0 }, err);
	return r < 0 ? r : queues || interrupts;
}

static int give_all(const struct pt_host_ops *ops, struct pt_bdf pf, const struct pt_sriov_state *want,
		    struct pt_error *err)
{
	PT_AUTO(pt_nvme_virt) card = { 0 };
	int r = ops->nvme_read(ops->ctx, pf, &card, err);
	int changed = 0;

	for (unsigned i = 0; i < (unsigned)want->vfs && r == 0; i++) {
		const struct pt_nvme_secondary *one = pt_nvme_of_vf(&card, i);

		if (!one || has(&card, one, share_of(&card, want, i)))
			continue;
		r = give(ops, pf, &card, one, share_of(&card, want, i), err);
		changed = 1;
	}
	if (r == 0)
		r = check(ops, pf, want, &card, err);
	return r < 0 ? r : changed;
}

/* an NVMe controller (PCI Code and ID Assignment Specification 1.9) that this host drives, and so could be asked */
static bool is_driven(const struct pt_host_ops *ops, struct pt_bdf pf)
{
	pt_autofree char *class_path = pt_strf("bus/pci/devices/%s/class", pt_bdf_str(pf).s);
	pt_autofree char *driver_path = pt_strf("bus/pci/devices/%s/driver", pt_bdf_str(pf).s);
	pt_autofree char *class_code = NULL;
	pt_autofree char *driver = NULL;

	return ops->read(ops->ctx, class_path, &class_code) >= 0 && pt_streq(class_code, "0x010802") &&
	       ops->link(ops->ctx, driver_path, &driver) >= 0 && pt_streq(driver, "nvme");
}

int pt_nvme_set_make(const struct pt_host_ops *ops, struct pt_bdf pf, const struct pt_sriov_state *want,
		     struct pt_error *err)
{
	PT_AUTO(pt_nvme_virt) card = { 0 };
	struct pt_error why = { 0 };
	int r = want->vfs >= 0 && ops->nvme_read ? ops->nvme_read(ops->ctx, pf, &card, &why) : -ENODEV;
	int given;

	if (r == -EBUSY)
		return pt_say(err, r, "the NVMe controller %s does not answer", pt_bdf_str(pf).s);
	if (r < 0 && want->vfs >= 0 && ops->nvme_read && is_driven(ops, pf))
		return pt_say(err, r, "%s", why.msg);
	/* a card of another kind */
	if (r < 0 || !card.manages)
		return 0;
	r = check_enough(pf, &card, (unsigned)want->vfs, err);
	if (r == 0)
		r = take_all(ops, pf, &card, want, err);
	if (r == 0)
		r = make_own(ops, pf, &card, want, err);
	given = r < 0 ? r : give_all(ops, pf, want, err);
	return given < 0 ? given : r == 1 || given == 1;
}

bool pt_nvme_set_is(const struct pt_host_ops *ops, struct pt_bdf pf)
{
	PT_AUTO(pt_nvme_virt) card = { 0 };

	return ops->nvme_read && ops->nvme_read(ops->ctx, pf, &card, NULL) == 0 && card.manages;
}

void pt_nvme_set_look(const struct pt_host_ops *ops, struct pt_bdf pf, struct pt_sriov_state *now)
{
	PT_AUTO(pt_nvme_virt) card = { 0 };

	if (!ops->nvme_read || ops->nvme_read(ops->ctx, pf, &card, NULL) < 0)
		return;
	if (!card.manages)
		return;
	pt_nvme_state(&card, now);
}
