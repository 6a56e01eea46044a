package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// asRoot skips a test that gives files away.
func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 && os.Chown(t.TempDir(), 65534, 65534) == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("CI must run this as root")
	}
	t.Skip("only root can give files away")
}

// command runs the program with an environment of its own.
func command(t *testing.T, env []string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "nlbprobe", args...)
	cmd.Env = append(os.Environ(), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the status says it
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// evil is a platform file by which another user would have root paste lines.
const evil = `name: cisco-ios
title: Cisco IOS
families: [Catalyst]
accepts:
  static-arp: {does: "yes", confidence: vendor, source: [own]}
  multi-port-mac: {does: unknown, confidence: unverified, source: [own]}
  igmp-mode: {does: unknown, confidence: unverified, source: [own]}
  accept-reply: {does: unknown, confidence: unverified, source: [own]}
  ipv6: {does: unknown, confidence: unverified, source: [own]}
spelling:
  mac: dotted
  comment: "! "
configure:
  - {line: "username evil privilege 15 arp {{.VIP}} {{.MAC}}", undo: "no arp {{.VIP}}", each: vip, role: l3, confidence: vendor, source: [own]}
verify:
  - {line: "show arp", expect: the entry, role: l3, confidence: vendor, source: [own]}
save:
  - {line: "write", confidence: vendor, source: [own]}
sources:
  own: a document
`

// Root takes no platform file that another user could have written, says so, and
// how it takes it all the same.
func TestForeignPlatforms(t *testing.T) {
	asRoot(t)
	const user = 65534
	for _, tt := range []struct {
		why   string
		spoil func(home, dir, file string) error
		taken bool
	}{
		{"root's own", func(string, string, string) error { return nil }, true},
		{"another's home, kept by sudo", func(home, dir, file string) error {
			for _, name := range []string{home, filepath.Dir(filepath.Dir(dir)), filepath.Dir(dir), dir, file} {
				if err := os.Chown(name, user, user); err != nil {
					return err
				}
			}
			return nil
		}, false},
		{"a file that all can write", func(_, _, file string) error { return os.Chmod(file, 0o666) }, false},
		{"a folder that all can write", func(_, dir, _ string) error { return os.Chmod(dir, 0o777) }, false},
		{"a home that its group can write", func(home, _, _ string) error { return os.Chmod(home, 0o775) }, false},
	} {
		t.Run(tt.why, func(t *testing.T) {
			home := t.TempDir()
			dir := filepath.Join(home, ".config", "nlbprobe", "platforms")
			file := filepath.Join(dir, "cisco-ios.yaml")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(evil), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := tt.spoil(home, dir, file); err != nil {
				t.Fatal(err)
			}
			for _, env := range [][]string{{"HOME=" + home, "XDG_CONFIG_HOME="}, {"HOME=/nonexistent", "XDG_CONFIG_HOME=" + filepath.Join(home, ".config")}} {
				args := []string{"render", "--vip", "192.0.2.100", "--mac", "03bf.c000.0264", "--platform"}
				status, stdout, stderr := command(t, env, append(args, "cisco-ios")...)
				switch {
				case strings.Count(stderr, "\n") != 1 && tt.taken || !strings.Contains(stderr, dir):
					t.Errorf("stderr %q", stderr)
				case tt.taken && (status != exitOK || !strings.Contains(stdout, "username evil")):
					t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
				case !tt.taken && (strings.Contains(stdout, "evil") || !strings.Contains(stderr, "--platform-dir")):
					t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
				}
				// Whoever names the folder has it.
				status, stdout, _ = command(t, env, append(args, "cisco-ios", "--platform-dir", dir)...)
				if status != exitOK || !strings.Contains(stdout, "username evil") {
					t.Errorf("--platform-dir: status %d, stdout %q", status, stdout)
				}
				if status, stdout, stderr = command(t, env, append(args, "cisco-nxos")...); status != exitOK || !strings.Contains(stdout, "ip arp") {
					t.Errorf("another platform: status %d, stdout %q, stderr %q", status, stdout, stderr)
				}
			}
		})
	}
}

// A user who may run nlbprobe alone as root reads no more files by it than
// without: neither what is in them nor a word of it is printed.
func TestRootsFiles(t *testing.T) {
	asRoot(t)
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	const secret = "root:$y$j9T$hush"
	file := filepath.Join(dir, "secret.yaml")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(closed, "hush.yaml"), []byte(secret+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{
		"platforms --check " + file,
		"platforms --check " + closed + "/hush.yaml",
		"platforms --platform-dir " + closed,
		"platforms x --platform-dir " + closed,
		"render cisco-ios:l2 192.0.2.1 03bf.c000.0201 --ports-from " + file,
		"render cisco-ios 192.0.2.1 03bf.c000.0201 --vlan 20 --port Gi1/0/1 --diff " + file,
		"render cisco-ios 192.0.2.1 03bf.c000.0201 --vlan 20 --port Gi1/0/1 --diff " + closed,
		"192.0.2.1 --ports-from " + file,
	} {
		status, stdout, stderr := command(t, []string{"SUDO_UID=65534", "SUDO_GID=65534"}, strings.Fields(args)...)
		if status != exitUnknown || stdout != "" || strings.Contains(stderr, "hush") && !strings.Contains(args, "hush") || strings.Contains(stderr, "root:") ||
			!strings.Contains(stderr, "permission denied for user 65534") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: status %d, stdout %q, stderr %q", args, status, stdout, stderr)
		}
		if _, _, stderr := command(t, []string{"SUDO_UID=", "SUDO_GID="}, strings.Fields(args)...); strings.Contains(stderr, "permission denied") {
			t.Errorf("%s as root: stderr %q", args, stderr)
		}
	}
}
