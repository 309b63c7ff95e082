-- Sends the requests of a file, one line each ("USER<tab>BODY"), over and over; reports as JSON.
--   wrk … -s wrk.lua URL -- FILE UNIQUE REMEMBERS [HEADER=VALUE …]
-- With UNIQUE "1" the mark "#0" in a body becomes a number that is never used twice. With REMEMBERS "1" it counts the
-- answers that memory was used for; looking at headers costs wrk time, so it is not done where nothing is remembered.

local requests, unique, sent = {}, false, 0
local worker

function setup(thread)
  worker = thread
end

function init(args)
  local file = assert(io.open(args[1]))
  for line in file:lines() do
    local user, body = line:match("^([^\t]*)\t(.*)$")
    requests[#requests + 1] = { user = user, body = body }
  end
  file:close()
  unique = args[2] == "1"
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer bench"
  used = 0 -- a global, for done() to get
  if args[3] == "1" then
    response = function(_, headers)
      if headers["x-remora-memory"] == "used" then used = used + 1 end
    end
  end
  for i = 4, #args do
    local name, value = args[i]:match("^([^=]*)=(.*)$")
    wrk.headers[name] = value
  end
  sent = os.time() * 1000000
end

function request()
  sent = sent + 1
  local chosen = requests[sent % #requests + 1]
  wrk.headers["X-Remora-User"] = chosen.user
  local body = chosen.body
  if unique then body = body:gsub("#0", "#" .. sent, 1) end
  return wrk.format(nil, nil, nil, body)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"failures":%d,"used":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    worker:get("used")))
end
