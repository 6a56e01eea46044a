package analysis

import (
	"fmt"
	"strings"

	"github.com/nlbprobe/nlbprobe/diagnose"
)

// gist is what makes a diagnosis worth telling again: two with the same gist differ
// in figures and times alone.
func gist(d diagnose.Diagnosis) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %v %v %v %d", d.Verdict, d.Severity, d.Cluster.MAC, d.Cluster.Mode, len(d.Cluster.Hosts))
	for _, r := range d.Routers {
		fmt.Fprintf(&b, " %v %d", r.IP, r.Reach)
	}
	for _, f := range d.Findings {
		fmt.Fprintf(&b, " %s %v", f.ID, f.Severity)
	}
	return b.String()
}
