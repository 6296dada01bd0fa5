/* SPDX-License-Identifier: Apache-2.0 */
/* What the host's network does over the interfaces of a function: also through what is stacked on them. */
#include "host/users-net.h"

#include <net/if.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host/block-path.h"

/* an interface; @path: its device path; @uppers: what is stacked on it */
struct netdev {
	char *name;
	char *path;
	bool up;
	const char *what; /* "bridge", "bond", … or NULL */
	struct pt_strv uppers;
};

/* everything read once, for all targets */
struct net {
	PT_ARRAY(struct netdev) devs;
	struct pt_addresses addresses;
	struct pt_routes routes;
	struct pt_logins logins;
	struct pt_peers peers;
};

/* an interface that carries one of the target's, or is one; @chain: "eth0 > bond0 > br0" */
struct carried {
	const struct netdev *dev;
	char *chain;
};

struct carrieds {
	struct carried *v;
	size_t n;
	size_t cap;
};

static bool has(const struct pt_look *look, const char *name, const char *entry)
{
	pt_autofree char *path = pt_strf("class/net/%s/%s", name, entry);

	return pt_file_exists(look->root->sys_fd, path) == 1;
}

/* DEVTYPE in the device's uevent: "vlan", "macvlan", "bond", "bridge", … */
static const char *what_it_is(const struct pt_look *look, const char *name)
{
	static const char *const types[] = {
		"bridge", "bond", "vlan", "macvlan", "macvtap", "ipvlan", "vxlan", "team"
	};
	pt_autofree char *path = pt_strf("class/net/%s/uevent", name);
	pt_autofree char *uevent = NULL;
	const char *type;

	if (has(look, name, "bridge"))
		return "bridge";
	if (has(look, name, "bonding"))
		return "bond";
	if (pt_file_read(look->root->sys_fd, path, PT_FILE_MAX, &uevent, NULL) < 0)
		return NULL;
	type = strstr(uevent, "DEVTYPE=");
	for (size_t i = 0; type && i < sizeof(types) / sizeof(*types); i++) {
		size_t n = strlen(types[i]);
		const char *value = type + strlen("DEVTYPE=");

		if (strncmp(value, types[i], n) == 0 && (value[n] == '\n' || value[n] == '\0'))
			return types[i];
	}
	return NULL;
}

/* Documentation/ABI/testing/sysfs-class-net: a link upper_NAME for each device stacked on it, and master */
static void read_uppers(const struct pt_look *look, const char *name, struct pt_strv *ret_uppers)
{
	pt_autofree char *dir = pt_strf("class/net/%s", name);
	pt_autofree char *link = pt_strf("%s/master", dir);
	pt_autofree char *master = NULL;
	PT_AUTO(pt_strv) entries = { 0 };

	if (pt_file_link_name(look->root->sys_fd, link, &master) == 0)
		pt_strv_add(ret_uppers, master);
	/* gone in between: nothing is stacked on it any more */
	(void)pt_file_list(look->root->sys_fd, dir, &entries);
	for (size_t i = 0; i < entries.n; i++) {
		const char *upper = entries.v[i] + strlen("upper_");

		if (pt_startswith(entries.v[i], "upper_") && !pt_strv_has(ret_uppers, upper))
			pt_strv_add(ret_uppers, upper);
	}
}

static void read_devs(const struct pt_look *look, struct net *net)
{
	PT_AUTO(pt_strv) names = { 0 };

	/* no such class: a kernel without a network */
	(void)pt_file_list(look->root->sys_fd, "class/net", &names);
	for (size_t i = 0; i < names.n; i++) {
		char *device = pt_path_of_link(look->root->sys_fd, "class/net", names.v[i]);
		pt_autofree char *path = pt_strf("class/net/%s/flags", names.v[i]);
		uint64_t flags = 0;
		struct netdev *dev;

		/* bonding_masters is a file, not a device */
		if (!device)
			continue;
		dev = pt_array_add(&net->devs);
		dev->name = pt_strdup(names.v[i]);
		dev->path = device;
		/* flags that cannot be read: it may well be up */
		dev->up = pt_file_read_u64(look->root->sys_fd, path, &flags) < 0 || (flags & IFF_UP);
		dev->what = what_it_is(look, names.v[i]);
		read_uppers(look, names.v[i], &dev->uppers);
	}
}

