/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What decides whether a host can pass devices through at all: processor, firmware tables, IOMMU, kernel, modules, boot
 * loader.  Plain data: host/platform.h reads it, decide/doctor.h judges it.
 */
#ifndef PT_MODEL_PLATFORM_H
#define PT_MODEL_PLATFORM_H

#include "model/device.h"
#include "model/host.h"

enum pt_arch {
	PT_ARCH_UNKNOWN = 0,
	PT_ARCH_X86,
	PT_ARCH_ARM,
	PT_ARCH_PPC,
	PT_ARCH_S390,
	PT_ARCH_RISCV,
};

enum pt_cpu_maker {
	PT_CPU_OTHER = 0,
	PT_CPU_INTEL, /* and Centaur, Zhaoxin: VT-x, VT-d */
	PT_CPU_AMD,   /* and Hygon */
};

/**
 * struct pt_cpu - the first processor; all of a host are taken to be alike
 * @virt: the vmx or svm flag; the kernel clears vmx (5.6 and later) and svm (6.9 and later) when the firmware has
 * locked it off; unknown where a flag does not tell (not x86)
 * @guest: the processor says that it is a hypervisor's: this host is a virtual machine
 * @phys_bits: physical address bits, 0 unknown
 */
struct pt_cpu {
	enum pt_arch arch;
	enum pt_cpu_maker maker;
	char *model;
	enum pt_known virt;
	bool guest;
	unsigned phys_bits;
};

#define PT_SCOPE_PATH_MAX 16

/**
 * struct pt_scope - one PCI function as a firmware table names it: a bus number and a path of slot.function from there
 * @bridge: all that is below it is meant (DMAR device scope type 2)
 */
struct pt_scope {
	bool bridge;
	uint32_t segment;
	uint8_t bus;
	uint8_t n;
	struct {
		uint8_t slot;
		uint8_t func;
	} path[PT_SCOPE_PATH_MAX];
};

/**
 * struct pt_reserved - memory that the firmware wants devices to reach at the same address for ever: DMAR's RMRR,
 * IVRS's IVMD with the unity flag
 * @limit: the last byte
 * @scopes: the functions named; empty when @first to @last say it
 * @first, @last: a range of IVRS device ids (bus << 8 | slot << 3 | function), both inclusive
 */
struct pt_reserved {
	uint64_t base;
	uint64_t limit;
	PT_ARRAY(struct pt_scope) scopes;
	bool by_range;
	uint32_t segment;
	uint16_t first;
	uint16_t last;
};

/**
 * struct pt_acpi - the firmware's tables about IOMMUs
 * @dmar (Intel), @ivrs (AMD), @iort (ARM), @viot (virtio): is there such a table
 * @read: the contents of DMAR or IVRS were read and parsed (0400: needs root)
 * @denied: they were not, for want of rights
 * @why_not: when not @read: why, one sentence; or NULL
 * @intremap: DMAR flags bit 0; IVRS: an IO-APIC entry, without which Linux leaves interrupt remapping off
 * @opt_in: DMAR flags bit 2: the firmware asks the kernel to protect against DMA
 * @units: DRHD or IVHD entries; several IVHD types of one IOMMU count once
 */
struct pt_acpi {
	enum pt_known dmar;
	enum pt_known ivrs;
	enum pt_known iort;
	enum pt_known viot;
	bool devicetree;
	bool read;
	bool denied;
	char *why_not;
	bool intremap;
	bool opt_in;
	size_t units;
	struct {
		struct pt_reserved *v;
		size_t n;
		size_t cap;
	} reserved;
};

enum pt_iommu_kind {
	PT_IOMMU_OTHER = 0,
	PT_IOMMU_INTEL,
	PT_IOMMU_AMD,
	PT_IOMMU_ARM,
};

/* one entry of /sys/class/iommu; @ecap, @cap: Intel's capability registers, valid when @caps */
struct pt_iommu_unit {
	char *name;
	enum pt_iommu_kind kind;
	bool caps;
	uint64_t cap;
	uint64_t ecap;
};

