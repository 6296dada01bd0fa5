/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fleet and this host over HTTP: on a unix socket, where the peer's uid decides what it may do, and on TCP with TLS
 * and client certificates.  Decides on a model of the store that the store's watch feeds.  Changes claims; never a
 * host: what looks at this host is `passthru` itself, run with a limit (docs/design/api.md).
 */
#ifndef PT_API_API_H
#define PT_API_API_H

#include "base/error.h"
#include "base/ini.h"
#include "model/pciconfig.h"
#include "model/storeconf.h"

#define PT_API_SOCKET "/run/passthru/passthrud.sock"

/* each may what those before it may */
enum pt_role {
	PT_ROLE_NONE = 0,
	PT_ROLE_VIEW,  /* look */
	PT_ROLE_CLAIM, /* claim and release */
	PT_ROLE_ADMIN, /* plans, what was changed, hosts of the fleet */
	PT_ROLES
};

const char *pt_role_str(enum pt_role role); /* "view", ...; "none" */

/* a name of a client's certificate, and what it may */
struct pt_cert_role {
	char *name;
	enum pt_role role;
};

/**
 * struct pt_api_config - [api]; owns its strings
 * @socket: NULL: PT_API_SOCKET; "": none
 * @grants: users and @groups, by role; root may everything
 * @listen: "ADDRESS:PORT"; NULL: no TCP
 * @cert_file, @key_file, @ca_file: PEM: the server's own, and who signs its clients'
 * @connections: at most, of all peers, on each of the two; @per_peer: of one; @rate: requests of one peer a second
 * @head_ms: until a request's headers are complete; @body_ms: its body; @idle_ms: between requests; 0: the default
 */
struct pt_api_config {
	char *socket;
	struct pt_strv grants[PT_ROLES];
	char *listen;
	char *cert_file;
	char *key_file;
	char *ca_file;
	PT_ARRAY(struct pt_cert_role) certs;
	unsigned connections;
	unsigned per_peer;
	unsigned rate;
	unsigned head_ms;
	unsigned body_ms;
	unsigned idle_ms;
};

/** pt_api_config_read() - [api] of one file; -EINVAL with file, line, what was found and what is allowed */
int pt_api_config_read(const struct pt_ini *ini, const char *file, struct pt_api_config *config, struct pt_error *err);
void pt_api_config_done(struct pt_api_config *config);

/**
 * struct pt_api_setup - all borrowed, and needed until pt_api_stop()
 * @program: the passthru that looks at this host
 * @config_files: given to it as --config where it takes that; ends in NULL; may be NULL
 * @sysroot: a captured host instead of this one; NULL
 */
struct pt_api_setup {
	const struct pt_api_config *config;
	const struct pt_store_config *store;
	const struct pt_pci_config *pci;
	const char *program;
	const char *const *config_files;
	const char *sysroot;
};

struct pt_api;

/**
 * pt_api_start() - serve, in threads of its own
 *
 * The store need not answer yet: until it does, what needs it is answered 503.
 *
 * Return: 0; -EADDRINUSE another one serves there; -EINVAL a certificate or key does not work; with a message.
 */
int pt_api_start(const struct pt_api_setup *setup, struct pt_api **ret_api, struct pt_error *err);

/** pt_api_stop() - end all requests and streams; NULL is allowed */
void pt_api_stop(struct pt_api *api);

/** pt_api_port() - the TCP port, also where the configuration says 0; 0 when it does not listen */
unsigned pt_api_port(const struct pt_api *api);

/** pt_api_trouble() - why it does not hear from the store at the moment; the caller frees; NULL: it does */
char *pt_api_trouble(struct pt_api *api);

#endif
