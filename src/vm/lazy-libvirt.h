/* SPDX-License-Identifier: Apache-2.0 */
/* What we call of libvirt and of its part for QEMU: base/lazy.h says why it is not linked to.  Not for other rooms. */
#ifndef PT_VM_LAZY_LIBVIRT_H
#define PT_VM_LAZY_LIBVIRT_H

#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "base/lazy.h"

#define PT_LIBVIRT_QEMU(each) each(virDomainQemuAgentCommand) each(virDomainQemuMonitorCommand)

#define PT_LIBVIRT(each)                                                                                                                                      \
	each(virConnSetErrorFunc) each(virConnectBaselineHypervisorCPU) each(virConnectClose) each(virConnectDomainEventDeregisterAny) each(                  \
		virConnectDomainEventRegisterAny) each(virConnectGetCapabilities) each(virConnectGetDomainCapabilities) each(virConnectGetHostname)           \
		each(virConnectGetLibVersion) each(virConnectGetType) each(virConnectGetVersion) each(virConnectIsAlive) each(                                \
			virConnectListAllDomains) each(virConnectListAllNetworks) each(virConnectListAllNodeDevices) each(virConnectOpen)                     \
			each(virConnectOpenReadOnly) each(virDomainAbortJob) each(virDomainAttachDeviceFlags) each(                                           \
				virDomainCreateWithFlags) each(virDomainDefineXMLFlags) each(virDomainDestroyFlags) each(virDomainDetachDeviceAlias)          \
				each(virDomainFree) each(virDomainGetAutostart) each(virDomainGetBlockJobInfo) each(virDomainGetConnect) each(                \
					virDomainGetControlInfo) each(virDomainGetID) each(virDomainGetJobInfo) each(virDomainGetJobStats)                    \
					each(virDomainGetName) each(virDomainGetState) each(virDomainGetUUIDString) each(                                     \
						virDomainGetXMLDesc) each(virDomainHasManagedSaveImage) each(virDomainIsActive) each(virDomainIsPersistent)   \
						each(virDomainListAllCheckpoints) each(virDomainLookupByID) each(virDomainLookupByName) each(                 \
							virDomainLookupByUUIDString) each(virDomainMemoryStats) each(virDomainMigrateToURI3)                  \
							each(virDomainRef) each(virDomainSetAutostart) each(virDomainShutdown) each(                          \
								virDomainShutdownFlags) each(virDomainSnapshotNum) each(virDomainUndefineFlags)               \
								each(virEventAddTimeout) each(virEventRegisterDefaultImpl) each(                              \
									virEventRemoveTimeout) each(virEventRunDefaultImpl)                                   \
									each(virFreeError) each(virGetLastError) each(virNetworkFree) each(                   \
										virNetworkGetName) each(virNetworkGetXMLDesc) each(virNodeDeviceFree)         \
										each(virNodeDeviceGetName) each(virNodeDeviceGetXMLDesc) each(                \
											virNodeGetFreePages) each(virNodeGetMemoryStats)                      \
											each(virSaveLastError) each(virSetErrorFunc) each(                    \
												virStoragePoolFree) each(virStoragePoolLookupByName)          \
												each(virStorageVolFree) each(                                 \
													virStorageVolGetPath) each(virStorageVolLookupByName) \
													each(virTypedParamsAddString) each(                   \
														virTypedParamsAddULLong)                      \
														each(virTypedParamsFree)                      \
															each(virTypedParamsGetInt)

struct pt_libvirt {
	PT_LIBVIRT_QEMU(PT_LAZY_MEMBER)
	PT_LIBVIRT(PT_LAZY_MEMBER)
};

/* empty before pt_libvirt_load() */
extern struct pt_libvirt pt_libvirt;

/** pt_libvirt_load() - must have succeeded before the first call; at once when it has; see pt_lazy_load() */
int pt_libvirt_load(struct pt_error *err);

