/* SPDX-License-Identifier: Apache-2.0 */
/* Processors: read, edited, judged.  Documents of libvirt are as an emulated server's libvirt 11.3 wrote them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "decide/cpu.h"
#include "decide/cpuflags.h"
#include "domains.h"
#include "domxml/cpu.h"
#include "domxml/domxml.h"
#include "host/cpu.h"
#include "shape/plan.h"
#include "tree.h"

static char *data(const char *name)
{
	pt_autofree char *path = pt_strf("cpu/%s", name);
	pt_autoclose int fd = open(getenv("PT_TEST_DATA"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *text = NULL;

	if (pt_file_read(fd, path, 1 << 20, &text, NULL) < 0)
		fail_msg("cannot read %s", path);
	return text;
}

static void parse(const char *name, struct pt_cpu_host *h)
{
	pt_autofree char *text = data(name);

	pt_cpuinfo_parse(text, h);
}

/* the three lists of the story, as it prints them; the first has 109 words there, though its author counts 110 */
static void the_storys_flags_are_counted(void **state)
{
	static const struct {
		const char *name;
		size_t n;
		const char *virt;
	} rows[] = {
		{ "seed-host.cpuinfo", 109, "vmx" },
		{ "seed-vm.cpuinfo", 75, NULL },
		{ "seed-vm-passthrough.cpuinfo", 84, "vmx" },
	};

	for (size_t i = 0; i < 3; i++) {
		PT_AUTO(pt_cpu_host) h = { 0 };

		parse(rows[i].name, &h);
		assert_int_equal(h.flags.n, rows[i].n);
		assert_true(h.virt ? pt_streq(h.virt, rows[i].virt) : !rows[i].virt);
		assert_string_equal(h.vendor, "GenuineIntel");
		assert_int_equal(h.family, 6);
		assert_int_equal(h.number, 79);
		assert_int_equal(h.stepping, 1);
		assert_string_equal(h.microcode, "0xb00002e");
	}
}

static void every_flag_is_in_one_group(void **state)
{
	PT_AUTO(pt_cpu_host) h = { 0 };
	PT_AUTO(pt_cpu_flag_groups) g = { 0 };
	size_t n = 0;

	parse("seed-host.cpuinfo", &h);
	pt_cpu_flags_group(&h.flags, &g);
	for (size_t i = 0; i < g.n; i++)
		n += g.v[i].flags.n;
	assert_int_equal(n, h.flags.n);
	assert_string_equal(g.v[0].name, "virtualisation");
	assert_true(pt_strv_has(&g.v[0].flags, "vmx"));
	assert_true(pt_strv_has(&g.v[0].flags, "ept"));
}

static void processors_that_differ_are_counted(void **state)
{
	PT_AUTO(pt_cpu_host) h = { 0 };

	pt_cpuinfo_parse(
		"processor\t: 0\nmicrocode\t: 0x1\nflags\t: a b\n\nprocessor\t: 1\nmicrocode\t: 0x1\nflags\t: a\n\n"
		"processor\t: 2\nmicrocode\t: 0x2\nflags\t: a b\n\nprocessor\t: 3\nmicrocode\t: 0x1\nflags\t: a b\n",
		&h);
	assert_int_equal(h.count, 4);
	assert_int_equal(h.unlike, 2);
	assert_int_equal(h.flags.n, 2);
}

static void an_arm_processors_features_are_its_flags(void **state)
{
	PT_AUTO(pt_cpu_host) h = { 0 };
	PT_AUTO(pt_cpu_host) whole = { 0 };

	pt_cpuinfo_parse("processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd aes \nCPU implementer\t: 0x41\n", &h);
	assert_int_equal(h.flags.n, 3);
	assert_null(h.virt);
	assert_null(h.vendor);
	assert_null(h.model);
	assert_int_equal(h.family, -1);
	pt_cpuinfo_parse(
		"processor\t: 0\nFeatures\t: fp\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x3\n"
		"CPU part\t: 0xd0c\nCPU revision\t: 1\n\nprocessor\t: 1\nCPU part\t: 0xd0d\n",
		&whole);
	assert_string_equal(whole.model, "Arm, implementer 0x41, part 0xd0c, variant 0x3, revision 1");
}

