/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/networks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "model/pciconfig.h"

#define PREFIX	  "network "
#define NAME_MAX_ 64
#define MTU_MIN	  68u /* RFC 791 */
#define MTU_MAX	  65535u

/* the value up to " #", which people write behind it; blanks around it are the reader's */
static char *plain(const char *value)
{
	const char *mark = strstr(value, " #");
	const char *tab = strstr(value, "\t#");
	size_t n = strlen(value);

	if (mark)
		n = (size_t)(mark - value);
	if (tab && (size_t)(tab - value) < n)
		n = (size_t)(tab - value);
	return pt_text_trim(pt_strndup(value, n));
}

static int bad(const struct pt_ini_entry *e, const char *file, const char *value, const char *allowed,
	       struct pt_error *err)
{
	return pt_usage(err, -EINVAL, "%s:%u: [%s] %s = %.80s: expected %s", file, e->line, e->section, e->key, value,
			allowed);
}

static bool number(const char *text, unsigned min, unsigned max, unsigned *ret)
{
	char *end;
	unsigned long value;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || value < min || value > max)
		return false;
	*ret = (unsigned)value;
	return true;
}

static int read_vlan(const struct pt_ini_entry *e, const char *file, const char *value, struct pt_vf_settings *s,
		     struct pt_error *err)
{
	int r;

	s->has |= PT_VF_VLAN;
	s->vlan = 0;
	if (pt_streq(value, "none") || number(value, 1, PT_VLAN_MAX, &s->vlan))
		return 0;
	if (value[0] == '-' || !strpbrk(value, ",-: "))
		return bad(e, file, value, "none (the guest may tag), or 1 to 4094", err);
	r = pt_usage(err, -EINVAL, "%s:%u: [%s] vlan = %.80s: a card has one VLAN for a VF, not a list of them", file,
		     e->line, e->section, value);
	pt_hint(err, "vlan = none lets the guest tag, with whatever VLANs the switch gives that port");
	return r;
}

static int read_switch(const struct pt_ini_entry *e, const char *file, const char *value, unsigned has, bool *ret,
		       struct pt_vf_settings *s, struct pt_error *err)
{
	int yes = pt_bool_parse(value);

	if (yes < 0)
		return bad(e, file, value, "on or off", err);
	*ret = yes == 1;
	s->has |= has;
	return 0;
}

static int read_key(const struct pt_ini_entry *e, const char *file, const char *value, struct pt_network *n,
		    struct pt_error *err)
{
	struct pt_vf_settings *s = &n->settings;

	if (pt_streq(e->key, "physical_network")) {
		pt_strset(&n->physical_network, value);
		return *value ? 0 : bad(e, file, value, "the name that device_spec has", err);
	}
	if (pt_streq(e->key, "vlan"))
		return read_vlan(e, file, value, s, err);
	if (pt_streq(e->key, "qos"))
		return number(value, 0, 7, &s->qos) ? 0 : bad(e, file, value, "0 to 7", err);
	if (pt_streq(e->key, "mtu"))
		return number(value, MTU_MIN, MTU_MAX, &n->mtu) ? 0 : bad(e, file, value, "68 to 65535", err);
	if (pt_streq(e->key, "trust"))
		return read_switch(e, file, value, PT_VF_TRUST, &s->trust, s, err);
	if (pt_streq(e->key, "spoofchk"))
		return read_switch(e, file, value, PT_VF_SPOOFCHK, &s->spoofchk, s, err);
	if (pt_streq(e->key, "link_state")) {
		s->has |= PT_VF_LINK;
		return pt_vf_link_parse(value, &s->link) == 0 ? 0 : bad(e, file, value, "auto, on or off", err);
	}
	if (pt_streq(e->key, "rate") || pt_streq(e->key, "min_rate")) {
		s->has |= PT_VF_RATE;
		return number(value, 0, UINT32_MAX, pt_streq(e->key, "rate") ? &s->max_rate : &s->min_rate)
			       ? 0
			       : bad(e, file, value, "Mbit/s; 0: no limit", err);
	}
	return pt_usage(err, -EINVAL,
			"%s:%u: [%s] has no '%.60s'; allowed are physical_network, vlan, qos, mtu, trust, spoofchk, "
			"link_state, rate, min_rate",
			file, e->line, e->section, e->key);
}

