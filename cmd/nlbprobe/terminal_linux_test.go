package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

// terminal opens a pseudo-terminal: its own end, and the end that a program gets.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// TestInterruptOnTerminal: the report begins on a line of its own, and not behind
// the ^C that the terminal writes.
func TestInterruptOnTerminal(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "fixed")
	master, slave := terminal(t)
	cmd := l.Command(t.Context(), "prober", "nlbprobe", "--listen", "30s", labVIP)
	cmd.Stdout, cmd.Stderr = slave, slave
	cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	out := bufio.NewReader(master)
	for line := ""; !strings.Contains(line, "so far"); {
		var err error
		if line, err = out.ReadString('\n'); err != nil {
			t.Fatalf("%q, %v", line, err)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(out) // it ends in an error once nobody has the other end
	_ = cmd.Wait()
	// The line that ends the terminal's own, and the one that parts the report.
	if text := string(rest); !strings.HasPrefix(text, "\r\n\r\nVERDICT   "+labVIP+" ") {
		t.Errorf("%q", text)
	}
}