static void hostile_text_is_no_processor(void **state)
{
	static const char *const texts[] = {
		"", "\n\n\n", "flags", "flags\t:", "processor", ":::", "cpu family\t: -4\n"
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		PT_AUTO(pt_cpu_host) h = { 0 };

		pt_cpuinfo_parse(texts[i], &h);
		assert_int_equal(h.flags.n, 0);
		assert_int_equal(h.family, -1);
	}
}

static void nested_virtualisation_is_the_modules_word(void **state)
{
	static const struct {
		const char *word;
		enum pt_known nested;
	} rows[] = { { "1\n", PT_KNOWN_YES },
		     { "Y\n", PT_KNOWN_YES },
		     { "0\n", PT_KNOWN_NO },
		     { "N\n", PT_KNOWN_NO },
		     { "?\n", PT_KNOWN_UNKNOWN } };
	struct tree *t = tree_new();

	tree_file(t, "proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t: svm\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		PT_AUTO(pt_cpu_host) h = { 0 };

		tree_file(t, "sys/module/kvm_amd/parameters/nested", rows[i].word);
		assert_int_equal(pt_cpu_host_read(&t->root, &h, NULL), 0);
		assert_int_equal(h.nested, rows[i].nested);
		assert_string_equal(h.module, "kvm_amd");
		assert_true(h.loaded);
	}
	tree_free(t);
}

static void libvirts_offer_is_read(void **state)
{
	pt_autofree char *xml = data("domcaps.xml");
	PT_AUTO(pt_cpu_caps) c = { 0 };
	const struct pt_cpu_model *m;

	assert_int_equal(pt_domxml_read_cpu_caps(xml, &c, NULL), 0);
	assert_true(c.passthrough);
	assert_true(c.host_model_ok);
	assert_string_equal(c.host_model.model, "EPYC");
	assert_int_equal(c.host_model.mode, PT_CPU_MODE_CUSTOM);
	assert_string_equal(pt_cpu_def_feature(&c.host_model, "monitor"), "disable");
	m = pt_cpu_caps_model(&c, "qemu64");
	assert_non_null(m);
	assert_int_equal(m->usable, PT_KNOWN_YES);
	m = pt_cpu_caps_model(&c, "Broadwell");
	assert_non_null(m);
	assert_int_equal(m->usable, PT_KNOWN_NO);
	assert_true(pt_strv_has(&m->blockers, "pcid"));
	assert_null(pt_cpu_caps_model(&c, "Nonsense"));
}

static void another_document_is_refused_by_name(void **state)
{
	PT_AUTO(pt_cpu_caps) c = { 0 };
	struct pt_error err = { 0 };

	assert_int_equal(pt_domxml_read_cpu_caps("<domain/>", &c, &err), -EBADMSG);
	assert_string_equal(err.msg, "this is no domainCapabilities XML: its outermost element is <domain>, not "
				     "<domainCapabilities>");
}

/* --- edits --- */

static char *edited(const char *before, const struct pt_cpu_def *def)
{
	struct pt_domain_edit e = { .has_cpu = true, .cpu = *def };
	struct pt_error err = { 0 };
	char *after = NULL;

	if (pt_domxml_edit(before, &e, &after, &err) < 0)
		fail_msg("%s", err.msg);
	return after;
}

#define HEAD "<domain type='kvm'>\n  <name>a</name>\n"
#define TAIL "  <clock offset='utc'/>\n  <devices/>\n</domain>\n"

static char none[] = "none";
static char on[] = "on";
static char exact[] = "exact";
static char odd[] = "A<&B";

static const struct pt_cpu_def passthrough = { .mode = PT_CPU_MODE_HOST_PASSTHROUGH, .check = none, .migratable = on };

static void a_model_becomes_passthrough_and_all_else_of_cpu_stays(void **state)
{
	pt_autofree char *after = edited(
		HEAD
		"  <cpu mode='custom' match='exact' check='partial' deprecated_features='off'>\n"
		"    <model fallback='forbid'>EPYC</model>\n    <vendor>AMD</vendor>\n"
		"    <topology sockets='1'  dies=\"1\" cores='2' threads='1'/>\n"
		"    <feature policy='require' name='svm'/>\n    <numa>\n      <cell id='0' cpus='0-1'/>\n    </numa>\n"
		"  </cpu>\n" TAIL,
		&passthrough);

	assert_string_equal(after, HEAD "  <cpu mode='host-passthrough' check='none' migratable='on' "
					"deprecated_features='off'>\n"
					"    <topology sockets='1'  dies=\"1\" cores='2' threads='1'/>\n"
					"    <numa>\n      <cell id='0' cpus='0-1'/>\n    </numa>\n  </cpu>\n" TAIL);
}

