// Package privilege gives up what a process may do beyond the rest of a run: root,
// and the right to raw frames that a file's capabilities give. What is open stays
// open. It knows nothing of what the rights were for.
package privilege

// Identity is who a process becomes that gives up being root.
type Identity struct{ UID, GID int }

// Nobody is a user who owns no file: the kernel's own for an owner that it cannot
// tell (include/uapi/linux/highuid.h).
var Nobody = Identity{UID: 65534, GID: 65534}
