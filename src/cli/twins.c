/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/twins.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/networks.h"
#include "decide/twin.h"
#include "host/inventory.h"
#include "vm/far.h"
#include "vm/libvirt.h"
#include "vm/nodedev.h"

/**
 * struct there - what is looked at
 * @here: this host's functions, borrowed; @wanted: which of them need another
 * @uri: the other host, borrowed; @devices, @vms, @physnets: its functions, its VMs, what its functions are on by our
 * device_spec
 */
struct there {
	const struct pt_devices *here;
	struct pt_strv wanted;
	const char *uri;
	struct pt_devices devices;
	struct pt_domains vms;
	struct pt_strv physnets;
};

static void there_done(struct there *t)
{
	pt_devices_done(&t->devices);
	pt_domains_done(&t->vms);
	pt_strv_done(&t->physnets);
	pt_strv_done(&t->wanted);
}

/* the functions that an interface stands in for, of what runs */
void pt_twins_wanted(const struct pt_domain *live, struct pt_strv *ret_words)
{
	for (size_t i = 0; i < live->hostdevs.n; i++)
		if (live->hostdevs.v[i].team_of && live->hostdevs.v[i].has_bdf)
			pt_strv_add(ret_words, pt_bdf_str(live->hostdevs.v[i].bdf).s);
}

/* by the configuration of this host, which is taken to be that of the other too */
static int find_physnets(const struct pt_cli *cli, const struct pt_devices *devices, struct pt_strv *ret_names,
			 struct pt_error *err)
{
	PT_AUTO(pt_inv_host) host = { .name = pt_strdup("there") };
	PT_AUTO(pt_strv) names = { 0 };
	struct pt_bdf twice;
	int r;

	pt_inventory_add(devices, &host);
	r = pt_inv_host_finish(&host, &twice);
	if (r < 0)
		return pt_say(err, r, "%s is listed twice", pt_bdf_str(twice).s);
	r = pt_network_physnets(cli, &host, &names, err);
	for (size_t i = 0; i < devices->n && r >= 0; i++) {
		int64_t at = pt_inv_host_find(&host, devices->v[i].bdf);

		pt_strv_add(ret_names, at >= 0 ? names.v[at] : "");
	}
	return r;
}

struct has {
	struct pt_devices devices;
	struct pt_domains vms;
};

static void has_free(void *said)
{
	struct has *has = said;

	pt_devices_done(&has->devices);
	pt_domains_done(&has->vms);
	free(has);
}

static int look_at_it(struct pt_vm_conn *there, void *said, struct pt_error *err)
{
	struct has *has = said;
	int r = pt_vm_devices(there, &has->devices, err);

	return r < 0 ? r : pt_vm_list(there, NULL, &has->vms, err);
}

static int look_there(struct pt_cli *cli, struct there *t, struct pt_error *err)
{
	struct pt_far_talk talk = { .uri = t->uri, .talk = look_at_it, .done = has_free };
	struct has *has = pt_alloc(sizeof(*has));
	void *said = NULL;
	int r;

	*has = (struct has){ 0 };
	talk.said = has;
	r = PT_WATCHED(&cli->watch, PT_WATCH_LIBVIRT, pt_far(&cli->root, &talk, PT_FAR_MS, &said, err));
	if (r < 0)
		return r;
	has = said;
	t->devices = has->devices;
	t->vms = has->vms;
	free(has);
	return find_physnets(cli, &t->devices, &t->physnets, err);
}

static const char *physnet_of(const struct pt_devices *devices, const struct pt_strv *names, struct pt_bdf bdf)
{
	const struct pt_device *d = pt_devices_find(devices, bdf);

	return d && (size_t)(d - devices->v) < names->n ? names->v[d - devices->v] : "";
}

static int pick(struct pt_cli *cli, const struct pt_twin_ask *ask, size_t nth, struct pt_bdf *ret_bdf,
		struct pt_findings *findings, struct pt_error *err)
{
	const char *named = pt_cli_value_at(cli, "device", nth);
	struct pt_twin_ask a = *ask;
	struct pt_bdf only;

