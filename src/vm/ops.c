/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/ops.h"

#include <strings.h>

#include "domxml/domxml.h"
#include "vm/conn.h"

static int get_xml(void *ctx, const char *uuid, char **ret_xml, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	char *xml;
	int r = pt_vm_lookup(ctx, uuid, &dom, err);

	if (r < 0)
		return r;
	/* without SECURE the passwords are left out, and writing the definition back would lose them */
	xml = virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
	if (!xml)
		return pt_vm_fail(err, "cannot read the definition of %s", virDomainGetName(dom));
	*ret_xml = xml;
	return 0;
}

/*
 * Not with VIR_DOMAIN_DEFINE_VALIDATE: libvirt's schema does not know all that libvirt itself writes, and an undo must
 * never fail because of a word that was there before.  What libvirt would drop without telling cannot be in @xml: both
 * documents began as libvirt's own.
 */
static int define(void *ctx, const char *uuid, const char *xml, struct pt_error *err)
{
	struct pt_vm_conn *conn = ctx;
	pt_autodomain virDomainPtr dom = NULL;
	pt_autodomain virDomainPtr defined = NULL;
	PT_AUTO(pt_domain) d = { 0 };
	int r = pt_vm_lookup(conn, uuid, &dom, err);

	if (r >= 0)
		r = pt_domxml_read(xml, &d, err);
	if (r < 0)
		return r;
	/* a definition with another UUID or name would make a second VM instead of changing this one */
	if (!d.uuid || strcasecmp(d.uuid, uuid) != 0 || !pt_streq(d.name, virDomainGetName(dom)))
		return pt_say(err, -EINVAL, "the definition is that of %s (%s), not of %s (%s)", d.name ? d.name : "?",
			      d.uuid ? d.uuid : "?", virDomainGetName(dom), uuid);
	defined = virDomainDefineXMLFlags(conn->conn, xml, 0);
	if (!defined)
		return pt_vm_fail(err, "libvirt does not take the new definition of %s", virDomainGetName(dom));
	return 0;
}

static int state(void *ctx, const char *uuid, enum pt_domain_state *ret_state, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	int r = pt_vm_lookup(ctx, uuid, &dom, err);

	return r < 0 ? r : pt_vm_state_of(dom, ret_state, NULL, err);
}

static int start(void *ctx, const char *uuid, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	int r = pt_vm_lookup(ctx, uuid, &dom, err);

	return r < 0 ? r : pt_vm_start(ctx, dom, err);
}

static int alive(void *ctx, const char *uuid, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	int r = pt_vm_lookup(ctx, uuid, &dom, err);

	return r < 0 ? r : pt_vm_alive(ctx, dom, err);
}

static int stop(void *ctx, const char *uuid, unsigned timeout_ms, bool force, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	int r = pt_vm_lookup(ctx, uuid, &dom, err);

	return r < 0 ? r : pt_vm_stop(ctx, dom, timeout_ms, force, err);
}

static int autostart(void *ctx, const char *uuid, int set, bool *ret, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	int flag = 0;
	int r = pt_vm_lookup(ctx, uuid, &dom, err);

	if (r < 0)
		return r;
	if (set >= 0 && virDomainSetAutostart(dom, set) < 0)
		return pt_vm_fail(err, "cannot switch autostart of %s %s", virDomainGetName(dom), set ? "on" : "off");
	if (virDomainGetAutostart(dom, &flag) < 0)
		return pt_vm_fail(err, "cannot ask whether %s starts by itself", virDomainGetName(dom));
	if (ret)
		*ret = flag != 0;
	return 0;
}

static int managed_save(void *ctx, const char *uuid, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	int r = pt_vm_lookup(ctx, uuid, &dom, err);

	if (r < 0)
		return r;
	r = virDomainHasManagedSaveImage(dom, 0);
	if (r < 0)
		return pt_vm_fail(err, "cannot ask whether %s has a managed save image", virDomainGetName(dom));
	return r;
}

static int live_xml(void *ctx, const char *uuid, char **ret_xml, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	int r = pt_vm_lookup(ctx, uuid, &dom, err);

	return r < 0 ? r : pt_vm_live_xml(dom, ret_xml, err);
}

static int which_run(void *ctx, const char *uuid, char **ret_run, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	int r = pt_vm_lookup(ctx, uuid, &dom, err);

	return r < 0 ? r : pt_vm_which_run(ctx, dom, ret_run, err);
}

static int busy(void *ctx, const char *uuid, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	int r = pt_vm_lookup(ctx, uuid, &dom, err);

	return r < 0 ? r : pt_vm_busy(dom, err);
}

static int plug(void *ctx, const char *uuid, const char *element, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	int r = pt_vm_lookup(ctx, uuid, &dom, err);

	return r < 0 ? r : pt_vm_plug(dom, element, err);
}

static int unplug(void *ctx, const char *uuid, struct pt_bdf bdf, unsigned timeout_ms, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	int r = pt_vm_lookup(ctx, uuid, &dom, err);

	return r < 0 ? r : pt_vm_unplug(ctx, dom, bdf, timeout_ms, err);
}

static int migrate(void *ctx, const char *uuid, const struct pt_migrate_to *to, unsigned timeout_ms,
		   struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	int r = pt_vm_lookup(ctx, uuid, &dom, err);

	return r < 0 ? r : pt_vm_migrate(ctx, dom, to, timeout_ms, err);
}

static int settle(void *ctx, const char *uuid, const struct pt_migrate_to *to, char **ret_doubt, struct pt_error *err)
{
	return pt_vm_settle(ctx, uuid, to, ret_doubt, err);
}

static int leave(void *ctx, const char *uuid, const struct pt_migrate_to *to, struct pt_error *err)
{
	return pt_vm_leave(ctx, uuid, to, err);
}

static int arrive(void *ctx, const char *uuid, const struct pt_migrate_to *to, const char *element,
		  struct pt_error *err)
{
	return pt_vm_arrive(ctx, uuid, to, element, err);
}

void pt_vm_ops_init(struct pt_vm_conn *conn, struct pt_vm_ops *ret_ops)
{
	*ret_ops = (struct pt_vm_ops){
		.ctx = conn,
		.get_xml = get_xml,
		.define = define,
		.state = state,
		.start = start,
		.alive = alive,
		.stop = stop,
		.autostart = autostart,
		.managed_save = managed_save,
		.live_xml = live_xml,
		.which_run = which_run,
		.busy = busy,
		.plug = plug,
		.unplug = unplug,
		.migrate = migrate,
		.settle = settle,
		.leave = leave,
		.arrive = arrive,
	};
}
