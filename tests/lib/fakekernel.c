/* SPDX-License-Identifier: Apache-2.0 */
#include "fakekernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

static void copy(char *to, size_t size, const char *from)
{
	(void)snprintf(to, size, "%s", from ? from : "");
}

static struct fakekernel_driver *find_driver(struct fakekernel *k, const char *name)
{
	for (unsigned i = 0; i < k->n_drivers; i++)
		if (strcmp(k->drivers[i].name, name) == 0)
			return &k->drivers[i];
	return NULL;
}

static void add_driver(struct fakekernel *k, const char *name, bool loaded)
{
	struct fakekernel_driver *d = &k->drivers[k->n_drivers++];

	copy(d->name, sizeof(d->name), name);
	d->loaded = loaded;
}

struct fakekernel *fakekernel_new(struct fault *fault)
{
	struct fakekernel *k = fault_shared(sizeof(*k));

	k->fault = fault;
	add_driver(k, "megaraid_sas", true);
	add_driver(k, "igb", true);
	add_driver(k, "pcieport", true);
	add_driver(k, "igbvf", true);
	add_driver(k, "nvme", true);
	add_driver(k, "vfio-pci", false);
	return k;
}

void fakekernel_free(struct fakekernel *k)
{
	fault_unshare(k, sizeof(*k));
}

struct fakekernel_device *fakekernel_add(struct fakekernel *k, const char *bdf, unsigned vendor, unsigned device,
					 const char *native, int group)
{
	struct fakekernel_device *d = &k->devices[k->n_devices++];

	if (pt_bdf_parse(bdf, &d->bdf) < 0)
		abort();
	d->ids[0] = vendor;
	d->ids[1] = device;
	d->ids[2] = 0x1028;
	d->ids[3] = 0x1f49;
	d->group = group;
	copy(d->native, sizeof(d->native), native);
	copy(d->driver, sizeof(d->driver), native);
	return d;
}

struct fakekernel_device *fakekernel_find(struct fakekernel *k, struct pt_bdf bdf)
{
	for (unsigned i = 0; i < k->n_devices; i++)
		if (!k->devices[i].gone && pt_bdf_eq(k->devices[i].bdf, bdf))
			return &k->devices[i];
	return NULL;
}

bool fakekernel_viable(struct fakekernel *k, struct pt_bdf bdf)
{
	const struct fakekernel_device *of = fakekernel_find(k, bdf);

	for (unsigned i = 0; of && i < k->n_devices; i++) {
		const struct fakekernel_device *d = &k->devices[i];

		if (d->group == of->group && !d->gone && !d->bridge && d->driver[0] &&
		    strcmp(d->driver, "vfio-pci") != 0)
			return false;
	}
	return of != NULL;
}

/* the device and the attribute's name of bus/pci/devices/BDF/NAME; NULL when it is none */
static struct fakekernel_device *parse(struct fakekernel *k, const char *path, const char **ret_name)
{
	static const char prefix[] = "bus/pci/devices/";
	char text[32];
	struct pt_bdf bdf;
	size_t n;

	if (!pt_startswith(path, prefix))
		return NULL;
	path += sizeof(prefix) - 1;
	n = strcspn(path, "/");
	(void)snprintf(text, sizeof(text), "%.*s", (int)n, path);
	*ret_name = path[n] ? path + n + 1 : "";
	return pt_bdf_parse(text, &bdf) == 0 ? fakekernel_find(k, bdf) : NULL;
}

static int write_override(struct fakekernel_device *d, const char *value)
{
	if (strlen(value) >= sizeof(d->override))
		return -EINVAL;
	copy(d->override, sizeof(d->override), value);
	d->override[strcspn(d->override, "\n")] = '\0';
	return 0;
}

static struct fakekernel_device *pf_of(struct fakekernel *k, const struct fakekernel_device *vf)
{
	for (unsigned i = 0; i < k->n_devices; i++)
		if (k->devices[i].vfs_total && k->devices[i].bdf.bus == vf->bdf.bus)
			return &k->devices[i];
	abort();
}

