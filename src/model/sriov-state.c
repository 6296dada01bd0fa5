/* SPDX-License-Identifier: Apache-2.0 */
#include "model/sriov-state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/link-state.h"

#define DRIVER_MAX 64

char *pt_sriov_state_text(const struct pt_sriov_state *s)
{
	struct pt_buf b = { 0 };

	if (s->has_pf)
		pt_buf_addf(&b, "address=%s\nid=%04x:%04x subsystem=%04x:%04x\n", pt_bdf_str(s->pf).s, s->vendor,
			    s->device, s->subvendor, s->subdevice);
	if (s->vfs >= 0)
		pt_buf_addf(&b, "vfs=%d\n", s->vfs);
	if (s->autoprobe >= 0)
		pt_buf_addf(&b, "autoprobe=%s\n", s->autoprobe ? "on" : "off");
	if (s->own_queues >= 0)
		pt_buf_addf(&b, "own-queues=%d\n", s->own_queues);
	if (s->own_interrupts >= 0)
		pt_buf_addf(&b, "own-interrupts=%d\n", s->own_interrupts);
	for (size_t i = 0; i < s->v.n; i++) {
		const struct pt_vf_state *vf = &s->v.v[i];
		pt_autofree char *settings = pt_vf_settings_text(&vf->settings);

		pt_buf_addf(&b, "vf=%u", vf->index);
		if (vf->has_address)
			pt_buf_addf(&b, " address=%s", pt_bdf_str(vf->bdf).s);
		if (vf->driver)
			pt_buf_addf(&b, " driver=%s", vf->driver);
		if (vf->override)
			pt_buf_addf(&b, " override=%s", vf->override);
		if (vf->queues)
			pt_buf_addf(&b, " queues=%u", vf->queues);
		if (vf->interrupts)
			pt_buf_addf(&b, " interrupts=%u", vf->interrupts);
		if (vf->mtu)
			pt_buf_addf(&b, " mtu=%u", vf->mtu);
		pt_buf_addf(&b, "%s%s\n", *settings ? " " : "", settings);
	}
	return pt_buf_take(&b);
}

struct pt_vf_state *pt_sriov_state_vf(const struct pt_sriov_state *s, unsigned index)
{
	for (size_t i = 0; i < s->v.n; i++)
		if (s->v.v[i].index == index)
			return &s->v.v[i];
	return NULL;
}

struct pt_vf_state *pt_sriov_state_add(struct pt_sriov_state *s, unsigned index)
{
	struct pt_vf_state *vf = pt_sriov_state_vf(s, index);

	if (vf)
		return vf;
	vf = pt_array_add(&s->v);
	vf->index = index;
	return vf;
}

static bool number(const char *text, unsigned *ret)
{
	char *end;
	unsigned long value;

	if (*text < '0' || *text > '9')
		return false;
	value = strtoul(text, &end, 10);
	if (*end || value > PT_VF_MAX)
		return false;
	*ret = (unsigned)value;
	return true;
}

static bool parse_mtu(const char *text, unsigned *ret)
{
	unsigned value;

	if (!number(text, &value) || value < PT_MTU_MIN || value > PT_MTU_MAX)
		return false;
	*ret = value;
	return true;
}

/* a driver's name becomes part of a path */
static bool driver_name(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t n = strlen(text);

	return n > 0 && n <= DRIVER_MAX && strspn(text, allowed) == n;
}

/* "8086:10c9" */
static bool parse_ids(const char *text, unsigned *first, unsigned *second)
{
	static const char digits[] = "0123456789abcdef";

	if (strlen(text) != 9 || strspn(text, digits) != 4 || text[4] != ':' || strspn(text + 5, digits) != 4)
		return false;
	*first = (unsigned)strtoul(text, NULL, 16);
	*second = (unsigned)strtoul(text + 5, NULL, 16);
	return true;
}

/* address, driver and the like are ours; the rest of a VF's line is its settings */
static int parse_vf(char *line, struct pt_sriov_state *s, struct pt_error *err)
{
	PT_AUTO(pt_strv) rest = { 0 };
	pt_autofree char *settings = NULL;
	char *save = NULL;
	char *word = strtok_r(line, " \t", &save);
	struct pt_vf_state *vf;
	unsigned index;

	if (!word || !number(word, &index) || pt_sriov_state_vf(s, index))
		return pt_say(err, -EBADMSG, "'vf=%.40s' is no virtual function, or named twice", word ? word : "");
	vf = pt_sriov_state_add(s, index);
	while ((word = strtok_r(NULL, " \t", &save))) {
		if (pt_startswith(word, "address=")) {
			if (pt_bdf_parse(word + strlen("address="), &vf->bdf) < 0)
				return pt_say(err, -EBADMSG, "'%.60s' is no address", word);
			vf->has_address = true;
		} else if (pt_startswith(word, "driver=") && driver_name(word + strlen("driver="))) {
			pt_strset(&vf->driver, word + strlen("driver="));
		} else if (pt_startswith(word, "override=") && driver_name(word + strlen("override="))) {
			pt_strset(&vf->override, word + strlen("override="));
		} else if (!(pt_startswith(word, "queues=") && number(word + strlen("queues="), &vf->queues)) &&
			   !(pt_startswith(word, "interrupts=") &&
			     number(word + strlen("interrupts="), &vf->interrupts)) &&
			   !(pt_startswith(word, "mtu=") && parse_mtu(word + strlen("mtu="), &vf->mtu))) {
			pt_strv_add(&rest, word);
		}
	}
	settings = pt_strv_join(&rest, " ");
	return pt_vf_settings_parse(settings, &vf->settings, err);
}

