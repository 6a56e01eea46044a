package report

import (
	"fmt"
	"strings"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
)

// Heard writes one line.
func (t *Text) Heard(h event.Heard) error {
	told := h.Told
	to := told.Of.Target.String()
	if told.Of.Target != h.VIP {
		to = "control " + to
	}
	line := ""
	switch told.Word {
	case evidence.Replied:
		line = to + " answers " + packet(told.Of)
		if h.Again {
			line = to + " answers the same packet once more (DUP)"
		}
	case evidence.Accepted:
		line = fmt.Sprintf("%s accepts a connection to port %d", to, told.Of.Port)
	case evidence.Refused:
		line = fmt.Sprintf("%s refuses a connection to port %d", to, told.Of.Port)
	case evidence.NoRoute:
		line = "this host has no route to " + to
	case evidence.Forbidden:
		line = fmt.Sprintf("this host does not allow %s to %s", packet(told.Of), to)
	case evidence.Unsent:
		line = fmt.Sprintf("this host could not send %s to %s", packet(told.Of), to)
	default:
		who := "somebody"
		if told.From.IsValid() {
			who = told.From.String()
		}
		switch {
		case h.Own:
			who = "this host itself, " + who + ","
		case told.From == told.Of.Target:
			who = to
		case told.Type == evidence.TimeExceeded && told.Of.TTL > 0:
			return t.write(fmt.Sprintf("%s is a router on the way, %s  %s\n", who, hops(told.Of.TTL), milliseconds(h.After)))
		}
		line = fmt.Sprintf("%s says %s of %s to %s", who, diagnose.ICMPName(told.Type, told.Code), packet(told.Of), to)
		if told.From == told.Of.Target {
			line = fmt.Sprintf("%s says %s of %s", who, diagnose.ICMPName(told.Type, told.Code), packet(told.Of))
			if h.Again {
				line = who + " answers the same packet once more (DUP)"
			}
		}
	}
	line += "  " + milliseconds(h.After)
	if len(line) > Width {
		return t.write(Wrap("", "  ", line, Width))
	}
	return t.write(line + "\n")
}

// packet names a packet of ours.
func packet(a evidence.Ask) string {
	switch a.By {
	case evidence.ByTCP:
		return fmt.Sprintf("a SYN to port %d", a.Port)
	case evidence.ByUDP:
		return "a UDP datagram"
	}
	return "an echo request"
}

func hops(n uint8) string {
	if n == 1 {
		return "1 hop away"
	}
	return fmt.Sprintf("%d hops away", n)
}

// remoteLines say the verdict of a client of another subnet in words, and how it
// was come by.
func remoteLines(o Outcome) []string {
	var text string
	switch o.Diagnosis.Verdict {
	case diagnose.Reachable:
		text = "It answers here, on another subnet than its own."
	case diagnose.NoMAC:
		text = "A router has no MAC for it: nobody answers its ARP, or it refuses the answer. From another subnet the two are alike."
	default:
		text = "Nothing came back that says how it is. From another subnet that proves nothing."
	}
	from := ""
	if o.Interface != "" {
		from = " from " + Clean(o.Interface)
	}
	packets := "1 packet"
	if o.Sent != 1 {
		packets = fmt.Sprintf("%d packets", o.Sent)
	}
	lines := []string{text, fmt.Sprintf("Vantage remote: %s%s by way of the routers, %s in all.", packets, from, milliseconds(o.Elapsed))}
	if o.Partial {
		lines = append(lines, "Interrupted: this is what was known by then.")
	}
	return lines
}

// next says where to go on.
func next(d diagnose.Diagnosis) string {
	run := fmt.Sprintf("Run nlbprobe %s on a host of its subnet that is no cluster node", d.VIP)
	switch d.Verdict {
	case diagnose.Reachable:
		return run + ": it tests every router of that subnet, the standby one too."
	case diagnose.NoMAC:
		var routers []string
		for _, r := range d.Routers {
			if r.Reach == diagnose.DoesNotReach {
				routers = append(routers, r.IP.String())
			}
		}
		return run + ": it tells which of the two it is and prints the lines to paste. On router " + strings.Join(routers, " and ") +
			fmt.Sprintf(", look at the ARP entry of %s.", d.VIP)
	}
	return run + ". From here a service may answer: --tcp PORT."
}
