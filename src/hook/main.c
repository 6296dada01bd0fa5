/* SPDX-License-Identifier: Apache-2.0 */
/* libvirt's hook for QEMU (https://libvirt.org/hooks.html), as /etc/libvirt/hooks/qemu.d/passthru. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "hook/hook.h"
#include "journal/journal.h"

#define XML_MAX ((size_t)16 << 20)

static char *read_stdin(void)
{
	struct pt_buf xml = { 0 };
	char part[65536];
	size_t n;

	do {
		n = fread(part, 1, sizeof(part), stdin);
		pt_buf_addn(&xml, part, n);
	} while (n && xml.n < XML_MAX);
	return pt_buf_take(&xml);
}

/* VM OPERATION SUB-OPERATION EXTRA; what we have an opinion on is only the moment before a VM starts */
int main(int argc, char **argv)
{
	PT_AUTO(pt_root) root = PT_ROOT_NONE;
	pt_autofree char *xml = NULL;
	struct pt_error blind = { 0 };
	struct pt_error err = { 0 };
	int r;

	if (argc < 4 || strcmp(argv[2], "prepare") != 0 || strcmp(argv[3], "begin") != 0)
		return 0;
	xml = read_stdin();
	r = pt_root_live(&root, &blind);
	r = r < 0 ? pt_hook_blind(argv[1], xml, &blind, &err)
		  : pt_hook_may_start(&root, PT_JOURNAL_DIR, argv[1], xml, &err);
	if (r == 0)
		return 0;
	(void)fprintf(stderr, "passthru: %s%s%s (%s: this cannot be forced)\n", err.msg, err.hint[0] ? "; " : "",
		      err.hint, err.refusal);
	return 1;
}