/* of an NVMe card: its driver waits for it in vain */
static bool vf_is_offline(struct fakekernel *k, const struct fakekernel_device *vf)
{
	const struct fakekernel_device *pf = pf_of(k, vf);

	return pf->nvme.manages && !pf->nvme.online[(vf->bdf.slot - 0x10) * 4 + vf->bdf.func / 2];
}

/* pci_bus_match(): with an override no other driver's table counts */
static int probe(struct fakekernel *k, const char *value)
{
	struct fakekernel_driver *driver;
	struct fakekernel_device *d;
	struct pt_bdf bdf;

	if (pt_bdf_parse(value, &bdf) < 0 || !(d = fakekernel_find(k, bdf)))
		return -ENODEV;
	if (d->driver[0] || d->probe_fails)
		return 0;
	/* pci_device_can_probe() */
	if (d->is_vf && !d->override[0] && !pf_of(k, d)->autoprobe)
		return 0;
	driver = find_driver(k, d->override[0] ? d->override : d->native);
	if (driver && driver->loaded && !(d->is_vf && vf_is_offline(k, d)))
		copy(d->driver, sizeof(d->driver), driver->name);
	return 0;
}

static int unbind(struct fakekernel *k, const char *name, const char *value)
{
	struct fakekernel_device *d;
	struct pt_bdf bdf;

	if (pt_bdf_parse(value, &bdf) < 0 || !(d = fakekernel_find(k, bdf)) || strcmp(d->driver, name) != 0)
		return -ENODEV;
	d->driver[0] = '\0';
	d->hanging = d->hangs || d->held_by[0];
	return d->hanging ? -ETIMEDOUT : 0;
}

void fakekernel_sriov(struct fakekernel_device *pf, unsigned total)
{
	pf->vfs_total = total;
	pf->autoprobe = true;
	pf->mtu = 1500;
}

void fakekernel_nvme(struct fakekernel_device *pf, unsigned queues, unsigned interrupts)
{
	copy(pf->native, sizeof(pf->native), "nvme");
	copy(pf->driver, sizeof(pf->driver), "nvme");
	pf->nvme = (struct fakekernel_nvme){
		.manages = true,
		.total = { queues, interrupts },
		.fixed = { 5, 5 },
		.own = { queues, interrupts },
		.own_next = { queues, interrupts },
		.most = { queues, interrupts },
	};
}

static void nvme_offline(struct fakekernel_nvme *n, unsigned i)
{
	n->online[i] = false;
	n->given[i][0] = n->given[i][1] = 0;
}

/* 0000:41:00.0 has its VFs at 41:10.0, 41:10.2, … */
static struct pt_bdf vf_bdf(const struct fakekernel_device *pf, unsigned i)
{
	return (struct pt_bdf){ pf->bdf.domain, pf->bdf.bus, (uint8_t)(0x10 + i / 4), (uint8_t)(i % 4 * 2) };
}

static void drop_vfs(struct fakekernel *k, struct fakekernel_device *pf)
{
	pf->vfs_now = 0;
	for (unsigned i = 0; i < FAKEKERNEL_VFS; i++)
		nvme_offline(&pf->nvme, i);
	for (unsigned i = k->n_devices; i-- > 0;)
		if (pf->vfs_total && k->devices[i].is_vf && k->devices[i].bdf.bus == pf->bdf.bus &&
		    i + 1 == k->n_devices)
			k->n_devices--;
}

static void make_vf(struct fakekernel *k, struct fakekernel_device *pf, unsigned i)
{
	struct fakekernel_device *vf = &k->devices[k->n_devices++];
	static const uint8_t random[6] = { 0x02, 0x11, 0x22, 0x33, 0x44, 0 };

	*vf = (struct fakekernel_device){ .bdf = vf_bdf(pf, i), .group = 50 + (int)i, .is_vf = true };
	vf->ids[0] = 0x8086;
	vf->ids[1] = 0x10ca;
	copy(vf->native, sizeof(vf->native), "igbvf");
	copy(vf->driver, sizeof(vf->driver), pf->autoprobe && !pf->nvme.manages ? "igbvf" : NULL);
	pf->vf[i] = (struct pt_vf_settings){ .has = PT_VF_ALL, .spoofchk = true };
	memcpy(pf->vf[i].mac, random, sizeof(random));
	pf->vf[i].mac[5] = (uint8_t)i;
}

