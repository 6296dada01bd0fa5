/* SPDX-License-Identifier: Apache-2.0 */
/* Against libvirt's own test driver: a hypervisor in this process's memory, new with each connection. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libvirt/libvirt.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "tree.h"
#include "vm/conn.h"
#include "vm/far.h"
#include "vm/libvirt.h"
#include "vm/now.h"

#define TEST_URI  "test:///default"
#define TEST_UUID "6695eb01-f6a4-8304-79aa-97f2502e193f"

struct fixture {
	struct tree *t;
	struct pt_vm_conn *conn;
	struct pt_vm_ops ops;
};

static int setup(void **state)
{
	struct fixture *f = pt_alloc(sizeof(*f));

	f->t = tree_new();
	assert_int_equal(pt_vm_open(&f->t->root, TEST_URI, false, &f->conn, NULL), 0);
	pt_vm_ops_init(f->conn, &f->ops);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pt_vm_close(f->conn);
	tree_free(f->t);
	free(f);
	return 0;
}

static void a_vm_is_found_by_name_uuid_and_number(void **state)
{
	static const char *const names[] = { "test", TEST_UUID, "1" };
	struct fixture *f = *state;

	for (size_t i = 0; i < 3; i++) {
		PT_AUTO(pt_domain) d = { 0 };

		assert_int_equal(pt_vm_find(f->conn, names[i], &d, NULL), 0);
		assert_string_equal(d.name, "test");
		assert_string_equal(d.uuid, TEST_UUID);
		assert_int_equal(d.state, PT_DOMAIN_RUNNING);
		assert_true(d.persistent);
		assert_int_equal(d.disks.n, 1);
	}
}

static void an_unknown_vm_is_a_usage_error_that_offers_the_names(void **state)
{
	struct fixture *f = *state;
	struct pt_domain d = { 0 };
	struct pt_error err = { 0 };

	assert_int_equal(pt_vm_find(f->conn, "TEST1", &d, &err), -ENOENT);
	assert_int_equal(err.kind, PT_ERROR_USAGE);
	assert_string_equal(err.msg, "there is no VM 'TEST1' at test:///default");
	assert_string_equal(err.hint, "there is only test");
	assert_int_equal(pt_vm_find(f->conn, "", &d, &err), -ENOENT);
	assert_int_equal(pt_vm_find(f->conn, "-1", &d, &err), -ENOENT);
	assert_int_equal(pt_vm_find(f->conn, "99999999999999999999", &d, &err), -ENOENT);
}

static void the_list_leaves_out_the_vm_in_question(void **state)
{
	struct fixture *f = *state;
	PT_AUTO(pt_domains) all = { 0 };
	PT_AUTO(pt_domains) others = { 0 };

	assert_int_equal(pt_vm_list(f->conn, NULL, &all, NULL), 0);
	assert_int_equal(all.n, 1);
	assert_int_equal(pt_vm_list(f->conn, TEST_UUID, &others, NULL), 0);
	assert_int_equal(others.n, 0);
}

static void a_stopped_vm_is_off_and_a_started_one_is_alive(void **state)
{
	struct fixture *f = *state;
	enum pt_domain_state now;
	struct pt_error err = { 0 };

	assert_int_equal(f->ops.stop(f->ops.ctx, TEST_UUID, 5000, false, &err), 0);
	assert_int_equal(f->ops.state(f->ops.ctx, TEST_UUID, &now, &err), 0);
	assert_int_equal(now, PT_DOMAIN_SHUTOFF);
	assert_int_equal(f->ops.alive(f->ops.ctx, TEST_UUID, &err), 0);
	assert_string_equal(err.msg, "test does not run: it shut itself down");
	assert_int_equal(f->ops.stop(f->ops.ctx, TEST_UUID, 5000, false, &err), 0);
	assert_int_equal(f->ops.start(f->ops.ctx, TEST_UUID, &err), 0);
	assert_int_equal(f->ops.alive(f->ops.ctx, TEST_UUID, &err), 1);
	assert_int_equal(f->ops.start(f->ops.ctx, TEST_UUID, &err), 0);
}

static void a_forced_stop_says_so_when_asked_why(void **state)
{
	struct fixture *f = *state;
	struct pt_error err = { 0 };

	tree_file(f->t, "var/log/libvirt/qemu/test.log",
		  "2026-01-01 00:00:00.000+0000: starting up libvirt version: 11.3.0\nold: cause\n"
		  "2026-01-02 00:00:00.000+0000: starting up libvirt version: 11.3.0\nLC_ALL=C \\\n/usr/bin/qemu \\\n"
		  "-name guest=test \\\nqemu: vfio 0000:01:00.0: \033[31mcannot\n"
		  "2026-01-02 00:00:01.000+0000: shutting down, reason=failed\n");
	assert_int_equal(f->ops.stop(f->ops.ctx, TEST_UUID, 0, true, &err), 0);
	assert_int_equal(f->ops.alive(f->ops.ctx, TEST_UUID, &err), 0);
	assert_string_equal(err.msg, "test does not run: it was forced off; QEMU's log says: qemu: vfio 0000:01:00.0: ?"
				     "[31mcannot");
}

static void a_definition_survives_being_written_back(void **state)
{
	struct fixture *f = *state;
	pt_autofree char *before = NULL;
	pt_autofree char *after = NULL;
	struct pt_error err = { 0 };

	assert_int_equal(f->ops.get_xml(f->ops.ctx, TEST_UUID, &before, &err), 0);
	assert_int_equal(f->ops.define(f->ops.ctx, TEST_UUID, before, &err), 0);
	assert_int_equal(f->ops.get_xml(f->ops.ctx, TEST_UUID, &after, &err), 0);
	assert_string_equal(before, after);
}

/* in an XML from get_xml(): replace a word that occurs once */
static char *with(const char *xml, const char *old, const char *new)
{
	const char *at = strstr(xml, old);

	assert_non_null(at);
	return pt_strf("%.*s%s%s", (int)(at - xml), xml, new, at + strlen(old));
}

