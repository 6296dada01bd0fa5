/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every text about users that comes from outside: the first byte says which parser reads the rest.  A capture holds
 * such texts as somebody else wrote them.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "host/block-names.h"
#include "host/block-path.h"
#include "host/users-net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one_line(char kind, const char *text)
{
	struct pt_mount mount;
	struct pt_route route;
	struct pt_tcp tcp;
	struct pt_ip ip;

	if (kind == 'm' && pt_mountinfo_parse(text, &mount))
		pt_mount_done(&mount);
	if (kind == '4' && pt_route_parse_v4(text, &route))
		free(route.netdev);
	if (kind == '6' && pt_route_parse_v6(text, &route))
		free(route.netdev);
	if (kind == 't')
		(void)pt_tcp_parse(text, &tcp);
	if (kind == 'i' && pt_ip_parse(text, strlen(text), &ip))
		(void)pt_ip_str(&ip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pt_autofree char *text = NULL;
	pt_autofree char *joined = NULL;
	struct pt_udev udev = { 0 };

	if (size < 1)
		return 0;
	text = pt_strndup((const char *)data + 1, size - 1);
	one_line((char)data[0], text);
	if (data[0] == 'u') {
		pt_udev_parse(text, &udev);
		(void)pt_udev_get(&udev, "ID_FS_TYPE");
		pt_udev_done(&udev);
	}
	if (data[0] == 'p')
		joined = pt_path_join("class/block", text);
	if (joined)
		(void)pt_path_has_function(joined, (struct pt_bdf){ .bus = 1 });
	return 0;
}
