/* SPDX-License-Identifier: Apache-2.0 */
/* What is behind a function, written down in one text so that it can be looked for in a guest later. */
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "decide/verify.h"

/* what is shorter is no number that could tell disks apart, and would be found in any text */
#define SERIAL_MIN 5

/* blanks separate the words of a line */
static void add_word(struct pt_buf *b, const char *word)
{
	if (!word || !*word) {
		pt_buf_add(b, " -");
		return;
	}
	pt_buf_add(b, " ");
	for (const char *c = word; *c; c++)
		pt_buf_addn(b, *c == ' ' || *c == '\n' ? "_" : c, 1);
}

char *pt_carried(const struct pt_host *host, struct pt_bdf bdf)
{
	PT_AUTO(pt_strv) lines = { 0 };
	pt_autofree char *joined = NULL;

	for (size_t i = 0; i < host->blocks.n; i++) {
		const struct pt_block *k = &host->blocks.v[i];
		struct pt_buf b = { 0 };

		if (!k->has_controller || !pt_bdf_eq(k->controller, bdf) || !pt_streq(k->name, k->disk))
			continue;
		if (!k->serial && !k->wwn)
			continue;
		pt_buf_add(&b, "disk");
		add_word(&b, k->serial);
		add_word(&b, k->wwn);
		pt_strv_take(&lines, pt_buf_take(&b));
	}
	for (size_t i = 0; i < host->nics.n; i++) {
		struct pt_buf b = { 0 };

		if (!pt_bdf_eq(host->nics.v[i].bdf, bdf))
			continue;
		pt_buf_add(&b, "mac");
		add_word(&b, host->nics.v[i].mac);
		pt_strv_take(&lines, pt_buf_take(&b));
	}
	/* the kernel's order of disks is that in which they answered */
	pt_strv_sort(&lines);
	joined = pt_strv_join(&lines, "\n");
	return lines.n ? pt_strf("%s\n", joined) : NULL;
}

static char *take_word(const char **at)
{
	size_t n;
	char *word;

	*at += strspn(*at, " ");
	n = strcspn(*at, " \n");
	word = n && !(n == 1 && **at == '-') ? pt_strndup(*at, n) : NULL;
	*at += n;
	return word;
}

bool pt_carried_next(const char **at, char **ret_kind, char **ret_first, char **ret_second)
{
	*at += strspn(*at, " \n");
	if (!**at)
		return false;
	*ret_kind = take_word(at);
	if (!*ret_kind)
		*ret_kind = pt_strdup("-");
	*ret_first = take_word(at);
	*ret_second = take_word(at);
	*at += strcspn(*at, "\n");
	return true;
}

/* "0x5002…", "naa.5002…", "eui.0025…": the digits are what all agree on */
static const char *wwn_digits(const char *wwn)
{
	const char *dot = strchr(wwn, '.');

	if (dot)
		return dot + 1;
	return wwn[0] == '0' && (wwn[1] == 'x' || wwn[1] == 'X') ? wwn + 2 : wwn;
}

static bool within(const char *told, const char *number)
{
	if (!number || !*number)
		return false;
	return strlen(number) < SERIAL_MIN ? strcasecmp(told, number) == 0 : strcasestr(told, number) != NULL;
}

/*
 * A Linux guest's agent tells udev's ID_SERIAL: MODEL_SERIAL for ATA and NVMe, and for SCSI what page 83h says: a digit
 * for its type and the WWN (scsi_id(8)).
 */
bool pt_disk_is(const char *told, const char *serial, const char *wwn)
{
	return told && (within(told, serial) || (wwn && within(told, wwn_digits(wwn))));
}