/* sriov_numvfs_store() */
static int write_numvfs(struct fakekernel *k, struct fakekernel_device *pf, const char *value)
{
	unsigned n = (unsigned)strtoul(value, NULL, 10);

	if (n > pf->vfs_total)
		return -ERANGE;
	if (n && pf->vfs_now)
		return -EBUSY;
	if (n == 0) {
		drop_vfs(k, pf);
		pf->carrier_lost = true;
		return 0;
	}
	n -= pf->vfs_short < n ? pf->vfs_short : n;
	for (unsigned i = 0; i < n; i++)
		make_vf(k, pf, i);
	/* igb_sriov_reinit() */
	pf->carrier_lost = true;
	pf->vfs_now = n;
	pf->looks = 0;
	return 0;
}

static int write_sriov(struct fakekernel *k, struct fakekernel_device *d, const char *name, const char *value)
{
	if (!d->vfs_total)
		return -ENOENT;
	/* drivers/pci/iov.c: it is the driver that makes them */
	if (strcmp(name, "sriov_numvfs") == 0)
		return d->driver[0] ? write_numvfs(k, d, value) : -ENOENT;
	if (strcmp(name, "sriov_drivers_autoprobe") != 0)
		return -ENOENT;
	d->autoprobe = strcmp(value, "0") != 0;
	return 0;
}

static int fake_vf_read(void *ctx, struct pt_bdf bdf, struct pt_pf_link *ret_link, struct pt_error *err)
{
	struct fakekernel_device *pf = fakekernel_find(ctx, bdf);
	bool stale;

	if (!pf || !pf->vfs_total || pf->nvme.manages || strcmp(pf->driver, pf->native) != 0)
		return pt_fail(err, -ENODEV, "no network interface");
	/* igb_watchdog_task() tells it, every two seconds */
	stale = pf->carrier_lost && pf->stale_looks && pf->stale_looks--;
	*ret_link = (struct pt_pf_link){ .name = pt_strdup("enp65s0"), .up = !pf->link_down, .mtu = pf->mtu };
	ret_link->carrier = !pf->link_down && (!pf->carrier_lost || stale) && !pf->no_cable;
	for (unsigned i = 0; i < pf->vfs_now; i++)
		pt_array_push(&ret_link->vfs, pf->vf[i]);
	return 0;
}

/* igb_ndo_set_vf_bw(): no rate while the link is down, and none beyond the link's */
static int judge_rate(const struct fakekernel_device *pf, const struct pt_vf_settings *one)
{
	bool carrier = !pf->link_down && !pf->carrier_lost && !pf->no_cable;

	if (one->has != PT_VF_RATE || !pf->rate_most)
		return 0;
	return carrier && !pf->rate_never && one->max_rate <= pf->rate_most ? 0 : -EINVAL;
}

/* link state is what this driver does not have, as igb's */
static int fake_vf_write(void *ctx, struct pt_bdf bdf, unsigned index, const struct pt_vf_settings *one,
			 struct pt_error *err)
{
	struct fakekernel *k = ctx;
	struct fakekernel_device *pf = fakekernel_find(k, bdf);
	int r = fault_before(k->fault);

