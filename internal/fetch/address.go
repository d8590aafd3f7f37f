package fetch

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
)

// special are ranges of IPv4 that are not on the public Internet (IANA's registry of
// special-purpose addresses): private networks, this machine, links, carriers, examples, multicast.
// The metadata services of clouds are among them.
var special = prefixes( //nolint:gochecknoglobals // a constant table
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)

// special6 are such ranges within the public one of IPv6: IETF protocols with Teredo, examples, and
// 6to4, which hides an address of IPv4.
var special6 = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20") //nolint:gochecknoglobals // a constant table

var (
	public6 = netip.MustParsePrefix("2000::/3")     //nolint:gochecknoglobals // a constant
	nat64   = netip.MustParsePrefix("64:ff9b::/96") //nolint:gochecknoglobals // a constant
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// isPublic reports whether an address is on the public Internet.
func isPublic(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return !within(a, special)
	}
	if nat64.Contains(a) { // the last 32 bits are an address of IPv4
		b := a.As16()
		return isPublic(netip.AddrFrom4([4]byte(b[12:])))
	}
	return public6.Contains(a) && !within(a, special6)
}

func within(a netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// addressError says that a URL leads to an address that is not public.
type addressError struct{ address string }

func (e *addressError) Error() string { return e.address + " is not a public address" }

// checkDial refuses connections to addresses that are not public. It sees the address after the
// name was resolved, so that a name cannot lead elsewhere between a check and the connection.
func checkDial(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address %q: %w", address, err)
	}
	if !isPublic(to.Addr()) {
		return &addressError{to.Addr().Unmap().String()}
	}
	return nil
}

// checkName refuses hosts that are known not to be public by their names. It is all that can be
// checked where a proxy resolves the name.
func checkName(u *url.URL) error {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if a, err := netip.ParseAddr(host); err == nil {
		if !isPublic(a) {
			return &addressError{host}
		}
		return nil
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	switch last {
	case "localhost", "local", "internal", "home", "lan", "corp", "intranet", "arpa":
		return &addressError{host}
	}
	if last == host { // a name of the local network
		return &addressError{host}
	}
	return nil
}

// isOddNumber reports whether a host is a number that programs may read as an address in different
// ways, such as 2130706433, 0x7f.1 or 0177.0.0.1.
func isOddNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	if rest, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(rest, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}
