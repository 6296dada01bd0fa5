/* SPDX-License-Identifier: Apache-2.0 */
/* Reservations as text, and which card each of them means at boot. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "decide/whereabouts.h"

struct fixture {
	struct pt_keeps known;
	struct pt_identities present;
	struct pt_whereabouts_list where;
};

static int setup(void **state)
{
	*state = pt_alloc(sizeof(struct fixture));
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pt_keeps_done(&f->known);
	pt_identities_done(&f->present);
	pt_whereabouts_list_done(&f->where);
	free(f);
	return 0;
}

static struct pt_bdf at(const char *text)
{
	struct pt_bdf bdf;

	assert_int_equal(pt_bdf_parse(text, &bdf), 0);
	return bdf;
}

static struct pt_identity card(const char *where, const char *slot, const char *serial, const char *behind)
{
	struct pt_identity id = { .last_seen = at(where),
				  .vendor = 0x1000,
				  .device = 0x79,
				  .subvendor = 0x1028,
				  .subdevice = 0x1f49,
				  .vf_index = -1,
				  .slot_path = pt_strdup(slot),
				  .serial = pt_strdup_opt(serial) };

	if (behind)
		pt_strv_add(&id.behind, behind);
	return id;
}

static void reserve(struct fixture *f, const char *where, const char *slot, const char *serial, const char *behind)
{
	struct pt_keep *k = pt_array_add(&f->known);

	k->id = card(where, slot, serial, behind);
	k->driver = pt_strdup("vfio-pci");
}

static void put(struct fixture *f, const char *where, const char *slot, const char *serial, const char *behind)
{
	pt_array_push(&f->present, card(where, slot, serial, behind));
}

static void look(struct fixture *f)
{
	pt_whereabouts_list_done(&f->where);
	pt_whereabouts_find(&f->known, &f->present, &f->where);
}

/* "here boot", "several": what is thought of reservation @i */
static void is(struct fixture *f, size_t i, const char *want)
{
	char *got = pt_strf("%s%s%s", pt_where_str(f->where.v[i].where), f->where.v[i].boot ? " boot" : "",
			    f->where.v[i].stranger ? " stranger" : "");

	assert_string_equal(got, want);
	free(got);
}

static void the_only_card_in_its_slot_is_bound(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:01:00.0", "a", NULL, "disk:1");
	put(f, "0000:01:00.0", "a", NULL, NULL);
	look(f);
	is(f, 0, "here boot");
}

static void a_card_whose_bus_was_numbered_anew_is_found_by_its_slot(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:01:00.0", "a", NULL, NULL);
	put(f, "0000:02:00.0", "a", NULL, NULL);
	look(f);
	is(f, 0, "moved boot");
	assert_string_equal(pt_bdf_str(f->where.v[0].bdf).s, "0000:02:00.0");
}

static void the_only_card_in_another_slot_is_not_bound(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:01:00.0", "a", NULL, NULL);
	put(f, "0000:03:00.0", "b", NULL, NULL);
	look(f);
	is(f, 0, "likely");
	assert_false(pt_whereabouts_hold(&f->known, &f->present, &f->where, at("0000:03:00.0")));
}

static void a_serial_is_bound_wherever_it_is_and_the_stranger_is_not(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:01:00.0", "a", "dsn:1", NULL);
	put(f, "0000:01:00.0", "a", "dsn:2", NULL);
	put(f, "0000:03:00.0", "b", "dsn:1", NULL);
	look(f);
	is(f, 0, "moved boot stranger");
	assert_string_equal(pt_bdf_str(f->where.v[0].bdf).s, "0000:03:00.0");
	assert_false(pt_whereabouts_hold(&f->known, &f->present, &f->where, at("0000:01:00.0")));
}

static void another_serial_in_the_old_slot_is_not_bound(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:01:00.0", "a", "dsn:1", NULL);
	put(f, "0000:01:00.0", "a", "dsn:2", NULL);
	look(f);
	is(f, 0, "gone stranger");
}

static void of_two_alike_neither_is_bound(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:01:00.0", "a", NULL, "disk:1");
	put(f, "0000:01:00.0", "a", NULL, NULL);
	put(f, "0000:02:00.0", "b", NULL, NULL);
	look(f);
	is(f, 0, "several");
	/* one of them is the host's: its driver must be able to have it */
	assert_false(pt_whereabouts_hold(&f->known, &f->present, &f->where, at("0000:01:00.0")));
	assert_false(pt_whereabouts_hold(&f->known, &f->present, &f->where, at("0000:02:00.0")));
}