	if (r == 0 && (!pf || index >= pf->vfs_now))
		r = -EINVAL;
	if (r == 0 && one->has == PT_VF_LINK)
		r = -EOPNOTSUPP;
	if (r == 0 && pf->netlink_hangs)
		return pt_say(err, -ETIMEDOUT, "a netlink request about enp65s0 did not return");
	if (r == 0 && pf->again) {
		pf->again--;
		r = -EAGAIN;
	}
	if (r == 0 && pf->refuses_vlan && one->has == PT_VF_VLAN && one->vlan)
		r = -EINVAL;
	if (r == 0 && pf->refuses_no_mac && one->has == PT_VF_MAC && !pt_mac_is_station(one->mac))
		r = -EADDRNOTAVAIL;
	if (r == 0)
		r = judge_rate(pf, one);
	if (r < 0)
		return pt_fail(err, r, "enp65s0 refuses %s for its VF %u", pt_vf_has_str((enum pt_vf_has)one->has),
			       index);
	pt_vf_settings_merge(&pf->vf[index], one);
	fault_after(k->fault);
	return 0;
}

static int fake_pf_link(void *ctx, struct pt_bdf bdf, bool up, unsigned timeout_ms, struct pt_error *err)
{
	struct fakekernel *k = ctx;
	struct fakekernel_device *pf = fakekernel_find(k, bdf);
	bool was_down = pf && pf->link_down;
	int r = fault_before(k->fault);

	if (r == 0 && (!pf || !pf->vfs_total))
		r = -ENODEV;
	if (r < 0)
		return pt_fail(err, r, "cannot set enp65s0 %s", up ? "up" : "down");
	if (up && timeout_ms && pf->no_cable)
		return pt_say(err, -ENETDOWN, "enp65s0 has no carrier, and got none within %u ms", timeout_ms);
	pf->link_down = !up;
	pf->carrier_lost = pf->carrier_lost && !timeout_ms;
	fault_after(k->fault);
	return up && was_down;
}

static int fake_nvme_read(void *ctx, struct pt_bdf bdf, struct pt_nvme_virt *ret_virt, struct pt_error *err)
{
	const struct fakekernel_device *pf = fakekernel_find(ctx, bdf);
	const struct fakekernel_nvme *n = pf ? &pf->nvme : NULL;

	if (!n || !n->manages || !pf->driver[0])
		return pt_fail(err, -ENODEV, "no NVMe controller");
	if (n->mute)
		return pt_fail(err, n->mute, "the controller does not tell");
	*ret_virt = (struct pt_nvme_virt){ .manages = true };
	ret_virt->queues = (struct pt_nvme_pool){ true, n->total[0], n->own[0], n->fixed[0], n->most[0], 1 };
	ret_virt->interrupts = (struct pt_nvme_pool){ true, n->total[1], n->own[1], n->fixed[1], n->most[1], 1 };
	for (unsigned i = 0; i < pf->vfs_total; i++)
		pt_array_push(&ret_virt->v,
			      ((struct pt_nvme_secondary){ (uint16_t)(i + 1), (uint16_t)(i + 1), n->online[i],
							   (uint16_t)n->given[i][0], (uint16_t)n->given[i][1] }));
	return 0;
}

static int nvme_assign(struct fakekernel_nvme *n, unsigned i, enum pt_nvme_resource resource, unsigned count)
{
	unsigned others = n->own[resource];

	for (unsigned k = 0; k < FAKEKERNEL_VFS; k++)
		others += k == i ? 0 : n->given[k][resource];
	if (n->online[i] || count > n->most[resource] || others + count > n->total[resource])
		return -EIO;
	n->given[i][resource] = count;
	return 0;
}

static int do_nvme(struct fakekernel_device *pf, const struct pt_nvme_command *c)
{
	struct fakekernel_nvme *n = &pf->nvme;
	unsigned i = c->id - 1;

	if (c->act == PT_NVME_RESET) {
		memcpy(n->own, n->own_next, sizeof(n->own));
		for (i = 0; i < FAKEKERNEL_VFS; i++)
			nvme_offline(n, i);
		n->resets++;
		return 0;
	}
	if (c->act == PT_NVME_OWN) {
		n->own_next[c->resource] = c->n;
		return c->n > n->total[c->resource] ? -EIO : 0;
	}
	if (c->id < 1 || i >= pf->vfs_total)
		return -EIO;
	if (c->act == PT_NVME_ASSIGN)
		return nvme_assign(n, i, c->resource, c->n);
	if (c->act == PT_NVME_OFFLINE) {
		nvme_offline(n, i);
		return 0;
	}
	if (i >= pf->vfs_now || n->given[i][0] < 2 || n->given[i][1] < 1)
		return -EIO;
	n->online[i] = !n->never_online;
	return 0;
}

