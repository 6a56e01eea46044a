package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

// roleVariable makes the test binary something else than tests.
const roleVariable = "NLBLAB_TEST_ROLE"

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == insideName, os.Getenv(roleVariable) == "nlblab":
		os.Setenv(roleVariable, "count") // what it starts is a command
		main()
	case os.Getenv(roleVariable) == "count":
		countSignals()
	case os.Getenv(roleVariable) == "without rights":
		withoutRights()
	default:
		os.Exit(labtest.Main(m))
	}
}

// countSignals is a command for the lab. It names its namespaces, then writes
// a line for each interrupt until its input ends. A first line "detach" leaves
// a process behind.
func countSignals() {
	ints := make(chan os.Signal, 8)
	signal.Notify(ints, os.Interrupt)
	if len(os.Args) > 1 && os.Args[1] == "deaf" {
		signal.Ignore(syscall.SIGTERM)
	}
	child := exec.Command("/bin/sleep", "1000")
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		fmt.Println(err)
		os.Exit(99)
	}
	pid, err1 := os.Readlink("/proc/self/ns/pid")
	net, err2 := os.Readlink("/proc/self/ns/net")
	if err1 != nil || err2 != nil {
		fmt.Println(err1, err2)
		os.Exit(99)
	}
	fmt.Println("ready", pid, net)
	ended := make(chan bool)
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); close(ended) }()
	for {
		select {
		case <-ints:
			fmt.Println("interrupt")
		case <-ended:
			os.Exit(5)
		}
	}
}

// withoutRights forbids further user namespaces below this one and starts
// nlblab as somebody who has no rights left.
func withoutRights() {
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
		fmt.Println(err)
		os.Exit(99)
	}
	cmd := exec.Command("/proc/self/exe", "run", "multicast", "--", "true")
	cmd.Env = append(os.Environ(), roleVariable+"=nlblab")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1, Gid: 1, NoSetGroups: true}}
	os.Exit(statusOf(cmd, cmd.Run()))
}

// call runs nlblab in this process.
func call(stdin string, args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = run(args, stdio{in: strings.NewReader(stdin), out: &out, err: &err}, nil)
	return status, out.String(), err.String()
}

func TestPassesThrough(t *testing.T) {
	labtest.Require(t)
	status, stdout, stderr := call("in\n", "run", "multicast", "--host", "client", "--",
		"/bin/sh", "-c", `read x; echo "got $x on $(hostname) in $NLBLAB_SCENARIO"; echo err >&2; exit 7`)
	if status != 7 || stdout != "got in on client in multicast\n" || stderr != "err\n" {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
	for command, want := range map[string]int{
		"exit 0":                            0,
		"kill -9 $$":                        128 + 9,
		"ls /sys/class/net | grep -qx eth0": 0,
		// the LAN interface with the prober's address, and no other host's
		"grep -q '172.16.63.10$' /proc/net/fib_trie && ! grep -q '172.16.63.21$' /proc/net/fib_trie": 0,
	} {
		if status, _, stderr := call("", "run", "multicast", "--", "/bin/sh", "-c", command); status != want || stderr != "" {
			t.Errorf("%s: status %d, want %d; stderr %q", command, status, want, stderr)
		}
	}
}

func TestCommandThatDoesNotStart(t *testing.T) {
	labtest.Require(t)
	folder := t.TempDir()
	for command, want := range map[string]int{
		"no-such-command":                  exitNotFound,
		filepath.Join(folder, "not-there"): exitNotFound,
		folder:                             exitCannotRun,
	} {
		status, stdout, stderr := call("", "run", "multicast", "--", command)
		if status != want || stdout != "" || !oneLine(stderr) {
			t.Errorf("%s: status %d, want %d; stdout %q, stderr %q", command, status, want, stdout, stderr)
		}
	}
}

func oneLine(s string) bool {
	return strings.HasPrefix(s, "nlblab: ") && strings.Count(s, "\n") == 1 && strings.HasSuffix(s, "\n")
}

// session is nlblab as a process of its own, with the counting command in it.
type session struct {
	t       *testing.T
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	out     *bufio.Scanner
	pid, ns string // names of the command's namespaces
}

func startSession(t *testing.T, scenario string, attr *syscall.SysProcAttr, args ...string) *session {
	t.Helper()
	// What this process ignores, as SIGHUP under nohup, its children would ignore
	// too; what it catches they do not.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	t.Cleanup(func() { signal.Stop(caught) })
	s := &session{t: t, cmd: exec.Command("/proc/self/exe", append([]string{"run", scenario, "--", "/proc/self/exe"}, args...)...)}
	s.cmd.Env = append(os.Environ(), roleVariable+"=nlblab")
	s.cmd.SysProcAttr = attr
	s.cmd.Stderr = os.Stderr
	var err error
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	s.out = bufio.NewScanner(stdout)
	words := strings.Fields(s.line())
	if len(words) != 3 || words[0] != "ready" {
		t.Fatalf("the command said %q", words)
	}
	s.pid, s.ns = words[1], words[2]
	return s
}

func (s *session) line() string {
	s.t.Helper()
	if !s.out.Scan() {
		return "EOF"
	}
	return s.out.Text()
}

// inside counts the threads of the machine that are in the session's
// namespaces.
func (s *session) inside() int {
	count := 0
	tasks, _ := filepath.Glob("/proc/[0-9]*/task/[0-9]*")
	for _, task := range tasks {
		pid, _ := os.Readlink(task + "/ns/pid")
		ns, _ := os.Readlink(task + "/ns/net")
		if (pid == s.pid || ns == s.ns) && !isZombie(task) {
			count++
		}
	}
	return count
}

// isZombie reports whether a task has ended and only its status is left, for
// whoever is the parent of orphans here.
func isZombie(task string) bool {
	stat, err := os.ReadFile(task + "/stat")
	if err != nil {
		return true
	}
	_, rest, _ := bytes.Cut(stat, []byte(") ")) // after the name in brackets
	return bytes.HasPrefix(rest, []byte("Z"))
}

// wait returns the exit status once the process has ended.
func (s *session) wait() int {
	s.t.Helper()
	return statusOf(s.cmd, s.cmd.Wait())
}

// state is what a lab could leave on the machine.
func state(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"/sys/class/net/*", "/run/netns/*", "/var/run/netns/*"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, names...)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return append(found, strings.Split(string(mounts), "\n")...)
}

