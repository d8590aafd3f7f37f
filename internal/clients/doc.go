// Package clients proves the wire formats with the clients of others: it starts chatd with
// a provider that does as it is told, and drives it with unmodified programs, such as npm's
// openai. It never looks inside chatd. The other way round, it uses the stand-ins for OpenAI's
// API that others have written as providers (providers_test.go).
//
// The tests of this package are the quick ones. Those that need a browser, Python or a
// checkout of another project are in the packages below, and run in task clients.
package clients
