package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

// TestVRRPTakeover: two real routers, of FRR. The master is gone while a probe
// listens, and the other one takes over: both are named, by the addresses that
// they advertise from.
func TestVRRPTakeover(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "vrrp-frr")
	labtest.Tools(t, "ip")
	cmd := l.Command(t.Context(), lab.Prober, "nlbprobe", "--passive", "--wait", "15s", "-o", "json", labVIP)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitForSocket(t, l)
	hello := advertisements(t, l)
	if from := hello(); from != "172.16.63.2" {
		t.Fatalf("an advertisement from %s", from)
	}
	if out, err := l.Command(t.Context(), lab.Switch, "ip", "link", "set", "router1", "down").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if from := hello(); from != "172.16.63.3" {
		t.Fatalf("an advertisement from %s after router1 is gone", from)
	}
	hello() // and one more, so that the probe has it
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its status is the verdict's
	all := objects(t, stdout.String())
	if len(all) != 1 || stderr.Len() > 0 {
		t.Fatalf("stdout %s, stderr %s", stdout.String(), stderr.String())
	}
	for _, ip := range []string{"172.16.63.2", "172.16.63.3"} {
		named := false
		for _, f := range all[0].Findings {
			named = named || f.ID == "first-hop-pair" && strings.Contains(f.Summary, ip) && strings.Contains(f.Summary, "VRRPv3 group 5")
		}
		if !named {
			t.Errorf("no finding names %s as one of the pair: %s", ip, stdout.String())
		}
	}
}

// waitForSocket waits until somebody listens on the prober with a packet socket.
func waitForSocket(t *testing.T, l *lab.Lab) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var table []byte
		err := l.Do(lab.Prober, func() (err error) {
			table, err = os.ReadFile("/proc/thread-self/net/packet")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Count(table, []byte("\n")) > 1 { // below the heading
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody listens")
		}
	}
}

// advertisements returns a function that waits for the next VRRP advertisement
// to come to the prober and returns who sends it.
func advertisements(t *testing.T, l *lab.Lab) func() string {
	t.Helper()
	fd := -1
	err := l.Do(lab.Prober, func() error {
		dev, err := net.InterfaceByName(l.Interface(lab.Prober))
		if err != nil {
			return err
		}
		ip := binary.NativeEndian.Uint16([]byte{0x08, 0x00}) // in network order
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(ip)); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: ip, Ifindex: dev.Index})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return func() string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		b := make([]byte, 2048)
		for ctx.Err() == nil {
			tv := unix.NsecToTimeval(int64(100 * time.Millisecond))
			if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
				t.Fatal(err)
			}
			n, _, err := unix.Recvfrom(fd, b, 0)
			if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if n >= 20 && b[9] == 112 { // VRRP
				return net.IP(b[12:16]).String()
			}
		}
		t.Fatal("no advertisement")
		return ""
	}
}
