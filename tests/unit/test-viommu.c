/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual IOMMUs: edited, stored, decided.  What libvirt takes was tried with libvirt 11.3's own define. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "decide/viommu.h"
#include "domains.h"
#include "domxml/domxml.h"
#include "host/platform.h"
#include "shape/plan.h"
#include "tree.h"

/* --- edits --- */

#define HEAD "<domain type='kvm'>\n  <name>a</name>\n  <features>\n    <acpi/>\n  </features>\n  <devices>\n"
#define SPLIT_HEAD                                                                                                     \
	"<domain type='kvm'>\n  <name>a</name>\n  <features>\n    <acpi/>\n    <ioapic driver='qemu'/>\n  "            \
	"</features>\n"                                                                                                \
	"  <devices>\n"
#define TAIL   "  </devices>\n</domain>\n"
#define DRIVER "<driver intremap='on' caching_mode='on' eim='on' iotlb='on' aw_bits='48'/>"

static char intel_name[] = "intel";
static char virtio_name[] = "virtio";
static char on[] = "on";
static char bits[] = "48";

static const struct pt_viommu intel = { .model = intel_name, .words = { on, on, on, on, bits } };
static const struct pt_viommu virtio = { .model = virtio_name };
static const struct pt_viommu none = { 0 };

static char *edited(const char *before, const struct pt_viommu *v, bool split)
{
	/* borrows */
	struct pt_domain_edit e = { .has_viommu = true, .viommu = *v, .split_ioapic = split };
	struct pt_error err = { 0 };
	char *after = NULL;

	if (pt_domxml_edit(before, &e, &after, &err) < 0)
		fail_msg("%s", err.msg);
	return after;
}

static void intel_comes_with_its_driver_and_a_split_ioapic(void **state)
{
	pt_autofree char *after = edited(HEAD "    <input type='mouse' bus='ps2'/>\n" TAIL, &intel, true);

	assert_string_equal(after,
			    SPLIT_HEAD "    <input type='mouse' bus='ps2'/>\n    <iommu model='intel'>\n      " DRIVER
				       "\n    </iommu>\n" TAIL);
}

static void virtio_is_one_element(void **state)
{
	pt_autofree char *after = edited(HEAD TAIL, &virtio, false);
	pt_autofree char *line = edited("<domain><name>a</name><devices/></domain>", &virtio, false);
	pt_autofree char *bare = edited("<domain><name>a</name></domain>", &virtio, false);

	assert_string_equal(after, HEAD "    <iommu model='virtio'/>\n" TAIL);
	assert_string_equal(line, "<domain><name>a</name><devices><iommu model='virtio'/></devices></domain>");
	assert_string_equal(bare,
			    "<domain><name>a</name>\n  <devices>\n    <iommu model='virtio'/>\n  </devices></domain>");
}

static void another_model_is_another_device(void **state)
{
	pt_autofree char *before = edited(HEAD TAIL, &intel, true);
	pt_autofree char *after = edited(before, &virtio, false);
	pt_autofree char *back = edited(
		HEAD "    <iommu model='virtio'>\n      <address type='pci' domain='0x0000' bus='0x00' slot='0x02' "
		     "function='0x0'/>\n    </iommu>\n" TAIL,
		&intel, true);

	assert_string_equal(after, SPLIT_HEAD "    <iommu model='virtio'/>\n" TAIL);
	assert_string_equal(back, before);
}

static void what_else_is_said_of_the_same_model_stays(void **state)
{
	pt_autofree char *after =
		edited(HEAD "    <iommu model='intel'>\n      <driver dma_translation='off'  caching_mode='off'/>\n"
			    "      <alias name='ua-mine'/>\n    </iommu>\n" TAIL,
		       &intel, false);
	pt_autofree char *grown = edited(HEAD "    <iommu model='intel'/>\n" TAIL, &intel, false);

	assert_string_equal(after,
			    HEAD "    <iommu model='intel'>\n      <driver intremap='on' caching_mode='on' eim='on' "
				 "iotlb='on' aw_bits='48' dma_translation='off'/>\n      <alias "
				 "name='ua-mine'/>\n    </iommu>\n" TAIL);
	assert_string_equal(grown, HEAD "    <iommu model='intel'>\n      " DRIVER "\n    </iommu>\n" TAIL);
}

