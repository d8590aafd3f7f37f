package main

// mutant is a small damage to a promise, and the tests that must notice it.
type mutant struct {
	name    string
	promise string // in docs/reliability.md
	file    string
	find    string // occurs once in file
	replace string
	pkg     string
	run     string // of go test; "" = all
	row     string // of the lab, instead of pkg
}

func mutants() []mutant {
	return []mutant{
		{
			"no fence in the commit", "B2", "sql/finish.go",
			"WHERE id = $1 AND attempt = $2 AND `\n", "WHERE id = $1 AND attempt <> -$2 AND `\n",
			"./sql", "TestSQLite$", "",
		},
		{
			"publish before commit", "D2", "daemon/worker/attempt.go",
			"	err := a.writeWithRetry(ctx, work, func(ctx context.Context) error {\n		err := a.w.store.Finish(ctx, r)",
			"	a.end(ctx, r)\n	err := a.writeWithRetry(ctx, work, func(ctx context.Context) error {\n		err := a.w.store.Finish(ctx, r)",
			"./daemon/worker", "TheTerminalChunkComesAfterTheCommit", "",
		},
		{
			"plain push instead of compare-length", "C4", "daemon/chunklog/append.go",
			"err != nil || got != int64(s.before+len(s.entries)) {", "err != nil || got < 0 {",
			"./daemon/chunklog", "", "",
		},
		{
			"a lost reply is repeated blindly", "C4", "daemon/chunklog/step.go",
			"	if w.list == unknown {", "	if false && w.list == unknown {",
			"./daemon/chunklog", "", "",
		},
		{
			"an interrupted answer counts as complete", "C4", "daemon/chunklog/read.go",
			"(status == chat.TaskRunning || status == chat.TaskDone)", "status != \"\"",
			"./daemon/chunklog", "TestEmbedded", "",
		},
		{
			"a reader who comes back to a rolled-back list is sent back", "C1", "daemon/chunklog/resync.go",
			"return err == nil && m[0] == strconv.Itoa(t.pos.Attempt) && count <= t.pos.Index && updated.After(t.updatedAt), nil", "_ = count\n\treturn true, nil",
			"./daemon/chunklog", "TestEmbedded", "",
		},
		{
			"no sweeper", "A5", "daemon/daemon.go",
			"loops.Go(func() { sweeper.Run(background) })", "_ = sweeper",
			"", "", "process/kill-worker",
		},
		{
			"no re-check without pub/sub", "D3", "daemon/follow/follow.go",
			"byEvent || state.due() <= 0 {", "byEvent {",
			"./daemon/api", "AStreamGoesOnWhileTheDatabase|TheEnd", "",
		},
		{
			"a Cluster is not asked for its slots when a server has failed", "E4", "daemon/redisconn/reload.go",
			"	r.cluster.ReloadState(ctx)\n", "",
			"./daemon/redisconn", "TestCommandsFindANewMaster", "",
		},
		{
			"a subscription is kept although nothing arrives", "D5", "daemon/chunklog/subscription/echo.go",
			"l.missed >= 2 &&", "l.missed < 0 &&",
			"./daemon/chunklog", "TestEventsLeaveASeparatedMaster", "",
		},
		{
			"subscribe after read", "C1", "daemon/chunklog/subscription/inbox.go",
			"		in.confirmed, in.reread = true, true\n", "		in.confirmed = true\n",
			"./daemon/chunklog", "", "",
		},
		{
			"the lock is not taken", "F1", "daemon/local/lock.go",
			"switch err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB); {", "switch err := error(nil); {",
			"./daemon/local", "", "",
		},
		{
			"the lease is not renewed", "B1", "daemon/worker/lease.go",
			"leases, err := w.store.Renew(ctx, w.opts.Info.ID, ids)", "leases, err := w.store.Renew(ctx, \"nobody\", ids)",
			"./daemon/worker", "", "",
		},
		{
			"a cancel is heard by pub/sub only", "D5", "daemon/worker/lease.go",
			"		case l.CancelRequested:\n", "		case false:\n",
			"./daemon/worker", "", "",
		},
		{
			"a promoted standby repeats numbers of attempts", "B2", "sql/claim.go",
			"const lostAttempts = `1000 *", "const lostAttempts = `0 *",
			"./sql", "TestAPromotedStandbyRepeatsNoAttempt", "",
		},
		{
			"a commit without its synchronous standby is acknowledged", "A1", "sql/database/connector_postgres.go",
			"	case err == nil && ctx.Err() != nil:\n", "	case false:\n",
			"./sql", "TestNothingIsAcknowledged", "",
		},
		{
			"a shutdown counts as a failed attempt", "B4", "sql/finish.go",
			"	if h.Counts {\n", "	if true {\n",
			"./sql", "TestSQLite$", "",
		},
		{
			"the same key makes another message", "A3", "sql/idempotency.go",
			"		if n == 0 {\n", "		if n == 0 && len(key) == 0 {\n",
			"./sql", "TestSQLite$", "",
		},
		{
			"the same key takes another body", "A3", "sql/idempotency.go",
			"if row.BodyHash != bodyHash {", "if row.BodyHash == \"\" {",
			"./sql", "TestSQLite$", "",
		},
		{
			"a new attempt without a reset", "C3", "daemon/chunklog/writer.go",
			"	if err := w.index(chat.Chunk{Type: chat.ChunkReset}); err != nil {", "	if err := error(nil); err != nil {",
			"./daemon/chunklog", "", "",
		},
		{
			"a position of another attempt is honoured", "C2", "daemon/chunklog/tail.go",
			"	if len(chunks) > 0 && (t.pos.Attempt == chat.AnyAttempt || chunks[0].Attempt == t.pos.Attempt) {", "	if len(chunks) > 0 {",
			"./daemon/chunklog", "", "",
		},
		{
			"an entry of an old attempt counts", "B3", "daemon/chunklog/entry.go",
			"c.Index != first+i || c.Attempt < prev {", "c.Index != first+i || c.Attempt < min(prev, 0) {",
			"./daemon/chunklog", "", "",
		},
		{
			"keys without TTL", "G3", "daemon/chunklog/append.go",
			"		p.PExpire(ctx, n.Chunks(s.taskID), o.TTL)\n", "",
			"./daemon/chunklog", "", "",
		},
		{
			"refusals are repeated", "B7", "daemon/worker/retry.go",
			"if e.Retryable && (refused || !a.claim.LastAttempt) && a.claim.Kind", "if (refused || !a.claim.LastAttempt) && a.claim.Kind",
			"./daemon/worker", "RefusalsAreFinal", "",
		},
		{
			"attempts without end", "B4", "daemon/worker/retry.go",
			"if e.Retryable && (refused || !a.claim.LastAttempt) && a.claim.Kind", "if e.Retryable && a.claim.Kind",
			"./daemon/worker", "", "",
		},
		{
			"Retry-After is not obeyed", "B7", "daemon/worker/retry.go",
			"a.w.opts.RetryLimit), e.RetryAfter)", "a.w.opts.RetryLimit))",
			"./daemon/worker", "RetryAfterIsObeyed", "",
		},
		{
			"a whole answer is bought again", "B6", "daemon/worker/attempt.go",
			"	if previous.Complete {", "	if false && previous.Complete {",
			"./daemon/worker", "NotBoughtAgain", "",
		},
		{
			"the last text wins over the longest", "A5", "daemon/worker/continue.go",
			"	if err == nil && saved.Parts.Len() > a.parts.Len() {", "	if err == nil && saved.Parts.Len() < 0 {",
			"./daemon/worker", "", "",
		},
		{
			"the answer is thrown away when SQL is down", "E2", "daemon/worker/attempt.go",
			"		if writing.Err() != nil || context.Cause(work) != nil && n >= 3 {", "		if n >= 1 {",
			"./daemon/worker", "", "",
		},
		{
			"the clock is not checked before the first sweep", "E2", "daemon/worker/sweeper.go",
			"			pass = s.wait", "			pass = s.notify",
			"./daemon/worker", "LooksAtTheClock", "",
		},
		{
			"a sweeper does not wait for the owners", "E2", "daemon/worker/sweeper.go",
			"		if began.Before(grace) {", "		if false && time.Now().Before(grace) {",
			"./daemon/worker", "", "",
		},
		{
			"a paused worker continues to write", "B3", "daemon/worker/lease.go",
			"	return now.Sub(l.renewed) < l.term-l.renewal/2 ||", "	return true ||",
			"./daemon/worker", "ALeaseIsTrustedUntilItCanExpire", "",
		},
		{
			"the log is not stored with the answer", "C1", "daemon/worker/attempt.go",
			"		r.ChunkCount, r.Log = n+1, a.log.Pack()", "		r.ChunkCount = n + 1",
			"./daemon/worker", "TheLogIsStored", "",
		},
		{
			"a sequence number stands for two events", "C5", "daemon/api/openai/events.go",
			"		e.number = attemptBase * (c.Attempt - 1)", "		_ = attemptBase",
			"./daemon/api/openai", "NumbersNeverStand", "",
		},
		{
			"a completion that is repeated shows the attempt that was given up", "C3", "daemon/api/openai/completions.go",
			"surface.Latest(e, s.Task())", "surface.Latest(e, chat.Task{Attempt: 1})",
			"", "", "process/kill-worker",
		},
		{
			"a chat that is resumed shows the attempt that was given up", "C3", "daemon/api/aisdk/aisdk.go",
			"s.Task().MessageID}, s.Task())", "s.Task().MessageID}, chat.Task{Attempt: 1})",
			"", "", "process/kill-worker",
		},
		{
			"a draining server ends its streams cleanly", "D1", "daemon/api/stream.go",
			"	defer context.AfterFunc(s.draining, func() { _ = conn.Close() })()",
			"	defer context.AfterFunc(s.draining, func() { _, _ = conn.Write([]byte(\"0\\r\\n\\r\\n\")); _ = conn.Close() })()",
			"./daemon/api", "", "",
		},
		{
			"whose task it is does not matter", "S11", "sql/tasks.go",
			"FROM tasks WHERE id = $1 AND owner = $2`, id, owner)", "FROM tasks WHERE id = $1 AND owner <> $2 || 'x'`, id, owner)",
			"./sql", "TestSQLite$", "",
		},
		{
			"text is published as it came", "C4", "daemon/model/answer/answer.go",
			"	return a.think.Add(chat.NormalizeText(a.content.join(said)), false)", "	return a.think.Add(a.content.join(said), false)",
			"./daemon/model/openai", "", "",
		},
		{
			"the client waits for a dead server", "D1", "daemon/client/follow.go",
			"func() { cancel(errSilent) })", "func() {})",
			"./daemon/client", "NoticesASilentServer", "",
		},
		{
			"the client shows a chunk twice", "C2", "daemon/client/follow.go",
			"	case !at.Less(pos):\n		return seen\n", "	case at.Less(at):\n		return seen\n",
			"./daemon/client", "FollowAgainstLies", "",
		},
	}
}
