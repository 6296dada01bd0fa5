/* SPDX-License-Identifier: Apache-2.0 */
#include "etcd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/watch.h"
#include "fakesys.h"
#include "store/store.h"

/* on a machine that is busy with other tests */
#define START_MS 60000

bool etcd_installed(void)
{
	if (access("/usr/bin/etcd", X_OK) == 0 && access("/usr/bin/etcdctl", X_OK) == 0)
		return true;
	(void)fprintf(stderr, "skipped: etcd is not installed (Debian's etcd-server and etcd-client)\n");
	return false;
}

/* a port that was free a moment ago */
static int free_port(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(any);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &size), 0);
	(void)close(fd);
	return ntohs(any.sin_port);
}

/* exec with this program's life as its own, and its words in a file */
static pid_t spawn(char *const *argv, const char *log)
{
	pid_t pid = fork();
	int fd;

	assert_true(pid >= 0);
	if (pid)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	(void)dup2(fd, 1);
	(void)dup2(fd, 2);
	(void)setenv("ETCDCTL_API", "3", 1);
	/* two threads are enough for a test, and leave the others' alone */
	(void)setenv("GOMAXPROCS", "2", 1);
	execv(argv[0], argv);
	_exit(127);
}

static int wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* words separated by blanks; the strings are @text's */
static size_t split(char *text, char **words, size_t max)
{
	char *save = NULL;
	size_t n = 0;

	for (char *word = strtok_r(text, " ", &save); word && n + 1 < max; word = strtok_r(NULL, " ", &save))
		words[n++] = word;
	words[n] = NULL;
	return n;
}

static char *log_of(const struct etcd *e)
{
	return pt_strf("%s/log", e->dir);
}

void etcd_run(struct etcd *e, unsigned member)
{
	pt_autofree char *log = log_of(e);
	PT_CLEANUP(pt_buf_done) struct pt_buf line = { 0 };
	const char *scheme = e->tls ? "https" : "http";
	char *words[64];

	if (*e->net)
		pt_buf_addf(&line, "/usr/sbin/ip netns exec %s-%u ", e->net, member);
	pt_buf_addf(&line,
		    "/usr/bin/etcd --name m%u --data-dir %s/m%u --heartbeat-interval 50 --election-timeout 500"
		    " --log-level error --logger zap --initial-cluster-token %s",
		    member, e->dir, member, strrchr(e->dir, '/') + 1);
	pt_buf_addf(&line, " --listen-client-urls %s://%s:%d --advertise-client-urls %s://%s:%d", scheme,
		    e->address[member], e->client_port[member], scheme, e->address[member], e->client_port[member]);
	pt_buf_addf(&line, " --listen-peer-urls http://%s:%d --initial-advertise-peer-urls http://%s:%d",
		    e->address[member], e->peer_port[member], e->address[member], e->peer_port[member]);
	/* tests kill processes, not machines; a benchmark wants what it costs */
	if (!getenv("PT_ETCD_FSYNC"))
		pt_buf_add(&line, " --unsafe-no-fsync");
	if (e->quota)
		pt_buf_addf(&line, " --quota-backend-bytes %ld", e->quota);
	if (e->tls)
		pt_buf_addf(&line,
			    " --cert-file %s/server.pem --key-file %s/server.key --trusted-ca-file %s/ca.pem"
			    " --client-cert-auth",
			    e->dir, e->dir, e->dir);
	pt_buf_add(&line, " --initial-cluster ");
	for (unsigned i = 0; i < e->n; i++)
		pt_buf_addf(&line, "%sm%u=http://%s:%d", i ? "," : "", i, e->address[i], e->peer_port[i]);
	(void)split(line.s, words, 64);
	e->pid[member] = spawn(words, log);
}

static void run_line(const struct etcd *e, const char *line)
{
	pt_autofree char *text = pt_strdup(line);
	pt_autofree char *log = log_of(e);
	char *words[64];

	(void)split(text, words, 64);
	if (wait_for(spawn(words, log)) != 0)
		fail_msg("%s: see %s", line, log);
}

