/* SPDX-License-Identifier: Apache-2.0 */
#include "storestage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "claiming.h"
#include "fakesys.h"

struct etcd *storestage_etcd;

int storestage_start_etcd(void **state)
{
	(void)state;
	if (etcd_installed())
		storestage_etcd = etcd_start(1, 0, false);
	return 0;
}

int storestage_stop_etcd(void **state)
{
	(void)state;
	etcd_stop(storestage_etcd);
	storestage_etcd = NULL;
	return 0;
}

struct pt_store *storestage_open(struct storestage *s)
{
	struct pt_store *store = NULL;

	if (pt_store_open(&s->config, &store, &s->err) < 0)
		fail_msg("%s", s->err.msg);
	return store;
}

int storestage_sqlite(void **state)
{
	struct storestage *s = pt_alloc(sizeof(*s));

	*state = s;
	(void)strcpy(s->dir, "/tmp/storestage.XXXXXX");
	if (!mkdtemp(s->dir))
		return -1;
	s->config.directory = pt_strf("%s/state", s->dir);
	claiming_config(&s->pci);
	s->store = storestage_open(s);
	return 0;
}

int storestage_on_etcd(void **state)
{
	static unsigned tests;
	struct storestage *s = pt_alloc(sizeof(*s));

	*state = s;
	if (!storestage_etcd)
		return 0;
	etcd_config(storestage_etcd, &s->config);
	s->config.prefix = pt_strf("/test-%u/", ++tests);
	claiming_config(&s->pci);
	s->store = storestage_open(s);
	return 0;
}

int storestage_end(void **state)
{
	struct storestage *s = *state;

	pt_store_close(s->store);
	pt_store_config_done(&s->config);
	pt_pci_config_done(&s->pci);
	if (*s->dir)
		fakesys_rmtree(s->dir);
	free(s);
	return 0;
}

struct storestage *storestage_begin(void **state)
{
	struct storestage *s = *state;

	if (!s->store)
		skip();
	return s;
}
