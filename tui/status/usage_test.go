package status

import (
	"fmt"
	"testing"
)

func TestSums(t *testing.T) {
	for sum, want := range map[float64]string{0.0001: "<$0.001", 0.0042: "$0.004", 0.25: "$0.250", 12.345: "$12.35"} {
		if got := dollars(sum); got != want {
			t.Errorf("%v: %s", sum, got)
		}
	}
	if got := fmt.Sprint(thousands(999), thousands(1500), thousands(25_400)); got != "9991.5k25k" {
		t.Errorf("%s", got)
	}
}
