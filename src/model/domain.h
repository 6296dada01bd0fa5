/* SPDX-License-Identifier: Apache-2.0 */
/* A VM's definition as far as this project looks at it, and what it should lose and gain.  Plain data; domxml/ reads.
 */
#ifndef PT_MODEL_DOMAIN_H
#define PT_MODEL_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "model/bdf.h"
#include "model/cpu.h"
#include "model/viommu.h"

enum pt_disk_source {
	PT_DISK_NONE = 0, /* an empty drive */
	PT_DISK_BLOCK,	  /* type='block', source dev= */
	PT_DISK_FILE,
	PT_DISK_DIR,
	PT_DISK_NETWORK,
	PT_DISK_VOLUME,
	PT_DISK_NVME, /* type='nvme', source/address: the PCI function itself */
	PT_DISK_VHOSTUSER,
	PT_DISK_VHOSTVDPA,
	PT_DISK_OTHER,
};

/**
 * struct pt_domain_disk - one <disk>
 * @target: target dev='sda': its name within the domain, unique
 * @bus: target bus=: "scsi", "virtio", "sata", "ide", "usb", …
 * @source: path of the source for block, file and dir (dev=, file=, dir=); pool/volume for volume; NULL otherwise
 * @also: further host paths in it: <mirror>, <backingStore> levels, external data store
 * @nvme: for PT_DISK_NVME the function
 * @transient: what is written is thrown away when the VM stops; @readonly: <readonly/>, or a CD-ROM
 * @mirrored: a block job copies it while the VM runs (<mirror>)
 * @boot_order: <boot order=>, 0 when none
 * @has_controller_index, @controller_index: from <address type='drive' controller=…>
 */
struct pt_domain_disk {
	enum pt_disk_source type;
	char *device; /* "disk", "cdrom", "lun", "floppy" */
	char *target;
	char *bus;
	char *source;
	char *serial;
	char *wwn;
	struct pt_strv also;
	bool transient;
	bool readonly;
	bool mirrored;
	struct pt_bdf nvme;
	unsigned boot_order;
	bool has_controller_index;
	unsigned controller_index;
};

/* @implicit: no element says so, but a disk's address asks for it, and libvirt adds it by itself */
struct pt_domain_controller {
	char *type; /* "scsi", "sata", "pci", "usb", "virtio-serial", … */
	char *model;
	unsigned index;
	bool implicit;
};

enum pt_hostdev_kind {
	PT_HOSTDEV_PCI = 0,
	PT_HOSTDEV_USB,
	PT_HOSTDEV_SCSI,
	PT_HOSTDEV_SCSI_HOST,
	PT_HOSTDEV_MDEV,
	PT_HOSTDEV_OTHER,
};

/*
 * A <hostdev>, or an <interface type='hostdev'> (@mac and @is_interface then).
 * @bdf: PT_HOSTDEV_PCI; also PT_HOSTDEV_OTHER with @has_bdf: a function that the VM holds in a way that libvirt does
 *       not list as a hostdev (vfio-pci among qemu:commandline's arguments, NVMe below a <backingStore>)
 * @has_controller_index, @controller_index: of PT_HOSTDEV_SCSI: the virtual SCSI controller it hangs on
 * @on_root: its place in the guest is on bus 0
 * @has_place, @guest_bus, @guest_slot: its place in the guest, where one is written
 * @shares_slot: another device is in that slot; @fixed: its port takes and gives nothing while the VM runs
 * @team_of: <teaming type='transient'>: the alias of the interface that it stands in for; NULL: none
 * @scsi: of PT_HOSTDEV_SCSI: the host's device as the kernel writes it, "2:0:0:0"; NULL when it is none of the host's
 */
struct pt_domain_hostdev {
	enum pt_hostdev_kind kind;
	struct pt_bdf bdf;
	bool has_bdf;
	bool managed;
	bool is_interface;
	bool on_root;
	bool has_place;
	bool shares_slot;
	bool fixed;
	unsigned guest_bus;
	unsigned guest_slot;
	bool has_controller_index;
	unsigned controller_index;
	char *scsi;
	char *mac;
	char *alias;
	char *team_of;
};

