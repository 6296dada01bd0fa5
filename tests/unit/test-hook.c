/* SPDX-License-Identifier: Apache-2.0 */
/* Which VMs libvirt's hook stops, and which it has no opinion on. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "fakesys.h"
#include "hook/hook.h"
#include "journal/journal.h"
#include "model/plan.h"

#define CVM   "c7a5fdbd-edaf-9455-926a-d65c16db1809"
#define OTHER "11111111-2222-3333-4444-555555555555"
#define HBA   "0000:01:00.0"

struct fixture {
	struct fakesys *sys;
	struct pt_root live;
	bool no_sysfs;
	char *journal_dir;
	struct pt_error err;
};

static int setup(void **state)
{
	struct fixture *f = pt_alloc(sizeof(*f));

	f->sys = fakesys_new();
	fakesys_add_pci(f->sys, HBA, 0x1000, 0x0079, 0x010400, "vfio-pci", 14);
	f->journal_dir = pt_strf("%s/var/lib/passthru", f->sys->dir);
	/* owners are looked up among the processes that really run */
	assert_int_equal(pt_root_live(&f->live, NULL), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pt_root_done(&f->live);
	free(f->journal_dir);
	fakesys_free(f->sys);
	free(f);
	return 0;
}

static int asked(struct fixture *f, const char *name, const char *uuid, const char *devices)
{
	pt_autofree char *xml = pt_strf("<domain type='kvm'><name>%s</name><uuid>%s</uuid><memory>1</memory>"
					"<os><type>hvm</type></os><devices>%s</devices></domain>",
					name, uuid, devices);
	struct pt_root root = f->sys->root;

	root.captured = false;
	root.proc_fd = f->live.proc_fd;
	if (f->no_sysfs)
		root.sys_fd = -EBADF;
	f->err = (struct pt_error){ 0 };
	return pt_hook_may_start(&root, f->journal_dir, name, xml, &f->err);
}

static const char with_hba[] = "<hostdev mode='subsystem' type='pci' managed='no'><source>"
			       "<address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source></hostdev>";

static const char with_nvme_disk[] = "<disk type='nvme' device='disk'><source type='pci' managed='yes' namespace='1'>"
				     "<address domain='0x0000' bus='0x02' slot='0x00' function='0x0'/></source>"
				     "<target dev='vda' bus='virtio'/></disk>";

static void reserve(struct fixture *f, const char *more)
{
	fakesys_file(f->sys, "etc/passthru/reserved.d/" HBA ".conf",
		     "# Reserved\naddress=" HBA "\nvendor_id=1000\ndevice_id=0079\nsubsystem_vendor_id=0000\n"
		     "subsystem_device_id=0000\ndriver=vfio-pci\n%s",
		     more);
}

static void open_step(struct fixture *f, enum pt_step_kind kind, enum pt_step_state state, bool alive)
{
	struct pt_plan plan = { .verb = pt_strdup("attach"), .summary = pt_strdup("attach a card to cvm") };
	struct pt_owner owner = { .pid = 1, .boot = "another boot" };
	struct pt_step *s = pt_plan_step(&plan, kind);
	struct pt_journal *j = NULL;
	long long id;

	s->vm = pt_strdup("cvm");
	s->vm_uuid = pt_strdup(CVM);
	if (kind == PT_STEP_VM_MIGRATE) {
		s->state_after = pt_strdup("uri=qemu+tcp://b/system\n");
	} else if (pt_step_is_plug(kind)) {
		assert_int_equal(pt_bdf_parse(HBA, &s->bdf), 0);
		s->vendor = 0x1000;
		s->device = 0x0079;
		s->element = pt_strdup(with_hba);
	}
	if (alive)
		assert_int_equal(pt_owner_self(f->live.proc_fd, &owner, NULL), 0);
	if (pt_journal_open(f->journal_dir, PT_JOURNAL_WRITE, &j, &f->err) < 0)
		fail_msg("%s", f->err.msg);
	assert_int_equal(pt_journal_begin(j, &plan, &owner, &id, NULL), 0);
	if (state != PT_STEP_PLANNED)
		assert_int_equal(pt_journal_step_start(j, id, 0, s, NULL), 0);
	if (state != PT_STEP_PLANNED && state != PT_STEP_STARTED)
		assert_int_equal(pt_journal_step(j, id, 0, state, NULL, NULL), 0);
	pt_journal_close(j);
	pt_plan_done(&plan);
}

