package chunklog

import (
	"errors"
	"testing"
)

func TestListStateTransitions(t *testing.T) {
	broken := errors.New("connection reset")
	for name, tc := range map[string]struct{ got, want listState }{
		"a new list is ready to append":            {unchecked.afterCheck(false), synced},
		"existing entries need a rewrite":          {unchecked.afterCheck(true), lost},
		"an append that succeeds":                  {synced.afterStep(nil), synced},
		"an append that finds another length":      {synced.afterStep(errMismatch), lost},
		"an append that may have been applied":     {synced.afterStep(broken), unknown},
		"an append that finds a newer attempt":     {synced.afterStep(ErrStale), stale},
		"a rewrite that succeeds":                  {lost.afterStep(nil), synced},
		"a rewrite that lost the race":             {lost.afterStep(errMismatch), lost},
		"a rewrite that failed":                    {lost.afterStep(broken), lost},
		"a rewrite that finds a newer attempt":     {lost.afterStep(ErrStale), stale},
		"a length that is as expected":             {unknown.afterLength(true, nil), synced},
		"a length that is not":                     {unknown.afterLength(false, nil), lost},
		"a length of a list that is gone":          {unknown.afterLength(false, errMismatch), lost},
		"a length of a stream of a newer attempt":  {unknown.afterLength(false, ErrStale), stale},
		"an expected length of another's metadata": {unknown.afterLength(true, errMismatch), lost},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: state %d, want %d", name, tc.got, tc.want)
		}
	}
}
