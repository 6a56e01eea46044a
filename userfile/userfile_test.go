package userfile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	name := write(t, filepath.Join(dir, "a"), "12345678")
	for most, want := range map[int64]string{8: "12345678", 9: "12345678", 7: "12345678", 3: "1234"} {
		if b, err := Read(name, most); err != nil || string(b) != want {
			t.Errorf("at most %d: %q, %v; want %q", most, b, err, want)
		}
	}
	for name, want := range map[string]string{filepath.Join(dir, "none"): "no such file", dir: "it is a folder"} {
		if b, err := Read(name, 9); err == nil || b != nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %q, %v; want %s", name, b, err, want)
		}
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.yaml", "a.yaml", "c.yml", "yaml", "d.yaml/x"} {
		write(t, filepath.Join(dir, name), "")
	}
	if names, err := List(dir, ".yaml"); err != nil || !slices.Equal(names, []string{"a.yaml", "b.yaml"}) {
		t.Errorf("%q, %v", names, err)
	}
	if names, err := List(filepath.Join(dir, "none"), ".yaml"); err == nil || names != nil {
		t.Errorf("%q, %v", names, err)
	}
}
