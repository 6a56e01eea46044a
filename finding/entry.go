package finding

import "github.com/nlbprobe/nlbprobe/nlb"

// Entry is what is known of one kind of finding, whatever the VIP. Its texts
// are plain sentences without line breaks.
type Entry struct {
	ID         string        // kebab-case, stable once released: scripts match on it
	Severity   Severity      // Info, Warning or Critical: the most that it can be; a finding is less where the situation says so
	Certainty  nlb.Certainty // that what is detected means what Meaning says
	Title      string        // a few words
	Meaning    string        // what it means for the clients of the VIP
	Detected   string        // which observation raises it
	Disproof   string        // which observation would show that it is wrong
	Cure       string        // what to do; begins with "None needed" where nothing is to be done
	References []Reference
}

// Reference is a public source and how sure it is that it says what the finding
// needs: Documented, it says so; Inferred, it follows from it.
type Reference struct {
	Source    string
	Certainty nlb.Certainty
}