static void a_cpu_of_which_nothing_stays_is_one_element(void **state)
{
	pt_autofree char *after =
		edited(HEAD "  <cpu mode='custom'>\n    <model>qemu64</model>\n  </cpu>\n" TAIL, &passthrough);

	assert_string_equal(after, HEAD "  <cpu mode='host-passthrough' check='none' migratable='on'/>\n" TAIL);
}

static void a_definition_without_cpu_gets_one_where_libvirt_writes_it(void **state)
{
	pt_autofree char *after = edited(HEAD TAIL, &passthrough);
	pt_autofree char *bare = edited("<domain><name>a</name></domain>", &passthrough);

	assert_string_equal(after, HEAD "  <cpu mode='host-passthrough' check='none' migratable='on'/>\n" TAIL);
	assert_string_equal(bare, "<domain><name>a</name><cpu mode='host-passthrough' check='none' migratable='on'/>"
				  "</domain>");
}

static void passthrough_becomes_a_model_with_features(void **state)
{
	struct pt_cpu_def def = { .mode = PT_CPU_MODE_CUSTOM, .match = exact, .model = odd };
	pt_autofree char *after = NULL;
	pt_autofree char *kept = NULL;
	PT_AUTO(pt_domain) d = { 0 };

	pt_cpu_def_set_feature(&def, "svm", "require");
	after = edited(HEAD "  <cpu mode='host-passthrough'/>\n" TAIL, &def);
	assert_string_equal(after, HEAD "  <cpu mode='custom' match='exact'>\n    <model>A&lt;&amp;B</model>\n"
					"    <feature policy='require' name='svm'/>\n  </cpu>\n" TAIL);
	assert_int_equal(pt_domxml_read(after, &d, NULL), 0);
	assert_true(pt_cpu_def_same(&d.cpu, &def));
	kept = edited(HEAD "  <cpu mode='host-passthrough'>\n    <cache level='3' mode='emulate'/>\n  </cpu>\n" TAIL,
		      &def);
	assert_string_equal(kept,
			    HEAD "  <cpu mode='custom' match='exact'>\n    <model>A&lt;&amp;B</model>\n"
				 "    <feature policy='require' name='svm'/>\n    <cache level='3' mode='emulate'/>\n"
				 "  </cpu>\n" TAIL);
	free(def.features.v[0].name);
	free(def.features.v[0].policy);
	free(def.features.v);
}

static void a_model_that_has_attributes_only_stays(void **state)
{
	PT_AUTO(pt_domain) d = { 0 };
	PT_AUTO(pt_domain) again = { 0 };
	pt_autofree char *after = NULL;

	assert_int_equal(pt_domxml_read(HEAD
					"  <cpu mode='host-model'>\n    <model fallback='allow'/>\n  </cpu>\n" TAIL,
					&d, NULL),
			 0);
	pt_cpu_def_set_feature(&d.cpu, "svm", "require");
	after = edited(HEAD "  <cpu mode='host-model'>\n    <model fallback='allow'/>\n  </cpu>\n" TAIL, &d.cpu);
	assert_string_equal(after, HEAD "  <cpu mode='host-model'>\n    <model fallback='allow'/>\n"
					"    <feature policy='require' name='svm'/>\n  </cpu>\n" TAIL);
	assert_int_equal(pt_domxml_read(after, &again, NULL), 0);
	assert_true(pt_cpu_def_same(&again.cpu, &d.cpu));
}

static void every_definition_can_be_edited_and_read_again(void **state)
{
	PT_AUTO(pt_strv) names = { 0 };

	domains_names(&names);
	for (size_t i = 0; i < names.n; i++) {
		pt_autofree char *before = domains_text(names.v[i]);
		pt_autofree char *after = edited(before, &passthrough);
		PT_AUTO(pt_domain) d = { 0 };

		assert_int_equal(pt_domxml_read(after, &d, NULL), 0);
		assert_true(pt_cpu_def_same(&d.cpu, &passthrough));
	}
}

