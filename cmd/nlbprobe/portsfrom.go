package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/nlbprobe/nlbprobe/guard"
	"github.com/nlbprobe/nlbprobe/inventory"
	"github.com/nlbprobe/nlbprobe/templates"
	"github.com/nlbprobe/nlbprobe/userfile"
)

// readNamed reads a file that a flag names, of at most that many bytes, as
// whoever called the program. It may be a FIFO, as a shell makes it of <(COMMAND).
func readNamed(ctx context.Context, flag, name string, most int64) ([]byte, error) {
	return await(ctx, fmt.Sprintf("while %s %q was read", flag, clip(name)), func() (data []byte, err error) {
		err = userfile.AsCaller(func() error {
			return guard.Safely(func() error {
				data, err = readBounded(flag, name, most)
				return err
			})
		})
		return data, err
	})
}

// readBounded reads a file of at most that many bytes.
func readBounded(flag, name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, unreadable(flag, name, err)
	}
	defer f.Close()
	return readAll(flag, name, f, most)
}

// readAll reads what a flag names, of at most that many bytes.
func readAll(flag, name string, r io.Reader, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	switch {
	case err != nil:
		return nil, unreadable(flag, name, err)
	case int64(len(data)) > most:
		return nil, fmt.Errorf("%s %q: more than %d bytes", flag, clip(name), most)
	}
	return data, nil
}

// unreadable says once which file it is.
func unreadable(flag, name string, err error) error {
	return fmt.Errorf("%s %q cannot be read: %w", flag, clip(name), userfile.Reason(err))
}

// prepare reads the table that --ports-from names, once: it may be a FIFO or
// standard input (-), which give what they hold once only, and may never end.
func (o *deviceOptions) prepare(ctx context.Context, stdin io.Reader) error {
	if o.portsFrom == "" {
		return nil
	}
	if len(o.ports) > 0 {
		return errors.New("--port names ports of one device and --ports-from those of many: give one of them")
	}
	const most = 2 * inventory.MaxBytes // twice, as UTF-16
	var data []byte
	var err error
	if o.portsFrom == "-" {
		data, err = await(ctx, "while --ports-from \"-\" was read", func() ([]byte, error) { return readAll("--ports-from", o.portsFrom, stdin, most) })
	} else {
		data, err = readNamed(ctx, "--ports-from", o.portsFrom, most)
	}
	if err != nil {
		return err
	}
	o.devices, err = inventory.Read(o.portsFrom, templates.DecodeText(data))
	return err
}

// spreadDevices makes a target of each device of the file. One whose platform is not
// named is of the platform asked for; platforms asked for in the role l3 are
// routers beside the switches of the file.
func (o *deviceOptions) spreadDevices(set *templates.Set, asked []target, devices []inventory.Device) ([]target, error) {
	var all []target
	var common *target
	for i := range asked {
		switch {
		case asked[i].role == templates.L3:
			all = append(all, asked[i])
		case common != nil:
			return nil, fmt.Errorf("--ports-from %q: are its devices %s or %s? Name the platform of each in a column platform, and the router's with its role, as %s:l3",
				clip(o.portsFrom), common.title(), asked[i].title(), common.platform.Name)
		default:
			common = &asked[i]
		}
	}
	used := false
	for i := range devices {
		d := &devices[i]
		t := target{}
		switch {
		case d.Platform != "":
			var err error
			if t, err = lookup(set.Lookup, d.Platform); err != nil {
				return nil, &inventory.Fault{File: o.portsFrom, Line: d.Line, Reason: err.Error()}
			}
		case common == nil:
			return nil, &inventory.Fault{File: o.portsFrom, Line: d.Line, Reason: fmt.Sprintf("which platform is %s? Name it in a column platform, or give --platform NAME", d.Name)}
		default:
			t, used = *common, true
		}
		t.device = d
		all = append(all, t)
	}
	if common != nil && !used {
		return nil, fmt.Errorf("--platform %s: no device of %q is of it, each names its own; a router beside them has the role l3, as %s:l3",
			common.title(), clip(o.portsFrom), common.platform.Name)
	}
	return all, nil
}

// values returns what holds for a target: what its rows say, or else what the
// flags do.
func (t target) values(v templates.Values) templates.Values {
	d := t.device
	if d == nil {
		return v
	}
	v.Device, v.Ports = d.Name, d.Ports
	v.VLAN = cmp.Or(d.VLAN, v.VLAN)
	v.SVI, v.VRF = cmp.Or(d.SVI, v.SVI), cmp.Or(d.VRF, v.VRF)
	if d.Prefix.IsValid() {
		v.Prefix = d.Prefix
	}
	return v
}
