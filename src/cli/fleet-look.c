/* SPDX-License-Identifier: Apache-2.0 */
/* passthru fleet hosts, devices and why: what the store holds, and what it means for a request. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "cli/fleeting.h"
#include "cli/kinds.h"
#include "cli/print.h"
#include "cli/requesting.h"
#include "decide/pools.h"
#include "fleet/devices.h"
#include "host/pci.h"
#include "shape/claim.h"
#include "shape/device.h"

static struct pt_fleet_counts count(const struct pt_fleet *f, struct pt_fleet_host *h)
{
	struct pt_fleet_counts n = { 0 };
	struct pt_error why = { 0 };

	if (!h->wrong && pt_fleet_count(f, h, &n, &why) < 0)
		pt_strset(&h->wrong, why.msg);
	return n;
}

static void add_line(struct pt_table *table, const struct pt_fleet_host *h, struct pt_fleet_counts n)
{
	const size_t numbers[] = { h->host.n, n.offered, n.free, h->holds.n };
	struct pt_table_line *line = pt_table_line(table, NULL);

	pt_table_cell(table, line, 0, h->name);
	pt_table_cell(table, line, 1, h->agent ? pt_fleet_agent_str(h) : "-");
	for (size_t i = 0; i < 4; i++) {
		pt_autofree char *text = pt_strf("%zu", numbers[i]);

		pt_table_cell(table, line, 2 + i, text);
	}
	pt_table_cell(table, line, 6, h->wrong ? h->wrong : h->note);
}

static struct pt_table *new_table(void)
{
	struct pt_table *table = pt_table_new(0);

	pt_table_column(table, "HOST", 0, 0);
	pt_table_column(table, "AGENT", 0, 0);
	pt_table_column(table, "DEVICES", PT_TABLE_RIGHT, 3);
	pt_table_column(table, "OFFERED", PT_TABLE_RIGHT, 0);
	pt_table_column(table, "FREE", PT_TABLE_RIGHT, 0);
	pt_table_column(table, "CLAIMED", PT_TABLE_RIGHT, 0);
	pt_table_column(table, "WRONG", PT_TABLE_CUT, 2);
	return table;
}

int pt_fleeting_hosts(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err)
{
	PT_AUTO(pt_fleet) f = { 0 };
	json_t *list;
	struct pt_table *table;
	int r = pt_fleet_load(s->store, &s->config, &f, err);

	if (r < 0)
		return r;
	list = json_array();
	table = new_table();
	for (size_t i = 0; i < f.hosts.n; i++) {
		struct pt_fleet_host *h = &f.hosts.v[i];
		struct pt_fleet_counts n = count(&f, h);

		add_line(table, h, n);
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s?, s:I, s:I, s:I, s:I, s:s?, s:s?}", "name", h->name, "agent",
					pt_fleet_agent_str(h), "devices", (json_int_t)h->host.n, "offered",
					(json_int_t)n.offered, "free", (json_int_t)n.free, "claimed",
					(json_int_t)h->holds.n, "wrong", h->wrong, "note", h->note));
	}
	if (cli->json)
		r = pt_print_json(cli, json_pack("{s:O}", "hosts", list), err);
	else
		r = pt_table_print(table, cli->out, err);
	pt_table_free(table);
	json_decref(list);
	return r < 0 ? r : PT_EXIT_DONE;
}

/**
 * struct entry - a device to be shown
 * @claim: that holds it, when that could be read
 * @vm: that has it, as its host's agent says, or NULL
 */
struct entry {
	const struct pt_fleet_host *host;
	struct pt_slot slot;
	const struct pt_claim *claim;
	const char *vm;
};

struct listing {
	struct pt_fleet fleet;
	struct pt_claims_list claims;
	PT_ARRAY(struct pt_ack) acks; /* by host and id */
	PT_ARRAY(struct entry) all;
	struct pt_devices names; /* one an entry, in order */
};

static void listing_done(struct listing *l)
{
	for (size_t i = 0; i < l->all.n; i++)
		free(l->all.v[i].slot.why);
	free(l->all.v);
	for (size_t i = 0; i < l->acks.n; i++)
		pt_ack_done(&l->acks.v[i]);
	free(l->acks.v);
	pt_devices_done(&l->names);
	pt_claims_list_done(&l->claims);
	pt_fleet_done(&l->fleet);
}

static int by_id(const void *id, const void *claim)
{
	return strcmp(id, ((const struct pt_claim *)claim)->id);
}

static const struct pt_claim *claim_of(const struct pt_claims_list *l, const char *id)
{
	return id && l->n ? bsearch(id, l->v, l->n, sizeof(*l->v), by_id) : NULL;
}

