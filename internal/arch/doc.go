// Package arch holds the rules of this module's architecture as tests: which
// package may import what, and why. It has no code of its own.
//
// A new package fails until it is listed in one of the files rules_*_test.go. If a rule is in the
// way, discuss the rule. Each check is shown to fail by TestChecksFail.
package arch
