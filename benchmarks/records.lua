-- Requests for records, as one caller; prints what happened as one line of JSON.
--
--   wrk … -s records.lua URL -- get|list|create KEY ROWS RUN CASE
--
-- CASE is `camel` or `snake`: how the names of fields are written. A create has an idempotency key
-- and a name of its own.
local mode, rows, run, sent, heads, names

function init(args)
  mode, rows, run, sent = args[1], tonumber(args[3]), args[4], 0
  math.randomseed(tonumber(run))
  heads = { ["Authorization"] = "Bearer " .. args[2], ["Host"] = wrk.host .. ":" .. wrk.port }
  if mode == "create" then heads["Content-Type"] = "application/json" end
  names = args[5] == "camel" and { "conversationId", "agentId", "mediaType" }
    or { "conversation_id", "agent_id", "media_type" }
end

function request()
  sent = sent + 1
  if mode == "get" then
    return wrk.format("GET", string.format("/v1/artifacts/a%07d", math.random(rows) - 1), heads)
  end
  if mode == "list" then
    return wrk.format("GET", "/v1/artifacts?limit=50", heads)
  end
  local name = run .. "-" .. sent
  heads["Idempotency-Key"] = name
  local body = string.format(
    '{"%s":"c-%d","%s":"agent-7","name":"report-%s.json","%s":"application/json","size":%d,'
    .. '"sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",'
    .. '"uri":"s3://bucket/reports/%s","content":"A short text about what was found.",'
    .. '"meta":{"source":"bench","tags":["a","b"],"depth":{"x":1}}}',
    names[1], sent % 100, names[2], name, names[3], sent, name)
  return wrk.format("POST", "/v1/artifacts", heads, body)
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"max_us":%d,'
    .. '"refused":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    e.status, e.connect, e.read, e.write, e.timeout))
end
