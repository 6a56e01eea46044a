#!/bin/sh
# Runs every fuzz target of the module for the time given, one after the other.
# A module without targets is a fault of this script.
set -eu
time=${1:?usage: fuzz.sh TIME}
count=0
for pkg in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$pkg" | grep '^Fuzz' || true); do
		echo "fuzz $pkg $target for $time"
		# Minimising an interesting input can take longer than the run itself.
		out=$(go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10x "$pkg" 2>&1) || {
			echo "$out" >&2
			exit 1
		}
		echo "$out" | grep '^fuzz: ' | tail -n 1
		count=$((count + 1))
	done
done
[ "$count" -gt 0 ] || { echo "no fuzz target was found" >&2; exit 1; }
echo "$count fuzz targets"
