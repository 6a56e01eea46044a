package finding

import (
	"fmt"
	"strconv"
	"time"
)

// MaxLines bounds the evidence lines of one finding. The items are all listed.
const MaxLines = 8

// Lines is a bounded list of evidence lines.
type Lines struct {
	text []string
	more int
}

// Add adds a line, or counts it if there are enough.
func (l *Lines) Add(format string, args ...any) {
	if len(l.text) >= MaxLines {
		l.more++
		return
	}
	l.text = append(l.text, fmt.Sprintf(format, args...))
}

// List returns the lines, with how many more there were.
func (l *Lines) List() []string {
	if l.more == 0 {
		return l.text
	}
	return append(l.text, fmt.Sprintf("and %d more lines like these", l.more))
}

// Span writes a duration for people: three figures at most below a minute.
func Span(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case d < 0:
		return "-" + Span(-max(d, -1<<62))
	case ms < 10:
		return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
	case ms < 1000:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(ms/1000, 'f', 1, 64) + " s"
	}
	return d.Round(time.Second).String()
}

// Many writes a count with its noun: "1 answer", "3 answers".
func Many(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// Times writes how often something was seen: "once", "3 times".
func Times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}

// Quoted is a name from the host or a file as it may be shown: escaped and
// short.
func Quoted(name string) string {
	const most = 40
	if len(name) > most {
		name = name[:most]
	}
	return strconv.Quote(name)
}

// Since writes t as the time since the first item.
func Since(start, t time.Time) string {
	if t.IsZero() || t.Before(start) {
		return "an unknown time"
	}
	return "+" + Span(t.Sub(start))
}
