package check

// Remembered is how much is kept of VIPs: nothing once all are removed.
func (o *Observer) Remembered() int {
	return len(o.byIP) + len(o.answered) + len(o.blocked) + len(o.beats) + len(o.queries) + len(o.docket.Cases()) + len(o.pacer.begun) + len(o.pacer.new) + len(o.agenda.waits)
}
