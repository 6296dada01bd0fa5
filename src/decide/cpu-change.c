/* SPDX-License-Identifier: Apache-2.0 */
/* May a VM get another processor, and did it? */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "decide/cpu.h"
#include "decide/cpuflags.h"
#include "decide/judge.h"

#define NAMES_MAX 12

/* "svm, npt and 3 more", or "none"; the caller frees */
static char *some(const struct pt_strv *l)
{
	struct pt_strv head = { .v = l->v, .n = l->n < NAMES_MAX ? l->n : NAMES_MAX };
	pt_autofree char *names = pt_strv_join(&head, ", ");

	if (!l->n)
		return pt_strdup("none");
	return l->n > head.n ? pt_strf("%s and %zu more", names, l->n - head.n) : pt_strdup(names);
}

/* "host-passthrough", "custom EPYC"; the caller frees */
static char *title(const struct pt_cpu_def *d)
{
	if (d->mode == PT_CPU_MODE_CUSTOM)
		return pt_strdup(d->model ? d->model : "custom");
	return pt_strdup(d->mode == PT_CPU_MODE_NONE ? "QEMU's default" : pt_cpu_mode_str(d->mode));
}

/* what most are changed for stands first */
static void put_first(struct pt_strv *l, const char *name)
{
	for (size_t i = 0; i < l->n && name; i++)
		if (pt_streq(l->v[i], name)) {
			char *one = l->v[i];

			memmove(&l->v[1], &l->v[0], i * sizeof(*l->v));
			l->v[0] = one;
		}
}

static bool takes_away(const char *policy)
{
	return pt_streq(policy, "disable") || pt_streq(policy, "forbid");
}

/* a flag that the user hides from the guest stays hidden; what was added to the old model goes with it */
static void keep_hidden(const struct pt_cpu_def *old, struct pt_cpu_def *to)
{
	for (size_t i = 0; i < old->features.n; i++)
		if (takes_away(old->features.v[i].policy))
			pt_cpu_def_set_feature(to, old->features.v[i].name, old->features.v[i].policy);
}

void pt_cpu_wanted(const struct pt_cpu_look *look, const struct pt_cpu_request *request, struct pt_cpu_def *ret_def)
{
	const struct pt_cpu_def *old = &look->vm.cpu;
	bool as_is = request->mode == PT_CPU_MODE_NONE ||
		     (request->mode == old->mode && (!request->model || pt_streq(request->model, old->model)));
	struct pt_cpu_def d = { 0 };

	if (request->baseline) {
		pt_cpu_def_copy(&d, request->baseline);
		d.mode = PT_CPU_MODE_CUSTOM;
		if (!d.match)
			d.match = pt_strdup("exact");
		/* not full: QEMU's model may have a flag more than libvirt's of the same name, and would then not start
		 */
		if (!d.check)
			d.check = pt_strdup("partial");
		keep_hidden(old, &d);
	} else if (as_is) {
		pt_cpu_def_copy(&d, old);
	} else {
		d.mode = request->mode;
		if (d.mode == PT_CPU_MODE_CUSTOM) {
			/* as libvirt writes it; a model that this host lacks shall fail, not become another */
			d.match = pt_strdup("exact");
			d.check = pt_strdup("partial");
			d.fallback = pt_strdup("forbid");
			d.model = pt_strdup(request->model);
		} else if (d.mode == PT_CPU_MODE_HOST_PASSTHROUGH) {
			d.check = pt_strdup("none");
			d.migratable = pt_strdup("on");
		} else {
			d.check = pt_strdup("partial");
		}
		keep_hidden(old, &d);
	}
	if (request->nested && look->host.virt &&
	    (d.mode != PT_CPU_MODE_HOST_PASSTHROUGH || pt_cpu_def_feature(&d, look->host.virt)))
		pt_cpu_def_set_feature(&d, look->host.virt, "require");
	*ret_def = d;
}

