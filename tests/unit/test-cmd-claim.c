/* SPDX-License-Identifier: Apache-2.0 */
/* passthru fleet, passthru claim, passthru claims and passthru release CLAIM, as a user runs them. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "fleet/agent.h"
#include "fleet/fleet.h"
#include "program.h"
#include "store/store.h"
#include "tree.h"

#define DEVICE(address, node)                                                                                          \
	"{\"address\": \"" address "\", \"vendor_id\": \"8086\", \"product_id\": \"154d\", \"type\": \"type-PF\", "    \
	"\"numa_node\": " node "}"

#define FACTS                                                                                                          \
	"[{\"name\": \"h1\", \"devices\": [" DEVICE("0000:41:00.0", "0") ", " DEVICE(                                  \
		"0000:42:00.0", "1") "]}, "                                                                            \
				     "{\"name\": \"h2\", \"devices\": [" DEVICE("0000:41:00.0",                        \
										"0") "]}, {\"name\": \"h3\"}]"

struct desk {
	struct tree *tree;
	struct program p;
};

static int begin(void **state)
{
	struct desk *d = pt_alloc(sizeof(*d));
	pt_autofree char *conf = NULL;

	d->tree = tree_new();
	conf = pt_strf("[store]\ndirectory = %s/state\n[pci]\n"
		       "device_spec = { \"vendor_id\": \"8086\", \"product_id\": \"154d\" }\n"
		       "alias = { \"vendor_id\":\"8086\", \"product_id\":\"154d\", \"device_type\":\"type-PF\", "
		       "\"name\":\"a1\" }\n",
		       d->tree->path);
	tree_file(d->tree, "conf", conf);
	tree_file(d->tree, "facts.json", FACTS);
	*state = d;
	return 0;
}

static int end(void **state)
{
	struct desk *d = *state;

	program_done(&d->p);
	tree_free(d->tree);
	free(d);
	return 0;
}

/* @line with the configuration of the desk; its exit status must be @status */
static void run(struct desk *d, int status, const char *line)
{
	pt_autofree char *whole = pt_strf("%s --config %s/conf", line, d->tree->path);

	program_done(&d->p);
	program_run(&d->p, whole, NULL);
	if (d->p.status != status)
		fail_msg("%s: status %d, not %d\n%s%s", line, d->p.status, status, d->p.out, d->p.err);
}

static void publish(struct desk *d)
{
	pt_autofree char *line = pt_strf("passthru fleet publish --facts %s/facts.json", d->tree->path);

	run(d, 0, line);
}

/* the first claim's id out of what was printed; the caller frees */
static char *printed_id(const struct desk *d)
{
	const char *id = strstr(d->p.out, "c-");

	assert_non_null(id);
	return pt_strndup(id, 22);
}

/* with the id, which nobody can foresee, as ID */
static void assert_out(const struct desk *d, const char *expected)
{
	pt_autofree char *text = pt_strdup(d->p.out);

	for (char *id = strstr(text, "c-"); id; id = strstr(id + 2, "c-")) {
		assert_true(strspn(id + 2, "0123456789abcdef") == 20);
		memcpy(id, "ID", 2);
		memmove(id + 2, id + 22, strlen(id + 22) + 1);
	}
	assert_string_equal(text, expected);
}

static void hosts_are_published_and_listed(void **state)
{
	struct desk *d = *state;

	publish(d);
	assert_string_equal(d->p.out, "h1: 2 devices, published\nh2: 1 devices, published\nh3: 0 devices, published\n");
	publish(d);
	assert_non_null(strstr(d->p.out, "h1: 2 devices, as published before\n"));
	run(d, 0, "passthru fleet hosts");
	assert_string_equal(d->p.out, "HOST AGENT DEVICES OFFERED FREE CLAIMED WRONG\n"
				      "h1   -           2       2    2       0 \n"
				      "h2   -           1       1    1       0 \n"
				      "h3   -           0       0    0       0 \n");
}

