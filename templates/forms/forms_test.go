package forms_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/nlbprobe/nlbprobe/goldentest"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates/forms"
	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
	"github.com/nlbprobe/nlbprobe/templates/templatestest"
	"github.com/nlbprobe/nlbprobe/templates/vet"
)

// formCase is one rendering in a form for programs.
type formCase struct {
	p       *platform.Platform
	form    platform.Form
	v       render.Values
	mode    platform.Mode
	role    platform.Role
	section platform.Section
}

func (c formCase) String() string {
	return fmt.Sprintf("%s-%s-%s-%s-%s", c.p.Name, c.form, c.mode, c.role, c.section)
}

// formCases returns every platform in every form that it has, mode, role and
// section.
func formCases(t testing.TB) []formCase {
	t.Helper()
	all := templatestest.All(t)
	var cases []formCase
	for _, p := range all {
		for _, f := range platform.MachineForms() {
			if !p.Has(f) {
				continue
			}
			for _, m := range []mac.Addr{templatestest.MulticastMAC, templatestest.IGMPMAC, templatestest.UnicastMAC} {
				mode, _ := render.ModeOf(m)
				for _, role := range []platform.Role{platform.Both, platform.L3, platform.L2} {
					for _, s := range platform.FormSections(f) {
						cases = append(cases, formCase{p, f, templatestest.Sample(p, m), mode, role, s})
					}
				}
			}
		}
	}
	if len(cases) < 300 {
		t.Fatalf("%d cases: the platforms' forms did not load", len(cases))
	}
	return cases
}

// render renders one case; nothing is true where the form has nothing for it.
func (c formCase) render(t testing.TB) (text string, nothing bool) {
	t.Helper()
	config, err := forms.Render(c.p, c.form, c.v, c.role, c.section)
	if _, none := errors.AsType[*forms.NothingError](err); none {
		return err.Error() + "\n", true
	}
	if err != nil {
		t.Fatalf("%s: %v", c, err)
	}
	return forms.Join(c.form, []render.Config{config}), false
}

// TestForms compares every rendering with its golden, which has the sections
// one below another, and checks what holds for all of them.
func TestForms(t *testing.T) {
	golden := map[string][]byte{}
	for _, c := range formCases(t) {
		text, nothing := c.render(t)
		ext := map[platform.Form]string{platform.AnsibleForm: "yml", platform.IETFForm: "xml", platform.TerraformForm: "tf"}[c.form]
		path := filepath.Join("testdata", "golden", c.p.Name, fmt.Sprintf("%s-%s.%s", c.mode, c.role, ext))
		golden[path] = append(golden[path], text...)
		if nothing {
			continue
		}
		for line := range strings.Lines(text) {
			if strings.ContainsAny(line, "\r\t") || strings.HasSuffix(line, " \n") || line == "\n" && c.form != platform.TerraformForm {
				t.Errorf("%s: %q", c, line)
			}
			if strings.Contains(line, "# ") && len(line) > 81 {
				t.Errorf("%s: a comment that is too wide: %q", c, line)
			}
			if strings.Contains(line, "<") && c.form != platform.IETFForm && !strings.Contains(line, "#") {
				t.Errorf("%s: a placeholder: %q", c, line)
			}
		}
		checkFormVIPs(t, c, text)
	}
	for path, text := range golden {
		goldentest.Compare(t, path, text)
	}
	files, err := filepath.Glob("testdata/golden/*/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if golden[f] == nil {
			t.Errorf("%s belongs to no platform or case", f)
		}
	}
}

// checkFormVIPs: a device that routes gets one entry for each VIP, one that
// bridges none, as in the text.
func checkFormVIPs(t *testing.T, c formCase, text string) {
	t.Helper()
	if c.section != platform.Configure {
		return
	}
	config, err := render.Sections(c.p, c.v, c.role, []platform.Section{platform.Configure}, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, ip := range c.v.VIPs {
		word := regexp.MustCompile(`\b` + regexp.QuoteMeta(ip.String()) + `\b`)
		inText := word.MatchString(strings.Join(templatestest.Devices(config[0]), "\n"))
		var data strings.Builder
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(strings.TrimSpace(line), "#") && !strings.Contains(line, "- name: ") {
				data.WriteString(line)
			}
		}
		if inForm := word.MatchString(data.String()); inForm != inText {
			t.Errorf("%s: VIP %s stands in the text: %v, in the form: %v", c, ip, inText, inForm)
		}
	}
}

