//go:build !linux

package tcpinfo

import (
	"errors"

	"github.com/nlbprobe/nlbprobe/evidence"
)

func ask(int, *evidence.Offer) error { return errors.ErrUnsupported }