static void a_step_with_a_processor_survives_the_journal(void **state)
{
	PT_AUTO(pt_step) step = { .kind = PT_STEP_VM_DEFINE };
	PT_AUTO(pt_step) again = { 0 };
	pt_autofree char *text = NULL;

	step.vm = pt_strdup("a");
	step.vm_uuid = pt_strdup("b");
	step.edit.has_cpu = true;
	step.edit.cpu.mode = PT_CPU_MODE_CUSTOM;
	step.edit.cpu.model = pt_strdup("EPYC");
	pt_cpu_def_set_feature(&step.edit.cpu, "svm", "require");
	text = pt_step_to_text(&step, NULL);
	assert_int_equal(pt_step_from_text(text, &again, NULL), 0);
	assert_true(again.edit.has_cpu);
	assert_true(pt_cpu_def_same(&again.edit.cpu, &step.edit.cpu));
}

/* --- decisions --- */

static void expand(const char *name, struct pt_strv *flags)
{
	pt_autofree char *xml = data(name);
	PT_AUTO(pt_cpu_def) def = { 0 };

	assert_int_equal(pt_domxml_read_cpu(xml, &def, NULL), 0);
	pt_cpu_def_apply(&def, flags);
	pt_strv_sort(flags);
}

/* an AMD host whose libvirt offers what the emulated server's does, and a VM with qemu64 */
static int setup(void **state)
{
	struct pt_cpu_look *l = pt_alloc(sizeof(*l));
	pt_autofree char *caps = data("domcaps.xml");
	struct pt_cpu_model_flags *m = pt_array_add(&l->models);

	pt_cpuinfo_parse("processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t: fpu svm npt\n", &l->host);
	l->host.module = "kvm_amd";
	l->host.loaded = true;
	l->host.nested = PT_KNOWN_YES;
	assert_int_equal(pt_domxml_read_cpu_caps(caps, &l->caps, NULL), 0);
	expand("host-model-expanded.xml", &l->host_model.flags);
	m->model = pt_strdup("qemu64");
	expand("qemu64-expanded.xml", &m->flags);
	l->vm.name = pt_strdup("vm");
	l->vm.uuid = pt_strdup("6695eb01-f6a4-8304-79aa-97f2502e193f");
	l->vm.type = pt_strdup("kvm");
	l->vm.persistent = true;
	l->vm.cpu.mode = PT_CPU_MODE_CUSTOM;
	l->vm.cpu.match = pt_strdup("exact");
	l->vm.cpu.check = pt_strdup("none");
	l->vm.cpu.fallback = pt_strdup("forbid");
	l->vm.cpu.model = pt_strdup("qemu64");
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	pt_cpu_look_done(*state);
	free(*state);
	return 0;
}

static int decide(struct pt_cpu_look *l, const struct pt_cpu_request *request, struct pt_plan *plan,
		  struct pt_error *err)
{
	return pt_decide_cpu(l, request, plan, err);
}

static const char *fact(const struct pt_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->findings.n; i++)
		if (pt_streq(plan->findings.v[i].name, name))
			return plan->findings.v[i].fact;
	return "";
}

/* libvirt counts svm to qemu64, QEMU leaves it out of every named model unless it is named */
static void a_named_model_has_no_svm_unless_it_is_named(void **state)
{
	struct pt_cpu_look *l = *state;
	PT_AUTO(pt_cpu_given) plain = { 0 };
	PT_AUTO(pt_cpu_given) nested = { 0 };
	PT_AUTO(pt_cpu_given) host_model = { 0 };
	PT_AUTO(pt_cpu_given) whole = { 0 };

	pt_cpu_given_of(l, &l->vm.cpu, &plain);
	assert_true(plain.known);
	assert_false(pt_strv_has(&plain.flags, "svm"));
	assert_true(pt_strv_has(&plain.flags, "hypervisor"));
	assert_true(pt_strv_has(&plain.flags, "x2apic"));
	pt_cpu_def_set_feature(&l->vm.cpu, "svm", "require");
	pt_cpu_given_of(l, &l->vm.cpu, &nested);
	assert_true(pt_strv_has(&nested.flags, "svm"));
	assert_int_equal(nested.flags.n, plain.flags.n + 1);
	pt_cpu_given_of(l, &(struct pt_cpu_def){ .mode = PT_CPU_MODE_HOST_MODEL }, &host_model);
	assert_false(pt_strv_has(&host_model.flags, "svm"));
	assert_false(pt_strv_has(&host_model.flags, "npt"));
	pt_cpu_given_of(l, &passthrough, &whole);
	assert_true(pt_strv_has(&whole.flags, "svm"));
	assert_true(whole.flags.n > host_model.flags.n);
	assert_true(host_model.flags.n > plain.flags.n);
}

