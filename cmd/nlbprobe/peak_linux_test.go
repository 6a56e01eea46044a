package main

import (
	"os"
	"syscall"
)

// peakMemory is the largest memory of an ended process in KiB.
func peakMemory(s *os.ProcessState) int64 {
	if u, ok := s.SysUsage().(*syscall.Rusage); ok {
		return u.Maxrss
	}
	return 0
}
