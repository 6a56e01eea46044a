package vet

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"text/template/parse"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/reading"
	"github.com/nlbprobe/nlbprobe/templates/render"
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
	t, err := platform.ParseLine(text)
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
		c.bad(at, "%q: only values, if and with may stand in a template", platform.Clip(n.String()))
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

// rendering renders every section for every mode and role, with and without
// values, and reports what a template gets wrong.
func (c *checker) rendering() {
	bare := render.Values{VIPs: []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, 100})}}
	full := bare
	full.VLAN, full.Ports, full.SVI, full.VRF = 20, []string{"p1", "p2"}, "svi", "vrf"
	full.Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), 24)
	full.Set = map[string]string{}
	for _, v := range c.p.Values {
		if !slices.Contains(platform.BuiltinValues[:], v.Name) {
			full.Set[v.Name] = "x"
		}
	}
	for _, m := range []mac.Addr{{0x03, 0xbf, 192, 0, 2, 100}, {0x01, 0x00, 0x5e, 0x7f, 2, 100}, {0x01, 0x00, 0x5e, 0x01, 2, 100}, {0x02, 0xbf, 192, 0, 2, 100}} {
		for _, v := range []render.Values{bare, full} {
			v.MAC = m
			for _, role := range []platform.Role{platform.Both, platform.L3, platform.L2} {
				c.roundTrip(v, role)
				c.formTrip(v, role)
			}
		}
	}
	if len(c.faults) > 0 {
		return
	}
	if err := reading.Readable(c.p); err != nil {
		c.bad("$.configure", "%v", err)
	}
}

func (c *checker) roundTrip(v render.Values, role platform.Role) {
	r, err := render.New(c.p, v, role)
	if err != nil {
		c.bad("$.spelling", "%v", err)
		return
	}
	r.Trusting = true
	for _, s := range platform.Sections() {
		if _, err := r.Section(s); err != nil {
			at, reason := c.origin(s, err), err.Error()
			if !slices.ContainsFunc(c.faults, func(f fault) bool { return f.reason == reason }) {
				c.bad(at, "%s", reason)
			}
		}
	}
}

// origin finds the line of the file that an error of a section came from.
func (c *checker) origin(s platform.Section, err error) string {
	name, lines := string(s), c.p.Configure
	switch s {
	case platform.Verify:
		lines = c.p.Verify
	case platform.Save:
		lines = c.p.Save
	default:
		name = string(platform.Configure)
	}
	if f, ok := errors.AsType[*render.LineFault](err); ok {
		if f.Context != "" {
			return "$.contexts." + f.Context
		}
		i := slices.IndexFunc(lines, func(l platform.Line) bool { return l.Line == f.Line })
		return fmt.Sprintf("$.%s[%d].line", name, i)
	}
	return "$." + name
}
