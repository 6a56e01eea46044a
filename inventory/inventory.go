// Package inventory reads which switch has which member ports: a table that a
// spreadsheet or a script writes, with a row for each port. It knows the table
// and no platform.
//
// # The table
//
// Text of comma-separated values (RFC 4180); semicolons or tabs will do, as the
// first row has them. The first row names the columns, in any order and case:
//
//	device    name of the switch or router; with port, the only one that must be
//	port      a member port in the device's own spelling, or a row or list of them;
//	          may be empty for a device that only routes
//	platform  NAME, NAME:l3 or NAME:l2
//	vlan      1 to 4094
//	svi       the interface that routes the VLAN
//	vrf       the VRF of that interface
//	prefix    the interface's own address with its prefix length
//
// A device has as many rows as ports. What else its rows say of it must agree,
// and need stand in one of them only. Empty rows and those that begin with # do
// not count. A byte order mark, UTF-16 and lines that end in CR LF are as good.
package inventory

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Limits of one table. More is a mistake, or hostile.
const (
	MaxBytes  = 1 << 20
	maxRows   = 20000
	maxFaults = 20
	maxCell   = 64   // bytes
	maxPorts  = 1024 // bytes in a cell that may name several ports
)

// Device is one device of the table.
type Device struct {
	Name     string
	Line     int    // of its first row, from 1
	Platform string // NAME, NAME:l3, NAME:l2, or empty
	VLAN     int    // 0 where no row says it
	SVI, VRF string
	Prefix   netip.Prefix // zero where no row says it
	Ports    []string     // in the order of the rows; a repeated one stands once
}

// A Fault is what is wrong with a table.
type Fault struct {
	File   string
	Line   int // from 1; 0 where it is the whole table
	Reason string
}

func (f *Fault) Error() string {
	if f.Line == 0 {
		return fmt.Sprintf("%q: %s", f.File, f.Reason)
	}
	return fmt.Sprintf("%q, line %d: %s", f.File, f.Line, f.Reason)
}

// columns are the names that the first row may hold.
var columns = []string{"device", "port", "platform", "vlan", "svi", "vrf", "prefix"}

// Read reads a table; file names it in errors. The error joins every fault, one
// to a line, and then there are no devices. The text must be UTF-8 without a
// byte order mark.
func Read(file string, text []byte) ([]Device, error) {
	t := &table{file: file, at: map[string]int{}, said: map[string]int{}}
	if err := t.read(text); err != nil {
		t.faults = append(t.faults, err)
	}
	if len(t.faults) > 0 {
		return nil, errors.Join(t.faults...)
	}
	if len(t.devices) == 0 {
		return nil, t.fault(0, "no device: a row for each member port, under a first row such as device,port,platform")
	}
	return t.devices, nil
}

// table is a table while it is read.
type table struct {
	file    string
	column  []string // name by place
	devices []Device
	at      map[string]int // device name in lower case to its place
	said    map[string]int // device and column to the line that says it
	ports   map[string]bool
	faults  []error
}

func (t *table) fault(line int, format string, args ...any) error {
	return &Fault{File: t.file, Line: line, Reason: fmt.Sprintf(format, args...)}
}

// bad notes a fault, of as many as a reader mends at once.
func (t *table) bad(line int, format string, args ...any) {
	if len(t.faults) < maxFaults {
		t.faults = append(t.faults, t.fault(line, format, args...))
	}
}

// read returns what ends the reading; what is wrong with single rows is noted.
func (t *table) read(text []byte) error {
	switch {
	case len(text) > MaxBytes:
		return t.fault(0, "more than %d bytes", MaxBytes)
	case bytes.IndexByte(text, 0) >= 0:
		return t.fault(0, "a binary file; save the table as CSV")
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.Comment = delimiter(text), '#'
	r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = -1, true, true
	t.ports = map[string]bool{}
	for rows := 0; ; rows++ {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if e, ok := errors.AsType[*csv.ParseError](err); ok {
			return t.fault(e.Line, "column %d: %v; a cell that holds the separator or a quote stands between double quotes, a quote in it twice", e.Column, e.Err)
		}
		if err != nil {
			return t.fault(0, "%v", err)
		}
		if rows > maxRows {
			return t.fault(0, "more than %d rows", maxRows)
		}
		line, _ := r.FieldPos(0)
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !slices.ContainsFunc(cells, func(c string) bool { return c != "" }):
			continue // a spreadsheet's empty row
		case t.column == nil:
			if err := t.head(line, cells); err != nil {
				return err
			}
		default:
			t.row(line, cells)
		}
	}
}

// delimiter is what stands between the cells of the first row.
func delimiter(text []byte) rune {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		for _, c := range ";\t" {
			if bytes.ContainsRune(line, c) && !bytes.ContainsRune(line, ',') {
				return c
			}
		}
		break
	}
	return ','
}

