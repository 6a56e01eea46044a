package lab_test

import (
	"os"
	"testing"

	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }
