package route

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/nlbprobe/nlbprobe/wire/wiretest"
)

// neighbourTable is the kernel's table as it describes it: what counts, and what
// does not.
func neighbourTable() []byte {
	entry := func(index uint32, state uint16, last byte, lladdr ...byte) []byte {
		b := append([]byte{syscall.AF_INET, 0, 0, 0}, number(index)...)
		b = append(binary.NativeEndian.AppendUint16(b, state), 0, 1)
		return message(syscall.RTM_NEWNEIGH, b, attribute(1, 172, 16, 63, last), attribute(2, lladdr...))
	}
	return slices.Concat(
		entry(7, 0x04, 30, 2, 0, 0, 0, 0, 30),   // stale
		entry(7, 0x02, 40, 2, 0, 0, 0, 0, 40),   // reachable: first
		entry(7, 0x80, 20, 2, 0, 0, 0, 0, 20),   // permanent
		entry(8, 0x02, 41, 2, 0, 0, 0, 0, 41),   // of another interface
		entry(7, 0x20, 42, 2, 0, 0, 0, 0, 42),   // failed
		entry(7, 0x02, 43, 3, 0xbf, 0, 0, 0, 1), // a cluster: no host
		entry(7, 0x02, 44),                      // no address
		entry(7, 0x40, 45, 2, 0, 0, 0, 0, 45),   // noarp
	)
}

func TestKnown(t *testing.T) {
	want := addrs("172.16.63.40", "172.16.63.20", "172.16.63.30")
	if got := known(parse(neighbourTable()), 7); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// FuzzKnown reads what no kernel says.
func FuzzKnown(f *testing.F) {
	if n := len(known(parse(neighbourTable()), 7)); n != 3 {
		f.Fatalf("the seed is not what it was: %d neighbours", n)
	}
	f.Add(neighbourTable(), 7)
	f.Fuzz(func(t *testing.T, table []byte, index int) {
		for _, ip := range known(parse(table), index) {
			if !ip.Is4() {
				t.Errorf("%v", ip)
			}
		}
	})
}

// The kernel's own table, as it is.
func TestNeighbours(t *testing.T) {
	s := wiretest.NewSegment(t)
	var got []netip.Addr
	s.Do(t, func() error {
		link, err := netlink.LinkByName("a")
		if err != nil {
			return err
		}
		for _, n := range []struct {
			last byte
			mac  []byte
		}{{31, []byte{2, 0, 0, 0, 0, 31}}, {30, []byte{2, 0, 0, 0, 0, 30}}, {32, []byte{3, 0xbf, 0, 0, 0, 1}}} {
			err := netlink.NeighAdd(&netlink.Neigh{
				LinkIndex: link.Attrs().Index, State: netlink.NUD_PERMANENT, IP: []byte{172, 16, 63, n.last}, HardwareAddr: n.mac,
			})
			if err != nil {
				return err
			}
		}
		got, err = Neighbours(link.Attrs().Index)
		return err
	})
	if want := addrs("172.16.63.30", "172.16.63.31"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
