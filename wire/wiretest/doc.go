// Package wiretest gives tests an Ethernet segment of their own, in a network
// namespace that disappears with the test, and floods it. It works on Linux
// only.
package wiretest
