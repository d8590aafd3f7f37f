// Package network is the way to a provider: it reads base URLs as people write them,
// keeps requests away from the addresses of cloud metadata services, selects the proxy,
// and dials with the trusted certificate authorities.
package network