/* a PF with two VFs, a GPU that its host uses, a GPU that it does not offer */
#define RICH                                                                                                           \
	"[{\"name\": \"h1\", \"devices\": ["                                                                           \
	"{\"address\": \"0000:41:00.0\", \"vendor_id\": \"8086\", \"product_id\": \"154d\", \"type\": \"type-PF\", "   \
	"\"class\": \"020000\", \"sriov_totalvfs\": 2}, "                                                              \
	"{\"address\": \"0000:41:10.0\", \"vendor_id\": \"8086\", \"product_id\": \"10ed\", \"type\": \"type-VF\", "   \
	"\"class\": \"020000\", \"parent\": \"0000:41:00.0\"}, "                                                       \
	"{\"address\": \"0000:42:00.0\", \"vendor_id\": \"8086\", \"product_id\": \"154d\", \"type\": \"type-PF\", "   \
	"\"class\": \"020000\", \"owner\": \"vfio-pci\"}, "                                                            \
	"{\"address\": \"0000:43:00.0\", \"vendor_id\": \"10de\", \"product_id\": \"2330\", \"class\": \"030200\"}]}]"

static void every_device_is_listed_with_its_state(void **state)
{
	struct desk *d = *state;

	tree_remove(d->tree, "facts.json");
	tree_file(d->tree, "facts.json", RICH);
	tree_remove(d->tree, "conf");
	{
		pt_autofree char *conf = pt_strf("[store]\ndirectory = %s/state\n[pci]\n"
						 "device_spec = { \"vendor_id\": \"8086\" }\n"
						 "alias = { \"vendor_id\":\"8086\", \"product_id\":\"154d\", "
						 "\"device_type\":\"type-PF\", \"name\":\"a1\" }\n",
						 d->tree->path);

		tree_file(d->tree, "conf", conf);
	}
	publish(d);
	run(d, 0, "passthru fleet devices --free");
	assert_non_null(strstr(d->p.out, "0000:41:00.0"));
	assert_non_null(strstr(d->p.out, "0000:41:10.0"));
	assert_null(strstr(d->p.out, "0000:42:00.0"));
	run(d, 0, "passthru claim a1 --for vm7 --numa preferred");
	run(d, 0, "passthru fleet devices --json");
	{
		static const char *const states[] = { "claimed", "blocked", "used", "not-offered" };
		json_t *json = json_loads(d->p.out, 0, NULL);
		json_t *list = json_object_get(json, "devices");

		assert_int_equal(json_array_size(list), 4);
		for (size_t i = 0; i < 4; i++)
			assert_string_equal(json_string_value(json_object_get(json_array_get(list, i), "state")),
					    states[i]);
		assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "for")), "vm7");
		json_decref(json);
	}
	run(d, 0, "passthru fleet devices");
	assert_non_null(strstr(d->p.out, " for vm7\n"));
	assert_non_null(strstr(d->p.out, "blocked: its PF 0000:41:00.0 is given: c-"));
	assert_non_null(strstr(d->p.out, "used: its host says: vfio-pci has it"));
	{
		struct pt_store_config config = { .directory = pt_strf("%s/state", d->tree->path) };
		struct pt_ack ack = { .state = PT_ACK_ATTACHED, .vm = pt_strdup("guest9") };
		struct pt_claims_list l = { 0 };
		struct pt_store *store = NULL;
		struct pt_error err = { 0 };
		long long acked = 0;

		assert_int_equal(pt_store_open(&config, &store, &err), 0);
		assert_int_equal(pt_fleet_claims(store, &l, &err), 0);
		memcpy(ack.id, l.v[0].id, sizeof(ack.id));
		assert_int_equal(pt_fleet_ack_put(store, "h1", &ack, &acked, &err), 1);
		pt_claims_list_done(&l);
		pt_ack_done(&ack);
		pt_store_close(store);
		pt_store_config_done(&config);
	}
	run(d, 0, "passthru fleet devices --claimed");
	assert_non_null(strstr(d->p.out, " guest9 claimed by c-"));
	run(d, 0, "passthru fleet devices --class display");
	assert_non_null(strstr(d->p.out, "0000:43:00.0"));
	assert_null(strstr(d->p.out, "0000:41:00.0"));
	run(d, 0, "passthru fleet devices --class 02 --claimed --host h1");
	assert_non_null(strstr(d->p.out, "0000:41:00.0"));
	assert_null(strstr(d->p.out, "0000:41:10.0"));
	run(d, 2, "passthru fleet devices --class nonsense");
	run(d, 2, "passthru fleet devices --host nosuch");
	run(d, 2, "passthru fleet hosts --free");
	assert_non_null(strstr(d->p.err, "it has no --free"));
}

static void why_asks_every_host_and_claims_nothing(void **state)
{
	struct desk *d = *state;

	publish(d);
	run(d, 0, "passthru fleet why a1:2");
	assert_non_null(strstr(d->p.out, "1 of 3 hosts fits\n") ? d->p.out : strstr(d->p.out, "1 of 3 hosts fit\n"));
	run(d, 3, "passthru fleet why a1:3");
	assert_non_null(strstr(d->p.out, "0 of 3 hosts fit\n"));
	run(d, 3, "passthru fleet why a1:2 --host h2");
	assert_non_null(strstr(d->p.out, "alias a1 asks for 2; host h2: 1 match, 1 of them free\n"));
	run(d, 3, "passthru fleet why a1:2 --numa required:0 --verbose");
	assert_non_null(strstr(d->p.out, "1 near enough to the guest's host cell 0"));
	run(d, 0, "passthru fleet why a1:2 --numa preferred:0 --json");
	run(d, 2, "passthru fleet why");
	run(d, 2, "passthru fleet why nosuch");
	run(d, 2, "passthru fleet why a1 --numa sideways");
	run(d, 0, "passthru claims");
	assert_string_equal(d->p.out, "");
}

static void a_guest_gets_devices_of_its_own_node(void **state)
{
	struct desk *d = *state;

	publish(d);
	run(d, 3, "passthru claim a1 --for vm1 --numa 7");
	run(d, 0, "passthru claim a1 --for vm1 --numa 1");
	assert_out(d, "ID  a1:1 for vm1 on h1\n  0000:42:00.0  a1\n");
	run(d, 0, "passthru claims --json");
	assert_non_null(strstr(d->p.out, "\"numa\": \"1\""));
	run(d, 2, "passthru claim a1 --for vm1 --numa 1 --policy legacy");
	run(d, 2, "passthru claim a1 --for vm1 --numa 1,");
}

/* alive/HOST as an agent has it, put and taken as it would */
static void set_alive(struct desk *d, const char *host, bool alive)
{
	struct pt_store_config config = { .directory = pt_strf("%s/state", d->tree->path) };
	pt_autofree char *key = pt_strf("alive/%s", host);
	const struct pt_write write = { key, alive ? "{}" : NULL, 0 };
	const struct pt_txn txn = { .writes = &write, .n_writes = 1 };
	struct pt_store *store = NULL;
	struct pt_error err = { 0 };

	if (pt_store_open(&config, &store, &err) < 0 || pt_store_commit(store, &txn, NULL, NULL, &err) != 1)
		fail_msg("%s", err.msg);
	pt_store_close(store);
	pt_store_config_done(&config);
}

/* h1 published as an agent does */
static void publish_with_agent(struct desk *d)
{
	struct pt_store_config config = { .directory = pt_strf("%s/state", d->tree->path) };
	PT_AUTO(pt_record) was = { 0 };
	struct pt_store *store = NULL;
	struct pt_error err = { 0 };
	json_t *json;
	pt_autofree char *text = NULL;
	struct pt_write write = { .key = "facts/h1" };
	const struct pt_txn txn = { .writes = &write, .n_writes = 1 };

	publish(d);
	assert_int_equal(pt_store_open(&config, &store, &err), 0);
	assert_int_equal(pt_store_get(store, "facts/h1", &was, &err), 1);
	json = json_loads(was.value, 0, NULL);
	(void)json_object_set_new(json, "agent", json_true());
	text = json_dumps(json, 0);
	json_decref(json);
	write.value = text;
	assert_int_equal(pt_store_commit(store, &txn, NULL, NULL, &err), 1);
	pt_store_close(store);
	pt_store_config_done(&config);
}

static void a_host_whose_agent_is_silent_is_lost_and_gives_nothing(void **state)
{
	struct desk *d = *state;

	publish_with_agent(d);
	set_alive(d, "h1", true);
	run(d, 0, "passthru fleet hosts");
	assert_non_null(strstr(d->p.out, "h1   alive       2       2    2       0 \n"));
	run(d, 0, "passthru claim a1 --for vm1 --host h1");
	set_alive(d, "h1", false);
	run(d, 0, "passthru fleet hosts");
	assert_non_null(strstr(d->p.out, "h1   lost        2       2    0       1 \n"));
	run(d, 3, "passthru claim a1 --for vm2 --host h1");
	assert_non_null(strstr(d->p.out, "host h1 is lost"));
	run(d, 0, "passthru fleet devices --host h1");
	assert_non_null(strstr(d->p.out, "unavailable: its host is lost"));
}

