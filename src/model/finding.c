/* SPDX-License-Identifier: Apache-2.0 */
#include "model/finding.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/alloc.h"

const char *pt_verdict_str(enum pt_verdict verdict)
{
	static const char *const names[] = {
		[PT_OK] = "ok", [PT_NOTE] = "note", [PT_WARN] = "warn", [PT_UNKNOWN] = "unknown", [PT_FAIL] = "fail",
	};

	return names[verdict];
}

struct pt_finding *pt_findings_add(struct pt_findings *l, enum pt_verdict verdict, const char *name, const char *where,
				   const char *fix, const char *fact, ...)
{
	struct pt_finding *f = pt_array_add(l);
	va_list ap;

	f->verdict = verdict;
	f->name = pt_strdup(name);
	f->where = pt_strdup_opt(where);
	f->fix = pt_strdup_opt(fix);
	va_start(ap, fact);
	f->fact = pt_strfv(fact, ap);
	va_end(ap);
	return f;
}

enum pt_verdict pt_findings_worst(const struct pt_findings *l)
{
	enum pt_verdict worst = PT_OK;

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].verdict > worst)
			worst = l->v[i].verdict;
	return worst;
}

void pt_findings_done(struct pt_findings *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].fact);
		free(l->v[i].where);
		free(l->v[i].fix);
	}
	free(l->v);
	*l = (struct pt_findings){ 0 };
}
