/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that only look share.  Prints; decides nothing. */
#ifndef PT_CLI_PRINT_H
#define PT_CLI_PRINT_H

#include <jansson.h>
#include <stdint.h>

#include "cli/cli.h"
#include "model/device.h"

/** pt_print_json() - the answer as one document; takes the reference; PT_EXIT_DONE or a negative errno */
int pt_print_json(struct pt_cli *cli, json_t *answer, struct pt_error *err);

/** pt_look_devices() - functions, their names and what hangs on each: what most commands begin with */
int pt_look_devices(const struct pt_cli *cli, struct pt_devices *ret_devices, struct pt_error *err);

/** pt_print_size() - "16 MiB", "1.8 TiB"; caller frees */
char *pt_print_size(uint64_t bytes);

#endif
