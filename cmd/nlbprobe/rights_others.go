//go:build !unix

package main

import (
	"io/fs"

	"github.com/nlbprobe/nlbprobe/privilege"
)

func ownerIn(fs.FileInfo) (privilege.Identity, bool) { return privilege.Identity{}, false }