static void two_alike_that_are_both_guests_are_kept_from_every_driver(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:01:00.0", "a", NULL, "disk:1");
	reserve(f, "0000:02:00.0", "b", NULL, "disk:2");
	put(f, "0000:01:00.0", "a", NULL, NULL);
	put(f, "0000:02:00.0", "b", NULL, NULL);
	look(f);
	is(f, 0, "several");
	is(f, 1, "several");
	assert_true(pt_whereabouts_hold(&f->known, &f->present, &f->where, at("0000:01:00.0")));
	assert_true(pt_whereabouts_hold(&f->known, &f->present, &f->where, at("0000:02:00.0")));
	/* a third one, somewhere else, may be the host's own */
	put(f, "0000:04:00.0", "c", NULL, NULL);
	look(f);
	assert_false(pt_whereabouts_hold(&f->known, &f->present, &f->where, at("0000:01:00.0")));
}

static void disks_tell_two_alike_apart_but_not_at_boot(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:01:00.0", "a", NULL, "disk:1");
	reserve(f, "0000:02:00.0", "b", NULL, "disk:2");
	put(f, "0000:01:00.0", "a", NULL, "disk:2");
	put(f, "0000:02:00.0", "b", NULL, "disk:1");
	look(f);
	is(f, 0, "moved stranger");
	is(f, 1, "moved stranger");
	assert_string_equal(pt_bdf_str(f->where.v[0].bdf).s, "0000:02:00.0");
}

/* the host's driver is built in, or the initramfs was not made anew: it has shown the disks before anybody is asked */
static void the_only_card_in_its_slot_is_bound_although_its_disks_are_seen(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:01:00.0", "a", NULL, "disk:1");
	put(f, "0000:01:00.0", "a", NULL, "disk:1");
	look(f);
	is(f, 0, "here boot");
	assert_int_equal(f->where.v[0].grade, PT_IDENTITY_BEHIND);
	/* another function of a card of that kind is no card that could be mistaken for it */
	put(f, "0000:01:00.1", "a1", NULL, NULL);
	look(f);
	is(f, 0, "here boot");
	/* with another card of its kind the disks alone tell them apart */
	put(f, "0000:02:00.0", "b", NULL, "disk:2");
	look(f);
	is(f, 0, "here");
	assert_non_null(strstr(f->where.v[0].fix, "`passthru repair`"));
}

static void disks_follow_the_only_card_through_a_new_numbering_but_not_into_another_slot(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:01:00.0", "a", NULL, "disk:1");
	put(f, "0000:02:00.0", "a", NULL, "disk:1");
	look(f);
	is(f, 0, "moved boot");
	pt_strset(&f->present.v[0].slot_path, "b");
	look(f);
	is(f, 0, "moved");
}

/* its disks are seen, and they are others */
static void the_only_card_in_its_slot_is_not_bound_when_its_disks_are_others(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:01:00.0", "a", NULL, "disk:1");
	put(f, "0000:01:00.0", "a", NULL, "disk:2");
	look(f);
	is(f, 0, "gone stranger");
}

static void what_this_boot_has_seen_is_certain(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:01:00.0", "a", NULL, "disk:1");
	f->known.v[0].known = true;
	put(f, "0000:01:00.0", "a", NULL, NULL);
	put(f, "0000:02:00.0", "b", NULL, NULL);
	look(f);
	is(f, 0, "here boot");
	/* unless it says itself that it is another */
	f->present.v[0].serial = pt_strdup("dsn:9");
	look(f);
	assert_int_not_equal(f->where.v[0].where, PT_WHERE_HERE);
}

static void a_card_that_fits_two_reservations_is_neithers(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:01:00.0", "a", NULL, NULL);
	reserve(f, "0000:02:00.0", "b", NULL, NULL);
	put(f, "0000:03:00.0", "c", NULL, NULL);
	look(f);
	is(f, 0, "several");
	is(f, 1, "several");
}

static void a_card_in_the_slot_of_one_of_two_reservations_is_that_ones(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:01:00.0", "a", NULL, NULL);
	reserve(f, "0000:02:00.0", "b", NULL, NULL);
	put(f, "0000:02:00.0", "b", NULL, NULL);
	look(f);
	is(f, 0, "several");
	is(f, 1, "here boot");
}

