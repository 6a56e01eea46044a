package diagnose

import (
	"slices"
	"strings"
	"testing"
)

// Every verdict and every mode is explained, and what is named for more exists.
func TestTerms(t *testing.T) {
	var words []string
	for _, term := range Terms() {
		words = append(words, term.Kind+" "+term.Word)
		if !strings.HasSuffix(term.Meaning, ".") || !strings.HasSuffix(term.Next, ".") {
			t.Errorf("%s: not whole sentences", term.Word)
		}
		for _, id := range term.See {
			if _, ok := Explain(id); !ok {
				t.Errorf("%s names the finding %q, which there is not", term.Word, id)
			}
		}
		if _, ok := Explain(term.Word); ok {
			t.Errorf("%s is a finding too", term.Word)
		}
	}
	for _, v := range Verdicts() {
		if !slices.Contains(words, "verdict "+string(v)) {
			t.Errorf("the verdict %s is not explained", v)
		}
	}
	for _, name := range modeNames {
		if !slices.Contains(words, "mode "+name) {
			t.Errorf("the mode %s is not explained", name)
		}
	}
	if want := len(Verdicts()) + len(modeNames); len(words) != want {
		t.Errorf("%d terms for %d words", len(words), want)
	}
}

func TestFind(t *testing.T) {
	for _, row := range []struct {
		word    string
		certain bool
		ids     string // the first ones
	}{
		{"proxy-arp", true, "proxy-arp"},
		{"Proxy_ARP", true, "proxy-arp"},
		{"router ignores", true, "router-ignores-multicast-arp"},
		{"split", true, "split-cluster"},
		{"igmp-no", false, "igmp-no-querier igmp-no-report"},
		{"silent", false, "remote-port-silent remote-silent service-port-silent vip-silent"},
		{"", false, ""},
		{"-", false, ""},
		{"nothing-of-the-kind", false, ""},
	} {
		found, certain := Find(row.word)
		var ids []string
		for _, e := range found {
			ids = append(ids, e.ID)
		}
		slices.Sort(ids)
		if got := strings.Join(ids, " "); certain != row.certain || !strings.HasPrefix(got, row.ids) || row.ids == "" && got != "" {
			t.Errorf("%q: %v, %s", row.word, certain, got)
		}
	}
}
