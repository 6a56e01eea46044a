//go:build !linux

package labtest

import "testing"

// Main runs the tests. Labs need Linux.
func Main(m *testing.M) int { return m.Run() }