static bool parse_card(const char *line, struct pt_sriov_state *s)
{
	static const char second[] = " subsystem=";
	const char *sub = strstr(line, second);
	pt_autofree char *first = sub ? pt_strndup(line, (size_t)(sub - line)) : NULL;

	return sub && parse_ids(first, &s->vendor, &s->device) &&
	       parse_ids(sub + sizeof(second) - 1, &s->subvendor, &s->subdevice);
}

static int parse_line(char *line, struct pt_sriov_state *s, struct pt_error *err)
{
	unsigned n;

	line[strcspn(line, "\r")] = '\0';
	if (!*line || *line == '#')
		return 0;
	if (pt_startswith(line, "vf="))
		return parse_vf(line + 3, s, err);
	if (pt_startswith(line, "vfs=") && number(line + 4, &n)) {
		s->vfs = (int)n;
		return 0;
	}
	if (pt_streq(line, "autoprobe=on") || pt_streq(line, "autoprobe=off")) {
		s->autoprobe = pt_streq(line, "autoprobe=on");
		return 0;
	}
	if (pt_startswith(line, "own-queues=") && number(line + strlen("own-queues="), &n)) {
		s->own_queues = (int)n;
		return 0;
	}
	if (pt_startswith(line, "own-interrupts=") && number(line + strlen("own-interrupts="), &n)) {
		s->own_interrupts = (int)n;
		return 0;
	}
	if (pt_startswith(line, "address=") && pt_bdf_parse(line + strlen("address="), &s->pf) == 0) {
		s->has_pf = true;
		return 0;
	}
	if (pt_startswith(line, "id=") && parse_card(line + 3, s))
		return 0;
	return pt_say(err, -EBADMSG, "the line '%.80s' cannot be understood", line);
}

int pt_sriov_state_parse(const char *text, struct pt_sriov_state *ret, struct pt_error *err)
{
	PT_AUTO(pt_sriov_state) s = PT_SRIOV_STATE_UNSAID;
	pt_autofree char *copy = pt_strdup(text);
	char *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		int r = parse_line(line, &s, err);

		if (r < 0)
			return r;
	}
	*ret = s;
	s = (struct pt_sriov_state){ 0 };
	return 0;
}

void pt_sriov_state_copy(struct pt_sriov_state *to, const struct pt_sriov_state *from)
{
	*to = *from;
	to->v.v = NULL;
	to->v.n = 0;
	to->v.cap = 0;
	for (size_t i = 0; i < from->v.n; i++) {
		struct pt_vf_state *vf = pt_array_add(&to->v);

		*vf = from->v.v[i];
		vf->driver = pt_strdup_opt(from->v.v[i].driver);
		vf->override = pt_strdup_opt(from->v.v[i].override);
	}
}

unsigned pt_sriov_state_mtu(const struct pt_sriov_state *s)
{
	unsigned mtu = 0;

	for (size_t i = 0; i < s->v.n; i++)
		if (s->v.v[i].mtu > mtu)
			mtu = s->v.v[i].mtu;
	return mtu;
}

void pt_nvme_state(const struct pt_nvme_virt *card, struct pt_sriov_state *s)
{
	if (card->queues.flexible)
		s->own_queues = (int)card->queues.own;
	if (card->interrupts.flexible)
		s->own_interrupts = (int)card->interrupts.own;
	for (size_t i = 0; i < s->v.n; i++) {
		const struct pt_nvme_secondary *one = pt_nvme_of_vf(card, s->v.v[i].index);

		if (!one || !one->online)
			continue;
		s->v.v[i].queues = card->queues.flexible ? one->queues : 0;
		s->v.v[i].interrupts = card->interrupts.flexible ? one->interrupts : 0;
	}
}

bool pt_sriov_text_names(const char *text, struct pt_bdf bdf)
{
	pt_autofree char *word = pt_strf(" address=%s", pt_bdf_str(bdf).s);
	const char *at = text ? strstr(text, word) : NULL;

	return at && (at[strlen(word)] == ' ' || at[strlen(word)] == '\n');
}

void pt_sriov_state_done(struct pt_sriov_state *s)
{
	for (size_t i = 0; i < s->v.n; i++) {
		free(s->v.v[i].driver);
		free(s->v.v[i].override);
	}
	free(s->v.v);
	*s = (struct pt_sriov_state)PT_SRIOV_STATE_UNSAID;
}

void pt_sriov_states_done(struct pt_sriov_states *l)
{
	for (size_t i = 0; i < l->n; i++)
		pt_sriov_state_done(&l->v[i]);
	free(l->v);
	*l = (struct pt_sriov_states){ 0 };
}
