/* SPDX-License-Identifier: Apache-2.0 */
#include "agentstage.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/parts.h"
#include "base/cleanup.h"
#include "domxml/domxml.h"
#include "fleet/agent.h"
#include "host/reserved.h"
#include "shape/claim.h"
#include "shape/novaconf.h"

#define CONF                                                                                                           \
	"[pci]\n"                                                                                                      \
	"device_spec = { \"vendor_id\": \"8086\" }\n"                                                                  \
	"alias = { \"vendor_id\":\"8086\", \"product_id\":\"10c9\", \"name\":\"nic\", \"device_type\":\"type-PCI\" "   \
	"}\n"

static void read_config(struct pt_pci_config *ret)
{
	PT_AUTO(pt_ini) ini = { 0 };
	PT_AUTO(pt_strv) hints = { 0 };
	struct pt_error err = { 0 };

	if (pt_ini_parse(CONF, "conf", &ini, &err) < 0 || pt_novaconf_read(&ini, "conf", ret, &hints, &err) < 0)
		fail_msg("%s", err.msg);
}

static void mark_unusable(const struct fakekernel *k, struct pt_inv_host *h)
{
	for (unsigned i = 0; i < k->n_files; i++) {
		const struct fakekernel_file *f = &k->files[i];
		struct pt_bdf bdf;
		int64_t at;

		if (f->place != PT_HOST_RUN || !pt_startswith(f->name, PT_UNUSABLE_PREFIX) ||
		    pt_bdf_parse(f->name + strlen(PT_UNUSABLE_PREFIX), &bdf) < 0)
			continue;
		at = pt_inv_host_find(h, bdf);
		if (at < 0)
			continue;
		{
			pt_autofree char *was = pt_take_ptr(h->v[at].owner);

			h->v[at].owner = pt_strf("unusable: %s%s%s%s", f->text, was ? " (on " : "", was ? was : "",
						 was ? ")" : "");
		}
	}
}

static int fake_facts(void *ctx, struct pt_inv_host *ret, struct pt_error *err)
{
	const struct fakekernel *k = ((struct agentstage *)ctx)->s->kernel;
	pt_autofree char *state = pt_strf("%s/state", ((struct agentstage *)ctx)->s->dir);
	struct pt_inv_host h = { 0 };
	struct pt_bdf twice;
	int r;

	for (unsigned i = 0; i < k->n_devices; i++) {
		const struct fakekernel_device *from = &k->devices[i];
		struct pt_inv_device *d;

		if (from->gone || from->bridge)
			continue;
		d = pt_inv_host_add(&h);
		d->bdf = from->bdf;
		d->vendor = (uint16_t)from->ids[0];
		d->product = (uint16_t)from->ids[1];
		if (strstr(from->driver, "vfio"))
			d->owner = pt_strdup(from->driver);
	}
	assert_int_equal(pt_inv_host_finish(&h, &twice), 0);
	mark_unusable(k, &h);
	*ret = h;
	r = pt_agent_mark_busy(state, ret, err);
	if (r < 0)
		fail_msg("%s", err->msg);
	return r > 0;
}

static int fake_vms(void *ctx, struct pt_domains *ret, struct pt_error *err)
{
	const struct agentstage *a = ctx;

	if (a->blind)
		return pt_say(err, -ECONNREFUSED, "libvirt does not answer");
	for (unsigned i = 0; i < a->s->vm->n; i++) {
		const struct fakevm_one *one = &a->s->vm->vms[i];
		struct pt_domain d = { 0 };
		PT_AUTO(pt_domain) live = { 0 };

		if (pt_domxml_read(one->xml, &d, err) < 0)
			return err->code;
		d.state = one->state;
		if (one->state != PT_DOMAIN_SHUTOFF && one->live[0] && pt_domxml_read(one->live, &live, err) == 0)
			for (size_t k = 0; k < live.hostdevs.n; k++)
				if (!pt_domain_hostdev_by_bdf(&d, live.hostdevs.v[k].bdf)) {
					struct pt_domain_hostdev h = { .kind = PT_HOSTDEV_PCI,
								       .bdf = live.hostdevs.v[k].bdf };

					pt_array_push(&d.hostdevs, h);
				}
		pt_array_push(ret, d);
	}
	return 0;
}

