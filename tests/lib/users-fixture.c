/* SPDX-License-Identifier: Apache-2.0 */
#include "users-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "host/block.h"
#include "host/users.h"

int users_setup(void **state)
{
	struct users_fixture *f = pt_alloc(sizeof(*f));

	f->sys = fakesys_new();
	fakesys_bridge(f->sys, "0000:00:01.0", 1, -1);
	fakesys_add_pci(f->sys, HBA, 0x1000, 0x0079, 0x010400, "megaraid_sas", 1);
	fakesys_add_pci(f->sys, NIC, 0x8086, 0x10c9, 0x020000, "igb", 41);
	fakesys_add_pci(f->sys, GPU, 0x10de, 0x2330, 0x030000, "nouveau", 81);
	fakesys_file(f->sys, "proc/self/mountinfo", "22 1 0:21 / /proc rw - proc proc rw\n");
	fakesys_file(f->sys, "proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
	fakesys_file(f->sys, "proc/net/route", "Iface\tDestination\n");
	*state = f;
	return 0;
}

static void forget(struct users_fixture *f)
{
	pt_uses_done(&f->uses);
	pt_strv_done(&f->blind);
	pt_blocks_done(&f->host.blocks);
}

int users_teardown(void **state)
{
	struct users_fixture *f = *state;

	forget(f);
	pt_host_done(&f->host);
	fakesys_free(f->sys);
	free(f);
	return 0;
}

void users_add_device(struct users_fixture *f, const char *bdf, uint32_t class_code, const char *driver, const char *pf)
{
	struct pt_device *d = pt_array_add(&f->host.devices);

	if (pt_bdf_parse(bdf, &d->bdf) < 0 || (pf && pt_bdf_parse(pf, &d->pf) < 0))
		fail_msg("%s is no address", bdf);
	d->class_code = class_code;
	d->driver = pt_strdup_opt(driver);
	d->sriov = pf ? PT_SRIOV_VF : PT_SRIOV_NONE;
}

void users_look(struct users_fixture *f, const char *bdf)
{
	struct pt_error err = { 0 };
	struct pt_bdf of;

	forget(f);
	if (pt_bdf_parse(bdf, &of) < 0)
		fail_msg("%s is no address", bdf);
	if (pt_block_list(&f->sys->root, &f->host.blocks, &err) < 0 ||
	    pt_users_find(&f->sys->root, &f->host, &of, 1, &f->uses, &f->blind, &err) < 0)
		fail_msg("%s", err.msg);
}

void users_mount(struct users_fixture *f, const char *number, const char *point, const char *type, const char *source)
{
	pt_autofree char *path = pt_strf("%s/proc/self/mountinfo", f->sys->dir);
	FILE *file = fopen(path, "ae");

	if (!file)
		fail_msg("cannot write %s", path);
	(void)fprintf(file, "36 22 %s / %s rw,relatime shared:1 - %s %s rw\n", number, point, type, source);
	(void)fclose(file);
}

static char *all_uses(const struct users_fixture *f)
{
	struct pt_buf text = { 0 };

	for (size_t i = 0; i < f->uses.n; i++)
		pt_buf_addf(&text, "\n  %s %s: %s", pt_bdf_str(f->uses.v[i].bdf).s, pt_use_kind_str(f->uses.v[i].kind),
			    f->uses.v[i].chain);
	return pt_buf_take(&text);
}

const struct pt_use *users_find(struct users_fixture *f, enum pt_use_kind kind, const char *chain)
{
	char *all;

	for (size_t i = 0; i < f->uses.n; i++)
		if (f->uses.v[i].kind == kind && pt_streq(f->uses.v[i].chain, chain))
			return &f->uses.v[i];
	all = all_uses(f);
	print_error("no use \"%s: %s\"; there is:%s\n", pt_use_kind_str(kind), chain, all);
	free(all);
	fail();
	return NULL;
}

void users_expect_only(struct users_fixture *f, enum pt_use_kind kind, const char *chain)
{
	(void)users_find(f, kind, chain);
	if (f->uses.n != 1) {
		char *all = all_uses(f);

		print_error("more uses than the one expected:%s\n", all);
		free(all);
		fail();
	}
}

void users_expect_none(struct users_fixture *f)
{
	if (f->uses.n) {
		char *all = all_uses(f);

		print_error("uses where none was expected:%s\n", all);
		free(all);
		fail();
	}
}

bool users_blind_to(const struct users_fixture *f, const char *part)
{
	for (size_t i = 0; i < f->blind.n; i++)
		if (strstr(f->blind.v[i], part))
			return true;
	return false;
}

void users_add_dm(struct users_fixture *f, const char *name, unsigned minor, const char *dm_name, const char *uuid,
		  const char *below)
{
	pt_autofree char *name_path = NULL;
	pt_autofree char *uuid_path = NULL;
	pt_autofree char *link = pt_strf("mapper/%s", dm_name);

	fakesys_add_disk(f->sys, NULL, name, 253, minor, NULL);
	name_path = pt_strf("%s/dm/name", fakesys_block_path(f->sys, name));
	uuid_path = pt_strf("%s/dm/uuid", fakesys_block_path(f->sys, name));
	fakesys_file(f->sys, name_path, "%s\n", dm_name);
	fakesys_file(f->sys, uuid_path, "%s\n", uuid);
	fakesys_dev_link(f->sys, link, name);
	if (below)
		fakesys_hold(f->sys, below, name);
}
