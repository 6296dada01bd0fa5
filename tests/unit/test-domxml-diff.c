/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "domains.h"
#include "domxml/domxml.h"
#include "domxml/tree.h"

struct fixture {
	char *text;
	char *out;
};

static int setup(void **state)
{
	*state = pt_alloc(sizeof(struct fixture));
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->text);
	free(f->out);
	free(f);
	return 0;
}

static const char *mask(struct fixture *f, const char *name)
{
	f->text = domains_text(name);
	f->out = pt_domxml_mask(f->text);
	assert_non_null(f->out);
	return f->out;
}

static void equal_definitions_have_no_difference(void **state)
{
	struct fixture *f = *state;

	f->text = domains_text("ovirt");
	f->out = pt_domxml_diff(f->text, f->text);
	assert_string_equal(f->out, "");
	assert_int_equal(pt_domxml_same(f->text, f->text), 1);
}

static void the_difference_shows_what_was_asked_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct pt_domain_edit edit = { 0 };
	struct pt_hostdev_add add = { { .bus = 1 }, false };
	char *after = NULL;

	f->text = domains_text("crlf");
	pt_strv_add(&edit.remove_disks, "sda");
	pt_array_push(&edit.add_hostdevs, add);
	assert_int_equal(pt_domxml_edit(f->text, &edit, &after, NULL), 0);
	pt_domain_edit_done(&edit);
	f->out = pt_domxml_diff(f->text, after);
	free(after);
	assert_string_equal(f->out, "--- definition now\n"
				    "+++ definition after\n"
				    "@@ -5,12 +5,12 @@\n"
				    "     <type arch='x86_64' machine='q35'>hvm</type>\n"
				    "   </os>\n"
				    "   <devices>\n"
				    "-    <disk type='block' device='disk'>\n"
				    "-      <source dev='/dev/sdb'/>\n"
				    "-      <target dev='sda' bus='scsi'/>\n"
				    "-      <address type='drive' controller='0' bus='0' target='0' unit='0'/>\n"
				    "-    </disk>\n"
				    "     <controller type='scsi' index='0' model='virtio-scsi'/>\n"
				    "+    <hostdev mode='subsystem' type='pci' managed='no'>\n"
				    "+      <source>\n"
				    "+        <address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>\n"
				    "+      </source>\n"
				    "+    </hostdev>\n"
				    "     <memballoon model='none'/>\n"
				    "   </devices>\n"
				    " </domain>\n");
}

static void white_space_and_quotes_are_no_difference(void **state)
{
	static const char a[] =
		"<domain type='kvm'>\n  <name>x</name>\n  <os><type arch='a' machine='m'>hvm</type></os>"
		"</domain>";
	static const char b[] = "<domain type=\"kvm\"><name>x</name>\n\n<os>\n<type machine=\"m\"   arch='a'>hvm</type>"
				"</os></domain>";
	struct fixture *f = *state;

	assert_int_equal(pt_domxml_same(a, b), 1);
	/* the order of attributes shows, since people read it, but it means nothing */
	f->out = pt_domxml_diff("<domain><name>x</name><a b='1'/></domain>",
				"<domain>\n<name>x</name>\n\t<a b=\"1\"></a></domain>");
	assert_string_equal(f->out, "");
}

static void what_means_something_else_is_not_the_same(void **state)
{
	static const char a[] = "<domain><name>x</name><a b='1'>t</a></domain>";
	static const char *const others[] = {
		"<domain><name>y</name><a b='1'>t</a></domain>",
		"<domain><name>x</name><a b='2'>t</a></domain>",
		"<domain><name>x</name><a c='1'>t</a></domain>",
		"<domain><name>x</name><a b='1' c=''>t</a></domain>",
		"<domain><name>x</name><a b='1'>u</a></domain>",
		"<domain><name>x</name><a b='1'>t</a><a b='1'>t</a></domain>",
		"<domain><name>x</name><x:a xmlns:x='urn:x' b='1'>t</x:a></domain>",
		"<domain><a b='1'>t</a><name>x</name></domain>",
		"<domain><name>x</name></domain>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		assert_int_equal(pt_domxml_same(a, others[i]), 0);
		assert_int_equal(pt_domxml_same(others[i], a), 0);
	}
	assert_int_equal(pt_domxml_same(a, "<domain><!-- c --><name> x</name><a b='1'><![CDATA[t]]></a></domain>"), 1);
	assert_int_equal(pt_domxml_same(a, "no xml"), 0);
	assert_int_equal(pt_domxml_same("no xml", "no xml"), 1);
}