static void a_definition_of_another_vm_is_not_written(void **state)
{
	struct fixture *f = *state;
	pt_autofree char *xml = NULL;
	pt_autofree char *renamed = NULL;
	pt_autofree char *other = NULL;
	PT_AUTO(pt_domains) all = { 0 };
	struct pt_error err = { 0 };

	assert_int_equal(f->ops.get_xml(f->ops.ctx, TEST_UUID, &xml, &err), 0);
	renamed = with(xml, "<name>test</name>", "<name>second</name>");
	assert_int_equal(f->ops.define(f->ops.ctx, TEST_UUID, renamed, &err), -EINVAL);
	other = with(xml, "6695eb01", "6695eb02");
	assert_int_equal(f->ops.define(f->ops.ctx, TEST_UUID, other, &err), -EINVAL);
	assert_int_equal(pt_vm_list(f->conn, NULL, &all, NULL), 0);
	assert_int_equal(all.n, 1);
}

static void what_libvirt_refuses_is_told_in_its_words(void **state)
{
	struct fixture *f = *state;
	pt_autofree char *xml = NULL;
	pt_autofree char *bad = NULL;
	struct pt_error err = { 0 };

	assert_int_equal(f->ops.get_xml(f->ops.ctx, TEST_UUID, &xml, &err), 0);
	bad = with(xml, "<type arch='i686'>hvm</type>", "<type arch='z80'>hvm</type>");
	assert_true(f->ops.define(f->ops.ctx, TEST_UUID, bad, &err) < 0);
	assert_non_null(strstr(err.msg, "libvirt does not take the new definition of test: "));
	assert_non_null(strstr(err.msg, "z80"));
}

