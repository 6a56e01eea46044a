package routerprobe_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/observe"
	"github.com/nlbprobe/nlbprobe/routerprobe"
)

func mustFrame(t *testing.T) func(b []byte, err error) []byte {
	return func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

// The checksums below are those that tshark calls good.
func TestFrames(t *testing.T) {
	must := mustFrame(t)
	echo := []byte{
		0x02, 0, 0, 0, 0, 0x01, // to the router
		0x02, 0, 0, 0, 0, 0x0a, // from us
		0x08, 0x00, // IPv4
		0x45, 0x00, 0x00, 0x6f, // version 4, 20 bytes of header; 20 + 8 + 8 + 75 in all
		0x00, 0x00, 0x40, 0x00, // no identification, don't fragment
		0x40, 0x01, 0x63, 0x72, // TTL 64, ICMP, checksum
		172, 16, 63, 10, // ours
		172, 16, 63, 241, // the VIP
		0x08, 0x00, 0xb3, 0x73, // echo request, checksum
		0x12, 0x34, 0x00, 0x02, // identifier, sequence number
	}
	echo = append(echo, 1, 2, 3, 4, 5, 6, 7, 8) // random
	echo = append(echo, "nlbprobe: does this router reach this address? github.com/nlbprobe/nlbprobe"...)
	syn := []byte{
		0x02, 0, 0, 0, 0, 0x01,
		0x02, 0, 0, 0, 0, 0x0a,
		0x08, 0x00,
		0x45, 0x00, 0x00, 0x2c, // 20 + 24 in all
		0x00, 0x00, 0x40, 0x00,
		0x40, 0x06, 0x63, 0xb0, // TTL 64, TCP
		172, 16, 63, 10,
		172, 16, 63, 241,
		0xee, 0x49, 0x01, 0xbb, // from port 61001 to 443
		0x01, 0x02, 0x03, 0x04, // sequence number
		0x00, 0x00, 0x00, 0x00,
		0x60, 0x02, 0xff, 0xff, // 24 bytes of header, SYN, window
		0xcc, 0xff, 0x00, 0x00, // checksum
		0x02, 0x04, 0x05, 0xb4, // MSS 1460
		0x00, 0x00, // padding to the least Ethernet length
	}
	rst := []byte{
		0x02, 0, 0, 0, 0, 0x01,
		0x02, 0, 0, 0, 0, 0x0a,
		0x08, 0x00,
		0x45, 0x00, 0x00, 0x28, // 20 + 20 in all
		0x00, 0x00, 0x40, 0x00,
		0x40, 0x06, 0x63, 0xb4,
		172, 16, 63, 10,
		172, 16, 63, 241,
		0xee, 0x49, 0x01, 0xbb,
		0x01, 0x02, 0x03, 0x05, // one more than the SYN's
		0x00, 0x00, 0x00, 0x00,
		0x50, 0x04, 0x00, 0x00, // 20 bytes of header, RST
		0xe4, 0xb8, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	}
	at := netip.AddrPortFrom(vip, 443)
	tests := []struct {
		name      string
		got, want []byte
	}{
		{"echo", must(routerprobe.Echo(us, router.MAC, vip, routerprobe.EchoNumbers{ID: 0x1234, Seq: 2, Token: 0x0102030405060708})), echo},
		{"SYN", must(routerprobe.SYN(us, router.MAC, at, 61001, 0x01020304)), syn},
		{"RST", must(routerprobe.RST(us, router.MAC, at, 61001, 0x01020305)), rst},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !bytes.Equal(tt.got, tt.want) {
				t.Errorf("got  % x\nwant % x", tt.got, tt.want)
			}
			judge(t, tt.got)
		})
	}
}

