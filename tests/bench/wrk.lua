-- Sends the requests of a file, one line each ("USER<tab>BODY"), over and over; reports as JSON.
--   wrk … -s wrk.lua URL -- FILE LEAST MOST ENDING [HEADER=VALUE …]
-- The mark "#0" in a body becomes a number that is never used twice. Every answer must be a 200 whose body has LEAST to
-- MOST bytes and ends with ENDING; it also counts the answers that memory was used for.

local requests, sent = {}, 0
local worker

function setup(thread)
  worker = thread
end

function init(args)
  local file = assert(io.open(args[1]))
  for line in file:lines() do
    local user, before, after = line:match("^([^\t]*)\t(.-)#0(.*)$")
    requests[#requests + 1] = { user = user, before = before, after = after }
  end
  file:close()
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  for i = 5, #args do
    local name, value = args[i]:match("^([^=]*)=(.*)$")
    wrk.headers[name] = value
  end
  sent = os.time() * 1000000
  used, wrong = 0, 0 -- globals, for done() to get
  local least, most, ending = tonumber(args[2]), tonumber(args[3]), args[4]
  response = function(status, headers, body)
    if headers["x-remora-memory"] == "used" then used = used + 1 end
    if status ~= 200 or #body < least or #body > most or body:sub(-#ending) ~= ending then wrong = wrong + 1 end
  end
end

function request()
  sent = sent + 1
  local chosen = requests[sent % #requests + 1]
  wrk.headers["X-Remora-User"] = chosen.user
  return wrk.format(nil, nil, nil, chosen.before .. "#" .. sent .. chosen.after)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"failures":%d,"wrong":%d,"used":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.timeout, worker:get("wrong"), worker:get("used")))
end
