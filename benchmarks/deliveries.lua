-- Signed GitHub deliveries for wrk; every request has a body and a delivery id of its own.
--
--   wrk … -s deliveries.lua URL -- TEMPLATES SECRET RUN EVENT
--
-- TEMPLATES is written by bodies.py: records of "<head bytes> <tail bytes>\n" head tail. A body is
-- head .. fifteen digits .. tail. SHA-256 of everything before the digits is computed once, in
-- init(); a request hashes only the few blocks after them, so signing costs about as much as
-- choosing a ready-made body would, and no two bodies are the same.

local ffi = require("ffi")
local bit = require("bit")
local band, bor, bxor, bnot = bit.band, bit.bor, bit.bxor, bit.bnot
local ror, rshift, lshift, bswap, tohex = bit.ror, bit.rshift, bit.lshift, bit.bswap, bit.tohex

local K = ffi.new("int32_t[64]")
local START = ffi.new("int32_t[8]")
local W = ffi.new("int32_t[64]")
local buffer = ffi.new("uint8_t[65536]")

-- spec: FIPS 180-4, 4.2.2 and 5.3.3: the fractional parts of the roots of the first primes.
local function constants()
  local found, candidate = 0, 2
  while found < 64 do
    local prime = true
    for divisor = 2, math.floor(math.sqrt(candidate)) do
      if candidate % divisor == 0 then prime = false break end
    end
    if prime then
      local cube, square = candidate ^ (1 / 3), math.sqrt(candidate)
      K[found] = bit.tobit(math.floor((cube % 1) * 2 ^ 32))
      if found < 8 then START[found] = bit.tobit(math.floor((square % 1) * 2 ^ 32)) end
      found = found + 1
    end
    candidate = candidate + 1
  end
end
constants()

-- One SHA-256 block at `data` folded into `state`.
local function compress(state, data)
  local words = ffi.cast("int32_t*", data)
  for t = 0, 15 do W[t] = bswap(words[t]) end
  for t = 16, 63 do
    local x, y = W[t - 15], W[t - 2]
    local s0 = bxor(ror(x, 7), ror(x, 18), rshift(x, 3))
    local s1 = bxor(ror(y, 17), ror(y, 19), rshift(y, 10))
    W[t] = bit.tobit(W[t - 16] + s0 + W[t - 7] + s1)
  end
  local a, b, c, d = state[0], state[1], state[2], state[3]
  local e, f, g, h = state[4], state[5], state[6], state[7]
  for t = 0, 63 do
    local s1 = bxor(ror(e, 6), ror(e, 11), ror(e, 25))
    local choose = bxor(band(e, f), band(bnot(e), g))
    local t1 = bit.tobit(h + s1 + choose + K[t] + W[t])
    local s0 = bxor(ror(a, 2), ror(a, 13), ror(a, 22))
    local majority = bxor(band(a, b), band(a, c), band(b, c))
    h, g, f, e = g, f, e, bit.tobit(d + t1)
    d, c, b, a = c, b, a, bit.tobit(t1 + s0 + majority)
  end
  state[0], state[1] = bit.tobit(state[0] + a), bit.tobit(state[1] + b)
  state[2], state[3] = bit.tobit(state[2] + c), bit.tobit(state[3] + d)
  state[4], state[5] = bit.tobit(state[4] + e), bit.tobit(state[5] + f)
  state[6], state[7] = bit.tobit(state[6] + g), bit.tobit(state[7] + h)
end

local function copy(state)
  local other = ffi.new("int32_t[8]")
  ffi.copy(other, state, 32)
  return other
end

-- Finish `state` with `text`, when `before` bytes (a multiple of 64) were hashed already.
local function finish(state, text, before)
  local length = #text
  ffi.copy(buffer, text, length)
  local total = bor(length + 8, 63) + 1
  ffi.fill(buffer + length, total - length)
  buffer[length] = 0x80
  local bits = (before + length) * 8
  for i = 0, 3 do buffer[total - 1 - i] = band(rshift(bits, 8 * i), 255) end
  for offset = 0, total - 64, 64 do compress(state, buffer + offset) end
