/* SPDX-License-Identifier: Apache-2.0 */
#include "decide/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

#define NONE	    PT_INDEX_NONE
#define OWNED	    PT_INDEX_OWNED
#define DEVICES_MAX 32000

void pt_index_init(struct pt_index *index, const struct pt_rules *rules)
{
	*index = (struct pt_index){ .rules = rules };
}

static uint32_t address_of(struct pt_bdf b)
{
	return b.domain << 16 | (uint32_t)b.bus << 8 | (uint32_t)b.slot << 3 | b.func;
}

/* the hosts of a fleet have few kinds: the last one found is likely the next one wanted, but a walk is short anyway */
static uint16_t kind_of(struct pt_index *x, int32_t spec, const struct pt_inv_device *d)
{
	struct pt_kind k = { .spec = spec, .vendor = d->vendor, .product = d->product, .type = d->type };

	for (size_t i = 0; i < x->kinds.n; i++)
		if (x->kinds.v[i].spec == k.spec && x->kinds.v[i].vendor == k.vendor &&
		    x->kinds.v[i].product == k.product && x->kinds.v[i].type == k.type)
			return (uint16_t)i;
	pt_array_push(&x->kinds, k);
	return (uint16_t)(x->kinds.n - 1);
}

static int node_of(const struct pt_topology *t, int id)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->ids[i] == id)
			return (int)i;
	return -1;
}

/* @nodes: of each device; NULL: what the facts say */
static int make_topology(const struct pt_inv_host *h, const int *nodes, struct pt_topology *t)
{
	bool sockets = true;

	if (h->n_cells > PT_NODE_UNKNOWN)
		return -E2BIG;
	for (size_t i = 0; i < h->n_cells; i++) {
		t->ids[t->n++] = h->cells[i].id;
		sockets = sockets && h->cells[i].socket != PT_NOT_GIVEN;
	}
	for (size_t i = 0; sockets && i < h->n_cells; i++)
		for (size_t j = 0; j < h->n_cells; j++)
			if (h->cells[i].socket == h->cells[j].socket)
				t->peers[i] |= (uint64_t)1 << j;
	for (size_t i = 0; i < h->n; i++) {
		int node = nodes ? nodes[i] : h->v[i].numa_node;

		if (node == PT_NOT_GIVEN || node_of(t, node) >= 0)
			continue;
		if (t->n == PT_NODE_UNKNOWN)
			return -E2BIG;
		t->ids[t->n++] = node;
	}
	return 0;
}

/* member by member: what is between them may differ.  Places not in use are zero in both. */
static bool same_topology(const struct pt_topology *a, const struct pt_topology *b)
{
	return a->n == b->n && memcmp(a->ids, b->ids, sizeof(a->ids)) == 0 &&
	       memcmp(a->peers, b->peers, sizeof(a->peers)) == 0;
}

static int topology_of(struct pt_index *x, const struct pt_inv_host *h, const int *nodes, uint16_t *ret)
{
	struct pt_topology t = { .n = 0 };
	int r = make_topology(h, nodes, &t);

	if (r < 0)
		return r;
	for (size_t i = 0; i < x->topologies.n; i++) {
		if (same_topology(&x->topologies.v[i], &t)) {
			*ret = (uint16_t)i;
			return 0;
		}
	}
	if (x->topologies.n == UINT16_MAX)
		return -E2BIG;
	pt_array_push(&x->topologies, t);
	*ret = (uint16_t)(x->topologies.n - 1);
	return 0;
}

/* one host on its way into the index */
struct entry {
	struct pt_pool *pools;
	struct pt_index_device *devices;
	size_t n_pools;
	size_t n_offered;
	size_t n_devices;
	uint16_t topology;
};

static void entry_done(struct entry *e)
{
	free(e->pools);
	free(e->devices);
}

static uint16_t pool_of(struct entry *e, const struct pt_pool *like)
{
	/* devices of a pool mostly follow each other */
	for (size_t i = e->n_pools; i-- > 0;)
		if (e->pools[i].kind == like->kind && e->pools[i].node == like->node &&
		    e->pools[i].parent == like->parent)
			return (uint16_t)i;
	e->pools[e->n_pools] = *like;
	return (uint16_t)e->n_pools++;
}

static bool is_child(const struct pt_inv_device *d)
{
	return d->has_parent && (d->type == PT_DEV_VF || d->type == PT_DEV_VDPA);
}

