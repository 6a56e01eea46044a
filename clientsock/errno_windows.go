package clientsock

import "syscall"

// Windows Sockets error codes, which the system's functions return as they are.
const (
	errRefused         = syscall.Errno(10061) // WSAECONNREFUSED
	errHostUnreachable = syscall.Errno(10065) // WSAEHOSTUNREACH
	errNetUnreachable  = syscall.Errno(10051) // WSAENETUNREACH
	errAccess          = syscall.Errno(10013) // WSAEACCES
)
