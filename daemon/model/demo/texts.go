package demo

// What the demo says. The commands in here are those of the chat program.

const tryThis = "What to try next:\n\n" +
	"1. Send `count to 1000` and close the terminal in the middle of the answer.\n" +
	"2. Open another terminal and come back to it:\n\n" +
	"```sh\n" +
	"chat attach last               # the same answer, from its beginning\n" +
	"chat send -d \"a long tour\"     # start one and do not wait for it\n" +
	"chat ps                        # what is running\n" +
	"```\n\n" +
	"The daemon makes the answer; the terminal only shows it. So nothing is lost when you close the window, " +
	"when the SSH connection drops, or when the laptop sleeps.\n\n"

const setup = "## A real model\n\n" +
	"* **A local one**: start Ollama, LM Studio or the server of llama.cpp. Each is detected automatically.\n" +
	"* **OpenAI**: set `OPENAI_API_KEY`.\n" +
	"* **Any other OpenAI-compatible server**: set `OPENAI_BASE_URL` as well, for example\n\n" +
	"```sh\n" +
	"export OPENAI_BASE_URL=https://openrouter.ai/api/v1\n" +
	"export OPENAI_API_KEY=…\n" +
	"chat models\n" +
	"```\n"

const tour = "Here is the long tour. It takes about half a minute at the demo's pace, so there is time to close this " +
	"terminal and to come back with `chat attach last`.\n\n" +
	"## 1. Where an answer lives\n\n" +
	"When you send a message, it is written to a database together with an empty answer and a task that fills it. " +
	"Only then does the server accept it. After that, nothing that happens to your terminal matters to the " +
	"answer: a worker in the daemon claims the task, asks the model, and appends every piece it receives to a log.\n\n" +
	"What you see on the screen is read from that log. That is why two terminals can watch the same answer, and why " +
	"a reader who arrives late sees the beginning, too.\n\n" +
	"## 2. Coming back\n\n" +
	"Each piece has a position, such as `1-17`: attempt 1, index 17. A terminal that loses its " +
	"connection sends the last position that it has seen, and gets the next piece. Nothing is shown twice and nothing is missing.\n\n" +
	"```sh\n" +
	"chat attach last            # the newest task\n" +
	"chat attach last --tui      # the same, in the full screen\n" +
	"chat attach 7f3a --jsonl    # events for a script\n" +
	"```\n\n" +
	"## 3. Jobs\n\n" +
	"An answer is a job like those of your shell, but it does not end with the shell.\n\n" +
	"| command | what it does |\n" +
	"|---|---|\n" +
	"| `chat send -d \"…\"` | starts an answer and prints its task id |\n" +
	"| `chat ps` | lists what is queued and running |\n" +
	"| `chat wait ID` | waits, and exits with the code of the task |\n" +
	"| `chat stop ID` | ends it and keeps what was received |\n" +
	"| `chat top` | shows the queue and the workers, live |\n\n" +
	"## 4. Scripts\n\n" +
	"The answer goes to standard output and everything else to standard error, so pipes work as you would guess:\n\n" +
	"```sh\n" +
	"git diff | chat send \"write a commit message\" > message.txt\n" +
	"chat send -x \"a Dockerfile for a Go program\" > Dockerfile\n" +
	"```\n\n" +
	"A script that needs more than text can ask for `--jsonl`: one event a line, with exactly one `task.done` at the end. " +
	"Exit codes are listed by `chat help exit-codes`.\n\n" +
	"## 5. When something breaks\n\n" +
	"A provider that limits the rate, fails or drops the connection is asked again, with growing pauses. If half an answer " +
	"had arrived by then, it is withdrawn and generated again, so that you never read two halves of different answers. When no " +
	"attempt succeeds, the longest text that was received is kept and marked as interrupted.\n\n" +
	"If the daemon itself is killed, its leases expire, and the next one makes the answer. An answer that had already been " +
	"received whole is not bought a second time.\n\n" +
	"## 6. Trees\n\n" +
	"A conversation is a tree. Editing a message, or asking for another answer, adds a sibling and keeps the old one. " +
	"You can switch between them, fork a conversation at any message, search in all of them, and export them as Markdown " +
	"or as JSON without loss.\n\n"
