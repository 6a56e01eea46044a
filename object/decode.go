package object

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxObject bounds one object, in bytes of JSON. The largest that a run prints, of a
// segment where hundreds answer, has a hundredth of that.
const MaxObject = 16 << 20

// ErrTooLarge is the error of an object with more than MaxObject bytes.
var ErrTooLarge = fmt.Errorf("more than %d MiB", MaxObject>>20)

// Decoder reads the objects that a run printed, one after the other, whatever space
// stands between and inside them. It is not safe for concurrent use.
type Decoder struct {
	from bounded
	json *json.Decoder
	n    int
}

// NewDecoder returns a decoder of r.
func NewDecoder(r io.Reader) *Decoder {
	d := &Decoder{from: bounded{r: r}}
	d.json = json.NewDecoder(&d.from)
	return d
}

// Next returns the next object, *VIP or *Connection, or io.EOF. Any other error says
// which object is at fault, at which byte, and why; nothing can be read after it.
//
// A field that is not known is left out, as later versions add some. A value that no
// run prints is an error.
func (d *Decoder) Next() (Object, error) {
	d.n++
	d.from.left = MaxObject
	var raw json.RawMessage
	at := d.json.InputOffset()
	if err := d.json.Decode(&raw); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("cut short")
		}
		return nil, d.fault(at, err)
	}
	if len(raw) > MaxObject {
		return nil, d.fault(at, ErrTooLarge)
	}
	o, err := decode(raw)
	if err != nil {
		return nil, d.fault(at, err)
	}
	return o, nil
}

func (d *Decoder) fault(at int64, err error) error {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("object %d, at byte %d: not JSON: %w", d.n, e.Offset, err)
	}
	return fmt.Errorf("object %d, from byte %d on: %w", d.n, at, err)
}

// decode reads one object.
func decode(raw []byte) (Object, error) {
	var head struct {
		Schema  *string          `json:"schema"`
		Verdict *json.RawMessage `json:"verdict"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, shorten(err)
	}
	var o Object
	switch {
	case head.Schema == nil:
		return nil, errors.New("it has no schema: no object of nlbprobe")
	case *head.Schema == SchemaVIP && head.Verdict == nil:
		return nil, errors.New("it has no verdict: no object of a probe or of analyze")
	case *head.Schema == SchemaVIP:
		o = new(VIP)
	case *head.Schema == SchemaConnection:
		o = new(Connection)
	default:
		return nil, fmt.Errorf("schema %q is neither %s nor %s", clip(*head.Schema), SchemaVIP, SchemaConnection)
	}
	if err := json.Unmarshal(raw, o); err != nil {
		return nil, shorten(err)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	return o, nil
}

// shorten words an error of package json in terms of the object.
func shorten(err error) error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if e.Field == "" {
			return fmt.Errorf("%s instead of an object", e.Value)
		}
		return fmt.Errorf("%s: %s is not what stands there", clip(e.Field), e.Value)
	}
	return err
}

// clip bounds what an error quotes.
func clip(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

// bounded is a reader that gives up after so many bytes.
type bounded struct {
	r    io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, ErrTooLarge
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