// However nlblab ends, nothing is left.
func TestLeavesNothing(t *testing.T) {
	labtest.Require(t)
	for _, tt := range []struct {
		name   string
		end    func(*session) error
		args   []string
		status int
	}{
		{"command ends", func(s *session) error { return s.stdin.Close() }, nil, 5},
		{"killed", func(s *session) error { return s.cmd.Process.Kill() }, nil, 128 + 9},
		{"terminated", func(s *session) error { return s.cmd.Process.Signal(syscall.SIGTERM) }, nil, 128 + 15},
		{"hung up", func(s *session) error { return s.cmd.Process.Signal(syscall.SIGHUP) }, nil, 128 + 1},
		{"terminated, deaf command", func(s *session) error { return s.cmd.Process.Signal(syscall.SIGTERM) }, []string{"deaf"}, 128 + 9},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := state(t)
			s := startSession(t, "multicast", nil, tt.args...)
			s.mustEnd(tt.end, 3, tt.status) // process 1, the command, the process that it left behind
			if after := state(t); !slices.Equal(before, after) {
				t.Errorf("before\n%s\nafter\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
			}
		})
	}
}

// Nor is anything left of the programs of others that run in a lab.
func TestLeavesNoDaemons(t *testing.T) {
	labtest.Require(t)
	needFRR(t)
	for _, tt := range []struct {
		name   string
		end    func(*session) error
		status int
	}{
		{"command ends", func(s *session) error { return s.stdin.Close() }, 5},
		{"killed", func(s *session) error { return s.cmd.Process.Kill() }, 128 + 9},
		{"terminated", func(s *session) error { return s.cmd.Process.Signal(syscall.SIGTERM) }, 128 + 15},
		{"interrupted", func(s *session) error {
			if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
				return err
			}
			if got := s.line(); got != "interrupt" {
				return fmt.Errorf("the command said %q", got)
			}
			return s.stdin.Close()
		}, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := startSession(t, "vrrp-frr", nil)
			if n := len(s.daemons()); n != 4 { // zebra and vrrpd of two routers
				t.Fatalf("control: %d daemons run", n)
			}
			s.mustEnd(tt.end, 7, tt.status)
		})
	}
}

// needFRR skips a test without FRR, with the reason; in continuous integration
// it fails it.
func needFRR(t *testing.T) {
	t.Helper()
	status, _, stderr := call("", "run", "vrrp-frr", "--", "true")
	switch {
	case status == 0:
	case status != exitUnknown || !strings.Contains(stderr, "install the package frr") || os.Getenv("CI") == "true":
		t.Fatalf("status %d: %s", status, stderr)
	default:
		t.Skip(strings.TrimSpace(stderr))
	}
}