/**
 * struct pt_domain_nic - an <interface> that passes nothing through
 * @type, @source: "bridge" and its name, "network" and its name, …; @source is NULL where it is neither
 * @persistent: <teaming type='persistent'/>: it stands in for a device that comes and goes
 */
struct pt_domain_nic {
	char *type;
	char *source;
	char *mac;
	char *model;
	char *alias;
	bool persistent;
};

enum pt_domain_state {
	PT_DOMAIN_SHUTOFF = 0,
	PT_DOMAIN_RUNNING,
	PT_DOMAIN_PAUSED,
	PT_DOMAIN_OTHER, /* crashed, being shut down, suspended by the guest */
};

/**
 * struct pt_domain - one VM; owns everything in it
 * From the XML (domxml/read.h): all but the group at the end.  From libvirt (vm/): @state and below.
 * @memory_kib: the guest's memory as libvirt adds it up: <memory>, which has its memory devices in it already; where
 *              the guest's NUMA cells name sizes, their sum and that of the memory devices
 * @max_memory_kib: <maxMemory>, up to which memory can be plugged in; 0 when none
 * @hard_limit_kib: <memtune><hard_limit>, 0 when none
 * @boots_kernel: <os> names a kernel: no disk is booted from
 * @boot_dev: <os>'s first <boot dev=>, NULL when none; @first_boot_order: the lowest <boot order=> of all devices, or 0
 * @arguments: paths below /dev among qemu:commandline's arguments
 * @macs: of every <interface>, as it is written
 * @nodes: the nodes of this host that its memory comes from, as <numatune><memory nodeset=> writes it; NULL: any
 * @macvtap_on: the host's interfaces that an <interface type='direct'> stands on
 * @virtiofs: directories that are shared with it by virtiofs; @shmem: shared memory that is not its own (role='master')
 * @bridges, @networks: of the host, and of libvirt there, that its interfaces are on
 * @pcie_ports: PCIe ports that take a device; @free_pcie_ports: those without one; -1 when the machine type has no such
 *              notion
 * @hotplug_ports: bus numbers behind the free ones that take a device while it runs
 * @cpu: its <cpu>; @cpu_cache_passthrough: its <cache mode='passthrough'/>, which only the host's own processor takes;
 * @tsc_hz: the frequency that <clock><timer name='tsc'> names, 0 when none
 */
struct pt_domain {
	char *name;
	char *uuid;
	char *type; /* "kvm", "qemu" */
	char *arch;
	char *machine;
	char *emulator;
	uint64_t memory_kib;
	uint64_t max_memory_kib;
	uint64_t hard_limit_kib;
	bool memory_locked;
	bool hugepages;
	uint64_t hugepage_kib; /* 0: the host's default size */
	bool balloon;	       /* a memballoon other than model='none' */
	struct pt_viommu viommu;
	char *ioapic; /* driver of <features><ioapic>, NULL when it is left to QEMU */
	unsigned vcpus;
	unsigned vdpa_count;
	bool boots_kernel;
	char *boot_dev;
	unsigned first_boot_order;
	struct pt_strv arguments;
	struct pt_strv macvtap_on;
	struct pt_strv macs;
	struct pt_strv bridges;
	struct pt_strv networks;
	struct pt_strv virtiofs;
	struct pt_strv shmem;
	char *host_tpm;	      /* the device of one that is passed through */
	char *launch_secured; /* type of <launchSecurity>: "sev" */
	char *nodes;
	int pcie_ports;
	int free_pcie_ports;
	struct {
		unsigned *v;
		size_t n;
		size_t cap;
	} hotplug_ports;
	bool acpi; /* <features><acpi/> */
	struct pt_cpu_def cpu;
	bool cpu_cache_passthrough;
	uint64_t tsc_hz;
	struct {
		struct pt_domain_disk *v;
		size_t n;
		size_t cap;
	} disks;
	struct {
		struct pt_domain_controller *v;
		size_t n;
		size_t cap;
	} controllers;
	struct {
		struct pt_domain_hostdev *v;
		size_t n;
		size_t cap;
	} hostdevs;
	struct {
		struct pt_domain_nic *v;
		size_t n;
		size_t cap;
	} nics;
	bool guest_agent; /* a channel named org.qemu.guest_agent.0 is defined */
	/* from libvirt */
	enum pt_domain_state state;
	bool persistent;
	bool autostart;
	bool managed_save;
	bool has_snapshots;
	uint64_t held_kib; /* of one that runs: what it has of the host's memory now; 0: not known */
};

