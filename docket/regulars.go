package docket

import "github.com/nlbprobe/nlbprobe/mac"

// Regulars chooses, of MACs that anybody can invent by the thousand, those that
// are worth keeping: the first ones, and of the others those that come again,
// which inventions do not. The zero value is ready for use.
type Regulars struct {
	kept         map[mac.Addr]bool
	late, before map[mac.Addr]bool // named once, of late and before that
}

// The bounds of Regulars.
const (
	firstKept = 16
	mostKept  = 32
	onceKept  = 2048 // twice
)

// Admit notes that m was named and reports whether it is kept from now on.
func (r *Regulars) Admit(m mac.Addr) bool {
	switch {
	case r.kept[m]:
		return true
	case len(r.kept) >= mostKept:
		return false
	case len(r.kept) >= firstKept && !r.late[m] && !r.before[m]:
		if len(r.late) >= onceKept {
			r.before, r.late = r.late, nil
		}
		if r.late == nil {
			r.late = make(map[mac.Addr]bool)
		}
		r.late[m] = true
		return false
	}
	if r.kept == nil {
		r.kept = make(map[mac.Addr]bool)
	}
	r.kept[m] = true
	return true
}
