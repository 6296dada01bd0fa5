/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of another host that take the place of those that a VM cannot take along: from its libvirt to a choice.
 */
#ifndef PT_CLI_TWINS_H
#define PT_CLI_TWINS_H

#include <stdlib.h>

#include "cli/cli.h"
#include "model/device.h"
#include "model/domain.h"
#include "model/finding.h"

/* @mine: borrowed from the list of this host's functions */
struct pt_twins {
	struct {
		const struct pt_device *mine;
		struct pt_bdf twin;
	} * v;
	size_t n;
	size_t cap;
};

static inline void pt_twins_done(struct pt_twins *l)
{
	free(l->v);
	*l = (struct pt_twins){ 0 };
}

/** pt_twins_wanted() - the functions of the VM that an interface stands in for, of what it runs with; caller frees @v
 */
void pt_twins_wanted(const struct pt_domain *live, struct pt_strv *ret_words);

/**
 * pt_twins_find() - one for each of those, by decide/twin.h; the n-th --device names the n-th
 * @findings: says also of each function that nothing stands in for whether one like it is free there
 * @here: this host's functions, all of them; @uri: that host's libvirt
 *
 * Return: 0; -EPERM (PT_ERROR_REFUSED) when there is none for one of them; another errno when that host cannot be
 * asked.
 */
int pt_twins_find(struct pt_cli *cli, const struct pt_devices *here, const struct pt_domain *live, const char *uri,
		  struct pt_twins *ret_twins, struct pt_findings *findings, struct pt_error *err);

#endif
