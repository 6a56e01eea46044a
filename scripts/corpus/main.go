//go:build unix

// Command corpus runs nlbprobe analyze over a folder of captures and prints a table
// of what it claimed: make corpus DIR=FOLDER. Who has captures of networks that are
// known to be well can see by it what the tool would say falsely.
package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

func main() {
	tool := flag.String("tool", "bin/nlbprobe", "the nlbprobe to run")
	limit := flag.Duration("timeout", time.Minute, "how long one file may take")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "corpus: name one folder of captures: make corpus DIR=FOLDER")
		os.Exit(3)
	}
	c := corpus{tool: *tool, limit: *limit, out: os.Stdout}
	if err := c.run(flag.Arg(0)); err != nil {
		fmt.Fprintf(os.Stderr, "corpus: %v\n", err)
		os.Exit(1)
	}
}

// endings are those of captures; each may have .gz or .zst behind it.
var endings = []string{".pcap", ".pcapng", ".cap", ".dmp", ".ntar"}

// isCapture reports a file whose name ends as those of captures do, or that begins as
// they do, whatever its name. One that cannot be read is taken for none.
func isCapture(path string) bool {
	name := strings.ToLower(path)
	for _, packed := range []string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, packed)
	}
	return slices.Contains(endings, filepath.Ext(name)) || begins(path)
}

// marks are the first bytes of pcap, in both orders and for both resolutions of time,
// and of pcapng.
var marks = []string{"\xa1\xb2\xc3\xd4", "\xd4\xc3\xb2\xa1", "\xa1\xb2\x3c\x4d", "\x4d\x3c\xb2\xa1", "\x0a\x0d\x0d\x0a"}

// begins reports a file that begins as captures do, or one of gzip that holds such a one.
func begins(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	mark := make([]byte, 4)
	if _, err := io.ReadFull(f, mark); err != nil {
		return false
	}
	if bytes.HasPrefix(mark, []byte("\x1f\x8b")) {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return false
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			return false
		}
		if _, err := io.ReadFull(z, mark); err != nil {
			return false
		}
	}
	return slices.Contains(marks, string(mark))
}

// corpus is one run over a folder.
type corpus struct {
	tool  string
	limit time.Duration // of one file
	out   io.Writer

	files, broken int
	findings      map[string]int // at warning or worse, by id
}

// run prints the table. A file on which the tool crashes or hangs is a row like
// others, and an error at the end.
func (c *corpus) run(dir string) error {
	if _, err := exec.LookPath(c.tool); err != nil {
		return fmt.Errorf("the tool: %w; make build makes it", err)
	}
	c.findings = make(map[string]int)
	var names []string
	var unread []string
	others := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && path == dir:
			return err
		case err != nil: // a folder that may not be read: the rest is
			unread = append(unread, err.Error())
			return nil
		case !d.Type().IsRegular():
		case isCapture(path):
			names = append(names, path)
		default:
			others++
		}
		return nil
	})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FILE\tVIP\tMODE\tWARNING OR WORSE\tEXIT\tTIME\tMEMORY")
	for _, name := range names {
		shown, err := filepath.Rel(dir, name)
		if err != nil {
			shown = name
		}
		c.file(w, name, strconv.QuoteToASCII(shown))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	c.sum(others)
	for _, why := range unread {
		fmt.Fprintf(c.out, "not read: %s\n", strconv.QuoteToASCII(why))
	}
	if c.broken > 0 {
		return fmt.Errorf("on %d of %d files the tool crashed or hung", c.broken, c.files)
	}
	return nil
}

// claim is what the tool says of one VIP, or of one connection.
type claim struct {
	VIP     string
	Client  string
	Cluster struct{ Mode string }

	Findings []struct{ ID, Severity string }
}

// worse are the ids of its findings at warning or worse.
func (c claim) worse() []string {
	var ids []string
	for _, f := range c.Findings {
		if f.Severity == "warning" || f.Severity == "critical" {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

// maxOutput bounds what is kept of what the tool prints, in bytes.
const maxOutput = 64 << 20

// file writes the rows of one file.
func (c *corpus) file(w io.Writer, name, shown string) {
	c.files++
	ctx, cancel := context.WithTimeout(context.Background(), c.limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.tool, "analyze", "-o", "json", name)
	out, errs := &bounded{most: maxOutput}, &bounded{most: 1 << 20}
	cmd.Stdout, cmd.Stderr = out, errs
	cmd.WaitDelay = time.Second
	begin := time.Now()
	err := cmd.Run()
	took := time.Since(begin).Round(time.Millisecond)
	exit := "0"
	switch e, failed := errors.AsType[*exec.ExitError](err); {
	case ctx.Err() != nil:
		exit = "hung"
	case failed && e.ExitCode() >= 0 && e.ExitCode() <= 3 && !crashed(errs.Bytes()):
		exit = strconv.Itoa(e.ExitCode())
	case err != nil:
		exit = "crashed"
	}
	if exit == "hung" || exit == "crashed" {
		c.broken++
	}
	rest := fmt.Sprintf("%s\t%v\t%s", exit, took, peak(cmd.ProcessState))
	rows := 0
	for line := range bytes.Lines(out.Bytes()) {
		var k claim
		if json.Unmarshal(line, &k) != nil {
			continue
		}
		worse := k.worse()
		if k.VIP == "" && len(worse) == 0 {
			continue // a remark about a connection
		}
		for _, id := range worse {
			c.findings[id]++
		}
		rows++
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", shown, cmp.Or(k.VIP, k.Client), cmp.Or(k.Cluster.Mode, "-"), cmp.Or(strings.Join(worse, " "), "-"), rest)
	}
	if rows == 0 {
		fmt.Fprintf(w, "%s\t-\t-\t-\t%s\n", shown, rest)
	}
}

// crashed reports what Go's runtime prints when a program dies: its status is 2 too.
func crashed(errs []byte) bool {
	return bytes.Contains(errs, []byte("\ngoroutine ")) || bytes.HasPrefix(errs, []byte("fatal error: "))
}

// peak is the most memory that a process had, in MiB.
func peak(p *os.ProcessState) string {
	if p == nil {
		return "-"
	}
	usage, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return "-"
	}
	unit := int64(1 << 10) // getrusage(2): kibibytes
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	return fmt.Sprintf("%d MiB", int64(usage.Maxrss)*unit>>20)
}

// sum says how often each finding was claimed.
func (c *corpus) sum(others int) {
	fmt.Fprintf(c.out, "\nfiles: %d; other files, not read: %d\n", c.files, others)
	ids := make([]string, 0, len(c.findings))
	for id := range c.findings {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(c.findings[b]-c.findings[a], strings.Compare(a, b)) })
	for _, id := range ids {
		fmt.Fprintf(c.out, "%6d %s\n", c.findings[id], id)
	}
}

// bounded keeps the first bytes that are written to it.
type bounded struct {
	bytes.Buffer
	most int
}

func (b *bounded) Write(p []byte) (int, error) {
	if room := b.most - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