static void it_goes_with_its_line(void **state)
{
	pt_autofree char *before = edited(HEAD "    <rng model='virtio'/>\n" TAIL, &intel, false);
	pt_autofree char *after = edited(before, &none, false);

	assert_string_equal(after, HEAD "    <rng model='virtio'/>\n" TAIL);
}

static void nothing_to_remove_and_two_of_them_are_errors(void **state)
{
	struct pt_domain_edit e = { .has_viommu = true };
	struct pt_error err = { 0 };
	char *after = NULL;

	assert_int_equal(pt_domxml_edit(HEAD TAIL, &e, &after, &err), -ENOENT);
	assert_int_equal(pt_domxml_edit(HEAD "<iommu model='smmuv3'/><iommu model='smmuv3'/>" TAIL, &e, &after, &err),
			 -EBADMSG);
	assert_non_null(strstr(err.msg, "more than one"));
}

static void an_ioapic_of_kvms_becomes_qemus(void **state)
{
	pt_autofree char *after = edited(
		"<domain><name>a</name><features><acpi/><ioapic driver=\"kvm\"/><apic/></features><devices/></domain>",
		&virtio, true);

	assert_string_equal(after, "<domain><name>a</name><features><acpi/><ioapic driver='qemu'/><apic/></features>"
				   "<devices><iommu model='virtio'/></devices></domain>");
}

static void every_definition_can_be_given_each_and_read_again(void **state)
{
	static const struct pt_viommu *const all[] = { &intel, &virtio };
	PT_AUTO(pt_strv) names = { 0 };

	domains_names(&names);
	for (size_t i = 0; i < names.n; i++)
		for (size_t k = 0; k < 2; k++) {
			pt_autofree char *before = domains_text(names.v[i]);
			pt_autofree char *after = edited(before, all[k], true);
			pt_autofree char *without = edited(after, &none, false);
			PT_AUTO(pt_domain) d = { 0 };
			PT_AUTO(pt_domain) again = { 0 };

			assert_int_equal(pt_domxml_read(after, &d, NULL), 0);
			assert_true(pt_viommu_same(&d.viommu, all[k]));
			assert_string_equal(d.ioapic, "qemu");
			assert_int_equal(pt_domxml_read(without, &again, NULL), 0);
			assert_null(again.viommu.model);
		}
}

static void a_step_with_a_viommu_survives_the_journal(void **state)
{
	static const struct pt_viommu *const all[] = { &intel, &none };

	for (size_t i = 0; i < 2; i++) {
		PT_AUTO(pt_step) step = { .kind = PT_STEP_VM_DEFINE };
		PT_AUTO(pt_step) again = { 0 };
		pt_autofree char *text = NULL;

		step.vm = pt_strdup("a");
		step.vm_uuid = pt_strdup("b");
		step.edit.has_viommu = true;
		step.edit.split_ioapic = i == 0;
		pt_viommu_copy(&step.edit.viommu, all[i]);
		text = pt_step_to_text(&step, NULL);
		assert_int_equal(pt_step_from_text(text, &again, NULL), 0);
		assert_true(again.edit.has_viommu);
		assert_true(again.edit.split_ioapic == (i == 0));
		assert_true(pt_viommu_same(&again.edit.viommu, all[i]));
	}
}

static void a_stored_viommu_that_is_half_understood_is_refused(void **state)
{
	static const char *const bad[] = { "{}", "{\"model\":1}", "{\"model\":\"intel\",\"granule\":\"4k\"}",
					   "{\"model\":null,\"eim\":true}", "[]" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		pt_autofree char *text =
			pt_strf("{\"kind\":\"vm-define\",\"vm\":\"a\",\"vm_uuid\":\"b\",\"edit\":{\"remove_disks\":[],"
				"\"remove_controllers\":[],\"remove_hostdevs\":[],\"add_hostdevs\":[],\"viommu\":%s}}",
				bad[i]);
		PT_AUTO(pt_step) step = { 0 };

		assert_int_equal(pt_step_from_text(text, &step, NULL), -EBADMSG);
	}
}

/* --- decisions --- */