/* the first device of each family, for VFs whose PF is not among the facts */
static uint16_t parent_of(const struct pt_view *view, size_t i, uint16_t *first)
{
	uint32_t family = view->family[i];
	int64_t pf = view->families[family].pf;

	if (!is_child(&view->host->v[i]))
		return NONE;
	if (pf >= 0)
		return (uint16_t)pf;
	if (first[family] == NONE)
		first[family] = (uint16_t)i;
	return PT_INDEX_SIBLING | first[family];
}

static void add_device(struct pt_index *x, const struct pt_view *view, size_t i, uint16_t parent, struct entry *e)
{
	const struct pt_inv_device *d = &view->host->v[i];
	struct pt_pool like = { .kind = kind_of(x, view->spec[i], d), .type = (uint8_t)d->type, .parent = parent };
	struct pt_pool *p;
	uint16_t at;

	like.node = view->node[i] == PT_NOT_GIVEN ? PT_NODE_UNKNOWN
						  : (uint8_t)node_of(&x->topologies.v[e->topology], view->node[i]);
	if (parent & PT_INDEX_SIBLING)
		like.parent = NONE;
	at = pool_of(e, &like);
	p = &e->pools[at];
	p->total++;
	p->unowned += d->owner == NULL;
	p->free += pt_view_is_free(view, i);
	e->devices[i] = (struct pt_index_device){ address_of(d->bdf), (uint16_t)(at | (d->owner ? OWNED : 0)), parent };
}

static int make_entry(struct pt_index *x, const struct pt_inv_host *h, const struct pt_view *view, struct entry *e)
{
	pt_autofree uint16_t *first = pt_alloc((h->n + 1) * sizeof(*first));
	int r = h->n > DEVICES_MAX ? -E2BIG : topology_of(x, h, view->node, &e->topology);

	if (r < 0)
		return r;
	memset(first, 0xff, (h->n + 1) * sizeof(*first));
	e->pools = pt_alloc((h->n + 1) * sizeof(*e->pools));
	e->devices = pt_alloc((h->n + 1) * sizeof(*e->devices));
	e->n_devices = h->n;
	for (size_t i = 0; i < h->n; i++)
		if (view->spec[i] >= 0)
			add_device(x, view, i, parent_of(view, i, first), e);
	e->n_offered = e->n_pools;
	for (size_t i = 0; i < h->n; i++)
		if (view->spec[i] < 0)
			add_device(x, view, i, parent_of(view, i, first), e);
	return 0;
}

static void put_entry(struct pt_index *x, uint32_t host, const struct entry *e)
{
	struct pt_index_host *h = &x->hosts.v[host];

	for (size_t i = 0; i < e->n_pools; i++)
		e->pools[i].host = host;
	memcpy(&x->pools.v[h->first_pool], e->pools, e->n_pools * sizeof(*e->pools));
	memcpy(&x->devices.v[h->first_device], e->devices, e->n_devices * sizeof(*e->devices));
	h->n_pools = (uint16_t)e->n_pools;
	h->n_offered = (uint16_t)e->n_offered;
	h->n_devices = (uint16_t)e->n_devices;
	h->topology = e->topology;
}

/* room at the end of the arrays; @more: it has outgrown its first one, and will not do so by one place each time */
static void make_room(struct pt_index *x, const struct entry *e, struct pt_index_host *h, bool more)
{
	size_t pools = e->n_pools + (more ? e->n_pools / 4 + 1 : 0);
	size_t devices = e->n_devices + (more ? e->n_devices / 4 + 1 : 0);

	h->first_pool = (uint32_t)x->pools.n;
	h->first_device = (uint32_t)x->devices.n;
	h->room_pools = (uint16_t)pools;
	h->room_devices = (uint16_t)devices;
	x->pools.v = pt_array_grow(x->pools.v, &x->pools.cap, x->pools.n + pools, sizeof(*x->pools.v));
	x->devices.v = pt_array_grow(x->devices.v, &x->devices.cap, x->devices.n + devices, sizeof(*x->devices.v));
	memset(&x->pools.v[x->pools.n], 0, pools * sizeof(*x->pools.v));
	memset(&x->devices.v[x->devices.n], 0, devices * sizeof(*x->devices.v));
	x->pools.n += pools;
	x->devices.n += devices;
}