static void open_change(struct fixture *f, enum pt_step_state state, bool alive)
{
	open_step(f, PT_STEP_VM_START, state, alive);
}

/* cut off: the VFs of the card at 01:00.0, of which @before and @after tell */
static void open_vf_change(struct fixture *f, const char *before, const char *after)
{
	struct pt_plan plan = { .verb = pt_strdup("vf"), .summary = pt_strdup("settings of VF 0") };
	struct pt_owner owner = { .pid = 1, .boot = "another boot" };
	struct pt_step *s = pt_plan_step(&plan, PT_STEP_SRIOV);
	struct pt_journal *j = NULL;
	long long id;

	assert_int_equal(pt_bdf_parse(HBA, &s->bdf), 0);
	s->vendor = 0x8086;
	s->device = 0x10c9;
	s->state_before = pt_strdup(before);
	s->state_after = pt_strdup(after);
	assert_int_equal(pt_journal_open(f->journal_dir, PT_JOURNAL_WRITE, &j, &f->err), 0);
	assert_int_equal(pt_journal_begin(j, &plan, &owner, &id, NULL), 0);
	pt_journal_close(j);
	pt_plan_done(&plan);
}

static void says(const struct fixture *f, const char *what)
{
	if (!strstr(f->err.msg, what) && !strstr(f->err.hint, what))
		fail_msg("'%s' (%s) says nothing of '%s'", f->err.msg, f->err.hint, what);
}

static void a_vm_that_was_never_touched_starts(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(asked(f, "plain", OTHER, ""), 0);
	assert_int_equal(asked(f, "plain", OTHER, with_hba), 0);
	open_change(f, PT_STEP_PLANNED, false);
	assert_int_equal(asked(f, "plain", OTHER, with_hba), 0);
}

static void a_device_that_is_the_one_lets_its_vm_start(void **state)
{
	struct fixture *f = *state;

	/* by its ids alone and without a slot: only what this boot has seen makes it certain */
	reserve(f, "vm=cvm\nvm_uuid=" CVM "\n");
	assert_int_equal(asked(f, "cvm", CVM, with_hba), -EPERM);
	fakesys_file(f->sys, "run/passthru/known-" HBA, "%s", "");
	assert_int_equal(asked(f, "cvm", CVM, with_hba), 0);
}

static void a_stranger_at_the_address_stops_it(void **state)
{
	struct fixture *f = *state;

	reserve(f, "vm=cvm\nvm_uuid=" CVM "\n");
	fakesys_file(f->sys, "run/passthru/known-" HBA, "%s", "");
	fakesys_attr(f->sys, HBA, "device", "0x005d");
	fakesys_attr(f->sys, HBA, "uevent", "PCI_CLASS=10400\nPCI_ID=1000:005D\nPCI_SUBSYS_ID=0000:0000");
	assert_int_equal(asked(f, "cvm", CVM, with_hba), -EPERM);
	says(f, HBA);
	/* a VM that has it not, and one that somebody else made, are none of our business */
	assert_int_equal(asked(f, "cvm", CVM, ""), 0);
	assert_int_equal(asked(f, "plain", OTHER, with_hba), 0);
}

static void another_serial_number_stops_it(void **state)
{
	struct fixture *f = *state;

	reserve(f, "serial=dsn:00-11-22-33-44-55-66-77\nvm=cvm\nvm_uuid=" CVM "\n");
	assert_int_equal(asked(f, "cvm", CVM, with_hba), -EPERM);
	says(f, "dsn:00-11-22-33-44-55-66-77");
}

