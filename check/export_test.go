package check

// Remembered is how much is kept of VIPs: nothing once all are removed.
func (o *Observer) Remembered() int {
	return len(o.byIP) + len(o.answered) + len(o.blocked) + len(o.beats) + len(o.queries) + len(o.docket.Cases()) + len(o.pacer.begun) + len(o.pacer.new) + len(o.agenda.waits)
}

// Kept is how many facts of VIPs are kept apart from others.
func (o *Observer) Kept() (n int) {
	for _, c := range o.docket.Cases() {
		n += c.Log.Len() + c.Asks.Len() + c.IP.Len() + c.Others.Len()
	}
	return n
}
