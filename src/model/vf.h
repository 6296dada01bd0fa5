/* SPDX-License-Identifier: Apache-2.0 */
/* What a PF sets for a virtual function of its network card, and its text in steps and files.  Plain data. */
#ifndef PT_MODEL_VF_H
#define PT_MODEL_VF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* include/uapi/linux/if_ether.h: a VLAN's number has 12 bits, 0 and 4095 are not for use */
#define PT_VLAN_MAX 4094u
#define PT_VF_MAX   65535u

enum pt_vf_has {
	PT_VF_MAC = 1 << 0,
	PT_VF_VLAN = 1 << 1,
	PT_VF_TRUST = 1 << 2,
	PT_VF_SPOOFCHK = 1 << 3,
	PT_VF_LINK = 1 << 4,
	PT_VF_RATE = 1 << 5,
	PT_VF_ALL = (1 << 6) - 1,
};

/* IFLA_VF_LINK_STATE_*, in the kernel's order */
enum pt_vf_link {
	PT_VF_LINK_AUTO = 0, /* that of the PF */
	PT_VF_LINK_ON,
	PT_VF_LINK_OFF,
};

/**
 * struct pt_vf_settings
 * @has: which of the members are known, or wanted: a set of enum pt_vf_has
 * @vlan: 0: none, the guest may tag; @qos: its priority, 0 to 7
 * @qinq: the outer tag of two (802.1ad); false: 802.1Q
 * @min_rate, @max_rate: Mbit/s for sending; 0: no limit
 * @must: without which of them a network may not be joined: a set, part of @has
 */
struct pt_vf_settings {
	unsigned has;
	uint8_t mac[6];
	unsigned vlan;
	unsigned qos;
	bool qinq;
	bool trust;
	bool spoofchk;
	enum pt_vf_link link;
	unsigned min_rate;
	unsigned max_rate;
	unsigned must;
};

struct pt_mac_text {
	char s[18];
};

struct pt_mac_text pt_mac_str(const uint8_t mac[6]);
/* "52:54:00:12:34:56"; -EINVAL for all else; what it may be used for is not asked */
int pt_mac_parse(const char *text, uint8_t ret_mac[6]);
/* one card's address: not a group's (IEEE 802, the lowest bit of the first byte), not zero */
bool pt_mac_is_station(const uint8_t mac[6]);

const char *pt_vf_link_str(enum pt_vf_link link); /* "auto", "on", "off" */
int pt_vf_link_parse(const char *text, enum pt_vf_link *ret_link);

/**
 * pt_vf_settings_text() - "mac=52:54:00:12:34:56 vlan=42 qos=0 trust=on spoofchk=off link=auto min_rate=0 max_rate=100
 * must=mac,vlan,rate"
 *
 * Only what it @has; "" for nothing.  The caller frees.
 */
char *pt_vf_settings_text(const struct pt_vf_settings *s);

/** pt_vf_settings_parse() - the way back; hostile; -EBADMSG with the word that is wrong */
int pt_vf_settings_parse(const char *text, struct pt_vf_settings *ret, struct pt_error *err);

/** pt_vf_settings_differ() - the first of @want's that @now does not have so; @must is not asked; 0: none */
enum pt_vf_has pt_vf_settings_differ(const struct pt_vf_settings *want, const struct pt_vf_settings *now);

/** pt_vf_has_str() - "MAC", "VLAN", "trust", "spoof check", "link state", "rate" */
const char *pt_vf_has_str(enum pt_vf_has one);

/** pt_vf_settings_merge() - @over's values over those of @to; @over says whether they must be */
void pt_vf_settings_merge(struct pt_vf_settings *to, const struct pt_vf_settings *over);

#endif
