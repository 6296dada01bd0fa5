/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/changing.h"
#include "cli/commands.h"
#include "cli/networks.h"
#include "cli/placeable.h"
#include "cli/vfing.h"

static const struct pt_option options[] = {
	{ "network", 0, "NAME", "all that this network says of a VF; what is named beside it goes first", false },
	{ "mac", 0, "ADDRESS", "its MAC, kept by the PF, so that the guest's driver finds it", false },
	{ "vlan", 0, "N|none", "1 to 4094: the card tags for the guest; none: the guest may tag", false },
	{ "qos", 0, "N", "the priority in that tag, 0 to 7 (with --vlan)", false },
	{ "trust", 0, "on|off", "may the guest ask for promiscuous mode, multicast, another MAC?", false },
	{ "spoofchk", 0, "on|off", "drop what the guest sends from another MAC or VLAN?", false },
	{ "link-state", 0, "auto|on|off", "that of the PF, or always on or off", false },
	{ "rate", 0, "MBIT", "at most so much for sending; 0: no limit", false },
	{ "min-rate", 0, "MBIT", "at least so much (with --rate)", false },
	PT_CHANGING_OPTIONS,
	{ NULL, 0, NULL, NULL, false },
};

static int read_mac(const struct pt_cli *cli, struct pt_vf_settings *s, struct pt_error *err)
{
	const char *text = pt_cli_value(cli, "mac");
	int r;

	if (!text)
		return 0;
	if (pt_mac_parse(text, s->mac) < 0)
		return pt_usage(err, -EINVAL, "--mac %s: expected six bytes like 52:54:00:12:34:56", text);
	if (!pt_mac_is_station(s->mac)) {
		r = pt_usage(err, -EINVAL, "--mac %s: no card can have this address", text);
		pt_hint(err, "the first byte must be even (an odd one is a group's), and not all may be zero");
		return r;
	}
	s->has |= PT_VF_MAC;
	return 0;
}

static int read_vlan(const struct pt_cli *cli, struct pt_vf_settings *s, struct pt_error *err)
{
	const char *text = pt_cli_value(cli, "vlan");
	long value = 0;
	int r;

	if (!text && pt_cli_value(cli, "qos"))
		return pt_usage(err, -EINVAL, "--qos does nothing without --vlan: the priority is in the tag");
	if (!text)
		return 0;
	/* 10,20 or 10-20; -1 is just no VLAN */
	if (text[0] != '-' && strpbrk(text, ",-")) {
		r = pt_usage(err, -EINVAL, "--vlan %s: a card has one VLAN for a VF, not a list of them", text);
		pt_hint(err, "--vlan none lets the guest tag, with whatever VLANs the switch gives this port");
		return r;
	}
	if (strcmp(text, "none") != 0)
		r = pt_cli_number(cli, "vlan", 1, PT_VLAN_MAX, 0, &value, err);
	else
		r = 0;
	s->vlan = (unsigned)value;
	value = 0;
	if (r >= 0)
		r = pt_cli_number(cli, "qos", 0, 7, 0, &value, err);
	if (r >= 0 && value && !s->vlan)
		r = pt_usage(err, -EINVAL, "--qos %ld: there is no tag without a VLAN", value);
	s->qos = (unsigned)value;
	s->has |= PT_VF_VLAN;
	return r;
}

static int read_switch(const struct pt_cli *cli, const char *name, unsigned has, bool *ret, struct pt_vf_settings *s,
		       struct pt_error *err)
{
	const char *text = pt_cli_value(cli, name);

	if (!text)
		return 0;
	*ret = strcmp(text, "on") == 0;
	if (!*ret && strcmp(text, "off") != 0)
		return pt_usage(err, -EINVAL, "--%s %s: expected on or off", name, text);
	s->has |= has;
	return 0;
}

static int read_link(const struct pt_cli *cli, struct pt_vf_settings *s, struct pt_error *err)
{
	const char *text = pt_cli_value(cli, "link-state");

	if (!text)
		return 0;
	if (pt_vf_link_parse(text, &s->link) < 0)
		return pt_usage(err, -EINVAL, "--link-state %s: expected auto, on or off", text);
	s->has |= PT_VF_LINK;
	return 0;
}

static int read_rate(const struct pt_cli *cli, struct pt_vf_settings *s, struct pt_error *err)
{
	long most = 0;
	long least = 0;
	int r;

	if (!pt_cli_value(cli, "rate") && pt_cli_value(cli, "min-rate"))
		return pt_usage(err, -EINVAL, "--min-rate needs --rate: the card takes both at once (0: no limit)");
	if (!pt_cli_value(cli, "rate"))
		return 0;
	r = pt_cli_number(cli, "rate", 0, UINT32_MAX, 0, &most, err);
	if (r >= 0)
		r = pt_cli_number(cli, "min-rate", 0, UINT32_MAX, 0, &least, err);
	if (r >= 0 && most && least > most)
		r = pt_usage(err, -EINVAL, "--min-rate %ld is more than --rate %ld", least, most);
	s->max_rate = (unsigned)most;
	s->min_rate = (unsigned)least;
	s->has |= PT_VF_RATE;
	return r;
}

