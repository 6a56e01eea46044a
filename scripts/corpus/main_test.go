//go:build unix

package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestMain is the tool too, for the tests: it does what the file's name says.
func TestMain(m *testing.M) {
	if os.Getenv("CORPUS_TOOL") == "" || len(os.Args) != 5 {
		os.Exit(m.Run())
	}
	switch name := filepath.Base(os.Args[4]); {
	case strings.HasPrefix(name, "crash"):
		panic("as it should")
	case strings.HasPrefix(name, "kill"):
		p, _ := os.FindProcess(os.Getpid())
		_ = p.Kill()
		select {}
	case strings.HasPrefix(name, "hang"):
		time.Sleep(time.Hour)
	case strings.HasPrefix(name, "two"):
		fmt.Println(`{"vip":"192.0.2.90","cluster":{"mode":"multicast"},"findings":[{"id":"group-mac-answer","severity":"warning"},{"id":"heartbeats","severity":"info"}]}`)
		fmt.Println(`{"vip":"192.0.2.91","cluster":{"mode":"unicast"},"findings":[{"id":"heartbeats","severity":"info"}]}`)
		fmt.Println(`{"client":"192.0.2.30:49200","findings":[{"id":"mss-exceeded","severity":"critical"}]}`)
		fmt.Println(`{"client":"192.0.2.30:49201","findings":[{"id":"mss-offload","severity":"info"}]}`)
		os.Exit(2)
	default:
		os.Exit(3)
	}
}

// figures are what differs from run to run.
var figures = regexp.MustCompile(`[0-9.]+m?s +[0-9]+ MiB`)

// A file on which the tool crashes or hangs does not end the run.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"crash.pcap", "hang.pcap", "kill.cap", "nothing.pcapng.zst", "README.md", "deeper/two.PCAP.gz"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CORPUS_TOOL", "1")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := corpus{tool: self, limit: 2 * time.Second, out: &out}
	err = c.run(dir)
	if err == nil || err.Error() != "on 3 of 5 files the tool crashed or hung" {
		t.Errorf("%v", err)
	}
	want := strings.TrimSpace(`
FILE VIP MODE WARNING OR WORSE EXIT TIME MEMORY
"crash.pcap" - - - crashed T
"deeper/two.PCAP.gz" 192.0.2.90 multicast group-mac-answer 2 T
"deeper/two.PCAP.gz" 192.0.2.91 unicast - 2 T
"deeper/two.PCAP.gz" 192.0.2.30:49200 - mss-exceeded 2 T
"hang.pcap" - - - hung T
"kill.cap" - - - crashed T
"nothing.pcapng.zst" - - - 3 T

files: 5; other files, not read: 1
 1 group-mac-answer
 1 mss-exceeded`)
	got := regexp.MustCompile(`(?m) +`).ReplaceAllString(figures.ReplaceAllString(strings.TrimSpace(out.String()), "T"), " ")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// The real tool, on captures of this repository.
func TestRunTool(t *testing.T) {
	dir := t.TempDir()
	tool := filepath.Join(dir, "nlbprobe")
	if b, err := exec.Command("go", "build", "-o", tool, "../../cmd/nlbprobe").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	var out bytes.Buffer
	c := corpus{tool: tool, limit: time.Minute, out: &out}
	if err := c.run("../../cmd/nlbprobe/testdata/field"); err != nil {
		t.Error(err)
	}
	for _, part := range []string{`"mss-checksum-zero.pcap" +192\.0\.2\.30:49200 +- +mss-exceeded +2 `, `"tag-9100.pcap" +192\.0\.2\.90 +multicast +group-mac-answer +1 `, `"vxlan.pcap" +- +- +- +3 `} {
		if !regexp.MustCompile(part).Match(out.Bytes()) {
			t.Errorf("no %s in\n%s", part, out.String())
		}
	}
	if err := c.run("no-such-folder"); err == nil {
		t.Error("a folder that is not there is none")
	}
	c.tool = filepath.Join(dir, "none")
	if err := c.run(dir); err == nil {
		t.Error("a tool that is not there is none")
	}
}

// A capture is known by what it begins with, whatever its name; a folder that may not
// be read keeps nothing else from being read.
func TestIsCapture(t *testing.T) {
	dir := t.TempDir()
	pcap := "\xd4\xc3\xb2\xa1\x02\x00\x04\x00"
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte("\x0a\x0d\x0d\x0a....")); err != nil {
		t.Fatal(err)
	}
	z.Close()
	for name, row := range map[string]struct {
		content string
		want    bool
	}{
		"noext": {pcap, true}, "a.pcap0": {pcap, true}, "empty.PCAP": {"", true}, "b.bin": {packed.String(), true},
		"text.txt": {"no capture", false}, "short": {"\xd4", false}, "text.gz": {"\x1f\x8bno gzip", false},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(row.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := isCapture(path); got != row.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if isCapture(filepath.Join(dir, "none")) {
		t.Error("a file that is not there is none")
	}
}
