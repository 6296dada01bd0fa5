/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "change/lock.h"

#define LEASE_S 30
#define LOOK_S	60

enum {
	CONFIG = 256,
	NAME,
	CONNECT,
	PASSTHRU,
	RUN,
	LEASE,
	LOOK,
	LOOK_ONLY,
	SIMULATE,
	SEED,
	EVENTS,
	LIST_VMS,
	HELP,
	VERSION,
};

static const struct option longs[] = {
	{ "config", required_argument, NULL, CONFIG },
	{ "name", required_argument, NULL, NAME },
	{ "connect", required_argument, NULL, CONNECT },
	{ "passthru", required_argument, NULL, PASSTHRU },
	{ "run-dir", required_argument, NULL, RUN },
	{ "lease", required_argument, NULL, LEASE },
	{ "look", required_argument, NULL, LOOK },
	{ "look-only", no_argument, NULL, LOOK_ONLY },
	{ "simulate", required_argument, NULL, SIMULATE },
	{ "seed", required_argument, NULL, SEED },
	{ "events", required_argument, NULL, EVENTS },
	{ "list-vms", no_argument, NULL, LIST_VMS },
	{ "help", no_argument, NULL, HELP },
	{ "version", no_argument, NULL, VERSION },
	{ 0 },
};

const char pt_daemon_help[] =
	"Usage: passthrud [OPTION...]\n"
	"\n"
	"The agent of a host in a fleet: publishes what the host has and offers, binds and attaches what is claimed of "
	"it,\n"
	"and gives it back. See passthrud(8).\n"
	"\n"
	"  --config FILE     a configuration with [store] and [pci]; instead of this host's\n"
	"  --name HOST       the host's name in the fleet, instead of its own\n"
	"  --connect URI     libvirt connection (qemu:///system)\n"
	"  --passthru FILE   the program that makes changes; by default the one beside this\n"
	"  --run-dir DIR     where its lock is (/run/passthru)\n"
	"  --lease SECONDS   how long the fleet takes this host for alive after its last word (30)\n"
	"  --look SECONDS    how often everything is looked at, VMs too (60)\n"
	"  --look-only       publish, and touch nothing\n"
	"  --simulate N      publish N made-up hosts instead of this one, and acknowledge claims on them\n"
	"  --seed S          of --simulate: which ones (1)\n"
	"  --events RATE     of --simulate: so many devices come and go a second (0)\n"
	"  --list-vms        what libvirt says of this host's VMs and their devices, as JSON, and no more\n"
	"  --help, --version\n";

static int number(const char *name, const char *text, unsigned long min, unsigned long max, unsigned *ret,
		  struct pt_error *err)
{
	char *end = NULL;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || n < min || n > max)
		return pt_usage(err, -EINVAL, "--%s %.40s: expected a number from %lu to %lu", name, text, min, max);
	*ret = (unsigned)n;
	return 0;
}

static int absolute(const char *name, const char *text, const char **ret, struct pt_error *err)
{
	if (*text != '/')
		return pt_usage(err, -EINVAL, "--%s %.80s: expected an absolute path", name, text);
	*ret = text;
	return 0;
}

static int take(struct pt_daemon_options *o, int c, struct pt_error *err)
{
	switch (c) {
	case CONFIG:
		if (o->n_config == PT_OPTIONS_FILES_MAX)
			return pt_usage(err, -E2BIG, "--config: %d files at most", PT_OPTIONS_FILES_MAX);
		o->config[o->n_config++] = optarg;
		return 0;
	case NAME:
		o->name = optarg;
		return 0;
	case CONNECT:
		o->uri = optarg;
		return 0;
	case PASSTHRU:
		return absolute("passthru", optarg, &o->passthru, err);
	case RUN:
		return absolute("run-dir", optarg, &o->run_dir, err);
	case LEASE:
		return number("lease", optarg, 3, 3600, &o->lease_s, err);
	case LOOK:
		return number("look", optarg, 1, 86400, &o->look_s, err);
	case LOOK_ONLY:
		o->look_only = true;
		return 0;
	case SIMULATE:
		return number("simulate", optarg, 1, 1000000, &o->simulate, err);
	case SEED:
		return number("seed", optarg, 0, 4294967295UL, &o->seed, err);
	case EVENTS:
		return number("events", optarg, 0, 100000, &o->events, err);
	case LIST_VMS:
		o->list_vms = true;
		return 0;
	case HELP:
		o->help = true;
		return 0;
	case VERSION:
		o->version = true;
		return 0;
	default:
		return -EINVAL;
	}
}

int pt_daemon_options_read(int argc, char **argv, struct pt_daemon_options *ret, struct pt_error *err)
{
	struct pt_daemon_options o = { .lease_s = LEASE_S, .look_s = LOOK_S, .run_dir = PT_LOCK_DIR, .seed = 1 };
	int r = 0;
	int c;

	opterr = 0;
	optind = 1;
	while (r == 0 && (c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == '?' || c == ':')
			r = pt_usage(err, -EINVAL, "'%.80s' is no option, or lacks its value: see --help",
				     argv[optind - 1]);
		else
			r = take(&o, c, err);
	}
	if (r == 0 && optind < argc)
		r = pt_usage(err, -EINVAL, "'%.80s': no operand is expected", argv[optind]);
	if (r == 0 && !o.simulate && o.events)
		r = pt_usage(err, -EINVAL, "--events is for --simulate");
	if (r == 0)
		*ret = o;
	return r;
}
