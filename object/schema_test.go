package object_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/object"
	"github.com/nlbprobe/nlbprobe/schematest"
)

// TestSchemas: each field has its place in the published schemas, and each object
// that is printed is as they say.
func TestSchemas(t *testing.T) {
	schematest.Fields(t, "vip.json", "#", reflect.TypeFor[object.VIP]())
	schematest.Fields(t, "connection.json", "#", reflect.TypeFor[object.Connection]())
	for name, b := range printed(t) {
		t.Run(name, func(t *testing.T) {
			if o, err := decodeOne(b); err != nil {
				t.Error(err)
			} else if _, ok := o.(*object.Connection); ok {
				schematest.Validate(t, "connection.json", b)
				return
			}
			schematest.Validate(t, "vip.json", b)
		})
	}
}

// The words of closed sets are those that the schemas name, in the same order.
func TestSchemaWords(t *testing.T) {
	verdicts := schematest.Words(t, "vip.json", "#/properties/verdict")
	for _, v := range diagnose.Verdicts() {
		if !slices.Contains(verdicts, string(v)) {
			t.Errorf("the schema has no verdict %s", v)
		}
	}
	if len(verdicts) != len(diagnose.Verdicts()) {
		t.Errorf("verdicts %q", verdicts)
	}
	for at, want := range map[string][]string{
		"#/properties/vantage": object.Vantages, "#/properties/returned/items/properties/word": object.Words, "#/properties/returned/items/properties/by": object.Ways,
	} {
		if got := schematest.Words(t, "vip.json", at); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", at, got, want)
		}
	}
	if len(object.Words) != int(evidence.Unsent)+1 || len(object.Ways) != int(evidence.ByTCP)+1 {
		t.Errorf("%q, %q", object.Words, object.Ways)
	}
	for m := diagnose.ModeUnknown; m <= diagnose.None; m++ {
		if !slices.Contains(schematest.Words(t, "vip.json", "#/properties/cluster/properties/mode"), m.String()) {
			t.Errorf("the schema has no mode %s", m)
		}
	}
}
