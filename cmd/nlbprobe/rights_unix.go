//go:build unix

package main

import (
	"io/fs"
	"syscall"

	"github.com/nlbprobe/nlbprobe/privilege"
)

func ownerIn(info fs.FileInfo) (privilege.Identity, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return privilege.Identity{}, false
	}
	return privilege.Identity{UID: int(s.Uid), GID: int(s.Gid)}, true
}
