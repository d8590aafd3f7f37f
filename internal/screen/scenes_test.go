package screen

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

var id = regexp.MustCompile(`[0-9a-f]{8}`)

// TestFirstStart is the screen of a new user.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	h := newHome(t, "CHAT_DEMO_SPEED=0")
	p := h.shell()
	p.enter("clear; chat")
	p.waitFor(" chat  new conversation", "demo", "A new conversation.", "enter send", "live")
	p.enter("Why is the sky blue?")
	p.until("the end of the answer", func(s string) bool {
		return !strings.Contains(s, "● 1") && strings.Contains(s, "Why is the sky blue? · demo") && strings.Contains(s, "OPENAI_API_KEY")
	})
	p.picture("first", "chat")
	p.press("C-d")
	p.waitFor("Continue: chat -r ")
}

// TestStreamDetachAttach watches an answer, leaves in the middle, and comes back
// with the command that chat printed.
func TestStreamDetachAttach(t *testing.T) {
	t.Parallel()
	h, m := knowing(t, map[string][]string{starve: {starveAnswer}})
	p := h.shell()
	p.enter("clear; chat")
	p.waitFor("live")
	p.enter(starve)
	streaming := p.waitFor("● 1 running", "It waits where nobody looks", "2. then in the global one", "return steal(p.neighbours)", "esc stop", "thought")
	if strings.Contains(streaming, "##") || strings.Contains(streaming, "```") || strings.Contains(streaming, "61st") {
		t.Errorf("the answer is not laid out:\n%s", streaming)
	}
	p.picture("streaming", "chat")
	p.write("and with one core?")
	p.waitFor("> and with one core?")
	p.press("C-c")
	// ctrl+c would have stopped the answer; it must say so, and the text stays.
	p.waitFor("Stopped.")
	p.press("C-u")
	p.press("C-n")
	p.waitFor("A new conversation.")
	p.enter(starve)
	p.waitFor("return steal(p.neighbours)", "esc stop")
	p.press("C-d")
	left := p.waitFor("Continue: chat -r ", "1 task still running: chat attach ")
	attach := regexp.MustCompile(`chat attach ` + id.String()).FindString(left)
	p.enter(attach)
	p.waitFor(attach, "It waits where nobody looks", "a busy core never gets further")
	m.goOn <- struct{}{}
	p.waitFor("every 61st time", "So hand long work to the global queue")
	p.picture("attach", "sh")
	p.enter("clear; chat -c")
	end := p.waitFor("So hand long work to the global queue", "idle cores")
	if n := strings.Count(end, "61st"); n != 1 {
		t.Errorf("the table is there %d times:\n%s", n, end)
	}
	p.picture("answer", "chat")
}

// TestSearch finds a conversation by what was said in it.
func TestSearch(t *testing.T) {
	t.Parallel()
	h, _ := knowing(t, map[string][]string{lock: {lockAnswer}, haiku: {haikuAnswer}, starve: {strings.ReplaceAll(starveAnswer, pause, "")}})
	for _, question := range []string{haiku, lock, starve} {
		h.run("send", "--no-stdin", question)
	}
	p := h.shell()
	p.enter("clear; chat")
	p.waitFor("live")
	p.press("C-k")
	p.waitFor("Conversations", haiku, lock, starve)
	p.write("reader who left")
	p.until("only what was found", func(s string) bool { return strings.Contains(s, haiku) && !strings.Contains(s, lock) })
	p.press("Enter")
	p.waitFor("None of them is lost.")
	p.press("C-k")
	p.waitFor("Conversations")
	p.write("queue")
	// A long title makes room for the snippet.
	p.until("only what was found", func(s string) bool {
		return strings.Contains(s, starve[:30]) && strings.Contains(s, "in the queue of") && !strings.Contains(s, lock)
	})
	p.picture("search", "chat")
	p.press("Escape")
	p.gone("Conversations")
	p.press("C-d")
	p.waitFor("Continue: chat -r ")
	p.enter("clear; chat search 'wait for a reader'")
	p.waitFor(haiku)
}