static int read_host(struct pt_index *x, const struct pt_inv_host *host, struct entry *e, struct pt_error *err)
{
	PT_AUTO(pt_view) view = { 0 };
	int r = pt_view_make(x->rules, host, &view, err);

	if (r < 0)
		return r;
	r = make_entry(x, host, &view, e);
	if (r < 0)
		(void)pt_say(err, r, "host %s has more than %d devices or %d NUMA nodes", host->name, DEVICES_MAX,
			     PT_NODE_UNKNOWN);
	return r;
}

int64_t pt_index_add(struct pt_index *x, const struct pt_inv_host *host, struct pt_error *err)
{
	PT_CLEANUP(entry_done) struct entry e = { 0 };
	int r = read_host(x, host, &e, err);

	if (r < 0)
		return r;
	make_room(x, &e, pt_array_add(&x->hosts), false);
	put_entry(x, (uint32_t)(x->hosts.n - 1), &e);
	return (int64_t)x->hosts.n - 1;
}

static int64_t find_device(const struct pt_index *x, const struct pt_index_host *h, struct pt_bdf bdf)
{
	const struct pt_index_device *v = &x->devices.v[h->first_device];
	uint32_t address = address_of(bdf);
	size_t low = 0;
	size_t high = h->n_devices;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (v[middle].address == address)
			return (int64_t)middle;
		if (v[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

/* owned VFs of the PF that is device number @pf */
static uint32_t used_vfs(const struct pt_index *x, const struct pt_index_host *h, uint16_t pf)
{
	uint32_t used = 0;

	for (size_t i = 0; i < h->n_pools; i++) {
		const struct pt_pool *p = &x->pools.v[h->first_pool + i];

		used += p->parent == pf ? p->total - p->unowned : 0;
	}
	return used;
}

static void set_children(struct pt_index *x, const struct pt_index_host *h, uint16_t pf, bool usable)
{
	for (size_t i = 0; i < h->n_pools; i++) {
		struct pt_pool *p = &x->pools.v[h->first_pool + i];

		if (p->parent == pf)
			p->free = usable ? p->unowned : 0;
	}
}

static int set_owned(struct pt_index *x, uint32_t host, struct pt_bdf bdf, bool owned)
{
	const struct pt_index_host *h = &x->hosts.v[host];
	struct pt_index_device *all = &x->devices.v[h->first_device];
	int64_t at = bdf.domain > 0xffff ? -1 : find_device(x, h, bdf);
	struct pt_index_device *d;
	struct pt_pool *p;
	uint16_t pf;

	if (at < 0)
		return -ENODEV;
	d = &all[at];
	pf = pt_index_pf(d);
	p = &x->pools.v[h->first_pool + (d->pool & ~OWNED)];
	if (!owned && !(d->pool & OWNED))
		return -EALREADY;
	if (owned && ((d->pool & OWNED) || (pf != NONE && all[pf].pool & OWNED) || used_vfs(x, h, (uint16_t)at)))
		return -EBUSY;
	d->pool ^= OWNED;
	p->unowned += owned ? -1U : 1U;
	/* a VF may be freed while its PF is owned: facts that were wrong from the start */
	if (owned || pf == NONE || !(all[pf].pool & OWNED))
		p->free += owned ? -1U : 1U;
	if (p->type == PT_DEV_PF)
		set_children(x, h, (uint16_t)at, !owned);
	if (pf != NONE && !(all[pf].pool & OWNED) && used_vfs(x, h, pf) == (owned ? 1 : 0))
		x->pools.v[h->first_pool + all[pf].pool].free += owned ? -1U : 1U;
	return 0;
}

/* a spec that looks at what the index does not keep: an interface's name, a card's serial number; or moves devices */
static bool needs_more(const struct pt_rules *rules)
{
	for (size_t i = 0; i < rules->specs.n; i++)
		if (rules->specs.v[i].by == PT_SPEC_DEVNAME || rules->specs.v[i].remote_managed ||
		    pt_value_get(&rules->specs.v[i].tags, "numa_node"))
			return true;
	return false;
}

static bool same_device(const struct pt_index *x, const struct pt_index_host *h, const struct pt_topology *t, size_t i,
			const struct pt_inv_device *d)
{
	const struct pt_index_device *all = &x->devices.v[h->first_device];
	const struct pt_pool *p = &x->pools.v[h->first_pool + (all[i].pool & ~OWNED)];
	const struct pt_kind *k = &x->kinds.v[p->kind];
	uint16_t pf = pt_index_pf(&all[i]);

	if (all[i].address != address_of(d->bdf) || k->vendor != d->vendor || k->product != d->product ||
	    k->type != d->type)
		return false;
	if (p->node == PT_NODE_UNKNOWN ? d->numa_node != PT_NOT_GIVEN : t->ids[p->node] != d->numa_node)
		return false;
	/* a PF says how many VFs it may have; what that means for the specs is only decided anew */
	if (d->totalvfs == 0 && d->type == PT_DEV_PF)
		return false;
	if (!is_child(d))
		return all[i].parent == NONE;
	return pf != NONE && all[pf].address == address_of(d->parent);
}

static bool same_but_owners(const struct pt_index *x, const struct pt_index_host *h, const struct pt_inv_host *facts)
{
	const struct pt_topology *have = &x->topologies.v[h->topology];
	struct pt_topology t = { .n = 0 };

	if (facts->n != h->n_devices || needs_more(x->rules) || make_topology(facts, NULL, &t) < 0 ||
	    !same_topology(&t, have))
		return false;
	for (size_t i = 0; i < facts->n; i++)
		if (!same_device(x, h, have, i, &facts->v[i]))
			return false;
	return true;
}

static void take_owners(struct pt_index *x, const struct pt_index_host *h, const struct pt_inv_host *facts)
{
	struct pt_index_device *all = &x->devices.v[h->first_device];
	struct pt_pool *pools = &x->pools.v[h->first_pool];

	for (size_t i = 0; i < h->n_pools; i++)
		pools[i].unowned = pools[i].free = 0;
	for (size_t i = 0; i < h->n_devices; i++) {
		uint16_t at = all[i].pool & (uint16_t)~OWNED;

		all[i].pool = (uint16_t)(at | (facts->v[i].owner ? OWNED : 0));
		pools[at].unowned += facts->v[i].owner == NULL;
	}
	for (size_t i = 0; i < h->n_pools; i++) {
		uint16_t pf = pools[i].parent;

		if (pools[i].type != PT_DEV_PF)
			pools[i].free = pf != NONE && pt_index_is_owned(&all[pf]) ? 0 : pools[i].unowned;
	}
	for (size_t i = 0; i < h->n_devices; i++)
		if (facts->v[i].type == PT_DEV_PF && !pt_index_is_owned(&all[i]))
			pools[all[i].pool].free += used_vfs(x, h, (uint16_t)i) == 0;
}

int pt_index_replace(struct pt_index *x, uint32_t host, const struct pt_inv_host *facts, struct pt_error *err)
{
	PT_CLEANUP(entry_done) struct entry e = { 0 };
	int r;

	if (same_but_owners(x, &x->hosts.v[host], facts)) {
		take_owners(x, &x->hosts.v[host], facts);
		return 0;
	}
	r = read_host(x, facts, &e, err);
	if (r < 0)
		return r;
	if (e.n_pools > x->hosts.v[host].room_pools || e.n_devices > x->hosts.v[host].room_devices) {
		/* the old places stay empty: a host that has more than ever before is rare */
		for (size_t i = 0; i < x->hosts.v[host].room_pools; i++)
			x->pools.v[x->hosts.v[host].first_pool + i].free = 0;
		make_room(x, &e, &x->hosts.v[host], true);
	}
	put_entry(x, host, &e);
	return 0;
}

int pt_index_claim(struct pt_index *index, uint32_t host, struct pt_bdf bdf)
{
	return host < index->hosts.n ? set_owned(index, host, bdf, true) : -ENODEV;
}

int pt_index_release(struct pt_index *index, uint32_t host, struct pt_bdf bdf)
{
	return host < index->hosts.n ? set_owned(index, host, bdf, false) : -ENODEV;
}

uint64_t pt_index_cells(const struct pt_index *index, uint32_t host, const int *ids, size_t n)
{
	const struct pt_topology *t = &index->topologies.v[index->hosts.v[host].topology];
	uint64_t mask = 0;

	for (size_t i = 0; i < n; i++) {
		int node = node_of(t, ids[i]);

		if (node >= 0)
			mask |= (uint64_t)1 << node;
	}
	return mask;
}

void pt_index_done(struct pt_index *index)
{
	free(index->hosts.v);
	free(index->pools.v);
	free(index->devices.v);
	free(index->topologies.v);
	free(index->kinds.v);
	*index = (struct pt_index){ 0 };
}
