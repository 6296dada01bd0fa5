/* SPDX-License-Identifier: Apache-2.0 */
/* Replies recorded from qemu-ga 7.2 and 10.0 in Linux guests and as QEMU documents them for Windows, and broken ones.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "vm/agent.h"
#include "vm/reply.h"

/* an agent that answers from a script: command and reply, in the order in which they must be asked */
struct script {
	const char *const (*lines)[2];
	size_t n;
	size_t at;
};

static int answer(void *ctx, const char *command, int timeout_s, char **ret_reply, struct pt_error *err)
{
	struct script *s = ctx;

	assert_true(timeout_s > 0);
	assert_true(s->at < s->n);
	assert_non_null(strstr(command, s->lines[s->at][0]));
	if (!s->lines[s->at][1]) {
		s->at++;
		return pt_say(err, -ETIMEDOUT, "guest agent is not responding");
	}
	*ret_reply = pt_strdup(s->lines[s->at++][1]);
	return 0;
}

static void ask(const char *const (*lines)[2], size_t n, struct pt_guest *guest)
{
	struct script s = { lines, n, 0 };

	pt_agent_ask(&(struct pt_agent){ &s, answer }, guest);
	assert_int_equal(s.at, n);
}

#define INFO(commands) "{\"return\":{\"version\":\"10.0.0\",\"supported_commands\":[" commands "]}}"
#define CAN(name)      "{\"enabled\":true,\"name\":\"" name "\",\"success-response\":true}"
#define CANNOT(name)   "{\"enabled\":false,\"name\":\"" name "\",\"success-response\":true}"

/* "0010\t80861237\t0…" for 00:02.0 without a driver, and 1000:0079 at 0b:00.0 on megaraid_sas */
#define TABLE_B64                                                                                                      \
	"MDAxMAk4MDg2MTIzNwkwCTAJMAkwCTAJMAkwCTAJMAkwCTAJMAkwCTAJMAkKMGIwMAkx"                                         \
	"MDAwMDA3OQliCTAJMAkwCTAJMAkwCTAJMAkwCTAJMAkwCTAJMAltZWdhcmFpZF9zYXMK"