static int check_model(const struct pt_cpu_look *look, const char *model, struct pt_error *err)
{
	PT_AUTO(pt_strv) usable = { 0 };
	pt_autofree char *list = NULL;
	int r;

	if (!model || look->caps_why_not || pt_cpu_caps_model(&look->caps, model))
		return 0;
	for (size_t i = 0; i < look->caps.models.n; i++)
		if (look->caps.models.v[i].usable == PT_KNOWN_YES)
			pt_strv_add(&usable, look->caps.models.v[i].name);
	list = some(&usable);
	r = pt_usage(err, -ENOENT, "libvirt knows no processor model '%s' for %s", model, look->vm.name);
	pt_hint(err,
		"host-passthrough, host-model, or one of those that this host can run: %s; `virsh domcapabilities` "
		"lists "
		"all",
		list);
	return r;
}

/* the blockers that @want asks for: not those that it takes away, has where they are, or claims regardless */
static void still_blocking(const struct pt_cpu_model *m, const struct pt_cpu_def *want, struct pt_strv *ret)
{
	*ret = (struct pt_strv){ 0 };
	for (size_t i = 0; i < m->blockers.n; i++) {
		const char *policy = pt_cpu_def_feature(want, m->blockers.v[i]);

		if (!takes_away(policy) && !pt_streq(policy, "optional") && !pt_streq(policy, "force"))
			pt_strv_add(ret, m->blockers.v[i]);
	}
}

static void judge_model(struct pt_judge *j, const struct pt_cpu_def *want, const struct pt_cpu_model *m)
{
	PT_AUTO(pt_strv) left = { 0 };
	pt_autofree char *names = NULL;

	still_blocking(m, want, &left);
	/* libvirt may know that it cannot be had and not tell why: features may be the cure, or not */
	if (m->blockers.n ? !left.n : want->features.n > 0)
		return;
	names = some(&left);
	pt_judge_refuse(j, PT_FORCE_NEVER, "model", "virsh domcapabilities",
			"host-model is the nearest that this host can run; `passthru cpu VM` compares",
			"this host cannot run %s: its processor lacks %s", want->model, left.n ? names : "flags of it");
}

static void judge_mode(struct pt_judge *j, const struct pt_cpu_look *look, const struct pt_cpu_def *want)
{
	const struct pt_cpu_model *m = want->model ? pt_cpu_caps_model(&look->caps, want->model) : NULL;
	bool offered = want->mode == PT_CPU_MODE_HOST_PASSTHROUGH ? look->caps.passthrough : look->caps.host_model_ok;

	if (look->caps_why_not) {
		pt_judge_say(j, PT_UNKNOWN, "offered", NULL, NULL, "whether this host can give it: %s",
			     look->caps_why_not);
		return;
	}
	if (want->mode == PT_CPU_MODE_CUSTOM && m && m->usable == PT_KNOWN_NO)
		judge_model(j, want, m);
	if ((want->mode == PT_CPU_MODE_HOST_PASSTHROUGH || want->mode == PT_CPU_MODE_HOST_MODEL) && !offered)
		pt_judge_refuse(j, PT_FORCE_NEVER, "offered", "virsh domcapabilities",
				pt_streq(look->vm.type, "kvm") ? NULL : "change <domain type=> to 'kvm'",
				"libvirt does not offer %s to %s (type='%s', machine %s)", pt_cpu_mode_str(want->mode),
				look->vm.name, look->vm.type ? look->vm.type : "none",
				look->vm.machine ? look->vm.machine : "none");
}

/* libvirt takes <cache mode='passthrough'/> with the host's own processor only, and says so when it is defined */
static void judge_cache(struct pt_judge *j, const struct pt_cpu_def *want)
{
	pt_autofree char *fix = NULL;
	pt_autofree char *name = title(want);

	if (!j->vm->cpu_cache_passthrough || want->mode == PT_CPU_MODE_HOST_PASSTHROUGH ||
	    want->mode == PT_CPU_MODE_MAXIMUM)
		return;
	fix = pt_strf("`virsh edit %s`: take <cache mode='passthrough'/> out of its <cpu>", pt_shell(j->vm->name).s);
	pt_judge_refuse(j, PT_FORCE_NEVER, "cache", NULL, fix,
			"the <cpu> of %s has <cache mode='passthrough'/>, which libvirt takes with host-passthrough "
			"only, not with %s",
			j->vm->name, name);
}

