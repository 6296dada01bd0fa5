/* SPDX-License-Identifier: Apache-2.0 */
/* What a made-up host has: one of a few kinds of servers as they are sold, chosen by a number. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/simulate.h"
#include "base/cleanup.h"
#include "shape/novaconf.h"

/* so many of a kind of card, so many a node, each with so many VFs */
struct card {
	uint16_t vendor;
	uint16_t product;
	uint32_t class_code;
	unsigned count;
	unsigned vfs;
	uint16_t vf_product;
	bool moves;
};

struct kind {
	unsigned share; /* of a hundred hosts */
	struct card cards[4];
};

static const struct kind kinds[] = {
	/* eight GPUs, two InfiniBand cards, local NVMe */
	{ 30,
	  { { 0x10de, 0x2330, 0x030200, 8, 0, 0, true },
	    { 0x15b3, 0x1021, 0x020700, 2, 8, 0x101e, false },
	    { 0x144d, 0xa80a, 0x010802, 4, 0, 0, true } } },
	/* two fast network cards with VFs */
	{ 40,
	  { { 0x8086, 0x1592, 0x020000, 2, 16, 0x1889, false },
	    { 0x8086, 0x1563, 0x020000, 2, 0, 0, false },
	    { 0x144d, 0xa80a, 0x010802, 2, 0, 0, true } } },
	/* storage: two HBAs, twelve NVMe */
	{ 15,
	  { { 0x1000, 0x00e6, 0x010700, 2, 0, 0, false },
	    { 0x1c5c, 0x174a, 0x010802, 12, 0, 0, true },
	    { 0x15b3, 0x101d, 0x020000, 1, 0, 0, false } } },
	/* a box under a desk */
	{ 15,
	  { { 0x1000, 0x005d, 0x010400, 1, 0, 0, false },
	    { 0x10de, 0x2236, 0x030200, 1, 0, 0, true },
	    { 0x8086, 0x1521, 0x020000, 2, 7, 0x1520, false } } },
};

#define CONF                                                                                                           \
	"[pci]\n"                                                                                                      \
	"device_spec = { \"vendor_id\": \"10de\" }\n"                                                                  \
	"device_spec = { \"vendor_id\": \"15b3\", \"product_id\": \"101e\", \"physical_network\": \"ib0\" }\n"         \
	"device_spec = { \"vendor_id\": \"8086\", \"product_id\": \"1889\", \"physical_network\": \"physnet1\" }\n"    \
	"device_spec = { \"vendor_id\": \"8086\", \"product_id\": \"1520\", \"physical_network\": \"physnet1\" }\n"    \
	"device_spec = { \"vendor_id\": \"1000\" }\n"                                                                  \
	"device_spec = { \"vendor_id\": \"144d\" }\n"                                                                  \
	"device_spec = { \"vendor_id\": \"1c5c\" }\n"

/* splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014) */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static const struct kind *kind_of(unsigned seed, unsigned index)
{
	unsigned at = (unsigned)(mix(((uint64_t)seed << 32) | index) % 100);
	size_t i = 0;

	while (i + 1 < sizeof(kinds) / sizeof(*kinds) && at >= kinds[i].share)
		at -= kinds[i++].share;
	return &kinds[i];
}

static void add(struct pt_inv_host *h, struct pt_bdf bdf, const struct card *c, unsigned node, bool vf)
{
	struct pt_inv_device *d = pt_inv_host_add(h);

	d->bdf = bdf;
	d->vendor = c->vendor;
	d->product = vf ? c->vf_product : c->product;
	d->class_code = c->class_code;
	d->type = vf ? PT_DEV_VF : c->vfs ? PT_DEV_PF : PT_DEV_PCI;
	d->numa_node = (int)node;
	if (c->vfs && !vf) {
		d->totalvfs = (int)c->vfs;
		d->vf_product = c->vf_product;
	}
	if (vf) {
		d->has_parent = true;
		d->parent = (struct pt_bdf){ .domain = bdf.domain, .bus = bdf.bus };
	}
}

