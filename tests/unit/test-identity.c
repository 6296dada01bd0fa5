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
#include "host/identity.h"

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
		cmocka_unit_test(the_serial_in_vital_product_data_is_found_and_bounds_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
