package network

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"chat"
)

// metadata are the addresses at which clouds serve the metadata of their machines, which
// has credentials, besides link-local addresses.
func metadata() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("fd00:ec2::/32"),      // Amazon
		netip.MustParsePrefix("fd20:ce::254/128"),   // Google
		netip.MustParsePrefix("100.100.100.200/32"), // Alibaba
		netip.MustParsePrefix("192.0.0.192/32"),     // Oracle
		netip.MustParsePrefix("168.63.129.16/32"),   // Azure
	}
}

func errAddress(host string) error {
	return chat.Errorf(chat.CodeInvalid, "the provider's address %s is link-local, or where a cloud serves credentials, and not allowed: check the base URL", host)
}

// refuseAddress keeps requests away from the metadata services of clouds, whatever name
// leads there: it checks the address that is about to be dialled.
func refuseAddress(_ context.Context, _, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("split %q: %w", address, err)
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return fmt.Errorf("parse %q: %w", host, err)
	}
	if refused(ip) {
		return chat.Errorf(chat.CodeProviderConnect, "%w", errAddress(host))
	}
	return nil
}

// refused reports whether an address, or the IPv4 address inside it, is forbidden.
func refused(ip netip.Addr) bool {
	return slices.ContainsFunc(append(embeddedIPv4(ip), ip), func(ip netip.Addr) bool {
		ip = ip.WithZone("").Unmap()
		return ip.IsLinkLocalUnicast() || ip.IsMulticast() || slices.ContainsFunc(metadata(), func(p netip.Prefix) bool { return p.Contains(ip) })
	})
}

// embeddedIPv4 returns the IPv4 addresses to which gateways may translate an IPv6 address.
func embeddedIPv4(ip netip.Addr) []netip.Addr {
	ip = ip.WithZone("")
	if !ip.Is6() || ip.Is4In6() {
		return nil
	}
	b := ip.As16()
	at := func(i int) netip.Addr { return netip.AddrFrom4([4]byte(b[i : i+4])) }
	in := func(prefix string) bool { return netip.MustParsePrefix(prefix).Contains(ip) }
	var all []netip.Addr
	switch {
	case in("64:ff9b::/96"), in("64:ff9b:1::/48"), in("::/96"), in("::ffff:0:0:0/96"): // NAT64 (RFC 6052, RFC 8215), IPv4-compatible, SIIT
		all = append(all, at(12))
	case in("2002::/16"): // 6to4 (RFC 3056)
		all = append(all, at(2))
	case in("2001::/32"): // Teredo (RFC 4380), whose client's address is inverted
		var v4 [4]byte
		binary.BigEndian.PutUint32(v4[:], ^binary.BigEndian.Uint32(b[12:]))
		all = append(all, at(4), netip.AddrFrom4(v4))
	}
	if id := string(b[8:12]); id == "\x00\x00\x5e\xfe" || id == "\x02\x00\x5e\xfe" { // ISATAP (RFC 5214)
		all = append(all, at(12))
	}
	if in("64:ff9b:1::/48") { // an operator may choose a shorter prefix within it, which leaves out byte 8
		all = append(all, netip.AddrFrom4([4]byte{b[6], b[7], b[9], b[10]}), at(9))
	}
	return all
}