static void a_volume_of_a_pool_is_a_path_too(void **state)
{
	static const char volume[] = "<disk type='volume' device='disk'><source pool='default-pool' volume='v1'/>"
				     "<target dev='vdb' bus='virtio'/></disk>"
				     "<disk type='volume' device='disk'><source pool='no' volume='v1'/>"
				     "<target dev='vdc' bus='virtio'/></disk></devices>";
	struct fixture *f = *state;
	pt_autofree char *xml = NULL;
	pt_autofree char *more = NULL;
	PT_AUTO(pt_domain) d = { 0 };
	virConnectPtr conn = virConnectOpen(TEST_URI);
	virStoragePoolPtr pool = virStoragePoolLookupByName(conn, "default-pool");
	virStorageVolPtr made =
		virStorageVolCreateXML(pool, "<volume><name>v1</name><capacity>1</capacity></volume>", 0);

	assert_non_null(made);
	(void)virStorageVolFree(made);
	(void)virStoragePoolFree(pool);
	(void)virConnectClose(conn);
	assert_int_equal(f->ops.get_xml(f->ops.ctx, TEST_UUID, &xml, NULL), 0);
	more = with(xml, "</devices>", volume);
	assert_int_equal(f->ops.define(f->ops.ctx, TEST_UUID, more, NULL), 0);
	assert_int_equal(pt_vm_find(f->conn, "test", &d, NULL), 0);
	assert_int_equal(d.disks.n, 3);
	assert_true(pt_strv_has(&d.disks.v[1].also, "/default-pool/v1"));
	assert_int_equal(d.disks.v[2].also.n, 0);
}

static void autostart_is_read_and_written(void **state)
{
	struct fixture *f = *state;
	bool on = true;
	struct pt_error err = { 0 };

	assert_int_equal(f->ops.autostart(f->ops.ctx, TEST_UUID, -1, &on, &err), 0);
	assert_false(on);
	assert_int_equal(f->ops.autostart(f->ops.ctx, TEST_UUID, 1, NULL, &err), 0);
	assert_int_equal(f->ops.autostart(f->ops.ctx, TEST_UUID, -1, &on, &err), 0);
	assert_true(on);
}

static void a_vm_that_does_not_exist_is_named_by_its_uuid(void **state)
{
	struct fixture *f = *state;
	char *xml = NULL;
	struct pt_error err = { 0 };

	assert_int_equal(f->ops.get_xml(f->ops.ctx, "00000000-0000-0000-0000-000000000001", &xml, &err), -ENOENT);
	assert_string_equal(err.msg, "there is no VM with UUID 00000000-0000-0000-0000-000000000001 any more");
	assert_null(xml);
}

static void only_a_running_vm_has_a_live_definition(void **state)
{
	struct fixture *f = *state;
	PT_AUTO(pt_domain) live = { 0 };
	struct pt_domain none = { 0 };
	struct pt_error err = { 0 };

	assert_int_equal(pt_vm_live(f->conn, TEST_UUID, &live, &err), 0);
	assert_string_equal(live.name, "test");
	assert_int_equal(f->ops.stop(f->ops.ctx, TEST_UUID, 5000, false, &err), 0);
	assert_int_equal(pt_vm_live(f->conn, TEST_UUID, &none, &err), -ENOTCONN);
}

static void what_a_vm_runs_with_counts_though_its_definition_says_otherwise(void **state)
{
	struct fixture *f = *state;
	pt_autofree char *xml = NULL;
	pt_autofree char *edited = NULL;
	PT_AUTO(pt_domains) all = { 0 };
	size_t running = 0;
	size_t next = 0;

	assert_int_equal(f->ops.get_xml(f->ops.ctx, TEST_UUID, &xml, NULL), 0);
	edited = with(xml, "/guest/diskimage1", "/guest/diskimage2");
	assert_int_equal(f->ops.define(f->ops.ctx, TEST_UUID, edited, NULL), 0);
	assert_int_equal(pt_vm_list(f->conn, NULL, &all, NULL), 0);
	for (size_t i = 0; i < all.v[0].disks.n; i++) {
		running += pt_streq(all.v[0].disks.v[i].source, "/guest/diskimage1");
		next += pt_streq(all.v[0].disks.v[i].source, "/guest/diskimage2");
	}
	assert_int_equal(running, 1);
	assert_int_equal(next, 1);
}

static int stop_waiting(void *ctx)
{
	(*(int *)ctx)++;
	return 1;
}

