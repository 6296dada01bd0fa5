/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of users.h share while they look: the functions asked about, what is stacked on their disks, and where
 * the findings go.  Private to src/host/users*.c.
 */
#ifndef PT_HOST_USERS_LOOK_H
#define PT_HOST_USERS_LOOK_H

#include "base/root.h"
#include "model/host.h"

/**
 * struct pt_look_target - a function to look at
 * @bdf: the function asked about: uses are reported for it
 * @at: the function looked at: @bdf itself, or a VF of it, which goes away with its PF
 */
struct pt_look_target {
	struct pt_bdf bdf;
	struct pt_bdf at;
	bool is_vf;
};

/**
 * struct pt_look_node - a block device in a stack
 * @label: for a person: "sda2", "vg0-root (LVM vg0/root)"
 * @below: what it stands on, the first found: an index, or -1 for a disk
 * @is_partition: of the device below
 * @holder_kind: which use it is to stand here, for what is neither disk nor partition
 * @claimed: a use of it, or of what stands on it as a whole, was named
 * @parts_claimed: a use of one of its partitions was named
 * @mounted: that use is a mount
 */
struct pt_look_node {
	char *name;
	char *label;
	int below;
	bool is_partition;
	bool is_holder;
	enum pt_use_kind holder_kind;
	bool claimed;
	bool parts_claimed;
	bool mounted;
};

struct pt_look_edge {
	int below;
	int above;
};

/* everything that stands on the disks of one target; nodes come after what they stand on */
struct pt_look_stack {
	PT_ARRAY(struct pt_look_node) nodes;
	PT_ARRAY(struct pt_look_edge) edges;
};

/* a line of a mountinfo; @pid: whose, 0 for our own */
struct pt_mount {
	unsigned major;
	unsigned minor;
	char *point;
	char *type;
	char *source;
	char *options;
	int pid;
};

struct pt_mounts {
	struct pt_mount *v;
	size_t n;
	size_t cap;
};

/*
 * an open descriptor of a process: a node below /dev, or an attribute of a PCI function below /sys; @passing: of udev,
 * or of a program of its rules
 */
struct pt_open {
	int pid;
	char *comm;
	char *path;
	bool passing;
	bool has_number;
	bool is_block;
	unsigned major;
	unsigned minor;
};

/* a socket of a process that may carry a login; @ours: of a process above this one */
struct pt_socket {
	int pid;
	char *comm;
	uint64_t inode;
	bool ours;
};

struct pt_procs {
	PT_ARRAY(struct pt_open) opens;
	PT_ARRAY(struct pt_socket) sockets;
};

/**
 * struct pt_look - one run of pt_users_find(); borrows @root and @host, owns the rest
 * @stacks: parallel to @targets
 */
struct pt_look {
	const struct pt_root *root;
	const struct pt_host *host;
	PT_ARRAY(struct pt_look_target) targets;
	PT_ARRAY(struct pt_look_stack) stacks;
	struct pt_mounts mounts;
	struct pt_procs procs;
	struct pt_uses uses;
	struct pt_strv blind;
};

/* how a use is reported: @comm may be NULL, @pid 0 */
struct pt_look_how {
	enum pt_use_kind kind;
	const char *where;
	int pid;
	const char *comm;
};

void pt_look_done(struct pt_look *look);

/** pt_look_use() - report a use of @target; the chain is formatted; what does not print becomes "?" */
void pt_look_use(struct pt_look *look, const struct pt_look_target *target, const struct pt_look_how *how,
		 const char *chain, ...) __attribute__((format(printf, 4, 5)));

/**
 * pt_look_block_use() - report a use of a block device, for every target that it stands on
 * @how: an open descriptor (PT_USE_OPEN) does not explain an exclusive claim, every other kind does
 * @text: the end of the chain: "mounted on /"
 */
void pt_look_block_use(struct pt_look *look, const char *name, const struct pt_look_how *how, const char *text, ...)
	__attribute__((format(printf, 4, 5)));

/** pt_look_block_intent() - the same for what is only planned: nobody has claimed the device for it */
void pt_look_block_intent(struct pt_look *look, const char *name, const struct pt_look_how *how, const char *text, ...)
	__attribute__((format(printf, 4, 5)));

/** pt_look_has_block() - does the block device stand on any of the targets? */
bool pt_look_has_block(const struct pt_look *look, const char *name);

/** pt_look_any_block() - is any block device concerned at all? */
bool pt_look_any_block(const struct pt_look *look);

/** pt_look_claimed() - was any use of the block device, or of what stands on it, reported that claims it? */
bool pt_look_claimed(const struct pt_look *look, const char *name);

/** pt_look_mounted() - was a mount of the block device reported? */
bool pt_look_mounted(const struct pt_look *look, const char *name);

/** pt_look_path() - the block device that a path of this host means ("/dev/dm-0"); NULL when it is none */
const struct pt_block *pt_look_path(const struct pt_look *look, const char *path);

/** pt_look_tag_path() - "UUID=1-2" to "/dev/disk/by-uuid/1-2", a path as it is; the caller frees */
char *pt_look_tag_path(const char *tag, size_t n);

/** pt_look_blind() - a sentence about what could not be seen; the same one only once */
void pt_look_blind(struct pt_look *look, const char *sentence, ...) __attribute__((format(printf, 2, 3)));

/** pt_look_can_see_all() - root on the running host */
bool pt_look_can_see_all(const struct pt_look *look);

/** pt_look_denied() - why /proc keeps something from us, as the end of a sentence; static text */
const char *pt_look_denied(void);

/** pt_look_comm() - a process's name, the caller frees; "?" when it is gone */
char *pt_look_comm(const struct pt_look *look, int pid);

/** pt_look_pids() - every process of the host */
void pt_look_pids(const struct pt_look *look, struct pt_strv *ret_pids);

/* the parts; each adds to @look->uses */
void pt_look_stacks(struct pt_look *look);			/* users-stack.c: what stands on what */
void pt_look_holders(struct pt_look *look);			/*   active and nothing better to say */
int pt_look_mounts(struct pt_look *look, struct pt_error *err); /* users-mounts.c */
bool pt_mountinfo_parse(const char *line, struct pt_mount *ret_mount);
void pt_mount_done(struct pt_mount *m);
char *pt_mount_unescape(const char *s, size_t n);
const struct pt_mount *pt_mount_of_file(const struct pt_mounts *mounts, const char *path);
void pt_look_swap(struct pt_look *look);     /* users-swap.c: swap and resume */
void pt_look_fstab(struct pt_look *look);    /* users-fstab.c: what the next boot looks for */
void pt_look_boot(struct pt_look *look);     /* users-boot.c: what the firmware booted from */
void pt_look_pools(struct pt_look *look);    /* users-pools.c: btrfs, ZFS, bcache */
void pt_look_exports(struct pt_look *look);  /* users-export.c: LIO, nvmet, SCST */
void pt_look_procs(struct pt_look *look);    /* users-proc.c: collects */
void pt_look_opens(struct pt_look *look);    /* users-open.c: judges what users-proc.c collected */
void pt_look_busy(struct pt_look *look);     /* users-busy.c: the O_EXCL open */
void pt_look_net(struct pt_look *look);	     /* users-net.c */
void pt_look_gpu(struct pt_look *look);	     /* users-gpu.c */
void pt_look_mediated(struct pt_look *look); /*   devices that its driver made out of it */

#endif
