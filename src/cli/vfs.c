/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/vfs.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "decide/sriov-why.h"
#include "shape/device.h"
#include "shape/finding.h"

static const char *on_off(bool value)
{
	return value ? "on" : "off";
}

static void add_rate(struct pt_strv *words, const struct pt_vf_settings *s)
{
	if (s->max_rate)
		pt_strv_addf(words, "rate up to %u Mbit/s", s->max_rate);
	else
		pt_strv_add(words, "rate unlimited");
	if (s->min_rate)
		pt_strv_addf(words, "at least %u Mbit/s", s->min_rate);
}

char *pt_vf_text(const struct pt_vf_settings *s)
{
	PT_AUTO(pt_strv) words = { 0 };

	if (s && s->has & PT_VF_MAC)
		pt_strv_addf(&words, "mac %s", pt_mac_str(s->mac).s);
	if (s && s->has & PT_VF_VLAN && s->vlan)
		pt_strv_addf(&words, "vlan %u%s", s->vlan, s->qinq ? " (802.1ad)" : "");
	else if (s && s->has & PT_VF_VLAN)
		pt_strv_add(&words, "no vlan");
	if (s && s->has & PT_VF_VLAN && s->qos)
		pt_strv_addf(&words, "priority %u", s->qos);
	if (s && s->has & PT_VF_TRUST)
		pt_strv_addf(&words, "trust %s", on_off(s->trust));
	if (s && s->has & PT_VF_SPOOFCHK)
		pt_strv_addf(&words, "spoof check %s", on_off(s->spoofchk));
	if (s && s->has & PT_VF_LINK)
		pt_strv_addf(&words, "link %s", pt_vf_link_str(s->link));
	if (s && s->has & PT_VF_RATE)
		add_rate(&words, s);
	return pt_strv_join(&words, ", ");
}

char *pt_vf_nvme_text(const struct pt_nvme_virt *nvme, int index)
{
	const struct pt_nvme_secondary *one = index >= 0 ? pt_nvme_of_vf(nvme, (unsigned)index) : NULL;

	if (!one)
		return pt_strdup("");
	return pt_strf("controller %u %s, %u queue%s, %u interrupt%s", one->id, one->online ? "online" : "offline",
		       one->queues, one->queues == 1 ? "" : "s", one->interrupts, one->interrupts == 1 ? "" : "s");
}

char *pt_pf_link_text(const struct pt_device *pf, const struct pt_pf_link *link)
{
	pt_autofree char *names = pt_strv_join(&pf->netdevs, ", ");

	if (!link->name)
		return pt_take_ptr(names);
	return pt_strf("%s, %s, mtu %u", names, link->carrier ? "up" : link->up ? "no carrier" : "down", link->mtu);
}

static json_t *controller_json(const struct pt_nvme_virt *nvme, int index)
{
	const struct pt_nvme_secondary *one = index >= 0 ? pt_nvme_of_vf(nvme, (unsigned)index) : NULL;

	if (!one)
		return json_null();
	return json_pack("{s:i, s:b, s:i, s:i}", "id", one->id, "online", one->online, "queues", one->queues,
			 "interrupts", one->interrupts);
}

static json_t *known(const struct pt_vf_settings *s, unsigned what, json_t *value)
{
	if (s->has & what)
		return value;
	json_decref(value);
	return json_null();
}

json_t *pt_vf_to_json(const struct pt_vf_settings *s)
{
	if (!s)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "mac",
			 known(s, PT_VF_MAC, json_string(pt_mac_str(s->mac).s)), "vlan",
			 known(s, PT_VF_VLAN, json_integer(s->vlan)), "qos", known(s, PT_VF_VLAN, json_integer(s->qos)),
			 "qinq", known(s, PT_VF_VLAN, json_boolean(s->qinq)), "trust",
			 known(s, PT_VF_TRUST, json_boolean(s->trust)), "spoofchk",
			 known(s, PT_VF_SPOOFCHK, json_boolean(s->spoofchk)), "link_state",
			 known(s, PT_VF_LINK, json_string(pt_vf_link_str(s->link))), "min_rate_mbit",
			 known(s, PT_VF_RATE, json_integer(s->min_rate)), "max_rate_mbit",
			 known(s, PT_VF_RATE, json_integer(s->max_rate)));
}

json_t *pt_vms_json(const struct pt_owners *owners, struct pt_bdf bdf)
{
	json_t *list = json_array();

	for (size_t i = 0; i < owners->domains.n; i++) {
		const struct pt_domain *d = &owners->domains.v[i];

		if (pt_domain_hostdev_by_bdf(d, bdf))
			json_array_append_new(list, json_pack("{s:o, s:b}", "name", pt_json_text(d->name), "running",
							      d->state != PT_DOMAIN_SHUTOFF));
	}
	if (owners->asked)
		return list;
	json_decref(list);
	return json_null();
}

json_t *pt_vf_device_json(const struct pt_device *vf, const struct pt_sriov *pf, const struct pt_owners *owners)
{
	json_t *o = pt_device_to_json(vf, false);

	(void)json_object_set_new(o, "settings", pt_vf_to_json(pt_pf_link_vf(&pf->link, vf->vf_index)));
	(void)json_object_set_new(o, "controller", controller_json(&pf->nvme, vf->vf_index));
	(void)json_object_set_new(o, "vms", pt_vms_json(owners, vf->bdf));
	return o;
}

static json_t *link_json(const struct pt_pf_link *l)
{
	if (!l->name)
		return json_null();
	return json_pack("{s:o, s:b, s:b, s:i}", "netdev", pt_json_text(l->name), "up", l->up, "carrier", l->carrier,
			 "mtu", (int)l->mtu);
}

static json_t *kept_json(const struct pt_sriov_state *kept)
{
	unsigned mtu = kept ? pt_sriov_state_mtu(kept) : 0;

	if (!kept)
		return json_null();
	return json_pack("{s:i, s:o}", "vfs", kept->vfs, "mtu", mtu ? json_integer(mtu) : json_null());
}

json_t *pt_sriov_json(const struct pt_device *pf, const struct pt_sriov *s, const struct pt_sriov_state *kept,
		      const struct pt_devices *all, const struct pt_owners *owners)
{
	PT_AUTO(pt_findings) why = { 0 };
	pt_autofree char *status = pt_sriov_status(pf, s);
	json_t *o = pt_device_to_json(pf, false);
	json_t *vfs = json_array();

	pt_sriov_why(pf, s, &why);
	pt_sriov_unlike_kept(pf, s, kept, &why);
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].sriov == PT_SRIOV_VF && pt_bdf_eq(all->v[i].pf, pf->bdf))
			(void)json_array_append_new(vfs, pt_vf_device_json(&all->v[i], s, owners));
	(void)json_object_set_new(o, "status", pt_json_text(status));
	(void)json_object_set_new(o, "autoprobe",
				  s->autoprobe == PT_KNOWN_UNKNOWN ? json_null()
								   : json_boolean(s->autoprobe == PT_KNOWN_YES));
	(void)json_object_set_new(o, "link", link_json(&s->link));
	(void)json_object_set_new(o, "kept", kept_json(kept));
	(void)json_object_set_new(o, "why", pt_findings_json(&why));
	(void)json_object_set_new(o, "vms", pt_vms_json(owners, pf->bdf));
	(void)json_object_set_new(o, "virtual_functions", vfs);
	return o;
}
