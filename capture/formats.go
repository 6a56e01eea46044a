package capture

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// convertIt is how most other formats become one that is read: Wireshark knows
// them.
const convertIt = "convert it with Wireshark's editcap -F pcap FILE NEW.pcap"

// formats are the beginnings of files that are no pcap, and what to do about them.
var formats = [...]struct{ begins, is string }{
	{"snoop\x00\x00\x00", "Solaris snoop (RFC 1761): " + convertIt},
	{"GMBU", "Microsoft Network Monitor 2: " + convertIt},
	{"RTSS", "Microsoft Network Monitor 1: " + convertIt},
	{"TRSNIFF data    \x1a", "Sniffer for DOS: " + convertIt},
	{"XCP\x00", "Sniffer for Windows: " + convertIt},
	{"VL\x00\x00", "NetXRay: " + convertIt},
	{"iptrace 1.0", "AIX iptrace: " + convertIt},
	{"iptrace 2.0", "AIX iptrace: " + convertIt},
	{"TR\x00d\x00", "HP-UX nettl: " + convertIt},
	{"\x7fver", "Savvius Peek (OmniPeek, EtherPeek): " + convertIt},
	{"ObserverPktBufferVersion=", "Observer: " + convertIt},
	{"\x05VNF", "Visual Networks: " + convertIt},
	{"HCPX", "hashcat's hccapx, which has no Ethernet frames"},
	{"btsnoop\x00", "Bluetooth's btsnoop, which has no Ethernet frames"},
	{"\xfd7zXZ\x00", "compressed with xz: expand it with xz -d FILE"},
	{"BZh", "compressed with bzip2: expand it with bzip2 -d FILE"},
	{"\x04\x22\x4d\x18", "compressed with lz4: expand it with lz4 -d FILE"},
	{"PK\x03\x04", "a zip archive: unpack it, and read what it holds"},
}

// The formats that no first bytes tell.
const (
	isETL = "an event trace (ETL) of Windows: convert it with pktmon etl2pcap FILE --out NEW.pcapng, or etl2pcapng FILE NEW.pcapng"
	isERF = "Endace ERF: " + convertIt

	isNetScaler = "a Citrix NetScaler trace (nstrace): " + convertIt
)

// otherFormat names the format of an input that is no pcap, and how to convert it;
// it is empty where the format is not known.
func (r *Reader) otherFormat() string {
	const enough = 0x48 + 4
	r.in.need(enough)
	head := r.in.buf[r.in.pos:r.in.end]
	for _, f := range formats {
		if bytes.HasPrefix(head, []byte(f.begins)) {
			return f.is
		}
	}
	switch name := strings.ToLower(r.name); {
	case strings.HasSuffix(name, ".etl"), startsETL(head):
		return isETL
	case bytes.Contains(head, []byte("NetScaler ")): // its first record is a signature in words
		return isNetScaler
	case strings.HasSuffix(name, ".erf"):
		return isERF
	}
	return ""
}

// startsETL reports the first buffer of an event trace: its size in kibibytes, and
// after its header of 72 bytes an event with the mark of a trace header (evntrace.h,
// WMI_BUFFER_HEADER and SYSTEM_TRACE_HEADER).
func startsETL(head []byte) bool {
	const header, mark, most = 0x48, 0xc0, 64 << 20
	if len(head) < header+4 {
		return false
	}
	size := binary.LittleEndian.Uint32(head)
	return size >= 1<<10 && size%(1<<10) == 0 && size <= most && head[header+3] == mark && (head[header+2] == 1 || head[header+2] == 2)
}