static void a_linux_guest_tells_disks_interfaces_and_drivers(void **state)
{
	static const char *const lines[][2] = {
		{ "guest-ping", "{\"return\":{}}" },
		{ "guest-info",
		  INFO(CAN("guest-get-osinfo") "," CAN("guest-get-disks") "," CAN(
			  "guest-network-get-"
			  "interfaces") "," CAN("guest-file-open") "," CAN("guest-file-read") "," CAN("guest-file-"
												      "close")) },
		{ "guest-get-osinfo", "{\"return\":{\"id\":\"debian\",\"pretty-name\":\"Debian GNU/Linux 12\"}}" },
		{ "guest-get-disks",
		  "{\"return\":[{\"name\":\"/dev/sda1\",\"dependencies\":[\"/dev/sda\"],\"partition\":true},"
		  "{\"name\":\"/dev/sda\",\"partition\":false,\"address\":{\"serial\":\"35002538e00000001\","
		  "\"bus-type\":\"scsi\",\"bus\":0,\"unit\":0,\"target\":0,\"dev\":\"/dev/sda\","
		  "\"pci-controller\":{\"bus\":11,\"slot\":0,\"domain\":0,\"function\":0}}},"
		  "{\"name\":\"/dev/ram0\",\"partition\":false,\"address\":{\"bus-type\":\"unknown\",\"bus\":-1,"
		  "\"pci-controller\":{\"bus\":-1,\"slot\":-1,\"domain\":-1,\"function\":-1}}}]}" },
		{ "guest-network-get-interfaces",
		  "{\"return\":[{\"name\":\"lo\",\"hardware-address\":\"00:00:00:00:00:00\"},"
		  "{\"name\":\"ens5\",\"hardware-address\":\"52:54:00:00:00:01\"},{\"name\":\"sit0\"}]}" },
		{ "/proc/bus/pci/devices", "{\"return\":1000}" },
		{ "\"handle\":1000", "{\"return\":{\"count\":123,\"buf-b64\":\"" TABLE_B64 "\",\"eof\":false}}" },
		{ "\"handle\":1000", "{\"return\":{\"count\":0,\"buf-b64\":\"\",\"eof\":true}}" },
		{ "guest-file-close", "{\"return\":{}}" },
	};
	PT_AUTO(pt_guest) g = { 0 };

	ask(lines, sizeof(lines) / sizeof(*lines), &g);
	assert_null(g.silent);
	assert_string_equal(g.os, "Debian GNU/Linux 12");
	assert_null(g.disks_unknown);
	assert_int_equal(g.disks.n, 2);
	assert_string_equal(g.disks.v[0].name, "/dev/sda");
	assert_string_equal(g.disks.v[0].serial, "35002538e00000001");
	assert_true(g.disks.v[0].has_controller);
	assert_int_equal(g.disks.v[0].controller.bus, 11);
	assert_false(g.disks.v[1].has_controller);
	assert_null(g.disks.v[1].serial);
	assert_int_equal(g.nics.n, 2);
	assert_string_equal(g.nics.v[1].mac, "52:54:00:00:00:01");
	assert_null(g.functions_unknown);
	assert_int_equal(g.functions.n, 2);
	assert_null(g.functions.v[0].driver);
	assert_int_equal(g.functions.v[0].bdf.slot, 2);
	assert_int_equal(g.functions.v[1].vendor, 0x1000);
	assert_int_equal(g.functions.v[1].device, 0x79);
	assert_int_equal(g.functions.v[1].bdf.bus, 11);
	assert_string_equal(g.functions.v[1].driver, "megaraid_sas");
}

static void a_windows_guest_tells_its_drivers_itself(void **state)
{
	static const char *const lines[][2] = {
		{ "guest-ping", "{\"return\":{}}" },
		{ "guest-info", INFO(CAN("guest-get-devices")) },
		{ "guest-get-devices",
		  "{\"return\":[{\"driver-date\":1,\"driver-name\":\"MegaSAS2\",\"driver-version\":\"6.7\",\"id\":"
		  "{\"device-id\":121,\"type\":\"pci\",\"vendor-id\":4096}},{\"driver-name\":\"none\"},"
		  "{\"driver-name\":\"x\",\"id\":{\"type\":\"pci\",\"vendor-id\":99999,\"device-id\":1}}]}" },
	};
	PT_AUTO(pt_guest) g = { 0 };

	ask(lines, 3, &g);
	assert_int_equal(g.functions.n, 1);
	assert_string_equal(g.functions.v[0].driver, "MegaSAS2");
	assert_false(g.functions.v[0].has_bdf);
	assert_string_equal(g.disks_unknown, "its guest agent has no guest-get-disks");
	assert_string_equal(g.nics_unknown, "its guest agent has no guest-network-get-interfaces");
}

static void an_agent_that_may_not_read_files_leaves_the_driver_unknown(void **state)
{
	static const char *const lines[][2] = {
		{ "guest-ping", "{\"return\":{}}" },
		{ "guest-info",
		  INFO(CANNOT("guest-file-open") "," CANNOT("guest-file-read") "," CAN("guest-get-disks")) },
		{ "guest-get-disks", "{\"return\":[]}" },
	};
	PT_AUTO(pt_guest) g = { 0 };

	ask(lines, 3, &g);
	assert_null(g.disks_unknown);
	assert_int_equal(g.disks.n, 0);
	assert_string_equal(g.functions_unknown, "its guest agent may not read files (guest-file-open)");
}

