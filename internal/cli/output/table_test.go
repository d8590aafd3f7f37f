package output

import (
	"testing"
)

func TestFit(t *testing.T) {
	columns := []Column{{Head: "ID"}, {Head: "AGE", DropOrder: 2}, {Head: "MODEL", MinWidth: 4, DropOrder: 1}, {Head: "TITLE", MinWidth: 10}}
	for width, want := range map[int][]int{
		80: {8, 10, 5, 30}, // 59 of them are needed
		50: {8, 10, 5, 21},
		39: {8, 10, 5, 10},
		38: {8, 10, 4, 10},
		37: {8, 10, 0, 15},
		32: {8, 10, 0, 10},
		31: {8, 0, 0, 21},
		15: {6, 0, 0, 7},
		5:  {1, 0, 0, 2},
	} {
		got := fit(columns, []int{8, 10, 5, 30}, width)
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%d: %v, want %v", width, got, want)
				break
			}
		}
	}
}
