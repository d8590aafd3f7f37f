// Package arch holds the rules of this module's architecture as tests: which
// package may import what, and why. It has no code of its own.
//
// A new package fails until it is listed in rules_test.go. If a rule is in the
// way, the rule is what to discuss.
package arch
