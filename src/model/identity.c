/* SPDX-License-Identifier: Apache-2.0 */
#include "model/identity.h"

#include <stdlib.h>

void pt_identity_done(struct pt_identity *id)
{
	free(id->slot_path);
	free(id->serial);
	pt_strv_done(&id->behind);
	*id = (struct pt_identity){ 0 };
}

void pt_identities_done(struct pt_identities *l)
{
	for (size_t i = 0; i < l->n; i++)
		pt_identity_done(&l->v[i]);
	free(l->v);
	*l = (struct pt_identities){ 0 };
}
