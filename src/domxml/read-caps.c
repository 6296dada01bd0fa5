/* SPDX-License-Identifier: Apache-2.0 */
/* <capabilities>: the host's processor, and the machine types of its own architecture. */
#include <stdint.h>

#include "base/cleanup.h"
#include "domxml/cpu.h"
#include "domxml/read.h"

/* libvirt writes the microcode in decimal, the kernel in hexadecimal */
static void read_cpu(const xmlNode *cpu, struct pt_cpu_host *h, struct pt_hypervisor *hypervisor)
{
	static const char *const vendors[][2] = { { "Intel", "GenuineIntel" },
						  { "AMD", "AuthenticAMD" },
						  { "Hygon", "HygonGenuine" } };
	const xmlNode *signature = pt_xml_child(cpu, "signature");
	pt_autofree char *vendor = pt_xml_content(pt_xml_child(cpu, "vendor"));
	pt_autofree char *microcode = pt_xml_attr(pt_xml_child(cpu, "microcode"), "version");
	pt_autofree char *tsc = NULL;
	int *const to[] = { &h->family, &h->number, &h->stepping };
	static const char *const names[] = { "family", "model", "stepping" };
	unsigned long long value = 0;

	h->model = pt_xml_content(pt_xml_child(cpu, "model"));
	for (size_t i = 0; i < sizeof(vendors) / sizeof(*vendors); i++)
		if (pt_streq(vendor, vendors[i][0]))
			h->vendor = pt_strdup(vendors[i][1]);
	if (!h->vendor)
		h->vendor = pt_strdup_opt(vendor);
	if (microcode && pt_xml_number(microcode, UINT32_MAX, &value) == 0)
		h->microcode = pt_strf("0x%llx", value);
	for (size_t i = 0; i < 3; i++) {
		pt_autofree char *text = pt_xml_attr(signature, names[i]);

		if (text && pt_xml_number(text, 0xffff, &value) == 0)
			*to[i] = (int)value;
	}
	for (const xmlNode *c = pt_xml_child(cpu, "counter"); c && !tsc; c = pt_xml_next(c, "counter"))
		if (pt_xml_attr_is(c, "name", "tsc")) {
			tsc = pt_xml_attr(c, "frequency");
			hypervisor->tsc_scaling = pt_xml_attr_is(c, "scaling", "yes")  ? PT_KNOWN_YES
						  : pt_xml_attr_is(c, "scaling", "no") ? PT_KNOWN_NO
										       : PT_KNOWN_UNKNOWN;
		}
	if (tsc && pt_xml_number(tsc, UINT64_MAX, &value) == 0)
		hypervisor->tsc_hz = value;
}

static void read_machines(const xmlNode *arch, struct pt_strv *machines)
{
	for (const xmlNode *m = pt_xml_child(arch, "machine"); m; m = pt_xml_next(m, "machine")) {
		pt_autofree char *name = pt_xml_content(m);

		if (name && machines->n < PT_XML_DEVICES_MAX && !pt_strv_has(machines, name))
			pt_strv_add(machines, name);
	}
}

int pt_domxml_read_caps(const char *xml, struct pt_cpu_host *ret_cpu, struct pt_hypervisor *ret_hypervisor,
			struct pt_error *err)
{
	struct pt_cpu_host cpu = { .family = -1, .number = -1, .stepping = -1 };
	struct pt_hypervisor h = { 0 };
	PT_AUTO(pt_xml) x = { 0 };
	const xmlNode *root;
	const xmlNode *host_cpu;
	int r = pt_xml_open_root(xml, "capabilities", &x, err);

	if (r < 0)
		return r;
	root = xmlDocGetRootElement(x.doc);
	host_cpu = pt_xml_path(root, "host", "cpu");
	h.host_uuid = pt_xml_content(pt_xml_path(root, "host", "uuid"));
	h.arch = pt_xml_content(pt_xml_child(host_cpu, "arch"));
	read_cpu(host_cpu, &cpu, &h);
	for (const xmlNode *g = pt_xml_child(root, "guest"); g; g = pt_xml_next(g, "guest")) {
		const xmlNode *arch = pt_xml_child(g, "arch");

		if (h.arch && pt_xml_attr_is(arch, "name", h.arch))
			read_machines(arch, &h.machines);
	}
	*ret_cpu = cpu;
	*ret_hypervisor = h;
	return 0;
}

int pt_domxml_read_page_sizes(const char *xml, unsigned *ret_kib, size_t most, size_t *ret_n, struct pt_error *err)
{
	PT_AUTO(pt_xml) x = { 0 };
	const xmlNode *cpu;
	size_t n = 0;
	int r = pt_xml_open_root(xml, "capabilities", &x, err);

	if (r < 0)
		return r;
	cpu = pt_xml_path(xmlDocGetRootElement(x.doc), "host", "cpu");
	for (const xmlNode *p = pt_xml_child(cpu, "pages"); p && n < most; p = pt_xml_next(p, "pages")) {
		pt_autofree char *size = pt_xml_attr(p, "size");
		unsigned long long value = 0;

		/* libvirt writes no other unit */
		if (size && pt_xml_attr_is(p, "unit", "KiB") && pt_xml_number(size, UINT32_MAX, &value) == 0 && value)
			ret_kib[n++] = (unsigned)value;
	}
	*ret_n = n;
	return 0;
}