static void checkpoints_are_counted_and_what_a_driver_lacks_is_none(void **state)
{
	static const char checkpoint[] = "<domaincheckpoint><name>c</name></domaincheckpoint>";
	struct fixture *f = *state;
	PT_AUTO(pt_migrate_now) now = { 0 };
	PT_AUTO(pt_migrate_now) then = { 0 };
	PT_AUTO(pt_domain) live = { 0 };
	virDomainPtr dom = virDomainLookupByUUIDString(f->conn->conn, TEST_UUID);
	virDomainCheckpointPtr c;

	assert_int_equal(pt_vm_live(f->conn, TEST_UUID, &live, NULL), 0);
	assert_int_equal(pt_vm_now_holds(f->conn, TEST_UUID, &live, &now, NULL), 0);
	assert_int_equal(now.checkpoints, 0);
	assert_null(now.job);
	assert_int_equal(now.block_jobs.n, 0);
	assert_int_equal(now.silent.n, 0);
	c = virDomainCheckpointCreateXML(dom, checkpoint, 0);
	assert_non_null(c);
	(void)virDomainCheckpointFree(c);
	(void)virDomainFree(dom);
	assert_int_equal(pt_vm_now_holds(f->conn, TEST_UUID, &live, &then, NULL), 0);
	assert_int_equal(then.checkpoints, 1);
}

static void a_wait_can_be_broken_off(void **state)
{
	struct fixture *f = *state;
	struct pt_error err = { 0 };
	int calls = 0;

	pt_vm_set_poll(f->conn, stop_waiting, &calls);
	assert_int_equal(f->ops.stop(f->ops.ctx, TEST_UUID, 60000, false, &err), -EINTR);
	assert_int_equal(calls, 1);
}

static void who_may_only_read_is_told_so(void **state)
{
	struct fixture *f = *state;
	struct pt_vm_conn *conn = NULL;
	struct pt_vm_ops ops;
	struct pt_error err = { 0 };

	assert_int_equal(pt_vm_open(&f->t->root, TEST_URI, true, &conn, &err), 0);
	pt_vm_ops_init(conn, &ops);
	assert_int_equal(ops.stop(ops.ctx, TEST_UUID, 1000, true, &err), -EPERM);
	pt_vm_close(conn);
	assert_int_equal(err.kind, PT_ERROR_USAGE);
	assert_non_null(strstr(err.msg, "cannot force test off"));
	assert_non_null(strstr(err.hint, "as root"));
}

static void a_libvirt_that_does_not_answer_names_what_to_start(void **state)
{
	struct fixture *f = *state;
	struct pt_vm_conn *conn = NULL;
	struct pt_error err = { 0 };
	pt_autofree char *uri = pt_strf("qemu:///system?socket=%s/none", f->t->path);

	tree_file(f->t, "usr/sbin/libvirtd", "");
	assert_int_equal(pt_vm_open(&f->t->root, uri, false, &conn, &err), -ECONNREFUSED);
	assert_int_equal(err.kind, PT_ERROR_USAGE);
	assert_non_null(strstr(err.msg, "No such file or directory"));
	assert_non_null(strstr(err.hint, "systemctl start libvirtd"));

	tree_file(f->t, "usr/lib/systemd/system/virtqemud.service", "");
	tree_file(f->t, "etc/systemd/system/sockets.target.wants/virtqemud.socket", "");
	assert_true(pt_vm_open(&f->t->root, uri, false, &conn, &err) < 0);
	assert_non_null(strstr(err.hint, "systemctl start virtqemud.socket"));
	assert_null(conn);
}

static void a_host_without_libvirt_is_told_what_to_install(void **state)
{
	struct fixture *f = *state;
	struct pt_vm_conn *conn = NULL;
	struct pt_error err = { 0 };
	pt_autofree char *uri = pt_strf("qemu:///system?socket=%s/none", f->t->path);

	assert_true(pt_vm_open(&f->t->root, uri, false, &conn, &err) < 0);
	assert_non_null(strstr(err.hint, "apt install libvirt-daemon-system"));
}

