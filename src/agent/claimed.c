/* SPDX-License-Identifier: Apache-2.0 */
/* What is so now of a claim's devices on this host: who has them, and in whose hands they are.  Asks; changes nothing.
 */
#include <errno.h>
#include <stdint.h>

#include "agent/parts.h"
#include "base/cleanup.h"

/* the VM of this host that a claim is for: the one with exactly this name or UUID */
const struct pt_domain *pt_agent_holder(const struct pt_agent *a, const struct pt_claim *c)
{
	for (size_t i = 0; i < a->vms.n; i++)
		if (pt_streq(a->vms.v[i].name, c->holder) || pt_streq(a->vms.v[i].uuid, c->holder))
			return &a->vms.v[i];
	return NULL;
}

bool pt_agent_on_vfio(const struct pt_inv_device *d)
{
	return d->owner && strstr(d->owner, pt_startswith(d->owner, "unusable") ? "(on vfio" : "vfio");
}

size_t pt_agent_count_used(const struct pt_agent *a, const struct pt_claim *c, const struct pt_domain *vm)
{
	size_t n = 0;

	for (size_t i = 0; i < c->devices.n; i++) {
		const struct pt_domain *user = pt_agent_user(a, c->devices.v[i].bdf);

		n += user && vm && pt_streq(user->uuid, vm->uuid);
	}
	return n;
}

/* the first device that a VM has which is not @vm */
const struct pt_domain *pt_agent_stranger(const struct pt_agent *a, const struct pt_claim *c,
					  const struct pt_domain *vm, struct pt_bdf *ret_bdf)
{
	for (size_t i = 0; i < c->devices.n; i++) {
		const struct pt_domain *user = pt_agent_user(a, c->devices.v[i].bdf);

		*ret_bdf = c->devices.v[i].bdf;
		if (user && !(vm && pt_streq(user->uuid, vm->uuid)))
			return user;
	}
	return NULL;
}

/* nobody has them, and nothing was done to them: only then is a claim that cannot be done over */
bool pt_agent_untouched(const struct pt_agent *a, const struct pt_claim *c)
{
	for (size_t i = 0; i < c->devices.n; i++) {
		int64_t at = pt_inv_host_find(&a->facts, c->devices.v[i].bdf);

		if (at < 0 || pt_agent_identity(a, &c->devices.v[i], NULL) < 0 ||
		    pt_agent_user(a, c->devices.v[i].bdf) || pt_agent_on_vfio(&a->facts.v[at]) ||
		    pt_agent_is_changed(&a->facts.v[at]))
			return false;
	}
	return true;
}

/* somebody else's change has one of them now, or could not put it back */
int pt_agent_find_changed(const struct pt_agent *a, const struct pt_claim *c, struct pt_error *err)
{
	for (size_t i = 0; i < c->devices.n; i++) {
		int64_t at = pt_inv_host_find(&a->facts, c->devices.v[i].bdf);

		if (at >= 0 && pt_agent_is_changed(&a->facts.v[at]))
			return pt_say(err, -EBUSY, "%s is in the hands of %s", pt_bdf_str(c->devices.v[i].bdf).s,
				      a->facts.v[at].owner);
	}
	return 0;
}

/* what is not yet the host's again */
int pt_agent_given_back(const struct pt_agent *a, const struct pt_claim *c, struct pt_error *err)
{
	for (size_t i = 0; i < c->devices.n; i++) {
		int64_t at = pt_inv_host_find(&a->facts, c->devices.v[i].bdf);
		const struct pt_domain *user = pt_agent_user(a, c->devices.v[i].bdf);

		if (user)
			return pt_say(err, -EBUSY, "VM %s has %s still", user->name, pt_bdf_str(c->devices.v[i].bdf).s);
		if (at >= 0 && pt_agent_on_vfio(&a->facts.v[at]))
			return pt_say(err, -EBUSY, "%s is on %s still", pt_bdf_str(c->devices.v[i].bdf).s,
				      a->facts.v[at].owner);
	}
	return pt_agent_find_changed(a, c, err);
}
