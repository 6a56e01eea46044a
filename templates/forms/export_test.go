package forms

// EditConfig is for the tests of this package, which use the platforms and so
// stand outside of it.
type EditConfig = editConfig

// Scalar is what stands in a playbook for a leaf of a tree.
func Scalar(v any) (string, error) {
	var w formWriter
	err := w.scalar(v)
	return w.out.String(), err
}
