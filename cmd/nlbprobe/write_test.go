package main

import (
	"errors"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/evidence"
)

// names lists what is in a folder.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// The evidence has its name once it is whole; until then, and if it cannot be
// written, nothing stays in the folder.
func TestNewFile(t *testing.T) {
	dir := t.TempDir()
	name := newFile(filepath.Join(dir, "evidence.pcapng"))
	if err := name.checkNew(); err != nil || len(names(t, dir)) != 0 {
		t.Errorf("%v; the check left %q", err, names(t, dir))
	}
	full := func(w io.Writer) error {
		if _, err := w.Write(make([]byte, 1000)); err != nil {
			return err
		}
		if _, err := os.Lstat(string(name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the file has its name before it is whole: %v", err)
		}
		return &fs.PathError{Op: "write", Path: "another name", Err: syscall.ENOSPC}
	}
	err := name.put(full)
	if err == nil || !errors.Is(err, syscall.ENOSPC) || strings.Count(err.Error(), syscall.ENOSPC.Error()) != 1 || strings.Contains(err.Error(), "another") {
		t.Errorf("a full disk: %v", err)
	}
	if left := names(t, dir); len(left) != 0 {
		t.Errorf("a full disk left %q", left)
	}
	if err := name.put(func(w io.Writer) error { _, err := io.WriteString(w, "whole"); return err }); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(string(name)); err != nil || string(b) != "whole" || !slices.Equal(names(t, dir), []string{"evidence.pcapng"}) {
		t.Errorf("%q, %v; in the folder are %q", b, err, names(t, dir))
	}
	if err := name.checkNew(); err == nil || !strings.Contains(err.Error(), "the file exists") {
		t.Error(err)
	}
	// Somebody made a file of the name after the check: it stays as it is, and so
	// does the evidence.
	err = name.put(func(w io.Writer) error { _, err := io.WriteString(w, "later"); return err })
	if err == nil || !strings.Contains(err.Error(), "the evidence is in") {
		t.Error(err)
	}
	if b, _ := os.ReadFile(string(name)); string(b) != "whole" {
		t.Errorf("the file that was there holds %q", b)
	}
	for _, left := range names(t, dir) {
		if b, _ := os.ReadFile(filepath.Join(dir, left)); left != "evidence.pcapng" && string(b) != "later" {
			t.Errorf("%s holds %q", left, b)
		}
	}
}

// What is no new file is refused before anything is done, in one line.
func TestNewFileRefused(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Mkdir("folder", 0o700); err != nil {
		t.Fatal(err)
	}
	for want, name := range map[string]string{
		"names a folder": "none/", "the file exists": "folder", "--write \"none": filepath.Join("none", "x"),
	} {
		n := newFile(name)
		if err := n.checkNew(); err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
	var n newFile
	for _, s := range []string{"", "-"} {
		if err := n.Set(s); err == nil || n != "" {
			t.Errorf("%q: taken", s)
		}
	}
	if err := n.Set("./-"); err != nil || n != "./-" {
		t.Error(err)
	}
}

// What the file has no room for is said, with the file's name.
func TestWriteSaysWhatIsLeftOut(t *testing.T) {
	for _, tt := range []struct {
		more int
		want string
	}{
		{0, ""},
		{3, "the most there can be; 3 were left out"},
		{2 * capture.MaxFacts, "4096 or more were left out"},
	} {
		var errs strings.Builder
		k := &frameRecorder{errs: &errs}
		for n := range capture.MaxFacts + tt.more {
			fact := evidence.Vantage{Interface: "eth0", VIP: netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)})}
			at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
			k.keep([]evidence.Item{{Fact: fact, First: at, Last: at, Count: 1}}, nil)
		}
		name := filepath.Join(t.TempDir(), "evidence.pcapng")
		if err := k.end(newFile(name), nil); err != nil {
			t.Fatal(err)
		}
		if said := errs.String(); (tt.want == "") != (said == "") || !strings.Contains(said, tt.want) || said != "" && !strings.Contains(said, "--write \"") {
			t.Errorf("%d too many: %q, want %q", tt.more, said, tt.want)
		}
	}
}
