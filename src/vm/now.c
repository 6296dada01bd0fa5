/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/now.h"

#include "vm/conn.h"
#include "vm/reply.h"

/* a driver that does not know the question has none of it */
static bool knows_not(void)
{
	virErrorPtr last = virGetLastError();

	return last && (last->code == VIR_ERR_NO_SUPPORT || last->code == VIR_ERR_OPERATION_UNSUPPORTED);
}

static void keep_silent(struct pt_migrate_now *now, const char *what)
{
	struct pt_error why = { 0 };

	(void)pt_vm_fail(&why, "%s", what);
	pt_strv_add(&now->silent, why.msg);
}

static const char *job_str(int operation)
{
	static const char *const names[] = {
		[VIR_DOMAIN_JOB_OPERATION_START] = "its start",
		[VIR_DOMAIN_JOB_OPERATION_SAVE] = "saving it",
		[VIR_DOMAIN_JOB_OPERATION_RESTORE] = "restoring it",
		[VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN] = "a migration to this host",
		[VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT] = "a migration of somebody else's",
		[VIR_DOMAIN_JOB_OPERATION_SNAPSHOT] = "a snapshot",
		[VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_REVERT] = "going back to a snapshot",
		[VIR_DOMAIN_JOB_OPERATION_DUMP] = "a dump of its memory",
		[VIR_DOMAIN_JOB_OPERATION_BACKUP] = "a backup",
	};

	return operation > 0 && (size_t)operation < sizeof(names) / sizeof(*names) ? names[operation] : "a job";
}

static void look_at_job(virDomainPtr dom, struct pt_migrate_now *now)
{
	virTypedParameterPtr params = NULL;
	int type = VIR_DOMAIN_JOB_NONE;
	int operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;
	int n = 0;

	if (virDomainGetJobStats(dom, &type, &params, &n, 0) < 0) {
		if (!knows_not())
			keep_silent(now, "whether libvirt is at work on it");
		return;
	}
	/* not told: then it is a job without a name */
	(void)virTypedParamsGetInt(params, n, VIR_DOMAIN_JOB_OPERATION, &operation);
	virTypedParamsFree(params, n);
	if (type == VIR_DOMAIN_JOB_BOUNDED || type == VIR_DOMAIN_JOB_UNBOUNDED)
		now->job = pt_strdup(job_str(operation));
}

static const char *block_job_str(int type)
{
	static const char *const names[] = {
		[VIR_DOMAIN_BLOCK_JOB_TYPE_PULL] = "a pull",	 [VIR_DOMAIN_BLOCK_JOB_TYPE_COPY] = "a copy",
		[VIR_DOMAIN_BLOCK_JOB_TYPE_COMMIT] = "a commit", [VIR_DOMAIN_BLOCK_JOB_TYPE_ACTIVE_COMMIT] = "a commit",
		[VIR_DOMAIN_BLOCK_JOB_TYPE_BACKUP] = "a backup",
	};

	return type > 0 && (size_t)type < sizeof(names) / sizeof(*names) ? names[type] : "a block job";
}

static void look_at_disk(virDomainPtr dom, const char *target, struct pt_migrate_now *now)
{
	virDomainBlockJobInfo info = { 0 };
	int r = target ? virDomainGetBlockJobInfo(dom, target, &info, 0) : 0;

	if (r > 0)
		pt_strv_addf(&now->block_jobs, "%s: %s", target, block_job_str(info.type));
	else if (r < 0 && !knows_not())
		keep_silent(now, "whether a block job goes on");
}

int pt_vm_now_holds(struct pt_vm_conn *conn, const char *uuid, const struct pt_domain *live,
		    struct pt_migrate_now *ret_now, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	struct pt_migrate_now now = { 0 };
	int n;
	int r = pt_vm_lookup(conn, uuid, &dom, err);

	if (r < 0)
		return r;
	n = virDomainListAllCheckpoints(dom, NULL, 0);
	if (n > 0)
		now.checkpoints = (unsigned)n;
	else if (n < 0 && !knows_not())
		keep_silent(&now, "its checkpoints");
	look_at_job(dom, &now);
	for (size_t i = 0; i < live->disks.n; i++)
		look_at_disk(dom, live->disks.v[i].target, &now);
	*ret_now = now;
	return 0;
}

int pt_vm_now_ask_qemu(struct pt_vm_conn *conn, const char *uuid, struct pt_migrate_now *now, struct pt_error *err)
{
	pt_autodomain virDomainPtr dom = NULL;
	pt_autofree char *reply = NULL;
	int r = pt_vm_lookup(conn, uuid, &dom, err);

	if (r < 0)
		return r;
	if (virDomainQemuMonitorCommand(dom, "{\"execute\":\"query-migrate\"}", &reply, 0) < 0)
		return pt_vm_fail(err, "QEMU's monitor does not answer for %s", virDomainGetName(dom));
	r = pt_reply_blockers(reply, &now->blockers, err);
	if (r < 0)
		return pt_wrap(err, r, "query-migrate of %s", virDomainGetName(dom));
	now->asked = true;
	return 0;
}
