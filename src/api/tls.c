/* SPDX-License-Identifier: Apache-2.0 */
/* Who is behind a TLS connection: the client's certificate, verified, and what its names may. */
#include <errno.h>
#include <stdlib.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "api/parts.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/watch.h"

/* a certificate expires while its connection goes on */
#define CHECK_AGAIN_MS 60000
#define NAMES_MAX      64

int pt_tls_check(const struct pt_api_config *c, struct pt_error *err)
{
	const char *missing = !c->cert_file ? "cert_file" : !c->key_file ? "key_file" : !c->ca_file ? "ca_file" : NULL;
	int r;

	if (!missing)
		return 0;
	r = pt_usage(err, -EINVAL, "[api] listen = %.80s: %s is missing", c->listen, missing);
	pt_hint(err, "TCP is served only with TLS, and to those with a certificate that ca_file has signed");
	return r;
}

static int verify(gnutls_session_t session, struct pt_error *err)
{
	gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID };
	gnutls_datum_t text = { 0 };
	unsigned status = 0;
	int r;

	/* the library reads it only; its type is older than const */
	purpose.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT;
	r = gnutls_certificate_verify_peers(session, &purpose, 1, &status);
	if (r == GNUTLS_E_NO_CERTIFICATE_FOUND)
		return pt_say(err, -EACCES, "the client has shown no certificate");
	if (r < 0)
		return pt_say(err, -EACCES, "the client's certificate cannot be verified: %s", gnutls_strerror(r));
	if (status == 0)
		return 0;
	r = gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0);
	(void)pt_say(err, -EACCES, "the client's certificate: %s",
		     r < 0 ? "it is not trusted" : pt_text_trim((char *)text.data));
	gnutls_free(text.data);
	return -EACCES;
}

static void consider(const struct pt_api *api, const char *name, size_t size, enum pt_role *role, char **ret_name)
{
	enum pt_role one = pt_role_of_name(api->setup.config, name, size);

	if (!*ret_name || one > *role) {
		free(*ret_name);
		*ret_name = pt_text_clean(pt_strndup(name, size));
	}
	if (one > *role)
		*role = one;
}

/* all its names: DNS names and mail addresses among the alternative ones, and the common name */
static void look_at_names(const struct pt_api *api, gnutls_x509_crt_t crt, enum pt_role *role, char **ret_name)
{
	char name[512];

	for (unsigned i = 0; i < NAMES_MAX; i++) {
		size_t size = sizeof(name);
		int r = gnutls_x509_crt_get_subject_alt_name(crt, i, name, &size, NULL);

		if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (r == GNUTLS_SAN_DNSNAME || r == GNUTLS_SAN_RFC822NAME)
			consider(api, name, size, role, ret_name);
	}
	for (int i = 0; i < NAMES_MAX; i++) {
		size_t size = sizeof(name);
		int r = gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, i, 0, name, &size);

		if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (r == 0)
			consider(api, name, size, role, ret_name);
	}
}

static int read_names(struct pt_api *api, struct pt_conn *conn, gnutls_session_t session, struct pt_error *err)
{
	unsigned n = 0;
	const gnutls_datum_t *der = gnutls_certificate_get_peers(session, &n);
	pt_autofree char *name = NULL;
	enum pt_role role = PT_ROLE_NONE;
	gnutls_x509_crt_t crt;

	if (!der || n == 0 || gnutls_x509_crt_init(&crt) < 0)
		return pt_say(err, -EACCES, "the client has shown no certificate");
	if (gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) == 0)
		look_at_names(api, crt, &role, &name);
	gnutls_x509_crt_deinit(crt);
	pt_conn_name(&api->conns, conn, name ? name : "without a name");
	conn->role = role;
	return 0;
}

int pt_tls_identify(struct pt_api *api, struct pt_conn *conn, struct MHD_Connection *mhd, struct pt_error *err)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	long long now = pt_watch_now_ms();
	int r;

	if (conn->checked && now - conn->checked < CHECK_AGAIN_MS)
		return 0;
	conn->role = PT_ROLE_NONE;
	conn->checked = 0;
	if (!info || !info->tls_session)
		return pt_say(err, -EACCES, "this connection has no TLS session");
	r = verify(info->tls_session, err);
	r = r < 0 ? r : read_names(api, conn, info->tls_session, err);
	if (r == 0)
		conn->checked = now;
	return r;
}