static void a_vnc_password_is_masked(void **state)
{
	const char *out = mask(*state, "nutanix-cvm");

	assert_null(strstr(out, "nutanix/4u"));
	assert_non_null(strstr(out, "passwd='***'"));
	assert_non_null(strstr(out, "S455NY0K100001"));
}

static void tickets_and_passwords_in_metadata_are_masked(void **state)
{
	const char *out = mask(*state, "ovirt");

	assert_null(strstr(out, "tOps3cr3t"));
	assert_null(strstr(out, "hunter2"));
	assert_non_null(strstr(out, "passwdValidTo='2026-11-21T10:00:00'"));
}

static void cookies_and_query_strings_are_masked(void **state)
{
	const char *out = mask(*state, "disks-network");

	assert_null(strstr(out, "c0ffee"));
	assert_null(strstr(out, "s3cr3t"));
	assert_non_null(strstr(out, "<secret type='ceph' uuid='2a5b08e4-3dca-4ff9-9a1d-40389758d081'/>"));
}

static void launch_security_firmware_files_and_credentials_are_masked(void **state)
{
	const char *out = mask(*state, "sev");

	assert_null(strstr(out, "$y$abc"));
	assert_null(strstr(out, "$6$salt"));
	assert_null(strstr(out, "AAAABBBB"));
	assert_null(strstr(out, "EEEEFFFF"));
	assert_non_null(strstr(out, "<policy>0x0003</policy>"));
	assert_non_null(strstr(out, "harmless=1"));
}

static void secrets_among_qemus_arguments_are_masked(void **state)
{
	const char *out = mask(*state, "qemu-namespace");

	assert_null(strstr(out, "opensesame"));
	assert_null(strstr(out, "pa55"));
	assert_null(strstr(out, "abcdef"));
	assert_non_null(strstr(out, "password-secret=sec0"));
	assert_non_null(strstr(out, "value='secret,id=sec0,format=raw,data=***'"));
	assert_non_null(strstr(out, "https://me:***@example.org/x.iso"));
}

static void masking_changes_nothing_but_secrets(void **state)
{
	struct fixture *f = *state;
	struct pt_strv names = { 0 };

	domains_names(&names);
	for (size_t i = 0; i < names.n; i++) {
		struct pt_domain a = { 0 };
		struct pt_domain b = { 0 };

		(void)mask(f, names.v[i]);
		assert_int_equal(pt_domxml_read(f->text, &a, NULL), 0);
		if (pt_domxml_read(f->out, &b, NULL) < 0)
			fail_msg("%s is no XML any more:\n%s", names.v[i], f->out);
		assert_int_equal(a.disks.n, b.disks.n);
		assert_int_equal(a.hostdevs.n, b.hostdevs.n);
		assert_int_equal(a.memory_kib, b.memory_kib);
		if (strcmp(names.v[i], "ppc64-pseries") == 0)
			assert_string_equal(f->text, f->out);
		pt_domain_done(&a);
		pt_domain_done(&b);
		teardown(state);
		setup(state);
		f = *state;
	}
	pt_strv_done(&names);
	assert_null(pt_domxml_mask("<domain passwd='x'>"));
}

static void a_difference_never_shows_a_password(void **state)
{
	struct fixture *f = *state;

	f->out = pt_domxml_diff("<domain><name>x</name><graphics passwd='old'/></domain>",
				"<domain><name>y</name><graphics passwd='new'/></domain>");
	assert_null(strstr(f->out, "old"));
	assert_null(strstr(f->out, "new"));
	assert_non_null(strstr(f->out, "+  <name>y</name>"));
	free(f->out);
	f->out = pt_domxml_diff("<domain passwd='old'>", "<domain passwd='new'>");
	assert_null(strstr(f->out, "old"));
}