/* a reserved_regions line that ties a group to fixed addresses; @relaxable: the kernel lets it go for a guest */
struct pt_region {
	int group;
	uint64_t base;
	uint64_t limit;
	bool relaxable;
};

/**
 * struct pt_iommu - what the running kernel made of it
 * @active: /sys/class/iommu has units
 * @groups: entries of /sys/kernel/iommu_groups
 * @intremap: interrupts go through the remapping unit: IR- chips (x86) or an ITS (ARM) in /proc/interrupts
 * @unsafe_interrupts, @unsafe_where: vfio_iommu_type1's allow_unsafe_interrupts, and where it was found
 * @noiommu: vfio's enable_unsafe_noiommu_mode
 * @default_type: the most common type of a group's default domain: "identity", "DMA", "DMA-FQ"; NULL unknown
 * @direct: regions of type direct and direct-relaxable, over all groups
 */
struct pt_iommu {
	enum pt_known active;
	PT_ARRAY(struct pt_iommu_unit) units;
	size_t groups;
	enum pt_known intremap;
	enum pt_known unsafe_interrupts;
	char *unsafe_where;
	enum pt_known noiommu;
	char *default_type;
	PT_ARRAY(struct pt_region) direct;
};

enum pt_module_state {
	PT_MODULE_UNKNOWN = 0, /* not loaded, and /lib/modules/RELEASE could not be read */
	PT_MODULE_MISSING,
	PT_MODULE_AVAILABLE,
	PT_MODULE_LOADED,
	PT_MODULE_BUILTIN,
};

/**
 * struct pt_kernel - the running kernel
 * @lockdown: "none", "integrity", "confidentiality"; NULL when the kernel does not tell
 * @config_where: where its configuration was read; NULL when nowhere
 * @intel_iommu, @intel_iommu_on, @amd_iommu: CONFIG_INTEL_IOMMU, …_DEFAULT_ON, CONFIG_AMD_IOMMU
 * @modules_gone: /lib/modules has no folder for the running release (updated, not rebooted)
 * @modules_disabled: kernel.modules_disabled is 1: none can be loaded any more
 * @vfio_blocked: where modprobe is told not to load vfio-pci, or NULL
 * @kvm_module: "kvm_intel" or "kvm_amd" on x86, else NULL
 * @dev_vfio, @dev_kvm, @dev_iommu: the nodes are there
 */
struct pt_kernel {
	char *release;
	char *lockdown;
	char *config_where;
	enum pt_known intel_iommu;
	enum pt_known intel_iommu_on;
	enum pt_known amd_iommu;
	enum pt_known modules_gone;
	bool modules_disabled;
	enum pt_module_state vfio;
	enum pt_module_state vfio_pci;
	enum pt_module_state vfio_type1;
	char *vfio_blocked;
	const char *kvm_module;
	enum pt_module_state kvm;
	enum pt_known nested;
	enum pt_known dev_vfio;
	enum pt_known dev_kvm;
	enum pt_known dev_iommu;
};

/* who keeps the kernel's command line, that is: what a fix has to say */
enum pt_boot_kind {
	PT_BOOT_UNKNOWN = 0,
	PT_BOOT_UPDATE_GRUB,	/* Debian, Ubuntu */
	PT_BOOT_GRUB2_MKCONFIG, /* SUSE and others: /boot/grub2 */
	PT_BOOT_GRUB_MKCONFIG,	/* Arch and others: /boot/grub */
	PT_BOOT_GRUBBY,		/* Fedora, RHEL and their kin */
	PT_BOOT_KERNEL_INSTALL, /* systemd-boot with /etc/kernel/cmdline */
	PT_BOOT_SYSTEMD_BOOT,	/* entries by hand */
	PT_BOOT_RPM_OSTREE,
	PT_BOOT_BOOTC,
	PT_BOOT_PROXMOX,      /* proxmox-boot-tool with /etc/kernel/cmdline */
	PT_BOOT_PROXMOX_GRUB, /* proxmox-boot-tool with grub */
	PT_BOOT_KERNELSTUB,   /* Pop!_OS */
	PT_BOOT_U_BOOT_MENU,  /* Debian's u-boot-menu */
	PT_BOOT_EXTLINUX,
	PT_BOOT_UPDATE_EXTLINUX, /* Alpine */
	PT_BOOT_NIXOS,
	PT_BOOT_KINDS
};

