/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "decide/identity.h"
#include "fakesys.h"
#include "host/identity.h"
#include "host/pci.h"
#include "model/reservation.h"

static struct pt_bdf at(const char *text)
{
	struct pt_bdf bdf;

	assert_int_equal(pt_bdf_parse(text, &bdf), 0);
	return bdf;
}

/* a card of one model, at @where, with a serial and something behind it, or NULL */
static struct pt_identity card(const char *where, const char *serial, const char *behind)
{
	struct pt_identity id = { .last_seen = at(where),
				  .vendor = 0x1000,
				  .device = 0x0079,
				  .subvendor = 0x1000,
				  .subdevice = 0x9261,
				  .vf_index = -1,
				  .slot_path = pt_strf("0000:00:01.0/%s", where),
				  .serial = pt_strdup_opt(serial) };

	if (behind)
		pt_strv_add(&id.behind, behind);
	return id;
}

struct fixture {
	struct fakesys *sys; /* of tests that read a host */
	struct pt_identity known;
	struct pt_identities present;
	struct pt_identity_match match;
	struct pt_error err;
};

static int make(void **state)
{
	*state = pt_alloc(sizeof(struct fixture));
	return 0;
}

static int drop(void **state)
{
	struct fixture *f = *state;

	if (f->sys)
		fakesys_free(f->sys);
	pt_identity_done(&f->known);
	pt_identities_done(&f->present);
	free(f);
	return 0;
}

static void a_serial_is_recognised_wherever_the_card_is(void **state)
{
	struct fixture *f = *state;

	f->known = card("0000:01:00.0", "dsn:1", NULL);
	pt_array_push(&f->present, card("0000:01:00.0", "dsn:2", NULL));
	pt_array_push(&f->present, card("0000:03:00.0", "dsn:1", NULL));
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), 0);
	assert_int_equal(f->match.index, 1);
	assert_int_equal(f->match.grade, PT_IDENTITY_STRONG);
	assert_true(f->match.moved);
	assert_true(f->match.sure);
}

static void another_serial_at_the_old_address_is_a_stranger(void **state)
{
	struct fixture *f = *state;

	f->known = card("0000:01:00.0", "dsn:1", NULL);
	pt_array_push(&f->present, card("0000:01:00.0", "dsn:2", NULL));
	pt_array_push(&f->present, card("0000:02:00.0", NULL, NULL));
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), -ENODEV);
	assert_non_null(strstr(f->err.msg, "0000:01:00.0, 0000:02:00.0"));
}

static void two_cards_that_tell_one_serial_are_not_told_apart(void **state)
{
	struct fixture *f = *state;

	f->known = card("0000:01:00.0", "dsn:1", NULL);
	pt_array_push(&f->present, card("0000:01:00.0", "dsn:1", NULL));
	pt_array_push(&f->present, card("0000:02:00.0", "dsn:1", NULL));
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), -EMLINK);
}

static void the_functions_of_one_card_share_its_serial_and_stay_apart(void **state)
{
	struct fixture *f = *state;

	f->known = card("0000:01:00.1", "dsn:1", NULL);
	pt_array_push(&f->present, card("0000:05:00.0", "dsn:1", NULL));
	pt_array_push(&f->present, card("0000:05:00.1", "dsn:1", NULL));
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), 0);
	assert_int_equal(f->match.index, 1);
}

static void a_serial_that_could_not_be_read_is_not_taken_for_another(void **state)
{
	struct fixture *f = *state;

	f->known = card("0000:01:00.0", "dsn:1", NULL);
	pt_array_push(&f->present, card("0000:01:00.0", NULL, NULL));
	f->present.v[0].serial_unread = true;
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), -EAGAIN);
}

static void the_only_one_of_its_kind_in_its_old_slot_is_it(void **state)
{
	struct fixture *f = *state;

	f->known = card("0000:01:00.0", NULL, NULL);
	pt_array_push(&f->present, card("0000:01:00.0", NULL, NULL));
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), 0);
	assert_int_equal(f->match.grade, PT_IDENTITY_WEAK);
	assert_true(f->match.sure);
	assert_false(f->match.moved);
}

static void the_only_one_of_its_kind_in_another_slot_is_likely_but_not_sure(void **state)
{
	struct fixture *f = *state;

	f->known = card("0000:01:00.0", NULL, NULL);
	pt_array_push(&f->present, card("0000:02:00.0", NULL, NULL));
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), 0);
	assert_true(f->match.moved);
	assert_false(f->match.sure);
}