static void a_change_that_was_cut_off_stops_its_vm(void **state)
{
	struct fixture *f = *state;

	open_change(f, PT_STEP_STARTED, false);
	assert_int_equal(asked(f, "cvm", CVM, ""), -EPERM);
	says(f, "was cut off");
	says(f, "passthru recover");
	assert_int_equal(asked(f, "plain", OTHER, ""), 0);
}

static void a_change_under_way_stops_everybody_but_itself(void **state)
{
	struct fixture *f = *state;

	open_change(f, PT_STEP_PLANNED, true);
	assert_int_equal(asked(f, "cvm", CVM, ""), -EPERM);
	says(f, "is being made");
}

static const char with_vf[] = "<interface type='hostdev' managed='yes'><source>"
			      "<address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x2'/></source>"
			      "</interface>";

static void a_change_of_a_cards_vfs_stops_who_has_one_of_them(void **state)
{
	struct fixture *f = *state;

	open_vf_change(f, "vf=0 address=0000:01:10.0 vlan=0 qos=0\n", "vf=0 address=0000:01:10.0 vlan=42 qos=0\n");
	assert_int_equal(asked(f, "plain", OTHER, with_vf), 0);
	open_vf_change(f, "vfs=2\nvf=0 address=0000:01:10.0\nvf=1 address=0000:01:10.2\n", "vfs=7\n");
	assert_int_equal(asked(f, "plain", OTHER, with_vf), -EPERM);
	says(f, "was cut off");
	assert_int_equal(asked(f, "plain", OTHER, ""), 0);
}

static void the_change_itself_may_start_its_vm(void **state)
{
	struct fixture *f = *state;

	open_change(f, PT_STEP_STARTED, true);
	assert_int_equal(asked(f, "cvm", CVM, ""), 0);
}

/* a device that came or went, or a move, ended its QEMU: whoever takes that back starts it, and nobody else */
static void under_way(struct fixture *f, enum pt_step_kind kind)
{
	open_step(f, kind, PT_STEP_STARTED, true);
	assert_int_equal(asked(f, "cvm", CVM, ""), -EPERM);
	says(f, "is being made");
}

static void taken_back(struct fixture *f, enum pt_step_kind kind)
{
	open_step(f, kind, PT_STEP_UNDOING, true);
	assert_int_equal(asked(f, "cvm", CVM, ""), 0);
}

static void cut_off_again(struct fixture *f, enum pt_step_kind kind)
{
	open_step(f, kind, PT_STEP_UNDOING, false);
	assert_int_equal(asked(f, "cvm", CVM, ""), -EPERM);
	says(f, "was cut off");
}

#define OF_KIND(name, kind)                                                                                            \
	static void name##_is_being_made(void **state)                                                                 \
	{                                                                                                              \
		under_way(*state, kind);                                                                               \
	}                                                                                                              \
	static void name##_is_taken_back(void **state)                                                                 \
	{                                                                                                              \
		taken_back(*state, kind);                                                                              \
	}                                                                                                              \
	static void name##_was_cut_off_again(void **state)                                                             \
	{                                                                                                              \
		cut_off_again(*state, kind);                                                                           \
	}

OF_KIND(a_move, PT_STEP_VM_MIGRATE)
OF_KIND(a_plug, PT_STEP_VM_PLUG)
OF_KIND(an_unplug, PT_STEP_VM_UNPLUG)

static void a_damaged_record_stops_who_has_that_device(void **state)
{
	struct fixture *f = *state;

	fakesys_file(f->sys, "etc/passthru/reserved.d/" HBA ".conf", "nonsense\n");
	assert_int_equal(asked(f, "cvm", CVM, with_hba), -EPERM);
	says(f, "reserved.d/" HBA ".conf");
	assert_int_equal(asked(f, "cvm", CVM, ""), 0);
}

