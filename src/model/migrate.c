/* SPDX-License-Identifier: Apache-2.0 */
#include "model/migrate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void pt_hypervisor_done(struct pt_hypervisor *h)
{
	free(h->host_uuid);
	free(h->libvirt);
	free(h->qemu);
	free(h->arch);
	pt_strv_done(&h->machines);
	pt_strv_done(&h->models);
	pt_cpu_def_done(&h->host_model);
	pt_strv_done(&h->flags);
	*h = (struct pt_hypervisor){ 0 };
}

void pt_migrate_now_done(struct pt_migrate_now *n)
{
	free(n->job);
	pt_strv_done(&n->block_jobs);
	pt_strv_done(&n->silent);
	pt_strv_done(&n->blockers);
	*n = (struct pt_migrate_now){ 0 };
}

void pt_migrate_alike_done(struct pt_migrate_alike *a)
{
	free(a->text);
	pt_cpu_host_done(&a->cpu);
	pt_strv_done(&a->list);
	pt_cpu_def_done(&a->def);
	*a = (struct pt_migrate_alike){ 0 };
}

void pt_migrate_host_done(struct pt_migrate_host *h)
{
	free(h->name);
	free(h->where);
	free(h->why_not);
	free(h->why_fix);
	if (h->alike) {
		h->cpu = (struct pt_cpu_host){ 0 };
		h->hypervisor.machines = h->hypervisor.models = h->hypervisor.flags = (struct pt_strv){ 0 };
		h->hypervisor.host_model = (struct pt_cpu_def){ 0 };
	}
	pt_cpu_host_done(&h->cpu);
	pt_hypervisor_done(&h->hypervisor);
	free(h->hugepages.v);
	for (size_t i = 0; i < h->vms.n; i++) {
		free(h->vms.v[i].name);
		free(h->vms.v[i].uuid);
	}
	free(h->vms.v);
	pt_strv_done(&h->networks);
	pt_strv_done(&h->netdevs);
	*h = (struct pt_migrate_host){ 0 };
}

void pt_migrate_hosts_done(struct pt_migrate_hosts *l)
{
	for (size_t i = 0; i < l->n; i++)
		pt_migrate_host_done(&l->v[i]);
	free(l->v);
	for (size_t i = 0; i < l->alike.n; i++)
		pt_migrate_alike_done(&l->alike.v[i]);
	free(l->alike.v);
	*l = (struct pt_migrate_hosts){ 0 };
}

char *pt_migrate_to_text(const struct pt_migrate_to *to)
{
	PT_AUTO(pt_strv) lines = { 0 };

	pt_strv_addf(&lines, "uri=%s", to->uri);
	if (to->bandwidth_mib)
		pt_strv_addf(&lines, "bandwidth=%u", to->bandwidth_mib);
	if (to->autostart)
		pt_strv_add(&lines, "autostart=on");
	if (to->data_uri)
		pt_strv_addf(&lines, "data-uri=%s", to->data_uri);
	if (to->tls)
		pt_strv_add(&lines, "tls=on");
	if (to->converge)
		pt_strv_add(&lines, "converge=on");
	for (size_t i = 0; i < to->devices.n; i++)
		pt_strv_addf(&lines, "device=%s", pt_bdf_str(to->devices.v[i]).s);
	return pt_strv_join(&lines, "\n");
}

static bool read_bandwidth(const char *value, struct pt_migrate_to *to)
{
	char *end;
	unsigned long n;

	if (*value < '1' || *value > '9')
		return false;
	errno = 0;
	n = strtoul(value, &end, 10);
	to->bandwidth_mib = (unsigned)n;
	return !errno && !*end && n <= PT_BANDWIDTH_MAX;
}

bool pt_migrate_data_uri(const char *uri)
{
	const char *host = uri + strlen("tcp://");
	size_t n;

	if (!pt_startswith(uri, "tcp://"))
		return false;
	/* letters, digits and what addresses and names have besides; a bracket for IPv6 */
	n = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]%");
	return n > 0 && !host[n] && *host != ':';
}

static bool read_line(const char *line, struct pt_migrate_to *to)
{
	struct pt_bdf bdf;

	if (pt_startswith(line, "uri=") && line[strlen("uri=")] && !to->uri) {
		to->uri = pt_strdup(line + strlen("uri="));
	} else if (pt_startswith(line, "bandwidth=")) {
		return read_bandwidth(line + strlen("bandwidth="), to);
	} else if (pt_streq(line, "autostart=on")) {
		to->autostart = true;
	} else if (pt_streq(line, "tls=on")) {
		to->tls = true;
	} else if (pt_streq(line, "converge=on")) {
		to->converge = true;
	} else if (pt_startswith(line, "data-uri=") && !to->data_uri &&
		   pt_migrate_data_uri(line + strlen("data-uri="))) {
		to->data_uri = pt_strdup(line + strlen("data-uri="));
	} else if (pt_startswith(line, "device=") && pt_bdf_parse(line + strlen("device="), &bdf) == 0) {
		pt_array_push(&to->devices, bdf);
	} else {
		return false;
	}
	return true;
}

int pt_migrate_to_parse(const char *text, struct pt_migrate_to *ret_to, struct pt_error *err)
{
	pt_autofree char *copy = pt_strdup(text);
	PT_AUTO(pt_migrate_to) to = { 0 };
	char *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!read_line(line, &to))
			return pt_say(err, -EBADMSG, "'%.80s' is nothing that a migration has", line);
	if (!to.uri)
		return pt_say(err, -EBADMSG, "a migration without a target");
	*ret_to = to;
	to = (struct pt_migrate_to){ 0 };
	return 0;
}

void pt_migrate_to_done(struct pt_migrate_to *to)
{
	free(to->uri);
	free(to->data_uri);
	free(to->devices.v);
	*to = (struct pt_migrate_to){ 0 };
}
