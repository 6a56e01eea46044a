package lab

import (
	"runtime"
	"unsafe"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// neighbourTiming changes how an interface's neighbour table behaves. The zero
// value changes nothing.
type neighbourTiming struct {
	impatient    bool // asks 4 times a second, and forgets within seconds
	answerAtOnce bool // no random delay before proxy ARP
}

// Attributes of linux/neighbour.h.
const (
	ndtaName               = 1
	ndtaParms              = 6
	ndtpaIfindex           = 1
	ndtpaBaseReachableTime = 4
	ndtpaRetransTime       = 5
	ndtpaDelayProbeTime    = 7
	ndtpaProxyDelay        = 13
)

// set changes one interface of the calling thread's network. It asks by
// netlink since a user namespace does not show /proc/sys/net/ipv4/neigh.
func (t neighbourTiming) set(index int) error {
	if t == (neighbourTiming{}) {
		return nil
	}
	parms := nl.NewRtAttr(ndtaParms|unix.NLA_F_NESTED, nil)
	parms.AddRtAttr(ndtpaIfindex, nl.Uint32Attr(uint32(index)))
	if t.impatient {
		parms.AddRtAttr(ndtpaBaseReachableTime, nl.Uint64Attr(1000)) // all in milliseconds
		parms.AddRtAttr(ndtpaRetransTime, nl.Uint64Attr(250))
		parms.AddRtAttr(ndtpaDelayProbeTime, nl.Uint64Attr(100))
	}
	if t.answerAtOnce {
		parms.AddRtAttr(ndtpaProxyDelay, nl.Uint64Attr(0))
	}
	req := nl.NewNetlinkRequest(unix.RTM_SETNEIGHTBL, unix.NLM_F_ACK)
	req.AddData(tableFamily{})
	req.AddData(nl.NewRtAttr(ndtaName, nl.ZeroTerminated("arp_cache")))
	req.AddData(parms)
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// tableFamily is struct ndtmsg of linux/neighbour.h: the family and padding.
type tableFamily struct{}

func (tableFamily) Len() int          { return 4 }
func (tableFamily) Serialize() []byte { return []byte{unix.AF_INET, 0, 0, 0} }

// sendWholeChecksums makes an interface fill in transport checksums, and with
// that cut segments to size, before a frame leaves: on a cable frames are
// whole, and a capture in the lab must not differ.
func sendWholeChecksums(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	value := struct{ cmd, data uint32 }{cmd: unix.ETHTOOL_STXCSUM} // struct ethtool_value
	// struct ifreq: the name, then a union that here holds a pointer.
	var request struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}
	copy(request.name[:unix.IFNAMSIZ-1], name)
	request.data = unsafe.Pointer(&value)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request)))
	runtime.KeepAlive(&value)
	if errno != 0 {
		return errno
	}
	return nil
}
