package screen

// The questions and answers of the scenes.

const starve = "Why does my worker starve when another core is busy?"

const starveAnswer = "The run queue belongs to a processor.</think>" + `## It waits where nobody looks

A goroutine waits in the queue of **one** processor. Another one takes it only
when it runs dry itself:

1. it looks in its own queue,
2. then in the global one, and
3. only then it *steals* half of a neighbour's.

` + "```go\n" + `func (p *proc) next() *task {
	if t := p.queue.pop(); t != nil {
		return t // a busy core never gets further
	}
	return steal(p.neighbours) ⏸
}
` + "```" + `

| queue  | looked at          | by         |
|--------|--------------------|------------|
| own    | always             | its core   |
| global | every 61st time    | every core |
| theirs | when all are empty | idle cores |

So hand long work to the global queue, or yield in its loop.
`

const lock = "Which lock comes first?"

const lockAnswer = "The **scheduler's**, then the processor's. Taken the other way round, two cores that steal from each other wait for ever."

const lockAgain = "Take `sched.lock` *before* `p.lock`; never hold two processors at once."

const haiku = "A haiku about queues"

const haikuAnswer = "Tokens, one by one,\\\nwait for a reader who left.\\\nNone of them is lost."

const slowly = "Walk me through the whole scheduler"

const slowAnswer = "## From go to running\n\nEvery `go` statement makes a goroutine, and a place for it to wait. ⏸ Here is the rest."

const second, third = "And which comes second?", "And the third one?"