static void an_old_agent_knows_disks_by_their_file_systems(void **state)
{
	static const char *const lines[][2] = {
		{ "guest-ping", "{\"return\":{}}" },
		{ "guest-info", INFO(CAN("guest-get-fsinfo") "," CAN("guest-get-disks")) },
		{ "guest-get-disks", "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"not\\nhere\"}}" },
		{ "guest-get-fsinfo",
		  "{\"return\":[{\"name\":\"sda1\",\"mountpoint\":\"/\",\"disk\":[{\"dev\":\"/dev/"
		  "sda\",\"serial\":\"A1\"}]},"
		  "{\"name\":\"sda2\",\"mountpoint\":\"/x\",\"disk\":[{\"dev\":\"/dev/sda\",\"serial\":\"A1\"}]}]}" },
	};
	PT_AUTO(pt_guest) g = { 0 };

	ask(lines, 4, &g);
	assert_null(g.disks_unknown);
	assert_int_equal(g.disks.n, 1);
	assert_string_equal(g.disks.v[0].serial, "A1");
}

static void an_agent_that_does_not_answer_is_silent_with_the_reason(void **state)
{
	static const char *const lines[][2] = { { "guest-ping", NULL } };
	PT_AUTO(pt_guest) g = { 0 };

	ask(lines, 1, &g);
	assert_string_equal(g.silent, "guest agent is not responding");
	assert_string_equal(g.disks_unknown, g.silent);
}

static void an_agent_that_falls_silent_half_way_is_believed_so_far(void **state)
{
	static const char *const lines[][2] = {
		{ "guest-ping", "{\"return\":{}}" },
		{ "guest-info", INFO(CAN("guest-get-disks") "," CAN("guest-network-get-interfaces")) },
		{ "guest-get-disks", "{\"return\":[{\"name\":\"/dev/vda\",\"partition\":false}]}" },
		{ "guest-network-get-interfaces", NULL },
	};
	PT_AUTO(pt_guest) g = { 0 };

	ask(lines, 4, &g);
	assert_null(g.silent);
	assert_int_equal(g.disks.n, 1);
	assert_string_equal(g.nics_unknown, "guest agent, guest-network-get-interfaces: guest agent is not responding");
}

static void a_file_without_an_end_is_given_up(void **state)
{
	static const char *lines[72][2] = {
		{ "guest-ping", "{\"return\":{}}" },
		{ "guest-info", INFO(CAN("guest-file-open") "," CAN("guest-file-read")) },
		{ "guest-file-open", "{\"return\":7}" },
	};
	PT_AUTO(pt_guest) g = { 0 };

	for (size_t i = 3; i < 69; i++) {
		lines[i][0] = "guest-file-read";
		lines[i][1] = "{\"return\":{\"count\":3,\"buf-b64\":\"YWFh\",\"eof\":false}}";
	}
	lines[69][0] = "guest-file-close";
	lines[69][1] = "{\"return\":{}}";
	ask((const char *const(*)[2])lines, 70, &g);
	assert_string_equal(g.functions_unknown, "the file has no end");
}

static void replies_of_a_wrong_form_are_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"return\":{}}",
		"{\"return\":5}",
		"{\"return\":null}",
		"{\"return\":[],\"return\":[]}",
		"{\"error\":{}}",
		"{\"error\":7}",
	};
	PT_AUTO(pt_guest) g = { 0 };
	struct pt_error err = { 0 };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_true(pt_reply_disks(wrong[i], &g, &err) < 0);
		assert_true(pt_reply_nics(wrong[i], &g, &err) < 0);
		assert_true(pt_reply_devices(wrong[i], &g, &err) < 0);
		assert_true(pt_reply_fsinfo(wrong[i], &g, &err) < 0);
	}
	assert_int_equal(g.disks.n + g.nics.n + g.functions.n, 0);
}

