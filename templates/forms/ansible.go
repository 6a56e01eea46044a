package forms

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
)

// playbook writes a play for the platform.
func (w *formWriter) playbook() error {
	a := w.r.Platform.Ansible
	w.comment = "# "
	title := w.r.Platform.Name
	if w.r.Role != platform.Both {
		title += ":" + w.r.Role.String()
	}
	if err := w.head("Ansible, "+title, a.Confidence, "", a.Source, a.Note); err != nil {
		return err
	}
	if a.Compare == platform.CompareRunning {
		w.r.Ports = w.r.Platform.Spelling.Lengthen(w.r.Ports)
	}
	lines, err := w.taskLines()
	if err != nil {
		return err
	}
	switch {
	case len(lines) == 0:
	case a.Compare == platform.CompareRunning && w.section == platform.Remove:
		w.say("", "The module sends these lines at every run: that a line is gone is nothing it can find in the running-config.")
	case a.Compare == platform.CompareGuarded:
		w.say("", "A second run changes nothing on the device, although Ansible reports a change: each line looks before it acts.")
	case a.Compare == platform.CompareTyped && w.section == platform.Remove:
		w.say("", "The module enters these lines at every run; the device may refuse one whose entry is gone.")
	case a.Compare == platform.CompareTyped:
		w.say("", "The module enters these lines at every run and reports a change; on a device that has them they change nothing.")
	}
	if a.Collection != "ansible.builtin" {
		w.say("", "Install: ansible-galaxy collection install "+a.Collection)
	}
	group := strings.ReplaceAll(w.r.Platform.Name, "-", "_")
	if w.r.Role != platform.Both {
		group += "_" + w.r.Role.String()
	}
	if w.r.Values.Device != "" {
		group = w.r.Values.Device
		if group == "all" || group == "ungrouped" {
			return fmt.Errorf("a device cannot be called %+q in a playbook: Ansible takes the name for every host", group)
		}
		title = group + ": " + title
		w.say("", fmt.Sprintf("It is for the host %s of the inventory.", group))
	} else {
		w.say("", fmt.Sprintf("Run it on the inventory group %s, or rename that.", group))
	}
	play := yaml.MapSlice{
		{Key: "name", Value: fmt.Sprintf("%s: %s the NLB cluster %s", title, w.section, w.r.MAC)},
		{Key: "hosts", Value: group},
		{Key: "gather_facts", Value: false},
		{Key: "connection", Value: a.Connection},
	}
	if a.Become != "" {
		play = append(play, yaml.MapItem{Key: "become", Value: true}, yaml.MapItem{Key: "become_method", Value: a.Become})
	}
	if a.NetworkOS != "" {
		play = append(play, yaml.MapItem{Key: "vars", Value: yaml.MapSlice{{Key: "ansible_network_os", Value: a.NetworkOS}}})
	}
	w.out.WriteString("- ")
	if err := w.yaml("  ", play, true); err != nil {
		return err
	}
	w.out.WriteString("  tasks:")
	before := w.out.Len()
	w.out.WriteByte('\n')
	tasks := 0
	if len(a.Tasks) > 0 {
		tasks, err = w.madeTasks()
	} else {
		tasks, err = w.lineTasks(lines)
	}
	if err != nil || tasks > 0 {
		return err
	}
	text := w.out.String()[:before]
	w.out.Reset()
	w.out.WriteString(text + " []\n")
	return nil
}

// taskLine is one line as a module takes it.
type taskLine struct {
	parents []string // what enters its mode
	closes  []string // what leaves it
	text    string
	of      platform.Line
	short   bool // its ports had to be shortened
	several bool // it names several ports
}

