/* SPDX-License-Identifier: Apache-2.0 */
/* The engine: what it refuses, whom it waits for, and what undo and recover make of a world that moved on. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/cleanup.h"
#include "host/reserve.h"
#include "stage.h"

static int setup(void **state)
{
	struct stage *s = stage_new();

	stage_open(s);
	*state = s;
	return 0;
}

static size_t count_changes(const struct stage *s)
{
	struct pt_change_list list = { 0 };
	size_t n;

	assert_int_equal(pt_journal_list(s->env.journal, false, &list, NULL), 0);
	n = list.n;
	pt_change_list_done(&list);
	return n;
}

/* the plan is made; then @move happens; then it is applied */
static void refused_after(struct stage *s, void (*move)(struct stage *s), int code, const char *why)
{
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };
	long long id = 0;
	char *before;
	char *after;

	stage_attach(s, &plan);
	move(s);
	before = stage_text(s);
	assert_int_equal(pt_change_apply(&s->env, &plan, &id, &err), code);
	stage_says(&err, why);
	after = stage_text(s);
	assert_string_equal(before, after);
	/* refused before anything was begun: not even the journal knows of it */
	assert_int_equal(count_changes(s), 0);
	free(before);
	free(after);
}

static void power_off(struct stage *s)
{
	s->cvm->state = PT_DOMAIN_SHUTOFF;
}

static void edit(struct stage *s)
{
	char *cpus = strstr(s->cvm->xml, ">2</vcpu>");

	cpus[1] = '4';
}

static void rebind(struct stage *s)
{
	(void)strcpy(s->hba->driver, "igb");
}

static void set_override(struct stage *s)
{
	(void)strcpy(s->hba->override, "igb");
}

static void replace_card(struct stage *s)
{
	s->hba->ids[1] = 0x5d;
}

static void pull_card(struct stage *s)
{
	s->hba->gone = true;
}

static void save(struct stage *s)
{
	s->cvm->managed_save = true;
}

static void set_autostart(struct stage *s)
{
	s->cvm->autostart = true;
}

static void delete_vm(struct stage *s)
{
	s->cvm->uuid[0] = 'x';
}

static void a_vm_that_was_shut_off_meanwhile_is_noticed(void **state)
{
	refused_after(*state, power_off, -ESTALE, "cvm is shut off; the plan expected it to run");
}

static void a_definition_that_was_edited_meanwhile_is_noticed(void **state)
{
	refused_after(*state, edit, -ESTALE, "the definition of cvm was edited meanwhile: -<vcpu");
}

static void another_driver_is_noticed(void **state)
{
	refused_after(*state, rebind, -ESTALE, "the driver of 0000:01:00.0 is igb now; the plan expected megaraid_sas");
}

static void another_override_is_noticed(void **state)
{
	refused_after(*state, set_override, -ESTALE, "driver_override of 0000:01:00.0 is igb now");
}

static void another_card_is_noticed(void **state)
{
	refused_after(*state, replace_card, -ESTALE, "another device is at 0000:01:00.0 now");
}

static void a_card_that_is_gone_is_noticed(void **state)
{
	refused_after(*state, pull_card, -ENODEV, "there is no PCI function 0000:01:00.0 any more");
}

static void a_managed_save_image_is_refused_by_name(void **state)
{
	refused_after(*state, save, -EPERM, "cvm has a managed save image");
}

static void autostart_that_is_on_already_is_noticed(void **state)
{
	refused_after(*state, set_autostart, -ESTALE, "autostart of cvm is on already");
}

static void a_vm_that_is_gone_is_noticed(void **state)
{
	refused_after(*state, delete_vm, -ENOENT, "no VM has the UUID");
}

static void a_guest_that_ignores_its_shutdown_is_left_running(void **state)
{
	struct stage *s = *state;
	struct pt_error err;
	char *before = stage_text(s);
	char *after;
	long long id;

	s->cvm->ignores_shutdown = true;
	assert_int_equal(stage_make_attach(s, &id, &err), -ETIMEDOUT);
	stage_says(&err, "did not shut down");
	stage_says(&err, "everything is as it was");
	stage_says(&err, "--force-stop");
	after = stage_text(s);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void a_guest_that_ignores_its_shutdown_is_forced_off_when_allowed(void **state)
{
	struct stage *s = *state;
	struct pt_error err;
	long long id;

	s->cvm->ignores_shutdown = true;
	s->force = 1;
	assert_int_equal(stage_make_attach(s, &id, &err), 0);
	assert_string_equal(s->hba->driver, "vfio-pci");
}

static void a_guest_that_shuts_down_too_late_runs_again(void **state)
{
	struct stage *s = *state;
	struct pt_error err;
	long long id;

	s->cvm->late_shutdown = true;
	s->env.grace_ms = 200;
	assert_int_equal(stage_make_attach(s, &id, &err), -ETIMEDOUT);
	stage_says(&err, "everything is as it was");
	assert_int_equal(s->cvm->state, PT_DOMAIN_RUNNING);
	assert_int_equal(s->cvm->starts, 1);
}

static void an_interrupt_takes_everything_back(void **state)
{
	struct stage *s = *state;
	struct pt_error err;
	long long id;

	s->interrupt = 1;
	assert_int_equal(stage_make_attach(s, &id, &err), -ECANCELED);
	stage_says(&err, "interrupted");
	stage_says(&err, "everything is as it was");
	assert_int_equal(err.kind, PT_ERROR_FAILED);
	assert_int_equal(stage_state_of(s, id), PT_CHANGE_FAILED);
}

static void the_original_definition_is_kept_as_a_file(void **state)
{
	struct stage *s = *state;
	char *path = pt_strf("%s/state/backup/1-cvm.xml", s->dir);
	char *original = pt_strdup(s->cvm->xml);
	char text[FAKEVM_XML];
	size_t n;
	FILE *f;

	(void)stage_attached(s);
	f = fopen(path, "re");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	(void)fclose(f);
	assert_string_equal(text, original);
	assert_non_null(strstr(text, "sesame"));
	free(original);
	free(path);
}

/* a change that is open, owned by @pid */
static long long open_change(struct stage *s, int pid, const char *vm, const char *uuid)
{
	PT_AUTO(pt_plan) plan = { .verb = pt_strdup("attach"), .summary = pt_strdup("attach something") };
	struct pt_step *step = pt_plan_step(&plan, PT_STEP_VM_STOP);
	struct pt_owner owner;
	long long id = 0;

	step->vm = pt_strdup(vm);
	step->vm_uuid = pt_strdup(uuid);
	assert_int_equal(pt_owner_self(s->env.proc_fd, &owner, NULL), 0);
	if (pid != getpid()) {
		owner.pid = pid;
		owner.start = 1;
	}
	assert_int_equal(pt_journal_begin(s->env.journal, &plan, &owner, &id, NULL), 0);
	return id;
}

static void what_another_change_has_in_its_hands_is_refused(void **state)
{
	struct stage *s = *state;
	struct pt_error err;
	unsigned settled = 0;
	long long id;

	(void)open_change(s, getpid(), "cvm", STAGE_CVM);
	assert_int_equal(stage_make_attach(s, &id, &err), -EPERM);
	stage_says(&err, "the VM cvm is being changed right now by change 1 (attach something), process ");
	/* its owner lives: recover leaves it alone */
	assert_int_equal(pt_change_recover(&s->env, &settled, &err), 0);
	assert_int_equal(settled, 0);
	assert_int_equal(stage_state_of(s, 1), PT_CHANGE_OPEN);
}

static void what_a_dead_change_left_is_refused_until_recovered(void **state)
{
	struct stage *s = *state;
	struct pt_error err;
	unsigned settled = 0;
	long long id;

	(void)open_change(s, 1, "cvm", STAGE_CVM);
	assert_int_equal(stage_make_attach(s, &id, &err), -EPERM);
	stage_says(&err, "which was cut off");
	stage_says(&err, "passthru recover");
	assert_int_equal(pt_change_recover(&s->env, &settled, &err), 0);
	assert_int_equal(settled, 1);
	assert_int_equal(stage_state_of(s, 1), PT_CHANGE_FAILED);
	(void)stage_attached(s);
}

static void a_change_of_another_vm_is_in_nobodys_way(void **state)
{
	struct stage *s = *state;

	(void)open_change(s, getpid(), "other", STAGE_OTHER);
	(void)stage_attached(s);
}

static void the_lock_names_who_has_it(void **state)
{
	struct stage *s = *state;
	struct pt_lock_wait wait = { .ms = 0 };
	struct pt_lock *held = NULL;
	struct pt_error err;
	char *dir = pt_strf("%s/run", s->dir);
	long long id;

	assert_int_equal(pt_lock_open(dir, &held, NULL), 0);
	assert_int_equal(pt_lock_take(held, "attach 0000:02:00.0 to other", &wait, NULL), 0);
	s->env.wait_ms = 60;
	assert_int_equal(stage_make_attach(s, &id, &err), -ETIMEDOUT);
	stage_says(&err, "(attach 0000:02:00.0 to other)");
	stage_says(&err, "--wait");
	assert_non_null(strstr(s->waited_for, "attach 0000:02:00.0 to other"));
	s->interrupt = 1;
	assert_int_equal(stage_make_attach(s, &id, &err), -ECANCELED);
	assert_int_equal(count_changes(s), 0);
	pt_lock_close(held);
	free(dir);
}

static void a_dead_process_does_not_hold_the_lock(void **state)
{
	struct stage *s = *state;
	struct pt_lock_wait wait = { .ms = 0 };
	char *dir = pt_strf("%s/run", s->dir);
	struct pt_lock *lock = NULL;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (pt_lock_open(dir, &lock, NULL) < 0 || pt_lock_take(lock, "die", &wait, NULL) < 0)
			_exit(1);
		_exit(7);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 7);
	(void)stage_attached(s);
	free(dir);
}