// daemons returns the programs of FRR in the session's lab.
func (s *session) daemons() []string {
	var names []string
	links, _ := filepath.Glob("/proc/[0-9]*/ns/pid")
	for _, link := range links {
		pid, _ := os.Readlink(link)
		name, _ := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(link)), "comm"))
		if n := strings.TrimSpace(string(name)); pid == s.pid && (n == "zebra" || n == "vrrpd") {
			names = append(names, n)
		}
	}
	return names
}

// mustEnd ends a session in which so many threads run at least, and waits for
// all of them to be gone.
func (s *session) mustEnd(end func(*session) error, threads, status int) {
	s.t.Helper()
	if n := s.inside(); n < threads {
		s.t.Fatalf("control: %d threads found in the lab", n)
	}
	if err := end(s); err != nil {
		s.t.Fatal(err)
	}
	if got := s.wait(); got != status {
		s.t.Errorf("status %d, want %d", got, status)
	}
	// After SIGKILL the kernel ends the rest in its own time.
	deadline := time.Now().Add(5 * time.Second)
	for s.inside() > 0 && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	if n := s.inside(); n > 0 {
		s.t.Errorf("%d threads are left", n)
	}
}

// Ctrl-C reaches the command, once: from a terminal, which tells the whole
// group, and from kill, which tells nlblab alone. The command then ends as it
// likes.
func TestInterrupt(t *testing.T) {
	labtest.Require(t)
	for _, tt := range []struct {
		name string
		send func(pid int) error
	}{
		{"to the group", func(pid int) error { return unix.Kill(-pid, unix.SIGINT) }},
		{"to nlblab", func(pid int) error { return unix.Kill(pid, unix.SIGINT) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startSession(t, "multicast", &syscall.SysProcAttr{Setpgid: true})
			for range 3 {
				if err := tt.send(s.cmd.Process.Pid); err != nil {
					t.Fatal(err)
				}
				if got := s.line(); got != "interrupt" {
					t.Fatalf("the command said %q", got)
				}
				// A second copy would be on its way for 50 ms at most.
				time.Sleep(150 * time.Millisecond)
			}
			if err := s.stdin.Close(); err != nil {
				t.Fatal(err)
			}
			if got := s.line(); got != "EOF" {
				t.Errorf("the command said %q after its end", got)
			}
			if got := s.wait(); got != 5 {
				t.Errorf("status %d, want the command's 5", got)
			}
		})
	}
}

// nobody is a user without rights.
const nobody = 65534

// needSeveralUsers skips a test in a user namespace that knows one user: there
// all other tests run without rights on the machine already. Under CI it fails.
func needSeveralUsers(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		t.Fatal(err)
	}
	if f := strings.Fields(string(text)); len(f) == 3 && f[2] == "1" {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI must run this as root: this user namespace has one user")
		}
		t.Skip("this user namespace has one user")
	}
}

// Rootless: the same lab as a user without rights.
func TestRootless(t *testing.T) {
	labtest.Require(t)
	needSeveralUsers(t)
	for _, host := range []string{lab.Prober, "node1", "router", lab.Client, lab.Switch} {
		cmd := exec.Command("/proc/self/exe", "run", "multicast", "--host", host, "--", "/bin/sh", "-c", "hostname; id -u; head -1 /proc/self/uid_map")
		cmd.Env = append(os.Environ(), roleVariable+"=nlblab")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got, want := strings.Fields(string(out)), []string{host, "0", "0", "65534", "1"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Where the kernel allows nothing: one line that says what to do.
func TestNotAllowed(t *testing.T) {
	labtest.Require(t)
	needSeveralUsers(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleVariable+"=without rights")
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}, {ContainerID: 1, HostID: nobody, Size: 1}}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids}
	out, err := cmd.CombinedOutput()
	if status := statusOf(cmd, err); status != exitUnknown {
		t.Errorf("status %d, want %d", status, exitUnknown)
	}
	if s := string(out); !oneLine(s) || !strings.Contains(s, "run nlblab as root") || !strings.Contains(s, "no space left on device") {
		t.Errorf("said %q", s)
	}
}

// A command that the PATH has not is looked for beside nlblab; a path is taken as
// it is, and so is what stands nowhere.
func TestProgramBeside(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const name = "nlblab-test-command"
	beside := filepath.Join(filepath.Dir(self), name)
	if err := os.WriteFile(beside, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(beside)
	t.Setenv("PATH", "/usr/bin:/bin")
	for in, want := range map[string]string{name: beside, "./" + name: "./" + name, "sh": "sh", "nlblab-no-such": "nlblab-no-such"} {
		if got := program(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
