/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel's PCI core as struct pt_host_ops sees it: driver_override, unbind, drivers_probe, modules, and the two
 * folders for our files.  It does what Documentation/ABI/testing/sysfs-bus-pci and drivers/pci/pci-driver.c say:
 * an override admits no driver but the one it names, unbind refuses a function that its driver does not hold,
 * drivers_probe leaves alone what is bound already and hides a probe that fails.
 */
#ifndef PT_TESTS_FAKEKERNEL_H
#define PT_TESTS_FAKEKERNEL_H

#include <stdbool.h>

#include "fault.h"
#include "host/ops.h"
#include "model/plan.h"

#define FAKEKERNEL_DEVICES 16
#define FAKEKERNEL_DRIVERS 8
#define FAKEKERNEL_FILES   8
#define FAKEKERNEL_VFS	   8

/*
 * An NVMe card's controllers, as the NVM Express Base Specification 2.0, 8.26, has them: each pair is of queues and
 * interrupts.  What the primary is told to keep counts from its reset on, which takes its secondaries offline.
 */
struct fakekernel_nvme {
	bool manages;
	unsigned total[2];
	unsigned fixed[2];
	unsigned own[2];
	unsigned own_next[2];
	unsigned most[2];
	bool online[FAKEKERNEL_VFS];
	unsigned given[FAKEKERNEL_VFS][2];
	bool never_online; /* the card says yes, and it is not so */
	int mute;	   /* what reading it answers, though it is there; 0: what it has */
	unsigned resets;
};

struct fakekernel_device {
	struct pt_bdf bdf;
	unsigned ids[4]; /* vendor, device, subsystem vendor and device */
	int group;
	bool bridge;
	bool gone;
	bool hangs;   /* an unbind never returns; the driver link is gone at once */
	bool hanging; /* one is doing so now */
	bool probe_fails;
	char held_by[32]; /* who has its VFIO node open: an unbind from vfio-pci hangs until that one is gone */
	char native[32];
	char driver[32];
	char override[32];
	int reset;     /* what it answers to a reset */
	bool no_reset; /* there is no way to */
	unsigned resets;
	bool lent; /* libvirt took it for a VM that has it with managed='yes', from the driver: */
	char lent_from[32];
	/* SR-IOV: of a PF */
	unsigned vfs_total;
	unsigned vfs_now;
	unsigned vfs_short; /* so many fewer are made than asked for */
	bool vfs_slow;	    /* the last one's link comes only after a few looks */
	unsigned looks;
	bool autoprobe;
	bool is_vf;
	unsigned mtu; /* at most 9216, as the driver says */
	struct pt_vf_settings vf[FAKEKERNEL_VFS];
	/* of a PF's network interface: */
	bool link_down;	      /* somebody set it down */
	unsigned stale_looks; /* for so many looks a carrier that is lost is told as there */
	bool carrier_lost;    /* since the number of VFs changed; it comes when it is waited for */
	bool no_cable;	      /* and then it does not */
	bool rate_never;      /* the driver refuses a rate even so */
	bool refuses_vlan;    /* and a VLAN */
	bool refuses_no_mac;  /* and no MAC at all */
	bool netlink_hangs;   /* the next request does not return */
	unsigned rate_most;   /* of the link; 0: no driver that compares */
	struct fakekernel_nvme nvme;
	unsigned again; /* so many requests are put off: the VF is in its reset still */
};

struct fakekernel_driver {
	char name[32];
	bool loaded;
};

struct fakekernel_file {
	enum pt_host_place place;
	char name[64];
	char text[2048];
};

/* all of it in shared memory: see fault.h */
struct fakekernel {
	struct fault *fault;
	struct fakekernel_device devices[FAKEKERNEL_DEVICES];
	unsigned n_devices;
	struct fakekernel_driver drivers[FAKEKERNEL_DRIVERS];
	unsigned n_drivers;
	struct fakekernel_file files[FAKEKERNEL_FILES];
	unsigned n_files;
	unsigned writes;   /* to attributes */
	bool iommufd_only; /* VFIO's groups have no nodes */
};

/** fakekernel_new() - drivers: megaraid_sas, igb and pcieport loaded; vfio-pci a module that is not loaded yet */
struct fakekernel *fakekernel_new(struct fault *fault);
void fakekernel_free(struct fakekernel *k);

/** fakekernel_add() - a function on its native driver; subsystem ids are 1028:1f49 */
struct fakekernel_device *fakekernel_add(struct fakekernel *k, const char *bdf, unsigned vendor, unsigned device,
					 const char *native, int group);
struct fakekernel_device *fakekernel_find(struct fakekernel *k, struct pt_bdf bdf);

/**
 * fakekernel_sriov() - make it a PF that offers @total VFs; as drivers/pci/iov.c: another number than 0 only from 0, at
 * most what is offered; new VFs have settings of their own, and a driver (igbvf) only with autoprobe
 */
void fakekernel_sriov(struct fakekernel_device *pf, unsigned total);

/** fakekernel_nvme() - and an NVMe card, as QEMU's: all that can be given is the primary's at first */
void fakekernel_nvme(struct fakekernel_device *pf, unsigned queues, unsigned interrupts);

/** fakekernel_viable() - may VFIO have the function's group: every member but bridges is driverless or on vfio-pci */
bool fakekernel_viable(struct fakekernel *k, struct pt_bdf bdf);

/** fakekernel_unload() - take a module out unless a device is on it */
void fakekernel_unload(struct fakekernel *k, const char *name);

/** fakekernel_reboot() - every driver is chosen anew, as the kernel and our udev rules do it; nothing hangs */
void fakekernel_reboot(struct fakekernel *k);

void fakekernel_ops(struct fakekernel *k, struct pt_host_ops *ret_ops);

/** fakekernel_step() - a step of a plan about a device, that says which one it is; the plan's */
struct pt_step *fakekernel_step(const struct fakekernel_device *d, struct pt_plan *plan, enum pt_step_kind kind);

/** fakekernel_kept() - how many files there are that outlive a boot */
unsigned fakekernel_kept(const struct fakekernel *k);

/** fakekernel_text() - all that matters of its state, for comparing; the caller frees */
char *fakekernel_text(const struct fakekernel *k);

#endif