static void claims_of_a_lost_host_are_placed_on_others_once_it_is_off(void **state)
{
	struct desk *d = *state;
	pt_autofree char *id = NULL;
	pt_autofree char *one = NULL;

	publish_with_agent(d);
	set_alive(d, "h1", true);
	run(d, 0, "passthru claim a1 --for vm1 --host h1");
	id = printed_id(d);
	run(d, 0, "passthru claim a1 --for vm2 --host h1");
	run(d, 3, "passthru fleet evacuate h1 --fenced");
	assert_non_null(strstr(d->p.err, "host h1 is alive"));
	set_alive(d, "h1", false);
	run(d, 0, "passthru claims");
	assert_non_null(strstr(d->p.out, " vm1 h1   lost "));
	run(d, 3, "passthru fleet evacuate h1");
	assert_non_null(strstr(d->p.err, "--fenced"));
	run(d, 2, "passthru fleet evacuate nosuch --fenced");
	/* h2 has one device: one is placed, and one stays */
	run(d, 3, "passthru fleet evacuate h1 --fenced");
	assert_non_null(strstr(d->p.out, ": from h1 to h2\n"));
	assert_non_null(strstr(d->p.out, ": stays on h1: 0 of 3 hosts fit; "));
	run(d, 0, "passthru claims --host h2 --json");
	assert_null(strstr(d->p.out, "\"lost\""));
	run(d, 0, "passthru fleet hosts --json");
	run(d, 3, "passthru fleet evacuate h1 --fenced --json");
	assert_non_null(strstr(d->p.out, "\"fate\": \"stays\""));
	/* whichever was placed: the id is the same, and it can be released where it is now */
	one = pt_strf("passthru release %s", id);
	run(d, 0, one);
	run(d, 0, "passthru fleet evacuate h3 --fenced");
	assert_string_equal(d->p.out, "nothing is claimed on h3\n");
}

static void a_limit_is_set_shown_and_kept(void **state)
{
	struct desk *d = *state;

	publish(d);
	run(d, 0, "passthru fleet limit red a1 1");
	assert_string_equal(d->p.out, "project red may have 1 a1\n");
	run(d, 3, "passthru claim a1:2 --for vm1 --project red");
	assert_string_equal(d->p.out, "project red may have 1 a1: it has 0, and 2 more are asked for\n");
	run(d, 0, "passthru claim a1 --for vm1 --project red");
	run(d, 3, "passthru claim a1 --for vm2 --project red --json");
	assert_non_null(
		strstr(d->p.out, "\"limit\": \"project red may have 1 a1: it has 1, and 1 more are asked for\""));
	run(d, 0, "passthru fleet limit");
	assert_string_equal(d->p.out, "PROJECT ALIAS USED LIMIT\n"
				      "red     a1       1     1\n");
	run(d, 0, "passthru fleet limit red a1 none");
	run(d, 0, "passthru claim a1 --for vm2 --project red");
	run(d, 2, "passthru fleet limit red nosuch 1");
	run(d, 2, "passthru fleet limit red a1 many");
	run(d, 2, "passthru fleet limit red a1");
	run(d, 2, "passthru fleet limit r/d a1 1");
	run(d, 2, "passthru claim a1 --for vm2 --project r/d");
}

/* passthru claim a1:3, which nobody can serve, in a process of its own */
static pid_t wait_for_long(const struct desk *d)
{
	pt_autofree char *conf = pt_strf("%s/conf", d->tree->path);
	pid_t pid = fork();

	if (pid)
		return pid;
	if (!freopen("/dev/null", "w", stderr) || !freopen("/dev/null", "w", stdout))
		_exit(126);
	(void)execl(getenv("PT_PASSTHRU"), "passthru", "claim", "a1:3", "--for", "vm1", "--wait", "--config", conf,
		    NULL);
	_exit(127);
}

static void waiting_ends_by_time_or_by_control_c(void **state)
{
	struct desk *d = *state;
	int status = 0;
	pid_t pid;

	publish(d);
	run(d, 3, "passthru claim a1:3 --for vm1 --wait 1");
	assert_non_null(strstr(d->p.err, "waiting: first in the queue\n"));
	run(d, 0, "passthru fleet queue");
	assert_string_equal(d->p.out, "");
	pid = wait_for_long(d);
	for (unsigned i = 0; i < 400 && !*d->p.out; i++) {
		run(d, 0, "passthru fleet queue");
		(void)usleep(20000);
	}
	assert_out(d, "REQUEST                ASKED FOR HOST PROJECT\n"
		      "ID a1:3  vm1 -    -\n");
	assert_int_equal(kill(pid, SIGINT), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 4);
	run(d, 0, "passthru fleet queue --json");
	assert_non_null(strstr(d->p.out, "\"waiting\": []"));
	run(d, 2, "passthru claim a1 --for vm1 --wait=soon");
}

