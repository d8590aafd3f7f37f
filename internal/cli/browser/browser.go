// Package browser shows an address to people: in a browser of this machine, or as a code for
// the camera of a phone.
package browser

import (
	"cmp"
	"context"
	"net"
	"os/exec"
	"runtime"
	"strings"

	"rsc.io/qr"

	"chat"
)

// Open opens an address in the user's browser. lookup reads the environment.
func Open(ctx context.Context, address string, lookup func(string) string) error {
	program := "xdg-open"
	if runtime.GOOS == "darwin" {
		program = "open"
	}
	if named := lookup("BROWSER"); named != "" {
		program = named
	} else if runtime.GOOS != "darwin" && lookup("DISPLAY") == "" && lookup("WAYLAND_DISPLAY") == "" {
		return chat.Errorf(chat.CodeNotConfigured, "there is no screen for a browser here: open the address in a browser of this machine")
	}
	if err := exec.CommandContext(ctx, program, address).Run(); err != nil {
		return chat.Errorf(chat.CodeNotConfigured, "%s cannot open the address (%w): open it in a browser of this machine, or set BROWSER", program, err)
	}
	return nil
}

// margin is the number of empty modules around a code that readers need.
const margin = 4

// Code returns a QR code for a terminal. With colour it is black on white; without, its
// light parts are drawn, as is right on a dark screen.
func Code(text string, colour bool) (string, error) {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return "", chat.Errorf(chat.CodeInvalid, "the address is too long for a code: %w", err)
	}
	var out strings.Builder
	for y := -margin; y < code.Size+margin; y += 2 {
		if colour {
			out.WriteString("\x1b[38;5;16;48;5;231m")
		}
		for x := -margin; x < code.Size+margin; x++ {
			out.WriteString(halves(code.Black(x, y) == colour, code.Black(x, y+1) == colour))
		}
		if colour {
			out.WriteString("\x1b[0m")
		}
		out.WriteByte('\n')
	}
	return out.String(), nil
}

// halves returns a character whose upper and lower halves are drawn or not.
func halves(upper, lower bool) string {
	switch {
	case upper && lower:
		return "█"
	case upper:
		return "▀"
	case lower:
		return "▄"
	}
	return " "
}

// LocalAddress returns the address of this machine in the local network.
func LocalAddress(ctx context.Context) (string, error) {
	// A datagram socket that is connected has the address of the network that leads outside.
	// Nothing is sent.
	if conn, err := (&net.Dialer{}).DialContext(ctx, "udp4", "192.0.2.1:9"); err == nil {
		defer func() { _ = conn.Close() }()
		if at, ok := conn.LocalAddr().(*net.UDPAddr); ok && usable(at.IP) {
			return at.IP.String(), nil
		}
	}
	addresses, err := net.InterfaceAddrs()
	found := ""
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && usable(n.IP) {
			found = cmp.Or(found, n.IP.String())
		}
	}
	if found == "" {
		return "", chat.Errorf(chat.CodeNotConfigured, "this machine has no address in a local network (%v): connect it, or name an address with --address", err)
	}
	return found, nil
}

func usable(ip net.IP) bool {
	return !ip.IsLoopback() && !ip.IsLinkLocalUnicast() && !ip.IsUnspecified()
}