static void net_done(struct net *net)
{
	for (size_t i = 0; i < net->devs.n; i++) {
		free(net->devs.v[i].name);
		free(net->devs.v[i].path);
		pt_strv_done(&net->devs.v[i].uppers);
	}
	free(net->devs.v);
	pt_addresses_done(&net->addresses);
	pt_routes_done(&net->routes);
	pt_logins_done(&net->logins);
	pt_peers_done(&net->peers);
}

static const struct netdev *find_dev(const struct net *net, const char *name)
{
	for (size_t i = 0; i < net->devs.n; i++)
		if (pt_streq(net->devs.v[i].name, name))
			return &net->devs.v[i];
	return NULL;
}

static const struct carried *find_carried(const struct carrieds *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (pt_streq(l->v[i].dev->name, name))
			return &l->v[i];
	return NULL;
}

/* the target's own interfaces, at any depth (a NIC on USB), and what is stacked on them, each once */
static void follow_up(const struct net *net, struct pt_bdf function, struct carrieds *ret)
{
	for (size_t i = 0; i < net->devs.n; i++)
		if (pt_path_has_function(net->devs.v[i].path, function))
			pt_array_push(ret, ((struct carried){ &net->devs.v[i], pt_strdup(net->devs.v[i].name) }));
	for (size_t i = 0; i < ret->n; i++) {
		const struct pt_strv *uppers = &ret->v[i].dev->uppers;

		for (size_t u = 0; u < uppers->n; u++) {
			const struct netdev *upper = find_dev(net, uppers->v[u]);

			if (upper && !find_carried(ret, upper->name))
				pt_array_push(ret, ((struct carried){
							   upper, pt_strf("%s > %s", ret->v[i].chain, upper->name) }));
		}
	}
}

static void carrieds_done(struct carrieds *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].chain);
	free(l->v);
}

static void judge_routes(struct pt_look *look, const struct net *net, const struct pt_look_target *target,
			 const struct carrieds *carried)
{
	for (size_t i = 0; i < net->routes.n; i++) {
		const struct pt_route *route = &net->routes.v[i];
		const struct carried *c = route->prefix ? NULL : find_carried(carried, route->netdev);

		if (c)
			pt_look_use(look, target, &(struct pt_look_how){ .kind = PT_USE_ROUTE, .where = route->where },
				    "%s > default route (%s)", c->chain, route->to.family == AF_INET ? "IPv4" : "IPv6");
	}
}

/* the interface that has the connection's own address, or the one over which answers leave */
static const struct carried *carrier_of(const struct pt_look *look, const struct net *net,
					const struct carrieds *carried, const struct pt_ip *local,
					const struct pt_ip *remote)
{
	pt_autofree char *out = NULL;

	for (size_t i = 0; local && i < net->addresses.n; i++) {
		const struct pt_address *a = &net->addresses.v[i];
		const struct carried *c = pt_ip_eq(&a->ip, local) ? find_carried(carried, a->netdev) : NULL;

		if (c)
			return c;
	}
	out = pt_route_to(look, &net->routes, remote);
	return out ? find_carried(carried, out) : NULL;
}

static void judge_logins(struct pt_look *look, const struct net *net, const struct pt_look_target *target,
			 const struct carrieds *carried)
{
	for (size_t i = 0; i < net->logins.n; i++) {
		const struct pt_login *login = &net->logins.v[i];
		const struct carried *c = carrier_of(look, net, carried, &login->local, &login->remote);
		struct pt_look_how how = {
			.kind = PT_USE_SESSION, .where = login->where, .pid = login->pid, .comm = login->comm
		};

		if (c && login->ours)
			pt_look_use(look, target, &how, "%s > the connection from %s that this command came over",
				    c->chain, pt_ip_str(&login->remote).s);
		else if (c)
			pt_look_use(look, target, &how, "%s > somebody's login from %s (%s, pid %d)", c->chain,
				    pt_ip_str(&login->remote).s, login->comm, login->pid);
	}
}

static void judge_peers(struct pt_look *look, const struct net *net, const struct pt_look_target *target,
			const struct carrieds *carried)
{
	for (size_t i = 0; i < net->peers.n; i++) {
		const struct pt_peer *peer = &net->peers.v[i];
		const struct carried *c = carrier_of(look, net, carried, NULL, &peer->ip);

		if (c)
			pt_look_use(look, target, &(struct pt_look_how){ .kind = peer->kind, .where = peer->where },
				    "%s > %s", c->chain, peer->text);
	}
}