// TestFormsSayUnverified: no line that the platform file marks unverified
// stands in a playbook without the word above it.
func TestFormsSayUnverified(t *testing.T) {
	seen := 0
	for _, c := range formCases(t) {
		if c.form != platform.AnsibleForm || c.section != platform.Configure || c.p.Ansible.Module == "" {
			continue
		}
		text, _ := c.render(t)
		for _, l := range c.p.Configure {
			if l.Confidence != platform.Unverified || !templatestest.Wanted(t, c.p, l, c.v, c.role) {
				continue
			}
			as := l.Line
			if l.Ansible.Line != "" {
				as = l.Ansible.Line
			}
			re := regexp.MustCompile(`^"` + templatestest.LineForm(render.Outline(c.p, as)) + `"$`)
			lines := strings.Split(text, "\n")
			for i, line := range lines {
				item, ok := strings.CutPrefix(strings.TrimSpace(line), "- ")
				if !ok || !re.MatchString(item) {
					continue
				}
				for i > 0 && !strings.HasPrefix(strings.TrimSpace(lines[i]), "#") {
					i-- // past lines of the same confidence
				}
				for i > 0 && strings.HasPrefix(strings.TrimSpace(lines[i-1]), "#") {
					i--
				}
				seen++
				if !strings.Contains(lines[i], "# unverified") {
					t.Errorf("%s: %s stands below %q", c, item, lines[i])
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("%d unverified lines were seen: this test looks in the wrong places", seen)
	}
}

// missingModules are the modules of collections that Debian's package does not
// have, as the file lists them: collection.module. Of their playbooks only the
// syntax is checked, against an empty stand-in.
const missingList = "testdata/ansible/not-in-debian.txt"

func missingModules(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile(missingList)
	if err != nil {
		t.Fatal(err)
	}
	var modules []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			if strings.Count(line, ".") != 2 {
				t.Fatalf("%s: %q is not collection.module, as arubanetworks.aoscx.aoscx_config", missingList, line)
			}
			modules = append(modules, line)
		}
	}
	return modules
}

// playbooks writes every playbook into a folder and returns their paths in the
// order of the cases.
func playbooks(t *testing.T) (cases []formCase, paths []string) {
	t.Helper()
	dir := t.TempDir()
	for _, c := range formCases(t) {
		if c.form != platform.AnsibleForm {
			continue
		}
		text, _ := c.render(t)
		path := filepath.Join(dir, c.String()+".yml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cases, paths = append(cases, c), append(paths, path)
	}
	return cases, paths
}

// TestAnsibleSyntax hands every playbook to ansible-playbook, which resolves
// the modules' names in the collections that Debian ships.
func TestAnsibleSyntax(t *testing.T) {
	t.Parallel()
	_, err := exec.LookPath("ansible-playbook")
	templatestest.Needs(t, "ansible-playbook", err)
	_, err = exec.LookPath("ansible-community") // the package with the collections
	templatestest.Needs(t, "ansible-community", err)
	_, paths := playbooks(t)
	stubs := t.TempDir()
	for _, name := range missingModules(t) {
		part := strings.Split(name, ".")
		modules := filepath.Join(stubs, "ansible_collections", part[0], part[1], "plugins", "modules")
		if err := os.MkdirAll(modules, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(modules, part[2]+".py"), []byte("DOCUMENTATION = ''\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(paths ...string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), "ansible-playbook", append([]string{"--syntax-check", "-i", "localhost,"}, paths...)...)
		home := t.TempDir()
		cmd.Dir = home
		cmd.Env = append(os.Environ(), "HOME="+home, "ANSIBLE_COLLECTIONS_PATH="+stubs, "ANSIBLE_LOCALHOST_WARNING=false", "LC_ALL=C.UTF-8")
		return cmd.CombinedOutput()
	}
	if out, err := check(paths...); err != nil {
		t.Errorf("%v\n%s\nA module that Debian's ansible does not have belongs into templates/%s.", err, out, missingList)
	}
	// The control: a module that is not there fails.
	text, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(t.TempDir(), "wrong.yml")
	text = regexp.MustCompile(`_config:`).ReplaceAll(text, []byte("_konfig:"))
	if err := os.WriteFile(wrong, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := check(wrong); err == nil || !bytes.Contains(out, []byte("_konfig")) {
		t.Errorf("a module that does not exist passed: %v\n%s", err, out)
	}
}

// opinion is what testdata/ansible/check.py says of a playbook.
type opinion struct {
	Faults, Missing, Fresh, Again []string
}

// judge asks Ansible's own code about playbooks; of running the file name of a
// running-config, or none.
func judge(t *testing.T, paths, running []string) []opinion {
	t.Helper()
	_, err := exec.LookPath("ansible-community")
	templatestest.Needs(t, "ansible-community", err)
	type request struct {
		Playbook string  `json:"playbook"`
		Running  *string `json:"running"`
	}
	var in []request
	for i, path := range paths {
		r := request{Playbook: path}
		if running != nil {
			r.Running = &running[i]
		}
		in = append(in, r)
	}
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "testdata/ansible/check.py")
	cmd.Stdin = bytes.NewReader(data)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "LC_ALL=C.UTF-8")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	var all []opinion
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var o opinion
		if err := dec.Decode(&o); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	if len(all) != len(paths) {
		t.Fatalf("%d opinions on %d playbooks", len(all), len(paths))
	}
	return all
}

// TestAnsibleArguments: every module takes the arguments of its tasks, and
// sends each line of a playbook to a device that has none of them.
func TestAnsibleArguments(t *testing.T) {
	t.Parallel()
	cases, paths := playbooks(t)
	sent := 0
	missing := missingModules(t)
	for i, o := range judge(t, paths, nil) {
		for _, f := range o.Faults {
			t.Errorf("%s: %s", cases[i], f)
		}
		for _, m := range o.Missing {
			if !slices.ContainsFunc(missing, func(module string) bool { return strings.HasPrefix(module, m+".") }) {
				t.Errorf("%s: the collection %s is not installed; if Debian's ansible does not have it, its module belongs into templates/%s", cases[i], m, missingList)
			}
		}
		sent += len(o.Fresh)
		text, err := os.ReadFile(paths[i])
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range o.Fresh {
			if !strings.Contains(string(text), `- "`+line+`"`) {
				t.Errorf("%s: %q would be sent, which the playbook does not have", cases[i], line)
			}
		}
	}
	if sent < 200 {
		t.Errorf("%d lines would be sent", sent)
	}
}

// TestAnsibleAgain: on a device whose running-config is as public ones show it
// (testdata/running), the module finds every line and sends none.
func TestAnsibleAgain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		platform string
		role     platform.Role
	}{
		{"cisco-ios", platform.Both}, {"cisco-catalyst-9000", platform.L3}, {"cisco-isr", platform.L3}, {"cisco-nxos", platform.L3}, {"cisco-iosxr", platform.L3}, {"huawei-vrp", platform.L3},
		{"vyos", platform.L3}, {"ubiquiti-edgeos", platform.L3},
	}
	dir := t.TempDir()
	var paths, running []string
	for _, tt := range tests {
		p := templatestest.Lookup(t, tt.platform)
		v := templatestest.Sample(p, templatestest.MulticastMAC)
		if tt.platform == "cisco-ios" {
			v.Ports = []string{"gi1/0/11", "Po5"} // typed short, shown long
		}
		config, err := forms.Render(p, platform.AnsibleForm, v, tt.role, platform.Configure)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, tt.platform+".yml")
		if err := os.WriteFile(path, []byte(forms.Join(platform.AnsibleForm, []render.Config{config})), 0o600); err != nil {
			t.Fatal(err)
		}
		paths, running = append(paths, path), append(running, filepath.Join("testdata", "running", tt.platform+".cfg"))
	}
	for i, o := range judge(t, paths, running) {
		if len(o.Fresh) < 2 || len(o.Again) > 0 {
			t.Errorf("%s: %q to a fresh device, and %q to one that has them", tests[i].platform, o.Fresh, o.Again)
		}
	}
}

