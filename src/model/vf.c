/* SPDX-License-Identifier: Apache-2.0 */
#include "model/vf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

static const char *const link_names[] = { "auto", "on", "off" };

struct pt_mac_text pt_mac_str(const uint8_t mac[6])
{
	struct pt_mac_text t;

	(void)snprintf(t.s, sizeof(t.s), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		       mac[5]);
	return t;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int pt_mac_parse(const char *text, uint8_t ret_mac[6])
{
	uint8_t mac[6];

	if (strlen(text) != 17)
		return -EINVAL;
	for (size_t i = 0; i < 6; i++) {
		int high = hex(text[3 * i]);
		int low = hex(text[3 * i + 1]);

		if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':'))
			return -EINVAL;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(ret_mac, mac, sizeof(mac));
	return 0;
}

bool pt_mac_is_station(const uint8_t mac[6])
{
	static const uint8_t zero[6] = { 0 };

	return !(mac[0] & 1) && memcmp(mac, zero, sizeof(zero)) != 0;
}

const char *pt_vf_link_str(enum pt_vf_link link)
{
	return link_names[link];
}

int pt_vf_link_parse(const char *text, enum pt_vf_link *ret_link)
{
	for (int i = 0; i < 3; i++) {
		if (strcmp(link_names[i], text) != 0)
			continue;
		*ret_link = (enum pt_vf_link)i;
		return 0;
	}
	return -EINVAL;
}

/* by bit */
static const char *const must_names[] = { "mac", "vlan", "trust", "spoofchk", "link", "rate" };

static void add_must(struct pt_strv *words, unsigned must)
{
	PT_AUTO(pt_strv) names = { 0 };
	pt_autofree char *text = NULL;

	for (unsigned i = 0; i < sizeof(must_names) / sizeof(*must_names); i++)
		if (must & 1u << i)
			pt_strv_add(&names, must_names[i]);
	text = pt_strv_join(&names, ",");
	if (*text)
		pt_strv_addf(words, "must=%s", text);
}

static bool parse_must(const char *value, unsigned *ret)
{
	unsigned must = 0;

	while (*value) {
		size_t n = strcspn(value, ",");
		unsigned bit = 0;

		for (unsigned i = 0; i < sizeof(must_names) / sizeof(*must_names); i++)
			if (strlen(must_names[i]) == n && strncmp(must_names[i], value, n) == 0)
				bit = 1u << i;
		if (!bit)
			return false;
		must |= bit;
		value += n;
		value += *value == ',';
	}
	*ret = must;
	return must != 0;
}

static const char *on_off(bool value)
{
	return value ? "on" : "off";
}

char *pt_vf_settings_text(const struct pt_vf_settings *s)
{
	PT_AUTO(pt_strv) words = { 0 };

	if (s->has & PT_VF_MAC)
		pt_strv_addf(&words, "mac=%s", pt_mac_str(s->mac).s);
	if (s->has & PT_VF_VLAN)
		pt_strv_addf(&words, "vlan=%u qos=%u%s", s->vlan, s->qos, s->qinq ? " qinq=on" : "");
	if (s->has & PT_VF_TRUST)
		pt_strv_addf(&words, "trust=%s", on_off(s->trust));
	if (s->has & PT_VF_SPOOFCHK)
		pt_strv_addf(&words, "spoofchk=%s", on_off(s->spoofchk));
	if (s->has & PT_VF_LINK)
		pt_strv_addf(&words, "link=%s", pt_vf_link_str(s->link));
	if (s->has & PT_VF_RATE)
		pt_strv_addf(&words, "min_rate=%u max_rate=%u", s->min_rate, s->max_rate);
	add_must(&words, s->must & s->has);
	return pt_strv_join(&words, " ");
}

static bool number(const char *text, unsigned long max, unsigned *ret)
{
	char *end;
	unsigned long value;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || value > max)
		return false;
	*ret = (unsigned)value;
	return true;
}

static bool flag(const char *text, bool *ret)
{
	*ret = strcmp(text, "on") == 0;
	return *ret || strcmp(text, "off") == 0;
}

