package templates

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/nlbprobe/nlbprobe/mac"
)

// template checks that a text parses and uses nothing that could repeat,
// include or call: what is left ends, and gives the same text for the same
// values.
func (c *checker) template(at, text string) {
	if len(text) > 4000 {
		c.bad(at, "a template of %d characters; 4000 are enough", len(text))
		return
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\n' || r > '~' }); i >= 0 {
		c.bad(at, "character %d of the template is not printable ASCII", i+1)
		return
	}
	t, err := parseLine(text)
	if err != nil {
		c.bad(at, "%v", err)
		return
	}
	if len(t.Templates()) > 1 {
		c.bad(at, "a template cannot define another")
	}
	if t.Tree != nil {
		c.nodes(at, t.Root)
	}
}

func (c *checker) nodes(at string, n parse.Node) {
	switch n := n.(type) {
	case nil, *parse.TextNode, *parse.CommentNode:
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, m := range n.Nodes {
			c.nodes(at, m)
		}
	case *parse.ActionNode:
		c.pipe(at, n.Pipe)
	case *parse.IfNode:
		c.pipe(at, n.Pipe)
		c.nodes(at, n.List)
		c.nodes(at, n.ElseList)
	case *parse.WithNode:
		c.pipe(at, n.Pipe)
		c.nodes(at, n.List)
		c.nodes(at, n.ElseList)
	default:
		c.bad(at, "%q: only values, if and with may stand in a template", clip(n.String()))
	}
}

func (c *checker) pipe(at string, p *parse.PipeNode) {
	for _, cmd := range p.Cmds {
		for _, arg := range cmd.Args {
			switch arg := arg.(type) {
			case *parse.PipeNode:
				c.pipe(at, arg)
			case *parse.IdentifierNode:
				if !slices.Contains([]string{"eq", "ne", "not", "and", "or"}, arg.Ident) {
					c.bad(at, "function %s is not for platform files; there are eq, ne, not, and, or", arg.Ident)
				}
			}
		}
	}
}

// compile compiles the pattern of a value so that it must match all of it.
func compile(pattern string) (*regexp.Regexp, error) {
	if len(pattern) > 1000 {
		return nil, fmt.Errorf("a pattern of %d characters; 1000 are enough", len(pattern))
	}
	// Alone first: a fault is told in the pattern as it was written.
	if _, err := syntax.Parse(pattern, syntax.Perl); err != nil {
		return nil, err
	}
	return regexp.Compile(`\A(?:` + pattern + `)\z`)
}

// parseLine parses the template of one line.
func parseLine(text string) (*template.Template, error) {
	t, err := template.New("line").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	return t, nil
}

// rendering renders every section for every mode and role, with and without
// values, and reports what a template gets wrong.
func (c *checker) rendering() {
	bare := Values{VIPs: []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, 100})}}
	full := bare
	full.VLAN, full.Ports, full.SVI, full.VRF = 20, []string{"p1", "p2"}, "svi", "vrf"
	full.Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), 24)
	full.Set = map[string]string{}
	for _, v := range c.p.Values {
		if !slices.Contains(builtinValues[:], v.Name) {
			full.Set[v.Name] = "x"
		}
	}
	for _, m := range []mac.Addr{{0x03, 0xbf, 192, 0, 2, 100}, {0x01, 0x00, 0x5e, 0x7f, 2, 100}, {0x01, 0x00, 0x5e, 0x01, 2, 100}, {0x02, 0xbf, 192, 0, 2, 100}} {
		for _, v := range []Values{bare, full} {
			v.MAC = m
			for _, role := range []Role{Both, L3, L2} {
				c.roundTrip(v, role)
				c.formTrip(v, role)
			}
		}
	}
	if len(c.faults) > 0 {
		return
	}
	if err := c.p.readable(); err != nil {
		c.bad("$.configure", "%v", err)
	}
}

func (c *checker) roundTrip(v Values, role Role) {
	r, err := newRender(c.p, v, role)
	if err != nil {
		c.bad("$.spelling", "%v", err)
		return
	}
	r.trusting = true
	for _, s := range Sections() {
		if _, err := r.section(s); err != nil {
			at, reason := c.origin(s, err), err.Error()
			if !slices.ContainsFunc(c.faults, func(f fault) bool { return f.reason == reason }) {
				c.bad(at, "%s", reason)
			}
		}
	}
}

// origin finds the line of the file that an error of a section came from.
func (c *checker) origin(s Section, err error) string {
	name, lines := string(s), c.p.Configure
	switch s {
	case Verify:
		lines = c.p.Verify
	case Save:
		lines = c.p.Save
	default:
		name = string(Configure)
	}
	if f, ok := errors.AsType[*lineFault](err); ok {
		if f.context != "" {
			return "$.contexts." + f.context
		}
		i := slices.IndexFunc(lines, func(l Line) bool { return l.Line == f.line })
		return fmt.Sprintf("$.%s[%d].line", name, i)
	}
	return "$." + name
}
