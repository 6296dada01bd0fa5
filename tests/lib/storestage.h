/* SPDX-License-Identifier: Apache-2.0 */
/* One empty store a test, SQLite's or one of a real etcd, for programs that try the same on both. */
#ifndef PT_TESTS_STORESTAGE_H
#define PT_TESTS_STORESTAGE_H

#include "etcd.h"
#include "model/pciconfig.h"
#include "store/store.h"

/**
 * struct storestage
 * @dir: SQLite's; empty on etcd
 * @store: NULL where there is no etcd: storestage_begin() skips
 * @pci: as claiming_config()
 * @n: the test's own, 0 at first
 */
struct storestage {
	char dir[64];
	struct pt_store_config config;
	struct pt_store *store;
	struct pt_pci_config pci;
	struct pt_error err;
	unsigned n;
};

/* the program's one member, or NULL */
extern struct etcd *storestage_etcd;

/* cmocka's setup and teardown of the whole program, */
int storestage_start_etcd(void **state);
int storestage_stop_etcd(void **state);
/* and of one test */
int storestage_sqlite(void **state);
int storestage_on_etcd(void **state);
int storestage_end(void **state);

/** storestage_begin() - the stage of this test, which is skipped where there is no etcd */
struct storestage *storestage_begin(void **state);
/** storestage_open() - the same store once more; the caller closes it */
struct pt_store *storestage_open(struct storestage *s);

#endif
