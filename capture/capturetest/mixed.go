// Package capturetest makes capture files for tests and benchmarks.
package capturetest

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/evidence"
)

// Format is the kind of a capture file.
type Format uint8

// The formats.
const (
	PCAP   Format = iota // little-endian, microseconds
	PCAPNG               // as capture.Writer writes it
)

// Mixed says what a file of mixed traffic holds.
type Mixed struct {
	Frames     int
	OfInterest int   // ARP, IGMP and NLB heartbeats: one frame in 1000
	Bytes      int64 // of the frames, without the file's own headers
}

// every is how many frames there are to one of interest.
const every = 1000

// gap is the time between two frames.
const gap = 5 * time.Microsecond

// mixedStart is the time of the first frame.
const mixedStart = 1_764_000_000

// WriteMixed writes frames as a busy server port sees them until at least size
// bytes of them are written: mostly TCP, in full segments and bare
// acknowledgements, some UDP, some IPv6, one in eight with a VLAN tag; and one in
// 1000 that a diagnosis looks at: a cluster that is asked for and answers in
// multicast mode (172.16.63.241 at 03:bf:ac:10:3f:f1), its heartbeats, IGMP. TCP is
// of connections that are opened, with the usual segment size, and used. The same
// seed gives the same bytes. Payloads are of no meaning; of checksums those of
// IPv4 are right, the others zero.
func WriteMixed(w io.Writer, format Format, size int64, seed uint64) (Mixed, error) {
	bw := bufio.NewWriterSize(w, 1<<20)
	write, flush, err := sink(bw, format)
	if err != nil {
		return Mixed{}, err
	}
	g := newGenerator(seed)
	var m Mixed
	f := evidence.Frame{Time: time.Unix(mixedStart, 0), Place: "eth0"}
	for m.Bytes < size {
		if m.Frames%every == every/2 {
			f.Data = g.ofInterest(m.OfInterest)
			m.OfInterest++
		} else {
			f.Data = g.ordinary()
		}
		f.Length = len(f.Data)
		f.Time = f.Time.Add(gap)
		if err := write(&f); err != nil {
			return m, err
		}
		m.Frames++
		m.Bytes += int64(len(f.Data))
	}
	if err := flush(); err != nil {
		return m, err
	}
	return m, bw.Flush()
}

// sink begins a file of a format and returns what adds to it and ends it.
func sink(w io.Writer, format Format) (write func(*evidence.Frame) error, flush func() error, err error) {
	switch format {
	case PCAP:
		b := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
		b = binary.LittleEndian.AppendUint16(b, 2) // version 2.4
		b = binary.LittleEndian.AppendUint16(b, 4)
		b = append(b, make([]byte, 8)...)
		b = binary.LittleEndian.AppendUint32(b, capture.MaxFrame)
		b = binary.LittleEndian.AppendUint32(b, 1) // Ethernet
		if _, err := w.Write(b); err != nil {
			return nil, nil, err
		}
		var head [16]byte
		return func(f *evidence.Frame) error {
			binary.LittleEndian.PutUint32(head[0:], uint32(f.Time.Unix()))
			binary.LittleEndian.PutUint32(head[4:], uint32(f.Time.Nanosecond()/1000))
			binary.LittleEndian.PutUint32(head[8:], uint32(len(f.Data)))
			binary.LittleEndian.PutUint32(head[12:], uint32(f.Length))
			if _, err := w.Write(head[:]); err != nil {
				return err
			}
			_, err := w.Write(f.Data)
			return err
		}, func() error { return nil }, nil
	case PCAPNG:
		ng, err := capture.NewWriter(w, "capturetest", nil)
		if err != nil {
			return nil, nil, err
		}
		return func(f *evidence.Frame) error { return ng.Write(f) }, ng.Flush, nil
	}
	return nil, nil, fmt.Errorf("capturetest: no format %d", format)
}

// generator makes frames, each in a buffer that the next one uses again.
type generator struct {
	rand  *rand.Rand
	buf   [1522]byte
	noise [4096]byte
}

func newGenerator(seed uint64) *generator {
	g := &generator{rand: rand.New(rand.NewPCG(seed, seed))}
	for i := range g.noise {
		g.noise[i] = byte(g.rand.Uint32())
	}
	return g
}