static void versions_are_told(void **state)
{
	struct fixture *f = *state;
	struct pt_vm_version v = { 0 };

	assert_int_equal(pt_vm_version_read(f->conn, &v, NULL), 0);
	assert_string_equal(v.uri, TEST_URI);
	assert_string_equal(v.type, "TEST");
	assert_non_null(strchr(v.libvirt, '.'));
	pt_vm_version_done(&v);
}

static void a_uri_with_a_host_in_it_is_not_local(void **state)
{
	assert_true(pt_vm_uri_is_local(NULL));
	assert_true(pt_vm_uri_is_local("qemu:///system"));
	assert_true(pt_vm_uri_is_local("qemu+unix:///system?socket=/run/x"));
	assert_false(pt_vm_uri_is_local("qemu+ssh://root@other/system"));
	assert_false(pt_vm_uri_is_local("qemu://localhost/system"));
	assert_false(pt_vm_uri_is_local("qemu"));
}

#define MOVER "11111111-2222-3333-4444-555555555555"

/* a host of its own, with the one VM in that state; its URI, which the caller frees */
static char *host_with(struct fixture *f, const char *name, int state)
{
	pt_autofree char *text =
		pt_strf("<node><domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
			"<name>mover</name><uuid>" MOVER "</uuid><memory>65536</memory><os><type>hvm</type></os>"
			"<test:runstate>%d</test:runstate></domain></node>",
			state);

	tree_file(f->t, name, text);
	return pt_strf("test://%s/%s", f->t->path, name);
}

/* from now on this host is one with the VM in that state */
static void move_from(struct fixture *f, int state)
{
	pt_autofree char *uri = host_with(f, "here.xml", state);
	struct pt_error err = { 0 };

	pt_vm_close(f->conn);
	f->conn = NULL;
	if (pt_vm_open(&f->t->root, uri, false, &f->conn, &err) < 0)
		fail_msg("%s", err.msg);
	pt_vm_ops_init(f->conn, &f->ops);
	f->conn->calm_ms = 100;
}

static int settled(struct fixture *f, int there, struct pt_error *err)
{
	struct pt_migrate_to to = { .uri = host_with(f, "there.xml", there) };
	pt_autofree char *doubt = NULL;
	int r;

	*err = (struct pt_error){ 0 };
	r = f->ops.settle(f->conn, MOVER, &to, &doubt, err);
	assert_null(doubt);
	free(to.uri);
	return r;
}

/* nobody listens there */
static char nowhere[] = "qemu+tcp://127.0.0.1:1/system";

static int settled_alone(struct fixture *f, char **ret_doubt, struct pt_error *err)
{
	struct pt_migrate_to to = { .uri = nowhere };

	*err = (struct pt_error){ 0 };
	pt_vm_set_patience(f->conn, 0);
	return f->ops.settle(f->conn, MOVER, &to, ret_doubt, err);
}

static void a_vm_that_is_off_here_is_where_it_is_active(void **state)
{
	struct fixture *f = *state;
	struct pt_error err;

	move_from(f, VIR_DOMAIN_SHUTOFF);
	assert_int_equal(settled(f, VIR_DOMAIN_RUNNING, &err), 1);
	assert_int_equal(settled(f, VIR_DOMAIN_SHUTOFF, &err), 0);
}

/* it may be let run there at any time: to start it here would make two of it */
static void a_vm_that_is_paused_there_is_not_here(void **state)
{
	struct fixture *f = *state;
	struct pt_error err;

	move_from(f, VIR_DOMAIN_SHUTOFF);
	assert_int_equal(settled(f, VIR_DOMAIN_PAUSED, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "the VM does not run here, and is paused at test:///"));
	assert_non_null(strstr(err.hint, "do not start it here"));
	assert_int_equal(settled(f, VIR_DOMAIN_PMSUSPENDED, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "is active, but does not run, at test:///"));
}