/**
 * struct pt_boot - the boot loader
 * @configured: the words of its configuration that concern passthrough ("intel_iommu=on"), each as "WORD\tFILE"; a word
 *              that is here and not on the command line waits for an update of the loader or a reboot
 */
struct pt_boot {
	enum pt_boot_kind kind;
	struct pt_strv configured;
};

/* an id that vfio-pci is told to take at load time, by the command line or modprobe.d */
struct pt_vfio_id {
	uint16_t vendor;
	uint16_t device;
	char *where;
};

/**
 * struct pt_libvirt - the virtualisation daemon; from vm/, host/ does not fill it in
 * @reachable: unknown when nobody asked (a captured host)
 * @uri: whom was asked
 * @version, @hypervisor: "11.3.0", "QEMU 10.0.2"; @hypervisor NULL when libvirt finds no emulator
 * @error, @fix: when not reachable, why, and what to start
 */
struct pt_libvirt {
	enum pt_known reachable;
	char *uri;
	char *version;
	char *hypervisor;
	char *error;
	char *fix;
};

/**
 * struct pt_platform - facts; owns everything in it
 * @captured: of another host, so that "not there" may mean "not in the capture"
 * @root: read with root's rights
 * @cmdline: /proc/cmdline, word by word; the kernel's part only (up to "--")
 */
struct pt_platform {
	bool captured;
	bool root;
	struct pt_cpu cpu;
	struct pt_acpi acpi;
	struct pt_iommu iommu;
	struct pt_kernel kernel;
	struct pt_boot boot;
	struct pt_strv cmdline;
	bool cmdline_read;
	PT_ARRAY(struct pt_vfio_id) vfio_ids;
	struct pt_libvirt libvirt;
};

/**
 * struct pt_device_platform - what only doctor asks of one device
 * @boot_vga: the display that the firmware started with
 * @driver_builtin: the driver that has it is part of the kernel image
 * @builtin: a driver that is part of the kernel image and serves it, so that it has the device first at each boot: the
 *           one that has it, or where none or VFIO's has it, one that is known to; "": none is known
 */
struct pt_device_platform {
	enum pt_known boot_vga;
	enum pt_known driver_builtin;
	char builtin[64];
};

/** pt_cmdline_value() - the value of the last "NAME=value" on a command line ("" for a bare NAME), or NULL */
const char *pt_cmdline_value(const struct pt_strv *cmdline, const char *name);

/** pt_cmdline_has() - is @option one of the comma-separated values of any "NAME=a,b" ("iommu=pt,force") */
bool pt_cmdline_has(const struct pt_strv *cmdline, const char *name, const char *option);

/** pt_acpi_table() - the path of the table that describes the IOMMUs, below the firmware's tables: "DMAR"; or NULL */
const char *pt_acpi_table(const struct pt_acpi *acpi);

/** pt_scope_resolve() - the function that a scope names on this host; -ENOENT when there is none */
int pt_scope_resolve(const struct pt_scope *scope, const struct pt_devices *devices, struct pt_bdf *ret_bdf);

/** pt_reserved_names() - does the region name this function, directly or through a bridge above it */
bool pt_reserved_names(const struct pt_reserved *reserved, const struct pt_devices *devices, const struct pt_device *d);

void pt_acpi_done(struct pt_acpi *a);
void pt_platform_done(struct pt_platform *p);

#endif