// ordinary makes a frame of no interest.
func (g *generator) ordinary() []byte {
	const (
		full     = 1448 // bytes in a full segment, with time stamps
		tcp      = 20 + 32
		syn, ack = 0x02, 0x10
	)
	v := g.rand.Uint32()
	payload, header, flags := 0, tcp, byte(ack)
	protocol := byte(6)
	switch v % 16 {
	case 0, 1, 2, 3, 4, 5, 6, 7: // data
		payload = full
	case 8, 9, 10, 11, 12: // acknowledgements, and one opening of 40
		if v>>8%40 == 0 {
			flags = syn | byte(v>>16)&1*ack
		}
	case 13: // requests
		payload = 100 + int(v>>8)%600
	default: // UDP
		payload, header, protocol = 40+int(v>>8)%400, 20+8, 17
	}
	b := g.ethernet(v)
	client, server := byte(v>>16), byte(v>>12) // of some ten thousand connections
	if v>>4%32 == 0 {                          // IPv6, whose header is 20 bytes longer
		payload = min(payload, full-20)
		b = binary.BigEndian.AppendUint16(b, 0x86dd)
		b = append(b, 0x60, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(header-20+payload))
		b = append(b, protocol, 64)
		b = append(b, g.noise[:31]...)
		b = append(b, client)
	} else {
		b = binary.BigEndian.AppendUint16(b, 0x0800)
		at := len(b)
		b = append(b, 0x45, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(header+payload))
		b = append(b, byte(v>>24), byte(v>>8), 0x40, 0, 64, protocol, 0, 0)
		b = append(b, 172, 16, 63, server, 10, client, byte(v>>20), 1)
		sum := uint32(0)
		for i := at; i < len(b); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(b[i:]))
		}
		sum = sum>>16 + sum&0xffff
		binary.BigEndian.PutUint16(b[at+10:], ^uint16(sum>>16+sum))
	}
	at := int(v>>20) % 2048
	b = binary.BigEndian.AppendUint16(b, 443)
	b = binary.BigEndian.AppendUint16(b, 50_000+uint16(client))
	if protocol == 17 {
		b = binary.BigEndian.AppendUint16(b, uint16(8+payload))
		b = append(b, 0, 0)
	} else {
		b = append(b, g.noise[at:at+8]...) // sequence and acknowledgement numbers
		b = append(b, 8<<4, flags, 0x20, 0, 0, 0, 0, 0)
		if flags&syn != 0 { // segment size, the rest is none
			b = append(b, 2, 4, 0x05, 0xb4, 0, 0, 0, 0, 0, 0, 0, 0)
		} else { // time stamps
			b = append(b, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1)
		}
	}
	b = append(b, g.noise[at:at+payload]...)
	return atLeast60(b)
}

// ethernet begins a frame with addresses and, one in eight, a tag.
func (g *generator) ethernet(v uint32) []byte {
	b := append(g.buf[:0], 0x02, 0, 0, 0, byte(v>>24), 1, 0x02, 0, 0, 0, byte(v>>16), 2)
	if v>>9%8 == 0 {
		b = append(b, 0x81, 0x00, 0, 63)
	}
	return b
}

// ofInterest makes the nth frame that a diagnosis looks at.
func (g *generator) ofInterest(n int) []byte {
	host, cluster := [6]byte{0x02, 0, 0, 0, 0, 9}, [6]byte{0x03, 0xbf, 0xac, 0x10, 0x3f, 0xf1}
	node := [6]byte{0x02, 0x01, 0xac, 0x10, 0x3f, 0xf1}
	b := g.buf[:0]
	switch n % 4 {
	case 0: // who has the VIP?
		b = append(b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
		b = append(b, host[:]...)
		b = append(b, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1)
		b = append(b, host[:]...)
		b = append(b, 172, 16, 63, 9, 0, 0, 0, 0, 0, 0, 172, 16, 63, 241)
	case 1: // it is at the cluster MAC, says a node
		b = append(b, host[:]...)
		b = append(b, node[:]...)
		b = append(b, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 2)
		b = append(b, cluster[:]...)
		b = append(b, 172, 16, 63, 241)
		b = append(b, host[:]...)
		b = append(b, 172, 16, 63, 9)
	case 2: // a heartbeat
		b = append(b, cluster[:]...)
		b = append(b, node[:]...)
		b = append(b, 0x88, 0x6f)
		b = append(b, g.noise[:1486]...)
	default: // an IGMPv2 report for 239.255.63.241, with router alert
		b = append(b, 0x01, 0x00, 0x5e, 0x7f, 0x3f, 0xf1)
		b = append(b, node[:]...)
		b = append(b, 0x08, 0x00, 0x46, 0, 0, 32, 0, 0, 0, 0, 1, 2, 0, 0)
		b = append(b, 172, 16, 63, 10, 239, 255, 63, 241, 0x94, 4, 0, 0)
		b = append(b, 0x16, 0, 0, 0, 239, 255, 63, 241)
	}
	return atLeast60(b)
}

// atLeast60 pads a frame to the least length that Ethernet has.
func atLeast60(b []byte) []byte {
	for len(b) < 60 {
		b = append(b, 0)
	}
	return b
}
