package report

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
	"github.com/nlbprobe/nlbprobe/templates"
)

// Text writes a run for people: answers as they come, then per VIP the verdict,
// the cluster, the routers and the findings, and at the end the configuration to
// paste, which starts at the margin.
type Text struct {
	w     io.Writer
	style Style
	wrote bool
}

// Style says how Text looks.
type Style struct {
	Colour bool
	// Verbose gives every finding with its evidence, cure and sources, and
	// lists without end. Without it only the worst are told so, the others in a
	// sentence each.
	Verbose bool
}

// NewText returns a Handler that writes to w. Each call of its methods is one
// Write.
func NewText(w io.Writer, style Style) *Text { return &Text{w: w, style: style} }

var _ Handler = (*Text)(nil)

// The ANSI colours of severities.
const (
	bold   = "1"
	red    = "1;31"
	yellow = "1;33"
	green  = "1;32"
	cyan   = "36"
)

func (t *Text) paint(code, s string) string {
	if !t.style.Colour {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func severityColour(s diagnose.Severity) string {
	switch s {
	case diagnose.Critical:
		return red
	case diagnose.Warning, diagnose.Unknown:
		return yellow
	case diagnose.Info:
		return cyan
	default:
		return green
	}
}

func (t *Text) write(s string) error {
	t.wrote = true
	_, err := io.WriteString(t.w, s)
	return err
}

// Answer writes one line.
func (t *Text) Answer(a event.Answer) error {
	line := fmt.Sprintf("%s is at %s", a.VIP, a.ARP.SenderMAC)
	if a.ARP.EthSrc != a.ARP.SenderMAC {
		line = fmt.Sprintf("%s answers: %s", a.ARP.EthSrc, line)
	}
	line += fmt.Sprintf("  %s", milliseconds(a.After))
	if a.ARP.VLAN != 0 {
		line += fmt.Sprintf("  VLAN %d", a.ARP.VLAN)
	}
	return t.write(line + "\n")
}

// indent is as wide as the left column.
const indent = "          "

// label sets the words of the left column.
func label(s string) string { return fmt.Sprintf("%-*s", len(indent), s) }

// labelled sets text beside a label in the left column.
func (t *Text) labelled(name, text string) string {
	set := Wrap(label(name), indent, text, Width)
	return t.paint(bold, label(name)) + strings.TrimPrefix(set, label(name))
}

// SoFar writes a sentence: what the verdict is as yet, and what it waits for.
func (t *Text) SoFar(s event.SoFar) error {
	return t.write(Wrap("", "  ", fmt.Sprintf("%s so far: %s; %s", who(s.Name, s.Diagnosis.VIP), s.Diagnosis.Verdict, pendingWords(s.Pending)), Width))
}

// pendingWords says what is waited for.
func pendingWords(p event.Pending) string {
	var all []string
	for _, ip := range p.Routers {
		all = append(all, "testing router "+ip.String())
	}
	for _, w := range []struct {
		on   bool
		text string
	}{
		{p.Hellos, "awaiting routers' hellos"},
		{p.Heartbeats, "hearing heartbeats"},
		{p.Members, "asking for the group's members"},
		{p.Ports, "connecting"},
		{p.Listen, "listening as asked"},
	} {
		if w.on {
			all = append(all, w.text)
		}
	}
	return strings.Join(all, ", ")
}

// who names a VIP.
func who(name string, vip netip.Addr) string {
	if name == "" {
		return vip.String()
	}
	return vip.String() + " (" + Clean(name) + ")"
}

// Outcome writes the report of one VIP.
func (t *Text) Outcome(o Outcome) error {
	var b strings.Builder
	if t.wrote {
		b.WriteByte('\n')
	}
	d := o.Diagnosis
	b.WriteString(t.paint(bold, label("VERDICT")))
	b.WriteString(who(o.Name, d.VIP) + " " + t.paint(severityColour(d.Severity), string(d.Verdict)+", "+d.Severity.String()) + "\n")
	for _, line := range verdictLines(o) {
		b.WriteString(Wrap(indent, indent, line, Width))
	}
	t.cluster(&b, d)
	t.routers(&b, d)
	t.findings(&b, d.Findings, d.Severity)
	if o.NoConfig != "" {
		b.WriteByte('\n')
		b.WriteString(t.labelled("CONFIG", o.NoConfig))
	}
	if d.Remote {
		b.WriteByte('\n')
		b.WriteString(t.labelled("NEXT", next(d)))
	}
	return t.write(b.String())
}

// findings writes all findings: what is worst in full, the rest in a sentence;
// all of it where nothing could be learnt.
func (t *Text) findings(b *strings.Builder, all []diagnose.Finding, severity diagnose.Severity) {
	short := 0
	for _, f := range all {
		worst := f.Severity == severity && f.Severity != diagnose.Info
		full := t.style.Verbose || worst || severity == diagnose.Unknown
		t.finding(b, f, full)
		if !full {
			short++
		}
	}
	if short > 0 {
		b.WriteString("\n" + t.labelled("MORE", "--verbose prints the evidence of each finding;") +
			Wrap(indent, indent, "nlbprobe explain ID says what a finding means", Width))
	}
}

// Connection writes the report of one connection.
func (t *Text) Connection(c event.Connection) error {
	var b strings.Builder
	if t.wrote {
		b.WriteByte('\n')
	}
	d := c.Diagnosis
	server := d.Server.String()
	if c.Name != "" {
		server += " (" + Clean(c.Name) + ")"
	}
	b.WriteString(t.paint(bold, label("MSS")))
	fmt.Fprintf(&b, "%s to %s: %s\n", d.Client, server, t.paint(severityColour(d.Severity), d.Severity.String()))
	line := fmt.Sprintf("The server takes segments of %s.", bytesOf(d.ServerMSS))
	if d.ClientMSS != 0 {
		line = fmt.Sprintf("The client takes segments of %s, the server of %s.", bytesOf(d.ClientMSS), bytesOf(d.ServerMSS))
	}
	if c.Capture != nil {
		line += " " + readFrom(c.Capture)
	}
	b.WriteString(Wrap(indent, indent, line, Width))
	t.findings(&b, d.Findings, d.Severity)
	return t.write(b.String())
}

func bytesOf(mss int) string {
	if mss == 0 {
		return "unknown size"
	}
	return fmt.Sprintf("%d bytes", mss)
}

// verdictLines say the verdict in words, and how it was come by.
func verdictLines(o Outcome) []string {
	var how string
	switch {
	case o.Capture != nil:
		how = readFrom(o.Capture)
	case o.Diagnosis.Remote:
		return remoteLines(o)
	case o.Passive:
		how = fmt.Sprintf("Listened on %s for %s; nothing was sent.", Clean(o.Interface), milliseconds(o.Elapsed))
	default:
		how = fmt.Sprintf("Sent %s on %s, %s in all.", frames(o.Sent), Clean(o.Interface), milliseconds(o.Elapsed))
	}
	lines := []string{verdictSentence(o.Diagnosis) + othersOpen(o.Diagnosis) + " " + how}
	if o.Capture == nil && o.Diagnosis.Verdict == diagnose.Silent && o.Diagnosis.Has(diagnose.VIPOffLink) {
		lines = append(lines, fmt.Sprintf("This host is not on its subnet: ARP on %s does not get there.", Clean(o.Interface)))
	}
	if o.Capture == nil && o.Elapsed < nlb.HeartbeatPeriod {
		switch o.Diagnosis.Cluster.Mode {
		case diagnose.Unicast, diagnose.Multicast, diagnose.IGMPMulticast:
			lines = append(lines, "NLB's hosts beat once a second: not all of them may have been heard.")
		}
	}
	if o.Capture != nil && len(o.Capture.Faults) > 0 {
		lines = append(lines, "Not all of it could be read: there may be more than this.")
	}
	if o.Partial {
		lines = append(lines, "Interrupted: this is what was known by then.")
	}
	return lines
}

// readFrom says what was read.
func readFrom(c *event.Capture) string {
	from := "a capture"
	switch n := len(c.Files); {
	case n == 1:
		from = Clean(c.Files[0])
	case n > 1:
		from = fmt.Sprintf("%d captures", n)
	}
	over := ""
	if d := c.Last.Sub(c.First); !c.First.IsZero() && d > 0 {
		over = " over " + long(d)
	}
	if c.Open {
		return fmt.Sprintf("So far, %s%s of %s; more may come.", frames(c.Frames), over, from)
	}
	return fmt.Sprintf("Read %s%s from %s.%s", frames(c.Frames), over, from, carriedWords(c))
}

// carriedWords say which frames hold others, into which nothing looked.
func carriedWords(c *event.Capture) string {
	if len(c.Carried) == 0 {
		return ""
	}
	var all []string
	for _, k := range c.Carried {
		all = append(all, fmt.Sprintf("%s %d", k.By, k.Frames))
	}
	return " Frames that carry others, into which nothing looked: " + strings.Join(all, ", ") + "."
}

// long gives a time that may be days: 402 ms, 12.5 s, 3h5m0s.
func long(d time.Duration) string {
	if d < time.Minute {
		return milliseconds(d)
	}
	return d.Round(time.Second).String()
}

func verdictSentence(d diagnose.Diagnosis) string {
	//exhaustive:enforce
	switch d.Verdict {
	case diagnose.Reachable:
		for _, f := range d.Findings {
			if f.ID == diagnose.RouterReachesVIP && f.Certainty == nlb.Unconfirmed {
				return "It answers here, and a router seems to reach it, by one packet of somebody's."
			}
		}
		return "It answers here, and a router is proven to reach it."
	case diagnose.LocalOnly:
		return "It answers on this subnet, and a router does not reach it."
	case diagnose.Answers:
		return "It answers on this subnet; whether a router reaches it is not known."
	case diagnose.Conflict:
		return "The answers contradict each other."
	case diagnose.Silent:
		return "Nothing answered."
	case diagnose.NotTold:
		return "Frames were lost after each question: whether it answers could not be told."
	case diagnose.NoMAC:
		return "A router has no MAC for it."
	case diagnose.Seen:
		return "It is present; nothing more can be proven from what was captured."
	}
	return string(d.Verdict)
}

// othersOpen says of how many routers it is not known whether they reach the VIP,
// where of one it is: a verdict on one router is none on the others.
func othersOpen(d diagnose.Diagnosis) string {
	n := 0
	for _, r := range d.Routers {
		if r.Reach == diagnose.NotLearnt {
			n++
		}
	}
	switch {
	case n == 0 || d.Verdict != diagnose.Reachable && d.Verdict != diagnose.LocalOnly:
		return ""
	case n == 1:
		return " Of 1 other router it is not known."
	}
	return fmt.Sprintf(" Of %d other routers it is not known.", n)
}

func frames(n int) string {
	if n == 1 {
		return "1 frame"
	}
	return fmt.Sprintf("%d frames", n)
}

// What is shown of a list without --verbose: a flood must not fill the screen,
// and the largest NLB cluster, of 32 hosts, is worth its lines.
const (
	maxHosts    = 32
	maxEvidence = 8
	maxQueriers = 4
)

// cluster writes what stands behind the VIP.
func (t *Text) cluster(b *strings.Builder, d diagnose.Diagnosis) {
	c := d.Cluster
	if !c.HasMAC && len(c.Hosts) == 0 {
		return
	}
	b.WriteByte('\n')
	head := t.paint(bold, label("CLUSTER"))
	if c.HasMAC {
		line := fmt.Sprintf("%s, mode %s", c.MAC, c.Mode)
		if c.DerivedFrom.IsValid() {
			line += fmt.Sprintf(", derived from %s", c.DerivedFrom)
		}
		if c.Group.IsValid() {
			line += fmt.Sprintf(", group %s", c.Group)
		}
		b.WriteString(head + line + "\n")
		head = indent
	} else if len(c.Primaries) > 0 {
		b.WriteString(head + fmt.Sprintf("primary VIP %s, mode %s: by heartbeats alone", c.Primaries[0], c.Mode) + "\n")
		head = indent
	} else if c.Mode == diagnose.Unicast {
		b.WriteString(head + fmt.Sprintf("mode %s; no frame names its MAC", c.Mode) + "\n")
		head = indent
	}
	for i, q := range c.Queriers {
		if c.Mode != diagnose.Multicast && c.Mode != diagnose.IGMPMulticast {
			break // of no interest to others
		}
		if i == maxQueriers && !t.style.Verbose {
			fmt.Fprintf(b, "%s... and %d more\n", indent, len(c.Queriers)-i)
			break
		}
		b.WriteString(head + querierLine(q) + "\n")
		head = indent
	}
	for i, h := range c.Hosts {
		if i == maxHosts && !t.style.Verbose {
			fmt.Fprintf(b, "%s... and %d more\n", indent, len(c.Hosts)-i)
			break
		}
		b.WriteString(Wrap(head, deeper, hostLine(h, c.HasMAC), Width))
		head = indent
		for _, line := range beatLines(h, t.style.Verbose) {
			b.WriteString(Wrap(deeper, deeper, line, Width))
		}
	}
}

func querierLine(q diagnose.Querier) string {
	versions := make([]string, len(q.Versions))
	for i, v := range q.Versions {
		versions[i] = fmt.Sprintf("v%d", v)
	}
	return fmt.Sprintf("querier %s at %s, IGMP%s", q.IP, q.MAC, strings.Join(versions, "/"))
}

func hostLine(h diagnose.Host, sameMAC bool) string {
	line := "host " + h.MAC.String()
	if h.Priority > 0 {
		line += fmt.Sprintf(", priority %d", h.Priority)
	}
	if h.IP.IsValid() {
		line += ", " + h.IP.String()
	}
	if !sameMAC && !h.SenderMAC.IsZero() {
		line += ", says " + h.SenderMAC.String()
	}
	switch h.Answers {
	case 0:
		line += ", answered no question"
	case 1:
		line += ", 1 answer"
	default:
		line += fmt.Sprintf(", %d answers", h.Answers)
	}
	if h.Joined {
		line += ", joined the group"
	}
	return line
}

// deeper is the indent of what belongs to a host.
const deeper = indent + "     "

// maxName bounds a host's name in the text, in columns.
const maxName = 56

// beatLines says what a host's heartbeats tell of it.
func beatLines(h diagnose.Host, verbose bool) []string {
	if h.LastBeat.IsZero() {
		return nil
	}
	var lines []string
	if h.Name != "" {
		lines = append(lines, "name "+clipColumns(Clean(h.Name), maxName))
	}
	text := "1 heartbeat"
	if h.Beats != 1 {
		text = fmt.Sprintf("%d heartbeats", h.Beats)
	}
	text += fmt.Sprintf(", the last heard %s before the end", milliseconds(h.Quiet))
	if h.Stopped {
		text += ": they have stopped"
	}
	lines = append(lines, text)
	b := h.Heartbeat
	if b == nil {
		return lines
	}
	lines = append(lines, fmt.Sprintf("%s, convergence state %d", rulesText(b), b.State),
		fmt.Sprintf("default host: priority %d (inferred)", int(b.DefaultHost)+1))
	if !verbose {
		return lines
	}
	for i := range min(int(b.RuleCount), int(b.RulesKept), len(b.Rules)) {
		if b.Rules[i] == 0 {
			continue
		}
		rule := fmt.Sprintf("rule %d: %s", i+1, nlb.RuleCode(b.Rules[i]))
		if b.Whole && b.Weights[i] > 0 {
			rule += fmt.Sprintf(", load weight %d", b.Weights[i])
		}
		lines = append(lines, rule)
	}
	if b.RuleCount > 0 {
		lines = append(lines, "ports are inferred from the rules' codes")
	}
	return lines
}

// rulesText counts the port rules. In the public capture the last one counted has
// no code: presumably it is for what falls under no rule.
func rulesText(b *evidence.Heartbeat) string {
	n, without := int(b.RuleCount), ""
	if n > 0 && n <= int(b.RulesKept) && b.Rules[n-1] == 0 {
		n--
		without = " plus the default (inferred)"
	}
	if n == 1 {
		return "1 port rule" + without
	}
	return fmt.Sprintf("%d port rules%s", n, without)
}

// routers writes a line per router.
func (t *Text) routers(b *strings.Builder, d diagnose.Diagnosis) {
	if len(d.Routers) == 0 {
		return
	}
	b.WriteByte('\n')
	head := t.paint(bold, label("ROUTERS"))
	for _, r := range d.Routers {
		if d.Remote {
			b.WriteString(head + fmt.Sprintf("%s: %s\n", r.IP, reachWords(r.Reach)) + Wrap(deeper, deeper, r.Why, Width))
			head = indent
			continue
		}
		at := "not heard"
		if r.MAC != (mac.Addr{}) {
			at = "at " + r.MAC.String()
		}
		if len(r.Places) > 0 {
			at = fmt.Sprintf("claimed by %d MACs", len(r.Places)+r.More)
		}
		b.WriteString(head + fmt.Sprintf("%s %s: %s\n", r.IP, at, reachWords(r.Reach)))
		head = indent
		for _, p := range r.Places {
			b.WriteString(indent + fmt.Sprintf("     at %s: %s\n", p.MAC, reachWords(p.Reach)))
		}
		if r.More > 0 {
			b.WriteString(indent + fmt.Sprintf("     and %d more\n", r.More))
		}
	}
}

func reachWords(r diagnose.Reach) string {
	switch r {
	case diagnose.Reaches:
		return "reaches the VIP"
	case diagnose.DoesNotReach:
		return "does not reach the VIP"
	default:
		return "not known whether it reaches the VIP"
	}
}

// finding writes a finding; in full with its evidence and cure.
func (t *Text) finding(b *strings.Builder, f diagnose.Finding, full bool) {
	b.WriteString("\n" + t.paint(severityColour(f.Severity), label(f.Severity.String())) + t.paint(bold, f.ID) + "\n")
	b.WriteString(Wrap(indent, indent, f.Summary, Width))
	if !full {
		return
	}
	item := func(name, text string) {
		if text != "" {
			first := fmt.Sprintf("%s%-8s ", indent, name)
			b.WriteString(Wrap(first, strings.Repeat(" ", len(first)), text, Width))
		}
	}
	for i, e := range f.Evidence {
		name := "seen"
		if i > 0 {
			name = ""
		}
		if i == maxEvidence && !t.style.Verbose {
			item(name, fmt.Sprintf("... and %d more", len(f.Evidence)-i))
			break
		}
		item(name, e)
	}
	item("cure", f.Remedy)
	item("wrong if", f.Disproof)
	item("source", strings.Join(f.References, "; "))
}

// Config writes the lines to paste. They start at the margin, and nothing but
// what the device takes stands between the two rules.
func (t *Text) Config(p Paste) error {
	var b strings.Builder
	for _, c := range p.Configs {
		b.WriteByte('\n')
		names := make([]string, len(p.VIPs))
		for i, v := range p.VIPs {
			names[i] = v.String()
		}
		head := fmt.Sprintf("%s for %s, section %s; %s", c.Title(), strings.Join(names, ", "), c.Section, origin(c))
		b.WriteString(t.labelled("PASTE", head))
		// A platform without comments has its remarks here, above the lines.
		for _, n := range c.Notes {
			b.WriteString(Wrap(indent, indent, n, Width))
		}
		b.WriteString(strings.TrimRight(c.Text, "\n") + "\n")
	}
	t.after(&b, p)
	return t.write(b.String())
}

// origin says where the lines come from. Of a file that is not built in it says
// what its author does, and vouches for nothing.
func origin(c templates.Config) string {
	words := confidenceWords(c.Confidence)
	if c.File == "" {
		return words
	}
	return fmt.Sprintf("from the file %s, by which %s", Clean(c.File), words)
}

// confidenceWords says how sure the least sure of the lines is.
func confidenceWords(c templates.Confidence) string {
	switch c {
	case templates.Vendor:
		return "every line is from a vendor's document"
	case templates.Field:
		return "lines that no vendor's document shows were seen on devices"
	case templates.Unverified:
		return "a line that nothing confirms is behind a comment"
	default:
		return "advice, no line"
	}
}

// after writes how to go on once the lines are pasted.
func (t *Text) after(b *strings.Builder, p Paste) {
	if len(p.Configs) == 0 || p.Check == nil && p.Undo == nil && !p.Default {
		return
	}
	b.WriteByte('\n')
	for _, c := range [...]struct {
		name  string
		words []string
	}{{"CHECK", p.Check}, {"UNDO", p.Undo}} {
		if c.words == nil {
			continue
		}
		quoted := make([]string, len(c.words))
		for i, w := range c.words {
			quoted[i] = QuoteWord(Clean(w))
		}
		set := WrapCommand(label(c.name), indent+"    ", quoted, Width)
		b.WriteString(t.paint(bold, label(c.name)) + strings.TrimPrefix(set, label(c.name)))
	}
	if p.Default {
		b.WriteString(t.labelled("OTHERS", "--platform NAME prints the lines of another platform; nlbprobe platforms lists the names"))
	}
}

// Close ends the report.
func (t *Text) Close() error { return nil }
