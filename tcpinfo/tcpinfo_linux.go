package tcpinfo

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/nlbprobe/nlbprobe/evidence"
)

const (
	optTimestamps  = 1  // TCPI_OPT_TIMESTAMPS in linux/tcp.h
	timestampBytes = 12 // of the option in each segment, which the kernel takes off the size (RFC 7323 3)
)

// ask reads TCP_INFO (tcp(7)). The size that the kernel sends for is what the
// other end takes, bounded by the path and by half of a small window, less the
// options of each segment.
func ask(fd int, o *evidence.Offer) error {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return os.NewSyscallError("getsockopt TCP_INFO", err)
	}
	o.MSS, o.PathMTU = int(info.Snd_mss), int(info.Pmtu)
	if info.Options&optTimestamps != 0 {
		o.MSS += timestampBytes
	}
	headers := 20 + 20
	if o.Src.Addr().Is6() && !o.Src.Addr().Is4In6() {
		headers = 40 + 20
	}
	o.AtLeast = o.PathMTU > 0 && o.MSS+headers >= o.PathMTU || info.Snd_wnd > 0 && o.MSS >= int(info.Snd_wnd)/2
	return nil
}
