package embedded

import (
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// engines returns two ways to the same engine: the pipe and a loopback port.
func engines(b *testing.B) map[string]*redis.Options {
	tcp := miniredis.NewMiniRedis()
	if err := tcp.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(tcp.Close)
	o := start(b, Options{}).Options()
	other := *o
	other.Dialer, other.Addr = nil, tcp.Addr()
	return map[string]*redis.Options{"pipe": o, "tcp": &other}
}

func BenchmarkRoundTrip(b *testing.B) {
	for name, o := range engines(b) {
		b.Run(name, func(b *testing.B) {
			rdb := connect(b, o)
			for b.Loop() {
				if err := rdb.Ping(b.Context()).Err(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAppend measures the transaction of a chunk: push and publish.
func BenchmarkAppend(b *testing.B) {
	chunk := strings.Repeat("x", 84)
	for name, o := range engines(b) {
		b.Run(name, func(b *testing.B) {
			rdb, n := connect(b, o), 0
			for b.Loop() {
				_, err := rdb.TxPipelined(b.Context(), func(p redis.Pipeliner) error {
					p.RPush(b.Context(), "l", chunk)
					p.Publish(b.Context(), "c", chunk)
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				if n++; n%1000 == 0 {
					rdb.Del(b.Context(), "l")
				}
			}
		})
	}
}