	if (named && pt_bdf_parse(named, &only) < 0)
		return pt_usage(err, -EINVAL, "--device %s: an address of %s is wanted, such as 0000:41:10.0", named,
				ask->where);
	if (named)
		a.only = &only;
	return pt_twin_pick(&a, ret_bdf, findings, err);
}

static int pick_each(struct pt_cli *cli, const struct there *t, struct pt_twins *l, struct pt_findings *findings,
		     struct pt_error *err)
{
	PT_AUTO(pt_strv) physnets = { 0 };
	PT_ARRAY(struct pt_bdf) taken = { 0 };
	int r = find_physnets(cli, t->here, &physnets, err);

	for (size_t i = 0; i < t->wanted.n && r >= 0; i++) {
		struct pt_bdf bdf = { 0 };
		const struct pt_device *mine =
			pt_bdf_parse(t->wanted.v[i], &bdf) < 0 ? NULL : pt_devices_find(t->here, bdf);
		struct pt_twin_ask ask = { .mine = mine,
					   .physnet = physnet_of(t->here, &physnets, bdf),
					   .there = &t->devices,
					   .physnets = &t->physnets,
					   .where = t->uri,
					   .vms = &t->vms,
					   .taken = taken.v,
					   .n_taken = taken.n,
					   .in_use = pt_cli_flag(cli, "force-twin-in-use") };

		r = mine ? pick(cli, &ask, i, &bdf, findings, err)
			 : pt_say(err, -ENODEV, "%s is gone from this host", t->wanted.v[i]);
		if (r < 0)
			break;
		pt_array_push(&taken, bdf);
		pt_array_add(l)->mine = mine;
		l->v[l->n - 1].twin = bdf;
	}
	free(taken.v);
	return r;
}

/* what holds the VM back could be had there anew */
static void tell_alike(const struct pt_domain *live, const struct there *t, struct pt_findings *findings)
{
	for (size_t i = 0; i < live->hostdevs.n; i++) {
		const struct pt_domain_hostdev *h = &live->hostdevs.v[i];
		const struct pt_device *mine = h->has_bdf && !h->team_of ? pt_devices_find(t->here, h->bdf) : NULL;
		struct pt_twin_ask ask = { .mine = mine, .there = &t->devices, .vms = &t->vms };
		struct pt_bdf first = { 0 };
		size_t n = mine ? pt_twin_alike(&ask, &first) : 0;

		if (n)
			pt_findings_add(findings, PT_NOTE, "alike", t->uri,
					"detach it here, move the VM, and attach one there",
					"%zu function%s there %s %04x:%04x as %s is, and in no VM: %s", n,
					n == 1 ? "" : "s", n == 1 ? "is" : "are", mine->vendor, mine->device,
					pt_bdf_str(mine->bdf).s, pt_bdf_str(first).s);
		else if (mine)
			pt_findings_add(findings, PT_NOTE, "alike", t->uri, NULL,
					"no function there is %04x:%04x as %s is, and free", mine->vendor, mine->device,
					pt_bdf_str(mine->bdf).s);
	}
}

static bool has_function(const struct pt_domain *live)
{
	for (size_t i = 0; i < live->hostdevs.n; i++)
		if (live->hostdevs.v[i].has_bdf)
			return true;
	return false;
}

int pt_twins_find(struct pt_cli *cli, const struct pt_devices *here, const struct pt_domain *live, const char *uri,
		  struct pt_twins *ret_twins, struct pt_findings *findings, struct pt_error *err)
{
	PT_CLEANUP(there_done) struct there t = { .here = here, .uri = uri };
	PT_AUTO(pt_twins) l = { 0 };
	int r;

	pt_twins_wanted(live, &t.wanted);
	if (!has_function(live))
		return 0;
	r = look_there(cli, &t, err);
	if (r >= 0)
		tell_alike(live, &t, findings);
	if (r >= 0)
		r = pick_each(cli, &t, &l, findings, err);
	if (r < 0)
		return r;
	*ret_twins = l;
	l = (struct pt_twins){ 0 };
	return 0;
}
