package capture_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/evidence"
)

// A frame that was written is read back with its time and its comment.
func Example() {
	var file bytes.Buffer
	w, err := capture.NewWriter(&file, "example", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	frame := evidence.Frame{Data: make([]byte, 60), Length: 60, Time: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC), Place: "eth0"}
	if err := errors.Join(w.Write(&frame, "the first answer"), w.Flush()); err != nil {
		fmt.Println(err)
		return
	}
	r, err := capture.NewReader(&file, capture.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for {
		var f evidence.Frame
		err := r.Next(&f)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(f.Time.UTC().Format(time.RFC3339), len(f.Data), r.Comments())
	}
	// Output: 2026-12-01T09:00:00Z 60 [the first answer]
}
