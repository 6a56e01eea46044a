package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/nlbprobe/nlbprobe/guard"
	"github.com/nlbprobe/nlbprobe/templates"
	"github.com/nlbprobe/nlbprobe/userfile"
)

// runDiff prints for each target what must be added and removed.
func (o *renderOptions) runDiff(ctx context.Context, std stdio, targets []target, v templates.Values) error {
	if o.format != "text" && o.format != "json" {
		return fmt.Errorf("--diff prints lines; --format %s does not go with it", o.format)
	}
	if len(o.sections) > 0 {
		return errors.New("--diff prints what must be added and removed; --section does not go with it")
	}
	olds, err := await(ctx, fmt.Sprintf("while --diff %q was read", clip(o.diff)), func() (olds []templates.Old, err error) {
		err = userfile.AsCaller(func() error {
			return guard.Safely(func() error {
				olds, err = readOlds(std.in, o.diff, targets)
				return err
			})
		})
		return olds, err
	})
	if err != nil {
		return err
	}
	i := -1
	configs, err := o.device.eachTarget(targets, v, "--diff compares", func(t target, v templates.Values) ([]templates.Config, error) {
		i++
		c, err := templates.Diff(t.platform, v, t.role, olds[i])
		return []templates.Config{c}, err
	})
	if err != nil {
		return err
	}
	o.device.files.noteOrigins(configs)
	return printConfigs(std, o.format, configs, labelled(targets))
}

// endings are those of the files in a folder of configurations.
var endings = []string{"", ".cfg", ".conf", ".txt"}

// readOlds returns the configuration that each target is compared with: the
// whole file for a single one, the block of its title where an earlier run
// printed several, or the file of its name in a folder. The name - is that of
// standard input.
func readOlds(in io.Reader, name string, targets []target) ([]templates.Old, error) {
	olds := make([]templates.Old, len(targets))
	info, err := os.Stat(name)
	if err != nil && name != "-" {
		return nil, unreadable("--diff", name, err)
	}
	if name != "-" && info.IsDir() {
		for i, t := range targets {
			if olds[i], err = readFrom(name, t); err != nil {
				return nil, err
			}
		}
		return olds, nil
	}
	var data []byte
	if name == "-" {
		data, err = readAll("--diff", name, in, templates.MaxOld)
	} else {
		data, err = readBounded("--diff", name, templates.MaxOld)
	}
	if err != nil {
		return nil, err
	}
	text := templates.DecodeText(data)
	blocks := splitBlocks(name, text)
	if len(blocks) == 0 {
		if len(targets) > 1 {
			return nil, fmt.Errorf("--diff %q holds one configuration and there are %d devices: give a folder with a file for each, or what an earlier run printed for all", clip(name), len(targets))
		}
		olds[0] = templates.Old{Name: name, Text: text}
		return olds, nil
	}
	for i, t := range targets {
		old, found := blocks[t.title()]
		if !found {
			old = templates.Old{Name: name} // it is new
		}
		olds[i] = old
	}
	return olds, nil
}

// readFrom reads the file of a target in a folder: named as the device, or as
// the platform where the device has no name.
func readFrom(folder string, t target) (templates.Old, error) {
	base := t.platform.Name
	if t.device != nil {
		base = t.device.Name
	}
	for _, ending := range endings {
		path := filepath.Join(folder, base+ending)
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
			continue
		}
		if err != nil {
			return templates.Old{}, unreadable("--diff", path, err)
		}
		data, err := readBounded("--diff", path, templates.MaxOld)
		return templates.Old{Name: path, Text: data}, err
	}
	return templates.Old{}, fmt.Errorf("--diff %q holds no file for %s: %[2]s, %[2]s.cfg, %[2]s.conf or %[2]s.txt", clip(folder), base)
}

// titleLine is the comment that names the device of a block.
var titleLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\S{1,2} ?===== (.+) =====$`) })

// splitBlocks takes what an earlier run printed for several devices apart, by
// title; it returns nothing for any other text. In each the lines of the others
// are empty, so that they keep their numbers.
func splitBlocks(name string, text []byte) map[string]templates.Old {
	lines := strings.Split(string(text), "\n")
	at := make([]string, len(lines)) // the title that a line stands under
	title := ""
	blocks := map[string]templates.Old{}
	for i, line := range lines {
		if m := titleLine().FindStringSubmatch(strings.TrimRight(line, "\r ")); m != nil {
			title = m[1]
			if len(blocks) == maxBlocks {
				return nil // nothing that we have printed
			}
			blocks[title] = templates.Old{Name: name}
		}
		at[i] = title
	}
	for title := range blocks {
		own := make([]string, len(lines))
		for i, line := range lines {
			if at[i] == title {
				own[i] = line
			}
		}
		blocks[title] = templates.Old{Name: name, Text: []byte(strings.Join(own, "\n"))}
	}
	return blocks
}

// maxBlocks bounds the devices of an earlier run that are told apart.
const maxBlocks = 512