// head reads the first row.
func (t *table) head(line int, cells []string) error {
	for _, cell := range cells {
		name := strings.ToLower(cell)
		switch {
		case name != "" && !slices.Contains(columns, name):
			return t.fault(line, "no column is called %q; the first row names the columns: device, port, and where needed platform, vlan, svi, vrf, prefix", clip(cell))
		case name != "" && slices.Contains(t.column, name):
			return t.fault(line, "column %s stands there twice", name)
		}
		t.column = append(t.column, name)
	}
	for _, must := range columns[:2] {
		if !slices.Contains(t.column, must) {
			return t.fault(line, "column %s is missing; the first row names the columns: device, port, and where needed platform, vlan, svi, vrf, prefix", must)
		}
	}
	return nil
}

// row reads a row: a port of a device, and what else it says of the device.
func (t *table) row(line int, cells []string) {
	by := map[string]string{}
	for i, cell := range cells {
		switch {
		case cell == "":
			continue
		case i >= len(t.column) || t.column[i] == "":
			t.bad(line, "%q stands in a column without a name", clip(cell))
			return
		case len(cell) > mostBytes(t.column[i]):
			t.bad(line, "%s %+q has %d characters; at most %d are taken", t.column[i], clip(cell), len(cell), mostBytes(t.column[i]))
			return
		case strings.ContainsFunc(cell, func(r rune) bool { return r < ' ' || r > '~' }):
			t.bad(line, "%s %+q holds a line break, a control character or one outside ASCII; no name does", t.column[i], clip(cell))
			return
		}
		by[t.column[i]] = cell
	}
	name := by["device"]
	if name == "" {
		t.bad(line, "the row names no device")
		return
	}
	if !named(name) {
		t.bad(line, "device %+q is no name: letters, digits, dots, hyphens and underscores", clip(name))
		return
	}
	key := strings.ToLower(name)
	i, known := t.at[key]
	if !known {
		i = len(t.devices)
		t.at[key] = i
		t.devices = append(t.devices, Device{Name: name, Line: line})
	}
	d := &t.devices[i]
	for _, column := range columns[2:] {
		if by[column] != "" {
			t.tell(line, d, column, by[column])
		}
	}
	if port := by["port"]; port != "" && !t.ports[key+"\n"+port] {
		t.ports[key+"\n"+port] = true
		d.Ports = append(d.Ports, port)
	}
}

// mostBytes bounds a cell of a column.
func mostBytes(column string) int {
	if column == "port" {
		return maxPorts
	}
	return maxCell
}

// tell enters what a row says of a device.
func (t *table) tell(line int, d *Device, column, text string) {
	was, now := "", text
	switch column {
	case "platform":
		was = d.Platform
		d.Platform = text
	case "vlan":
		n, err := ParseVLAN(text)
		if err != nil {
			t.bad(line, "%v", err)
			return
		}
		if d.VLAN != 0 {
			was = strconv.Itoa(d.VLAN)
		}
		d.VLAN, now = n, strconv.Itoa(n)
	case "svi":
		was = d.SVI
		d.SVI = text
	case "vrf":
		was = d.VRF
		d.VRF = text
	case "prefix":
		p, err := netip.ParsePrefix(text)
		if err != nil {
			t.bad(line, "prefix %q is not an address with a prefix length, as 172.16.63.1/24", clip(text))
			return
		}
		if d.Prefix.IsValid() {
			was = d.Prefix.String()
		}
		d.Prefix, now = p, p.String()
	}
	key := strings.ToLower(d.Name) + "\n" + column
	if was != "" && was != now {
		t.bad(line, "%s of %s is %q here and %q on line %d", column, d.Name, clip(now), clip(was), t.said[key])
		return
	}
	if was == "" {
		t.said[key] = line
	}
}

// ParseVLAN reads the number of a VLAN: decimal digits, 1 to 4094 (IEEE 802.1Q
// 9.6 reserves 0 and 4095). A leading zero does not make it octal: spreadsheets
// and scripts pad numbers with them.
func ParseVLAN(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	switch {
	case text == "" || strings.Trim(text, "0123456789") != "":
		return 0, fmt.Errorf("%+q is no VLAN: decimal digits, 1 to 4094", clip(text))
	case err != nil || n < 1 || n > 4094:
		return 0, fmt.Errorf("VLAN %s does not exist; VLANs are 1 to 4094", clip(text))
	}
	return int(n), nil
}

// named reports whether a text can be a device's name: it will stand in comments
// of configurations, in names of files and in other programs' inventories.
func named(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return strings.Trim(s, letters+"._-") == "" && strings.ContainsAny(s[:1], letters+"_")
}

// clip bounds what an error quotes.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