static int fake_nvme_act(void *ctx, struct pt_bdf bdf, const struct pt_nvme_command *command, struct pt_error *err)
{
	struct fakekernel *k = ctx;
	struct fakekernel_device *pf = fakekernel_find(k, bdf);
	int r = fault_before(k->fault);

	if (r == 0)
		r = pf && pf->nvme.manages ? do_nvme(pf, command) : -ENODEV;
	if (r < 0)
		return pt_fail(err, r, "the controller refuses %d for %u", (int)command->act, command->id);
	fault_after(k->fault);
	return 0;
}

static int fake_link_write(void *ctx, struct pt_bdf bdf, const struct pt_link_state *want, struct pt_error *err)
{
	struct fakekernel *k = ctx;
	struct fakekernel_device *pf = fakekernel_find(k, bdf);
	int r = fault_before(k->fault);

	if (r == 0 && (!pf || want->mtu > 9216))
		r = -EINVAL;
	if (r < 0)
		return pt_fail(err, r, "enp65s0 refuses an MTU of %u", want->mtu);
	if (want->says_up)
		pf->link_down = !want->up;
	pf->carrier_lost = pf->carrier_lost && pf->link_down;
	if (want->mtu)
		pf->mtu = want->mtu;
	fault_after(k->fault);
	return 0;
}

static int do_write(struct fakekernel *k, const char *path, const char *value)
{
	const char *name = NULL;
	struct fakekernel_device *d = parse(k, path, &name);
	char driver[32];

	if (d && strcmp(name, "driver_override") == 0)
		return write_override(d, value);
	if (d && pt_startswith(name, "sriov_"))
		return write_sriov(k, d, name, value);
	if (d && strcmp(name, "reset") == 0) {
		d->resets += d->reset == 0;
		return d->no_reset ? -ENOENT : d->reset;
	}
	if (strcmp(path, "bus/pci/drivers_probe") == 0)
		return probe(k, value);
	if (sscanf(path, "bus/pci/drivers/%31[^/]/unbind", driver) == 1 && pt_endswith(path, "/unbind")) {
		const struct fakekernel_driver *of = find_driver(k, driver);

		return of && of->loaded ? unbind(k, driver, value) : -ENOENT;
	}
	return -ENOENT;
}

static int fake_write(void *ctx, struct pt_bdf bdf, const char *path, const char *value, unsigned timeout_ms,
		      struct pt_error *err)
{
	struct fakekernel *k = ctx;
	const struct fakekernel_device *d = fakekernel_find(k, bdf);
	int r;

	(void)timeout_ms;
	if (d && d->hanging)
		return pt_say(err, -EBUSY, "an earlier write to %s still hangs", pt_bdf_str(bdf).s);
	r = fault_before(k->fault);
	if (r == 0) {
		k->writes++;
		r = do_write(k, path, value);
		fault_after(k->fault);
	}
	return r < 0 ? pt_fail(err, r, "the kernel refuses '%s' in %s", value, path) : 0;
}

static int fake_quiet(void *ctx, struct pt_bdf bdf, unsigned timeout_ms, struct pt_error *err)
{
	const struct fakekernel_device *d = fakekernel_find(ctx, bdf);

	(void)timeout_ms;
	if (d && d->hanging)
		return pt_say(err, -EBUSY, "an earlier write to %s still hangs", pt_bdf_str(bdf).s);
	return 0;
}