// TestBranches regenerates an answer, edits a question, and moves between them.
func TestBranches(t *testing.T) {
	t.Parallel()
	h, _ := knowing(t, map[string][]string{lock: {lockAnswer, lockAgain}, second: {"The one of the *neighbour* with the lower number."}, third: {"That nobody knows."}})
	p := h.shell()
	p.enter("clear; chat")
	p.waitFor("live")
	p.enter(lock)
	p.waitFor("wait for ever")
	p.press("Tab")
	p.waitFor("previous")
	p.write("r")
	p.waitFor("‹2/2›", "never hold two processors at once", "previous")
	p.press("<")
	p.waitFor("‹1/2›", "wait for ever")
	p.press(">")
	p.waitFor("‹2/2›", "never hold two processors at once")
	p.picture("branches", "chat")
	p.press("Tab")
	p.enter(second)
	p.waitFor("lower number")
	p.press("Tab")
	p.waitFor("previous")
	p.write("[")
	p.write("e")
	p.waitFor("edit > " + second)
	p.press("C-u")
	p.enter(third)
	s := p.waitFor(third, "nobody knows", "‹2/2›")
	if strings.Contains(s, "lower number") || !strings.Contains(s, "never hold two processors") {
		t.Errorf("that is not the way through the tree:\n%s", s)
	}
}

// TestTasks shows two running answers, opens one and stops the other.
func TestTasks(t *testing.T) {
	t.Parallel()
	h, m := knowing(t, map[string][]string{slowly: {slowAnswer}, starve: {starveAnswer}, haiku: {haikuAnswer}})
	h.run("send", "--no-stdin", haiku)
	h.run("send", "-d", "--no-stdin", slowly)
	p := h.shell()
	p.enter("clear; chat")
	p.waitFor("live")
	p.enter(starve)
	p.waitFor("● 2 running", "return steal")
	p.press("C-b")
	p.waitFor("Tasks", slowly, starve, haiku, "running", "done")
	p.picture("tasks", "chat")
	p.write("walk")
	p.until("one task", func(s string) bool { return strings.Contains(s, slowly) && !strings.Contains(s, haiku) })
	p.press("Enter")
	p.waitFor("a place for it to wait.", "esc stop")
	p.press("Escape")
	p.waitFor("Stopped.", "● 1 running")
	m.goOn <- struct{}{}
	p.gone("● ")
}

// TestADeadDaemonLosesNothing kills the daemon in the middle of an answer, and then
// the client, too.
func TestADeadDaemonLosesNothing(t *testing.T) {
	t.Parallel()
	h, p := lying(t)
	s := h.shell()
	s.enter("clear; sh -c 'echo $$ > client; exec chat'")
	s.waitFor("live")
	s.enter("lie: chunks=300 pace=20ms")
	s.waitFor("c1t40 ")
	s.write("half a thought")
	pid := regexp.MustCompile(`process (\d+)`).FindStringSubmatch(h.run("daemon", "status"))
	if pid == nil {
		t.Fatal("no daemon")
	}
	kill9(t, pid[1])
	s.waitFor("reconnecting")
	s.picture("reconnecting", "chat")
	s.waitFor("c2t20 ", "live", "> half a thought")
	h.kept("half a thought")
	client, err := os.ReadFile(filepath.Join(h.dir, "client"))
	if err != nil {
		t.Fatal(err)
	}
	kill9(t, string(client))
	s.waitFor("Killed")
	s.write("stty sane; clear; chat -c")
	s.press("C-j") // the dead client has left the terminal raw
	end := s.waitFor("c2t299", "> half a thought")
	for i, line := range strings.Split(end, "\n") {
		if strings.Contains(line, "c1t") {
			t.Errorf("the first attempt's text is still there, in line %d: %s", i, line)
		}
	}
	if n := strings.Count(end, "c2t250 "); n != 1 {
		t.Errorf("a token is there %d times:\n%s", n, end)
	}
	if n := len(p.Calls()); n != 2 {
		t.Errorf("%d calls of the provider", n)
	}
}

func kill9(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(pid))
	if err == nil {
		err = syscall.Kill(n, syscall.SIGKILL)
	}
	if err != nil {
		t.Fatalf("kill %q: %v", pid, err)
	}
}