static void a_claim_is_made_listed_and_released(void **state)
{
	struct desk *d = *state;
	pt_autofree char *id = NULL;
	pt_autofree char *release = NULL;
	pt_autofree char *one = NULL;

	publish(d);
	run(d, 0, "passthru claim a1:2 --for vm7");
	assert_out(d, "ID  a1:2 for vm7 on h1\n  0000:41:00.0  a1\n  0000:42:00.0  a1\n");
	id = printed_id(d);
	run(d, 0, "passthru fleet hosts --json");
	assert_non_null(strstr(d->p.out, "\"claimed\": 2"));
	run(d, 0, "passthru claims");
	assert_out(d, "CLAIM                  ASKED FOR HOST STATE   DEVICES                   WHY\n"
		      "ID a1:2  vm7 h1   claimed 0000:41:00.0 0000:42:00.0 \n");
	one = pt_strf("passthru claims %s --for vm7 --host h1", id);
	run(d, 0, one);
	assert_non_null(strstr(d->p.out, id));
	run(d, 0, "passthru claims --for vm8");
	assert_string_equal(d->p.out, "");
	release = pt_strf("passthru release %s", id);
	run(d, 0, release);
	assert_out(d, "released ID: a1:2 for vm7 on h1\n");
	run(d, 2, release);
	assert_non_null(strstr(d->p.err, "there is no claim"));
	run(d, 0, "passthru claim a1:2 --for vm8");
}

static void what_is_claimed_is_not_claimed_again(void **state)
{
	struct desk *d = *state;

	publish(d);
	run(d, 0, "passthru claim a1 --for vm1");
	assert_out(d, "ID  a1:1 for vm1 on h2\n  0000:41:00.0  a1\n");
	run(d, 0, "passthru claim a1:2 --for vm2 --host h1");
	run(d, 3, "passthru claim a1:1 --for vm3");
	assert_non_null(strstr(d->p.out, "0 of 3 hosts fit\n"));
	assert_non_null(strstr(d->p.out, "no free a1"));
	run(d, 3, "passthru claim a1:1 --for vm3 --host h1");
	run(d, 3, "passthru claim a1:1 --for vm3 --json");
	assert_non_null(strstr(d->p.out, "\"claim\": null"));
	run(d, 1, "passthru fleet withdraw h1");
	assert_non_null(strstr(d->p.err, "claimed"));
	run(d, 0, "passthru fleet withdraw h3");
	run(d, 2, "passthru fleet withdraw h3");
}

static void the_same_id_again_is_the_same_claim(void **state)
{
	struct desk *d = *state;

	publish(d);
	run(d, 0, "passthru claim a1:2 --for vm1 --id c-0123456789abcdef0123");
	run(d, 0, "passthru claim a1:2 --for vm1 --id c-0123456789abcdef0123");
	assert_non_null(strstr(d->p.out, "c-0123456789abcdef0123"));
	run(d, 0, "passthru claim a1:1 --for vm2");
	/* also when nothing would be free for it */
	run(d, 0, "passthru claim a1:2 --for vm1 --id c-0123456789abcdef0123");
	run(d, 2, "passthru claim a1:1 --for vm1 --id c-0123456789abcdef0123");
	assert_non_null(strstr(d->p.err, "is another claim: of a1:2 for vm1 on h1"));
}

static void json_is_one_document(void **state)
{
	struct desk *d = *state;
	json_t *json;

	publish(d);
	run(d, 0, "passthru claim a1 --for vm1 --json");
	json = json_loads(d->p.out, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(json_object_get(json, "claim"), "for")), "vm1");
	json_decref(json);
	run(d, 0, "passthru claims --json");
	json = json_loads(d->p.out, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(json, "claims")), 1);
	json_decref(json);
}