static void hunks_are_numbered_as_patch_reads_them(void **state)
{
	struct fixture *f = *state;

	f->out = pt_text_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n",
			      "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n13\n", "a", "b");
	assert_string_equal(f->out, "--- a\n+++ b\n"
				    "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
				    "@@ -10,3 +10,4 @@\n 10\n 11\n 12\n+13\n");
}

static void changes_that_are_near_share_a_hunk(void **state)
{
	struct fixture *f = *state;

	f->out = pt_text_diff("a\nb\nc\nd\ne\nf\ng\nh\n", "A\nb\nc\nd\ne\nf\ng\nH\n", "a", "b");
	assert_string_equal(f->out, "--- a\n+++ b\n@@ -1,8 +1,8 @@\n-a\n+A\n b\n c\n d\n e\n f\n g\n-h\n+H\n");
}

static void something_from_nothing_is_all_added(void **state)
{
	struct fixture *f = *state;

	f->out = pt_text_diff("", "a\nb\n", "a", "b");
	assert_string_equal(f->out, "--- a\n+++ b\n@@ -0,0 +1,2 @@\n+a\n+b\n");
}

/* apply the changes by hand: '-' and ' ' lines make the old text again, '+' and ' ' lines the new one */
static char *side(const char *diff, char mark)
{
	struct pt_buf out = { 0 };

	for (const char *line = diff; *line; line += strcspn(line, "\n") + 1)
		if ((line[0] == ' ' || line[0] == mark) && strncmp(line, "---", 3) && strncmp(line, "+++", 3))
			pt_buf_addn(&out, line + 1, strcspn(line, "\n"));
	return pt_buf_take(&out);
}

/* all pairs of words of up to four letters from {a, b}, a letter a line */
static void any_two_texts_are_told_apart_rightly(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 31 * 31; i++) {
		struct pt_buf text[2] = { { 0 }, { 0 } };
		unsigned word[2] = { i % 31 + 1, i / 31 + 1 };
		char *diff;
		char *a;
		char *b;

		for (int k = 0; k < 2; k++)
			for (; word[k] > 1; word[k] /= 2)
				pt_buf_add(&text[k], word[k] % 2 ? "a\n" : "b\n");
		for (int k = 0; k < 2; k++)
			pt_buf_add(&text[k], "");
		diff = pt_text_diff(text[0].s ? text[0].s : "", text[1].s ? text[1].s : "", "x", "y");
		a = side(diff, '-');
		b = side(diff, '+');
		if (diff[0]) {
			assert_string_equal(a, text[0].s);
			assert_string_equal(b, text[1].s);
		} else {
			assert_string_equal(text[0].s, text[1].s);
		}
		free(a);
		free(b);
		free(diff);
		pt_buf_done(&text[0]);
		pt_buf_done(&text[1]);
	}
}

static void texts_with_nothing_in_common_are_replaced_whole(void **state)
{
	struct fixture *f = *state;
	struct pt_buf a = { 0 };
	struct pt_buf b = { 0 };
	char *old;

	for (int i = 0; i < 3000; i++) {
		pt_buf_addf(&a, "a%d\n", i);
		pt_buf_addf(&b, "b%d\n", i);
	}
	f->out = pt_text_diff(a.s, b.s, "x", "y");
	old = side(f->out, '-');
	assert_string_equal(old, a.s);
	free(old);
	pt_buf_done(&a);
	pt_buf_done(&b);
}

#define t(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		t(equal_definitions_have_no_difference),
		t(the_difference_shows_what_was_asked_and_nothing_else),
		t(white_space_and_quotes_are_no_difference),
		t(what_means_something_else_is_not_the_same),
		t(a_vnc_password_is_masked),
		t(tickets_and_passwords_in_metadata_are_masked),
		t(cookies_and_query_strings_are_masked),
		t(launch_security_firmware_files_and_credentials_are_masked),
		t(secrets_among_qemus_arguments_are_masked),
		t(masking_changes_nothing_but_secrets),
		t(a_difference_never_shows_a_password),
		t(hunks_are_numbered_as_patch_reads_them),
		t(changes_that_are_near_share_a_hunk),
		t(something_from_nothing_is_all_added),
		t(any_two_texts_are_told_apart_rightly),
		t(texts_with_nothing_in_common_are_replaced_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
