package finding

import "slices"

// Severity says how much a finding, or a whole VIP, matters. The zero value is
// OK: nothing was found.
type Severity uint8

// The severities. A finding is Info, Warning or Critical; OK and Unknown are
// for a VIP as a whole.
const (
	OK       Severity = iota
	Info              // worth knowing; nothing to repair by itself
	Warning           // works for some, or works until something changes
	Critical          // does not work, or contradicts itself
	Unknown           // nothing answered to judge by
)

var severityNames = [...]string{OK: "ok", Info: "info", Warning: "warning", Critical: "critical", Unknown: "unknown"}

func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return "unknown"
}

// ParseSeverity reads what String writes, and reports whether it is one.
func ParseSeverity(s string) (Severity, bool) {
	i := slices.Index(severityNames[:], s)
	if i < 0 {
		return Unknown, false
	}
	return Severity(i), true
}

// ExitStatus returns the exit status of monitoring plugins: 0 for OK and Info,
// 1 for Warning, 2 for Critical, 3 for Unknown.
func (s Severity) ExitStatus() int {
	//exhaustive:enforce
	switch s {
	case OK, Info:
		return 0
	case Warning:
		return 1
	case Critical:
		return 2
	case Unknown:
		return 3
	}
	return 3
}

// Compare is negative if s demands less attention than t, positive if more.
func (s Severity) Compare(t Severity) int { return s.Rank() - t.Rank() }

// Rank is how much a severity demands attention: more of it is greater.
func (s Severity) Rank() int {
	//exhaustive:enforce
	switch s {
	case OK:
		return 0
	case Info:
		return 1
	case Unknown:
		return 2
	case Warning:
		return 3
	case Critical:
		return 4
	}
	return 2
}

// Worst returns the severity that stands for several: critical before warning
// before unknown before info before ok. What was proven comes before what could
// not be learnt: one silent VIP must not hide a fault that another one shows,
// and it must not pass as healthy either. Without arguments it returns Unknown,
// since nothing was judged.
func Worst(severities ...Severity) Severity {
	if len(severities) == 0 {
		return Unknown
	}
	worst := OK
	for _, s := range severities {
		if s.Rank() > worst.Rank() {
			worst = s
		}
	}
	return worst
}
