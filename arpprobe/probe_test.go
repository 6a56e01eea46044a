package arpprobe_test

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/arpprobe"
	"github.com/nlbprobe/nlbprobe/mac"
)

var (
	vip     = netip.MustParseAddr("172.16.63.241")
	source  = arpprobe.Source{MAC: mac.Addr{2, 0, 0, 0, 0, 0x0a}, IP: netip.MustParseAddr("172.16.63.10")}
	cluster = mac.Addr{3, 0, 0x5e, 0x11, 0x11, 0x11}
)

func TestRequest(t *testing.T) {
	want := []byte{
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // destination: all
		0x02, 0x00, 0x00, 0x00, 0x00, 0x0a, // source: ours
		0x08, 0x06, // ARP
		0x00, 0x01, 0x08, 0x00, 0x06, 0x04, // Ethernet, IPv4, lengths 6 and 4
		0x00, 0x01, // request
		0x02, 0x00, 0x00, 0x00, 0x00, 0x0a, // sender MAC: ours
		172, 16, 63, 10, // sender IP: ours
		0, 0, 0, 0, 0, 0, // target MAC: what is asked for
		172, 16, 63, 241, // target IP
	}
	want = append(want, make([]byte, 60-len(want))...) // padding to the least Ethernet length
	got, err := arpprobe.Request(source, vip)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("got  % x, %v\nwant % x", got, err, want)
	}

	// Without an address of its own the host must not claim one.
	got, err = arpprobe.Request(arpprobe.Source{MAC: source.MAC}, vip)
	copy(want[28:], []byte{0, 0, 0, 0})
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("probe: got  % x, %v\nwant % x", got, err, want)
	}

	if _, err := arpprobe.Request(source, netip.MustParseAddr("2001:db8::1")); err == nil {
		t.Error("an IPv6 target gave no error")
	}
}

// heard is an answer and when it comes, after the first question.
type heard struct {
	at   time.Duration
	from byte
}

// drive runs a probe on paper: it steps whenever the probe wants to, delivers
// the answers in between, and returns when it asked and when it was over.
func drive(t *testing.T, timing arpprobe.Timing, answers []heard) (asks []time.Duration, over time.Duration) {
	t.Helper()
	start := time.Unix(1000, 0)
	p, err := arpprobe.New(vip, source, start, timing)
	if err != nil {
		t.Fatal(err)
	}
	now := start
	for range 100_000 {
		at, ok := p.Next()
		if !ok {
			if !p.Done() {
				t.Fatal("no next step, yet not done")
			}
			return asks, over
		}
		if len(answers) > 0 && start.Add(answers[0].at).Before(at) {
			p.Heard(arpprobe.Answer{EthSrc: mac.Addr{2, 0, 0, 0, 0, answers[0].from}, SenderMAC: cluster})
			now = start.Add(answers[0].at)
			answers = answers[1:]
			continue
		}
		if at.Before(now) {
			at = now // overdue: a new answer called for one more question
		}
		if due, _ := p.Next(); p.Step(due.Add(-time.Nanosecond)) != nil {
			t.Fatal("it asked before its time")
		}
		over = at.Sub(start)
		if p.Step(at) != nil {
			asks = append(asks, over)
		}
	}
	t.Fatal("the probe never ends")
	return nil, 0
}

func TestProbe(t *testing.T) {
	const ms = time.Millisecond
	short := arpprobe.DefaultTiming()
	short.Wait = 150 * ms
	once := arpprobe.DefaultTiming()
	once.Rounds, once.Most = 1, 3
	tests := []struct {
		name    string
		timing  arpprobe.Timing
		answers []heard
		asks    []time.Duration
		over    time.Duration
	}{
		{
			name: "silence: twice the time from question to question, at most a second", timing: arpprobe.DefaultTiming(),
			asks: []time.Duration{0, 100 * ms, 300 * ms, 700 * ms, 1500 * ms, 2500 * ms}, over: 3000 * ms,
		}, {
			name: "one host answers at once", timing: arpprobe.DefaultTiming(),
			answers: []heard{{1 * ms, 1}},
			asks:    []time.Duration{0, 100 * ms, 200 * ms}, over: 400 * ms,
		}, {
			name: "two hosts, the same answers to each question", timing: arpprobe.DefaultTiming(),
			answers: []heard{{1 * ms, 1}, {2 * ms, 2}, {101 * ms, 2}, {102 * ms, 1}, {201 * ms, 1}, {202 * ms, 2}},
			asks:    []time.Duration{0, 100 * ms, 200 * ms}, over: 400 * ms,
		}, {
			// The late one shows that not all had spoken: one more question.
			name: "a second host is late", timing: arpprobe.DefaultTiming(),
			answers: []heard{{1 * ms, 1}, {350 * ms, 2}},
			asks:    []time.Duration{0, 100 * ms, 200 * ms, 350 * ms}, over: 550 * ms,
		}, {
			name: "the first answer comes to the third question", timing: arpprobe.DefaultTiming(),
			answers: []heard{{310 * ms, 1}},
			asks:    []time.Duration{0, 100 * ms, 300 * ms, 400 * ms, 500 * ms}, over: 700 * ms,
		}, {
			name: "one answer is enough", timing: once,
			answers: []heard{{1 * ms, 1}},
			asks:    []time.Duration{0}, over: 200 * ms,
		}, {
			// Several that contradict each other are asked again, but not for ever.
			name: "a new answer each time, and questions are few", timing: once,
			answers: []heard{{1 * ms, 1}, {2 * ms, 2}, {101 * ms, 1}, {102 * ms, 3}, {201 * ms, 1}, {202 * ms, 4}, {203 * ms, 5}},
			asks:    []time.Duration{0, 100 * ms, 200 * ms}, over: 400 * ms,
		}, {
			name: "no time for all rounds", timing: short,
			answers: []heard{{1 * ms, 1}},
			asks:    []time.Duration{0, 100 * ms}, over: 150 * ms,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asks, over := drive(t, tt.timing, tt.answers)
			if !slices.Equal(asks, tt.asks) || over != tt.over {
				t.Errorf("asked at %v, over at %v\nwant %v, %v", asks, over, tt.asks, tt.over)
			}
		})
	}
}

// Whoever invents a new answer to each question must not keep the probe going
// beyond its time, nor fill the memory.
func TestProbeHostile(t *testing.T) {
	timing := arpprobe.DefaultTiming()
	var answers []heard
	for i := range 20_000 {
		answers = append(answers, heard{time.Duration(i) * time.Millisecond, byte(i)})
	}
	asks, over := drive(t, timing, answers)
	if over > timing.Wait || len(asks) > 40 {
		t.Errorf("over after %v with %d questions", over, len(asks))
	}
}

// A start that comes late still gives the whole time for answers.
func TestProbeLateStart(t *testing.T) {
	start := time.Unix(1000, 0)
	p, err := arpprobe.New(vip, source, start, arpprobe.DefaultTiming())
	if err != nil {
		t.Fatal(err)
	}
	late := start.Add(10 * time.Second)
	if p.Step(late) == nil {
		t.Fatal("it did not ask")
	}
	if at, ok := p.Next(); !ok || !at.Equal(late.Add(100*time.Millisecond)) {
		t.Errorf("next at %v, %v", at.Sub(late), ok)
	}
}
