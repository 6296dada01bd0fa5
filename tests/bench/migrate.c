/* SPDX-License-Identifier: Apache-2.0 */
/* migrate FOLDER: `migrate --check` against the recorded facts in it, without libvirt; one JSON object.  See
 * bench-migrate. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/candidates.h"
#include "cli/migrating.h"

#define ROUNDS 11

/* by the wall, or by what this process alone has used: the files are in memory, so on a quiet machine these are one */
static double now_ms(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
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

/* a VM with host-passthrough on the first of the hosts, which gets another name there */
static void make_look(struct pt_migrate_host *source, struct pt_cpu_look *look)
{
	look->vm.name = pt_strdup("vm");
	look->running = true;
	look->live.name = pt_strdup("vm");
	look->live.type = pt_strdup("kvm");
	look->live.machine = pt_strdup(source->hypervisor.machines.v[0]);
	look->live.memory_kib = 4 << 20;
	look->live.cpu.mode = PT_CPU_MODE_HOST_PASSTHROUGH;
	look->host.vendor = pt_strdup(source->cpu.vendor);
	pt_strv_copy(&look->host.flags, &source->cpu.flags);
	pt_strv_copy(&look->host_model.flags, &source->hypervisor.flags);
	pt_strset(&source->name, "here");
	pt_strset(&source->hypervisor.host_uuid, "6695eb01-f6a4-8304-79aa-97f2502e193f");
}

struct taken {
	double read[ROUNDS];
	double tell[ROUNDS];
	double all[ROUNDS];
	double wall[ROUNDS];
	size_t hosts;
};

static int once(struct pt_cli *cli, const char *folder, const struct pt_migrate_ask *ask, size_t i, struct taken *t)
{
	PT_AUTO(pt_migrate_hosts) hosts = { 0 };
	double wall = now_ms(CLOCK_MONOTONIC);
	double begin = now_ms(CLOCK_PROCESS_CPUTIME_ID);
	double read;

	if (pt_candidates_add(cli, folder, &hosts, NULL) < 0)
		return 1;
	read = now_ms(CLOCK_PROCESS_CPUTIME_ID);
	if (pt_migrate_tell(cli, ask, &hosts, NULL) != PT_EXIT_DONE)
		return 1;
	t->hosts = hosts.n;
	pt_migrate_hosts_done(&hosts);
	t->read[i] = read - begin;
	t->all[i] = now_ms(CLOCK_PROCESS_CPUTIME_ID) - begin;
	t->tell[i] = t->all[i] - t->read[i];
	t->wall[i] = now_ms(CLOCK_MONOTONIC) - wall;
	return 0;
}

int main(int argc, char **argv)
{
	struct pt_cli cli = { .root = PT_ROOT_NONE };
	PT_AUTO(pt_migrate_hosts) hosts = { 0 };
	PT_AUTO(pt_cpu_look) look = { 0 };
	PT_AUTO(pt_migrate_needs) needs = { 0 };
	struct pt_migrate_ask ask = { .look = &look, .needs = &needs };
	struct taken text = { .hosts = 0 };
	struct taken json = { .hosts = 0 };

	cli.out = fopen("/dev/null", "we");
	if (argc != 2 || !cli.out || pt_candidates_add(&cli, argv[1], &hosts, NULL) < 0 || !hosts.v[0].known)
		return 1;
	make_look(&hosts.v[0], &look);
	ask.source = &hosts.v[0];
	pt_migrate_needs_of(&look, ask.source, &needs);
	for (size_t i = 0; i < ROUNDS; i++) {
		cli.json = false;
		if (once(&cli, argv[1], &ask, i, &text))
			return 1;
		cli.json = true;
		if (once(&cli, argv[1], &ask, i, &json))
			return 1;
	}
	(void)printf("{\"hosts\": %zu, \"read_ms\": %.2f, \"tell_ms\": %.2f, \"text_ms\": %.2f, \"json_ms\": %.2f, "
		     "\"wall_ms\": %.2f}\n",
		     text.hosts, median(text.read), median(text.tell), median(text.all), median(json.all),
		     median(text.wall));
	return fclose(cli.out) == 0 ? 0 : 1;
}
