package simulation

import (
	"math"
	"reflect"
	"testing"
	"time"
)

func testCosts() Costs {
	us := time.Microsecond
	return Costs{Of: [kinds]Cost{Provider: {20 * us, 4 * us}, Worker: {30 * us, 6 * us}, Redis: {10 * us, 3 * us}, API: {30 * us, 8 * us}, SQL: {20 * us, 100 * us}}, Hop: 30 * us}
}

func testSystem(streams int) System {
	return System{
		Cores: 4, APIs: 1, Workers: 1, Redises: 1, Streams: streams, Pace: 50 * time.Millisecond, Tick: time.Millisecond,
		StatementRate: 50, Seconds: 2, Seed: 7,
	}
}

func TestSameSeedSameResult(t *testing.T) {
	sys := testSystem(200)
	sys.Workers = 2
	first := Simulate(sys, testCosts())
	if again := Simulate(sys, testCosts()); !reflect.DeepEqual(first, again) {
		t.Errorf("%+v, then %+v", first, again)
	}
	sys.Seed++
	if other := Simulate(sys, testCosts()); reflect.DeepEqual(first, other) {
		t.Error("another seed has the same result")
	}
}

func TestEveryTokenArrives(t *testing.T) {
	for _, streams := range []int{10, 200, 1000} {
		if p, want := Simulate(testSystem(streams), testCosts()), float64(streams)*20; math.Abs(p.Rate-want) > want/50 {
			t.Errorf("%d streams: %.0f tokens/s, want %.0f", streams, p.Rate, want)
		}
	}
}

func TestTokensCostLessUnderLoad(t *testing.T) {
	few, many := Simulate(testSystem(50), testCosts()), Simulate(testSystem(800), testCosts())
	if few.CPU[Worker] <= many.CPU[Worker] || few.Batch >= many.Batch {
		t.Errorf("50 streams: %.1f µs in batches of %.1f; 800 streams: %.1f µs in batches of %.1f", few.CPU[Worker], few.Batch, many.CPU[Worker], many.Batch)
	}
}

func TestFullCoresMakeTokensLate(t *testing.T) {
	sys := testSystem(3000)
	sys.Cores = 1
	if p := Simulate(sys, testCosts()); p.Late < 50 || p.Busy < 0.98 {
		t.Errorf("%.0f %% late, %.2f busy", p.Late, p.Busy)
	}
}

func TestCalibrationFindsCosts(t *testing.T) {
	want := testCosts()
	var points []Point
	for _, n := range []int{50, 400} {
		sys := testSystem(n)
		p := Simulate(sys, want)
		points = append(points, Point{sys, p.CPU, p.P50})
	}
	costs := Calibrate(points)
	sys := testSystem(200)
	got, expected := Simulate(sys, costs), Simulate(sys, want)
	if math.Abs(got.P50/expected.P50-1) > 0.1 {
		t.Errorf("p50 %.3f ms, want %.3f", got.P50, expected.P50)
	}
	for k := range got.CPU {
		if math.Abs(got.CPU[k]/expected.CPU[k]-1) > 0.1 {
			t.Errorf("kind %d: %.2f µs, want %.2f", k, got.CPU[k], expected.CPU[k])
		}
	}
}
