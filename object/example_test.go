package object_test

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/nlbprobe/nlbprobe/object"
)

// What nlbprobe -o json printed, read back: which routers do not reach their VIP.
func ExampleDecoder() {
	f, err := os.Open("../report/testdata/two-macs.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	d := object.NewDecoder(f)
	for {
		o, err := d.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		vip, ok := o.(*object.VIP)
		if !ok {
			continue // a connection
		}
		fmt.Println(vip.Started.UTC().Format("2006-01-02 15:04"), vip.VIP, vip.Verdict)
		for _, r := range vip.Routers {
			if r.ReachesVIP != nil && !*r.ReachesVIP {
				fmt.Println("does not reach it:", r.IP)
			}
		}
	}
	// Output:
	// 2026-11-24 12:00 172.16.63.241 local-only
	// does not reach it: 172.16.63.1
}