static struct pt_step *vm_step(const struct fakevm_one *vm, struct pt_plan *plan, enum pt_step_kind kind)
{
	struct pt_step *s = pt_plan_step(plan, kind);

	s->vm = pt_strdup(vm->name);
	s->vm_uuid = pt_strdup(vm->uuid);
	return s;
}

static void plug(const struct fakekernel_device *d, const struct fakevm_one *vm, struct pt_plan *plan,
		 enum pt_step_kind kind)
{
	struct pt_step *s = fakekernel_step(d, plan, kind);

	s->vm = pt_strdup(vm->name);
	s->vm_uuid = pt_strdup(vm->uuid);
	s->timeout_ms = 5;
}

static void bind(const struct fakekernel_device *d, struct pt_plan *plan)
{
	struct pt_step *s;

	if (strcmp(d->driver, "vfio-pci") == 0)
		return;
	(void)fakekernel_step(d, plan, PT_STEP_RESERVE);
	s = fakekernel_step(d, plan, PT_STEP_DRIVER);
	s->driver_before = pt_strdup(d->driver);
	s->driver_after = pt_strdup("vfio-pci");
	s->override_after = pt_strdup("vfio-pci");
}

static void unbind(const struct fakekernel_device *d, struct pt_plan *plan)
{
	struct pt_step *s;

	(void)fakekernel_step(d, plan, PT_STEP_RESET);
	(void)fakekernel_step(d, plan, PT_STEP_UNRESERVE);
	s = fakekernel_step(d, plan, PT_STEP_DRIVER);
	s->driver_before = pt_strdup(d->driver);
	s->override_before = pt_strdup("vfio-pci");
	s->reprobe = true;
}

static struct fakevm_one *vm_of(const struct agentstage *a, const char *uuid)
{
	for (unsigned i = 0; uuid && i < a->s->vm->n; i++)
		if (strcmp(a->s->vm->vms[i].uuid, uuid) == 0)
			return &a->s->vm->vms[i];
	return NULL;
}

/* as passthru in a process of its own: journal and lock are opened for it */
static int make(struct agentstage *a, struct pt_plan *plan, const char *verb, struct pt_agent_done *ret,
		struct pt_error *err)
{
	long long id = 0;
	int r;

	a->wishes++;
	plan->verb = pt_strdup(verb);
	plan->summary = pt_strdup(verb);
	if (!plan->steps.n)
		return 0;
	stage_open(a->s);
	r = pt_change_prepare(&a->s->vm_ops, plan, err);
	if (r == 0)
		r = pt_change_apply(&a->s->env, plan, &id, err);
	stage_close(a->s);
	if (r == 0)
		ret->change = id;
	return r < 0 && err->kind == PT_ERROR_INTERRUPTED ? -EINTR : r;
}

static int fake_keep(void *ctx, const struct pt_agent_wish *w, struct pt_agent_done *ret, struct pt_error *err)
{
	struct agentstage *a = ctx;
	PT_AUTO(pt_plan) plan = { 0 };

	for (size_t i = 0; i < w->n; i++)
		bind(fakekernel_find(a->s->kernel, w->devices[i]), &plan);
	return make(a, &plan, "reserve", ret, err);
}

