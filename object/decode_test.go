package object_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/object"
)

// printed are objects that runs print: the golden files of the reports.
func printed(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../report/testdata/*.json")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	all := make(map[string][]byte)
	for _, name := range files {
		if all[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func decodeOne(b []byte) (object.Object, error) { return object.NewDecoder(bytes.NewReader(b)).Next() }

// oneLine is the object as a run prints it.
func oneLine(t testing.TB, o object.Object) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDecode: what a run prints comes back, field by field, on one line or indented.
func TestDecode(t *testing.T) {
	var several bytes.Buffer
	all := printed(t)
	for name, b := range all {
		o, err := decodeOne(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var want bytes.Buffer
		if err := json.Compact(&want, b); err != nil {
			t.Fatal(err)
		}
		if got := oneLine(t, o); got != want.String()+"\n" {
			t.Errorf("%s: the object is another", name)
		}
		fmt.Fprintf(&several, "%s\n\n%s\n", want.Bytes(), b)
	}
	d, n := object.NewDecoder(&several), 0
	for {
		o, err := d.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || o == nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 2*len(all) {
		t.Errorf("%d objects of %d", n, 2*len(all))
	}
}

// valid is an object with all that must be there.
const valid = `{"schema":"nlbprobe/1","vip":"192.0.2.90","verdict":"answers","severity":"ok","cluster":{"mode":"none"},"vantage":"local"}`

// with is valid with one field more, or another value of it.
func with(t *testing.T, field, value string) string {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(valid), &m); err != nil {
		t.Fatal(err)
	}
	m[field] = json.RawMessage(value)
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Each fault is one line that names the object, the place in the input and what is
// wrong. Nearby values are none.
func TestFaults(t *testing.T) {
	const hosts, beat = `{"mode":"none","hosts":[%s]}`, `{"mac":"0015.5d00.0001","heartbeat":{"version":"2.6","to":"0015.5d00.0001",%s}}`
	host := func(fields string) string { return fmt.Sprintf(hosts, `{"mac":"0015.5d00.0001",`+fields+`}`) }
	beats := func(fields string) string { return fmt.Sprintf(hosts, fmt.Sprintf(beat, fields)) }
	rules := func(n int) string {
		return `"rules":[` + strings.TrimSuffix(strings.Repeat(`{"code":"0x00000000"},`, n), ",") + `]`
	}
	for _, tt := range []struct{ field, bad, says, good string }{
		{"schema", `"nlbprobe/2"`, `schema "nlbprobe/2" is neither`, `"nlbprobe/1"`},
		{"schema", `null`, "it has no schema", `"nlbprobe/1"`},
		{"schema", `7`, "schema: number is not what stands there", `"nlbprobe/1"`},
		{"verdict", `null`, "it has no verdict: no object of a probe", `"silent"`},
		{"verdict", `"fine"`, `verdict: nothing is called "fine"`, `"seen"`},
		{"severity", `"fatal"`, `severity: nothing is called "fatal"`, `"unknown"`},
		{"vip", `"192.0.2.900"`, "192.0.2.900", `"2001:db8::1"`},
		{"vip", `""`, "vip: an address is missing", `"192.0.2.1"`},
		{"vip", `"fe80::1%\u001b[31m"`, "vip: an address is missing, or has a zone that is no interface's name", `"fe80::1%eth0"`},
		{"vip", `"fe80::1%` + strings.Repeat("x", 33) + `"`, "has a zone that is no interface's name", `"fe80::1%` + strings.Repeat("x", 32) + `"`},
		{"cluster", `{"mode":"none","primary_vips":["fe80::1%\u001b"]}`, "cluster.primary_vips: ", `{"mode":"none","primary_vips":["192.0.2.1"]}`},
		{"cluster", `{"mode":"none","group":"fe80::1%\u001b"}`, "cluster.group: ", `{"mode":"none","group":"239.255.2.90"}`},
		{"cluster", `{"mode":"none","derived_from":"fe80::1%\u001b"}`, "cluster.derived_from: ", `{"mode":"none","derived_from":"192.0.2.1"}`},
		{"vantage", `"orbit"`, `vantage: nothing is called "orbit"`, `"remote"`},
		{"sent_frames", `-1`, "sent_frames: -1 is not between", `0`},
		{"sent_frames", `1.5`, "sent_frames: number 1.5 is not what stands there", `1`},
		{"elapsed_seconds", `-1e10`, "elapsed_seconds: -1e+10 is no time", `-256`},
		{"elapsed_seconds", `1e300`, "elapsed_seconds: 1e+300 is no time", `1e6`},
		{"started", `"yesterday"`, "yesterday", `"2026-11-24T12:00:00.5Z"`},
		{"cluster", `{"mode":"anycast"}`, `cluster.mode: nothing is called "anycast"`, `{"mode":"igmp-multicast"}`},
		{"cluster", `{"mode":"none","mac":"03:bf"}`, "03:bf", `{"mode":"none","mac":null}`},
		{"cluster", host(`"priority":99999999999`), "cluster.hosts.priority: 99999999999", host(`"priority":32`)},
		{"cluster", host(`"answers":-1`), "cluster.hosts.answers: -1", host(`"answers":0`)},
		{"cluster", host(`"quiet_seconds":1e10`), "cluster.hosts.quiet_seconds", host(`"quiet_seconds":1`)},
		{"cluster", beats(`"rule_count":65536`), "cluster.hosts.heartbeat.rule_count: 65536", beats(`"rule_count":65535`)},
		{"cluster", beats(rules(evidence.Slots + 1)), "cluster.hosts.heartbeat.rules: ", beats(rules(evidence.Slots))},
		{"cluster", beats(`"rules":[{"code":"0x123"}]`), `"0x123" is not 0x and eight digits`, beats(`"rules":[{"code":"0x6105DDEF"}]`)},
		{"cluster", beats(`"version":"two"`), `"two" is no version`, beats(`"version":"2.6"`)},
		{"cluster", beats(`"started_inferred":"1960-01-01T00:00:00Z"`), "is no time of 32 bits", beats(`"started_inferred":"2026-01-01T00:00:00Z"`)},
		{"routers", `[{"ip":null}]`, "routers.ip: an address is missing", `[{"ip":"192.0.2.1"}]`},
		{"findings", `[{"id":"A","severity":"info","certainty":"inferred"}]`, `findings.id: nothing is called "A"`, `[{"id":"a","severity":"info","certainty":"inferred"}]`},
		{"findings", `[{"id":"a","severity":"info","certainty":"sure"}]`, `findings.certainty: nothing is called "sure"`, `[]`},
		{"findings", `[{"id":"a","severity":"bad","certainty":"inferred"}]`, `severity: nothing is called "bad"`, `null`},
		{"findings", `[{"id":"a","severity":"info","certainty":"inferred","sightings":-1}]`, "findings.sightings: -1", `[{"id":"a","severity":"info","certainty":"inferred","sightings":0}]`},
		{"findings", `[{"id":"a","severity":"info","certainty":"inferred","addresses":["fe80::1%\u001b[31m"]}]`, "findings.addresses: an address", `[{"id":"a","severity":"info","certainty":"inferred","addresses":["192.0.2.1"]}]`},
		{"findings", `[{"id":"a","severity":"info","certainty":"inferred","macs":["03:bf"]}]`, "03:bf", `[{"id":"a","severity":"info","certainty":"inferred","macs":null}]`},
		{"findings", `{}`, "findings: object is not what stands there", `[]`},
		{"answers", `[{"vlan":4096}]`, "answers.vlan: 4096", `[{"vlan":4094}]`},
		{"returned", `[{"word":"shouted","by":"echo","target":"192.0.2.1"}]`, `returned.word: nothing is called "shouted"`, `[{"word":"icmp","by":"udp","target":"192.0.2.1","icmp_type":255}]`},
		{"returned", `[{"word":"icmp","by":"echo","target":"192.0.2.1","icmp_type":256}]`, "returned.icmp_type: 256", `[]`},
		{"capture", `{"frames":-1}`, "capture.frames: -1", `{"frames":1}`},
		{"later", `{"a":`, "not JSON", `{"a":[1]}`},
	} {
		input := valid + "\n" + strings.Replace(with(t, tt.field, "0"), `"`+tt.field+`":0`, `"`+tt.field+`":`+tt.bad, 1)
		d := object.NewDecoder(strings.NewReader(input))
		if _, err := d.Next(); err != nil {
			t.Fatal(err)
		}
		_, err := d.Next()
		if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.HasPrefix(err.Error(), "object 2, ") || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%s: %s: %v, want %q", tt.field, tt.bad, err, tt.says)
		}
		if _, err := object.NewDecoder(strings.NewReader(with(t, tt.field, tt.good))).Next(); err != nil {
			t.Errorf("%s: %s: %v", tt.field, tt.good, err)
		}
	}
	connection := func(field string) string {
		return `{"schema":"nlbprobe-mss/1","client":"192.0.2.1:1","server":"192.0.2.2:2","severity":"ok",` + field + `}`
	}
	if _, err := decodeOne([]byte(connection(`"client_mss":536,"server_mss":65535,"findings":[]`))); err != nil {
		t.Error(err)
	}
	for input, says := range map[string]string{
		connection(`"client_mss":-1`):               "client_mss: -1 is not between",
		connection(`"server_mss":65536`):            "server_mss: 65536 is not between",
		connection(`"findings":[{"id":"a"}]`):       "findings.certainty: ",
		connection(`"capture":{"frames":-1}`):       "capture.frames: -1",
		connection(`"elapsed_seconds":1e30`):        "elapsed_seconds: ",
		connection(`"severity":"bad"`):              `severity: nothing is called "bad"`,
		connection(`"server":"[fe80::1%\u001b]:1"`): "server: ",
		`[1]`: "array instead of an object", `"x"`: "string instead of an object", `null`: "it has no schema", `{"schema":"nlbprobe/1",`: "cut short", `x`: "not JSON",
		`{"schema":"nlbprobe/1","configs":[]}`:                                              "it has no verdict: no object of a probe or of analyze",
		`{"schema":"nlbprobe-mss/1","client":"192.0.2.1:1","server":":80","severity":"ok"}`: "no IP",
	} {
		if _, err := object.NewDecoder(strings.NewReader(input)).Next(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", input, err, says)
		}
	}
}

// An object without end is given up, and one beside the bound is not.
func TestBounded(t *testing.T) {
	endless := io.MultiReader(strings.NewReader(`{"schema":"`), zeros{})
	if _, err := object.NewDecoder(endless).Next(); !errors.Is(err, object.ErrTooLarge) {
		t.Error(err)
	}
	filler := strings.Repeat(" ", object.MaxObject/2)
	d := object.NewDecoder(strings.NewReader(valid + filler + valid + filler + valid))
	for range 3 {
		if _, err := d.Next(); err != nil {
			t.Fatal(err)
		}
	}
	spaced := strings.Replace(valid, ",", ","+strings.Repeat(" ", object.MaxObject), 1)
	d = object.NewDecoder(strings.NewReader(valid + spaced))
	if _, err := d.Next(); err != nil {
		t.Error(err)
	}
	if _, err := d.Next(); !errors.Is(err, object.ErrTooLarge) {
		t.Errorf("an object beyond the bound: %v", err)
	}
	deep := `{"schema":"nlbprobe/1","later":` + strings.Repeat("[", 1<<20)
	if _, err := object.NewDecoder(strings.NewReader(deep)).Next(); err == nil {
		t.Error("a million levels")
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// FuzzDecode: whatever is read either fails in one line or is an object that comes
// back equal.
func FuzzDecode(f *testing.F) {
	for _, b := range printed(f) {
		f.Add(b)
	}
	f.Add([]byte(valid))
	f.Add([]byte(valid + "\n" + valid[:50]))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := object.NewDecoder(bytes.NewReader(b))
		for range 8 {
			o, err := d.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				if strings.ContainsAny(err.Error(), "\n\r") {
					t.Errorf("%q", err)
				}
				return
			}
			line := oneLine(t, o)
			again, err := object.NewDecoder(strings.NewReader(line)).Next()
			if err != nil || !reflect.DeepEqual(oneLine(t, again), line) {
				t.Fatalf("%v\n%s", err, line)
			}
		}
	})
}