static int fake_read(void *ctx, const char *path, char **ret_line)
{
	static const char *const ids[] = { "vendor", "device", "subsystem_vendor", "subsystem_device" };
	struct fakekernel *k = ctx;
	const char *name = NULL;
	struct fakekernel_device *d = parse(k, path, &name);

	if (!d)
		return -ENOENT;
	for (int i = 0; i < 4; i++) {
		if (strcmp(name, ids[i]) != 0)
			continue;
		*ret_line = pt_strf("0x%04x", d->ids[i]);
		return 0;
	}
	if (strcmp(name, "driver_override") == 0) {
		*ret_line = pt_strdup(d->override[0] ? d->override : "(null)");
		return 0;
	}
	if (strcmp(name, "sriov_drivers_autoprobe") == 0 && d->vfs_total) {
		*ret_line = pt_strdup(d->autoprobe ? "1" : "0");
		return 0;
	}
	if (strcmp(name, "class") == 0) {
		*ret_line = pt_strdup(d->nvme.manages ? "0x010802" : "0x020000");
		return 0;
	}
	if (strcmp(name, "modalias") == 0) {
		*ret_line = pt_strf("alias-of-%s", d->native);
		return 0;
	}
	return -ENOENT;
}

static int fake_link(void *ctx, const char *path, char **ret_name)
{
	struct fakekernel *k = ctx;
	const char *name = NULL;
	struct fakekernel_device *d = parse(k, path, &name);

	if (d && pt_startswith(name, "virtfn")) {
		unsigned i = (unsigned)strtoul(name + strlen("virtfn"), NULL, 10);

		if (i >= d->vfs_now || (d->vfs_slow && i + 1 == d->vfs_now && d->looks++ < 3))
			return -ENOENT;
		*ret_name = pt_strdup(pt_bdf_str(vf_bdf(d, i)).s);
		return 0;
	}
	if (!d || strcmp(name, "driver") != 0 || !d->driver[0])
		return -ENOENT;
	*ret_name = pt_strdup(d->driver);
	return 0;
}

static bool reset_is_missing(struct fakekernel *k, const char *path)
{
	const char *name = NULL;

	return parse(k, path, &name)->no_reset;
}

static int fake_exists(void *ctx, const char *path)
{
	struct fakekernel *k = ctx;
	const char *name = NULL;
	const struct fakekernel_driver *driver;

	if (pt_startswith(path, "bus/pci/drivers/")) {
		driver = find_driver(k, path + strlen("bus/pci/drivers/"));
		return driver && driver->loaded;
	}
	return parse(k, path, &name) != NULL && !(pt_endswith(path, "/reset") && reset_is_missing(k, path));
}

static int fake_load(void *ctx, const char *name, struct pt_error *err)
{
	struct fakekernel *k = ctx;
	struct fakekernel_driver *d =
		find_driver(k, pt_startswith(name, "alias-of-") ? name + strlen("alias-of-") : name);
	int r = fault_before(k->fault);

	if (r == 0 && !d)
		r = -ENOENT;
	if (r < 0)
		return pt_fail(err, r, "cannot load the module %s", name);
	d->loaded = true;
	fault_after(k->fault);
	return 0;
}

static char *fake_holders(void *ctx, struct pt_bdf bdf)
{
	const struct fakekernel_device *d = fakekernel_find(ctx, bdf);

	return d && d->held_by[0] ? pt_strf("/dev/vfio/%d open by %s", d->group, d->held_by) : NULL;
}

/* a group can be opened once: VFIO_GROUP's open(2) is EBUSY while anybody has it */
static int fake_viable(void *ctx, struct pt_bdf bdf, struct pt_error *err)
{
	struct fakekernel *k = ctx;
	const struct fakekernel_device *of = fakekernel_find(k, bdf);

	if (k->iommufd_only)
		return pt_say(err, -EOPNOTSUPP, "there is no node of the group of %s", pt_bdf_str(bdf).s);
	for (unsigned i = 0; of && i < k->n_devices; i++)
		if (k->devices[i].group == of->group && k->devices[i].held_by[0])
			return pt_say(err, -EBUSY, "the group of %s is in use: /dev/vfio/%d open by %s",
				      pt_bdf_str(bdf).s, of->group, k->devices[i].held_by);
	if (fakekernel_viable(k, bdf))
		return 1;
	return pt_say(err, -EPERM, "group of %s is not viable", pt_bdf_str(bdf).s);
}

