/* SPDX-License-Identifier: Apache-2.0 */
/* Storage that comes over the network: its disks have no PCI function, but the NIC that carries them has. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/users-net.h"

static void add(struct pt_peers *peers, const struct pt_ip *ip, enum pt_use_kind kind, const char *where, char *text)
{
	struct pt_peer *p = pt_array_add(peers);

	p->ip = *ip;
	p->kind = kind;
	p->where = pt_strdup(where);
	p->text = text;
}

/* what follows @key in a list of options, up to one of @ends */
static bool find_ip(const char *options, const char *key, const char *ends, struct pt_ip *ret_ip)
{
	size_t n = strlen(key);

	for (const char *p = strstr(options, key); p; p = strstr(p + 1, key)) {
		if (p != options && !strchr(ends, p[-1]))
			continue;
		if (pt_ip_parse(p + n, strcspn(p + n, ends), ret_ip))
			return true;
	}
	return false;
}

/* ceph names its monitors before the path: "10.0.0.1:6789,10.0.0.2:6789:/"; the first stands for all */
static bool ceph_ip(const struct pt_mount *m, struct pt_ip *ret_ip)
{
	size_t n = m->source[0] == '[' ? strcspn(m->source, "]") : strcspn(m->source, ":,");

	return pt_streq(m->type, "ceph") && pt_ip_parse(m->source, n, ret_ip);
}

/* nfs(5), mount.cifs(8): the mount's own options say which address they speak to: addr= */
static void read_mounts(const struct pt_look *look, struct pt_peers *peers)
{
	for (size_t i = 0; i < look->mounts.n; i++) {
		const struct pt_mount *m = &look->mounts.v[i];
		pt_autofree char *where = NULL;
		struct pt_ip ip;

		if (m->major != 0 || (!find_ip(m->options, "addr=", ",", &ip) && !ceph_ip(m, &ip)))
			continue;
		where = m->pid ? pt_strf("/proc/%d/mountinfo", m->pid) : pt_strdup("/proc/self/mountinfo");
		add(peers, &ip, PT_USE_MOUNT, where,
		    pt_strf("%s %.300s mounted on %.300s", m->type, m->source, m->point));
	}
}

/* Documentation/ABI: class/iscsi_connection/connectionS:C/address, class/iscsi_session/sessionS/targetname */
static void read_iscsi(const struct pt_look *look, struct pt_peers *peers)
{
	PT_AUTO(pt_strv) names = { 0 };

	/* no such class: no iSCSI initiator */
	(void)pt_file_list(look->root->sys_fd, "class/iscsi_connection", &names);
	for (size_t i = 0; i < names.n; i++) {
		pt_autofree char *path = pt_strf("class/iscsi_connection/%s/address", names.v[i]);
		pt_autofree char *where = pt_strf("/sys/%s", path);
		pt_autofree char *address = NULL;
		struct pt_ip ip;

		if (pt_file_read_line(look->root->sys_fd, path, &address) == 0 &&
		    pt_ip_parse(address, strlen(address), &ip))
			add(peers, &ip, PT_USE_ROUTE, where, pt_strf("iSCSI session to %.64s", address));
	}
}

/* class/nvme/nvmeN/transport and address: "traddr=10.0.0.9,trsvcid=4420,src_addr=10.0.0.1" */
static void read_nvme(const struct pt_look *look, struct pt_peers *peers)
{
	PT_AUTO(pt_strv) names = { 0 };

	(void)pt_file_list(look->root->sys_fd, "class/nvme", &names);
	for (size_t i = 0; i < names.n; i++) {
		pt_autofree char *path = pt_strf("class/nvme/%s/address", names.v[i]);
		pt_autofree char *where = pt_strf("/sys/%s", path);
		pt_autofree char *address = NULL;
		struct pt_ip ip;

		/* of a controller on PCI the address is that of the function */
		if (pt_file_read_line(look->root->sys_fd, path, &address) == 0 && find_ip(address, "traddr=", ",", &ip))
			add(peers, &ip, PT_USE_ROUTE, where,
			    pt_strf("NVMe controller %s over the network", names.v[i]));
	}
}

void pt_peers_read(const struct pt_look *look, struct pt_peers *ret_peers)
{
	read_mounts(look, ret_peers);
	read_iscsi(look, ret_peers);
	read_nvme(look, ret_peers);
}

void pt_peers_done(struct pt_peers *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].text);
		free(l->v[i].where);
	}
	free(l->v);
	*l = (struct pt_peers){ 0 };
}
