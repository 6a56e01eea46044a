package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// documents are the pages that tell a user what to type.
func documents(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) < 8 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	return append(pages, "../../README.md")
}

// documented is a command that a page shows, its lines joined.
type documented struct {
	page string
	line string
	run  bool // in a block that begins with ```sh: TestDocumentedCommands runs it
}

// shownCommand is a line of an indented block that starts nlbprobe.
var shownCommand = regexp.MustCompile(`^(?:sudo )?nlbprobe |\| nlbprobe `)

// commandsIn returns the commands that a page shows: those of its sh blocks, and
// of its indented blocks those that start nlbprobe.
func commandsIn(t *testing.T, page string) []documented {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all []documented
	sh, other := false, false // in which kind of block
	joined := ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\n")
		text := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(text, "```"):
			sh, other = !sh && !other && text == "```sh", !sh && !other && text != "```sh"
			continue
		case other, !sh && !strings.HasPrefix(line, "    "), text == "":
			continue
		}
		if before, goesOn := strings.CutSuffix(text, `\`); goesOn {
			joined += before
			continue
		}
		command := joined + text
		joined = ""
		if i := strings.Index(command, "  #"); i >= 0 {
			command = strings.TrimSpace(command[:i])
		}
		if sh || shownCommand.MatchString(command) {
			all = append(all, documented{page, command, sh})
		}
	}
	if joined != "" {
		t.Errorf("%s: a command goes on and ends: %q", page, joined)
	}
	return all
}

// TestDocumentedFlags: every flag that a page names is a flag of some command, and
// every command that is only shown is one that its command takes.
func TestDocumentedFlags(t *testing.T) {
	known := []string{"help", "version"}
	for _, c := range append(commandsOf(stdio{}), newRootCmd(stdio{})) {
		c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	}
	// What the pages show of other programs.
	others := []string{"capture", "comp", "pkt-size", "out"}
	flags, shown := 0, 0
	for _, page := range documents(t) {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:^|[\s`+"`"+`(,])--([a-z][a-z-]*)`).FindAllSubmatch(data, -1) {
			flags++
			if name := string(m[1]); !slices.Contains(known, name) && !slices.Contains(others, name) {
				t.Errorf("%s names the flag --%s, which no command has", page, name)
			}
		}
		for _, c := range commandsIn(t, page) {
			_, args, ok := strings.Cut(c.line, "nlbprobe ")
			if c.run || !ok {
				continue
			}
			shown++
			var out, errs bytes.Buffer
			if status := run(t.Context(), append(strings.Fields(strings.ReplaceAll(args, "'", "")), "--help"), stdio{in: strings.NewReader(""), out: &out, err: &errs}); status != exitOK {
				t.Errorf("%s: %q: status %d, %s", page, c.line, status, errs.String())
			}
		}
	}
	if flags < 50 || shown < 3 {
		t.Errorf("%d flags and %d commands were seen: this test looks in the wrong places", flags, shown)
	}
}

// TestReadmeIsShort: a hurried admin reads it on a telephone.
func TestReadmeIsShort(t *testing.T) {
	data, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(data, []byte("\n")); n > 120 {
		t.Errorf("the README has %d lines; the rest belongs into docs", n)
	}
}

// TestDocumentedLinks: a page that another one points to is there.
func TestDocumentedLinks(t *testing.T) {
	links := 0
	for _, page := range append(documents(t), "../../CONTRIBUTING.md", "../../diagnose/README.md", "../../templates/platforms/README.md") {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#]+)\)`).FindAllSubmatch(data, -1) {
			if to := string(m[1]); !strings.Contains(to, "://") {
				links++
				if _, err := os.Stat(filepath.Join(filepath.Dir(page), filepath.FromSlash(to))); err != nil {
					t.Errorf("%s points to %s: %v", page, to, err)
				}
			}
		}
	}
	if links < 15 {
		t.Errorf("%d links were seen", links)
	}
}

// TestEveryCommandIsDocumented: the page on the command line names each command
// and each flag of the probe.
func TestEveryCommandIsDocumented(t *testing.T) {
	data, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	for _, c := range commandsOf(stdio{}) {
		if !strings.Contains(page, "nlbprobe "+c.Name()) {
			t.Errorf("%s is not in docs/cli.md", c.Name())
		}
	}
	newRootCmd(stdio{}).Flags().VisitAll(func(f *pflag.Flag) {
		if !strings.Contains(page, "--"+f.Name) {
			t.Errorf("--%s is not in docs/cli.md", f.Name)
		}
	})
}
