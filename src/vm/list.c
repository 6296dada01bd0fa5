/* SPDX-License-Identifier: Apache-2.0 */
/* Which VMs there are, and what each has. */
#include <limits.h>
#include <strings.h>

#include "domxml/domxml.h"
#include "vm/conn.h"

#define NAMES_MAX 10

/* the path of "pool/volume"; NULL when libvirt does not know it now (a pool that is not started): the caller frees */
static char *volume_path(virConnectPtr conn, const char *source)
{
	const char *slash = strchr(source, '/');
	pt_autofree char *pool_name = slash ? pt_strndup(source, (size_t)(slash - source)) : NULL;
	virStoragePoolPtr pool = pool_name ? virStoragePoolLookupByName(conn, pool_name) : NULL;
	virStorageVolPtr volume = pool ? virStorageVolLookupByName(pool, slash + 1) : NULL;
	char *path = volume ? virStorageVolGetPath(volume) : NULL;

	/* drop references; there is nothing to do about an error */
	if (volume)
		(void)virStorageVolFree(volume);
	if (pool)
		(void)virStoragePoolFree(pool);
	return path;
}

/* a volume of a pool of type disk or logical is a disk of this host by another name */
static void resolve_volumes(virDomainPtr dom, struct pt_domain *d)
{
	for (size_t i = 0; i < d->disks.n; i++) {
		struct pt_domain_disk *k = &d->disks.v[i];
		char *path = k->type == PT_DISK_VOLUME && k->source ? volume_path(virDomainGetConnect(dom), k->source)
								    : NULL;

		if (path)
			pt_strv_take(&k->also, path);
	}
}

/* the persistent definition; the running one where libvirt has no other */
static int read_definition(virDomainPtr dom, bool live, struct pt_domain *ret_domain, struct pt_error *err)
{
	pt_autofree char *xml = virDomainGetXMLDesc(dom, live ? 0 : VIR_DOMAIN_XML_INACTIVE);
	int r;

	if (!xml)
		return pt_vm_fail(err, "cannot read the definition of %s", virDomainGetName(dom));
	r = pt_domxml_read(xml, ret_domain, err);
	if (r < 0)
		return pt_wrap(err, r, "the definition of %s", virDomainGetName(dom));
	resolve_volumes(dom, ret_domain);
	return 0;
}

static int read_flags(virDomainPtr dom, struct pt_domain *d, struct pt_error *err)
{
	int autostart = 0;
	int r = pt_vm_state_of(dom, &d->state, NULL, err);

	if (r < 0)
		return r;
	d->persistent = virDomainIsPersistent(dom) == 1;
	/* a VM without a definition has no autostart flag, some drivers have no managed save: that is "no" */
	d->autostart = virDomainGetAutostart(dom, &autostart) == 0 && autostart;
	d->managed_save = virDomainHasManagedSaveImage(dom, 0) == 1;
	d->has_snapshots = virDomainSnapshotNum(dom, 0) > 0;
	return 0;
}

static int read_domain(virDomainPtr dom, struct pt_domain *ret_domain, struct pt_error *err)
{
	PT_AUTO(pt_domain) d = { 0 };
	int r = read_definition(dom, false, &d, err);

	if (r >= 0)
		r = read_flags(dom, &d, err);
	if (r < 0)
		return r;
	*ret_domain = d;
	d = (struct pt_domain){ 0 };
	return 0;
}

static bool same_paths(const struct pt_strv *a, const struct pt_strv *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!pt_strv_has(b, a->v[i]))
			return false;
	return true;
}

/* the same disk, and nothing more below it: a definition can be edited while the VM runs, a chain grows */
static bool has_disk(const struct pt_domain *d, const struct pt_domain_disk *k)
{
	for (size_t i = 0; i < d->disks.n; i++)
		if (pt_streq(d->disks.v[i].target, k->target) && d->disks.v[i].type == k->type &&
		    pt_streq(d->disks.v[i].source, k->source) && pt_bdf_eq(d->disks.v[i].nvme, k->nvme) &&
		    same_paths(&k->also, &d->disks.v[i].also))
			return true;
	return false;
}

static bool has_hostdev(const struct pt_domain *d, const struct pt_domain_hostdev *h)
{
	for (size_t i = 0; i < d->hostdevs.n; i++)
		if (d->hostdevs.v[i].kind == h->kind && d->hostdevs.v[i].has_bdf == h->has_bdf &&
		    pt_bdf_eq(d->hostdevs.v[i].bdf, h->bdf) && pt_streq(d->hostdevs.v[i].scsi, h->scsi))
			return true;
	return false;
}

static void add_missing(struct pt_strv *to, const struct pt_strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (!pt_strv_has(to, from->v[i]))
			pt_strv_add(to, from->v[i]);
}

/* what only the running VM has: plugged in, or taken out of the definition since; moved over from @live */
static void take_live(struct pt_domain *d, struct pt_domain *live)
{
	for (size_t i = 0; i < live->disks.n; i++)
		if (!has_disk(d, &live->disks.v[i])) {
			pt_array_push(&d->disks, live->disks.v[i]);
			live->disks.v[i] = (struct pt_domain_disk){ 0 };
		}
	for (size_t i = 0; i < live->hostdevs.n; i++)
		if (!has_hostdev(d, &live->hostdevs.v[i])) {
			pt_array_push(&d->hostdevs, live->hostdevs.v[i]);
			live->hostdevs.v[i] = (struct pt_domain_hostdev){ 0 };
		}
	add_missing(&d->arguments, &live->arguments);
	add_missing(&d->macvtap_on, &live->macvtap_on);
}

