/* SPDX-License-Identifier: Apache-2.0 */
#include <locale.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
	/* widths of characters in tables; numbers stay in the C locale */
	(void)setlocale(LC_CTYPE, "");
	return pt_cli_main(argc, argv);
}
