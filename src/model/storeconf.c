/* SPDX-License-Identifier: Apache-2.0 */
#include "model/storeconf.h"

#include <stdlib.h>

void pt_store_config_copy(struct pt_store_config *to, const struct pt_store_config *from)
{
	*to = (struct pt_store_config){ .backend = from->backend, .timeout_ms = from->timeout_ms };
	pt_strv_copy(&to->endpoints, &from->endpoints);
	to->directory = pt_strdup_opt(from->directory);
	to->prefix = pt_strdup_opt(from->prefix);
	to->cluster = pt_strdup_opt(from->cluster);
	to->ca_file = pt_strdup_opt(from->ca_file);
	to->cert_file = pt_strdup_opt(from->cert_file);
	to->key_file = pt_strdup_opt(from->key_file);
	to->user = pt_strdup_opt(from->user);
	to->password = pt_strdup_opt(from->password);
}

void pt_store_config_done(struct pt_store_config *c)
{
	free(c->directory);
	pt_strv_done(&c->endpoints);
	free(c->prefix);
	free(c->cluster);
	free(c->ca_file);
	free(c->cert_file);
	free(c->key_file);
	free(c->user);
	if (c->password)
		explicit_bzero(c->password, strlen(c->password));
	free(c->password);
	*c = (struct pt_store_config){ 0 };
}
