/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of `passthru fleet`, by the file that has them.  Each returns an enum pt_exit or a negative errno. */
#ifndef PT_CLI_FLEETING_H
#define PT_CLI_FLEETING_H

#include "cli/storing.h"
#include "fleet/evacuate.h"

/* fleet-look.c */
int pt_fleeting_hosts(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err);
int pt_fleeting_devices(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err);
int pt_fleeting_why(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err);

/* fleet-limit.c */
int pt_fleeting_limit(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err);
/* as it is now: @n -1: none */
int pt_fleeting_print_limit(struct pt_cli *cli, long n, struct pt_error *err);
/* "4", or "none": -1 */
int pt_fleeting_parse_limit(const char *text, long *ret, struct pt_error *err);
int pt_fleeting_queue(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err);

/* fleet-evacuate.c */
int pt_fleeting_evacuate(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err);
/* one line of text */
void pt_fleeting_say_moved(const struct pt_cli *cli, const struct pt_moved *moved, const char *from);
/* what became of the claims of @host; PT_EXIT_NO when one stays */
int pt_fleeting_print_moved(struct pt_cli *cli, const char *host, const struct pt_moved_list *list,
			    struct pt_error *err);

/* fleet-users.c */
int pt_fleeting_add_host(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err);
int pt_fleeting_add_user(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err);
int pt_fleeting_remove_host(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err);
int pt_fleeting_remove_user(struct pt_cli *cli, struct pt_storing *s, struct pt_error *err);

#endif
