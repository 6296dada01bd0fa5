/* SPDX-License-Identifier: Apache-2.0 */
/* Real members of etcd on the loopback, for one test program.  For tests only: what goes wrong here fails the test. */
#ifndef PT_TESTS_ETCD_H
#define PT_TESTS_ETCD_H

#include <stdbool.h>
#include <sys/types.h>

#include "model/storeconf.h"

#define ETCD_MEMBERS 3

/**
 * struct etcd
 * @dir: their data, and the certificates where there are some
 * @quota: bytes; 0: etcd's own
 * @tls: clients speak TLS, with certificates of both sides
 * @net: what the members' network namespaces and links are called; "": they are all on the loopback
 */
struct etcd {
	char dir[64];
	unsigned n;
	long quota;
	bool tls;
	int client_port[ETCD_MEMBERS];
	int peer_port[ETCD_MEMBERS];
	pid_t pid[ETCD_MEMBERS];
	char net[32];
	char address[ETCD_MEMBERS][32];
};

/** etcd_installed() - false also says why on stderr: for a skip by name */
bool etcd_installed(void);

/** etcd_start() - @n members that know each other and serve; ends with this program whatever happens */
struct etcd *etcd_start(unsigned n, long quota, bool tls);
/** etcd_start_apart() - each member in a network namespace of its own; NULL when this may not make any, said on stderr
 */
struct etcd *etcd_start_apart(unsigned n);
void etcd_stop(struct etcd *e); /* NULL is allowed */

/* one member: killed as by a power cut, started again with its data, stopped and continued */
void etcd_kill(struct etcd *e, unsigned member);
void etcd_run(struct etcd *e, unsigned member);
void etcd_pause(const struct etcd *e, unsigned member);
void etcd_resume(const struct etcd *e, unsigned member);
/* of etcd_start_apart(): nobody reaches it, and it reaches nobody; and back */
void etcd_cut(const struct etcd *e, unsigned member);
void etcd_join(const struct etcd *e, unsigned member);
/* another cluster, without data, at the same addresses */
void etcd_begin_anew(struct etcd *e);
void etcd_await(const struct etcd *e);

/** etcd_config() - how to reach it; the caller frees by pt_store_config_done() */
void etcd_config(const struct etcd *e, struct pt_store_config *ret_config);

/** etcd_ctl() - run etcdctl; @line's words are separated by blanks; its exit status */
int etcd_ctl(const struct etcd *e, const char *line);

#endif
