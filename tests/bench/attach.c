/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach DIRECTORY: our own time in an attach; one JSON object.  See bench-attach.  The looking is done on the host
 * that this runs on, with its processes and disks, and on a server made of files; the deciding on the story's server;
 * the changing with a fake kernel and a fake VM that answer at once, and a real journal in DIRECTORY.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/watch.h"
#include "change/timed.h"
#include "fakesys.h"
#include "host/gather.h"
#include "host/pci.h"
#include "hosts.h"
#include "stage.h"
#include "world.h"

#define ROUNDS 15

struct figures {
	double here[ROUNDS];
	double server[ROUNDS];
	double decide[ROUNDS];
	double change[ROUNDS];
	double disk[ROUNDS];
};

static _Noreturn void give_up(const struct pt_error *err)
{
	(void)fprintf(stderr, "bench attach: %s\n", err->msg);
	exit(1);
}

static double look(const struct pt_root *root)
{
	struct pt_watch watch;
	PT_AUTO(pt_host) host = { 0 };
	PT_AUTO(pt_strv) blind = { 0 };
	struct pt_error err = { 0 };
	size_t i = 0;

	pt_watch_start(&watch);
	if (pt_pci_list(root, &host.devices, &err) < 0 || pt_names_fill(root, &host.devices, &err) < 0 ||
	    pt_pci_carried(root, &host.devices, &err) < 0)
		give_up(&err);
	while (i + 1 < host.devices.n && !pt_device_is_storage(&host.devices.v[i]))
		i++;
	if (host.devices.n && pt_gather(root, &host.devices.v[i].bdf, 1, &host, &blind, &err) < 0)
		give_up(&err);
	return pt_watch_ms(&watch, PT_WATCH_OWN);
}

static double decide(void)
{
	struct world *w = world_new();
	struct pt_watch watch;
	double ms;

	world_ask(w, "0000:01:00.0");
	pt_watch_start(&watch);
	if (world_attach(w) < 0)
		give_up(&w->err);
	ms = pt_watch_ms(&watch, PT_WATCH_OWN);
	world_free(w);
	return ms;
}

/* what stage_open() does, but with the journal where the caller wants it: on a disk */
static void open_journal(struct stage *w, const char *dir, int round)
{
	pt_autofree char *state = pt_strf("%s/state-%d", dir, round);
	pt_autofree char *run = pt_strf("%s/run-%d", dir, round);
	struct pt_error err = { 0 };

	if (pt_journal_open(state, PT_JOURNAL_WRITE, &w->env.journal, &err) < 0 ||
	    pt_lock_open(run, &w->env.lock, &err) < 0)
		give_up(&err);
}

static double change(const char *dir, int round, double *ret_disk)
{
	struct stage *w = stage_new();
	struct pt_watch watch;
	struct pt_timed timed = { &w->host, &w->vm_ops, &watch };
	struct pt_host_ops host;
	struct pt_vm_ops vm;
	PT_AUTO(pt_plan) plan = { 0 };
	struct pt_error err = { 0 };
	long long id = 0;
	double own;

	pt_timed_host_ops(&timed, &host);
	pt_timed_vm_ops(&timed, &vm);
	open_journal(w, dir, round);
	pt_journal_watch(w->env.journal, &watch);
	w->env.host = &host;
	w->env.vm = &vm;
	w->env.watch = &watch;
	pt_watch_start(&watch);
	stage_attach(w, &plan);
	if (pt_change_apply(&w->env, &plan, &id, &err) < 0)
		give_up(&err);
	own = pt_watch_ms(&watch, PT_WATCH_OWN);
	*ret_disk = pt_watch_ms(&watch, PT_WATCH_DISK);
	stage_free(w);
	return own;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), by_value);
	return v[ROUNDS / 2];
}

int main(int argc, char **argv)
{
	struct figures f = { 0 };
	struct fakesys *server = fakesys_new();
	struct pt_root here;
	struct pt_error err = { 0 };

	if (argc != 2 || pt_root_open(NULL, &here, &err) < 0)
		give_up(&err);
	host_dell_r530(server);
	fakesys_file(server, "proc/meminfo", "MemTotal: 65806480 kB\nMemAvailable: 61234567 kB\n");
	fakesys_file(server, "proc/self/mountinfo", "29 1 0:26 / / rw - tmpfs root rw\n");
	for (int i = -1; i < ROUNDS; i++) {
		int at = i < 0 ? 0 : i; /* the first turn warms up */

		f.here[at] = look(&here);
		f.server[at] = look(&server->root);
		f.decide[at] = decide();
		f.change[at] = change(argv[1], i, &f.disk[at]);
	}
	(void)printf("{\"rounds\": %d, \"look_here_ms\": %.2f, \"look_server_ms\": %.2f, \"decide_ms\": %.3f, "
		     "\"change_ms\": %.2f, \"disk_ms\": %.2f}\n",
		     ROUNDS, median(f.here), median(f.server), median(f.decide), median(f.change), median(f.disk));
	pt_root_done(&here);
	fakesys_free(server);
	return 0;
}
