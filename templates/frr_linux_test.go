package templates

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
	"github.com/nlbprobe/nlbprobe/templates/templatestest"
)

// TestFRR asks FRR's own command line, without its daemons: what a static
// neighbour is on other routers it does not know, which is why the lines are the
// kernel's; and it takes the command that the verify section gives it.
func TestFRR(t *testing.T) {
	vtysh, err := exec.LookPath("vtysh")
	templatestest.Needs(t, "vtysh", err)
	ask := func(commands ...string) string {
		args := []string{"--dryrun"}
		for _, c := range commands {
			args = append(args, "-c", c)
		}
		out, _ := exec.Command(vtysh, args...).CombinedOutput() // without daemons nothing ends well
		return string(out)
	}
	const unknown = "Unknown command"
	if out := ask("show ip nonsense"); !strings.Contains(out, unknown) {
		t.Fatalf("vtysh takes nonsense: %s", out)
	}
	for _, line := range []string{"arp 192.0.2.100 03bf.c000.0264 arpa", "ip arp 192.0.2.100 03bf.c000.0264", "ip neigh 192.0.2.100 03:bf:c0:00:02:64"} {
		for _, at := range [][]string{{"configure terminal", line}, {"configure terminal", "interface eth0", line}} {
			if out := ask(at...); !strings.Contains(out, unknown) {
				t.Errorf("%q is a command of FRR's, and the platform says that there is none: %s", line, out)
			}
		}
	}
	p := templatestest.Lookup(t, "frr")
	c, err := render.Sections(p, templatestest.Sample(p, templatestest.MulticastMAC), platform.L3, []platform.Section{platform.Verify}, render.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, line := range templatestest.Devices(c[0]) {
		command, is := strings.CutPrefix(line, "vtysh -c '")
		if !is {
			continue
		}
		asked++
		if out := ask(strings.TrimSuffix(command, "'")); strings.Contains(out, unknown) {
			t.Errorf("%s: %s", line, out)
		}
	}
	if asked == 0 {
		t.Errorf("no line asks vtysh: %s", c[0].Text)
	}
}