static void members_of_a_wrong_type_are_passed_over(void **state)
{
	PT_AUTO(pt_guest) g = { 0 };

	assert_int_equal(pt_reply_disks("{\"return\":[1,null,[],{\"name\":5},{\"name\":\"a\",\"partition\":false,"
					"\"address\":{\"serial\":{},\"pci-controller\":{\"domain\":0,\"bus\":256,"
					"\"slot\":1,\"function\":0}}}]}",
					&g, NULL),
			 0);
	assert_int_equal(g.disks.n, 1);
	assert_null(g.disks.v[0].serial);
	assert_false(g.disks.v[0].has_controller);
	assert_int_equal(
		pt_reply_nics("{\"return\":[{\"name\":[],\"hardware-address\":\"x\"},{\"name\":\"y\"}]}", &g, NULL), 0);
	assert_int_equal(g.nics.n, 0);
	assert_int_equal(pt_reply_fsinfo("{\"return\":[{\"disk\":5},{\"disk\":[5,{\"dev\":\"\"}]}]}", &g, NULL), 0);
	assert_int_equal(g.disks.n, 1);
}

static void a_list_without_end_is_refused(void **state)
{
	PT_AUTO(pt_buf) b = { 0 };
	PT_AUTO(pt_guest) g = { 0 };
	struct pt_error err = { 0 };

	pt_buf_add(&b, "{\"return\":[0");
	for (int i = 0; i < PT_REPLY_LIST; i++)
		pt_buf_add(&b, ",0");
	pt_buf_add(&b, "]}");
	assert_int_equal(pt_reply_nics(b.s, &g, &err), -EBADMSG);
	assert_string_equal(err.msg, "the reply lists more than 4096 things");
}

static void what_a_guest_says_has_no_control_characters(void **state)
{
	PT_AUTO(pt_guest) g = { 0 };

	assert_int_equal(
		pt_reply_nics("{\"return\":[{\"name\":\"\\u001b[2Ja\\n\",\"hardware-address\":\"b\"}]}", &g, NULL), 0);
	assert_string_equal(g.nics.v[0].name, "?[2Ja?");
}

static void a_table_with_senseless_lines_gives_what_makes_sense(void **state)
{
	PT_AUTO(pt_guest) g = { 0 };

	pt_reply_pci_table(
		"\n\n0\t0\nzzzz\t10000079\t0\n00fb\t8086100e\n0008 10ec8168 1 2 3 4 5 6 7 8 9 a b c d e f r8169\n", &g);
	assert_int_equal(g.functions.n, 2);
	assert_int_equal(g.functions.v[0].bdf.slot, 31);
	assert_int_equal(g.functions.v[0].bdf.func, 3);
	assert_null(g.functions.v[0].driver);
	assert_string_equal(g.functions.v[1].driver, "r8169");
}

static void a_chunk_that_is_no_base64_is_refused(void **state)
{
	PT_AUTO(pt_buf) text = { 0 };
	bool eof = false;

	assert_int_equal(
		pt_reply_chunk("{\"return\":{\"count\":1,\"buf-b64\":\"a$==\",\"eof\":true}}", &text, &eof, NULL),
		-EBADMSG);
	assert_int_equal(pt_reply_chunk("{\"return\":{\"count\":1,\"eof\":true}}", &text, &eof, NULL), -EBADMSG);
	assert_false(eof);
}

static void query_pci_is_read_through_bridges(void **state)
{
	static const char reply[] =
		"{\"return\":[{\"bus\":0,\"devices\":[{\"bus\":0,\"slot\":0,\"function\":0,\"qdev_id\":\"\","
		"\"regions\":[],"
		"\"id\":{\"device\":10688,\"vendor\":32902}},{\"bus\":0,\"slot\":2,\"function\":1,\"qdev_id\":\"pci."
		"2\","
		"\"regions\":[],\"id\":{\"device\":12,\"vendor\":6966},\"pci_bridge\":{\"devices\":[{\"bus\":2,"
		"\"slot\":0,"
		"\"function\":0,\"qdev_id\":\"hostdev0\",\"id\":{\"device\":121,\"vendor\":4096},\"regions\":["
		"{\"bar\":0,\"type\":\"memory\",\"address\":4261412864,\"size\":16384},{\"bar\":2,\"type\":\"io\","
		"\"address\":"
		"-1,\"size\":256}]}]}}]}],\"id\":\"libvirt-9\"}";
	PT_AUTO(pt_qmp_functions) l = { 0 };

	assert_int_equal(pt_reply_query_pci(reply, &l, NULL), 0);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.v[1].alias, "hostdev0");
	assert_int_equal(l.v[1].bdf.bus, 2);
	assert_int_equal(l.v[1].vendor, 0x1000);
	assert_int_equal(l.v[1].bars, 2);
	assert_int_equal(l.v[1].bars_mapped, 1);
}