/* a q35 with two devices through VFIO, off, on a host that has all */
static int setup(void **state)
{
	struct pt_viommu_look *l = pt_alloc(sizeof(*l));

	l->vm.name = pt_strdup("vm");
	l->vm.uuid = pt_strdup("6695eb01-f6a4-8304-79aa-97f2502e193f");
	l->vm.type = pt_strdup("kvm");
	l->vm.arch = pt_strdup("x86_64");
	l->vm.machine = pt_strdup("pc-q35-10.0");
	l->vm.persistent = true;
	l->vm.acpi = true;
	l->vm.vcpus = 4;
	l->vm.memory_kib = 384 * 1024;
	pt_array_add(&l->vm.hostdevs)->kind = PT_HOSTDEV_PCI;
	pt_array_add(&l->vm.hostdevs)->kind = PT_HOSTDEV_PCI;
	l->memory.total_kib = 4 << 20;
	l->memory.available_kib = 2 << 20;
	l->libvirt = 11003000;
	l->qemu = 10000002;
	l->host_bits = 48;
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	pt_viommu_look_done(*state);
	free(*state);
	return 0;
}

static int decide(const struct pt_viommu_look *l, const char *model, struct pt_plan *plan, struct pt_error *err)
{
	return pt_decide_viommu(l, &(struct pt_viommu_request){ .model = model }, plan, err);
}

static const struct pt_finding *finding(const struct pt_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->findings.n; i++)
		if (pt_streq(plan->findings.v[i].name, name))
			return &plan->findings.v[i];
	return NULL;
}

static void assert_picks(const struct pt_viommu_look *l, const char *want)
{
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };

	if (decide(l, "auto", &plan, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(plan.steps.n, 1);
	assert_string_equal(plan.steps.v[0].edit.viommu.model, want);
}

static void assert_refused(const struct pt_viommu_look *l, const char *model, const char *name, const char *words)
{
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };

	assert_int_equal(decide(l, model, &plan, &err), -EPERM);
	assert_int_equal(err.kind, PT_ERROR_REFUSED);
	assert_string_equal(pt_plan_refusal(&plan)->name, name);
	if (!strstr(err.msg, words))
		fail_msg("%s", err.msg);
	assert_int_equal(plan.steps.n, 0);
}

static void auto_takes_virtio_where_libvirt_and_qemu_have_it(void **state)
{
	struct pt_viommu_look *l = *state;

	assert_picks(l, "virtio");
	l->libvirt = 8002000;
	assert_picks(l, "intel");
	l->libvirt = 8003000;
	l->qemu = 6002000;
	assert_picks(l, "intel");
	l->qemu = 7000000;
	assert_picks(l, "virtio");
	/* more processors than interrupts can tell apart without intel's eim */
	l->vm.vcpus = 256;
	assert_picks(l, "intel");
}

static void auto_takes_smmuv3_on_an_arm_without_acpi(void **state)
{
	struct pt_viommu_look *l = *state;

	pt_strset(&l->vm.arch, "aarch64");
	pt_strset(&l->vm.machine, "virt-9.2");
	assert_picks(l, "virtio");
	l->vm.acpi = false;
	assert_picks(l, "smmuv3");
	assert_refused(l, "intel", "machine", "is for q35");
	assert_refused(l, "virtio", "acpi", "ACPI table VIOT");
}

static void machines_and_firmware_that_cannot_are_refused(void **state)
{
	struct pt_viommu_look *l = *state;

	assert_refused(l, "smmuv3", "machine", "is for Arm's virt");
	l->vm.acpi = false;
	assert_refused(l, "intel", "acpi", "ACPI table DMAR");
	assert_refused(l, "auto", "acpi", "has no ACPI");
	l->vm.acpi = true;
	l->qemu = 6002000;
	assert_refused(l, "virtio", "version",
		       "needs libvirt 8.3.0 and QEMU 7.0.0; this host has libvirt 11.3.0 and QEMU "
		       "6.2.0");
	l->qemu = 0;
	assert_refused(l, "virtio", "version", "QEMU of an unknown version");
	l->qemu = 10000000;
	pt_strset(&l->vm.machine, "pc-i440fx-9.2");
	for (size_t i = 0; i < 3; i++)
		assert_refused(l, ((const char *const[]){ "auto", "virtio", "intel" })[i], "machine", "pc-i440fx-9.2");
	/* its name alone does not make it one of Arm's */
	pt_strset(&l->vm.machine, "virt");
	pt_strset(&l->vm.arch, "riscv64");
	assert_refused(l, "auto", "machine", "riscv64");
	pt_strset(&l->vm.machine, "pc-q35-10.0");
	pt_strset(&l->vm.type, "xen");
	assert_refused(l, "intel", "domain-type", "type 'xen'");
}

