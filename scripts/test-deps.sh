#!/bin/sh
# Installs the system packages that the tests use: a C compiler for the race
# detector, what the lab's Linux hosts are configured with, and the tools that
# give a second opinion on our frames and on what is rendered for programs:
# ansible with its collections takes 250 MB, and is the only one that knows what
# a network module sends. As root on Debian it installs what is missing;
# otherwise it names it. No daemon is started: the tests start theirs in network
# namespaces.
set -eu
missing=""
need() { # command packages
	command -v "$1" >/dev/null 2>&1 && return
	case "$missing " in *" $2 "*) ;; *) missing="$missing $2" ;; esac
}
PATH=$PATH:/usr/sbin:/sbin
need gcc "gcc libc6-dev"
need arping iputils-arping
need arp-scan arp-scan
need tshark tshark
need setcap libcap2-bin
need tcpdump tcpdump
need editcap wireshark-common
need mergecap wireshark-common
need capinfos wireshark-common
need zstd zstd
need ping iputils-ping
need time time
need ip iproute2
need unshare util-linux
need mount mount
need bridge iproute2
need nft nftables
need networkctl systemd
need dbus-daemon dbus-daemon
need netplan netplan.io
need vtysh frr
need yanglint libyang2-tools
need python3 python3
need ansible-playbook ansible
need ansible-community ansible
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "installing for the tests:$missing"
	# Packages that bring a service start it, but where this file forbids it
	# (invoke-rc.d). It is not ours where it was there before.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		trap 'rm -f "$policy"' EXIT
		trap 'exit 1' HUP INT TERM
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	apt-get update -qq
	# shellcheck disable=SC2086 # a list of packages
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
	# Nor at the next boot.
	case "$missing " in *" frr "*) update-rc.d frr disable >/dev/null ;; esac
	exit 0
fi
echo "the tests need these packages, as root: apt-get install$missing" >&2
exit 1