/* an authority, and a certificate for both sides */
static void make_certificates(const struct etcd *e)
{
	pt_autofree char *ext = pt_strf("%s/ext", e->dir);
	pt_autofree char *ca =
		pt_strf("/usr/bin/openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout %s/ca.key"
			" -out %s/ca.pem",
			e->dir, e->dir);
	FILE *f = fopen(ext, "we");

	assert_non_null(f);
	(void)fprintf(f, "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n");
	assert_int_equal(fclose(f), 0);
	run_line(e, ca);
	for (unsigned i = 0; i < 2; i++) {
		const char *name = i ? "client" : "server";
		/* etcd's gateway refuses clients with a CN once there are users */
		const char *subject = i ? "O=client" : "CN=server";
		pt_autofree char *ask =
			pt_strf("/usr/bin/openssl req -newkey rsa:2048 -nodes -subj /%s -keyout %s/%s.key -out"
				" %s/%s.csr",
				subject, e->dir, name, e->dir, name);
		pt_autofree char *sign =
			pt_strf("/usr/bin/openssl x509 -req -days 2 -in %s/%s.csr -CA %s/ca.pem -CAkey %s/ca.key"
				" -CAcreateserial -extfile %s -out %s/%s.pem",
				e->dir, name, e->dir, e->dir, ext, e->dir, name);

		run_line(e, ask);
		run_line(e, sign);
	}
}

void etcd_config(const struct etcd *e, struct pt_store_config *ret)
{
	*ret = (struct pt_store_config){ .backend = PT_STORE_ETCD, .timeout_ms = 3000 };
	for (unsigned i = 0; i < e->n; i++)
		pt_strv_addf(&ret->endpoints, "%s://%s:%d", e->tls ? "https" : "http", e->address[i],
			     e->client_port[i]);
	if (e->tls) {
		ret->ca_file = pt_strf("%s/ca.pem", e->dir);
		ret->cert_file = pt_strf("%s/client.pem", e->dir);
		ret->key_file = pt_strf("%s/client.key", e->dir);
	}
}

/* until every member that runs serves reads that all agree on */
void etcd_await(const struct etcd *e)
{
	long long until = pt_watch_now_ms() + START_MS;

	for (unsigned i = 0; i < e->n; i++) {
		PT_AUTO(pt_store_config) config = { 0 };
		PT_AUTO(pt_record) record = { 0 };
		struct pt_error err = { 0 };
		struct pt_store *store = NULL;

		if (!e->pid[i])
			continue;
		etcd_config(e, &config);
		pt_strset(&config.endpoints.v[0], config.endpoints.v[i]);
		while (config.endpoints.n > 1)
			free(config.endpoints.v[--config.endpoints.n]);
		config.timeout_ms = 1000;
		assert_int_equal(pt_store_open(&config, &store, &err), 0);
		while (pt_store_get(store, "ready", &record, &err) < 0 && err.code != -EACCES) {
			if (pt_watch_now_ms() > until)
				fail_msg("etcd does not serve: %s; see %s/log", err.msg, e->dir);
			(void)usleep(20000);
		}
		pt_store_close(store);
	}
}

