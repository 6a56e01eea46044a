package check

import (
	"slices"
	"testing"
	"time"
)

// Entries are done at their instants, in the order in which they were made; one that
// another hastens is done once at that instant, and one that was dropped is not.
func TestAgenda(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	var a agenda
	var done []string
	made := func(name string, next ...int) *entry {
		return a.entry(func(time.Time) time.Time {
			done = append(done, name)
			if len(next) == 0 {
				return time.Time{}
			}
			ms := next[0]
			next = next[1:]
			return at(ms)
		})
	}
	var first, second *entry
	first = a.entry(func(now time.Time) time.Time {
		done = append(done, "first")
		a.hasten(second, now) // which is due anyway
		a.hasten(first, at(3))
		return at(5)
	})
	second = made("second")
	dropped := made("dropped")
	a.set(first, at(1))
	a.set(second, at(1))
	a.set(dropped, at(1))
	a.drop(dropped)
	if next := a.run(at(0)); next != at(1) || len(done) != 0 {
		t.Fatalf("%v, next at %v", done, next)
	}
	if next := a.run(at(1)); next != at(3) || !slices.Equal(done, []string{"first", "second"}) {
		t.Fatalf("%v, next at %v", done, next.Sub(start))
	}
	a.hasten(second, at(4))
	a.hasten(second, at(6)) // later: nothing changes
	if next := a.run(at(3)); next != at(3) {
		t.Fatalf("next at %v", next.Sub(start))
	}
	a.drop(first)
	if next := a.run(at(4)); !next.IsZero() || !slices.Equal(done, []string{"first", "second", "first", "second"}) {
		t.Fatalf("%v, next at %v", done, next.Sub(start))
	}
}
