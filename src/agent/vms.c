/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/vms.h"

#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "shape/device.h"
#include "vm/libvirt.h"

/* a state that is none of these is another one: neither off nor known to run */
static const char *const states[] = { [PT_DOMAIN_SHUTOFF] = "off",
				      [PT_DOMAIN_RUNNING] = "running",
				      [PT_DOMAIN_PAUSED] = "paused",
				      [PT_DOMAIN_OTHER] = "other" };

static void add(json_t *devices, struct pt_bdf bdf)
{
	(void)json_array_append_new(devices, json_string(pt_bdf_str(bdf).s));
}

/* what pt_judge_holds() would say yes to */
static json_t *one_json(const struct pt_domain *d)
{
	json_t *devices = json_array();

	for (size_t i = 0; i < d->hostdevs.n; i++)
		if (d->hostdevs.v[i].kind == PT_HOSTDEV_PCI || d->hostdevs.v[i].has_bdf)
			add(devices, d->hostdevs.v[i].bdf);
	for (size_t i = 0; i < d->disks.n; i++)
		if (d->disks.v[i].type == PT_DISK_NVME)
			add(devices, d->disks.v[i].nvme);
	return json_pack("{s:o, s:o, s:s, s:o}", "name", pt_json_text(d->name), "uuid", pt_json_text(d->uuid), "state",
			 states[d->state], "devices", devices);
}

int pt_vms_ask(const struct pt_root *root, const char *uri, char **ret_text, struct pt_error *err)
{
	PT_AUTO(pt_domains) vms = { 0 };
	struct pt_vm_conn *conn = NULL;
	json_t *list = NULL;
	json_t *o = NULL;
	int r = pt_vm_open(root, uri, true, &conn, err);

	if (r == 0)
		r = pt_vm_list(conn, NULL, &vms, err);
	pt_vm_close(conn);
	if (r < 0)
		return r;
	list = json_array();
	for (size_t i = 0; i < vms.n; i++)
		(void)json_array_append_new(list, one_json(&vms.v[i]));
	o = json_pack("{s:o}", "vms", list);
	*ret_text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return *ret_text ? 0 : pt_say(err, -ENOMEM, "the VMs cannot be told");
}

static int read_one(const json_t *o, struct pt_domain *d)
{
	const char *name = json_string_value(json_object_get(o, "name"));
	const char *uuid = json_string_value(json_object_get(o, "uuid"));
	const char *state = json_string_value(json_object_get(o, "state"));
	const json_t *devices = json_object_get(o, "devices");

	if (!name || !uuid || !state || !json_is_array(devices))
		return -EBADMSG;
	d->name = pt_strdup(name);
	d->uuid = pt_strdup(uuid);
	d->state = PT_DOMAIN_OTHER;
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (pt_streq(states[i], state))
			d->state = (enum pt_domain_state)i;
	for (size_t i = 0; i < json_array_size(devices); i++) {
		const char *text = json_string_value(json_array_get(devices, i));
		struct pt_domain_hostdev h = { .kind = PT_HOSTDEV_PCI, .has_bdf = true };

		if (!text || pt_bdf_parse(text, &h.bdf) < 0)
			return -EBADMSG;
		pt_array_push(&d->hostdevs, h);
	}
	return 0;
}

int pt_vms_read(const char *text, struct pt_domains *ret, struct pt_error *err)
{
	PT_AUTO(pt_domains) vms = { 0 };
	json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const json_t *list = json_object_get(o, "vms");
	int r = json_is_array(list) ? 0 : -EBADMSG;

	for (size_t i = 0; i < json_array_size(list) && r == 0; i++) {
		struct pt_domain d = { 0 };

		r = read_one(json_array_get(list, i), &d);
		pt_array_push(&vms, d);
	}
	json_decref(o);
	if (r < 0)
		return pt_say(err, r, "what is said of the VMs is not understood: is it of another version?");
	*ret = pt_take(vms);
	return 0;
}