/* a connection that broke while that host was told to let it run: libvirt lets it run on here, too */
static void a_vm_that_runs_here_is_looked_for_there_too(void **state)
{
	struct fixture *f = *state;
	pt_autofree char *doubt = NULL;
	struct pt_error err;

	move_from(f, VIR_DOMAIN_RUNNING);
	assert_int_equal(settled(f, VIR_DOMAIN_SHUTOFF, &err), 0);
	assert_int_equal(settled(f, VIR_DOMAIN_RUNNING, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "the VM runs here AND at test:///"));
	/* a host that is down holds nothing up, but that is said */
	assert_int_equal(settled_alone(f, &doubt, &err), 0);
	assert_non_null(strstr(doubt, "that it does not run at qemu+tcp://127.0.0.1:1/system, too, is not certain"));
}

static void a_vm_that_is_off_here_is_not_here_before_the_other_host_has_answered(void **state)
{
	struct fixture *f = *state;
	pt_autofree char *doubt = NULL;
	struct pt_error err;

	move_from(f, VIR_DOMAIN_SHUTOFF);
	assert_int_equal(settled_alone(f, &doubt, &err), -EHOSTUNREACH);
	assert_non_null(strstr(err.msg, "cannot be told: cannot reach libvirt at qemu+tcp://127.0.0.1:1/system"));
	assert_non_null(strstr(err.hint, "--give-up"));
}

/* it had arrived, and its guest was shut down before anybody looked */
static void a_vm_that_is_gone_from_here_and_off_there_has_moved(void **state)
{
	struct fixture *f = *state;
	struct pt_migrate_to to = { .uri = host_with(f, "there.xml", VIR_DOMAIN_SHUTOFF) };
	pt_autofree char *doubt = NULL;
	struct pt_error err = { 0 };

	/* the driver's own host has no such VM */
	assert_int_equal(f->ops.settle(f->conn, MOVER, &to, &doubt, &err), 1);
	free(to.uri);
}

/* another host that takes its time is not waited for */
static int talk_long(struct pt_vm_conn *there, void *said, struct pt_error *err)
{
	(void)there;
	(void)said;
	(void)err;
	(void)usleep(700000);
	return 7;
}

static int asked_often(void *ctx)
{
	unsigned *n = ctx;

	return ++*n > 2;
}

static void who_does_not_answer_is_not_waited_for(void **state)
{
	struct fixture *f = *state;
	unsigned n = 0;
	struct pt_far_talk talk = { .uri = "test:///default", .talk = talk_long };
	struct pt_error err = { 0 };
	void *said = NULL;

	talk.said = pt_strdup("kept");
	talk.done = free;
	assert_int_equal(pt_far(&f->t->root, &talk, 200, &said, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.msg, "libvirt at test:///default has not answered within 0 seconds"));
	assert_null(said);
	talk.said = NULL;
	talk.poll = asked_often;
	talk.poll_ctx = &n;
	assert_int_equal(pt_far(&f->t->root, &talk, 5000, &said, &err), -EINTR);
	/* while the host is there it may take as long as it does */
	talk.poll = NULL;
	talk.said = pt_strdup("kept");
	assert_int_equal(pt_far_long(&f->t->root, &talk, 200, 60000, &said, &err), 7);
	assert_string_equal(said, "kept");
	free(said);
	talk.uri = nowhere;
	talk.said = NULL;
	assert_int_equal(pt_far(&f->t->root, &talk, 5000, NULL, &err), -ECONNREFUSED);
	assert_non_null(strstr(err.msg, "cannot reach libvirt at qemu+tcp://127.0.0.1:1"));
	/* the late ones end before what they use is taken away */
	(void)sleep(1);
}