static int fake_attach(void *ctx, const struct pt_agent_wish *w, struct pt_agent_done *ret, struct pt_error *err)
{
	struct agentstage *a = ctx;
	const struct fakevm_one *vm = vm_of(a, w->vm);
	bool live = vm->state != PT_DOMAIN_SHUTOFF;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_step *s;

	for (size_t i = 0; i < w->n; i++)
		if (agentstage_vm_has(vm, w->devices[i]))
			return pt_usage(err, -EEXIST, "VM %s has %s already", vm->name, pt_bdf_str(w->devices[i]).s);
	for (size_t i = 0; i < w->n; i++)
		bind(fakekernel_find(a->s->kernel, w->devices[i]), &plan);
	s = vm_step(vm, &plan, PT_STEP_VM_DEFINE);
	for (size_t i = 0; i < w->n; i++)
		pt_array_push(&s->edit.add_hostdevs, ((struct pt_hostdev_add){ .bdf = w->devices[i], .guest_bus = 5 }));
	for (size_t i = 0; i < w->n && live; i++)
		plug(fakekernel_find(a->s->kernel, w->devices[i]), vm, &plan, PT_STEP_VM_PLUG);
	ret->proved = live;
	return make(a, &plan, "attach", ret, err);
}

static int fake_detach(void *ctx, const struct pt_agent_wish *w, struct pt_agent_done *ret, struct pt_error *err)
{
	struct agentstage *a = ctx;
	const struct fakevm_one *vm = vm_of(a, w->vm);
	bool live = vm->state != PT_DOMAIN_SHUTOFF;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_step *s;

	for (size_t i = 0; i < w->n; i++)
		if (!agentstage_vm_has(vm, w->devices[i]))
			return pt_usage(err, -ENOENT, "VM %s does not have %s", vm->name, pt_bdf_str(w->devices[i]).s);
	for (size_t i = 0; i < w->n && live; i++)
		plug(fakekernel_find(a->s->kernel, w->devices[i]), vm, &plan, PT_STEP_VM_UNPLUG);
	s = vm_step(vm, &plan, PT_STEP_VM_DEFINE);
	for (size_t i = 0; i < w->n; i++)
		pt_array_push(&s->edit.remove_hostdevs, w->devices[i]);
	for (size_t i = 0; i < w->n; i++)
		unbind(fakekernel_find(a->s->kernel, w->devices[i]), &plan);
	return make(a, &plan, "detach", ret, err);
}

static int fake_give_back(void *ctx, const struct pt_agent_wish *w, struct pt_agent_done *ret, struct pt_error *err)
{
	struct agentstage *a = ctx;
	PT_AUTO(pt_plan) plan = { 0 };

	for (size_t i = 0; i < w->n; i++)
		if (!strstr(fakekernel_find(a->s->kernel, w->devices[i])->driver, "vfio"))
			return pt_usage(err, -ENOENT, "%s is not reserved", pt_bdf_str(w->devices[i]).s);
	for (size_t i = 0; i < w->n; i++)
		unbind(fakekernel_find(a->s->kernel, w->devices[i]), &plan);
	return make(a, &plan, "release", ret, err);
}

static int fake_recover(void *ctx, struct pt_error *err)
{
	struct agentstage *a = ctx;
	unsigned n = 0;
	int r;

	stage_open(a->s);
	r = pt_change_recover(&a->s->env, &n, err);
	stage_close(a->s);
	return r;
}

static void note(void *ctx, const struct pt_agent_news *n)
{
	struct agentstage *a = ctx;
	size_t at = strlen(a->said);

	(void)snprintf(a->said + at, sizeof(a->said) - at, "%s\n", n->text);
}

void agentstage_restart(struct agentstage *a)
{
	pt_agent_done(&a->agent);
	a->agent = (struct pt_agent){
		.host = "h1", .store = a->store, .config = &a->pci, .hands = &a->hands, .ctx = a, .say = note
	};
}

struct agentstage *agentstage_new(struct pt_store_config *config)
{
	struct agentstage *a = pt_alloc(sizeof(*a));

