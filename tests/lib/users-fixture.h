/* SPDX-License-Identifier: Apache-2.0 */
/* A made-up host and what pt_users_find() says of it, for tests/unit/test-users-*.c. */
#ifndef PT_TESTS_USERS_FIXTURE_H
#define PT_TESTS_USERS_FIXTURE_H

#include "fakesys.h"
#include "model/host.h"

#define HBA "0000:01:00.0" /* a MegaRAID controller behind a root port */
#define NIC "0000:41:00.0" /* a network card, group 41 */
#define GPU "0000:81:00.0" /* a display, group 81 */

struct users_fixture {
	struct fakesys *sys;
	struct pt_host host;
	struct pt_uses uses;
	struct pt_strv blind;
};

/* for cmocka_unit_test_setup_teardown() */
int users_setup(void **state);
int users_teardown(void **state);

/** users_look() - list the disks again and find the uses of one function; fails the test when that fails */
void users_look(struct users_fixture *f, const char *bdf);

/** users_add_device() - what pt_pci_list() would have found; @pf NULL for all but VFs */
void users_add_device(struct users_fixture *f, const char *bdf, uint32_t class_code, const char *driver,
		      const char *pf);

/** users_mount() - add a line to proc/self/mountinfo */
void users_mount(struct users_fixture *f, const char *number, const char *point, const char *type, const char *source);

/** users_find() - the use with exactly this chain; fails the test, with all that was found, when there is none */
const struct pt_use *users_find(struct users_fixture *f, enum pt_use_kind kind, const char *chain);

/** users_expect_only() - users_find(), and no other use */
void users_expect_only(struct users_fixture *f, enum pt_use_kind kind, const char *chain);
void users_expect_none(struct users_fixture *f);
/* is there a sentence with @part in it about what was not seen? */
bool users_blind_to(const struct users_fixture *f, const char *part);

/* a stacked device: dm with a name and uuid */
void users_add_dm(struct users_fixture *f, const char *name, unsigned minor, const char *dm_name, const char *uuid,
		  const char *below);

#endif
