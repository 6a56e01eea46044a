package userfile

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What could wait for ever, or acts when it is opened, is not opened.
func TestReadIrregular(t *testing.T) {
	dir := t.TempDir()
	fifo, socket, link := filepath.Join(dir, "fifo"), filepath.Join(dir, "socket"), filepath.Join(dir, "link")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.Symlink("fifo", link); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{fifo: "a FIFO", link: "a FIFO", socket: "a socket", "/dev/zero": "a device", dir: "a folder"} {
		done := make(chan error, 1)
		go func() { _, err := Read(name, 10); done <- err }()
		select {
		case err := <-done:
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: it waits", name)
		}
	}
}

// needRoot skips a test that gives files away.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 && os.Chown(t.TempDir(), 65534, 65534) == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("CI must run this as root")
	}
	t.Skip("only root can give files away")
}

// Root takes a file only if nobody else could have written it, or put it there.
func TestReadTrusted(t *testing.T) {
	needRoot(t)
	const other = 65534
	own := func(uid int, names ...string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			for _, name := range names {
				if err := os.Lchown(filepath.Join(dir, name), uid, 0); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	mode := func(m os.FileMode, name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Chmod(filepath.Join(dir, name), m); err != nil {
				t.Fatal(err)
			}
		}
	}
	link := func(target, name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(strings.ReplaceAll(target, "DIR", dir), filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	type step = func(*testing.T, string)
	for _, tt := range []struct {
		why   string
		steps []step
		path  string // of the fault; "" where the file is taken
	}{
		{"root's alone", nil, ""},
		{"the file is another's", []step{own(other, "home/conf/a.yaml")}, "home/conf/a.yaml"},
		{"the file can be written by all", []step{mode(0o666, "home/conf/a.yaml")}, "home/conf/a.yaml"},
		{"the file can be written by its group", []step{mode(0o664, "home/conf/a.yaml")}, "home/conf/a.yaml"},
		{"the folder is another's", []step{own(other, "home/conf")}, "home/conf"},
		{"the folder can be written by all", []step{mode(0o777, "home/conf")}, "home/conf"},
		{"the folder above is another's", []step{own(other, "home")}, "home"},
		{"the folder above can be written by its group", []step{mode(0o775, "home")}, "home"},
		{"a folder like /tmp above", []step{mode(0o777|os.ModeSticky, "home")}, ""},
		{"a folder like /tmp that is another's", []step{mode(0o777|os.ModeSticky, "home"), own(other, "home")}, "home"},
		{"a link of root's", []step{link("DIR/real", "home/conf")}, ""},
		{"a link of root's to there, relative", []step{link("../other/../real", "home/conf")}, ""},
		{"a link of another's", []step{link("DIR/real", "home/conf"), own(other, "home/conf")}, "home/conf"},
		{"a link into another's folder", []step{link("DIR/real", "home/conf"), own(other, "real")}, "real"},
		{"a link by way of another's folder", []step{link("DIR/other/up", "home/conf"), link("../real", "other/up"), own(other, "other")}, "other"},
		{"the file is a link to another's file", []step{link("DIR/real/a.yaml", "home/conf/a.yaml"), own(other, "real/a.yaml")}, "home/conf/a.yaml"},
	} {
		t.Run(tt.why, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range []string{"home/conf/a.yaml", "real/a.yaml", "other/x"} {
				write(t, filepath.Join(dir, name), "text")
			}
			for _, s := range tt.steps {
				s(t, dir)
			}
			b, err := ReadTrusted(filepath.Join(dir, "home/conf/a.yaml"), 10)
			if tt.path == "" {
				if err != nil || string(b) != "text" {
					t.Errorf("%q, %v", b, err)
				}
				return
			}
			foreign, ok := errors.AsType[*ForeignError](err)
			if !ok || foreign.Path != filepath.Join(dir, tt.path) || b != nil {
				t.Errorf("%q, %v; want a fault of %s", b, err, tt.path)
			}
		})
	}
}

// Below sudo a file is read as the user who called it, and what is opened later
// is opened as before.
func TestAsCaller(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	secret, shared := write(t, filepath.Join(dir, "secret"), "root's"), write(t, filepath.Join(dir, "shared"), "group's")
	public := write(t, filepath.Join(dir, "public"), "everybody's")
	if err := errors.Join(os.Chmod(secret, 0o600), os.Chown(shared, 0, 65533), os.Chmod(shared, 0o640)); err != nil {
		t.Fatal(err)
	}
	closed := write(t, filepath.Join(dir, "closed", "public"), "in a closed folder")
	if err := os.Chmod(filepath.Dir(closed), 0o700); err != nil {
		t.Fatal(err)
	}
	try := func(name string) error {
		return AsCaller(func() error {
			_, err := os.ReadFile(name)
			return err
		})
	}
	for _, name := range []string{secret, shared, closed, public} {
		if err := try(name); err != nil {
			t.Errorf("nobody else called: %v", err)
		}
	}
	t.Setenv("SUDO_UID", "65534")
	t.Setenv("SUDO_GID", "65533")
	for name, want := range map[string]bool{secret: false, shared: false, closed: false, public: true} {
		if err := try(name); (err == nil) != want || !want && (!errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "for user 65534")) {
			t.Errorf("%s as user 65534: %v", name, err)
		}
	}
	t.Setenv("SUDO_UID", "60123") // in no table: the group that sudo tells is all that is known
	if err := try(shared); err != nil {
		t.Errorf("a file of the caller's group: %v", err)
	}
	if err := try(secret); err == nil {
		t.Error("root's file is read for user 60123")
	}
	if _, err := os.ReadFile(secret); err != nil {
		t.Errorf("root's own rights are gone: %v", err)
	}
	for _, bad := range []string{"-1", "x", "4294967296"} {
		t.Setenv("SUDO_UID", bad)
		if err := try(public); err == nil {
			t.Errorf("SUDO_UID %s: taken", bad)
		}
	}
	t.Setenv("SUDO_UID", "0")
	t.Setenv("PKEXEC_UID", strconv.Itoa(65534))
	if err := try(secret); err != nil {
		t.Errorf("root called sudo: %v", err)
	}
	t.Setenv("SUDO_UID", "")
	if err := try(secret); err == nil {
		t.Error("root's file is read for who called pkexec")
	}
}