/* seen with libvirt 11.3 and QEMU 10.0: EPYC, which host-model became, ran with npt */
static void an_emulated_vm_has_the_svm_that_libvirt_lists(void **state)
{
	struct pt_cpu_look *l = *state;
	PT_AUTO(pt_cpu_given) host_model = { 0 };

	pt_strset(&l->vm.type, "qemu");
	pt_cpu_given_of(l, &(struct pt_cpu_def){ .mode = PT_CPU_MODE_HOST_MODEL }, &host_model);
	assert_true(pt_strv_has(&host_model.flags, "svm"));
	assert_true(pt_strv_has(&host_model.flags, "npt"));
}

/* a baseline of hosts that can nest asks for npt; without svm by name such a VM does not start */
static void a_baseline_names_the_svm_that_qemu_leaves_out(void **state)
{
	struct pt_cpu_look *l = *state;
	PT_AUTO(pt_strv) flags = { 0 };
	PT_AUTO(pt_cpu_def) def = { .mode = PT_CPU_MODE_CUSTOM, .model = pt_strdup("EPYC") };
	PT_AUTO(pt_cpu_def) want = { 0 };

	pt_strv_add(&flags, "npt");
	pt_cpu_spell_out(&def, &flags);
	assert_null(pt_cpu_def_feature(&def, "svm"));
	pt_strv_add(&flags, "svm");
	pt_cpu_spell_out(&def, &flags);
	assert_string_equal(pt_cpu_def_feature(&def, "svm"), "require");
	pt_cpu_def_set_feature(&def, "svm", "disable");
	pt_cpu_spell_out(&def, &flags);
	assert_string_equal(pt_cpu_def_feature(&def, "svm"), "disable");
	pt_cpu_wanted(l, &(struct pt_cpu_request){ .mode = PT_CPU_MODE_CUSTOM, .baseline = &def }, &want);
	assert_string_equal(want.check, "partial");
	assert_string_equal(want.match, "exact");
}

static void passthrough_for_a_vm_that_is_off_is_one_step(void **state)
{
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };

	assert_int_equal(decide(*state, &(struct pt_cpu_request){ .mode = PT_CPU_MODE_HOST_PASSTHROUGH }, &plan, &err),
			 0);
	assert_int_equal(plan.steps.n, 1);
	assert_int_equal(plan.steps.v[0].kind, PT_STEP_VM_DEFINE);
	assert_int_equal(plan.steps.v[0].edit.cpu.mode, PT_CPU_MODE_HOST_PASSTHROUGH);
	assert_null(plan.steps.v[0].edit.cpu.model);
	assert_string_equal(plan.summary, "give vm the processor host-passthrough");
	assert_non_null(strstr(fact(&plan, "flags"), "svm"));
	assert_non_null(strstr(fact(&plan, "migration"), "only to hosts whose processors have all flags"));
}

static void a_running_vm_is_refused_with_the_reason_and_the_way_out(void **state)
{
	struct pt_cpu_look *l = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };

	l->vm.state = PT_DOMAIN_RUNNING;
	assert_int_equal(decide(l, &(struct pt_cpu_request){ .mode = PT_CPU_MODE_HOST_PASSTHROUGH }, &plan, &err),
			 -EPERM);
	assert_int_equal(err.kind, PT_ERROR_REFUSED);
	assert_non_null(strstr(err.msg, "VM vm is running"));
	assert_non_null(strstr(err.hint, "--restart"));
}

