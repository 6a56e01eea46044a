#!/bin/sh
# Runs every fuzz target of the module for the time given, one after the other.
# A module without targets is a fault of this script.
set -eu
time=${1:?usage: fuzz.sh TIME}

# raced reports whether a run failed by nothing but go test itself, which before
# Go 1.27.1 may take the end of its own time for a failure (golang/go#75804): one
# line says so, and no input was found that fails.
raced() {
	[ "$(echo "$1" | grep '^    ')" = "    context deadline exceeded" ] &&
		! echo "$1" | grep -q 'Failing input'
}

# fuzz runs one target, and again where go test raced.
fuzz() { # package target
	for _ in 1 2 3; do
		# Minimising an interesting input can take longer than the run itself.
		if out=$(go test -run '^$' -fuzz "^$2\$" -fuzztime "$time" -fuzzminimizetime 10x "$1" 2>&1); then
			echo "$out" | grep '^fuzz: ' | tail -n 1
			return
		fi
		raced "$out" || break
		echo "go test took the end of its time for a failure; again"
	done
	echo "$out" >&2
	exit 1
}

count=0
for pkg in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$pkg" | grep '^Fuzz' || true); do
		echo "fuzz $pkg $target for $time"
		fuzz "$pkg" "$target"
		count=$((count + 1))
	done
done
[ "$count" -gt 0 ] || { echo "no fuzz target was found" >&2; exit 1; }
echo "$count fuzz targets"
