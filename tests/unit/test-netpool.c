/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of libvirt's that lend functions of the host: read, and asked of libvirt's own test driver. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "fakesys.h"
#include "vm/netpools.h"

#define BY_CARD                                                                                                        \
	"<network><name>by card</name><forward mode='hostdev' managed='yes'><pf dev='eno2'/></forward></network>"
#define BY_NAME                                                                                                        \
	"<network><name>by-name</name><forward mode='hostdev'><driver name='vfio'/>"                                   \
	"<address type='pci' domain='0' bus='4' slot='0' function='1'/>"                                               \
	"<address type='pci' domain='0x0' bus='0x04' slot='0x1f' function='0x7'/></forward></network>"

static void what_a_network_lends_is_read(void **state)
{
	static const struct {
		const char *xml;
		int r;
		const char *pfs;
		size_t functions;
	} networks[] = {
		{ BY_CARD, 1, "eno2", 0 },
		{ BY_NAME, 1, "", 2 },
		{ "<network><name>nat</name><forward mode='nat'/></network>", 0, "", 0 },
		{ "<network><name>alone</name></network>", 0, "", 0 },
		{ "<network><forward mode='hostdev'/></network>", -EBADMSG, "", 0 },
		{ "<network><name>a</name><forward mode='hostdev'><address type='pci' bus='300'/></forward></network>",
		  -EBADMSG, "", 0 },
		{ "<domain/>", -EBADMSG, "", 0 },
	};

	for (size_t i = 0; i < sizeof(networks) / sizeof(*networks); i++) {
		PT_AUTO(pt_netpool) pool = { 0 };
		pt_autofree char *pfs = NULL;

		if (pt_domxml_read_netpool(networks[i].xml, &pool, NULL) != networks[i].r)
			fail_msg("%s", networks[i].xml);
		pfs = pt_strv_join(&pool.pfs, " ");
		assert_string_equal(pfs, networks[i].pfs);
		assert_int_equal(pool.functions.n, networks[i].functions);
	}
}

static void libvirt_tells_its_pools_and_no_other_network(void **state)
{
	struct fakesys *sys = fakesys_new();
	pt_autofree char *uri = pt_strf("test://%s/node.xml", sys->dir);
	struct pt_vm_conn *conn = NULL;
	PT_AUTO(pt_netpools) pools = { 0 };
	struct pt_error err = { 0 };

	fakesys_file(sys, "node.xml", "<node>" BY_CARD "<network><name>alone</name></network></node>");
	if (pt_vm_open(&sys->root, uri, true, &conn, &err) < 0)
		fail_msg("%s", err.msg);
	pt_vm_netpools(conn, &pools);
	assert_int_equal(pools.n, 1);
	assert_string_equal(pools.v[0].network, "by card");
	assert_string_equal(pools.v[0].pfs.v[0], "eno2");
	pt_vm_close(conn);
	fakesys_free(sys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_network_lends_is_read),
		cmocka_unit_test(libvirt_tells_its_pools_and_no_other_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