static void more_than_255_processors_keep_intel(void **state)
{
	struct pt_viommu_look *l = *state;

	l->vm.vcpus = 300;
	assert_refused(l, "virtio", "vcpus", "up to 300 processors");
	pt_viommu_copy(&l->vm.viommu, &intel);
	pt_strset(&l->vm.ioapic, "qemu");
	assert_refused(l, "none", "vcpus", "interrupts that only the virtual IOMMU intel brings");
	/* of x86 alone */
	pt_viommu_done(&l->vm.viommu);
	pt_strset(&l->vm.arch, "aarch64");
	pt_strset(&l->vm.machine, "virt-9.2");
	assert_picks(l, "virtio");
	pt_strset(&l->vm.arch, "x86_64");
	pt_strset(&l->vm.machine, "pc-q35-10.0");
	assert_picks(l, "intel");
}

static void intel_gets_all_that_nova_gives_it(void **state)
{
	struct pt_viommu_look *l = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	PT_AUTO(pt_plan) narrow = { 0 };
	PT_AUTO(pt_plan) unknown = { 0 };

	assert_int_equal(decide(l, "intel", &plan, NULL), 0);
	assert_int_equal(plan.steps.n, 1);
	assert_int_equal(plan.steps.v[0].kind, PT_STEP_VM_DEFINE);
	assert_true(pt_viommu_same(&plan.steps.v[0].edit.viommu, &intel));
	assert_true(plan.steps.v[0].edit.split_ioapic);
	assert_string_equal(plan.summary, "give vm the virtual IOMMU intel");
	l->host_bits = 39;
	pt_strset(&l->vm.ioapic, "qemu");
	assert_int_equal(decide(l, "intel", &narrow, NULL), 0);
	assert_string_equal(narrow.steps.v[0].edit.viommu.words[PT_VIOMMU_AW_BITS], "39");
	assert_false(narrow.steps.v[0].edit.split_ioapic);
	l->host_bits = 0;
	assert_int_equal(decide(l, "intel", &unknown, NULL), 0);
	assert_string_equal(unknown.steps.v[0].edit.viommu.words[PT_VIOMMU_AW_BITS], "48");
	assert_non_null(strstr(finding(&unknown, "width")->fact, "does not tell"));
}

/* the number is libvirt's, as measured: tests/unit/test-memlock.c */
static void the_lock_limit_is_foretold_both_ways(void **state)
{
	struct pt_viommu_look *l = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	PT_AUTO(pt_plan) back = { 0 };

	assert_int_equal(decide(l, "intel", &plan, NULL), 0);
	assert_non_null(strstr(finding(&plan, "lock-limit")->fact,
			       "lock 1879048192 bytes (1792 MiB); without this change 1476395008 bytes (1408 MiB)"));
	pt_viommu_copy(&l->vm.viommu, &virtio);
	assert_int_equal(decide(l, "none", &back, NULL), 0);
	assert_non_null(strstr(finding(&back, "lock-limit")->fact, "lock 1476395008 bytes"));
	assert_string_equal(back.summary, "take the virtual IOMMU from vm");
}

static void a_hard_limit_that_is_too_low_for_all_devices_is_warned_of(void **state)
{
	struct pt_viommu_look *l = *state;
	PT_AUTO(pt_plan) plan = { 0 };

	l->vm.hard_limit_kib = 1 << 20;
	assert_int_equal(decide(l, "virtio", &plan, NULL), 0);
	assert_int_equal(finding(&plan, "hard-limit")->verdict, PT_WARN);
	assert_non_null(strstr(finding(&plan, "hard-limit")->fact, "1024 MiB, and 1792 MiB"));
}

