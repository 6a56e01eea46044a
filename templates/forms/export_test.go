package forms

// EditConfig is for the tests of this package, which use the platforms and so
// stand outside of it.
type EditConfig = editConfig