/* what is left of it here is ended: its autostart, its definition */
static void a_vm_that_runs_elsewhere_is_not_left_defined_here(void **state)
{
	struct fixture *f = *state;
	char uri[] = "test:///there";
	struct pt_migrate_to to = { .uri = uri };
	enum pt_domain_state now;
	bool autostart = false;
	struct pt_error err = { 0 };

	move_from(f, VIR_DOMAIN_SHUTOFF);
	assert_int_equal(f->ops.autostart(f->conn, MOVER, 1, &autostart, NULL), 0);
	assert_true(autostart);
	if (f->ops.leave(f->conn, MOVER, &to, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(f->ops.state(f->conn, MOVER, &now, NULL), -ENOENT);
	/* and again */
	assert_int_equal(f->ops.leave(f->conn, MOVER, &to, &err), 0);
}

static void a_vm_that_somebody_paused_here_is_not_ended(void **state)
{
	struct fixture *f = *state;
	char uri[] = "test:///there";
	struct pt_migrate_to to = { .uri = uri };
	bool autostart = false;
	struct pt_error err = { 0 };

	move_from(f, VIR_DOMAIN_PAUSED);
	assert_int_equal(f->ops.autostart(f->conn, MOVER, 1, &autostart, NULL), 0);
	assert_int_equal(f->ops.leave(f->conn, MOVER, &to, &err), -EBUSY);
	assert_non_null(strstr(err.msg,
			       "the VM runs at test:///there, and not all of it is gone from here: mover is still "
			       "active here"));
	assert_non_null(strstr(err.hint, "do not resume it"));
	/* whatever else: no boot starts it */
	assert_int_equal(f->ops.autostart(f->conn, MOVER, -1, &autostart, NULL), 0);
	assert_false(autostart);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_vm_is_found_by_name_uuid_and_number, setup, teardown),
		cmocka_unit_test_setup_teardown(an_unknown_vm_is_a_usage_error_that_offers_the_names, setup, teardown),
		cmocka_unit_test_setup_teardown(the_list_leaves_out_the_vm_in_question, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stopped_vm_is_off_and_a_started_one_is_alive, setup, teardown),
		cmocka_unit_test_setup_teardown(a_forced_stop_says_so_when_asked_why, setup, teardown),
		cmocka_unit_test_setup_teardown(a_definition_survives_being_written_back, setup, teardown),
		cmocka_unit_test_setup_teardown(a_definition_of_another_vm_is_not_written, setup, teardown),
		cmocka_unit_test_setup_teardown(what_libvirt_refuses_is_told_in_its_words, setup, teardown),
		cmocka_unit_test_setup_teardown(a_volume_of_a_pool_is_a_path_too, setup, teardown),
		cmocka_unit_test_setup_teardown(autostart_is_read_and_written, setup, teardown),
		cmocka_unit_test_setup_teardown(a_vm_that_does_not_exist_is_named_by_its_uuid, setup, teardown),
		cmocka_unit_test_setup_teardown(only_a_running_vm_has_a_live_definition, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_vm_runs_with_counts_though_its_definition_says_otherwise, setup,
						teardown),
		cmocka_unit_test_setup_teardown(checkpoints_are_counted_and_what_a_driver_lacks_is_none, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_wait_can_be_broken_off, setup, teardown),
		cmocka_unit_test_setup_teardown(who_may_only_read_is_told_so, setup, teardown),
		cmocka_unit_test_setup_teardown(a_libvirt_that_does_not_answer_names_what_to_start, setup, teardown),
		cmocka_unit_test_setup_teardown(a_host_without_libvirt_is_told_what_to_install, setup, teardown),
		cmocka_unit_test_setup_teardown(versions_are_told, setup, teardown),
		cmocka_unit_test(a_uri_with_a_host_in_it_is_not_local),
		cmocka_unit_test_setup_teardown(a_vm_that_is_off_here_is_where_it_is_active, setup, teardown),
		cmocka_unit_test_setup_teardown(a_vm_that_is_paused_there_is_not_here, setup, teardown),
		cmocka_unit_test_setup_teardown(a_vm_that_runs_here_is_looked_for_there_too, setup, teardown),
		cmocka_unit_test_setup_teardown(a_vm_that_is_off_here_is_not_here_before_the_other_host_has_answered,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_vm_that_is_gone_from_here_and_off_there_has_moved, setup, teardown),
		cmocka_unit_test_setup_teardown(who_does_not_answer_is_not_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(a_vm_that_runs_elsewhere_is_not_left_defined_here, setup, teardown),
		cmocka_unit_test_setup_teardown(a_vm_that_somebody_paused_here_is_not_ended, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
