/* SPDX-License-Identifier: Apache-2.0 */
#include "model/identity.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

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

/* as many machines tell them, in what lspci printed; a row is one model's or one maker's default */
static const char *const common[] = {
	"dsn:[0-9a-f][0-9a-f]-00-00-00-68-4c-e0-00", /* Realtek RTL8111, 8168, 8411: 01, 03 and a few more, by revision
						      */
	"dsn:00-00-00-01-00-4c-e0-00",		     /* Realtek RTS5xxx card readers, RTL87xx and 88xx wireless */
	"dsn:00-15-17-ff-ff-24-14-12",		     /* Atheros AR92xx */
	"dsn:12-14-24-ff-ff-17-15-00",		     /* the same, read the other way round */
};

/* 01-01-01-..., and an EUI-64 around a MAC address of zeros: 00-00-00-ff-ff-00-00-00 (PCIe 7.9.3) */
static bool is_unprogrammed(const char *dsn)
{
	bool alike = true;
	bool ends = true;

	if (strlen(dsn) != sizeof("00-11-22-33-44-55-66-77") - 1)
		return false;
	for (size_t i = 0; dsn[i]; i += dsn[i + 2] ? 3 : 2) {
		alike = alike && dsn[i] == dsn[0] && dsn[i + 1] == dsn[1];
		ends = ends && dsn[i] == dsn[i + 1] && (dsn[i] == '0' || dsn[i] == 'f');
	}
	return alike || ends;
}

bool pt_serial_is_common(const char *serial)
{
	const char *value = serial + strcspn(serial, ":") + (strchr(serial, ':') != NULL);

	if (strspn(value, "0- ") == strlen(value) || strspn(value, "fF- ") == strlen(value))
		return true;
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (fnmatch(common[i], serial, 0) == 0)
			return true;
	return strncmp(serial, "dsn:", 4) == 0 && is_unprogrammed(value);
}