end

local function keyed(secret, with)
  local pad = ffi.new("uint8_t[64]")
  for i = 0, 63 do pad[i] = bxor(i < #secret and secret:byte(i + 1) or 0, with) end
  local state = copy(START)
  compress(state, pad)
  return state
end

local inner_start, outer_start
local inner, outer = ffi.new("int32_t[8]"), ffi.new("int32_t[8]")
local digest = ffi.new("int32_t[8]")

-- HMAC-SHA256 in hexadecimal, continued from a template's state.
local function sign(template, text)
  ffi.copy(inner, template.state, 32)
  finish(inner, text, template.hashed)
  for i = 0, 7 do digest[i] = bswap(inner[i]) end
  ffi.copy(outer, outer_start, 32)
  finish(outer, ffi.string(digest, 32), 64)
  return tohex(outer[0]) .. tohex(outer[1]) .. tohex(outer[2]) .. tohex(outer[3])
    .. tohex(outer[4]) .. tohex(outer[5]) .. tohex(outer[6]) .. tohex(outer[7])
end

local function prepare(head, tail)
  local state, whole = copy(inner_start), #head - #head % 64
  ffi.copy(buffer, head, #head)
  for offset = 0, whole - 64, 64 do compress(state, buffer + offset) end
  return { state = state, hashed = 64 + whole, head = head, rest = head:sub(whole + 1), tail = tail }
end

local function load(path)
  local file = assert(io.open(path, "rb"))
  local templates = {}
  local line = file:read("*l")
  while line do
    local head, tail = line:match("^(%d+) (%d+)$")
    templates[#templates + 1] = prepare(file:read(tonumber(head)), file:read(tonumber(tail)))
    line = file:read("*l")
  end
  file:close()
  return templates
end

local threads = 0
function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

local templates, run, sent, first_part, target
local chosen

function init(args)
  local secret, event = args[2], args[4]
  inner_start, outer_start = keyed(secret, 0x36), keyed(secret, 0x5c)
  templates, run, sent = load(args[1]), tonumber(args[3]), 0
  first_part = "POST " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port
    .. "\r\nUser-Agent: GitHub-Hookshot/2f3c1ab\r\nAccept: */*\r\nContent-Type: application/json"
    .. "\r\nX-GitHub-Event: " .. event
    .. "\r\nX-GitHub-Hook-ID: 512345678\r\nX-GitHub-Hook-Installation-Target-ID: 186853002"
    .. "\r\nX-GitHub-Hook-Installation-Target-Type: integration\r\nX-GitHub-Delivery: "
  target = "\r\nX-Hub-Signature-256: sha256="
end

-- A UUID of version 1, which is what GitHub sends (58474f00-b361-11eb-836d-0e4f3503ccbe in its API's
-- description was delivered on the day its clock says): the low bits of the time in 100 ns stand
-- first, so deliveries of one moment lie side by side in an index. SCATTERED=1 spreads them instead.
local scattered = os.getenv("SCATTERED") == "1"
local begun = (os.time() + 12219292800) * 10000000ULL

local function delivery_id(number)
  local ticks = begun + number * 1000 + id * 10
  local low = scattered and (number * 2654435761ULL) or ticks
  return string.format("%s-%s-1%s-a%03x-%s%04x", tohex(tonumber(low % 4294967296ULL)),
    tohex(tonumber((ticks / 4294967296ULL) % 65536ULL), 4),
    tohex(tonumber((ticks / 281474976710656ULL) % 4096ULL), 3), id, tohex(run), number % 65536)
end

function request()
  sent = sent + 1
  chosen = templates[sent % #templates + 1]
  local stamp = string.format("%07d%08d", run, id * 10000000 + sent)
  local ending = stamp .. chosen.tail
  return first_part .. delivery_id(sent) .. target .. sign(chosen, chosen.rest .. ending)
    .. "\r\nContent-Length: " .. (#chosen.head + #ending) .. "\r\n\r\n" .. chosen.head .. ending
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"max_us":%d,'
    .. '"refused":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    e.status, e.connect, e.read, e.write, e.timeout))
end
