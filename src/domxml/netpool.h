/* SPDX-License-Identifier: Apache-2.0 */
/* A <network> document of libvirt's that lends functions of the host to VMs as they start.  Judges nothing. */
#ifndef PT_DOMXML_NETPOOL_H
#define PT_DOMXML_NETPOOL_H

#include "base/alloc.h"
#include "base/error.h"
#include "model/bdf.h"

/**
 * struct pt_netpool - owns everything in it
 * @pfs: interfaces of the physical functions whose virtual functions it lends; @functions: those that it names itself
 */
struct pt_netpool {
	char *network;
	struct pt_strv pfs;
	PT_ARRAY(struct pt_bdf) functions;
};

struct pt_netpools {
	struct pt_netpool *v;
	size_t n;
	size_t cap;
};

/** pt_domxml_read_netpool() - 1; 0 when it is another kind of network; -EBADMSG with the line */
int pt_domxml_read_netpool(const char *xml, struct pt_netpool *ret_pool, struct pt_error *err);
void pt_netpool_done(struct pt_netpool *p);
void pt_netpools_done(struct pt_netpools *l);

#endif
