package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nlbprobe/nlbprobe/privilege"
)

// giveUp gives up what root and the right to raw frames allow, once all is open
// that needs them. A process that is to write a file becomes the owner of the
// folder, who may make one there, and otherwise nobody. If the owner of the folder
// may not write in it, only root can: then it stays root.
func (io stdio) giveUp(write newFile) {
	if io.drop == nil {
		return
	}
	who := privilege.Nobody
	if write != "" {
		var ok bool
		if who, ok = ownerOf(filepath.Dir(string(write))); !ok {
			return
		}
	}
	if err := io.drop(who); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		fmt.Fprintf(io.err, "nlbprobe: rights that are not needed any more are kept: %v\n", err)
	}
}

// ownerOf returns who owns a folder, if its owner may make files in it.
func ownerOf(dir string) (privilege.Identity, bool) {
	info, err := os.Stat(dir)
	const writeAndEnter = 0o300
	if err != nil || info.Mode().Perm()&writeAndEnter != writeAndEnter {
		return privilege.Identity{}, false
	}
	return ownerIn(info)
}
