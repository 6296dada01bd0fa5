/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded facts: what is read at a glance is what a careful reader reads, and what is not plain is left to that one.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "shape/hostfacts.h"

#define CPU(flags)                                                                                                     \
	"\"cpu\": {\"vendor\": \"AuthenticAMD\", \"family\": 23, \"microcode\": \"0x1\", \"flags\": [" flags "]}"
#define MODEL "\"host_model\": {\"mode\": \"custom\", \"model\": \"EPYC\", \"features\": [{\"name\": \"svm\"}]}"
#define HYPERVISOR(uuid, flags)                                                                                        \
	"\"hypervisor\": {\"host_uuid\": \"" uuid "\", \"libvirt\": \"11.3.0\", \"qemu\": \"10.0.2\", \"tsc_hz\": 7, " \
	"\"tsc_scaling\": true, \"machines\": [\"q35\", \"pc\"], \"cpu_models\": [\"EPYC\", \"qemu64\"], " MODEL       \
	", \"host_model_flags\": [" flags "]}"
#define MEMORY "\"memory\": {\"available_kib\": 5, \"hugepages\": [{\"size_kib\": 2048, \"free\": 3}]}"
#define REST   "\"devices\": [{\"a\": \"}]\\\"\"}], \"disks\": []"

static void same_list(const struct pt_strv *a, const struct pt_strv *b)
{
	pt_autofree char *left = pt_strv_join(a, " ");
	pt_autofree char *right = pt_strv_join(b, " ");

	assert_string_equal(left, right);
}

/* the host that was read at a glance, and the same text read with care */
static void assert_same(const struct pt_migrate_host *h, const char *text)
{
	PT_AUTO(pt_migrate_host) slow = { 0 };
	json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(o);
	assert_int_equal(pt_host_facts_read(o, "a.json", &slow, NULL), 0);
	json_decref(o);
	assert_string_equal(h->name, slow.name);
	assert_string_equal(h->where, slow.where);
	assert_string_equal(h->cpu.vendor, slow.cpu.vendor);
	assert_int_equal(h->cpu.family, slow.cpu.family);
	assert_int_equal(h->cpu.stepping, slow.cpu.stepping);
	same_list(&h->cpu.flags, &slow.cpu.flags);
	assert_int_equal(h->known, slow.known);
	assert_true(pt_streq(h->hypervisor.host_uuid, slow.hypervisor.host_uuid) || !slow.known);
	assert_int_equal(h->hypervisor.tsc_hz, slow.hypervisor.tsc_hz);
	assert_int_equal(h->hypervisor.tsc_scaling, slow.hypervisor.tsc_scaling);
	same_list(&h->hypervisor.machines, &slow.hypervisor.machines);
	same_list(&h->hypervisor.models, &slow.hypervisor.models);
	same_list(&h->hypervisor.flags, &slow.hypervisor.flags);
	assert_true(pt_cpu_def_same(&h->hypervisor.host_model, &slow.hypervisor.host_model));
	assert_int_equal(h->available_kib, slow.available_kib);
	assert_int_equal(h->hugepages.n, slow.hugepages.n);
}

/* each of them in one list, as from one folder */
static void what_is_read_at_a_glance_is_what_is_there(void **state)
{
	static const char *const texts[] = {
		"{\"hostname\": \"a\", " CPU("\"svm\", \"aes\"") ", " HYPERVISOR("A", "\"svm\", \"aes\"") ", " MEMORY
													  ", " REST "}",
		/* the same words again, others, and a list that begins like one that is known */
		"{\"hostname\": \"b\", " CPU("\"svm\", \"aes\"") ", " HYPERVISOR("B", "\"svm\", \"aes\"") ", " MEMORY
													  ", " REST "}",
		"{\"hostname\": \"c\", " CPU("\"svm\"") ", " HYPERVISOR("C", "\"svm\", \"aes\", \"avx\"") ", " MEMORY
													  ", " REST "}",
		/* in another order, with less, with nothing of libvirt's */
		"{" REST ", " MEMORY ", " HYPERVISOR("D", "") ", " CPU("\"svm\", \"aes\"") "}",
		"{ " CPU("\"svm\", \"aes\"") " , \"hypervisor\" : null }",
		"{\n  " CPU("") ",\n  \"hypervisor\": {\n  \"host_model\": null }}\n",
	};
	PT_AUTO(pt_migrate_hosts) l = { 0 };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		bool odd = strstr(texts[i], "\"host_model\": null") != NULL;

		assert_int_equal(pt_host_facts_scan(texts[i], strlen(texts[i]), "a.json", &l), !odd);
		if (!odd)
			assert_same(&l.v[l.n - 1], texts[i]);
	}
	assert_int_equal(l.n, 5);
	/* the words of the second are those of the first */
	assert_ptr_equal(l.v[0].cpu.flags.v, l.v[1].cpu.flags.v);
	assert_ptr_equal(l.v[0].hypervisor.flags.v, l.v[1].hypervisor.flags.v);
	assert_ptr_not_equal(l.v[0].cpu.flags.v, l.v[2].cpu.flags.v);
}

static void what_is_not_plain_is_left_to_the_careful_reader(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"{\"hostname\": \"a\"}",
		"{" CPU("\"svm\"") ", " CPU("\"svm\"") "}",
		"{\"hostname\": \"a\", \"hostname\": \"b\", " CPU("\"svm\"") "}",
		"{\"hostname\": 7, " CPU("\"svm\"") "}",
		"{\"\\u0063pu\": {}, " CPU("\"svm\"") "}",
		"{\"cpu\": [], " MEMORY "}",
		"{" CPU("7") "}",
		"{" CPU("\"svm\"") ", \"memory\": {\"available_kib\": -1}}",
		"{" CPU("\"svm\"") ", \"hypervisor\": {\"qemu\": \"1\", \"qemu\": \"2\"}}",
		"{" CPU("\"svm\"") ", \"hypervisor\": {\"machines\": [], \"machines\": []}}",
		"{" CPU("\"svm\"") ", \"hypervisor\": {\"machines\": [7]}}",
		"{" CPU("\"svm\"") " " MEMORY "}",
	};
	static const char whole[] =
		"{" CPU("\"svm\"") ", \"hostname\": \"a\", " MEMORY ", " HYPERVISOR("A", "\"svm\"") "}";
	PT_AUTO(pt_migrate_hosts) l = { 0 };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (pt_host_facts_scan(texts[i], strlen(texts[i]), "a.json", &l) != 0)
			fail_msg("taken: %s", texts[i]);
	/* cut off anywhere before its last brace, which is the document's own */
	for (size_t n = 0; n < sizeof(whole) - 2; n++)
		if (pt_host_facts_scan(whole, n, "a.json", &l) != 0)
			fail_msg("taken: %.*s", (int)n, whole);
	assert_int_equal(pt_host_facts_scan(whole, sizeof(whole) - 1, "a.json", &l), 1);
	assert_same(&l.v[0], whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_at_a_glance_is_what_is_there),
		cmocka_unit_test(what_is_not_plain_is_left_to_the_careful_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
