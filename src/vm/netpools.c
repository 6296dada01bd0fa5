/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/netpools.h"

#include <stdlib.h>

#include "vm/conn.h"

void pt_vm_netpools(struct pt_vm_conn *conn, struct pt_netpools *ret_pools)
{
	virNetworkPtr *all = NULL;
	int n = virConnectListAllNetworks(conn->conn, &all, 0);

	/* a host without libvirt's network driver lends nothing */
	for (int i = 0; i < n; i++) {
		/* as it is configured: an active one names the functions that its cards have now */
		char *xml = virNetworkGetXMLDesc(all[i], VIR_NETWORK_XML_INACTIVE);
		struct pt_netpool pool = { 0 };

		/* the test driver has but one form of it */
		if (!xml)
			xml = virNetworkGetXMLDesc(all[i], 0);
		/* one that went meanwhile has none */
		if (xml && pt_domxml_read_netpool(xml, &pool, NULL) == 1)
			pt_array_push(ret_pools, pool);
		free(xml);
		(void)virNetworkFree(all[i]);
	}
	free(all);
}
