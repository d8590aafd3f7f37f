// Package external tests the wire formats with what the quick tests of internal/clients do
// without: a browser, the AI SDK, Python, and the compliance test of Open Responses. They
// run in task clients.
package external