static void what_qemu_cannot_move_is_read(void **state)
{
	PT_AUTO(pt_strv) why = { 0 };
	struct pt_error err = { 0 };

	assert_int_equal(pt_reply_blockers("{\"return\":{},\"id\":\"libvirt-7\"}", &why, &err), 0);
	assert_int_equal(why.n, 0);
	assert_int_equal(pt_reply_blockers("{\"return\":{\"blocked-reasons\":[\"0000:01:00.0: VFIO migration is not "
					   "supported in kernel\", 7]},\"id\":\"libvirt-8\"}",
					   &why, &err),
			 0);
	assert_int_equal(why.n, 1);
	assert_string_equal(why.v[0], "0000:01:00.0: VFIO migration is not supported in kernel");
	assert_int_equal(pt_reply_blockers("{\"return\":[]}", &why, &err), -EBADMSG);
}

static int read_of(const char *words, struct pt_error *err)
{
	pt_autofree char *reply =
		words ? pt_strf("{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"%s\"}}", words) : NULL;
	const char *const lines[][2] = { { "guest-ping", "{\"return\":{}}" }, { "guest-file-open", reply } };
	struct script s = { lines, 2, 0 };
	pt_autofree char *text = NULL;

	return pt_agent_file(&(struct pt_agent){ &s, answer }, "/proc/cpuinfo", 1, &text, err);
}

static void an_agent_that_may_never_read_files_is_told_from_one_that_is_slow(void **state)
{
	struct pt_error err = { 0 };

	assert_int_equal(read_of("Command guest-file-open has been disabled: the command is not allowed", &err),
			 -EACCES);
	assert_non_null(strstr(err.msg, "has been disabled"));
	assert_int_equal(read_of("The command guest-file-open has not been found", &err), -EACCES);
	assert_int_not_equal(read_of("failed to open file '/proc/cpuinfo': No such file or directory", &err), -EACCES);
	assert_int_equal(read_of(NULL, &err), -ETIMEDOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_linux_guest_tells_disks_interfaces_and_drivers),
		cmocka_unit_test(a_windows_guest_tells_its_drivers_itself),
		cmocka_unit_test(an_agent_that_may_not_read_files_leaves_the_driver_unknown),
		cmocka_unit_test(an_old_agent_knows_disks_by_their_file_systems),
		cmocka_unit_test(an_agent_that_does_not_answer_is_silent_with_the_reason),
		cmocka_unit_test(an_agent_that_falls_silent_half_way_is_believed_so_far),
		cmocka_unit_test(a_file_without_an_end_is_given_up),
		cmocka_unit_test(replies_of_a_wrong_form_are_refused),
		cmocka_unit_test(members_of_a_wrong_type_are_passed_over),
		cmocka_unit_test(a_list_without_end_is_refused),
		cmocka_unit_test(what_a_guest_says_has_no_control_characters),
		cmocka_unit_test(a_table_with_senseless_lines_gives_what_makes_sense),
		cmocka_unit_test(a_chunk_that_is_no_base64_is_refused),
		cmocka_unit_test(an_agent_that_may_never_read_files_is_told_from_one_that_is_slow),
		cmocka_unit_test(query_pci_is_read_through_bridges),
		cmocka_unit_test(what_qemu_cannot_move_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