/* agents' words; one that is not understood says nothing */
static int read_acks(struct pt_store *store, struct listing *l, struct pt_error *err)
{
	PT_AUTO(pt_records) records = { 0 };
	int r = pt_store_list(store, "acks/", &records, err);

	for (size_t i = 0; r == 0 && i < records.n; i++) {
		struct pt_ack ack = { 0 };

		if (pt_ack_read(records.v[i].value, records.v[i].key, &ack, NULL) == 0 &&
		    ack.state == PT_ACK_ATTACHED && ack.vm)
			pt_array_push(&l->acks, ack);
		else
			pt_ack_done(&ack);
	}
	return r;
}

/* a claim is on one host; an older word of a host that was left is of a claim that is elsewhere now */
static const char *vm_of(const struct listing *l, const struct pt_claim *c, const struct pt_fleet_host *h)
{
	if (!c || !pt_streq(c->host, h->name))
		return NULL;
	for (size_t i = 0; i < l->acks.n; i++)
		if (strcmp(l->acks.v[i].id, c->id) == 0)
			return l->acks.v[i].vm;
	return NULL;
}

/* enough of a device for its names and its kind */
static struct pt_device device_of(const struct pt_inv_device *d)
{
	return (struct pt_device){ .bdf = d->bdf,
				   .vendor = d->vendor,
				   .device = d->product,
				   .class_code = d->class_code,
				   .iommu_group = -1,
				   .numa_node = d->numa_node,
				   .sriov = d->type == PT_DEV_PF   ? PT_SRIOV_PF
					    : d->type == PT_DEV_VF ? PT_SRIOV_VF
								   : PT_SRIOV_NONE };
}

/* "display", or the beginning of a class in hexadecimal: 03, 0302 */
static int of_class(const char *class, const struct pt_device *d)
{
	int is = pt_kind_is(class, d);
	char code[8];

	if (is >= 0)
		return is;
	if (!*class || strlen(class) > 6 || strlen(class) % 2 ||
	    strspn(class, "0123456789abcdefABCDEF") != strlen(class))
		return -EINVAL;
	(void)snprintf(code, sizeof(code), "%06x", d->class_code);
	return d->class_code && strncasecmp(code, class, strlen(class)) == 0;
}

static bool wanted(const struct pt_cli *cli, const struct pt_slot *s, const struct pt_device *d)
{
	const char *class = pt_cli_value(cli, "class");

	if (pt_cli_flag(cli, "free") && s->state != PT_SLOT_FREE)
		return false;
	if (pt_cli_flag(cli, "claimed") && s->state != PT_SLOT_CLAIMED)
		return false;
	return !class || of_class(class, d) > 0;
}

static void add_host(const struct pt_cli *cli, struct listing *l, const struct pt_fleet_host *h)
{
	PT_AUTO(pt_slots) slots = { 0 };

	pt_fleet_slots(&l->fleet, h, &slots);
	for (size_t i = 0; i < slots.n; i++) {
		struct pt_device d = device_of(slots.v[i].device);
		struct entry e = { .host = h };

		if (!wanted(cli, &slots.v[i], &d))
			continue;
		e.slot = pt_take(slots.v[i]);
		e.claim = claim_of(&l->claims, e.slot.claim);
		e.vm = vm_of(l, e.claim, h);
		pt_array_push(&l->all, e);
		pt_array_push(&l->names, d);
	}
}

static int gather(const struct pt_cli *cli, struct pt_storing *s, struct listing *l, struct pt_error *err)
{
	const char *host = pt_cli_value(cli, "host");
	const char *class = pt_cli_value(cli, "class");
	int r = 0;

	if (class && of_class(class, &(const struct pt_device){ .class_code = 1 }) < 0)
		return pt_usage(err, -EINVAL,
				"--class %.40s: expected one of " PT_KIND_NAMES ", or a class in hexadecimal: 03, 0302",
				class);
	r = pt_fleet_load(s->store, &s->config, &l->fleet, err);
	r = r < 0 ? r : pt_requesting_check_host(&l->fleet, host, err);
	r = r < 0 ? r : pt_fleet_claims(s->store, &l->claims, err);
	r = r < 0 ? r : read_acks(s->store, l, err);
	for (size_t i = 0; r == 0 && i < l->fleet.hosts.n; i++)
		if (!host || strcmp(host, l->fleet.hosts.v[i].name) == 0)
			add_host(cli, l, &l->fleet.hosts.v[i]);
	return r < 0 ? r : pt_names_fill(&cli->root, &l->names, err);
}

/* "claimed by c-… for vm7", "blocked: its PF …" */
static char *state_text(const struct entry *e)
{
	if (e->slot.state == PT_SLOT_CLAIMED)
		return pt_strf("claimed by %s%s%s", e->slot.claim, e->claim ? " for " : "",
			       e->claim ? e->claim->holder : "");
	return pt_strf("%s%s%s", pt_slot_state_str(e->slot.state), e->slot.why ? ": " : "",
		       e->slot.why ? e->slot.why : "");
}

