/* SPDX-License-Identifier: Apache-2.0 */
/* Findings on a terminal: verdict, check and fact, wrapped; the place and the fix on lines of their own. */
#ifndef PT_CLI_FINDINGS_H
#define PT_CLI_FINDINGS_H

#include "cli/cli.h"
#include "model/finding.h"

/* of every line printed; a terminal as wide as in 1978 shows it unbroken */
#define PT_CLI_WIDTH 80

/**
 * pt_cli_findings() - print findings, one or more lines each
 *
 *	fail     iommu-active         the firmware offers an IOMMU, but the kernel is
 *	                              told not to use it: intel_iommu=off
 *	                              [/proc/cmdline]
 *	                              → replace intel_iommu=off by intel_iommu=on in …
 *
 * The place is left out where all is well, unless @cli->verbose.
 */
void pt_cli_findings(const struct pt_cli *cli, const struct pt_findings *findings);

/** pt_cli_wrap() - print @text from column @at, where the cursor stands, to PT_CLI_WIDTH or a narrower terminal's
 * width, further lines indented */
void pt_cli_wrap(FILE *out, const char *text, unsigned at, unsigned indent);

#endif