// taskLines returns the section's lines for a module that takes lines.
func (w *formWriter) taskLines() ([]taskLine, error) {
	if w.r.Platform.Ansible.Module == "" {
		return nil, nil
	}
	lines := slices.Clone(w.r.Platform.Configure)
	if w.section == platform.Remove {
		slices.Reverse(lines)
	}
	var all []taskLine
	for _, l := range lines {
		text := l.Line
		switch {
		case !w.r.Wants(w.section, l.Scope()), w.section == platform.Remove && l.Undo == "":
			continue
		case w.section == platform.Remove:
			text = l.Undo
			if l.UndoConfidence != "" {
				l.Confidence = l.UndoConfidence
			}
		case l.Ansible.Line != "":
			text = l.Ansible.Line
		}
		err := w.r.Each(l.Each, func(d *render.Data) error {
			parents, err := w.parents(l, d)
			if err != nil {
				return err
			}
			closes, err := w.lines(strings.Split(w.r.Platform.Contexts[l.In].Close, "\n"), d)
			if err != nil {
				return err
			}
			w.r.Shortened = false
			outs, err := w.r.Fit(text, d)
			for _, out := range outs {
				all = append(all, taskLine{parents, closes, out, l, w.r.Shortened, w.r.SawPorts && len(w.r.Ports) > 1})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// parents returns the lines of the mode that a line stands in.
func (w *formWriter) parents(l platform.Line, d *render.Data) ([]string, error) {
	open := strings.Split(w.r.Platform.Contexts[l.In].Open, "\n")
	if len(l.Ansible.Parents) > 0 {
		open = l.Ansible.Parents
		if w.section == platform.Remove {
			return nil, nil // what takes back a block stands outside of its mode
		}
	}
	return w.lines(open, d)
}

// lines fills templates and drops what comes out empty.
func (w *formWriter) lines(texts []string, d *render.Data) ([]string, error) {
	var all []string
	for _, text := range texts {
		out, err := w.r.Fill(text, d)
		if err != nil {
			return nil, err
		}
		if out != "" {
			all = append(all, out)
		}
	}
	return all, nil
}

// lineTasks writes tasks of the one module that takes lines: one for each run
// of lines in the same mode.
func (w *formWriter) lineTasks(lines []taskLine) (int, error) {
	a := w.r.Platform.Ansible
	if len(lines) == 0 {
		return 0, nil
	}
	argument := a.Argument
	if argument == "" {
		argument = "lines"
	}
	tasks, typed := 0, a.Compare == platform.CompareTyped
	for i, e := range lines {
		sameMode := i > 0 && slices.Equal(e.parents, lines[i-1].parents)
		if i == 0 || !sameMode && !typed {
			tasks++
			if err := w.lineTask(e.parents, argument); err != nil {
				return 0, err
			}
		}
		if typed && !sameMode {
			if i > 0 {
				if err := w.items(lines[i-1].closes); err != nil {
					return 0, err
				}
			}
			if err := w.items(e.parents); err != nil {
				return 0, err
			}
		}
		if w.section == platform.Remove && e.of.UndoNote != "" {
			w.say("          ", e.of.UndoNote)
		}
		more := ""
		switch {
		case a.Compare != platform.CompareRunning && a.Compare != platform.CompareCommand, w.section == platform.Remove:
		case e.short:
			more = "its ports are shortened to keep the line's limit: a second run enters it again"
		case len(e.of.Ansible.Source) == 0:
			more = "how the running-config spells it is unconfirmed: a second run may enter it again"
		default:
			more = "as the running-config shows it [" + strings.Join(e.of.Ansible.Source, ", ") + "]"
			if e.several {
				more += ", if the ports stand in the device's own order"
			}
		}
		w.trust("          ", "", e.of.Confidence, e.of.Doubt, e.of.Source, more)
		if err := w.items(strings.Split(e.text, "\n")); err != nil {
			return 0, err
		}
	}
	if typed {
		if err := w.items(lines[len(lines)-1].closes); err != nil {
			return 0, err
		}
	}
	if len(a.Save) > 0 {
		if err := w.task("save", a.Module); err != nil {
			return 0, err
		}
		return tasks + 1, w.args(a.Save)
	}
	return tasks, nil
}

// lineTask writes the beginning of a task of the module that takes lines, up to
// the lines.
func (w *formWriter) lineTask(parents []string, argument string) error {
	a := w.r.Platform.Ansible
	name := string(w.section)
	if a.Compare == platform.CompareTyped {
		parents = nil // they stand among the lines
	}
	if len(parents) > 0 {
		name += ", " + strings.Join(parents, ", ")
	}
	if err := w.task(name, a.Module); err != nil {
		return err
	}
	if err := w.args(a.Args); err != nil {
		return err
	}
	if len(parents) > 0 {
		if err := w.yaml("        ", yaml.MapSlice{{Key: "parents", Value: anys(parents)}}, false); err != nil {
			return err
		}
	}
	w.out.WriteString("        " + argument + ":\n")
	w.trusted = ""
	return nil
}

// items writes lines as items of a list.
func (w *formWriter) items(lines []string) error {
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if err := w.limit(line); err != nil {
			return err
		}
		quoted, err := quoteYAML(line)
		if err != nil {
			return err
		}
		w.out.WriteString("          - " + quoted + "\n")
	}
	return nil
}

// args writes arguments that are the same for every VIP and port.
func (w *formWriter) args(n yaml.MapSlice) error {
	filled, err := fillTree(w.r, n, w.r.Once())
	if err != nil {
		return err
	}
	return w.yaml("        ", filled, false)
}

// limit refuses a line that the platform would cut.
func (w *formWriter) limit(line string) error {
	if most := w.r.Platform.Spelling.Line; most > 0 && len(line) > most {
		return &render.LongLineError{Platform: w.r.Platform.Name, Length: len(line), Most: most}
	}
	return nil
}

// madeTasks writes the tasks of purpose-made modules.
func (w *formWriter) madeTasks() (int, error) {
	tasks := 0
	for _, t := range w.r.Platform.Ansible.Tasks {
		of := t.Section
		if of == "" {
			of = platform.Configure
		}
		if of != w.section || !w.r.Wants(w.section, platform.Scope{Role: t.Role, Mode: t.Mode}) {
			continue
		}
		err := w.r.Each(t.Each, func(d *render.Data) error {
			tasks++
			name, err := w.r.Fill(t.Name, d)
			if err != nil {
				return err
			}
			args, err := fillTree(w.r, t.Args, d)
			if err != nil {
				return err
			}
			w.trust("    ", "", t.Confidence, t.Doubt, t.Source, "")
			if err := w.task(name, t.Module); err != nil {
				return err
			}
			if err := w.yaml("        ", args, false); err != nil || w.r.Platform.Ansible.Handler == nil {
				return err
			}
			return w.yaml("      ", yaml.MapSlice{{Key: "notify", Value: w.r.Platform.Ansible.Handler.Name}}, false)
		})
		if err != nil {
			return 0, err
		}
	}
	if h := w.r.Platform.Ansible.Handler; h != nil && tasks > 0 {
		w.out.WriteString("  handlers:\n")
		if err := w.task(h.Name, h.Module); err != nil {
			return 0, err
		}
		return tasks, w.args(h.Args)
	}
	return tasks, nil
}

// task writes the beginning of a task, up to its arguments.
func (w *formWriter) task(name, module string) error {
	quoted, err := quoteYAML(name)
	if err != nil {
		return err
	}
	fmt.Fprintf(&w.out, "    - name: %s\n      %s:\n", quoted, module)
	return nil
}

// anys turns strings into a list for a tree.
func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// yaml writes a tree in block style. Behind a dash the first line is not
// indented.
func (w *formWriter) yaml(indent string, n any, dashed bool) error {
	lead := indent
	if dashed {
		lead = ""
	}
	switch n := n.(type) {
	case yaml.MapSlice:
		for _, item := range n {
			fmt.Fprintf(&w.out, "%s%v:", lead, item.Key)
			lead = indent
			switch v := item.Value.(type) {
			case yaml.MapSlice, []any:
				w.out.WriteByte('\n')
				if err := w.yaml(indent+"  ", v, false); err != nil {
					return err
				}
			default:
				if err := w.scalar(v); err != nil {
					return err
				}
			}
		}
	case []any:
		for _, v := range n {
			w.out.WriteString(lead + "-")
			lead = indent
			switch v := v.(type) {
			case yaml.MapSlice:
				w.out.WriteByte(' ')
				if err := w.yaml(indent+"  ", v, true); err != nil {
					return err
				}
			default:
				if err := w.scalar(v); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// scalar writes a leaf and ends its line.
func (w *formWriter) scalar(v any) error {
	if expr, ok := v.(platform.Jinja); ok {
		fmt.Fprintf(&w.out, " \"{{ %s }}\"\n", expr)
		return nil
	}
	s, ok := v.(string)
	if !ok {
		fmt.Fprintf(&w.out, " %v\n", v)
		return nil
	}
	if plainYAML().MatchString(s) {
		w.out.WriteString(" " + s + "\n")
		return nil
	}
	quoted, err := quoteYAML(s)
	if err != nil {
		return err
	}
	w.out.WriteString(" " + quoted + "\n")
	return nil
}

// plainYAML matches names with a dot or an underscore, which stand without
// quotes: no word or number of YAML's has that form.
var plainYAML = platform.LazyRegexp(`\A[a-z][a-z0-9]*(?:[._][a-z0-9]+)+\z`)

// quoteYAML writes a string as a double-quoted scalar. Ansible reads templates
// in it, in which a value could run a program on the admin's machine: what
// opens one is refused.
func quoteYAML(s string) (string, error) {
	for _, open := range []string{"{{", "{%", "{#"} {
		if strings.Contains(s, open) {
			return "", fmt.Errorf("%+q holds %s, which Ansible takes for a template", platform.Clip(s), open)
		}
	}
	return strconv.Quote(s), printable(s)
}