static void two_identical_cards_without_serials_are_refused_by_name(void **state)
{
	struct fixture *f = *state;

	f->known = card("0000:01:00.0", NULL, "disk:A");
	pt_array_push(&f->present, card("0000:01:00.0", NULL, NULL));
	pt_array_push(&f->present, card("0000:02:00.0", NULL, NULL));
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), -EMLINK);
	assert_non_null(strstr(f->err.msg, "0000:01:00.0, 0000:02:00.0"));
	assert_non_null(strstr(f->err.hint, "repair --probe"));
}

static void two_identical_cards_are_told_apart_by_their_disks(void **state)
{
	struct fixture *f = *state;

	f->known = card("0000:01:00.0", NULL, "disk:A");
	pt_array_push(&f->present, card("0000:01:00.0", NULL, "disk:B"));
	pt_array_push(&f->present, card("0000:02:00.0", NULL, "disk:A"));
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), 0);
	assert_int_equal(f->match.index, 1);
	assert_int_equal(f->match.grade, PT_IDENTITY_BEHIND);
	assert_true(f->match.moved);
}

static void a_card_with_other_disks_in_the_old_slot_is_not_it(void **state)
{
	struct fixture *f = *state;

	f->known = card("0000:01:00.0", NULL, "disk:A");
	pt_array_push(&f->present, card("0000:01:00.0", NULL, "disk:B"));
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), -ENODEV);
}

static void beside_a_stranger_of_its_kind_weak_evidence_is_not_sure(void **state)
{
	struct fixture *f = *state;

	f->known = card("0000:01:00.0", NULL, "disk:A");
	pt_array_push(&f->present, card("0000:01:00.0", NULL, NULL));
	pt_array_push(&f->present, card("0000:02:00.0", NULL, "disk:B"));
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), 0);
	assert_int_equal(f->match.index, 0);
	assert_false(f->match.sure);
}

static void another_model_is_never_it(void **state)
{
	struct fixture *f = *state;

	f->known = card("0000:01:00.0", "dsn:1", "disk:A");
	pt_array_push(&f->present, card("0000:01:00.0", "dsn:1", "disk:A"));
	f->present.v[0].subdevice = 1;
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), -ENODEV);
}

static void the_serial_in_vital_product_data_is_found_and_bounds_are_kept(void **state)
{
	/* string "Card", then read-only data with part number "PN1" and serial "SN123", then the end tag */
	static const unsigned char vpd[] = { 0x82, 4,	0,   'C', 'a', 'r', 'd', 0x90, 14,  0,	 'P', 'N', 3,
					     'P',  'N', '1', 'S', 'N', 5,   'S', 'N',  '1', '2', '3', 0x78 };
	char *serial = NULL;

	assert_int_equal(pt_identity_vpd_serial(vpd, sizeof(vpd), &serial), 1);
	assert_string_equal(serial, "SN123");
	free(serial);
	for (size_t size = 0; size < sizeof(vpd) - 1; size++) {
		unsigned char *cut = malloc(size ? size : 1);

		memcpy(cut, vpd, size);
		assert_int_equal(pt_identity_vpd_serial(cut, size, &serial), 0);
		free(cut);
	}
}

static void two_cards_that_tell_one_serial_are_told_apart_by_their_disks(void **state)
{
	struct fixture *f = *state;

	f->known = card("0000:01:00.0", "dsn:1", "disk:A");
	pt_array_push(&f->present, card("0000:01:00.0", "dsn:1", "disk:B"));
	pt_array_push(&f->present, card("0000:02:00.0", "dsn:1", "disk:A"));
	pt_array_push(&f->present, card("0000:03:00.0", "dsn:2", "disk:A"));
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), 0);
	assert_int_equal(f->match.index, 1);
	assert_int_equal(f->match.grade, PT_IDENTITY_BEHIND);
	/* one whose disks cannot be seen is likely it, no more */
	pt_strv_done(&f->present.v[1].behind);
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), 0);
	assert_int_equal(f->match.index, 1);
	assert_false(f->match.sure);
	pt_strv_done(&f->present.v[0].behind);
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), -EMLINK);
	assert_non_null(strstr(f->err.msg, "0000:01:00.0, 0000:02:00.0"));
	assert_non_null(strstr(f->err.hint, "repair --probe"));
}

/* VF @index of the PF with function @port, in @slot */
static struct pt_identity vf(const char *where, const char *slot, const char *serial, int port, int index)
{
	struct pt_identity id = card(where, serial, NULL);

	pt_strset(&id.slot_path, slot);
	id.is_vf = true;
	id.vf_index = index;
	id.pf_func = port;
	return id;
}