static struct fakekernel_file *find_file(struct fakekernel *k, enum pt_host_place place, const char *name)
{
	for (unsigned i = 0; i < k->n_files; i++)
		if (k->files[i].place == place && strcmp(k->files[i].name, name) == 0)
			return &k->files[i];
	return NULL;
}

static int fake_file_read(void *ctx, enum pt_host_place place, const char *name, char **ret_text, struct pt_error *err)
{
	const struct fakekernel_file *f = find_file(ctx, place, name);

	if (!f)
		return pt_fail(err, -ENOENT, "cannot read %s", name);
	*ret_text = pt_strdup(f->text);
	return 0;
}

static int fake_file_write(void *ctx, enum pt_host_place place, const char *name, const char *text,
			   struct pt_error *err)
{
	struct fakekernel *k = ctx;
	struct fakekernel_file *f = find_file(k, place, name);
	int r = fault_before(k->fault);

	if (r == 0 && !text && !f)
		r = -ENOENT;
	if (r == 0 && text && !f && k->n_files == FAKEKERNEL_FILES)
		r = -ENOSPC;
	if (r < 0)
		return pt_fail(err, r, "cannot write %s", name);
	if (!text) {
		*f = k->files[--k->n_files];
	} else {
		f = f ? f : &k->files[k->n_files++];
		f->place = place;
		copy(f->name, sizeof(f->name), name);
		copy(f->text, sizeof(f->text), text);
	}
	fault_after(k->fault);
	return 0;
}

void fakekernel_unload(struct fakekernel *k, const char *name)
{
	struct fakekernel_driver *driver = find_driver(k, name);

	for (unsigned i = 0; i < k->n_devices; i++)
		if (strcmp(k->devices[i].driver, name) == 0)
			return;
	driver->loaded = false;
}

/* the rule asks our program, and that reads the reservation: it takes both */
static bool is_reserved(struct fakekernel *k, struct pt_bdf bdf)
{
	pt_autofree char *rule = pt_strf("05-passthru-%s.rules", pt_bdf_str(bdf).s);
	pt_autofree char *conf = pt_strf("%s.conf", pt_bdf_str(bdf).s);

	return find_file(k, PT_HOST_RULES, rule) && find_file(k, PT_HOST_RESERVED, conf);
}

/* what is below /run is gone; the program that the rule asks notes there what it has recognised */
static void forget_run(struct fakekernel *k)
{
	for (unsigned i = k->n_files; i-- > 0;)
		if (k->files[i].place == PT_HOST_RUN)
			k->files[i] = k->files[--k->n_files];
	for (unsigned i = 0; i < k->n_devices; i++) {
		struct fakekernel_file *f;

		if (!is_reserved(k, k->devices[i].bdf))
			continue;
		f = &k->files[k->n_files++];
		f->place = PT_HOST_RUN;
		(void)snprintf(f->name, sizeof(f->name), "known-%s", pt_bdf_str(k->devices[i].bdf).s);
		copy(f->text, sizeof(f->text), "recognised since this boot\n");
	}
}

void fakekernel_reboot(struct fakekernel *k)
{
	for (unsigned i = 0; i < k->n_drivers; i++)
		k->drivers[i].loaded = strcmp(k->drivers[i].name, "vfio-pci") != 0;
	for (unsigned i = 0; i < k->n_devices; i++) {
		drop_vfs(k, &k->devices[i]);
		k->devices[i].autoprobe = k->devices[i].vfs_total > 0;
		k->devices[i].link_down = false;
		k->devices[i].mtu = 1500;
	}
	for (unsigned i = 0; i < k->n_devices; i++) {
		struct fakekernel_device *d = &k->devices[i];
		bool reserved = is_reserved(k, d->bdf);

		d->hanging = false;
		d->lent = false;
		d->held_by[0] = '\0';
		copy(d->override, sizeof(d->override), reserved ? "vfio-pci" : "");
		copy(d->driver, sizeof(d->driver), reserved ? "vfio-pci" : d->native);
		if (reserved)
			find_driver(k, "vfio-pci")->loaded = true;
	}
	forget_run(k);
}