static void add_live(virDomainPtr dom, struct pt_domain *d)
{
	PT_AUTO(pt_domain) live = { 0 };

	/* it may have stopped since it was listed; then its definition is all */
	if (read_definition(dom, true, &live, NULL) >= 0)
		take_live(d, &live);
}

static int add_domain(virDomainPtr dom, const char *except_uuid, struct pt_domains *l, struct pt_error *err)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	struct pt_domain d = { 0 };
	int r;

	if (except_uuid && virDomainGetUUIDString(dom, uuid) == 0 && strcasecmp(uuid, except_uuid) == 0)
		return 0;
	r = read_domain(dom, &d, err);
	if (r < 0)
		/* a VM that is gone by now is none; one that cannot be read must not be taken for harmless */
		return r == -ENOENT ? 0 : r;
	if (d.state != PT_DOMAIN_SHUTOFF)
		add_live(dom, &d);
	pt_array_push(l, d);
	return 0;
}

int pt_vm_list(struct pt_vm_conn *conn, const char *except_uuid, struct pt_domains *ret_domains, struct pt_error *err)
{
	PT_AUTO(pt_domains) l = { 0 };
	virDomainPtr *doms = NULL;
	int n = virConnectListAllDomains(conn->conn, &doms, 0);
	int r = 0;

	if (n < 0)
		return pt_vm_fail(err, "cannot list the VMs of %s", conn->uri);
	for (int i = 0; i < n; i++) {
		if (r >= 0)
			r = add_domain(doms[i], except_uuid, &l, err);
		pt_vm_domain_freep(&doms[i]);
	}
	free(doms);
	if (r < 0)
		return r;
	*ret_domains = l;
	l = (struct pt_domains){ 0 };
	return 0;
}

static void list_names(struct pt_vm_conn *conn, struct pt_strv *names)
{
	virDomainPtr *doms = NULL;
	int n = virConnectListAllDomains(conn->conn, &doms, 0);

	for (int i = 0; i < n; i++) {
		pt_strv_add(names, virDomainGetName(doms[i]));
		pt_vm_domain_freep(&doms[i]);
	}
	free(doms);
	pt_strv_sort(names);
}

/* one contains the other, or only upper and lower case differ */
static bool alike(const char *a, const char *b)
{
	return strcasestr(a, b) || strcasestr(b, a);
}

static int no_such_vm(struct pt_vm_conn *conn, const char *text, struct pt_error *err)
{
	PT_AUTO(pt_strv) names = { 0 };
	PT_AUTO(pt_strv) shown = { 0 };
	pt_autofree char *joined = NULL;
	int r = pt_usage(err, -ENOENT, "there is no VM '%s' at %s", text, conn->uri);

	list_names(conn, &names);
	for (size_t i = 0; i < names.n && shown.n < NAMES_MAX; i++)
		if (*text && alike(names.v[i], text))
			pt_strv_add(&shown, names.v[i]);
	if (!names.n) {
		pt_hint(err, "there are no VMs at all there; --connect URI asks another libvirt");
		return r;
	}
	if (!shown.n)
		for (size_t i = 0; i < names.n && i < NAMES_MAX; i++)
			pt_strv_add(&shown, names.v[i]);
	joined = pt_strv_join(&shown, ", ");
	pt_hint(err, "there %s %s%s", names.n == 1 ? "is only" : "are", joined,
		shown.n < names.n ? " and others: `virsh list --all`" : "");
	return r;
}

static virDomainPtr look_up(struct pt_vm_conn *conn, const char *text)
{
	virDomainPtr dom = virDomainLookupByName(conn->conn, text);
	char *end = NULL;
	long id;

	if (!dom && strlen(text) == VIR_UUID_STRING_BUFLEN - 1)
		dom = virDomainLookupByUUIDString(conn->conn, text);
	errno = 0;
	id = strtol(text, &end, 10);
	if (!dom && *text && !*end && !errno && id >= 0 && id <= INT_MAX)
		dom = virDomainLookupByID(conn->conn, (int)id);
	return dom;
}

int pt_vm_find(struct pt_vm_conn *conn, const char *text, struct pt_domain *ret_domain, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = look_up(conn, text);

	if (!dom) {
		const virError *last = virGetLastError();

		if (!last || last->code == VIR_ERR_NO_DOMAIN || last->code == VIR_ERR_INVALID_ARG)
			return no_such_vm(conn, text, err);
		return pt_vm_fail(err, "cannot look for the VM '%s'", text);
	}
	return read_domain(dom, ret_domain, err);
}

/* guest memory that was never touched has no page yet: what libvirt reads in /proc is what QEMU really has */
static uint64_t read_held(virDomainPtr dom)
{
	virDomainMemoryStatStruct stats[VIR_DOMAIN_MEMORY_STAT_NR];
	int n = virDomainMemoryStats(dom, stats, VIR_DOMAIN_MEMORY_STAT_NR, 0);

	for (int i = 0; i < n; i++)
		if (stats[i].tag == VIR_DOMAIN_MEMORY_STAT_RSS)
			return stats[i].val;
	return 0;
}

int pt_vm_live(struct pt_vm_conn *conn, const char *uuid, struct pt_domain *ret_domain, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	PT_AUTO(pt_domain) d = { 0 };
	int r = pt_vm_lookup(conn, uuid, &dom, err);

	if (r >= 0)
		r = read_definition(dom, true, &d, err);
	if (r >= 0)
		r = read_flags(dom, &d, err);
	if (r < 0)
		return r;
	if (d.state == PT_DOMAIN_SHUTOFF)
		return pt_say(err, -ENOTCONN, "%s does not run", d.name);
	d.held_kib = read_held(dom);
	*ret_domain = d;
	d = (struct pt_domain){ 0 };
	return 0;
}
