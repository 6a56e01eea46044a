//go:build !linux && !windows

package clientsock

import "syscall"

const (
	errRefused         = syscall.ECONNREFUSED
	errHostUnreachable = syscall.EHOSTUNREACH
	errNetUnreachable  = syscall.ENETUNREACH
	errAccess          = syscall.EACCES
)