void fakekernel_ops(struct fakekernel *k, struct pt_host_ops *ret_ops)
{
	*ret_ops = (struct pt_host_ops){
		.ctx = k,
		.write = fake_write,
		.quiet = fake_quiet,
		.read = fake_read,
		.link = fake_link,
		.exists = fake_exists,
		.load_module = fake_load,
		.holders = fake_holders,
		.viable = fake_viable,
		.file_read = fake_file_read,
		.file_write = fake_file_write,
		.vf_read = fake_vf_read,
		.vf_write = fake_vf_write,
		.pf_link = fake_pf_link,
		.nvme_read = fake_nvme_read,
		.nvme_act = fake_nvme_act,
		.link_write = fake_link_write,
	};
}

struct pt_step *fakekernel_step(const struct fakekernel_device *d, struct pt_plan *plan, enum pt_step_kind kind)
{
	struct pt_step *s = pt_plan_step(plan, kind);

	s->bdf = d->bdf;
	s->vendor = d->ids[0];
	s->device = d->ids[1];
	s->subvendor = d->ids[2];
	s->subdevice = d->ids[3];
	return s;
}

unsigned fakekernel_kept(const struct fakekernel *k)
{
	unsigned n = 0;

	for (unsigned i = 0; i < k->n_files; i++)
		n += k->files[i].place != PT_HOST_RUN;
	return n;
}

char *fakekernel_text(const struct fakekernel *k)
{
	struct pt_strv lines = { 0 };
	char *text;

	for (unsigned i = 0; i < k->n_devices; i++) {
		const struct fakekernel_device *d = &k->devices[i];

		pt_strv_addf(&lines, "%s driver=%s override=%s", pt_bdf_str(d->bdf).s, d->driver, d->override);
		if (d->vfs_total)
			pt_strv_addf(&lines, "%s vfs=%u autoprobe=%d link=%d mtu=%u", pt_bdf_str(d->bdf).s, d->vfs_now,
				     d->autoprobe, !d->link_down, d->mtu);
		if (d->nvme.manages)
			pt_strv_addf(&lines, "%s own %u %u next %u %u", pt_bdf_str(d->bdf).s, d->nvme.own[0],
				     d->nvme.own[1], d->nvme.own_next[0], d->nvme.own_next[1]);
		for (unsigned v = 0; v < d->vfs_now && d->nvme.manages; v++)
			pt_strv_addf(&lines, "%s controller %u online=%d %u %u", pt_bdf_str(d->bdf).s, v,
				     d->nvme.online[v], d->nvme.given[v][0], d->nvme.given[v][1]);
		for (unsigned v = 0; v < d->vfs_now && !d->nvme.manages; v++) {
			pt_autofree char *settings = pt_vf_settings_text(&d->vf[v]);

			pt_strv_addf(&lines, "%s vf %u %s", pt_bdf_str(d->bdf).s, v, settings);
		}
	}
	for (unsigned i = 0; i < k->n_files; i++) {
		const char *content = strstr(k->files[i].text, "address=");

		/* what /run holds is for this boot only */
		if (k->files[i].place == PT_HOST_RUN)
			continue;

		pt_strv_addf(&lines, "file %d %s: %s", (int)k->files[i].place, k->files[i].name,
			     content ? content : k->files[i].text);
		/* which change made it differs from try to try */
		content = strstr(lines.v[lines.n - 1], "change=");
		if (content)
			lines.v[lines.n - 1][content - lines.v[lines.n - 1]] = '\0';
	}
	pt_strv_sort(&lines);
	text = pt_strv_join(&lines, "\n");
	pt_strv_done(&lines);
	return text;
}
