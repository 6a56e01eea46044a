#!/bin/sh
# The figures of captures: nlbprobe analyze beside tcpdump, tshark and cat on the
# same generated file of 4 GiB (BENCH_BYTES), cached, three runs each. The file
# goes to TMPDIR and is removed.
set -eu
: "${BENCH_BYTES:=4294967296}"
export BENCH_BYTES
out=$(go test -run '^$' -bench BenchmarkAnalyze -benchtime 3x -timeout 30m ./cmd/nlbprobe) || {
	echo "$out" >&2
	exit 1
}
echo "$out" | awk '
/^BenchmarkAnalyze\// {
	split($1, name, "/"); sub(/-[0-9]+$/, "", name[2])
	for (i = 3; i < NF; i++) {
		if ($(i + 1) == "ns/op") seconds[name[2]] = $i / 1e9
		if ($(i + 1) == "cpu-s/op") cpu[name[2]] = $i
		if ($(i + 1) == "MB/s") rate[name[2]] = $i
		if ($(i + 1) == "rss-KiB") rss[name[2]] = $i / 1024
	}
	order[++n] = name[2]
}
END {
	printf "%-10s %9s %9s %10s %9s %s\n", "program", "seconds", "CPU s", "MB/s", "peak MiB", "nlbprobe is so many times as fast"
	for (i = 1; i <= n; i++) {
		p = order[i]
		printf "%-10s %9.2f %9.2f %10.0f %9.1f %9.2f\n", p, seconds[p], cpu[p], rate[p], rss[p], rate["nlbprobe"] / rate[p]
	}
	if (n == 0) { print "no figures" > "/dev/stderr"; exit 1 }
}'
