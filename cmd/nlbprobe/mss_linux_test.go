package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

// mssService is a service on the lab's router that takes segments of 512 bytes.
const mssService = "172.16.63.1:2525"

// serveSmall listens on the router with a segment size of 512 and reads what
// comes.
func serveSmall(t *testing.T, l *lab.Lab) {
	t.Helper()
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var setErr error
		err := c.Control(func(fd uintptr) { setErr = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 512) })
		if err != nil {
			return err
		}
		return setErr
	}}
	var listener net.Listener
	err := l.Do("router", func() (err error) {
		listener, err = lc.Listen(context.Background(), "tcp4", mssService)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
}

// setOffload turns segmentation offload of the prober's interface on or off.
func setOffload(t *testing.T, l *lab.Lab, on uint32) {
	t.Helper()
	err := l.Do("prober", func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		for _, cmd := range []uint32{unix.ETHTOOL_STXCSUM, unix.ETHTOOL_SSG, unix.ETHTOOL_STSO, unix.ETHTOOL_SGSO} {
			value := struct{ cmd, data uint32 }{cmd, on}
			request := struct {
				name [unix.IFNAMSIZ]byte
				data unsafe.Pointer
				_    [16]byte
			}{data: unsafe.Pointer(&value)}
			copy(request.name[:], l.Interface("prober"))
			if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); errno != 0 && on == 1 {
				return errno
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sendMail opens a connection from the prober with the kernel's settings and sends
// bytes; it waits for settle before it resets the connection, or closes it.
func sendMail(t *testing.T, l *lab.Lab, settings map[string]string, bytes int, lost bool) {
	t.Helper()
	err := l.Do("prober", func() error {
		for name, value := range settings {
			if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0); err != nil {
				return err
			}
		}
		conn, err := net.DialTimeout("tcp4", mssService, 5*time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		if _, err := conn.Write(make([]byte, bytes)); err != nil {
			return err
		}
		tcp := conn.(*net.TCPConn)
		if !lost {
			if err := tcp.CloseWrite(); err != nil {
				return err
			}
			_, err = io.ReadAll(conn) // the other end has read all
			return err
		}
		raw, err := tcp.SyscallConn()
		if err != nil {
			return err
		}
		// The kernel itself says when it has sent the same bytes again.
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			var again uint8
			if err := raw.Control(func(fd uintptr) {
				if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
					again = info.Retransmits
				}
			}); err != nil {
				return err
			}
			if again >= 2 {
				break
			}
		}
		return tcp.SetLinger(0) // a reset
	})
	if err != nil {
		t.Fatal(err)
	}
}

// recordAll writes what a host's interface carries while f runs, both ways, as
// tcpdump does, and returns the file.
func recordAll(t *testing.T, l *lab.Lab, host string, f func()) string {
	t.Helper()
	var conn *packet.Conn
	err := l.Do(host, func() error {
		ifi, err := net.InterfaceByName(l.Interface(host))
		if err != nil {
			return err
		}
		conn, err = packet.Listen(ifi, packet.Raw, unix.ETH_P_ALL, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	path := filepath.Join(t.TempDir(), host+".pcapng")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w, err := capture.NewWriter(file, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		b := make([]byte, 128<<10)
		for {
			n, _, err := conn.ReadFrom(b)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				done <- w.Flush()
				return
			}
			if err == nil {
				err = w.Write(&evidence.Frame{Time: time.Now(), Data: b[:n], Length: n, Place: "eth0"})
			}
			if err != nil {
				done <- err
				return
			}
		}
	}()
	f()
	// What was carried is in the socket's queue by now; it is read before the
	// deadline counts.
	if err := conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return path
}

// connectionObject is what the tests read of a connection's object.
type connectionObject struct {
	Schema, Client, Server, Severity string
	ClientMSS                        *int `json:"client_mss"`
	ServerMSS                        *int `json:"server_mss"`
	Findings                         []struct {
		ID, Severity, Summary string
		Evidence              []string
	}
}

// TestSegmentSizes: real kernels, one of which sends no segments below 536 as
// Windows does, one of which obeys, with and without offload.
func TestSegmentSizes(t *testing.T) {
	tests := []struct {
		name     string
		offload  uint32
		settings map[string]string
		lost     bool
		severity string
		want     []string
		says     string
	}{
		{"exceeds, with time stamps", 0, map[string]string{"tcp_min_snd_mss": "536"}, false, "warning", []string{"mss-exceeded"}, "sends segments of 536 bytes to 172.16.63.1:2525, which takes 512: 24 too many"},
		{"exceeds, without", 0, map[string]string{"tcp_min_snd_mss": "536", "tcp_timestamps": "0"}, false, "warning", []string{"mss-exceeded"}, "24 too many, the floor of Windows senders. They were acknowledged all the same."},
		{"exceeds and is lost", 0, map[string]string{"tcp_min_snd_mss": "536"}, true, "critical", []string{"mss-exceeded"}, "They were sent again, never acknowledged, and the connection was reset."},
		{"exceeds, with offload", 1, map[string]string{"tcp_min_snd_mss": "536", "tcp_timestamps": "0"}, false, "warning", []string{"mss-exceeded"}, "sends segments of 536 bytes"},
		{"obeys", 0, nil, false, "info", []string{"mss-below-windows-floor"}, "keeps to it. Windows would not: it sends up to 24 more"},
		// 20,000 bytes are 40 segments of 500: each packet is several of that.
		{"obeys, with offload", 1, nil, false, "info", []string{"mss-below-windows-floor", "mss-offload"}, "cut on the way by the sender's card"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, "ordinary-host")
			serveSmall(t, l)
			setOffload(t, l, tt.offload)
			if tt.lost {
				// A link that takes what was offered, and no more.
				for _, args := range []string{"add table ip small", "add chain ip small in { type filter hook prerouting priority -300 ; }", "add rule ip small in meta length > 552 drop"} {
					if out, err := l.Command(t.Context(), "router", "nft", strings.Fields(args)...).CombinedOutput(); err != nil {
						t.Fatalf("nft %s: %v: %s", args, err, out)
					}
				}
			}
			file := recordAll(t, l, "prober", func() { sendMail(t, l, tt.settings, 20_000, tt.lost) })
			_, stdout, stderr := analyze(t, ".", "-o", "json", file)
			var found []connectionObject
			for line := range strings.Lines(stdout) {
				var o connectionObject
				if err := json.Unmarshal([]byte(line), &o); err != nil {
					t.Fatal(err)
				}
				if o.Schema == "nlbprobe-mss/1" {
					found = append(found, o)
				}
			}
			if len(found) != 1 || stderr != "" {
				t.Fatalf("%d connections, stderr %q: %s", len(found), stderr, stdout)
			}
			o := found[0]
			var ids []string
			text := ""
			for _, f := range o.Findings {
				ids = append(ids, f.ID)
				text += f.Summary + "\n"
			}
			slices.Sort(ids)
			if o.Severity != tt.severity || !slices.Equal(ids, tt.want) || !strings.Contains(text, tt.says) {
				t.Errorf("%s %v, want %s %v and %q\n%s", o.Severity, ids, tt.severity, tt.want, tt.says, stdout)
			}
			if o.Server != mssService || o.ServerMSS == nil || *o.ServerMSS != 512 || o.ClientMSS == nil || *o.ClientMSS != 1460 {
				t.Errorf("the connection: %s, %v and %v", o.Server, o.ClientMSS, o.ServerMSS)
			}
		})
	}
}

// TestMss: the command reads what the service takes from the kernel, as any user.
func TestMss(t *testing.T) {
	l := labtest.Start(t, "ordinary-host")
	serveSmall(t, l)
	status, stdout, stderr := nlbprobe(t, l, "prober", "mss", mssService, "-o", "json")
	var o connectionObject
	if err := json.Unmarshal([]byte(stdout), &o); err != nil {
		t.Fatalf("%v: %q, %q", err, stdout, stderr)
	}
	if status != exitWarning || o.Schema != "nlbprobe-mss/1" || o.ServerMSS == nil || *o.ServerMSS != 512 || len(o.Findings) != 1 || o.Findings[0].ID != "mss-below-windows-floor" {
		t.Errorf("status %d, %s", status, stdout)
	}
	if text := strings.Join(o.Findings[0].Evidence, "\n"); !strings.Contains(text, `"eth0", takes packets of 1500 bytes, which makes segments of 1460`) {
		t.Errorf("evidence %q", text)
	}
	// The host's own service takes what fits.
	status, stdout, stderr = nlbprobe(t, l, "prober", "mss", "172.16.63.241:80")
	if status != exitOK || !strings.Contains(stdout, "takes segments of 1460 or more bytes: no Windows") || stderr != "" {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
	status, stdout, stderr = nlbprobe(t, l, "prober", "mss", "172.16.63.1:9")
	if status != exitUnknown || stdout != "" || stderr != "nlbprobe: connect to 172.16.63.1:9: connection refused\n" {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}