// judge has Wireshark's dissectors look for anything wrong with the frame.
func judge(t *testing.T, frame []byte) {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	// A classic capture file: magic number, version 2.4, zone and accuracy, the
	// most bytes of a frame, Ethernet; then the frame's instant and lengths.
	var pcap bytes.Buffer
	for _, v := range []any{uint32(0xa1b2c3d4), uint16(2), uint16(4), uint64(0), uint32(65535), uint32(1), uint64(0), uint32(len(frame)), uint32(len(frame))} {
		if err := binary.Write(&pcap, binary.BigEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	pcap.Write(frame)
	file := filepath.Join(t.TempDir(), "frame.pcap")
	if err := os.WriteFile(file, pcap.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("tshark", "-r", file, "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE",
		"-T", "fields", "-e", "ip.checksum.status", "-e", "icmp.checksum.status", "-e", "tcp.checksum.status", "-e", "_ws.malformed", "-e", "_ws.expert.message").Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	// The statuses are 1 where they are good; TCP's openings and resets are
	// remarked on, and an echo that nobody answered.
	text := strings.TrimRight(string(out), "\n")
	fields := strings.Split(text, "\t")
	if len(fields) != 5 || fields[0] != "1" || fields[1]+fields[2] != "1" || fields[3] != "" {
		t.Errorf("tshark says %q", text)
	}
	for _, remark := range []string{"hecksum", "alformed", "ength", "hort"} {
		if strings.Contains(fields[len(fields)-1], remark) {
			t.Errorf("tshark says %q", text)
		}
	}
}

func TestFrameErrors(t *testing.T) {
	six := netip.MustParseAddr("2001:db8::1")
	nobody := routerprobe.Source{MAC: us.MAC}
	for _, err := range []error{
		second(routerprobe.Echo(us, router.MAC, six, routerprobe.EchoNumbers{})), second(routerprobe.Echo(nobody, router.MAC, vip, routerprobe.EchoNumbers{})),
		second(routerprobe.Echo(us, router.MAC, netip.Addr{}, routerprobe.EchoNumbers{})),
		second(routerprobe.SYN(us, router.MAC, netip.AddrPortFrom(six, 1), 1, 1)), second(routerprobe.RST(nobody, router.MAC, netip.AddrPortFrom(vip, 1), 1, 1)),
	} {
		if err == nil || !strings.Contains(err.Error(), "not an IPv4 address") {
			t.Errorf("error %v", err)
		}
	}
}

func second(_ []byte, err error) error { return err }

// FuzzFrames holds that the observer reads back what was asked for.
func FuzzFrames(f *testing.F) {
	f.Add(uint32(0xac103f0a), uint32(0xac103ff1), uint16(1), uint16(443), uint32(7))
	f.Add(uint32(0x01000000), uint32(0), uint16(0xffff), uint16(0), uint32(0xffffffff))
	f.Add(uint32(0xffffffff), uint32(0xffffffff), uint16(0), uint16(0xffff), uint32(0))
	f.Fuzz(func(t *testing.T, from, to uint32, id, port uint16, seq uint32) {
		if from == 0 {
			return // nobody's address: an error
		}
		must := mustFrame(t)
		addr := func(v uint32) netip.Addr {
			return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
		}
		src, dst := routerprobe.Source{MAC: us.MAC, IP: addr(from)}, netip.AddrPortFrom(addr(to), port)
		tcp := evidence.TCP{EthSrc: us.MAC, EthDst: router.MAC, Src: netip.AddrPortFrom(src.IP, id), Dst: dst, TTL: routerprobe.TTL}
		syn, rst := tcp, tcp
		syn.SYN, syn.MSS, rst.RST = true, routerprobe.MSS, true
		syn.Number, rst.Number = seq, seq
		for _, c := range []struct {
			frame []byte
			want  evidence.Fact
		}{
			{
				must(routerprobe.Echo(src, router.MAC, dst.Addr(), routerprobe.EchoNumbers{ID: id, Seq: port, Token: uint64(seq) << 8})),
				evidence.Echo{EthSrc: us.MAC, EthDst: router.MAC, Src: src.IP, Dst: dst.Addr(), TTL: routerprobe.TTL, ID: id, Seq: port, Token: uint64(seq) << 8},
			},
			{must(routerprobe.SYN(src, router.MAC, dst, id, seq)), syn},
			{must(routerprobe.RST(src, router.MAC, dst, id, seq)), rst},
		} {
			got := observe.Facts(nil, &evidence.Frame{Data: c.frame, Length: len(c.frame)})
			if len(got) != 1 || got[0] != c.want || len(c.frame) < 60 || mac.From(c.frame) != router.MAC {
				t.Errorf("read %+v\nwant %+v", got, c.want)
			}
			if b := c.frame; b[23] == 6 {
				// The observer does not judge TCP's checksum: over the segment with
				// its pseudo-header, all in ones' complement, the sum is 0xffff.
				segment := b[34 : 14+int(binary.BigEndian.Uint16(b[16:]))]
				total := 6 + len(segment)
				for _, part := range [][]byte{b[26:34], segment} {
					for i := 0; i < len(part); i += 2 {
						total += int(binary.BigEndian.Uint16(part[i:]))
					}
				}
				if total%0xffff != 0 || binary.BigEndian.Uint32(b[38:]) != seq {
					t.Errorf("checksum or sequence number of % x", b)
				}
			}
		}
	})
}