static int devices_table(struct pt_cli *cli, const struct listing *l, struct pt_error *err)
{
	struct pt_table *table = pt_table_new(0);
	int r;

	pt_table_column(table, "HOST", 0, 0);
	pt_table_column(table, "ADDRESS", 0, 0);
	pt_table_column(table, "ID", 0, 3);
	pt_table_column(table, "NAME", PT_TABLE_CUT, 0);
	pt_table_column(table, "TYPE", 0, 2);
	pt_table_column(table, "NUMA", PT_TABLE_RIGHT, 4);
	pt_table_column(table, "VM", 0, 1);
	pt_table_column(table, "STATE", PT_TABLE_CUT, 0);
	for (size_t i = 0; i < l->all.n; i++) {
		const struct pt_inv_device *d = l->all.v[i].slot.device;
		struct pt_table_line *line = pt_table_line(table, NULL);
		pt_autofree char *ids = pt_strf("%04x:%04x", d->vendor, d->product);
		pt_autofree char *name = pt_device_name(&l->names.v[i]);
		pt_autofree char *node = d->numa_node < 0 ? pt_strdup("-") : pt_strf("%d", d->numa_node);
		pt_autofree char *state = state_text(&l->all.v[i]);

		pt_table_cell(table, line, 0, l->all.v[i].host->name);
		pt_table_cell(table, line, 1, pt_bdf_str(d->bdf).s);
		pt_table_cell(table, line, 2, ids);
		pt_table_cell(table, line, 3, name);
		pt_table_cell(table, line, 4, pt_dev_type_str(d->type));
		pt_table_cell(table, line, 5, node);
		pt_table_cell(table, line, 6, l->all.v[i].vm ? l->all.v[i].vm : "-");
		pt_table_cell(table, line, 7, state);
	}
	r = pt_table_print(table, cli->out, err);
	pt_table_free(table);
	return r < 0 ? r : PT_EXIT_DONE;
}

static json_t *device_json(const struct entry *e, const struct pt_device *names)
{
	const struct pt_inv_device *d = e->slot.device;
	pt_autofree char *vendor = pt_strf("%04x", d->vendor);
	pt_autofree char *product = pt_strf("%04x", d->product);
	pt_autofree char *class = d->class_code ? pt_strf("%06x", d->class_code) : NULL;
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s}", "host", e->host->name, "address",
			      pt_bdf_str(d->bdf).s, "vendor_id", vendor, "product_id", product, "vendor",
			      pt_json_text(names->vendor_name), "name", pt_json_text(names->device_name), "class",
			      pt_json_text(class), "type", pt_dev_type_str(d->type));

	(void)json_object_set_new(o, "numa_node", d->numa_node < 0 ? json_null() : json_integer(d->numa_node));
	(void)json_object_set_new(o, "state", json_string(pt_slot_state_str(e->slot.state)));
	(void)json_object_set_new(o, "claim", pt_json_text(e->slot.claim));
	(void)json_object_set_new(o, "for", pt_json_text(e->claim ? e->claim->holder : NULL));
	(void)json_object_set_new(o, "vm", pt_json_text(e->vm));
	(void)json_object_set_new(o, "why", pt_json_text(e->slot.why));
	return o;
}

int pt_fleeting_devices(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err)
{
	PT_CLEANUP(listing_done) struct listing l = { 0 };
	int r = gather(cli, s, &l, err);
	json_t *list;

	if (r < 0)
		return r;
	if (!cli->json)
		return devices_table(cli, &l, err);
	list = json_array();
	for (size_t i = 0; i < l.all.n; i++)
		(void)json_array_append_new(list, device_json(&l.all.v[i], &l.names.v[i]));
	return pt_print_json(cli, json_pack("{s:o}", "devices", list), err);
}

int pt_fleeting_why(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err)
{
	PT_AUTO(pt_fleet) f = { 0 };
	PT_AUTO(pt_request) request = { 0 };
	PT_AUTO(pt_fleet_answers) answers = { 0 };
	struct pt_claim_ask ask = { 0 };
	int fit = 0;
	int r = pt_requesting_read(cli, cli->operands[1], &request, &ask, err);

	r = r < 0 ? r : pt_fleet_load(s->store, &s->config, &f, err);
	r = r < 0 ? r : pt_requesting_check_host(&f, ask.host, err);
	fit = r < 0 ? r : pt_fleet_why(&f, &ask, &answers, err);
	if (fit < 0)
		return fit;
	if (cli->json) {
		r = pt_print_json(cli, json_pack("{s:o}", "hosts", pt_requesting_json(&answers, &request, true)), err);
		return r < 0 ? r : fit ? PT_EXIT_DONE : PT_EXIT_NO;
	}
	if (answers.n == 1 && fit)
		(void)fprintf(cli->out, "%s fits\n", answers.v[0].host);
	else
		pt_requesting_print(cli, &answers);
	return fit ? PT_EXIT_DONE : PT_EXIT_NO;
}
