package schematest_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/schematest"
)

// failures are what a test would be told.
type failures struct {
	testing.TB
	said []string
}

func (*failures) Helper() {}

func (f *failures) Errorf(format string, args ...any) {
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

// carried is as docs/schema/common.json has it; the others differ in one thing.
type carried struct {
	By     string `json:"by"`
	Frames int    `json:"frames"`
}

// TestFields: what a schema and a type do not have in common is told.
func TestFields(t *testing.T) {
	const at = "#/$defs/capture/properties/carried"
	for says, typ := range map[string]reflect.Type{
		"": reflect.TypeFor[[]carried](),
		"no field is called frames": reflect.TypeFor[[]struct {
			By string `json:"by"`
		}](),
		"the field more is missing": reflect.TypeFor[[]struct {
			carried `json:"-"`
			By      string `json:"by"`
			Frames  int    `json:"frames"`
			More    int    `json:"more"`
		}](),
		"by: required": reflect.TypeFor[[]struct {
			By     string `json:"by,omitempty"`
			Frames int    `json:"frames"`
		}](),
		"frames: null is not allowed": reflect.TypeFor[[]struct {
			By     string `json:"by"`
			Frames *int   `json:"frames"`
		}](),
		"it is a list": reflect.TypeFor[[][]carried](),
	} {
		f := &failures{TB: t}
		schematest.Fields(f, "common.json", at, typ)
		if got := strings.Join(f.said, "\n"); (got == "") != (says == "") || !strings.Contains(got, says) {
			t.Errorf("%q, want %q", got, says)
		}
	}
}

// TestValidate: what a schema does not allow fails a test, and so does a field that
// it does not name.
func TestValidate(t *testing.T) {
	const good = `{"schema":"nlbprobe/1","configs":[{"platform":"x","section":"verify","text":"","confidence":"field"}]}`
	for object, fails := range map[string]bool{
		good: false,
		strings.Replace(good, "verify", "prove", 1):              true,
		strings.Replace(good, `"text":"",`, "", 1):               true,
		strings.Replace(good, `"text"`, `"later":1,"text"`, 1):   true,
		strings.Replace(good, `"nlbprobe/1"`, `"nlbprobe/2"`, 1): true,
		strings.Replace(good, `"configs"`, `"n":1,"configs"`, 1): true,
	} {
		f := &failures{TB: t}
		schematest.Validate(f, "render.json", []byte(object))
		if (len(f.said) > 0) != fails {
			t.Errorf("%s: %q", object, f.said)
		}
	}
	if names := schematest.Names(t); len(names) < 7 {
		t.Errorf("schemas: %q", names)
	}
}