#ifndef PT_LAZY_PLAIN_NAMES
#define virDomainQemuAgentCommand	   pt_libvirt.virDomainQemuAgentCommand
#define virDomainQemuMonitorCommand	   pt_libvirt.virDomainQemuMonitorCommand
#define virConnSetErrorFunc		   pt_libvirt.virConnSetErrorFunc
#define virConnectBaselineHypervisorCPU	   pt_libvirt.virConnectBaselineHypervisorCPU
#define virConnectClose			   pt_libvirt.virConnectClose
#define virConnectDomainEventDeregisterAny pt_libvirt.virConnectDomainEventDeregisterAny
#define virConnectDomainEventRegisterAny   pt_libvirt.virConnectDomainEventRegisterAny
#define virConnectGetCapabilities	   pt_libvirt.virConnectGetCapabilities
#define virConnectGetDomainCapabilities	   pt_libvirt.virConnectGetDomainCapabilities
#define virConnectGetHostname		   pt_libvirt.virConnectGetHostname
#define virConnectGetLibVersion		   pt_libvirt.virConnectGetLibVersion
#define virConnectGetType		   pt_libvirt.virConnectGetType
#define virConnectGetVersion		   pt_libvirt.virConnectGetVersion
#define virConnectIsAlive		   pt_libvirt.virConnectIsAlive
#define virConnectListAllDomains	   pt_libvirt.virConnectListAllDomains
#define virConnectListAllNetworks	   pt_libvirt.virConnectListAllNetworks
#define virConnectListAllNodeDevices	   pt_libvirt.virConnectListAllNodeDevices
#define virConnectOpen			   pt_libvirt.virConnectOpen
#define virConnectOpenReadOnly		   pt_libvirt.virConnectOpenReadOnly
#define virDomainAbortJob		   pt_libvirt.virDomainAbortJob
#define virDomainAttachDeviceFlags	   pt_libvirt.virDomainAttachDeviceFlags
#define virDomainCreateWithFlags	   pt_libvirt.virDomainCreateWithFlags
#define virDomainDefineXMLFlags		   pt_libvirt.virDomainDefineXMLFlags
#define virDomainDestroyFlags		   pt_libvirt.virDomainDestroyFlags
#define virDomainDetachDeviceAlias	   pt_libvirt.virDomainDetachDeviceAlias
#define virDomainFree			   pt_libvirt.virDomainFree
#define virDomainGetAutostart		   pt_libvirt.virDomainGetAutostart
#define virDomainGetBlockJobInfo	   pt_libvirt.virDomainGetBlockJobInfo
#define virDomainGetConnect		   pt_libvirt.virDomainGetConnect
#define virDomainGetControlInfo		   pt_libvirt.virDomainGetControlInfo
#define virDomainGetID			   pt_libvirt.virDomainGetID
#define virDomainGetJobInfo		   pt_libvirt.virDomainGetJobInfo
#define virDomainGetJobStats		   pt_libvirt.virDomainGetJobStats
#define virDomainGetName		   pt_libvirt.virDomainGetName
#define virDomainGetState		   pt_libvirt.virDomainGetState
#define virDomainGetUUIDString		   pt_libvirt.virDomainGetUUIDString
#define virDomainGetXMLDesc		   pt_libvirt.virDomainGetXMLDesc
#define virDomainHasManagedSaveImage	   pt_libvirt.virDomainHasManagedSaveImage
#define virDomainIsActive		   pt_libvirt.virDomainIsActive
#define virDomainIsPersistent		   pt_libvirt.virDomainIsPersistent
#define virDomainListAllCheckpoints	   pt_libvirt.virDomainListAllCheckpoints
#define virDomainLookupByID		   pt_libvirt.virDomainLookupByID
#define virDomainLookupByName		   pt_libvirt.virDomainLookupByName
#define virDomainLookupByUUIDString	   pt_libvirt.virDomainLookupByUUIDString
#define virDomainMemoryStats		   pt_libvirt.virDomainMemoryStats
#define virDomainMigrateToURI3		   pt_libvirt.virDomainMigrateToURI3
#define virDomainRef			   pt_libvirt.virDomainRef
#define virDomainSetAutostart		   pt_libvirt.virDomainSetAutostart
#define virDomainShutdown		   pt_libvirt.virDomainShutdown
#define virDomainShutdownFlags		   pt_libvirt.virDomainShutdownFlags
#define virDomainSnapshotNum		   pt_libvirt.virDomainSnapshotNum
#define virDomainUndefineFlags		   pt_libvirt.virDomainUndefineFlags
#define virEventAddTimeout		   pt_libvirt.virEventAddTimeout
#define virEventRegisterDefaultImpl	   pt_libvirt.virEventRegisterDefaultImpl
#define virEventRemoveTimeout		   pt_libvirt.virEventRemoveTimeout
#define virEventRunDefaultImpl		   pt_libvirt.virEventRunDefaultImpl
#define virFreeError			   pt_libvirt.virFreeError
#define virGetLastError			   pt_libvirt.virGetLastError
#define virNetworkFree			   pt_libvirt.virNetworkFree
#define virNetworkGetName		   pt_libvirt.virNetworkGetName
#define virNetworkGetXMLDesc		   pt_libvirt.virNetworkGetXMLDesc
#define virNodeDeviceFree		   pt_libvirt.virNodeDeviceFree
#define virNodeDeviceGetName		   pt_libvirt.virNodeDeviceGetName
#define virNodeDeviceGetXMLDesc		   pt_libvirt.virNodeDeviceGetXMLDesc
#define virNodeGetFreePages		   pt_libvirt.virNodeGetFreePages
#define virNodeGetMemoryStats		   pt_libvirt.virNodeGetMemoryStats
#define virSaveLastError		   pt_libvirt.virSaveLastError
#define virSetErrorFunc			   pt_libvirt.virSetErrorFunc
#define virStoragePoolFree		   pt_libvirt.virStoragePoolFree
#define virStoragePoolLookupByName	   pt_libvirt.virStoragePoolLookupByName
#define virStorageVolFree		   pt_libvirt.virStorageVolFree
#define virStorageVolGetPath		   pt_libvirt.virStorageVolGetPath
#define virStorageVolLookupByName	   pt_libvirt.virStorageVolLookupByName
#define virTypedParamsAddString		   pt_libvirt.virTypedParamsAddString
#define virTypedParamsAddULLong		   pt_libvirt.virTypedParamsAddULLong
#define virTypedParamsFree		   pt_libvirt.virTypedParamsFree
#define virTypedParamsGetInt		   pt_libvirt.virTypedParamsGetInt
#endif

#endif