static void restart_stops_it_changes_it_and_starts_it(void **state)
{
	static const enum pt_step_kind want[] = { PT_STEP_VM_STOP, PT_STEP_VM_DEFINE, PT_STEP_VM_START };
	struct pt_cpu_look *l = *state;
	PT_AUTO(pt_plan) plan = { 0 };

	l->vm.state = PT_DOMAIN_RUNNING;
	assert_int_equal(decide(l,
				&(struct pt_cpu_request){ .mode = PT_CPU_MODE_HOST_PASSTHROUGH,
							  .restart = true,
							  .stop_timeout_ms = 7000 },
				&plan, NULL),
			 0);
	assert_int_equal(plan.steps.n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(plan.steps.v[i].kind, want[i]);
	assert_int_equal(plan.steps.v[0].timeout_ms, 7000);
}

static void nested_adds_one_flag_and_leaves_the_model(void **state)
{
	PT_AUTO(pt_plan) plan = { 0 };
	const struct pt_cpu_def *d;

	assert_int_equal(decide(*state, &(struct pt_cpu_request){ .nested = true }, &plan, NULL), 0);
	assert_int_equal(plan.steps.n, 1);
	d = &plan.steps.v[0].edit.cpu;
	assert_string_equal(d->model, "qemu64");
	assert_string_equal(d->check, "none");
	assert_int_equal(d->features.n, 1);
	assert_string_equal(pt_cpu_def_feature(d, "svm"), "require");
	assert_non_null(strstr(fact(&plan, "flags"), "gains 1 (svm), loses 0"));
	assert_non_null(strstr(fact(&plan, "portable"), "host-passthrough"));
}

/* libvirt takes no <feature> without a <model>: the VM would be shut down for nothing */
static void nested_needs_a_model_to_be_added_to(void **state)
{
	struct pt_cpu_look *l = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };

	pt_cpu_def_done(&l->vm.cpu);
	assert_int_equal(decide(l, &(struct pt_cpu_request){ .nested = true }, &plan, &err), -EINVAL);
	assert_int_equal(err.kind, PT_ERROR_USAGE);
	assert_non_null(strstr(err.msg, "vm names no processor model"));
	assert_non_null(strstr(err.hint, "passthru cpu vm MODEL --nested"));
}

static void nested_is_refused_where_the_host_has_it_off(void **state)
{
	struct pt_cpu_look *l = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };

	l->host.nested = PT_KNOWN_NO;
	assert_int_equal(decide(l, &(struct pt_cpu_request){ .nested = true }, &plan, &err), -EPERM);
	assert_non_null(strstr(err.msg, "nested virtualisation is off in kvm_amd"));
	assert_non_null(strstr(err.hint, "modprobe kvm_amd nested=1"));
}

static void a_flag_that_was_hidden_stays_hidden_and_one_that_was_added_goes(void **state)
{
	struct pt_cpu_look *l = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	const struct pt_cpu_def *d;

	pt_cpu_def_set_feature(&l->vm.cpu, "hypervisor", "disable");
	pt_cpu_def_set_feature(&l->vm.cpu, "aes", "require");
	assert_int_equal(decide(l, &(struct pt_cpu_request){ .mode = PT_CPU_MODE_HOST_PASSTHROUGH }, &plan, NULL), 0);
	d = &plan.steps.v[0].edit.cpu;
	assert_int_equal(d->features.n, 1);
	assert_string_equal(pt_cpu_def_feature(d, "hypervisor"), "disable");
	assert_non_null(strstr(fact(&plan, "features"), "aes"));
	assert_non_null(strstr(fact(&plan, "hidden"), "hypervisor"));
}

static void what_is_so_already_is_no_change(void **state)
{
	struct pt_cpu_look *l = *state;
	PT_AUTO(pt_plan) plan = { 0 };

	l->vm.state = PT_DOMAIN_RUNNING;
	assert_int_equal(
		decide(l, &(struct pt_cpu_request){ .mode = PT_CPU_MODE_CUSTOM, .model = "qemu64" }, &plan, NULL), 0);
	assert_int_equal(plan.steps.n, 0);
	assert_non_null(strstr(fact(&plan, "so-already"), "says so already"));
}

/* the definition was changed while it ran, by hand or by us: the guest has the old processor until it starts anew */
static void what_is_so_already_but_not_yet_for_the_guest_is_told_or_done(void **state)
{
	struct pt_cpu_look *l = *state;
	struct pt_cpu_request request = { .mode = PT_CPU_MODE_CUSTOM, .model = "qemu64" };
	PT_AUTO(pt_plan) same = { 0 };
	PT_AUTO(pt_plan) told = { 0 };
	PT_AUTO(pt_plan) done = { 0 };

	l->vm.state = PT_DOMAIN_RUNNING;
	l->running = true;
	pt_cpu_def_copy(&l->live.cpu, &l->vm.cpu);
	/* as libvirt spells out what QEMU made of it */
	pt_cpu_def_set_feature(&l->live.cpu, "svm", "disable");
	pt_cpu_def_set_feature(&l->live.cpu, "x2apic", "require");
	assert_int_equal(decide(l, &request, &same, NULL), 0);
	assert_int_equal(same.steps.n, 0);
	assert_int_equal(pt_findings_worst(&same.findings), PT_NOTE);
	pt_cpu_def_set_feature(&l->live.cpu, "svm", "require");
	assert_int_equal(decide(l, &request, &told, NULL), 0);
	assert_int_equal(told.steps.n, 0);
	assert_int_equal(pt_findings_worst(&told.findings), PT_WARN);
	assert_non_null(strstr(fact(&told, "so-already"), "at the next start"));
	pt_cpu_def_done(&l->live.cpu);
	pt_cpu_def_copy(&l->live.cpu, &passthrough);
	request.restart = true;
	assert_int_equal(decide(l, &request, &done, NULL), 0);
	assert_int_equal(done.steps.n, 2);
	assert_int_equal(done.steps.v[0].kind, PT_STEP_VM_STOP);
	assert_int_equal(done.steps.v[1].kind, PT_STEP_VM_START);
}

