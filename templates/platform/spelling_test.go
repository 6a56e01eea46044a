package platform

import (
	"testing"
)

// TestLengthen: a running-config shows ports by their long names.
func TestLengthen(t *testing.T) {
	s := &Spelling{Ports: Ports{Short: map[string]string{"FastEthernet": "Fa", "GigabitEthernet": "Gi", "TenGigabitEthernet": "Te", "Port-channel": "Po"}}}
	tests := map[string]string{
		"Gi1/0/1": "GigabitEthernet1/0/1", "gi1/0/1": "GigabitEthernet1/0/1", "GigabitEthernet1/0/1": "GigabitEthernet1/0/1",
		"gigabitethernet1/0/1": "GigabitEthernet1/0/1", "po5": "Port-channel5", "Te 1/1": "TenGigabitEthernet1/1", "Tengig1/1": "TenGigabitEthernet1/1",
		"vlan20": "vlan20", "1/0/1": "1/0/1", "": "",
	}
	for in, want := range tests {
		if got := s.Lengthen([]string{in}); got[0] != want {
			t.Errorf("%s: %s, want %s", in, got[0], want)
		}
	}
}