	a->s = stage_new();
	a->config = pt_take(*config);
	if (a->config.backend == PT_STORE_SQLITE)
		a->config.directory = pt_strf("%s/store", a->s->dir);
	read_config(&a->pci);
	if (pt_store_open(&a->config, &a->store, &a->err) < 0)
		fail_msg("%s", a->err.msg);
	a->hands = (struct pt_agent_hands){ .ctx = a,
					    .facts = fake_facts,
					    .vms = fake_vms,
					    .recover = fake_recover,
					    .keep = fake_keep,
					    .attach = fake_attach,
					    .detach = fake_detach,
					    .give_back = fake_give_back };
	/* what a keeper does */
	agentstage_put(a, "alive/h1", "{\"since\": 1}");
	agentstage_restart(a);
	return a;
}

void agentstage_free(struct agentstage *a)
{
	pt_agent_done(&a->agent);
	pt_store_close(a->store);
	pt_pci_config_done(&a->pci);
	pt_store_config_done(&a->config);
	stage_free(a->s);
	free(a);
}

int agentstage_go(struct agentstage *a, unsigned what)
{
	a->err = (struct pt_error){ 0 };
	return pt_agent_round(&a->agent, what, &a->err);
}

void agentstage_round(struct agentstage *a)
{
	agentstage_restart(a);
	if (agentstage_go(a, PT_AGENT_ALL) < 0)
		fail_msg("%s", a->err.msg);
}

void agentstage_claim(struct agentstage *a, const char *asked, const char *holder, char *ret_id)
{
	PT_AUTO(pt_fleet) fleet = { 0 };
	PT_AUTO(pt_claim) claim = { 0 };

	if (pt_fleet_load(a->store, &a->pci, &fleet, &a->err) < 0 ||
	    claiming_claim(&fleet, asked, holder, &claim, &a->err) != 1)
		fail_msg("%s is not given: %s", asked, a->err.msg);
	(void)snprintf(ret_id, PT_CLAIM_ID_LENGTH + 1, "%s", claim.id);
}

void agentstage_ack(struct agentstage *a, const char *id, enum pt_ack_state state, struct pt_ack *ret)
{
	PT_AUTO(pt_ack) ack = { 0 };

	if (pt_fleet_ack(a->store, "h1", id, &ack, NULL, &a->err) != 1)
		fail_msg("%s: nothing is said of it", id);
	if (ack.state != state)
		fail_msg("%s: %s and not %s (%s); it said:\n%s", id, pt_ack_state_str(ack.state),
			 pt_ack_state_str(state), ack.reason ? ack.reason : "", a->said);
	if (ret)
		*ret = pt_take(ack);
}

void agentstage_put(struct agentstage *a, const char *key, const char *value)
{
	struct pt_write write = { key, value, 0 };
	struct pt_txn txn = { .writes = &write, .n_writes = 1 };

	assert_int_equal(pt_store_commit(a->store, &txn, NULL, NULL, &a->err), 1);
}

bool agentstage_is_held(struct agentstage *a, struct pt_bdf bdf)
{
	PT_AUTO(pt_record) record = { 0 };
	PT_AUTO(pt_holds) holds = { 0 };
	int r = pt_store_get(a->store, "held/h1", &record, &a->err);

	if (r == 1)
		r = pt_holds_read(record.value, "held/h1", &holds, &a->err);
	assert_int_equal(r, 0);
	return pt_holds_find(&holds, bdf) != NULL;
}

bool agentstage_vm_has(const struct fakevm_one *vm, struct pt_bdf bdf)
{
	const char *const texts[] = { vm->xml, vm->state == PT_DOMAIN_SHUTOFF ? "" : vm->live };

	for (int i = 0; i < 2; i++) {
		PT_AUTO(pt_domain) d = { 0 };

		if (*texts[i] && pt_domxml_read(texts[i], &d, NULL) == 0 && pt_domain_hostdev_by_bdf(&d, bdf))
			return true;
	}
	return false;
}