static void what_makes_no_sense_is_refused_and_changes_nothing(void **state)
{
	struct desk *d = *state;

	publish(d);
	run(d, 2, "passthru claim a1:1");
	assert_non_null(strstr(d->p.err, "--for NAME is missing"));
	run(d, 2, "passthru claim nosuch:1 --for vm1");
	run(d, 2, "passthru claim a1:x --for vm1");
	run(d, 2, "passthru claim a1:1 --for vm1 --host nosuch");
	run(d, 2, "passthru claim a1:1 --for vm1 --id c-1");
	run(d, 2, "passthru claims c-1");
	run(d, 2, "passthru fleet nosuch");
	run(d, 2, "passthru fleet withdraw");
	run(d, 2, "passthru release c-0123456789abcdef0123 0000:41:00.0");
	assert_non_null(strstr(d->p.err, "not released in one call"));
	run(d, 0, "passthru claims");
	assert_string_equal(d->p.out, "");
	assert_non_null(strstr(d->p.err, "passthru: no claims in "));
	run(d, 0, "passthru claims --for vm1");
	assert_non_null(strstr(d->p.err, "passthru: no claims of that kind in "));
	run(d, 0, "passthru claims --json");
	assert_string_equal(d->p.err, "");
}

/* whoever was told that there is none can count on that */
static void what_is_released_and_not_there_is_never_claimed(void **state)
{
	struct desk *d = *state;

	publish(d);
	run(d, 2, "passthru release c-0123456789abcdef0123");
	assert_non_null(strstr(d->p.err, "there is no claim c-0123456789abcdef0123"));
	run(d, 2, "passthru claim a1:1 --for vm1 --id c-0123456789abcdef0123");
	assert_non_null(strstr(d->p.err, "was released before it was there"));
	run(d, 0, "passthru claims");
	assert_string_equal(d->p.out, "");
	run(d, 0, "passthru claim a1:1 --for vm1");
}

static void a_store_that_makes_no_sense_is_said_with_its_line(void **state)
{
	static const char *const wrong[][2] = {
		{ "[store]\nbackend = redis\n", "expected sqlite or etcd" },
		{ "[store]\nbackend = etcd\n", "endpoints: none" },
		{ "[store]\nbackend = etcd\nendpoints = 10.0.0.1:2379\n", "does not begin with https://" },
		{ "[store]\nbackend = etcd\nendpoints = http://h\nuser = a\n", "one without the other" },
		{ "[store]\nfile = /x\n", ":2: [store] has no 'file'" },
		{ "[store]\ntimeout_ms = 5s\n", "100 to 600000 milliseconds" },
		{ "[store]\npassword_file = /nonesuch\n", "cannot look at [store] password_file" },
	};
	struct desk *d = *state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		tree_remove(d->tree, "conf");
		tree_file(d->tree, "conf", wrong[i][0]);
		program_done(&d->p);
		{
			pt_autofree char *line = pt_strf("passthru claims --config %s/conf", d->tree->path);

			program_run(&d->p, line, NULL);
		}
		assert_true(d->p.status == 2 || d->p.status == 1);
		if (!strstr(d->p.err, wrong[i][1]))
			fail_msg("%s: %s", wrong[i][0], d->p.err);
	}
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test_setup_teardown(hosts_are_published_and_listed, begin, end),
		cmocka_unit_test_setup_teardown(every_device_is_listed_with_its_state, begin, end),
		cmocka_unit_test_setup_teardown(why_asks_every_host_and_claims_nothing, begin, end),
		cmocka_unit_test_setup_teardown(a_guest_gets_devices_of_its_own_node, begin, end),
		cmocka_unit_test_setup_teardown(a_host_whose_agent_is_silent_is_lost_and_gives_nothing, begin, end),
		cmocka_unit_test_setup_teardown(what_is_released_and_not_there_is_never_claimed, begin, end),
		cmocka_unit_test_setup_teardown(claims_of_a_lost_host_are_placed_on_others_once_it_is_off, begin, end),
		cmocka_unit_test_setup_teardown(a_limit_is_set_shown_and_kept, begin, end),
		cmocka_unit_test_setup_teardown(waiting_ends_by_time_or_by_control_c, begin, end),
		cmocka_unit_test_setup_teardown(a_claim_is_made_listed_and_released, begin, end),
		cmocka_unit_test_setup_teardown(what_is_claimed_is_not_claimed_again, begin, end),
		cmocka_unit_test_setup_teardown(the_same_id_again_is_the_same_claim, begin, end),
		cmocka_unit_test_setup_teardown(json_is_one_document, begin, end),
		cmocka_unit_test_setup_teardown(what_makes_no_sense_is_refused_and_changes_nothing, begin, end),
		cmocka_unit_test_setup_teardown(a_store_that_makes_no_sense_is_said_with_its_line, begin, end),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}