static void a_vm_without_devices_locks_nothing_and_is_not_measured(void **state)
{
	struct pt_viommu_look *l = *state;
	PT_AUTO(pt_plan) plan = { 0 };

	l->vm.hostdevs.n = 0;
	l->memory.available_kib = 1;
	assert_int_equal(decide(l, "virtio", &plan, NULL), 0);
	assert_non_null(strstr(finding(&plan, "lock-limit")->fact, "no more than any program"));
	assert_null(finding(&plan, "memory"));
	l->vm.hostdevs.n = 2;
}

static void too_little_memory_is_refused_before_anything_and_can_be_forced(void **state)
{
	struct pt_viommu_look *l = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	static const char *const forced[] = { "memory", NULL };
	struct pt_error err = { 0 };

	l->memory.available_kib = 100 * 1024;
	assert_int_equal(decide(l, "intel", &plan, &err), -EPERM);
	assert_string_equal(err.refusal, "memory");
	assert_non_null(strstr(err.msg, "needs 384 MiB of memory pinned"));
	pt_plan_done(&plan);
	assert_int_equal(
		pt_decide_viommu(l, &(struct pt_viommu_request){ .model = "intel", .forced = forced }, &plan, &err), 0);
}

static void a_running_vm_is_refused_or_restarted(void **state)
{
	static const enum pt_step_kind want[] = { PT_STEP_VM_STOP, PT_STEP_VM_DEFINE, PT_STEP_VM_START };
	struct pt_viommu_look *l = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	PT_AUTO(pt_plan) round = { 0 };
	struct pt_error err = { 0 };

	l->vm.state = PT_DOMAIN_RUNNING;
	l->running = true;
	assert_int_equal(decide(l, "virtio", &plan, &err), -EPERM);
	assert_non_null(strstr(err.msg, "VM vm is running"));
	assert_non_null(strstr(err.hint, "--restart"));
	assert_int_equal(
		pt_decide_viommu(
			l, &(struct pt_viommu_request){ .model = "virtio", .restart = true, .stop_timeout_ms = 7000 },
			&round, NULL),
		0);
	assert_int_equal(round.steps.n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(round.steps.v[i].kind, want[i]);
	assert_int_equal(round.steps.v[0].timeout_ms, 7000);
}

static void what_is_so_already_is_left_alone(void **state)
{
	struct pt_viommu_look *l = *state;
	PT_AUTO(pt_plan) off = { 0 };
	PT_AUTO(pt_plan) runs = { 0 };
	PT_AUTO(pt_plan) other = { 0 };
	PT_AUTO(pt_plan) round = { 0 };

	assert_int_equal(decide(l, "none", &off, NULL), 0);
	assert_int_equal(off.steps.n, 0);
	pt_viommu_copy(&l->vm.viommu, &virtio);
	l->vm.state = PT_DOMAIN_RUNNING;
	l->running = true;
	pt_viommu_copy(&l->live.viommu, &virtio);
	assert_int_equal(decide(l, "auto", &runs, NULL), 0);
	assert_int_equal(runs.steps.n, 0);
	/* defined meanwhile, and not started anew */
	pt_viommu_done(&l->live.viommu);
	assert_int_equal(decide(l, "auto", &other, NULL), 0);
	assert_int_equal(other.steps.n, 0);
	assert_int_equal(finding(&other, "so-already")->verdict, PT_WARN);
	assert_int_equal(
		pt_decide_viommu(l, &(struct pt_viommu_request){ .model = "auto", .restart = true }, &round, NULL), 0);
	assert_int_equal(round.steps.n, 2);
}

/* intel's own words are right, and yet libvirt would not define it without the other half */
static void an_ioapic_alone_is_a_change(void **state)
{
	struct pt_viommu_look *l = *state;
	PT_AUTO(pt_plan) plan = { 0 };

	pt_viommu_copy(&l->vm.viommu, &intel);
	pt_strset(&l->vm.ioapic, "kvm");
	assert_int_equal(decide(l, "intel", &plan, NULL), 0);
	assert_int_equal(plan.steps.n, 1);
	assert_false(plan.steps.v[0].edit.has_viommu);
	assert_true(plan.steps.v[0].edit.split_ioapic);
	assert_non_null(strstr(finding(&plan, "ioapic")->fact, "instead of 'kvm'"));
}

static void smmuv3_with_devices_is_warned_of(void **state)
{
	struct pt_viommu_look *l = *state;
	PT_AUTO(pt_plan) plan = { 0 };

	pt_strset(&l->vm.arch, "aarch64");
	pt_strset(&l->vm.machine, "virt");
	assert_int_equal(decide(l, "smmuv3", &plan, NULL), 0);
	assert_int_equal(finding(&plan, "viommu")->verdict, PT_WARN);
}

static enum pt_verdict proof_of(const struct pt_viommu_look *l, const struct pt_viommu *wanted,
				const struct pt_viommu_seen *seen, const char *name)
{
	PT_AUTO(pt_findings) found = { 0 };

	pt_decide_viommu_proof(l, wanted, seen, &found);
	for (size_t i = 0; i < found.n; i++)
		if (pt_streq(found.v[i].name, name))
			return found.v[i].verdict;
	fail_msg("nothing is said of %s", name);
	return PT_FAIL;
}

static void the_proof_is_libvirts_the_kernels_and_the_guests_word(void **state)
{
	struct pt_viommu_look *l = *state;
	struct pt_qemu_lock lock = { .pid = 7, .limit = 1476395008, .locked_kib = 1188 };
	const struct pt_viommu_seen good = { .qemu = &lock, .guest_type = "DMA-FQ" };
	const struct pt_viommu_seen idle = { .qemu = &lock, .guest_none = true };
	const struct pt_viommu_seen blind = { .qemu_silent = "no", .guest_silent = "no" };

	assert_int_equal(proof_of(l, &virtio, &good, "live-definition"), PT_FAIL);
	l->running = true;
	l->live.memory_kib = 384 * 1024;
	pt_array_add(&l->live.hostdevs)->kind = PT_HOSTDEV_PCI;
	pt_array_add(&l->live.hostdevs)->kind = PT_HOSTDEV_PCI;
	assert_int_equal(proof_of(l, &virtio, &good, "live-definition"), PT_FAIL);
	pt_viommu_copy(&l->live.viommu, &virtio);
	assert_int_equal(proof_of(l, &virtio, &good, "live-definition"), PT_OK);
	/* the limit of a VM without one */
	assert_int_equal(proof_of(l, &virtio, &good, "lock-limit"), PT_WARN);
	lock.limit = 1879048192;
	assert_int_equal(proof_of(l, &virtio, &good, "lock-limit"), PT_OK);
	assert_int_equal(proof_of(l, &virtio, &good, "guest-iommu"), PT_OK);
	assert_int_equal(proof_of(l, &virtio, &idle, "guest-iommu"), PT_WARN);
	assert_int_equal(proof_of(l, &virtio, &blind, "guest-iommu"), PT_UNKNOWN);
	assert_int_equal(proof_of(l, &virtio, &blind, "lock-limit"), PT_UNKNOWN);
}

#define t(f) cmocka_unit_test(f)
#define d(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		t(intel_comes_with_its_driver_and_a_split_ioapic),
		t(virtio_is_one_element),
		t(another_model_is_another_device),
		t(what_else_is_said_of_the_same_model_stays),
		t(it_goes_with_its_line),
		t(nothing_to_remove_and_two_of_them_are_errors),
		t(an_ioapic_of_kvms_becomes_qemus),
		t(every_definition_can_be_given_each_and_read_again),
		t(a_step_with_a_viommu_survives_the_journal),
		t(a_stored_viommu_that_is_half_understood_is_refused),
		d(auto_takes_virtio_where_libvirt_and_qemu_have_it),
		d(auto_takes_smmuv3_on_an_arm_without_acpi),
		d(machines_and_firmware_that_cannot_are_refused),
		d(more_than_255_processors_keep_intel),
		d(intel_gets_all_that_nova_gives_it),
		d(the_lock_limit_is_foretold_both_ways),
		d(a_hard_limit_that_is_too_low_for_all_devices_is_warned_of),
		d(a_vm_without_devices_locks_nothing_and_is_not_measured),
		d(too_little_memory_is_refused_before_anything_and_can_be_forced),
		d(a_running_vm_is_refused_or_restarted),
		d(what_is_so_already_is_left_alone),
		d(an_ioapic_alone_is_a_change),
		d(smmuv3_with_devices_is_warned_of),
		d(the_proof_is_libvirts_the_kernels_and_the_guests_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