struct pt_domains {
	struct pt_domain *v;
	size_t n;
	size_t cap;
};

void pt_domain_done(struct pt_domain *d);
void pt_domains_done(struct pt_domains *l);

/** pt_domain_hostdev_by_bdf() - the hostdev that names a PCI function; NULL when there is none */
const struct pt_domain_hostdev *pt_domain_hostdev_by_bdf(const struct pt_domain *d, struct pt_bdf bdf);

/** pt_domain_on_node() - does @nodes have this node of the host?  false where it names none */
bool pt_domain_on_node(const struct pt_domain *d, int node);

/* a user's alias, with its "ua-" */
#define PT_ALIAS_MAX 64

/*
 * @is_interface: an <interface type='hostdev'>, to which libvirt gives @mac and @vlan (0: none) each time that the VM
 *                starts; else a <hostdev>
 * @team_of: the alias of the interface that stands in for it while it is away; "": none
 * @guest_bus: the guest's bus that it goes to, slot 0 (behind a root port); 0: libvirt chooses
 */
struct pt_hostdev_add {
	struct pt_bdf bdf;
	bool managed;
	bool is_interface;
	uint8_t mac[6];
	unsigned vlan;
	unsigned guest_bus;
	char team_of[PT_ALIAS_MAX];
};

/**
 * struct pt_standby - the virtio interface with @mac becomes one that stands in for a device that comes and goes
 * @alias: the name that it gets if it has none of the user's
 * @type, @source: it is new, on this "bridge" or "network"; NULL: it is there
 */
struct pt_standby {
	bool wanted;
	uint8_t mac[6];
	char alias[PT_ALIAS_MAX];
	char *type;
	char *source;
};

/* the same device at another address: where the host has it changes, all else of the element stays */
struct pt_hostdev_move {
	struct pt_bdf from;
	struct pt_bdf to;
};

struct pt_controller_ref {
	char *type;
	unsigned index;
};

/**
 * struct pt_domain_edit - what a domain must lose and gain; made by decide/, applied to XML by domxml/edit.h
 * @remove_disks: target names
 * @remove_controllers: that nothing uses any more
 * @move_hostdevs: all at once: two may change places
 * @add_ports: so many more pcie-root-port controllers
 * @drop_balloon: its memory balloon becomes model='none'
 * @has_viommu, @viommu: <iommu> becomes exactly this, or goes when it has no model; what else it says stays with its
 *                       model
 * @split_ioapic: <ioapic driver='qemu'/>, which remapped interrupts need
 * @has_cpu, @cpu: model and flags become exactly these; topology and NUMA cells stay
 */
struct pt_domain_edit {
	struct pt_strv remove_disks;
	struct {
		struct pt_controller_ref *v;
		size_t n;
		size_t cap;
	} remove_controllers;
	struct {
		struct pt_bdf *v;
		size_t n;
		size_t cap;
	} remove_hostdevs;
	struct {
		struct pt_hostdev_add *v;
		size_t n;
		size_t cap;
	} add_hostdevs;
	struct {
		struct pt_hostdev_move *v;
		size_t n;
		size_t cap;
	} move_hostdevs;
	unsigned add_ports;
	struct pt_standby standby;
	bool drop_balloon;
	bool has_viommu;
	struct pt_viommu viommu;
	bool split_ioapic;
	bool has_cpu;
	struct pt_cpu_def cpu;
};

bool pt_domain_edit_empty(const struct pt_domain_edit *e);
/* @to starts empty; deep copy */
void pt_domain_edit_copy(struct pt_domain_edit *to, const struct pt_domain_edit *from);
void pt_domain_edit_done(struct pt_domain_edit *e);

#endif
