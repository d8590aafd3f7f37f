"""Debian's python3-websockets against one chatd."""

import asyncio
import json
import os
import sys
import traceback
import urllib.request

import websockets

URL = os.environ["CHAT_URL"]
TOKEN = os.environ["CHAT_TOKEN"]
failed = False


def control(command):
    request = urllib.request.Request(os.environ["CONTROL"] + "/" + command, method="POST")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


async def command(text):
    return await asyncio.get_running_loop().run_in_executor(None, control, text)


async def connect(token=TOKEN):
    socket = await websockets.connect(URL.replace("http", "ws", 1) + "/ws")
    await send(socket, type="hello", token=token)
    return socket


async def ready():
    socket = await connect()
    message = await receive(socket)
    assert message["type"] == "ready", message
    return socket


async def send(socket, **message):
    await socket.send(json.dumps(message))


async def receive(socket):
    return json.loads(await socket.recv())


async def chunks(socket, task):
    """Reads the chunks of a task up to the terminal one."""
    found = []
    while True:
        message = await receive(socket)
        assert message["type"] == "chunk" and message["task_id"] == task, message
        found.append(message)
        if message["chunk"]["chunk_type"] in ("done", "error"):
            return found


def text(messages):
    return "".join(m["chunk"]["content"] for m in messages if m["chunk"]["chunk_type"] == "content")


async def check(name, run):
    global failed
    try:
        await asyncio.wait_for(run(), 60)
        print("ok", name, flush=True)
    except Exception:
        failed = True
        print("FAIL %s: %s" % (name, traceback.format_exc().replace("\n", " | ")), flush=True)


async def wrong_token():
    socket = await connect("wrong")
    assert (await receive(socket))["error"]["code"] == "unauthorized"
    await socket.wait_closed()
    assert socket.close_code == 1008, socket.close_code


async def follow():
    answer = await command("answer?chunks=200")
    task, positions = answer["task"], answer["positions"]
    assert len(positions) == 201, len(positions)
    socket = await ready()
    await send(socket, type="follow", task_id=task)
    everything = await chunks(socket, task)
    assert [m["id"] for m in everything] == positions
    assert text(everything) == answer["text"]
    for i, after in enumerate(positions[:-1]):
        await send(socket, type="follow", task_id=task, after=after)
        assert await chunks(socket, task) == everything[i + 1 :], after
    await send(socket, type="follow", task_id=task, after=positions[-1])
    assert await receive(socket) == {"type": "complete", "task_id": task}
    await socket.close()


async def submit_and_cancel():
    socket = await ready()
    await send(socket, type="submit", ref="a", message={"content": "lie: chunks=20 gate"})
    accepted = await receive(socket)
    assert accepted["type"] == "accepted" and accepted["ref"] == "a", accepted
    task = accepted["task_id"]
    await send(socket, type="follow", task_id=task)
    await command("step?n=1")
    assert (await receive(socket))["id"] == "1-0"
    await send(socket, type="cancel", ref="b", task_id=task)
    messages = [await receive(socket), await receive(socket)]  # in any order
    cancelled = next(m for m in messages if m["type"] == "cancelled")
    assert cancelled["won"] and cancelled["ref"] == "b", cancelled
    last = next(m for m in messages if m["type"] == "chunk")
    assert last["chunk"]["state"] == "cancelled", last
    await socket.close()


async def main():
    await check("a wrong token", wrong_token)
    await check("follow, and resume at every index", follow)
    await check("submit and cancel", submit_and_cancel)


asyncio.run(main())
sys.exit(failed)
