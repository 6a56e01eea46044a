//go:build !linux

package clientsock

import (
	"errors"

	"github.com/nlbprobe/nlbprobe/evidence"
)

// toldOf says what a failed connection means. The zero Told is silence: the time
// is over, or this host ended it.
func toldOf(a evidence.Ask, err error) evidence.Told {
	switch {
	case errors.Is(err, errRefused):
		return evidence.Told{Of: a, Word: evidence.Refused}
	case errors.Is(err, errHostUnreachable):
		return evidence.Told{Of: a, Word: evidence.SaidICMP, Type: evidence.Unreachable, Code: 1}
	case errors.Is(err, errNetUnreachable):
		return evidence.Told{Of: a, Word: evidence.NoRoute}
	case errors.Is(err, errAccess):
		return evidence.Told{Of: a, Word: evidence.Forbidden}
	}
	return evidence.Told{}
}
