package mac_test

import (
	"fmt"

	"github.com/nlbprobe/nlbprobe/mac"
)

func ExampleParse() {
	for _, s := range []string{"0300.5e11.1111", "03-00-5E-11-11-11", "03005e-111111"} {
		a, err := mac.Parse(s)
		fmt.Println(a, err)
	}
	_, err := mac.Parse("0300.5e11")
	fmt.Println(err)
	// Output:
	// 03:00:5e:11:11:11 <nil>
	// 03:00:5e:11:11:11 <nil>
	// 03:00:5e:11:11:11 <nil>
	// "0300.5e11" is not a MAC address: 8 of 12 hex digits (at character 10); write it like 03:00:5e:11:11:11 or 0300.5e11.1111
}

func ExampleAddr_In() {
	a := mac.Addr{0x03, 0x00, 0x5e, 0x11, 0x11, 0x11}
	fmt.Println(a.In(mac.Dotted), a.IsGroup())
	// Output: 0300.5e11.1111 true
}