static void an_unknown_model_is_a_usage_error_that_names_those_that_run(void **state)
{
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };

	assert_int_equal(
		decide(*state, &(struct pt_cpu_request){ .mode = PT_CPU_MODE_CUSTOM, .model = "EPYX" }, &plan, &err),
		-ENOENT);
	assert_int_equal(err.kind, PT_ERROR_USAGE);
	assert_non_null(strstr(err.hint, "qemu64"));
}

static void a_model_that_this_host_cannot_run_is_refused_by_flag(void **state)
{
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };

	assert_int_equal(decide(*state, &(struct pt_cpu_request){ .mode = PT_CPU_MODE_CUSTOM, .model = "Broadwell" },
				&plan, &err),
			 -EPERM);
	assert_non_null(strstr(err.msg, "cannot run Broadwell: its processor lacks erms, hle, invpcid"));
}

static void a_model_with_features_is_refused_by_what_they_do_not_take_away(void **state)
{
	struct pt_cpu_look *l = *state;
	const struct pt_cpu_model *m = pt_cpu_caps_model(&l->caps, "Broadwell");
	PT_AUTO(pt_cpu_def) def = { .mode = PT_CPU_MODE_CUSTOM, .model = pt_strdup("Broadwell") };
	struct pt_cpu_request request = { .mode = PT_CPU_MODE_CUSTOM, .baseline = &def };
	PT_AUTO(pt_plan) refused = { 0 };
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };

	/* one that has nothing to do with it must not switch the question off */
	pt_cpu_def_set_feature(&def, "hypervisor", "disable");
	for (size_t i = 0; i < m->blockers.n; i++)
		pt_cpu_def_set_feature(&def, m->blockers.v[i],
				       pt_streq(m->blockers.v[i], "pcid") ? "require" : "disable");
	assert_int_equal(decide(l, &request, &refused, &err), -EPERM);
	assert_non_null(strstr(err.msg, "cannot run Broadwell: its processor lacks pcid"));
	pt_cpu_def_set_feature(&def, "pcid", "disable");
	assert_int_equal(decide(l, &request, &plan, NULL), 0);
}

/* libvirt refuses it when it is defined, and the VM would be shut down by then */
static void a_cache_of_the_host_goes_with_the_hosts_processor_only(void **state)
{
	struct pt_cpu_look *l = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	PT_AUTO(pt_plan) stays = { 0 };
	struct pt_error err = { 0 };

	pt_domain_done(&l->vm);
	assert_int_equal(pt_domxml_read("<domain type='kvm'><name>vm</name><cpu mode='host-passthrough'>"
					"<cache mode='passthrough'/></cpu></domain>",
					&l->vm, NULL),
			 0);
	l->vm.uuid = pt_strdup("6695eb01-f6a4-8304-79aa-97f2502e193f");
	l->vm.persistent = true;
	assert_int_equal(
		decide(l, &(struct pt_cpu_request){ .mode = PT_CPU_MODE_HOST_MODEL, .restart = true }, &plan, &err),
		-EPERM);
	assert_non_null(strstr(err.msg, "<cache mode='passthrough'/>"));
	assert_non_null(strstr(err.hint, "virsh edit vm"));
	assert_int_equal(decide(l, &(struct pt_cpu_request){ .mode = PT_CPU_MODE_MAXIMUM }, &stays, NULL), 0);
}

static void a_vm_under_emulation_gets_no_passthrough(void **state)
{
	struct pt_cpu_look *l = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };

	l->caps.passthrough = false;
	pt_strset(&l->vm.type, "qemu");
	assert_int_equal(decide(l, &(struct pt_cpu_request){ .mode = PT_CPU_MODE_HOST_PASSTHROUGH }, &plan, &err),
			 -EPERM);
	assert_non_null(strstr(err.hint, "'kvm'"));
}

