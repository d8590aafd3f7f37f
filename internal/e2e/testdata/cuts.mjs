// Reads one stream with stock clients, many times: the first connection is cut after
// k bytes of its body, for every k. Prints, for each client and k, the ids in the
// order in which the client reported them.
import http from 'node:http'
import { once } from 'node:events'
import { createRequire } from 'node:module'

const require = createRequire(process.env.MODULES + '/')
const { EventSource } = require('eventsource')
const EventSource2 = require('eventsource2')
const { fetchEventSource } = require('@microsoft/fetch-event-source')

const headers = { Authorization: 'Bearer ' + process.env.TOKEN }
const url = process.env.URL
// What each first connection is a part of; the clients come back at once.
const whole = (await (await fetch(url, { headers })).text()).replace(/^retry: \d+/m, 'retry: 1')
const ended = chunk => chunk.chunk_type === 'done' || chunk.chunk_type === 'error'

// cutFetch is a fetch whose first answer ends in an error after k bytes.
function cutFetch(k) {
  let first = true
  return async (u, init) => {
    if (!first) return fetch(u, { ...init, headers: { ...init?.headers, ...headers } })
    first = false
    const bytes = Buffer.from(whole).subarray(0, k)
    let given = false
    const body = new ReadableStream({
      pull(c) {
        if (given) return c.error(new TypeError('cut'))
        given = true
        c.enqueue(bytes)
      },
    }, { highWaterMark: 0 })
    const cut = new Response(body, { status: 200, headers: { 'Content-Type': 'text/event-stream' } })
    Object.defineProperty(cut, 'url', { value: url })
    return cut
  }
}

function eventSource(k) {
  return new Promise(resolve => {
    const ids = []
    const es = new EventSource(url, { fetch: cutFetch(k) })
    es.onmessage = e => {
      ids.push(e.lastEventId)
      if (ended(JSON.parse(e.data))) { es.close(); resolve(ids) }
    }
    es.onerror = () => { if (es.readyState === EventSource.CLOSED) resolve([...ids, 204]) }
  })
}

// eventSource2 is an older release, which many programs use; it does its own HTTP.
async function eventSource2(k) {
  let first = true
  const proxy = http.createServer(async (req, res) => {
    if (first) {
      first = false
      res.writeHead(200, { 'Content-Type': 'text/event-stream' })
      res.write(Buffer.from(whole).subarray(0, k))
      return res.socket.end()
    }
    const last = req.headers['last-event-id']
    const up = await fetch(url, { headers: { ...headers, ...(last ? { 'Last-Event-ID': last } : {}) } })
    res.writeHead(up.status, { 'Content-Type': up.headers.get('content-type') ?? 'text/plain' })
    res.end(Buffer.from(await up.arrayBuffer()))
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const ids = await new Promise(resolve => {
    const seen = []
    const es = new EventSource2(`http://127.0.0.1:${proxy.address().port}/`)
    es.onmessage = e => {
      seen.push(e.lastEventId)
      let last
      try { last = ended(JSON.parse(e.data)) } catch { seen.push('not JSON'); last = true }
      if (last) { es.close(); resolve(seen) }
    }
    es.onerror = e => { if (e.status) { es.close(); resolve([...seen, e.status]) } } // 204, when it has all
  })
  proxy.close()
  proxy.closeAllConnections()
  return ids
}

// fetchEventSource_ is the client as its documentation shows it: each message is JSON.
globalThis.window = { setTimeout, clearTimeout }
globalThis.document = { addEventListener() {}, removeEventListener() {} }
async function fetchEventSource_(k) {
  const ids = []
  const stop = new AbortController()
  await fetchEventSource(url, {
    fetch: cutFetch(k), openWhenHidden: true, signal: stop.signal,
    async onopen(res) { if (res.status === 204) stop.abort() }, // there is no more
    onmessage(e) {
      const chunk = JSON.parse(e.data)
      ids.push(e.id)
      if (ended(chunk)) stop.abort()
    },
    onclose() { if (!stop.signal.aborted) throw new Error('ended early') },
    onerror(e) {
      if (e instanceof SyntaxError) { ids.push('not JSON'); throw e }
      return 1
    },
  }).catch(() => {})
  return ids
}

const clients = { 'eventsource': eventSource, 'eventsource 2': eventSource2, 'fetch-event-source': fetchEventSource_ }
for (const [name, read] of Object.entries(clients)) {
  const length = Buffer.byteLength(whole)
  let k = 0
  const some = async () => {
    while (k < length) {
      const cut = ++k
      const ids = await read(cut)
      console.log(JSON.stringify({ client: name, cut, before: Buffer.from(whole).subarray(0, cut).toString(), ids }))
    }
  }
  await Promise.all(Array.from({ length: 50 }, some))
}
process.exit(0)