static void a_damaged_journal_stops_our_vms_and_none_without_devices(void **state)
{
	struct fixture *f = *state;

	open_change(f, PT_STEP_PLANNED, false);
	fakesys_file(f->sys, "var/lib/passthru/journal.db", "this is no database");
	reserve(f, "vm=cvm\nvm_uuid=" CVM "\n");
	assert_int_equal(asked(f, "plain", OTHER, ""), 0);
	assert_int_equal(asked(f, "cvm", CVM, ""), -EPERM);
}

static void records_that_cannot_be_read_stop_who_has_a_device(void **state)
{
	struct fixture *f = *state;

	fakesys_file(f->sys, "etc/passthru/reserved.d", "a file where the folder should be");
	assert_int_equal(asked(f, "plain", OTHER, with_hba), -EPERM);
	says(f, "/etc/passthru/reserved.d");
	assert_int_equal(asked(f, "plain", OTHER, with_nvme_disk), -EPERM);
	assert_int_equal(asked(f, "plain", OTHER, ""), 0);
	/* the journal is asked all the same */
	open_change(f, PT_STEP_STARTED, false);
	assert_int_equal(asked(f, "cvm", CVM, ""), -EPERM);
	says(f, "was cut off");
}

static void nobodys_record_is_of_who_has_its_address(void **state)
{
	struct fixture *f = *state;

	reserve(f, "");
	fakesys_file(f->sys, "run/passthru/known-" HBA, "%s", "");
	f->no_sysfs = true;
	assert_int_equal(asked(f, "cvm", CVM, with_hba), -EPERM);
	/* all others are not even looked for */
	assert_int_equal(asked(f, "plain", OTHER, with_vf), 0);
	assert_int_equal(asked(f, "plain", OTHER, ""), 0);
	f->no_sysfs = false;
	assert_int_equal(asked(f, "cvm", CVM, with_hba), 0);
}

static void a_damaged_journal_stops_who_has_a_device(void **state)
{
	struct fixture *f = *state;

	open_change(f, PT_STEP_PLANNED, false);
	fakesys_file(f->sys, "var/lib/passthru/journal.db", "this is no database");
	assert_int_equal(asked(f, "cvm", CVM, with_hba), -EPERM);
	says(f, "journal");
	assert_int_equal(asked(f, "plain", OTHER, ""), 0);
}

static void a_journal_that_is_gone_is_not_one_without_changes(void **state)
{
	struct fixture *f = *state;

	reserve(f, "vm=cvm\nvm_uuid=" CVM "\nchange=7\n");
	fakesys_file(f->sys, "run/passthru/known-" HBA, "%s", "");
	assert_int_equal(asked(f, "cvm", CVM, with_hba), -EPERM);
	says(f, f->journal_dir);
	says(f, "passthru recover");
	assert_int_equal(asked(f, "plain", OTHER, with_hba), 0);
	open_vf_change(f, "vfs=0\n", "vfs=0\n");
	assert_int_equal(asked(f, "cvm", CVM, with_vf), 0);
}

static void a_definition_that_cannot_be_read_may_have_any_device(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(asked(f, "plain", OTHER, "<hostdev"), 0);
	reserve(f, "vm=cvm\nvm_uuid=" CVM "\n");
	assert_int_equal(asked(f, "plain", OTHER, "<hostdev"), 0);
	assert_int_equal(asked(f, "cvm", CVM, "<hostdev"), -EPERM);
	reserve(f, "");
	assert_int_equal(asked(f, "plain", OTHER, "<hostdev"), -EPERM);
}

static void a_host_that_cannot_be_looked_at_stops_who_has_a_device(void **state)
{
	static const char with[] = "<domain type='kvm'><name>a</name><uuid>" OTHER "</uuid><memory>1</memory>"
				   "<os><type>hvm</type></os><devices><hostdev mode='subsystem' type='pci'><source>"
				   "<address domain='0' bus='1' slot='0' function='0'/></source></hostdev></devices>"
				   "</domain>";
	static const char without[] = "<domain type='kvm'><name>a</name><uuid>" OTHER "</uuid><memory>1</memory>"
				      "<os><type>hvm</type></os></domain>";
	const struct pt_error why = { .msg = "cannot open /sys", .hint = "mount it" };
	struct fixture *f = *state;

	assert_int_equal(pt_hook_blind("a", without, &why, &f->err), 0);
	assert_int_equal(pt_hook_blind("a", with, &why, &f->err), -EPERM);
	says(f, "a does not start: cannot open /sys");
	says(f, "mount it");
	assert_int_equal(pt_hook_blind("a", "", &why, &f->err), -EPERM);
}