static void a_reservation_is_read_back(void **state)
{
	struct pt_identity id = card("0000:01:00.0", "0000:00:02.0/00.0", "vpd:A=B", "disk:S1");
	pt_autofree char *lines = pt_identity_lines(&id);
	pt_autofree char *text = pt_strf("# comment\naddress=0000:01:00.0\nvendor_id=1000\ndevice_id=0079\n"
					 "subsystem_vendor_id=1028\nsubsystem_device_id=1f49\n%sdriver=vfio-pci\n"
					 "vm=c=vm\nvm_uuid=\nchange=7\nlater=what a later version says\n",
					 lines);
	PT_AUTO(pt_keep) k = { 0 };
	struct pt_error err = { 0 };

	(void)state;
	if (pt_reservation_parse(text, &k, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(k.id.serial, "vpd:A=B");
	assert_string_equal(k.id.slot_path, "0000:00:02.0/00.0");
	assert_string_equal(k.id.behind.v[0], "disk:S1");
	assert_string_equal(k.vm, "c=vm");
	assert_null(k.vm_uuid);
	assert_int_equal(k.change, 7);
	assert_true(pt_keep_at_boot(&k));
	pt_identity_done(&id);
}

static void a_reservation_that_is_damaged_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"address=0000:01:00.0\nvendor_id=1000\n",
		"address=01:00.0\nvendor_id=1000\ndriver=vfio-pci\n",
		"address=0000:01:00.0\nvendor_id=10000\ndriver=vfio-pci\n",
		"address=0000:01:00.0\nvendor_id=1000\ndriver=a b\n",
		"address=0000:01:00.0\nvendor_id=1000\ndriver=vfio-pci\nhello\n",
		"address=0000:01:00.0\nvendor_id=1000\ndriver=vfio-pci\nchange=x\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		PT_AUTO(pt_keep) k = { 0 };

		assert_int_equal(pt_reservation_parse(bad[i], &k, NULL) < 0, 1);
	}
}

static void a_serial_that_would_break_the_line_is_left_out(void **state)
{
	struct pt_identity id = card("0000:01:00.0", "a", "vpd:x\ndriver=evil", NULL);
	pt_autofree char *lines = pt_identity_lines(&id);

	(void)state;
	assert_null(strstr(lines, "evil"));
	pt_identity_done(&id);
}

static void two_that_tell_one_serial_and_are_both_guests_are_kept_from_every_driver(void **state)
{
	struct fixture *f = *state;

	reserve(f, "0000:01:00.0", "a", "dsn:7", "disk:A");
	reserve(f, "0000:02:00.0", "b", "dsn:7", "disk:B");
	put(f, "0000:01:00.0", "a", "dsn:7", NULL);
	put(f, "0000:02:00.0", "b", "dsn:7", NULL);
	look(f);
	assert_false(f->where.v[0].boot);
	assert_false(f->where.v[1].boot);
	assert_true(pt_whereabouts_hold(&f->known, &f->present, &f->where, at("0000:01:00.0")));
	/* one that tells another serial is nobody's but the host's */
	put(f, "0000:03:00.0", "c", "dsn:8", NULL);
	look(f);
	assert_true(pt_whereabouts_hold(&f->known, &f->present, &f->where, at("0000:01:00.0")));
	assert_false(pt_whereabouts_hold(&f->known, &f->present, &f->where, at("0000:03:00.0")));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_only_card_in_its_slot_is_bound),
		TEST(a_card_whose_bus_was_numbered_anew_is_found_by_its_slot),
		TEST(the_only_card_in_another_slot_is_not_bound),
		TEST(a_serial_is_bound_wherever_it_is_and_the_stranger_is_not),
		TEST(another_serial_in_the_old_slot_is_not_bound),
		TEST(of_two_alike_neither_is_bound),
		TEST(two_alike_that_are_both_guests_are_kept_from_every_driver),
		TEST(two_that_tell_one_serial_and_are_both_guests_are_kept_from_every_driver),
		TEST(disks_tell_two_alike_apart_but_not_at_boot),
		TEST(the_only_card_in_its_slot_is_bound_although_its_disks_are_seen),
		TEST(disks_follow_the_only_card_through_a_new_numbering_but_not_into_another_slot),
		TEST(the_only_card_in_its_slot_is_not_bound_when_its_disks_are_others),
		TEST(what_this_boot_has_seen_is_certain),
		TEST(a_card_that_fits_two_reservations_is_neithers),
		TEST(a_card_in_the_slot_of_one_of_two_reservations_is_that_ones),
		TEST(a_reservation_is_read_back),
		TEST(a_reservation_that_is_damaged_is_refused),
		TEST(a_serial_that_would_break_the_line_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