static void a_vm_with_a_saved_state_is_refused(void **state)
{
	struct pt_cpu_look *l = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };

	l->vm.managed_save = true;
	assert_int_equal(decide(l, &(struct pt_cpu_request){ .mode = PT_CPU_MODE_HOST_PASSTHROUGH }, &plan, &err),
			 -EPERM);
	assert_non_null(strstr(err.msg, "managed save"));
}

static enum pt_verdict proof(struct pt_cpu_look *l, const struct pt_cpu_def *want, const char *cpuinfo)
{
	PT_AUTO(pt_findings) found = { 0 };
	PT_AUTO(pt_cpu_host) guest = { 0 };

	if (cpuinfo)
		pt_cpuinfo_parse(cpuinfo, &guest);
	pt_decide_cpu_proof(l, want, cpuinfo ? &guest : NULL, NULL, &found);
	return pt_findings_worst(&found);
}

static void the_proof_is_the_guests_own_list(void **state)
{
	struct pt_cpu_look *l = *state;

	assert_int_equal(proof(l, &passthrough, NULL), PT_FAIL);
	l->running = true;
	pt_cpu_def_copy(&l->live.cpu, &l->vm.cpu);
	assert_int_equal(proof(l, &passthrough, "processor\t: 0\nflags\t: svm\n"), PT_FAIL);
	pt_cpu_def_done(&l->live.cpu);
	pt_cpu_def_copy(&l->live.cpu, &passthrough);
	assert_int_equal(proof(l, &passthrough, "processor\t: 0\nflags\t: svm\n"), PT_OK);
	assert_int_equal(proof(l, &passthrough, "processor\t: 0\nflags\t: fpu\n"), PT_FAIL);
	assert_int_equal(proof(l, &passthrough, NULL), PT_UNKNOWN);
}

#define DECISION(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_storys_flags_are_counted),
		cmocka_unit_test(every_flag_is_in_one_group),
		cmocka_unit_test(processors_that_differ_are_counted),
		cmocka_unit_test(an_arm_processors_features_are_its_flags),
		cmocka_unit_test(hostile_text_is_no_processor),
		cmocka_unit_test(nested_virtualisation_is_the_modules_word),
		cmocka_unit_test(libvirts_offer_is_read),
		cmocka_unit_test(another_document_is_refused_by_name),
		cmocka_unit_test(a_model_becomes_passthrough_and_all_else_of_cpu_stays),
		cmocka_unit_test(a_cpu_of_which_nothing_stays_is_one_element),
		cmocka_unit_test(a_definition_without_cpu_gets_one_where_libvirt_writes_it),
		cmocka_unit_test(passthrough_becomes_a_model_with_features),
		cmocka_unit_test(a_model_that_has_attributes_only_stays),
		cmocka_unit_test(every_definition_can_be_edited_and_read_again),
		cmocka_unit_test(a_step_with_a_processor_survives_the_journal),
		DECISION(a_named_model_has_no_svm_unless_it_is_named),
		DECISION(an_emulated_vm_has_the_svm_that_libvirt_lists),
		DECISION(a_baseline_names_the_svm_that_qemu_leaves_out),
		DECISION(passthrough_for_a_vm_that_is_off_is_one_step),
		DECISION(a_running_vm_is_refused_with_the_reason_and_the_way_out),
		DECISION(restart_stops_it_changes_it_and_starts_it),
		DECISION(nested_adds_one_flag_and_leaves_the_model),
		DECISION(nested_needs_a_model_to_be_added_to),
		DECISION(nested_is_refused_where_the_host_has_it_off),
		DECISION(a_flag_that_was_hidden_stays_hidden_and_one_that_was_added_goes),
		DECISION(what_is_so_already_is_no_change),
		DECISION(what_is_so_already_but_not_yet_for_the_guest_is_told_or_done),
		DECISION(an_unknown_model_is_a_usage_error_that_names_those_that_run),
		DECISION(a_model_that_this_host_cannot_run_is_refused_by_flag),
		DECISION(a_model_with_features_is_refused_by_what_they_do_not_take_away),
		DECISION(a_cache_of_the_host_goes_with_the_hosts_processor_only),
		DECISION(a_vm_under_emulation_gets_no_passthrough),
		DECISION(a_vm_with_a_saved_state_is_refused),
		DECISION(the_proof_is_the_guests_own_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
