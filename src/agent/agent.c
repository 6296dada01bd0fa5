/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <syslog.h>

#include "agent/parts.h"
#include "base/cleanup.h"
#include "fleet/agent.h"

static void say(struct pt_agent *a, int priority, const char *claim, const char *device, const char *text)
{
	if (a->say)
		a->say(a->ctx, &(struct pt_agent_news){ priority, claim, device, text });
}

void pt_agent_say(struct pt_agent *a, int priority, const char *claim, const char *device, const char *format, ...)
{
	pt_autofree char *text = NULL;
	va_list ap;

	va_start(ap, format);
	text = pt_strfv(format, ap);
	va_end(ap);
	say(a, priority, claim, device, text);
}

/* more than this is not remembered: then it is said again */
#define TOLD_MAX 4096

void pt_agent_say_once(struct pt_agent *a, int priority, const char *claim, const char *device, const char *format, ...)
{
	pt_autofree char *text = NULL;
	va_list ap;

	va_start(ap, format);
	text = pt_strfv(format, ap);
	va_end(ap);
	if (pt_strv_has(&a->told, text))
		return;
	if (a->told.n >= TOLD_MAX)
		pt_strv_done(&a->told);
	pt_strv_add(&a->told, text);
	say(a, priority, claim, device, text);
}

void pt_agent_unsettled(struct pt_agent *a, const char *why)
{
	pt_autofree char *text = pt_strf("a change that was cut off is not settled yet: %s", why);

	a->recovered = false;
	pt_strset(&a->unsettled, text);
	pt_agent_say_once(a, LOG_WARNING, NULL, NULL, "%s", text);
}

/* what changes have in their hands: it is another way when somebody settled one, or one got further */
static char *unsettled_way(const struct pt_agent *a)
{
	PT_AUTO(pt_strv) busy = { 0 };
	char *way;

	for (size_t i = 0; i < a->facts.n; i++)
		if (pt_agent_is_changed(&a->facts.v[i]))
			pt_strv_addf(&busy, "%s %s", pt_bdf_str(a->facts.v[i].bdf).s, a->facts.v[i].owner);
	way = pt_strv_join(&busy, "; ");
	return way ? way : pt_strdup("");
}

/* a change that was cut off is settled before anything new is begun; without libvirt it may have to wait */
static void recover(struct pt_agent *a)
{
	struct pt_error why = { 0 };
	pt_autofree char *way = NULL;

	if (a->recovered || a->look_only || a->changing)
		return;
	way = unsettled_way(a);
	if (pt_agent_waits(a, PT_AGENT_RECOVER, way))
		return;
	/* all claims wait for that */
	a->changing = "";
	if (!a->unsettled)
		pt_strset(&a->unsettled, "changes that were cut off are being settled");
	a->recovered = a->hands->recover(a->hands->ctx, &why) == 0;
	a->changing = NULL;
	if (a->recovered)
		return;
	/* it may have asked a guest to let go; without libvirt it has asked none */
	if (a->asked && !a->blind)
		pt_agent_failed(a, PT_AGENT_RECOVER, way, false);
	pt_agent_unsettled(a, why.msg);
}

/* VFs that are kept across reboots are there before anything is claimed of them: once, when the agent begins */
static int prepare(struct pt_agent *a, struct pt_error *err)
{
	struct pt_error why = { 0 };
	int r;

	if (a->prepared || !a->recovered || a->look_only || a->changing || !a->hands->prepare)
		return 0;
	a->prepared = true;
	a->changing = "";
	r = a->hands->prepare(a->hands->ctx, &a->lacks, &why);
	a->changing = NULL;
	for (size_t i = 0; i < a->lacks.n; i++)
		pt_agent_say(a, LOG_WARNING, NULL, pt_bdf_str(a->lacks.v[i].pf).s,
			     "%s, whose virtual functions are kept across reboots: %s", pt_bdf_str(a->lacks.v[i].pf).s,
			     a->lacks.v[i].why);
	if (r < 0)
		pt_agent_say(a, LOG_WARNING, NULL, NULL, "what this host keeps across reboots is not all there: %s",
			     why.msg);
	else if (r > 0)
		pt_agent_say(a, LOG_INFO, NULL, NULL, "virtual functions that are kept across reboots were made");
	return r ? pt_agent_look(a, true, err) : 0;
}

int pt_agent_round(struct pt_agent *a, unsigned what, struct pt_error *err)
{
	bool look = what & PT_AGENT_LOOK;
	bool claims = what & (PT_AGENT_LOOK | PT_AGENT_CLAIMS);
	int r = 0;

	if (!a->ruled) {
		const struct pt_pci_config own = { .device_spec = a->config->device_spec };

		r = pt_rules_compile(&own, &a->rules, NULL, err);
		a->ruled = r == 0;
	}
	/* what another machine of this name has in the store is not this one's to write, nor its claims to take */
	if (r == 0)
		r = pt_fleet_alive_other(a->store, a->host, a->boot, err);
	if (r == 0 && claims)
		recover(a);
	if (r == 0 && what)
		/* what may be touched is decided on what the VMs are now */
		r = pt_agent_look(a, claims || !a->asked, err);
	if (r == 0 && claims)
		r = prepare(a, err);
	/* the store's record may have been taken out, or written by another */
	if (look)
		pt_strset(&a->published, NULL);
	if (r == 0)
		r = pt_agent_publish(a, err);
	if (r >= 0 && !a->look_only && claims)
		r = pt_agent_reconcile(a, look, err);
	return r < 0 ? r : 0;
}

unsigned pt_agent_meanwhile(struct pt_agent *a, unsigned what)
{
	struct pt_error why = { 0 };
	int r;

	if (a->asking || !a->changing) {
		/* which VMs there are is being asked already */
		if (a->asking && a->asked && (what & (PT_AGENT_FACTS | PT_AGENT_LOOK)) &&
		    pt_agent_look(a, false, NULL) == 0 && pt_agent_publish(a, NULL) >= 0)
			what &= ~(unsigned)PT_AGENT_FACTS;
		return what;
	}
	a->deferred = false;
	r = what ? pt_agent_round(a, what, &why) : 0;
	if (r < 0)
		pt_agent_say_once(a, LOG_WARNING, NULL, NULL, "while a change is made: %s", why.msg);
	return r < 0 ? what : a->deferred ? PT_AGENT_CLAIMS : 0;
}

void pt_agent_done_done(struct pt_agent_done *d)
{
	free(d->told);
	*d = (struct pt_agent_done){ 0 };
}

void pt_agent_lacks_done(struct pt_agent_lacks *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].why);
	free(l->v);
	*l = (struct pt_agent_lacks){ 0 };
}

void pt_agent_done(struct pt_agent *a)
{
	pt_rules_done(&a->rules);
	pt_inv_host_done(&a->facts);
	pt_domains_done(&a->vms);
	pt_strv_done(&a->told);
	pt_agent_forget(a, NULL);
	pt_agent_allow(a);
	pt_agent_lacks_done(&a->lacks);
	free(a->unsettled);
	free(a->blind);
	free(a->published);
	*a = (struct pt_agent){ 0 };
}
