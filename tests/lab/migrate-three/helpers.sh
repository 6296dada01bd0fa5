# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh

# make_certificates DIR: an authority, and a certificate each for server1 and server2
make_certificates()
{
	mkdir -p "$1" && cd "$1" || return 1
	openssl req -x509 -newkey rsa:2048 -nodes -keyout ca-key.pem -out ca-cert.pem -days 30 -subj /CN=lab \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign 2>/dev/null || return 1
	for n in 1 2; do
		printf '%s\n' "subjectAltName=DNS:server$n,IP:10.77.0.$n" extendedKeyUsage=serverAuth,clientAuth \
			keyUsage=digitalSignature,keyEncipherment basicConstraints=CA:FALSE >extensions
		mkdir "server$n" && cp ca-cert.pem "server$n" || return 1
		openssl req -newkey rsa:2048 -nodes -keyout "server$n/server-key.pem" -out request.pem -subj "/CN=server$n" 2>/dev/null &&
			openssl x509 -req -in request.pem -CA ca-cert.pem -CAkey ca-key.pem -CAcreateserial -days 30 \
				-extfile extensions -out "server$n/server-cert.pem" 2>/dev/null || return 1
		cp "server$n/server-key.pem" "server$n/client-key.pem"
		cp "server$n/server-cert.pem" "server$n/client-cert.pem"
	done
	chmod -R a+rX .
	cd /
}

# before libvirt starts: QEMU's certificates for migration
use_certificates()
{
	configure_libvirt
	echo 'migrate_tls_x509_cert_dir = "/run/lab/tls"' >>/etc/libvirt/qemu.conf
}
