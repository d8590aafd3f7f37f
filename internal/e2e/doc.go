// Package e2e tests the programs as their users run them: chatd processes over a
// real Redis and a real PostgreSQL, killed, paused and restarted while curl, npm
// eventsource and our own client follow. The scripts of the command line are in
// cmd/chat/testdata.
package e2e
