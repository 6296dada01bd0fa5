/* SPDX-License-Identifier: Apache-2.0 */
#include "host/group-others.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

void pt_group_others(const struct pt_root *root, int group, struct pt_host *host)
{
	pt_autofree char *dir = pt_strf("kernel/iommu_groups/%d/devices", group);
	PT_AUTO(pt_strv) names = { 0 };

	for (size_t i = 0; i < host->group_others.n; i++)
		if (host->group_others.v[i].group == group)
			return;
	/* no such folder: a capture has none */
	if (group == PT_GROUP_NONE || pt_file_list(root->sys_fd, dir, &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		pt_autofree char *link = pt_strf("%s/%s/driver", dir, names.v[i]);
		struct pt_host_other other = { .group = group };
		struct pt_bdf bdf;

		if (pt_bdf_parse(names.v[i], &bdf) == 0)
			continue;
		/* no driver: not in the way */
		(void)pt_file_link_name(root->sys_fd, link, &other.driver);
		other.name = pt_text_clean(pt_strdup(names.v[i]));
		pt_array_push(&host->group_others, other);
	}
}