static int read_settings(const struct pt_cli *cli, struct pt_vf_settings *s, struct pt_error *err)
{
	int r = read_mac(cli, s, err);

	if (r >= 0)
		r = read_vlan(cli, s, err);
	if (r >= 0)
		r = read_switch(cli, "trust", PT_VF_TRUST, &s->trust, s, err);
	if (r >= 0)
		r = read_switch(cli, "spoofchk", PT_VF_SPOOFCHK, &s->spoofchk, s, err);
	if (r >= 0)
		r = read_link(cli, s, err);
	if (r >= 0)
		r = read_rate(cli, s, err);
	if (r < 0 || s->has || pt_cli_value(cli, "network"))
		return r;
	r = pt_usage(err, -EINVAL, "nothing to set was given");
	pt_hint(err, "`passthru show %s` shows how it is; `passthru help vf` what can be set", cli->operands[0]);
	return r;
}

/* the cables and the MTU that the network needs; root may put a VF anywhere whose network is not known */
static int check_network(const struct pt_cli *cli, const struct pt_vfing *v, const struct pt_network *network,
			 struct pt_error *err)
{
	PT_AUTO(pt_inv_hosts) hosts = { 0 };
	PT_AUTO(pt_strv) physnets = { 0 };
	const char *on = "";
	int r = pt_placeable_hosts(cli, &hosts, NULL, err);

	if (r == 0)
		r = pt_network_physnets(cli, &hosts.v[0], &physnets, err);
	for (size_t i = 0; r == 0 && i < hosts.v[0].n; i++)
		if (pt_bdf_eq(hosts.v[0].v[i].bdf, v->bdf))
			on = physnets.v[i];
	if (r < 0)
		return r;
	if (network->physical_network && !pt_streq(network->physical_network, on)) {
		r = pt_refuse(err, "network-card", "network %s is on %s, and %s is on %s", network->name,
			      network->physical_network, pt_bdf_str(v->bdf).s,
			      *on ? on : "none that device_spec names");
		pt_hint(err, "device_spec's \"physical_network\" says which cards are on it (%s)", network->where);
		return r;
	}
	if (network->mtu && v->sriov.link.name && v->sriov.link.mtu < network->mtu) {
		r = pt_refuse(err, "network-mtu", "network %s needs an MTU of %u, and %s has %u", network->name,
			      network->mtu, v->sriov.link.name, v->sriov.link.mtu);
		pt_hint(err, "`ip link set %s mtu %u`, and where your network's configuration says so",
			v->sriov.link.name, network->mtu);
		return r;
	}
	return 0;
}

/* what is named on the command line goes before what the network says */
static int use_network(const struct pt_cli *cli, const struct pt_vfing *v, struct pt_networks *networks,
		       struct pt_vf_settings *want, const struct pt_network **ret_network, struct pt_error *err)
{
	const char *name = pt_cli_value(cli, "network");
	struct pt_vf_settings all;
	int r = name ? pt_placeable_networks(cli, NULL, 0, networks, err) : 0;

	if (r == 0 && name)
		r = pt_network_of(networks, name, ret_network, err);
	if (r < 0 || !*ret_network)
		return r;
	all = (*ret_network)->settings;
	all.must = all.has;
	pt_vf_settings_merge(&all, want);
	*want = all;
	return check_network(cli, v, *ret_network, err);
}

static int run(struct pt_cli *cli, struct pt_error *err)
{
	PT_AUTO(pt_vfing) v = { 0 };
	PT_AUTO(pt_plan) plan = { 0 };
	PT_AUTO(pt_networks) networks = { 0 };
	const struct pt_network *network = NULL;
	struct pt_vf_settings want = { 0 };
	int r = read_settings(cli, &want, err);

	if (r >= 0)
		r = pt_cli_need_live(cli, err);
	if (r >= 0)
		r = pt_cli_need_root(cli, err);
	if (r >= 0)
		r = pt_vfing_look(cli, &v, err);
	if (r >= 0)
		r = use_network(cli, &v, &networks, &want, &network, err);
	if (r < 0)
		return r;
	r = pt_decide_vf(&v.facts, v.bdf, &want, network, &plan, err);
	return pt_vfing_run(cli, &v, &plan, r, err);
}

const struct pt_command pt_command_vf = {
	.name = "vf",
	.args = "VF",
	.group = "Change",
	.summary = "Set a virtual function's MAC, VLAN, trust, spoof check, link state and rate",
	.description =
		"Through the PF's driver, so that it holds whoever has the VF, a guest included. What is not named\n"
		"stays as it is. Each setting is read back; when the driver refuses one, none is changed. Settings of\n"
		"VFs that `passthru sriov` made are kept across reboots. `passthru undo` puts the old ones back.",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
