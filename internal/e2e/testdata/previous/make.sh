#!/bin/sh
# Makes the fixtures in this directory with the programs of the previous version:
#   make.sh DIRECTORY-OF-CHAT-AND-CHATD OUTPUT
# It needs sqlite3, psql and pg_dump, and a superuser's database on an empty PostgreSQL
# server in CHAT_TEST_POSTGRES, as cmd/withservices sets it.
set -eu
bin=$1 out=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work" CHAT_DISCOVER=off CHAT_DEMO_SPEED=400
unset OPENAI_API_KEY OPENAI_BASE_URL CHAT_MODEL DATABASE_URL REDIS_URL

# A red pixel.
printf '%s' iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC | base64 -d > "$work/pixel.png"
printf 'one\n<file name="inner">two</file>\n\n  three äöü 🙂' > "$work/notes & more.txt"

conversations() {
	cd "$work"
	chat="$bin/chat --quiet"
	# A system prompt, a title, two turns. Each answer of the demo has reasoning.
	$chat send --no-stdin -s 'Answer in one sentence.' 'count to 12' >/dev/null
	$chat send --no-stdin -c 'count to 7' >/dev/null
	$chat rename last 'Counting <both> ways'
	# Branches: an edited question, and a second answer to it.
	$chat send --no-stdin 'count to 3' >/dev/null
	$chat edit last 'count to 4' >/dev/null
	$chat retry last >/dev/null
	# A copy of a conversation.
	$chat fork last --title 'A copy' >/dev/null
	# Attachments, alone and with others.
	$chat send --no-stdin -f pixel.png 'What is in this image? count to 2' >/dev/null
	$chat send --no-stdin -c -f 'notes & more.txt' -f pixel.png 'And in these? count to 2' >/dev/null
	$chat send --no-stdin -f 'notes & more.txt' 'Only a text: <image name="not one">' >/dev/null
	# A cancelled answer with part of its text, and one that its deadline ended.
	id=$($chat send --no-stdin -d 'count to 5000')
	sleep 1
	$chat stop "$id" >/dev/null
	$chat send --no-stdin -d --timeout 1s 'count to 5001' >/dev/null
	while [ -n "$($chat ps -q)" ]; do sleep 0.2; done
}

# SQLite, by the local daemon.
conversations
"$bin/chat" export --all > "$out/sqlite.json"
"$bin/chat" daemon stop
sqlite3 "$HOME/.local/share/chat/chat.db" "DELETE FROM workers; VACUUM INTO '$out/chat.db'"

# PostgreSQL, by chatd with its embedded engine. The dump is plain SQL: without comments,
# settings of the session and psql's commands.
export CHATD_TOKEN=chat_previous_0123456789abcdef0123 CHAT_HOST=http://127.0.0.1:18642
psql -q "$CHAT_TEST_POSTGRES" -c 'CREATE DATABASE previous'
url=$(printf '%s' "$CHAT_TEST_POSTGRES" | sed 's#/[^/?]*\(?\|$\)#/previous\1#')
DATABASE_URL="$url" "$bin/chatd" --listen tcp://127.0.0.1:18642 2>"$work/chatd.log" &
chatd=$!
export CHAT_TOKEN=$CHATD_TOKEN
until "$bin/chat" ls >/dev/null 2>&1; do sleep 0.2; done
conversations
"$bin/chat" export --all > "$out/postgres.json"
kill $chatd
wait $chatd || true
psql -q "$url" -c 'DELETE FROM workers'
pg_dump --inserts --no-owner --no-privileges "$url" | grep -vE '^(\\|--|SET |SELECT pg_catalog.set_config)' > "$out/postgres.sql"