static void judge_nested(struct pt_judge *j, const struct pt_cpu_look *look, const struct pt_cpu_request *request)
{
	PT_AUTO(pt_findings) said = { 0 };

	if (!request->nested)
		return;
	pt_decide_cpu_host(&look->host, &said);
	for (size_t i = 0; i < said.n; i++) {
		const struct pt_finding *f = &said.v[i];

		if (!pt_streq(f->name, "nested"))
			continue;
		if (f->verdict == PT_FAIL || f->verdict == PT_WARN || !look->host.virt)
			pt_judge_refuse(j, PT_FORCE_NEVER, "nested", f->where, f->fix, "%s", f->fact);
		else
			pt_judge_say(j, f->verdict == PT_OK ? PT_NOTE : f->verdict, "nested", f->where, f->fix, "%s",
				     f->fact);
	}
}

static void tell_flags(struct pt_judge *j, const struct pt_cpu_look *look, const struct pt_cpu_def *want)
{
	PT_AUTO(pt_cpu_given) before = { 0 };
	PT_AUTO(pt_cpu_given) after = { 0 };
	PT_AUTO(pt_strv) gains = { 0 };
	PT_AUTO(pt_strv) losses = { 0 };
	pt_autofree char *gained = NULL;
	pt_autofree char *lost = NULL;

	pt_cpu_given_of(look, &pt_cpu_look_now(look)->cpu, &before);
	pt_cpu_given_of(look, want, &after);
	if (!before.known || !after.known) {
		pt_judge_say(j, PT_UNKNOWN, "flags", NULL, NULL, "which flags come and go: %s",
			     before.known ? after.why_not : before.why_not);
		return;
	}
	pt_cpu_flags_missing(&after.flags, &before.flags, &gains);
	pt_cpu_flags_missing(&before.flags, &after.flags, &losses);
	put_first(&gains, look->host.virt);
	put_first(&losses, look->host.virt);
	gained = some(&gains);
	lost = some(&losses);
	pt_judge_say(j, losses.n ? PT_WARN : PT_NOTE, "flags", NULL, NULL,
		     "%zu flags instead of %zu: gains %zu (%s), loses %zu (%s)", after.flags.n, before.flags.n, gains.n,
		     gained, losses.n, lost);
}

static void tell_dropped(struct pt_judge *j, const struct pt_cpu_def *want)
{
	PT_AUTO(pt_strv) dropped = { 0 };
	PT_AUTO(pt_strv) hidden = { 0 };
	pt_autofree char *names = NULL;
	pt_autofree char *kept = NULL;

	for (size_t i = 0; i < j->vm->cpu.features.n; i++) {
		const struct pt_cpu_feature *f = &j->vm->cpu.features.v[i];

		if (!pt_cpu_def_feature(want, f->name))
			pt_strv_add(&dropped, f->name);
		else if (takes_away(pt_cpu_def_feature(want, f->name)))
			pt_strv_add(&hidden, f->name);
	}
	names = some(&dropped);
	kept = some(&hidden);
	if (dropped.n)
		pt_judge_say(j, PT_NOTE, "features", NULL, NULL,
			     "what the definition adds to the old model goes with it: %s", names);
	if (hidden.n)
		pt_judge_say(j, PT_NOTE, "hidden", NULL, NULL,
			     "what the definition hides from the guest stays hidden: %s", kept);
}

static void tell_price(struct pt_judge *j, const struct pt_cpu_look *look, const struct pt_cpu_request *request,
		       const struct pt_cpu_def *want)
{
	const char *virt = look->host.virt;
	pt_autofree char *fix = NULL;

	if (want->mode == PT_CPU_MODE_HOST_PASSTHROUGH) {
		if (virt && !request->nested && look->vm.cpu.mode == PT_CPU_MODE_CUSTOM &&
		    look->host.nested == PT_KNOWN_YES)
			fix = pt_strf("if it is %s that is wanted: `passthru cpu %s --nested` adds just that to %s, "
				      "which more "
				      "hosts can run",
				      virt, pt_shell(look->vm.name).s, look->vm.cpu.model);
		pt_judge_say(j, PT_NOTE, "migration", NULL, fix,
			     "with host-passthrough %s can migrate only to hosts whose processors have all flags of "
			     "this one",
			     look->vm.name);
	} else if (request->nested && virt) {
		pt_autofree char *name = title(want);

		pt_judge_say(j, PT_NOTE, "portable", NULL, NULL,
			     "%s gets just %s more, the least that guests in the guest need: where that is enough, "
			     "host-passthrough, which ties %s to hosts like this one, is not needed",
			     name, virt, look->vm.name);
	}
}