/* which setting a word makes; 0 for none of them */
static unsigned parse_word(const char *key, const char *value, struct pt_vf_settings *s)
{
	if (strcmp(key, "mac") == 0)
		return pt_mac_parse(value, s->mac) == 0 ? PT_VF_MAC : 0;
	if (strcmp(key, "vlan") == 0)
		return number(value, PT_VLAN_MAX, &s->vlan) ? PT_VF_VLAN : 0;
	if (strcmp(key, "qos") == 0)
		return number(value, 7, &s->qos) ? PT_VF_VLAN : 0;
	if (strcmp(key, "qinq") == 0)
		return flag(value, &s->qinq) ? PT_VF_VLAN : 0;
	if (strcmp(key, "trust") == 0)
		return flag(value, &s->trust) ? PT_VF_TRUST : 0;
	if (strcmp(key, "spoofchk") == 0)
		return flag(value, &s->spoofchk) ? PT_VF_SPOOFCHK : 0;
	if (strcmp(key, "link") == 0)
		return pt_vf_link_parse(value, &s->link) == 0 ? PT_VF_LINK : 0;
	if (strcmp(key, "min_rate") == 0)
		return number(value, UINT32_MAX, &s->min_rate) ? PT_VF_RATE : 0;
	if (strcmp(key, "max_rate") == 0)
		return number(value, UINT32_MAX, &s->max_rate) ? PT_VF_RATE : 0;
	return 0;
}

int pt_vf_settings_parse(const char *text, struct pt_vf_settings *ret, struct pt_error *err)
{
	pt_autofree char *copy = pt_strdup(text);
	struct pt_vf_settings s = { 0 };
	char *save = NULL;

	for (char *word = strtok_r(copy, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		char *value = strchr(word, '=');
		unsigned has = 0;

		if (value) {
			*value++ = '\0';
			if (strcmp(word, "must") == 0 && parse_must(value, &s.must))
				continue;
			has = parse_word(word, value, &s);
		}
		if (!has)
			return pt_say(err, -EBADMSG, "'%.40s%s%.40s' is no setting of a virtual function", word,
				      value ? "=" : "", value ? value : "");
		s.has |= has;
	}
	s.must &= s.has;
	*ret = s;
	return 0;
}

enum pt_vf_has pt_vf_settings_differ(const struct pt_vf_settings *want, const struct pt_vf_settings *now)
{
	bool same[] = {
		memcmp(want->mac, now->mac, sizeof(want->mac)) == 0,
		want->vlan == now->vlan && want->qos == now->qos && want->qinq == now->qinq,
		want->trust == now->trust,
		want->spoofchk == now->spoofchk,
		want->link == now->link,
		want->min_rate == now->min_rate && want->max_rate == now->max_rate,
	};

	for (unsigned i = 0; i < sizeof(same) / sizeof(*same); i++)
		if ((want->has & 1u << i) && (!(now->has & 1u << i) || !same[i]))
			return (enum pt_vf_has)(1 << i);
	return 0;
}

const char *pt_vf_has_str(enum pt_vf_has one)
{
	switch (one) {
	case PT_VF_MAC:
		return "MAC";
	case PT_VF_VLAN:
		return "VLAN";
	case PT_VF_TRUST:
		return "trust";
	case PT_VF_SPOOFCHK:
		return "spoof check";
	case PT_VF_LINK:
		return "link state";
	case PT_VF_RATE:
		return "rate";
	case PT_VF_ALL:
		break;
	}
	return "settings";
}

void pt_vf_settings_merge(struct pt_vf_settings *to, const struct pt_vf_settings *over)
{
	if (over->has & PT_VF_MAC)
		memcpy(to->mac, over->mac, sizeof(to->mac));
	if (over->has & PT_VF_VLAN) {
		to->vlan = over->vlan;
		to->qos = over->qos;
		to->qinq = over->qinq;
	}
	if (over->has & PT_VF_TRUST)
		to->trust = over->trust;
	if (over->has & PT_VF_SPOOFCHK)
		to->spoofchk = over->spoofchk;
	if (over->has & PT_VF_LINK)
		to->link = over->link;
	if (over->has & PT_VF_RATE) {
		to->min_rate = over->min_rate;
		to->max_rate = over->max_rate;
	}
	to->has |= over->has;
	to->must = (to->must & ~over->has) | (over->must & over->has);
}
