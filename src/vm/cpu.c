/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/cpu.h"

#include "domxml/cpu.h"
#include "vm/conn.h"

int pt_vm_cpu_caps(struct pt_vm_conn *conn, const struct pt_domain *vm, struct pt_cpu_caps *ret_caps,
		   struct pt_error *err)
{
	pt_autofree char *xml =
		virConnectGetDomainCapabilities(conn->conn, vm->emulator, vm->arch, vm->machine, vm->type, 0);

	if (!xml)
		return pt_vm_fail(err, "cannot ask libvirt what it can give %s", vm->name);
	return pt_domxml_read_cpu_caps(xml, ret_caps, err);
}

int pt_vm_cpu_flags(struct pt_vm_conn *conn, const struct pt_domain *vm, const struct pt_cpu_def *def,
		    struct pt_strv *ret_flags, struct pt_error *err)
{
	pt_autofree char *asked = pt_domxml_print_cpu(def);
	const char *cpus[] = { asked };
	pt_autofree char *xml =
		virConnectBaselineHypervisorCPU(conn->conn, vm->emulator, vm->arch, vm->machine, vm->type, cpus, 1,
						VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES);
	PT_AUTO(pt_cpu_def) full = { 0 };
	int r;

	if (!xml)
		return pt_vm_fail(err, "cannot ask libvirt which flags %s stands for", def->model);
	r = pt_domxml_read_cpu(xml, &full, err);
	if (r < 0)
		return r;
	*ret_flags = (struct pt_strv){ 0 };
	pt_cpu_def_apply(&full, ret_flags);
	pt_strv_sort(ret_flags);
	return 0;
}