static void summarize(struct pt_plan *plan, const struct pt_cpu_look *look, const struct pt_cpu_request *request,
		      const struct pt_cpu_def *want)
{
	pt_autofree char *name = title(want);

	plan->verb = pt_strdup("cpu");
	plan->summary = pt_strf("give %s the processor %s%s%s", look->vm.name, name,
				request->nested && look->host.virt ? " with " : "",
				request->nested && look->host.virt ? look->host.virt : "");
}

static void add_steps(struct pt_judge *j, struct pt_cpu_def *want)
{
	struct pt_step *define;

	pt_judge_stop(j);
	define = pt_judge_vm_step(j, PT_STEP_VM_DEFINE);
	define->edit.has_cpu = true;
	pt_cpu_def_copy(&define->edit.cpu, want);
	pt_judge_start(j);
}

/* libvirt runs host-model as the model that it stands for */
static bool runs_as(const struct pt_cpu_def *live, const struct pt_cpu_def *want)
{
	if (want->mode == PT_CPU_MODE_HOST_MODEL)
		return live->mode == PT_CPU_MODE_CUSTOM || live->mode == PT_CPU_MODE_HOST_MODEL;
	return want->mode == live->mode && (want->mode != PT_CPU_MODE_CUSTOM || pt_streq(want->model, live->model));
}

/* libvirt adds features to what runs, but those that the definition names it keeps, as they are or turned off */
static bool runs_with(const struct pt_cpu_look *look, const struct pt_cpu_def *want)
{
	const struct pt_cpu_def *live = &look->live.cpu;
	PT_AUTO(pt_cpu_given) now = { 0 };
	PT_AUTO(pt_cpu_given) then = { 0 };
	const char *virt = look->host.virt;

	/* QEMU's own choice is spelt out in what runs */
	if (want->mode == PT_CPU_MODE_NONE)
		return true;
	if (!runs_as(live, want) ||
	    (want->migratable && live->migratable && !pt_streq(want->migratable, live->migratable)))
		return false;
	for (size_t i = 0; i < want->features.n; i++) {
		const char *policy = pt_cpu_def_feature(live, want->features.v[i].name);
		bool asked = pt_streq(want->features.v[i].policy, "require") ||
			     pt_streq(want->features.v[i].policy, "force");

		if ((asked && (!policy || takes_away(policy))) ||
		    (takes_away(want->features.v[i].policy) && !takes_away(policy)))
			return false;
	}
	pt_cpu_given_of(look, live, &now);
	pt_cpu_given_of(look, want, &then);
	return !virt || !now.known || !then.known || pt_strv_has(&now.flags, virt) == pt_strv_has(&then.flags, virt);
}

/* nothing to define; @return: nothing to do at all */
static bool so_already(struct pt_judge *j, const struct pt_cpu_look *look, const struct pt_cpu_request *request,
		       const struct pt_cpu_def *want)
{
	pt_autofree char *have = title(&look->live.cpu);

	if (!look->running || runs_with(look, want)) {
		pt_judge_say(j, PT_NOTE, "so-already", NULL, NULL, "the definition of %s says so already",
			     look->vm.name);
		return true;
	}
	pt_judge_say(j, request->restart ? PT_NOTE : PT_WARN, "so-already", NULL,
		     request->restart ? NULL : "--restart shuts it down and starts it again",
		     "the definition of %s says so already, but it runs with %s of other flags or another model: it "
		     "takes effect at the next start",
		     look->vm.name, have);
	return !request->restart;
}

int pt_decide_cpu(const struct pt_cpu_look *look, const struct pt_cpu_request *request, struct pt_plan *ret_plan,
		  struct pt_error *err)
{
	const struct pt_attach_request timing = { .start = request->start,
						  .stop_timeout_ms = request->stop_timeout_ms };
	const struct pt_domains nobody = { 0 };
	const struct pt_host host = { 0 };
	PT_AUTO(pt_cpu_def) want = { 0 };
	PT_AUTO(pt_judge)
	j = { .host = &host, .vm = &look->vm, .others = &nobody, .request = &timing, .plan = ret_plan };
	int r;