/* words separated by blanks; its exit status */
static int run_ip(const struct etcd *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int run_ip(const struct etcd *e, const char *format, ...)
{
	pt_autofree char *log = log_of(e);
	pt_autofree char *rest = NULL;
	pt_autofree char *line = NULL;
	char *words[64];
	va_list ap;

	va_start(ap, format);
	rest = pt_strfv(format, ap);
	va_end(ap);
	line = pt_strf("/usr/sbin/ip %s", rest);
	(void)split(line, words, 64);
	return wait_for(spawn(words, log));
}

/* a link each to a bridge, which has the first address; members are .2 and on */
static int make_net(struct etcd *e)
{
	unsigned number = (unsigned)getpid();
	unsigned high = 64 + number / 250 % 64;
	unsigned low = number % 250;
	int bad;

	(void)snprintf(e->net, sizeof(e->net), "pte%u", number % 1000000);
	bad = run_ip(e, "link add %s type bridge", e->net) ||
	      run_ip(e, "addr add 10.%u.%u.1/24 dev %s", high, low, e->net) || run_ip(e, "link set %s up", e->net);
	for (unsigned i = 0; i < e->n && !bad; i++) {
		(void)snprintf(e->address[i], sizeof(e->address[i]), "10.%u.%u.%u", high, low, 2 + i);
		bad = run_ip(e, "netns add %s-%u", e->net, i) ||
		      run_ip(e, "link add %s-%u type veth peer name eth0 netns %s-%u", e->net, i, e->net, i) ||
		      run_ip(e, "link set %s-%u master %s up", e->net, i, e->net) ||
		      run_ip(e, "-n %s-%u addr add %s/24 dev eth0", e->net, i, e->address[i]) ||
		      run_ip(e, "-n %s-%u link set eth0 up", e->net, i) ||
		      run_ip(e, "-n %s-%u link set lo up", e->net, i);
	}
	return bad;
}

static void drop_net(const struct etcd *e)
{
	for (unsigned i = 0; i < e->n; i++) {
		(void)run_ip(e, "link del %s-%u", e->net, i);
		(void)run_ip(e, "netns del %s-%u", e->net, i);
	}
	(void)run_ip(e, "link del %s", e->net);
}

void etcd_cut(const struct etcd *e, unsigned member)
{
	assert_int_equal(run_ip(e, "link set %s-%u down", e->net, member), 0);
}

void etcd_join(const struct etcd *e, unsigned member)
{
	assert_int_equal(run_ip(e, "link set %s-%u up", e->net, member), 0);
}

struct etcd *etcd_start_apart(unsigned n)
{
	struct etcd *e = pt_alloc(sizeof(*e));

	(void)strcpy(e->dir, "/tmp/etcd.XXXXXX");
	assert_non_null(mkdtemp(e->dir));
	e->n = n;
	if (geteuid() != 0 || access("/usr/sbin/ip", X_OK) != 0 || make_net(e)) {
		(void)fprintf(stderr, "skipped: no member is cut off: network namespaces want root and ip\n");
		if (*e->net)
			drop_net(e);
		fakesys_rmtree(e->dir);
		free(e);
		return NULL;
	}
	for (unsigned i = 0; i < n; i++) {
		e->client_port[i] = 2379;
		e->peer_port[i] = 2380;
	}
	for (unsigned i = 0; i < n; i++)
		etcd_run(e, i);
	etcd_await(e);
	return e;
}

struct etcd *etcd_start(unsigned n, long quota, bool tls)
{
	struct etcd *e = pt_alloc(sizeof(*e));

	for (unsigned i = 0; i < n; i++)
		(void)strcpy(e->address[i], "127.0.0.1");
	(void)strcpy(e->dir, "/tmp/etcd.XXXXXX");
	assert_non_null(mkdtemp(e->dir));
	e->n = n;
	e->quota = quota;
	e->tls = tls;
	if (tls)
		make_certificates(e);
	for (unsigned i = 0; i < n; i++) {
		e->client_port[i] = free_port();
		e->peer_port[i] = free_port();
	}
	for (unsigned i = 0; i < n; i++)
		etcd_run(e, i);
	etcd_await(e);
	return e;
}

void etcd_kill(struct etcd *e, unsigned member)
{
	if (!e->pid[member])
		return;
	(void)kill(e->pid[member], SIGKILL);
	(void)wait_for(e->pid[member]);
	e->pid[member] = 0;
}

void etcd_pause(const struct etcd *e, unsigned member)
{
	assert_int_equal(kill(e->pid[member], SIGSTOP), 0);
}

void etcd_resume(const struct etcd *e, unsigned member)
{
	assert_int_equal(kill(e->pid[member], SIGCONT), 0);
}

void etcd_begin_anew(struct etcd *e)
{
	char old[sizeof(e->dir)];

	for (unsigned i = 0; i < e->n; i++)
		etcd_kill(e, i);
	/* the cluster's id comes from its token, which is the directory's name */
	(void)strcpy(old, e->dir);
	(void)strcpy(e->dir, "/tmp/etcd.XXXXXX");
	assert_non_null(mkdtemp(e->dir));
	fakesys_rmtree(old);
	for (unsigned i = 0; i < e->n; i++)
		etcd_run(e, i);
	etcd_await(e);
}

void etcd_stop(struct etcd *e)
{
	if (!e)
		return;
	for (unsigned i = 0; i < e->n; i++)
		etcd_kill(e, i);
	if (*e->net)
		drop_net(e);
	fakesys_rmtree(e->dir);
	free(e);
}

int etcd_ctl(const struct etcd *e, const char *line)
{
	pt_autofree char *log = log_of(e);
	PT_CLEANUP(pt_buf_done) struct pt_buf text = { 0 };
	char *words[64];

	pt_buf_addf(&text, "/usr/bin/etcdctl --command-timeout 20s --endpoints %s://%s:%d", e->tls ? "https" : "http",
		    e->address[0], e->client_port[0]);
	if (e->tls)
		pt_buf_addf(&text, " --cacert %s/ca.pem --cert %s/client.pem --key %s/client.key", e->dir, e->dir,
			    e->dir);
	pt_buf_addf(&text, " %s", line);
	(void)split(text.s, words, 64);
	return wait_for(spawn(words, log));
}