static void a_vf_of_one_port_is_not_the_same_vf_of_the_other(void **state)
{
	struct fixture *f = *state;

	f->known = vf("0000:01:10.0", "0000:00:01.0/10.0", "dsn:1", 0, 0);
	pt_array_push(&f->present, vf("0000:05:10.1", "0000:00:03.0/10.1", "dsn:1", 1, 0));
	pt_array_push(&f->present, vf("0000:05:10.0", "0000:00:03.0/10.0", "dsn:1", 0, 0));
	pt_array_push(&f->present, vf("0000:05:10.2", "0000:00:03.0/10.2", "dsn:1", 0, 1));
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), 0);
	assert_int_equal(f->match.index, 1);
	assert_int_equal(f->match.grade, PT_IDENTITY_STRONG);
	/* nor is it, where it alone is there */
	f->present.v[1].vf_index = 7;
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), -ENODEV);
}

static void a_vf_whose_record_does_not_name_its_port_is_known_by_its_place_on_the_card(void **state)
{
	struct fixture *f = *state;

	f->known = vf("0000:01:10.1", "0000:00:01.0/10.1", "dsn:1", -1, 0);
	pt_array_push(&f->present, vf("0000:05:10.0", "0000:00:03.0/10.0", "dsn:1", 0, 0));
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), -ENODEV);
	pt_array_push(&f->present, vf("0000:05:10.1", "0000:00:03.0/10.1", "dsn:1", 1, 0));
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), 0);
	assert_int_equal(f->match.index, 1);
}

static void of_vfs_of_cards_without_serials_the_one_in_its_slot_is_it(void **state)
{
	struct fixture *f = *state;

	f->known = vf("0000:01:10.0", "0000:00:01.0/10.0", NULL, 0, 0);
	pt_array_push(&f->present, vf("0000:02:10.0", "0000:00:02.0/10.0", NULL, 0, 0));
	pt_array_push(&f->present, vf("0000:03:10.0", "0000:00:01.0/10.0", NULL, 0, 0));
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), 0);
	assert_int_equal(f->match.index, 1);
	assert_int_equal(f->match.grade, PT_IDENTITY_WEAK);
	assert_true(f->match.sure);
	/* of two in other slots neither */
	pt_strset(&f->present.v[1].slot_path, "0000:00:03.0/10.0");
	assert_int_equal(pt_identity_find(&f->known, &f->present, &f->match, &f->err), -EMLINK);
}