	*ret_plan = (struct pt_plan){ 0 };
	pt_cpu_wanted(look, request, &want);
	summarize(ret_plan, look, request, &want);
	if (request->nested && !want.model && (want.mode == PT_CPU_MODE_CUSTOM || want.mode == PT_CPU_MODE_NONE)) {
		r = pt_usage(err, -EINVAL, "%s names no processor model, and libvirt takes no flag without one",
			     look->vm.name);
		pt_hint(err, "name one with it: `passthru cpu %s MODEL --nested`, or host-model",
			pt_shell(look->vm.name).s);
		return r;
	}
	if (want.mode == PT_CPU_MODE_CUSTOM) {
		r = check_model(look, want.model, err);
		if (r < 0)
			return r;
	}
	judge_nested(&j, look, request);
	if (pt_cpu_def_same(&want, &look->vm.cpu)) {
		if (so_already(&j, look, request, &want))
			return pt_judge_verdict(&j, err);
		pt_judge_vm_state(&j);
		pt_judge_stop(&j);
		pt_judge_start(&j);
		return pt_judge_verdict(&j, err);
	}
	pt_judge_vm_state(&j);
	pt_judge_running(&j, request->restart,
			 "its guest has read its processor's flags when it booted, and they cannot change under it");
	judge_mode(&j, look, &want);
	judge_cache(&j, &want);
	tell_flags(&j, look, &want);
	tell_dropped(&j, &want);
	tell_price(&j, look, request, &want);
	add_steps(&j, &want);
	return pt_judge_verdict(&j, err);
}

static void prove_flag(const struct pt_cpu_look *look, const struct pt_cpu_def *wanted, const struct pt_cpu_host *guest,
		       const char *silent, struct pt_findings *l)
{
	PT_AUTO(pt_cpu_given) want = { 0 };
	const char *virt = look->host.virt;

	pt_cpu_given_of(look, wanted, &want);
	if (!guest) {
		pt_findings_add(l, PT_UNKNOWN, "guest-flags", NULL, NULL, "what the guest itself sees is not known: %s",
				silent ? silent : "it was not asked");
		return;
	}
	pt_findings_add(l, PT_OK, "guest-flags", "/proc/cpuinfo of the guest", NULL, "the guest counts %zu flags",
			guest->flags.n);
	if (!virt || !want.known || !pt_strv_has(&want.flags, virt))
		return;
	if (guest->virt)
		pt_findings_add(l, PT_OK, "guest-nested", "/proc/cpuinfo of the guest", NULL, "the guest has %s",
				guest->virt);
	else
		pt_findings_add(l, PT_FAIL, "guest-nested", "/proc/cpuinfo of the guest", NULL,
				"the guest has no %s, though the definition gives it", virt);
}

void pt_decide_cpu_proof(const struct pt_cpu_look *look, const struct pt_cpu_def *wanted,
			 const struct pt_cpu_host *guest, const char *silent, struct pt_findings *ret_findings)
{
	PT_AUTO(pt_cpu_given) now = { 0 };
	pt_autofree char *want = title(wanted);
	pt_autofree char *have = title(&look->live.cpu);
	bool fits = runs_as(&look->live.cpu, wanted);

	if (!look->running) {
		pt_findings_add(ret_findings, PT_FAIL, "live-definition", NULL, NULL, "%s does not run", look->vm.name);
		return;
	}
	pt_cpu_given_of(look, &look->live.cpu, &now);
	if (!fits)
		pt_findings_add(ret_findings, PT_FAIL, "live-definition", NULL, NULL, "%s runs with %s instead of %s",
				look->vm.name, have, want);
	else if (now.known)
		pt_findings_add(ret_findings, PT_OK, "live-definition", NULL, NULL, "%s runs with %s: %zu flags",
				look->vm.name, have, now.flags.n);
	else
		pt_findings_add(ret_findings, PT_OK, "live-definition", NULL, NULL, "%s runs with %s", look->vm.name,
				have);
	prove_flag(look, wanted, guest, silent, ret_findings);
}