/* cut off while libvirt took the definition: before it answered, and so before its answer was in the journal */
static void cut_off_in_define(struct stage *s, const char *found)
{
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_owner owner = { .pid = 1, .start = 1, .boot = "another-boot" };
	long long id = 0;

	s->cvm->state = PT_DOMAIN_SHUTOFF;
	stage_attach(s, &plan);
	for (size_t i = 0; i < 3; i++)
		pt_step_done(&plan.steps.v[i]);
	plan.steps.v[0] = plan.steps.v[3];
	for (size_t i = 4; i < 6; i++)
		pt_step_done(&plan.steps.v[i]);
	plan.steps.n = 1;
	assert_int_equal(pt_journal_begin(s->env.journal, &plan, &owner, &id, NULL), 0);
	assert_int_equal(pt_journal_step_start(s->env.journal, id, 0, &plan.steps.v[0], NULL), 0);
	assert_int_equal(s->vm_ops.define(s->vm_ops.ctx, STAGE_CVM, plan.steps.v[0].xml_after, NULL), 0);
	if (found)
		(void)snprintf(s->cvm->xml, sizeof(s->cvm->xml), "%s", found);
}

static void recover_knows_its_own_definition_by_its_devices(void **state)
{
	struct stage *s = *state;
	char *original = pt_strdup(s->cvm->xml);
	char *kept = pt_strf("%s/state/backup/1-cvm.found.xml", s->dir);
	struct pt_error err = { 0 };
	unsigned settled;

	cut_off_in_define(s, NULL);
	assert_non_null(strstr(s->cvm->xml, "<hostdev"));
	if (pt_change_recover(&s->env, &settled, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(s->cvm->xml, original);
	assert_int_equal(access(kept, R_OK), 0);
	free(original);
	free(kept);
}

static void without_libvirt_only_what_has_no_vm_is_recovered(void **state)
{
	struct stage *s = *state;
	const struct pt_vm_ops *vm = s->env.vm;
	struct pt_error err = { 0 };
	unsigned settled = 9;
	char *before;
	char *now;

	cut_off_in_define(s, NULL);
	before = stage_text(s);
	s->env.no_vms = true;
	s->env.vm = NULL; /* who asks libvirt now dies of it */
	assert_int_equal(pt_change_recover(&s->env, &settled, &err), 0);
	assert_int_equal(settled, 0);
	assert_int_equal(stage_state_of(s, 1), PT_CHANGE_OPEN);
	now = stage_text(s);
	assert_string_equal(now, before);
	free(before);
	free(now);

	s->env.no_vms = false;
	s->env.vm = vm;
	assert_int_equal(pt_change_recover(&s->env, &settled, &err), 0);
	assert_int_equal(settled, 1);
	/* the controller alone */
	stage_close(s);
	*s->fault = (struct fault){ .die_after = 5 };
	assert_int_equal(stage_in_child(s, stage_child_reserve), FAULT_EXIT);
	*s->fault = (struct fault){ 0 };
	stage_open(s);
	s->env.no_vms = true;
	s->env.vm = NULL;
	assert_int_equal(pt_change_recover(&s->env, &settled, &err), 0);
	assert_int_equal(settled, 1);
	assert_string_equal(s->hba->driver, "megaraid_sas");
	assert_int_equal(fakekernel_kept(s->kernel), 0);
	s->env.vm = vm;
}

static void recover_leaves_an_edit_of_somebody_else_alone(void **state)
{
	struct stage *s = *state;
	char *theirs = pt_strdup(s->cvm->xml);
	struct pt_error err = { 0 };
	unsigned settled;

	memcpy(strstr(theirs, "sdb"), "sdx", 3);
	cut_off_in_define(s, theirs);
	assert_int_equal(pt_change_recover(&s->env, &settled, &err), -EINTR);
	assert_int_equal(err.kind, PT_ERROR_INTERRUPTED);
	stage_says(&err, "the definition of cvm was edited meanwhile and is left as it is");
	assert_string_equal(s->cvm->xml, theirs);
	assert_int_equal(stage_state_of(s, 1), PT_CHANGE_STUCK);
	free(theirs);
}

static void with_db(const struct stage *s, const char *text)
{
	char *path = pt_strf("%s/state/journal.db", s->dir);
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	free(path);
}

/* the journal is taken away while the third step is made */
static void lose_journal(void *ctx, size_t index, size_t total, const struct pt_step *step,
			 enum pt_progress_state state)
{
	(void)total;
	(void)step;
	if (index == 2 && state == PT_PROGRESS_BEGIN)
		with_db(ctx, "ALTER TABLE step RENAME TO lost");
}

static void what_cannot_be_noted_is_taken_back_all_the_same(void **state)
{
	struct stage *s = *state;
	char *before = stage_text(s);
	struct pt_error err;
	unsigned settled = 0;
	long long id = 0;
	char *after;

	s->env.progress = lose_journal;
	assert_int_equal(stage_make_attach(s, &id, &err), -EINTR);
	assert_int_equal(err.kind, PT_ERROR_INTERRUPTED);
	stage_says(&err, "no such table: step");
	stage_says(&err, "everything was put back, but that could not be noted in the journal");
	after = stage_text(s);
	assert_string_equal(before, after);
	free(after);

	/* the journal is back; to it the change looks cut off, and nothing needs to be done */
	with_db(s, "ALTER TABLE lost RENAME TO step; UPDATE change SET pid = 1, pid_start = 1, state = 'open'");
	assert_int_equal(pt_change_recover(&s->env, &settled, &err), 0);
	assert_int_equal(settled, 1);
	assert_int_equal(stage_state_of(s, id), PT_CHANGE_FAILED);
	after = stage_text(s);
	assert_string_equal(before, after);
	free(after);
	free(before);
}

static void a_plan_with_a_refusal_is_not_applied(void **state)
{
	struct stage *s = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };
	long long id;

	stage_attach(s, &plan);
	pt_findings_add(&plan.findings, PT_FAIL, "mounted", NULL, NULL, "sda is mounted on /")->forceable = true;
	assert_int_equal(pt_change_apply(&s->env, &plan, &id, &err), -EPERM);
	assert_string_equal(err.msg, "sda is mounted on /");
	assert_string_equal(err.refusal, "mounted");
}

static void a_reservation_that_was_there_before_stays_after_undo(void **state)
{
	struct stage *s = *state;
	struct pt_error err = { 0 };
	struct pt_reservation r = { s->hba->bdf, 0x1000, 0x79, 0x1028, 0x1f49, "vfio-pci", NULL, 0 };
	char *before;
	char *after;

	assert_int_equal(pt_reserve_write(&s->host, &r, NULL, &err), 0);
	before = stage_text(s);
	(void)stage_attached(s);
	assert_int_equal(stage_make_undo(s, 0, &err), 0);
	after = stage_text(s);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, stage_teardown)

/* two at once with the same device: the second looked while the first was in its middle */
static void a_plan_from_the_middle_of_another_change_is_stale_when_that_one_ends(void **state)
{
	struct stage *s = *state;
	struct pt_error err = { 0 };
	long long id = 0;
	long long as_of = 0;

	assert_int_equal(pt_change_as_of(s->env.journal, &as_of, &err), 0);
	assert_int_equal(as_of, 1);
	s->env.as_of = as_of;
	/* its own is none of those that came meanwhile */
	assert_int_equal(stage_make_attach(s, &id, &err), 0);
	assert_int_equal(pt_change_as_of(s->env.journal, &as_of, &err), 0);
	assert_int_equal(as_of, 2);
	/* a plan that was made before it */
	assert_int_equal(stage_make_undo(s, id, &err), -ESTALE);
	stage_says(&err, "change 1 (attach 0000:01:00.0 to cvm) was made meanwhile");
	s->env.as_of = as_of;
	assert_int_equal(stage_make_undo(s, id, &err), 0);
}

static void what_is_open_now_counts_as_still_to_come(void **state)
{
	struct stage *s = *state;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_owner self = { 0 };
	struct pt_error err = { 0 };
	long long id = 0;
	long long as_of = 0;

	stage_attach(s, &plan);
	assert_int_equal(pt_owner_self(s->root.proc_fd, &self, &err), 0);
	assert_int_equal(pt_journal_begin(s->env.journal, &plan, &self, &id, &err), 0);
	assert_int_equal(pt_change_as_of(s->env.journal, &as_of, &err), 0);
	assert_int_equal(as_of, id);
	assert_int_equal(pt_journal_finish(s->env.journal, id, PT_CHANGE_FAILED, "no", &err), 0);
	s->env.as_of = as_of;
	assert_int_equal(stage_make_attach(s, &id, &err), -ESTALE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_plan_from_the_middle_of_another_change_is_stale_when_that_one_ends),
		TEST(what_is_open_now_counts_as_still_to_come),
		TEST(a_vm_that_was_shut_off_meanwhile_is_noticed),
		TEST(a_definition_that_was_edited_meanwhile_is_noticed),
		TEST(another_driver_is_noticed),
		TEST(another_override_is_noticed),
		TEST(another_card_is_noticed),
		TEST(a_card_that_is_gone_is_noticed),
		TEST(a_managed_save_image_is_refused_by_name),
		TEST(autostart_that_is_on_already_is_noticed),
		TEST(a_vm_that_is_gone_is_noticed),
		TEST(a_guest_that_ignores_its_shutdown_is_left_running),
		TEST(a_guest_that_ignores_its_shutdown_is_forced_off_when_allowed),
		TEST(a_guest_that_shuts_down_too_late_runs_again),
		TEST(an_interrupt_takes_everything_back),
		TEST(the_original_definition_is_kept_as_a_file),
		TEST(what_another_change_has_in_its_hands_is_refused),
		TEST(what_a_dead_change_left_is_refused_until_recovered),
		TEST(a_change_of_another_vm_is_in_nobodys_way),
		TEST(the_lock_names_who_has_it),
		TEST(a_dead_process_does_not_hold_the_lock),
		TEST(recover_knows_its_own_definition_by_its_devices),
		TEST(without_libvirt_only_what_has_no_vm_is_recovered),
		TEST(recover_leaves_an_edit_of_somebody_else_alone),
		TEST(what_cannot_be_noted_is_taken_back_all_the_same),
		TEST(a_plan_with_a_refusal_is_not_applied),
		TEST(a_reservation_that_was_there_before_stays_after_undo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