/* two cards alike without serial numbers, and a VF 0 of each */
static void a_vf_that_may_be_the_other_cards_stops_it(void **state)
{
	static const char record[] = "address=0000:03:10.0\nvendor_id=8086\ndevice_id=10ca\nsubsystem_vendor_id=0000\n"
				     "subsystem_device_id=0000\ndriver=libvirt\nslot_path=%s/10.0\nvf=0\n"
				     "pf_function=0\nvm=cvm\nvm_uuid=" CVM "\n";
	static const char with[] = "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' "
				   "bus='3' slot='0x10' function='0'/></source></hostdev>";
	struct fixture *f = *state;

	fakesys_bridge(f->sys, "0000:00:02.0", 3, 30);
	fakesys_bridge(f->sys, "0000:00:03.0", 4, 31);
	fakesys_add_pci(f->sys, "0000:03:00.0", 0x8086, 0x10c9, 0x020000, "igb", 20);
	fakesys_add_pci(f->sys, "0000:04:00.0", 0x8086, 0x10c9, 0x020000, "igb", 21);
	fakesys_sriov(f->sys, "0000:03:00.0", 2);
	fakesys_sriov(f->sys, "0000:04:00.0", 2);
	fakesys_add_vf(f->sys, "0000:03:00.0", 0, "0000:03:10.0", 0x10ca, NULL, 22);
	fakesys_add_vf(f->sys, "0000:04:00.0", 0, "0000:04:10.0", 0x10ca, NULL, 23);
	fakesys_file(f->sys, "etc/passthru/reserved.d/0000:03:10.0.conf", record, "0000:00:1f.0");
	assert_int_equal(asked(f, "cvm", CVM, with), -EPERM);
	says(f, "0000:03:10.0, 0000:04:10.0");
	fakesys_file(f->sys, "etc/passthru/reserved.d/0000:03:10.0.conf", record, "0000:00:02.0");
	assert_int_equal(asked(f, "cvm", CVM, with), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_vm_that_was_never_touched_starts),
		TEST(a_device_that_is_the_one_lets_its_vm_start),
		TEST(a_stranger_at_the_address_stops_it),
		TEST(another_serial_number_stops_it),
		TEST(a_change_that_was_cut_off_stops_its_vm),
		TEST(a_change_under_way_stops_everybody_but_itself),
		TEST(a_change_of_a_cards_vfs_stops_who_has_one_of_them),
		TEST(the_change_itself_may_start_its_vm),
		TEST(a_move_is_being_made),
		TEST(a_move_is_taken_back),
		TEST(a_move_was_cut_off_again),
		TEST(a_plug_is_being_made),
		TEST(a_plug_is_taken_back),
		TEST(a_plug_was_cut_off_again),
		TEST(an_unplug_is_being_made),
		TEST(an_unplug_is_taken_back),
		TEST(an_unplug_was_cut_off_again),
		TEST(a_damaged_record_stops_who_has_that_device),
		TEST(a_damaged_journal_stops_our_vms_and_none_without_devices),
		TEST(a_vf_that_may_be_the_other_cards_stops_it),
		TEST(records_that_cannot_be_read_stop_who_has_a_device),
		TEST(nobodys_record_is_of_who_has_its_address),
		TEST(a_damaged_journal_stops_who_has_a_device),
		TEST(a_journal_that_is_gone_is_not_one_without_changes),
		TEST(a_definition_that_cannot_be_read_may_have_any_device),
		TEST(a_host_that_cannot_be_looked_at_stops_who_has_a_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