/*
 * The datapath's own interface is never brought up, and the bridges in it are linked to no port (net/openvswitch): a
 * port that is up carries what goes over any of them.
 */
static bool is_datapath(const struct netdev *upper)
{
	return pt_streq(upper->name, "ovs-system");
}

/* a port that is up, of something that is up: its traffic is other people's */
static void judge_ports(struct pt_look *look, const struct net *net, const struct pt_look_target *target,
			const struct carrieds *carried)
{
	for (size_t i = 0; i < carried->n; i++) {
		const struct netdev *dev = carried->v[i].dev;
		pt_autofree char *where = pt_strf("/sys/class/net/%s", dev->name);

		if (!dev->up || !pt_path_has_function(dev->path, target->at))
			continue;
		for (size_t u = 0; u < dev->uppers.n; u++) {
			const struct netdev *upper = find_dev(net, dev->uppers.v[u]);

			if (upper && is_datapath(upper))
				pt_look_use(
					look, target, &(struct pt_look_how){ .kind = PT_USE_BRIDGE, .where = where },
					"%s > port of an Open vSwitch bridge (%s)", carried->v[i].chain, upper->name);
			else if (upper && upper->up)
				pt_look_use(look, target,
					    &(struct pt_look_how){ .kind = PT_USE_BRIDGE, .where = where },
					    "%s > carries %s %s, which is up", carried->v[i].chain,
					    upper->what ? upper->what : "interface", upper->name);
		}
	}
}

static void judge_addresses(struct pt_look *look, const struct net *net, const struct pt_look_target *target,
			    const struct carrieds *carried)
{
	for (size_t i = 0; i < net->addresses.n; i++) {
		const struct pt_address *a = &net->addresses.v[i];
		const struct carried *c = find_carried(carried, a->netdev);

		if (c && c->dev->up)
			pt_look_use(look, target, &(struct pt_look_how){ .kind = PT_USE_ADDRESS, .where = a->where },
				    "%s > has the address %s and is up", c->chain, pt_ip_str(&a->ip).s);
	}
}

/* an interface in a container's network namespace is not shown to us, nor does sysfs say that there is one */
static void judge_hidden(struct pt_look *look, const struct pt_look_target *target, const struct carrieds *carried)
{
	const struct pt_device *d = pt_devices_find(&look->host->devices, target->at);

	if (!d || !pt_device_is_network(d) || !d->driver || carried->n || look->root->captured ||
	    strstr(d->driver, "vfio") || pt_streq(d->driver, "pci-stub"))
		return;
	pt_look_blind(
		look,
		"%s is held by %s but has no network interface here: it may be in use in another network namespace "
		"(ip netns, a container), which was not looked at",
		pt_bdf_str(target->at).s, d->driver);
}

static bool any_interface(const struct pt_look *look, const struct net *net)
{
	for (size_t t = 0; t < look->targets.n; t++)
		for (size_t i = 0; i < net->devs.n; i++)
			if (pt_path_has_function(net->devs.v[i].path, look->targets.v[t].at))
				return true;
	return false;
}

static void judge_target(struct pt_look *look, const struct net *net, const struct pt_look_target *target)
{
	struct carrieds carried = { 0 };

	follow_up(net, target->at, &carried);
	judge_routes(look, net, target, &carried);
	judge_logins(look, net, target, &carried);
	judge_ports(look, net, target, &carried);
	judge_peers(look, net, target, &carried);
	judge_addresses(look, net, target, &carried);
	judge_hidden(look, target, &carried);
	carrieds_done(&carried);
}

void pt_look_net(struct pt_look *look)
{
	struct net net = { 0 };

	read_devs(look, &net);
	if (any_interface(look, &net)) {
		pt_addresses_read(look, &net.addresses);
		pt_routes_read(look, &net.routes);
		pt_logins_read(look, &net.logins);
		pt_peers_read(look, &net.peers);
	}
	for (size_t t = 0; t < look->targets.n; t++)
		judge_target(look, &net, &look->targets.v[t]);
	net_done(&net);
}