// TestAnsibleLinux runs the playbook of a Linux router for real, with another
// folder and another command to reload: the second run changes nothing, and
// what is removed is gone.
func TestAnsibleLinux(t *testing.T) {
	t.Parallel()
	_, err := exec.LookPath("ansible-playbook")
	templatestest.Needs(t, "ansible-playbook", err)
	const name = "linux-networkd" // linux-netplan has the same tasks
	p := templatestest.Lookup(t, name)
	v := templatestest.Sample(p, templatestest.MulticastMAC)
	dir := t.TempDir()
	home, etc, reloaded := t.TempDir(), filepath.Join(dir, "network"), filepath.Join(dir, "reloaded")
	run := func(s platform.Section) string {
		t.Helper()
		c, err := forms.Render(p, platform.AnsibleForm, v, platform.L3, s)
		if err != nil {
			t.Fatal(err)
		}
		text := forms.Join(platform.AnsibleForm, []render.Config{c})
		for _, change := range [][2]string{{"/etc/systemd/network", etc}, {"networkctl reload", "touch " + reloaded}} {
			if !strings.Contains(text, change[0]) {
				t.Fatalf("no %q in\n%s", change[0], text)
			}
			text = strings.ReplaceAll(text, change[0], change[1])
		}
		file := filepath.Join(dir, string(s)+".yml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		group := strings.ReplaceAll(name, "-", "_") + "_l3"
		inventory := filepath.Join(dir, "hosts")
		if err := os.WriteFile(inventory, []byte("["+group+"]\nrouter ansible_connection=local ansible_become=false ansible_python_interpreter=/usr/bin/python3\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "ansible-playbook", "-i", inventory, file)
		cmd.Dir = home
		cmd.Env = append(os.Environ(), "HOME="+home, "LC_ALL=C.UTF-8", "ANSIBLE_NOCOLOR=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		recap := regexp.MustCompile(`(?m)^router .*$`).Find(out)
		return strings.Join(strings.Fields(string(recap)), " ")
	}
	want := func(s platform.Section, changed int) {
		t.Helper()
		if got := run(s); !strings.Contains(got, fmt.Sprintf(" changed=%d ", changed)) || !strings.Contains(got, "failed=0") {
			t.Errorf("%s: %q, want %d changes", s, got, changed)
		}
	}
	want(platform.Configure, 4) // the folder, two VIPs, the reload
	files, err := filepath.Glob(etc + "/*/*")
	if err != nil || len(files) != 2 {
		t.Fatalf("%q, %v", files, err)
	}
	got, err := os.ReadFile(files[0])
	if err != nil || string(got) != "[Neighbor]\nAddress=192.0.2.100\nLinkLayerAddress=03:bf:c0:00:02:64\n" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := os.Stat(reloaded); err != nil {
		t.Error(err)
	}
	want(platform.Configure, 0)
	want(platform.Remove, 3)
	if files, _ := filepath.Glob(etc + "/*/*"); len(files) > 0 {
		t.Errorf("left: %q", files)
	}
}

// TestYanglint validates each edit-config body against the models that Debian
// ships with yanglint: ietf-ip of RFC 7277, whose neighbours are those of RFC 8344.
func TestYanglint(t *testing.T) {
	t.Parallel()
	_, err := exec.LookPath("yanglint")
	templatestest.Needs(t, "yanglint", err)
	const models = "/usr/share/doc/libyang2-tools/examples"
	_, err = os.Stat(models + "/ietf-ip.yang")
	templatestest.Needs(t, "yanglint", err)
	lint := func(text string) ([]byte, error) {
		// What stands in config is the datastore's; the attributes of NETCONF
		// itself are known to no model here.
		inner := regexp.MustCompile(`(?s)^.*?<config[^>]*>(.*)</config>\n$`).FindStringSubmatch(text)
		if inner == nil {
			t.Fatalf("no config in\n%s", text)
		}
		file := filepath.Join(t.TempDir(), "body.xml")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(inner[1], ` nc:operation="remove"`, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		return exec.CommandContext(t.Context(), "yanglint", "-p", models, "-t", "edit", models+"/ietf-ip.yang", file).CombinedOutput()
	}
	bodies := 0
	for _, c := range formCases(t) {
		if c.form != platform.IETFForm {
			continue
		}
		text, nothing := c.render(t)
		if nothing {
			continue
		}
		bodies++
		if out, err := lint(text); err != nil {
			t.Errorf("%s: %v\n%s", c, err, out)
		}
		if err := xml.Unmarshal([]byte(text), new(forms.EditConfig)); err != nil {
			t.Errorf("%s: %v", c, err)
		}
		// The control: what is no MAC address is refused.
		if bad := strings.Replace(text, "<link-layer-address>03", "<link-layer-address>zz", 1); bad != text {
			if _, err := lint(bad); err == nil {
				t.Errorf("%s: yanglint took zz for a MAC address", c)
			}
		}
	}
	if bodies < 6 {
		t.Errorf("%d bodies were validated", bodies)
	}
}

// TestScalar: a text of a playbook is a text, whatever a reader of YAML 1.1 makes of
// the bare word.
func TestScalar(t *testing.T) {
	for _, text := range []string{"12:30:45", "20:11:10:20:30:40", "1e3", "on", "no", "y", "~", "=", "<<", "017", "1_000", "2026-12-01", "# x", "- x", "x: y", `"`, "", " "} {
		got, err := forms.Scalar(text)
		if want := " " + strconv.Quote(text) + "\n"; err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	for leaf, want := range map[any]string{"cisco.ios.ios": " cisco.ios.ios\n", true: " true\n", uint64(20): " 20\n"} {
		if got, err := forms.Scalar(leaf); err != nil || got != want {
			t.Errorf("%v: %q, %v; want %q", leaf, got, err, want)
		}
	}
	if got, err := forms.Scalar("{{ lookup('pipe', 'id') }}"); err == nil {
		t.Errorf("a template of Ansible's is taken: %q", got)
	}
}

// TestFormErrors has the exact line where a form cannot be had.
func TestFormErrors(t *testing.T) {
	tests := []struct {
		platform string
		form     platform.Form
		role     platform.Role
		section  platform.Section
		change   func(*render.Values)
		want     string
	}{
		{"cisco-catos", platform.AnsibleForm, platform.Both, platform.Configure, nil, "cisco-catos does not have the form ansible"},
		{"cisco-ios", platform.TextForm, platform.Both, platform.Configure, nil, "cisco-ios does not have the form text"},
		{"cisco-aci", platform.TerraformForm, platform.Both, platform.Remove, nil, "cisco-aci does not have the form terraform"},
		{"cisco-ios", platform.AnsibleForm, platform.Both, platform.Configure, func(v *render.Values) { v.Ports, v.VLAN = nil, 0 }, "cisco-ios needs what was not given: vlan, port"},
		{"linux", platform.IETFForm, platform.L3, platform.Configure, func(v *render.Values) { v.Ports, v.VLAN, v.SVI = nil, 0, "" }, "linux needs what was not given: svi"},
		{"linux", platform.IETFForm, platform.L2, platform.Configure, nil, "linux has nothing in the form ietf here: it holds ARP entries, which only a device needs that routes the VLAN of a cluster with a group MAC; --format text says what to do"},
		{"cisco-ios", platform.AnsibleForm, platform.Both, platform.Configure, func(v *render.Values) { v.Ports = []string{"Gi1/0/1\nreload"} }, `port "Gi1/0/1\nreload" holds a line break, a control character or one outside ASCII; no name does`},
		{"cisco-ios", platform.AnsibleForm, platform.Both, platform.Configure, func(v *render.Values) { v.MAC = mac.Addr{0x00, 0x50, 0x56} }, "00:50:56:00:00:00 is a unicast MAC: no configuration is needed, since routers accept it from an ARP reply as any host's (RFC 1812 3.3.2 bars only group MACs)"},
	}
	for _, tt := range tests {
		p := templatestest.Lookup(t, tt.platform)
		v := templatestest.Sample(p, templatestest.MulticastMAC)
		if tt.change != nil {
			tt.change(&v)
		}
		if c, err := forms.Render(p, tt.form, v, tt.role, tt.section); err == nil || err.Error() != tt.want || c.Text != "" {
			t.Errorf("%s %s: %v\nwant %s", tt.platform, tt.form, err, tt.want)
		}
	}
}

// TestLongLineInPlaybook: ports are named in full as a running-config shows
// them, unless the line would get longer than the device takes.
func TestLongLineInPlaybook(t *testing.T) {
	p := templatestest.Lookup(t, "cisco-ios")
	for n, want := range map[int]string{
		4:  "as the running-config shows it [ops-3750], if the ports stand in the device's own order",
		16: "its ports are shortened to keep the line's limit: a second run enters it again",
	} {
		v := templatestest.Sample(p, templatestest.MulticastMAC)
		v.Ports = nil
		for i := range n {
			v.Ports = append(v.Ports, fmt.Sprintf("Gi1/0/%d", i+1))
		}
		c, err := forms.Render(p, platform.AnsibleForm, v, platform.L2, platform.Configure)
		if err != nil {
			t.Fatal(err)
		}
		words := strings.Join(strings.Fields(strings.ReplaceAll(c.Text, "#", "")), " ")
		if long := strings.Contains(c.Text, "GigabitEthernet1/0/1 "); !strings.Contains(words, want) || long != (n == 4) {
			t.Errorf("%d ports: %s", n, c.Text)
		}
		for line := range strings.Lines(c.Text) {
			if item, ok := strings.CutPrefix(strings.TrimSpace(line), `- "mac`); ok && len(item) > 254 {
				t.Errorf("%d ports: %d characters", n, len(item))
			}
		}
	}
	v := templatestest.Sample(p, templatestest.MulticastMAC)
	for i := range 64 {
		v.Ports = append(v.Ports, fmt.Sprintf("Gi2/0/%d", i+1))
	}
	_, err := forms.Render(p, platform.AnsibleForm, v, platform.L2, platform.Configure)
	if _, ok := errors.AsType[*render.LongLineError](err); !ok {
		t.Errorf("64 ports: %v", err)
	}
	v = templatestest.Sample(p, templatestest.MulticastMAC)
	v.Device = "all"
	if _, err := forms.Render(p, platform.AnsibleForm, v, platform.L3, platform.Configure); err == nil {
		t.Error("a playbook for a device called all runs on every host")
	}
}

// FuzzPlatformForms gives every platform that has a form hostile names, as
// FuzzRender does for the text: what is rendered has the lines and the shape that
// harmless names have.
func FuzzPlatformForms(f *testing.F) {
	seeds := []string{
		"Gi1/0/1", "Gi1/0/1\nreload", `Gi1/0/1"`, `a\`, "{{ x }}", "{%x%}", "a: b", "a #b", "- a", "</name>", "]]>", "${x}", "%{x}", "irb unit 20", "Vlan20", "\u2028", "", "all", "blue", "vlan20",
	}
	for i, s := range seeds {
		f.Add(s, seeds[(i+5)%len(seeds)], seeds[(i+11)%len(seeds)], uint16(i*7))
	}
	cases := formCases(f)
	f.Fuzz(func(t *testing.T, port, svi, extra string, pick uint16) {
		c := cases[int(pick)%len(cases)]
		benign := c.v
		v := c.v
		if len(v.Ports) > 0 {
			benign.Ports, v.Ports = v.Ports[:1], []string{port}
		}
		v.SVI, v.Set = svi, map[string]string{}
		for name := range c.v.Set {
			v.Set[name] = extra
		}
		got, err := forms.Render(c.p, c.form, v, c.role, c.section)
		if err != nil {
			if got.Text != "" || strings.ContainsAny(err.Error(), "\n\r\x1b\x00") {
				t.Fatalf("%s: %q", c, err)
			}
			return
		}
		want, err := forms.Render(c.p, c.form, benign, c.role, c.section)
		if err != nil {
			t.Fatalf("%s, harmless values: %v", c, err)
		}
		if g, w := shape(t, c.form, got), shape(t, c.form, want); g != w {
			t.Fatalf("%s: the shape\n%s\nand not\n%s\nfrom\n%s", c, g, w, got.Text)
		}
	})
}

// shape is a document without its values.
func shape(t *testing.T, form platform.Form, c render.Config) string {
	t.Helper()
	text := forms.Join(form, []render.Config{c})
	var b strings.Builder
	switch form {
	case platform.AnsibleForm:
		var doc any
		if err := yaml.UnmarshalWithOptions([]byte(text), &doc, yaml.UseOrderedMap()); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		var walk func(any)
		walk = func(n any) {
			switch n := n.(type) {
			case yaml.MapSlice:
				for _, item := range n {
					fmt.Fprintf(&b, "{%v", item.Key)
					walk(item.Value)
					b.WriteString("}")
				}
			case []any:
				for _, v := range n {
					b.WriteString("[")
					walk(v)
					b.WriteString("]")
				}
			default:
				fmt.Fprintf(&b, "%T", n)
			}
		}
		walk(doc)
	case platform.IETFForm:
		for dec := xml.NewDecoder(strings.NewReader(text)); ; {
			tok, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if e, ok := tok.(xml.StartElement); ok {
				fmt.Fprintf(&b, "<%s %d>", e.Name.Local, len(e.Attr))
			}
		}
	case platform.TerraformForm:
		for _, r := range parseHCL(t, text) {
			fmt.Fprintf(&b, "%s %d %d %d\n", r.Type, len(r.Labels), len(r.Body.Attributes), len(r.Body.Blocks))
		}
	}
	return b.String()
}

// FuzzForms gives the encoders hostile values. What comes out reads back as
// exactly the value, in its place and nowhere else.
func FuzzForms(f *testing.F) {
	for _, s := range []string{
		"web", `a"b`, `a\`, `a\"b`, "a: b", "- a", "# a", "a # b", "{{ lookup('pipe', 'id') }}", "{% x %}", "{# x", "${file(\"/etc/passwd\")}", "%{ if true }", "$${a}", "$",
		"%%{", "</name><x/>", "]]>", "<!--", "-->", "--", "&amp;", "&", "'", "!unsafe x", "*a", "&a", "yes", "null", "~", "1e3", "0x10", "a\nb", "\x00", "\u2028", "?", "|", ">", "@", "`",
	} {
		f.Add(s)
	}
	p, err := vet.Parse("f", []byte(templatestest.HostileFile(f)))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value string) {
		v := render.Values{
			VIPs: []netip.Addr{netip.MustParseAddr("192.0.2.100")}, MAC: templatestest.MulticastMAC, VLAN: 20, Ports: []string{"ethernet 1/1"},
			Prefix: netip.MustParsePrefix("192.0.2.1/24"), Set: map[string]string{"vlan-name": value},
		}
		for _, form := range platform.MachineForms() {
			c, err := forms.Render(p, form, v, platform.Both, platform.Configure)
			if err != nil {
				if c.Text != "" || strings.ContainsAny(err.Error(), "\n\r\x1b\x00") {
					t.Fatalf("%s: %q with %q", form, err, c.Text)
				}
				continue
			}
			text := forms.Join(form, []render.Config{c})
			var got []string
			switch form {
			case platform.AnsibleForm:
				got = readPlaybook(t, text)
				if strings.Contains(text, "{{") || strings.Contains(text, "{%") || strings.Contains(text, "{#") {
					t.Fatalf("a template for Ansible:\n%s", text)
				}
			case platform.IETFForm:
				got = readEditConfig(t, text)
			case platform.TerraformForm:
				got = readHCL(t, text)
			}
			for _, g := range got {
				if g != value {
					t.Fatalf("%s: %q came back as %q from\n%s", form, value, g, text)
				}
			}
		}
	})
}

// readPlaybook returns the places of a hostile playbook where the value stands.
func readPlaybook(t *testing.T, text string) []string {
	t.Helper()
	type args struct {
		Name string `yaml:"name"`
		List []any  `yaml:"list"`
		Last int    `yaml:"last"`
	}
	type task struct {
		Name  string `yaml:"name"`
		Entry args   `yaml:"acme.os.entry"`
	}
	var plays []struct {
		Name       string `yaml:"name"`
		Hosts      string `yaml:"hosts"`
		Gather     bool   `yaml:"gather_facts"`
		Connection string `yaml:"connection"`
		Tasks      []task `yaml:"tasks"`
	}
	if err := yaml.UnmarshalWithOptions([]byte(text), &plays, yaml.Strict()); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(plays) != 1 || len(plays[0].Tasks) != 1 || plays[0].Tasks[0].Entry.Last != 1 || len(plays[0].Tasks[0].Entry.List) != 2 {
		t.Fatalf("another shape:\n%s", text)
	}
	one := plays[0].Tasks[0]
	inner, ok := one.Entry.List[1].(map[string]any)
	if !ok {
		t.Fatalf("another shape:\n%s", text)
	}
	return []string{one.Name, one.Entry.Name, fmt.Sprint(one.Entry.List[0]), fmt.Sprint(inner["in"])}
}

// readEditConfig returns the interface's name.
func readEditConfig(t *testing.T, text string) []string {
	t.Helper()
	var doc forms.EditConfig
	if err := xml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	in := doc.Interfaces.Interface
	if len(in.IPv4.Neighbours) != 1 || in.IPv4.Neighbours[0].IP != "192.0.2.100" || in.IPv4.Neighbours[0].Address != templatestest.MulticastMAC.String() {
		t.Fatalf("another shape:\n%s", text)
	}
	return []string{in.Name}
}

// readHCL returns the places of a hostile resource where the value stands; its
// label is a name made of it.
func readHCL(t *testing.T, text string) []string {
	t.Helper()
	resources := parseHCL(t, text)
	if len(resources) != 1 || resources[0].Type != "resource" || len(resources[0].Labels) != 2 || len(resources[0].Body.Blocks) != 1 {
		t.Fatalf("another shape:\n%s", text)
	}
	body := resources[0].Body
	if label := resources[0].Labels[1]; !hclsyntax.ValidIdentifier(label) {
		t.Fatalf("label %q", label)
	}
	list := hclEval(t, body.Blocks[0].Body.Attributes["list"])
	if list.LengthInt() != 2 || list.Index(cty.NumberIntVal(1)).False() {
		t.Fatalf("another shape:\n%s", text)
	}
	return []string{hclEval(t, body.Attributes["name"]).AsString(), list.Index(cty.NumberIntVal(0)).AsString()}
}

// parseHCL parses Terraform's language with the package that Terraform uses,
// and returns the blocks behind the provider's.
func parseHCL(t *testing.T, text string) hclsyntax.Blocks {
	t.Helper()
	file, diags := hclsyntax.ParseConfig([]byte(text), "f.tf", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, text)
	}
	body := file.Body.(*hclsyntax.Body)
	if len(body.Attributes) > 0 || len(body.Blocks) == 0 || body.Blocks[0].Type != "terraform" {
		t.Fatalf("another shape:\n%s", text)
	}
	return body.Blocks[1:]
}

// hclEval returns an attribute's value, which needs no variable.
func hclEval(t *testing.T, a *hclsyntax.Attribute) cty.Value {
	t.Helper()
	if a == nil {
		t.Fatal("an attribute is missing")
	}
	v, diags := a.Expr.Value(nil)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return v
}

// TestTerraform reads every rendering with Terraform's own parser: one
// aci_subnet for each VIP with what the provider's documentation asks for, and
// formatted as terraform fmt does.
func TestTerraform(t *testing.T) {
	modes := map[platform.Mode][3]string{
		platform.Multicast: {"mode-mcast--static", "mac", "03:bf:c0:00:02:64"},
		platform.IGMP:      {"mode-mcast-igmp", "group", "239.255.2.100"},
		platform.Unicast:   {"mode-uc", "mac", "02:bf:c0:00:02:64"},
	}
	for _, c := range formCases(t) {
		if c.form != platform.TerraformForm {
			continue
		}
		text, _ := c.render(t)
		if formatted := hclwrite.Format([]byte(text)); string(formatted) != text {
			t.Errorf("%s: terraform fmt would change it to\n%s", c, formatted)
		}
		resources := parseHCL(t, text)
		if len(resources) != len(c.v.VIPs) {
			t.Fatalf("%s: %d resources", c, len(resources))
		}
		labels := map[string]bool{}
		for i, r := range resources {
			labels[r.Labels[1]] = true
			got := hclEval(t, r.Body.Attributes["ip"]).AsString()
			if r.Labels[0] != "aci_subnet" || got != c.v.VIPs[i].String()+"/32" || len(r.Body.Blocks) != 1 || r.Body.Blocks[0].Type != "msnlb" {
				t.Errorf("%s: %v, %s", c, r.Labels, got)
				continue
			}
			want, nlb := modes[c.mode], r.Body.Blocks[0].Body
			if mode := hclEval(t, nlb.Attributes["mode"]).AsString(); mode != want[0] || len(nlb.Attributes) != 2 || hclEval(t, nlb.Attributes[want[1]]).AsString() != want[2] {
				t.Errorf("%s: mode %s", c, mode)
			}
		}
		if len(labels) != len(resources) {
			t.Errorf("%s: two resources of one name", c)
		}
	}
}

// BenchmarkAllPlatforms renders every section of every platform: what a page
// that shows them all, or --section all for many devices, waits for.
func BenchmarkAllPlatforms(b *testing.B) {
	all := templatestest.All(b)
	for b.Loop() {
		for _, p := range all {
			if _, err := render.Sections(p, templatestest.Sample(p, templatestest.MulticastMAC), platform.Both, platform.Sections(), render.Options{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkAllForms renders every form that the platforms have.
func BenchmarkAllForms(b *testing.B) {
	cases := formCases(b)
	for b.Loop() {
		for _, c := range cases {
			c.render(b)
		}
	}
}