static int check_name(const struct pt_ini_entry *e, const char *file, const char *name, struct pt_error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = strlen(name);

	if (n > 0 && n <= NAME_MAX_ && strspn(name, allowed) == n)
		return 0;
	return pt_usage(err, -EINVAL, "%s:%u: [%.80s]: a network's name is 1 to %d letters, digits, '.', '_' or '-'",
			file, e->line, e->section, NAME_MAX_);
}

/*
 * Elsewhere the last of two values counts, or they add up.  Two sections of one name, maybe in two files, are more
 * likely two networks: the guests of the one would be in the VLAN of the other without a word.
 */
static int say_once(const struct pt_ini_entry *e, const char *file, struct pt_network *n, struct pt_error *err)
{
	pt_autofree char *here = pt_strf("%s:%u", file, e->line);

	for (size_t i = 0; i + 1 < n->said.n; i += 2) {
		if (!pt_streq(n->said.v[i], e->key))
			continue;
		(void)pt_usage(err, -EINVAL, "%s: [%s] sets %s, which %s does already", here, e->section, e->key,
			       n->said.v[i + 1]);
		pt_hint(err, "one network says it once; a second network needs another name");
		return -EINVAL;
	}
	pt_strv_add(&n->said, e->key);
	pt_strv_add(&n->said, here);
	return 0;
}

static int read_entry(const struct pt_ini_entry *e, const char *file, struct pt_networks *l, struct pt_error *err)
{
	pt_autofree char *name = pt_text_trim(pt_strdup(e->section + strlen(PREFIX)));
	pt_autofree char *value = plain(e->value);
	struct pt_network *n = pt_networks_find(l, name);
	int r = check_name(e, file, name, err);

	if (r < 0)
		return r;
	if (!n) {
		n = pt_array_add(l);
		n->name = pt_strdup(name);
		n->where = pt_strf("%s:%u", file, e->line);
	}
	r = read_key(e, file, value, n, err);
	return r < 0 ? r : say_once(e, file, n, err);
}

/* [network], [Network blue]: passed over in silence it would be looked for in vain */
static bool is_nearly(const char *section)
{
	static const char word[] = "network";

	return strncasecmp(section, word, strlen(word)) == 0 &&
	       (!section[strlen(word)] || section[strlen(word)] == ' ');
}

int pt_networks_read(const struct pt_ini *ini, const char *file, struct pt_networks *networks, struct pt_error *err)
{
	int r = 0;

	for (size_t i = 0; i < ini->n && r == 0; i++)
		if (pt_startswith(ini->v[i].section, PREFIX))
			r = read_entry(&ini->v[i], file, networks, err);
		else if (is_nearly(ini->v[i].section))
			r = pt_usage(err, -EINVAL, "%s:%u: [%.80s]: a network's section is called [network NAME]", file,
				     ini->v[i].line, ini->v[i].section);
	return r;
}

/* a network whose VLAN nobody wrote down would put guests where the last one was */
int pt_networks_check(const struct pt_networks *networks, struct pt_error *err)
{
	for (size_t i = 0; i < networks->n; i++) {
		const struct pt_network *n = &networks->v[i];

		if (!(n->settings.has & PT_VF_VLAN))
			return pt_usage(err, -EINVAL, "%s: [network %s] says no vlan: 1 to 4094, or none", n->where,
					n->name);
		if (n->settings.qos && !n->settings.vlan)
			return pt_usage(err, -EINVAL, "%s: [network %s] has qos without a vlan: there is no tag",
					n->where, n->name);
		if (n->settings.max_rate && n->settings.min_rate > n->settings.max_rate)
			return pt_usage(err, -EINVAL, "%s: [network %s]: min_rate %u is more than rate %u", n->where,
					n->name, n->settings.min_rate, n->settings.max_rate);
	}
	return 0;
}