/* the two sockets' buses begin at 0x10 and 0x90; a card each bus, its VFs behind it */
static void add_cells(struct pt_inv_host *h)
{
	h->cells = pt_alloc(2 * sizeof(*h->cells));
	for (int i = 0; i < 2; i++)
		h->cells[i] = (struct pt_inv_cell){ i, i, 32, 262144 };
	h->n_cells = 2;
}

void pt_simulated_spec(struct pt_pci_config *ret)
{
	PT_AUTO(pt_ini) ini = { 0 };
	PT_AUTO(pt_strv) hints = { 0 };

	/* our own text: it is right */
	if (pt_ini_parse(CONF, "simulated", &ini, NULL) == 0)
		(void)pt_novaconf_read(&ini, "simulated", ret, &hints, NULL);
}

/* calls for each function with its number; how many there are */
static unsigned walk(unsigned seed, unsigned index,
		     void (*each)(void *ctx, unsigned number, struct pt_bdf bdf, const struct card *c, unsigned node,
				  bool vf),
		     void *ctx)
{
	const struct kind *kind = kind_of(seed, index);
	unsigned number = 0;
	unsigned card = 0;

	for (size_t k = 0; k < sizeof(kind->cards) / sizeof(*kind->cards); k++) {
		const struct card *c = &kind->cards[k];

		for (unsigned i = 0; i < c->count; i++, card++) {
			unsigned node = card % 2;
			struct pt_bdf bdf = { .bus = (uint8_t)((node ? 0x90 : 0x10) + card / 2) };

			each(ctx, number++, bdf, c, node, false);
			for (unsigned v = 1; v <= c->vfs; v++) {
				struct pt_bdf vf = { .bus = bdf.bus, .slot = (uint8_t)(v / 8), .func = v % 8 };

				each(ctx, number++, vf, c, node, true);
			}
		}
	}
	return number;
}

struct making {
	struct pt_inv_host *host;
	uint64_t away;
};

static void add_one(void *ctx, unsigned number, struct pt_bdf bdf, const struct card *c, unsigned node, bool vf)
{
	const struct making *m = ctx;

	if (!(m->away >> number & 1))
		add(m->host, bdf, c, node, vf);
}

void pt_simulated_host(unsigned seed, unsigned index, uint64_t away, struct pt_inv_host *ret)
{
	struct pt_inv_host h = { .name = pt_strf("sim-%u-%05u", seed, index) };
	struct making m = { &h, away };
	struct pt_bdf twice;

	add_cells(&h);
	(void)walk(seed, index, add_one, &m);
	/* no address twice: each card has a bus of its own */
	(void)pt_inv_host_finish(&h, &twice);
	*ret = h;
}

static void note_move(void *ctx, unsigned number, struct pt_bdf bdf, const struct card *c, unsigned node, bool vf)
{
	uint64_t *moves = ctx;

	(void)bdf;
	(void)node;
	if (c->moves && !vf)
		*moves |= (uint64_t)1 << number;
}

uint64_t pt_simulated_moves(unsigned seed, unsigned index)
{
	uint64_t moves = 0;

	(void)walk(seed, index, note_move, &moves);
	return moves;
}

unsigned pt_simulated_count(unsigned seed, unsigned index)
{
	uint64_t moves = 0;

	return walk(seed, index, note_move, &moves);
}

struct looking {
	struct pt_bdf bdf;
	int number;
};

static void compare(void *ctx, unsigned number, struct pt_bdf bdf, const struct card *c, unsigned node, bool vf)
{
	struct looking *l = ctx;

	(void)c;
	(void)node;
	(void)vf;
	if (pt_bdf_eq(bdf, l->bdf))
		l->number = (int)number;
}

int pt_simulated_number(unsigned seed, unsigned index, struct pt_bdf bdf)
{
	struct looking l = { bdf, -1 };

	(void)walk(seed, index, compare, &l);
	return l.number;
}
