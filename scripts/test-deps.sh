#!/bin/sh
# Installs the system packages that the tests use: a C compiler for the race
# detector, what the lab's Linux hosts are configured with, and the tools that
# give a second opinion on our frames and on what is rendered for programs:
# ansible with its collections takes 250 MB, and is the only one that knows what
# a network module sends. As root on Debian it installs what is
# missing; otherwise it names it.
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
need ip iproute2
need bridge iproute2
need nft nftables
need yanglint libyang2-tools
need python3 python3
need ansible-playbook ansible
need ansible-community ansible
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "installing for the tests:$missing"
	apt-get update -qq
	# shellcheck disable=SC2086 # a list of packages
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
	exit 0
fi
echo "the tests need these packages, as root: apt-get install$missing" >&2
exit 1