static void a_serial_that_every_card_of_a_model_tells_is_none(void **state)
{
	static const char *const common[] = {
		"dsn:01-00-00-00-68-4c-e0-00",
		"dsn:03-00-00-00-68-4c-e0-00",
		"dsn:00-00-00-01-00-4c-e0-00",
		"dsn:12-14-24-ff-ff-17-15-00",
		"dsn:00-00-00-00-00-00-00-00",
		"dsn:ff-ff-ff-ff-ff-ff-ff-ff",
		"dsn:01-01-01-01-01-01-01-01",
		"dsn:00-00-00-ff-ff-00-00-00",
		"vpd:00000000",
		"vpd:FF-FF",
	};
	static const char *const own[] = {
		"dsn:42-02-00-00-36-4c-e0-00",
		"dsn:00-80-2f-ff-ff-25-8e-c4",
		"dsn:01-91-81-fe-ff-4c-e0-00",
		"dsn:00-80-ee-00-00-00-41-80",
		"dsn:01-01-01-01-01-01-01-02",
		"vpd:00000001",
		"vpd:1111",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (!pt_serial_is_common(common[i]))
			fail_msg("%s is taken for a card's own", common[i]);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (pt_serial_is_common(own[i]))
			fail_msg("%s is taken for everybody's", own[i]);
}

static void a_record_with_such_a_serial_is_read_as_one_without(void **state)
{
	static const char text[] = "address=0000:01:00.0\nvendor_id=10ec\ndevice_id=8168\ndriver=vfio-pci\n"
				   "serial=dsn:01-00-00-00-68-4c-e0-00\nvf=3\npf_function=1\n";
	PT_AUTO(pt_keep) k = { 0 };
	pt_autofree char *lines = NULL;

	(void)state;
	assert_int_equal(pt_reservation_parse(text, &k, NULL), 0);
	assert_null(k.id.serial);
	assert_int_equal(k.id.pf_func, 1);
	lines = pt_identity_lines(&k.id);
	assert_string_equal(lines, "vf=3\npf_function=1\n");
}

#define NIC "0000:01:00.1"

/* what the function at @bdf is recognised by, as the last one of those present */
static struct pt_identity *read_at(struct fixture *f, const char *bdf)
{
	PT_AUTO(pt_devices) all = { 0 };
	const struct pt_blocks none = { 0 };
	struct pt_identity id = { 0 };
	struct pt_device *d;

	assert_int_equal(pt_pci_list(&f->sys->root, &all, NULL), 0);
	d = pt_devices_find(&all, at(bdf));
	assert_non_null(d);
	assert_int_equal(pt_pci_read(&f->sys->root, d, false, NULL), 0);
	assert_int_equal(pt_identity_read(&f->sys->root, d, &none, &id, NULL), 0);
	pt_array_push(&f->present, id);
	return &f->present.v[f->present.n - 1];
}

static void vital_product_data_that_cannot_be_read_are_not_none(void **state)
{
	struct fixture *f = *state;
	pt_autofree char *inside = NULL;

	f->sys = fakesys_new();
	fakesys_add_pci(f->sys, NIC, 0x8086, 0x10c9, 0x020000, "igb", 14);
	assert_false(read_at(f, NIC)->serial_unread);
	/* reading a directory fails, too: EISDIR */
	inside = pt_strf("%s/vpd/inside", fakesys_pci_path(f->sys, NIC));
	fakesys_file(f->sys, inside, "%s", "");
	assert_true(read_at(f, NIC)->serial_unread);
	assert_null(f->present.v[1].serial);
}

static void a_vf_is_read_with_its_port(void **state)
{
	struct fixture *f = *state;
	const struct pt_identity *id;

	f->sys = fakesys_new();
	fakesys_add_pci(f->sys, NIC, 0x8086, 0x10c9, 0x020000, "igb", 14);
	fakesys_sriov(f->sys, NIC, 4);
	fakesys_add_vf(f->sys, NIC, 0, "0000:01:10.1", 0x10ca, NULL, 15);
	fakesys_add_vf(f->sys, NIC, 1, "0000:01:10.5", 0x10ca, NULL, 15);
	assert_int_equal(read_at(f, NIC)->pf_func, -1);
	id = read_at(f, "0000:01:10.5");
	assert_true(id->is_vf);
	assert_int_equal(id->vf_index, 1);
	assert_int_equal(id->pf_func, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_serial_is_recognised_wherever_the_card_is, make, drop),
		cmocka_unit_test_setup_teardown(another_serial_at_the_old_address_is_a_stranger, make, drop),
		cmocka_unit_test_setup_teardown(two_cards_that_tell_one_serial_are_not_told_apart, make, drop),
		cmocka_unit_test_setup_teardown(the_functions_of_one_card_share_its_serial_and_stay_apart, make, drop),
		cmocka_unit_test_setup_teardown(a_serial_that_could_not_be_read_is_not_taken_for_another, make, drop),
		cmocka_unit_test_setup_teardown(the_only_one_of_its_kind_in_its_old_slot_is_it, make, drop),
		cmocka_unit_test_setup_teardown(the_only_one_of_its_kind_in_another_slot_is_likely_but_not_sure, make,
						drop),
		cmocka_unit_test_setup_teardown(two_identical_cards_without_serials_are_refused_by_name, make, drop),
		cmocka_unit_test_setup_teardown(two_identical_cards_are_told_apart_by_their_disks, make, drop),
		cmocka_unit_test_setup_teardown(a_card_with_other_disks_in_the_old_slot_is_not_it, make, drop),
		cmocka_unit_test_setup_teardown(beside_a_stranger_of_its_kind_weak_evidence_is_not_sure, make, drop),
		cmocka_unit_test_setup_teardown(another_model_is_never_it, make, drop),
		cmocka_unit_test_setup_teardown(two_cards_that_tell_one_serial_are_told_apart_by_their_disks, make,
						drop),
		cmocka_unit_test_setup_teardown(a_vf_of_one_port_is_not_the_same_vf_of_the_other, make, drop),
		cmocka_unit_test_setup_teardown(
			a_vf_whose_record_does_not_name_its_port_is_known_by_its_place_on_the_card, make, drop),
		cmocka_unit_test_setup_teardown(of_vfs_of_cards_without_serials_the_one_in_its_slot_is_it, make, drop),
		cmocka_unit_test(a_serial_that_every_card_of_a_model_tells_is_none),
		cmocka_unit_test(a_record_with_such_a_serial_is_read_as_one_without),
		cmocka_unit_test_setup_teardown(vital_product_data_that_cannot_be_read_are_not_none, make, drop),
		cmocka_unit_test_setup_teardown(a_vf_is_read_with_its_port, make, drop),
		cmocka_unit_test(the_serial_in_vital_product_data_is_found_and_bounds_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
