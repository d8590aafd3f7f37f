package theme

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// colour is an RGB colour, each part from 0 to 255.
type colour [3]float64

// xterm is a colour of the fixed part of xterm's 256: the cube, and the greys.
func xterm(n int) colour {
	if n >= 232 {
		grey := float64(8 + 10*(n-232))
		return colour{grey, grey, grey}
	}
	level := func(i int) float64 {
		if i == 0 {
			return 0
		}
		return float64(55 + 40*i)
	}
	n -= 16
	return colour{level(n / 36), level(n / 6 % 6), level(n % 6)}
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(c colour) float64 {
	var linear colour
	for i, v := range c {
		if v /= 255; v <= 0.04045 {
			linear[i] = v / 12.92
		} else {
			linear[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*linear[0] + 0.7152*linear[1] + 0.0722*linear[2]
}

func contrast(a, b colour) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func hex(s string) colour {
	var c colour
	for i := range c {
		n, err := strconv.ParseUint(s[2*i:2*i+2], 16, 8)
		if err != nil {
			panic(err)
		}
		c[i] = float64(n)
	}
	return c
}

// parameters are all SGR parameters of a theme, by the names of their fields.
func parameters(v reflect.Value, name string, found map[string]string) {
	switch v.Kind() { //nolint:exhaustive // a theme has no others
	case reflect.String:
		found[name] = v.String()
	case reflect.Struct:
		for i := range v.NumField() {
			parameters(v.Field(i), name+"."+v.Type().Field(i).Name, found)
		}
	case reflect.Array:
		for i := range v.Len() {
			parameters(v.Index(i), fmt.Sprintf("%s[%d]", name, i), found)
		}
	}
}

func TestContrastOnCommonBackgrounds(t *testing.T) {
	backgrounds := map[string][]string{
		Dark:  {"000000", "1e1e1e", "282c34", "002b36", "282a36", "1d1f21"}, // xterm, VS Code, One Dark, Solarized, Dracula, Tomorrow
		Light: {"ffffff", "fdf6e3", "fafafa", "f5f5f5", "eff1f5"},           // xterm, Solarized, One Light, grey, Catppuccin
	}
	for name, list := range backgrounds {
		th, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]string{}
		parameters(reflect.ValueOf(th), name, found)
		coloured := 0
		for field, sgr := range found {
			_, number, ok := strings.Cut(sgr, "38;5;")
			if !ok {
				continue
			}
			coloured++
			n, err := strconv.Atoi(number)
			if err != nil || n < 16 {
				t.Fatalf("%s is %q", field, sgr)
			}
			for _, background := range list {
				if c := contrast(xterm(n), hex(background)); c < 4.5 && !strings.HasSuffix(field, "Rule") {
					t.Errorf("%s (%d) on #%s has a contrast of %.2f", field, n, background, c)
				}
			}
		}
		if coloured < 20 {
			t.Errorf("%s: only %d colours were checked", name, coloured)
		}
	}
}

func TestBodyTextIsTheTerminalsOwn(t *testing.T) {
	for _, name := range Names() {
		th, err := Named(name)
		if err != nil || th.Answer.Body != "" || th.Answer.Fence != "" {
			t.Errorf("%s: %q, %q, %v", name, th.Answer.Body, th.Answer.Fence, err)
		}
	}
	if _, err := Named("solarized"); err == nil {
		t.Error("a theme that does not exist was found")
	}
}

func TestNoneHasNoColour(t *testing.T) {
	th, err := Named(None)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	parameters(reflect.ValueOf(th), "none", found)
	for field, sgr := range found {
		for _, p := range strings.Split(sgr, ";") {
			if n, _ := strconv.Atoi(p); n >= 30 {
				t.Errorf("%s is %q", field, sgr)
			}
		}
	}
}
