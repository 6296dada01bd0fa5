/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a host that a VM may move to, and what the VM asks of it.  Plain data. */
#ifndef PT_MODEL_MIGRATE_H
#define PT_MODEL_MIGRATE_H

#include "base/error.h"
#include "model/bdf.h"
#include "model/cpu.h"
#include "model/domain.h"

/**
 * struct pt_hypervisor - what a host's libvirt offers; owns everything in it
 * @host_uuid: by which libvirts tell their hosts apart; NULL not known
 * @libvirt, @qemu: versions, "11.3.0"
 * @machines: machine types of x86_64, or of the host's own architecture, aliases among them
 * @models: names of the processor models that it knows, whether the host can run them or not; empty: not known
 * @host_model: what host-model stands for; @flags: all of its flags in libvirt's words, sorted; empty: not known
 * @tsc_hz: 0 unknown; @tsc_scaling: its processors can give a guest another frequency
 */
struct pt_hypervisor {
	char *host_uuid;
	char *libvirt;
	char *qemu;
	char *arch;
	struct pt_strv machines;
	struct pt_strv models;
	struct pt_cpu_def host_model;
	struct pt_strv flags;
	uint64_t tsc_hz;
	enum pt_known tsc_scaling;
};

void pt_hypervisor_done(struct pt_hypervisor *h);

/* a VM that is defined on a host, or runs there */
struct pt_migrate_vm {
	char *name;
	char *uuid;
	bool active;
};

/**
 * struct pt_migrate_host - one candidate; owns everything in it
 * @name: as the user gave it, or its own name; @where: the file or URI it was read from
 * @unasked: a URI that nobody has asked yet: nothing but @name and @where is known
 * @why_not, @why_fix: it could not be asked, and what to do about it; nothing else is known then
 * @cpu: in the kernel's words; @cpu.count 0: not known
 * @known: @hypervisor is
 * @alike: @cpu, and of @hypervisor machines, models, host_model and flags, are borrowed from the list's
 * @available_kib: memory free for VMs, 0 unknown; @certain_kib: so much of it for certain, 0: all
 * @vms: that host's, where its libvirt was asked
 * @hugepages: of each size that there is, empty when not known
 * @nets_known, @networks: libvirt's networks that are active; @netdevs_known, @netdevs: network interfaces, bridges
 * among them, as libvirt calls its node devices: "net_br0_52_54_00_00_00_01"
 */
struct pt_migrate_host {
	char *name;
	char *where;
	bool unasked;
	char *why_not;
	char *why_fix;
	struct pt_cpu_host cpu;
	bool known;
	bool alike;
	struct pt_hypervisor hypervisor;
	uint64_t available_kib;
	uint64_t certain_kib;
	PT_ARRAY(struct pt_hugepages) hugepages;
	PT_ARRAY(struct pt_migrate_vm) vms;
	bool nets_known;
	struct pt_strv networks;
	bool netdevs_known;
	struct pt_strv netdevs;
};

/*
 * What several hosts' facts say in the same words, read once.
 * @text, @n: the words; one of @cpu, @list and @def is what they mean
 */
struct pt_migrate_alike {
	char *text;
	size_t n;
	struct pt_cpu_host cpu;
	struct pt_strv list;
	struct pt_cpu_def def;
};

struct pt_migrate_hosts {
	struct pt_migrate_host *v;
	size_t n;
	size_t cap;
	PT_ARRAY(struct pt_migrate_alike) alike;
};

/**
 * struct pt_migrate_now - what libvirt knows of a VM at this moment that no definition says; owns everything in it
 * @checkpoints: so many of incremental backups
 * @job: what libvirt is at work on ("a backup"); NULL: nothing
 * @block_jobs: disks that one goes on at, "vda: a pull"
 * @silent: what libvirt did not answer, and why
 * @asked: QEMU was, and @blockers is its own word: what it cannot move, in its words
 */
struct pt_migrate_now {
	unsigned checkpoints;
	char *job;
	struct pt_strv block_jobs;
	struct pt_strv silent;
	bool asked;
	struct pt_strv blockers;
};

void pt_migrate_now_done(struct pt_migrate_now *n);

/* MiB a second: more than any link has */
#define PT_BANDWIDTH_MAX 1048576

/**
 * struct pt_migrate_to - where a VM is moved to, and how; owns everything in it
 * @uri: of libvirt there, as this host's daemon reaches it
 * @bandwidth_mib: at most so many MiB a second, 0: no limit of ours
 * @autostart: it starts by itself here, and shall do so there
 * @data_uri: where its memory is sent, "tcp://10.1.0.2"; NULL: to the name that the host calls itself
 * @tls: and encrypted; @converge: a guest that writes faster than is copied is slowed down
 * @devices: functions of that host which it gets there
 */
struct pt_migrate_to {
	char *uri;
	unsigned bandwidth_mib;
	bool autostart;
	char *data_uri;
	bool tls;
	bool converge;
	PT_ARRAY(struct pt_bdf) devices;
};

/** pt_migrate_data_uri() - is it one that QEMU can be told: tcp://HOST, with a port or not? */
bool pt_migrate_data_uri(const char *uri);

/** pt_migrate_to_text() - as a step stores it: words NAME=VALUE, a line each; the caller frees */
char *pt_migrate_to_text(const struct pt_migrate_to *to);

/** pt_migrate_to_parse() - 0; -EBADMSG */
int pt_migrate_to_parse(const char *text, struct pt_migrate_to *ret_to, struct pt_error *err);
void pt_migrate_to_done(struct pt_migrate_to *to);

void pt_migrate_alike_done(struct pt_migrate_alike *a);
void pt_migrate_host_done(struct pt_migrate_host *h);
void pt_migrate_hosts_done(struct pt_migrate_hosts *l);

#endif
