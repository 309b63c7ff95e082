-- A job is a hash. Its id waits in one of three places: `delayed` (a sorted set by due time), an order list (whose head is
-- the one that may run), or the stream `ready`, where a lease is a pending entry and its idle time. `open` has every job not
-- done yet by the time at which it was due first, `dead` every buried one by the time its record ends. Its field `entry` is its
-- place in the stream, if it ever came there.

local GROUP = 'workers'
local DONE_MS = 3600 * 1000
local DEDUPE_MS = 600 * 1000
local DEAD_MS = 7 * 24 * 3600 * 1000

local function job_key(jobs, id)
  return jobs .. 'job:' .. id
end

local function dispatch(jobs, id, due)
  if due > now then
    redis.call('ZADD', jobs .. 'delayed', whole(due), id)
  else
    redis.call('HSET', job_key(jobs, id), 'entry', redis.call('XADD', jobs .. 'ready', '*', 'job', id))
  end
end

local function enqueue()
  local jobs, id, kind, tenant, payload, dedupe, order, delay =
    take(), take(), take(), take(), take(), take(), take(), number()
  if dedupe ~= '' and not redis.call('SET', dedupe, id, 'NX') then
    return false
  end
  local due = now + delay
  redis.call('HSET', job_key(jobs, id), 'kind', kind, 'tenant', tenant, 'payload', payload, 'dedupe', dedupe,
    'order', order, 'due', whole(due), 'state', 'waiting', 'attempt', 0)
  redis.call('ZADD', jobs .. 'open', whole(due), id)
  if order == '' or redis.call('RPUSH', order, id) == 1 then
    dispatch(jobs, id, due)
  end
  return true
end

function operations.enqueue()
  return enqueue() and 1 or 0
end

local function promote(jobs)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', jobs .. 'delayed', '-inf', whole(now))) do
    redis.call('ZREM', jobs .. 'delayed', id)
    dispatch(jobs, id, now)
  end
end

local function begin(jobs, worker, entry)
  local id = entry[2][2]
  local key = job_key(jobs, id)
  local kind, tenant, payload, due = unpack(redis.call('HMGET', key, 'kind', 'tenant', 'payload', 'due'))
  if not kind then
    redis.call('XACK', jobs .. 'ready', GROUP, entry[1])
    redis.call('XDEL', jobs .. 'ready', entry[1])
    return nil
  end
  redis.call('HSET', key, 'state', 'running', 'worker', worker, 'entry', entry[1])
  return { id, kind, tenant, payload, redis.call('HINCRBY', key, 'attempt', 1), due }
end

local function last_entry(ready)
  local stream = redis.call('XINFO', 'STREAM', ready)
  for i = 1, #stream, 2 do
    if stream[i] == 'last-generated-id' then
      return stream[i + 1]
    end
  end
end

-- The milliseconds until a delayed job is due or a lease runs out, -1 where there is neither.
local function until_next(jobs, lease)
  local next = redis.call('ZRANGE', jobs .. 'delayed', 0, 0, 'WITHSCORES')[2]
  local left = next and tonumber(next) - now or math.huge
  for _, pending in ipairs(redis.call('XPENDING', jobs .. 'ready', GROUP, '-', '+', 1000)) do
    left = math.min(left, lease - pending[3])
  end
  return left == math.huge and -1 or math.max(left, 0)
end

-- The jobs; the last entry of the stream, after which to wait for more; how long to wait at most.
function operations.lease()
  local jobs, worker, limit, lease = take(), take(), number(), take()
  local ready, leased = jobs .. 'ready', {}
  redis.pcall('XGROUP', 'CREATE', ready, GROUP, '0', 'MKSTREAM') -- an error where it exists already
  promote(jobs)
  local cursor = '0-0'
  repeat
    local claimed = redis.call('XAUTOCLAIM', ready, GROUP, 'all', lease, cursor, 'COUNT', limit - #leased)
    cursor = claimed[1]
    for _, entry in ipairs(claimed[2]) do
      leased[#leased + 1] = begin(jobs, worker, entry)
    end
  until cursor == '0-0' or #leased >= limit
  if #leased < limit then
    local new = redis.call('XREADGROUP', 'GROUP', GROUP, 'all', 'COUNT', limit - #leased, 'STREAMS', ready, '>')
    for _, entry in ipairs(new and new[1][2] or {}) do
      leased[#leased + 1] = begin(jobs, worker, entry)
    end
  end
  return { leased, last_entry(ready), until_next(jobs, tonumber(lease)) }
end

-- The key of a job that is this worker's at this attempt, else nil.
local function take_own()
  local jobs, worker, id, attempt = take(), take(), take(), take()
  local key = job_key(jobs, id)
  local state, holder, count = unpack(redis.call('HMGET', key, 'state', 'worker', 'attempt'))
  if state == 'running' and holder == worker and count == attempt then
    return key, jobs, id
  end
end

local function give_up_entry(key, jobs)
  local entry = redis.call('HGET', key, 'entry')
  if entry then
    redis.call('XACK', jobs .. 'ready', GROUP, entry)
    redis.call('XDEL', jobs .. 'ready', entry)
  end
end

local function leave_order(order, jobs, id)
  local was_first = redis.call('LINDEX', order, 0) == id
  redis.call('LREM', order, 1, id)
  local next = was_first and redis.call('LINDEX', order, 0)
  if next then
    dispatch(jobs, next, tonumber(redis.call('HGET', job_key(jobs, next), 'due')))
  end
end

local function close(key, jobs, id)
  give_up_entry(key, jobs)
  redis.call('ZREM', jobs .. 'open', id)
  local order = redis.call('HGET', key, 'order')
  if order ~= '' then
    leave_order(order, jobs, id)
  end
  return redis.call('HGET', key, 'dedupe')
end

function operations.renew()
  local key, jobs = take_own()
  if not key then
    return 0
  end
  redis.call('XCLAIM', jobs .. 'ready', GROUP, 'all', 0, redis.call('HGET', key, 'entry'), 'JUSTID')
  return 1
end

function operations.progress()
  local key = take_own()
  if not key then
    return 0
  end
  redis.call('HSET', key, 'progress', take())
  return 1
end

function operations.retry()
  local key, jobs, id = take_own()
  if not key then
    return 0
  end
  give_up_entry(key, jobs)
  local delay = number()
  redis.call('HSET', key, 'state', 'waiting', 'error', take())
  dispatch(jobs, id, now + delay)
  return 1
end

function operations.done()
  local key, jobs, id = take_own()
  if not key then
    return 0
  end
  local dedupe = close(key, jobs, id)
  if dedupe ~= '' then
    redis.call('PEXPIRE', dedupe, DEDUPE_MS)
  end
  redis.call('HDEL', key, 'payload', 'error')
  redis.call('HSET', key, 'state', 'done')
  local result = take()
  if result then
    redis.call('HSET', key, 'result', result)
  end
  redis.call('PEXPIRE', key, DONE_MS)
  return 1
end

function operations.bury()
  local key, jobs, id = take_own()
  if not key then
    return 0
  end
  local dedupe = close(key, jobs, id)
  if dedupe ~= '' then
    redis.call('DEL', dedupe)
  end
  redis.call('HSET', key, 'state', 'dead', 'error', take())
  redis.call('PEXPIRE', key, DEAD_MS)
  redis.call('ZADD', jobs .. 'dead', whole(now + DEAD_MS), id)
  return 1
end

-- How many are not done, how many dead, and the age of the oldest not done.
function operations.backlog()
  local jobs = take()
  redis.call('ZREMRANGEBYSCORE', jobs .. 'dead', '-inf', whole(now))
  local oldest = redis.call('ZRANGE', jobs .. 'open', 0, 0, 'WITHSCORES')[2]
  return {
    redis.call('ZCOUNT', jobs .. 'open', '-inf', whole(now)),
    redis.call('ZCARD', jobs .. 'dead'),
    oldest and math.max(now - tonumber(oldest), 0) or 0,
  }
end

-- For a store of version 1 (migrations.py).
function operations.tell_places()
  local jobs = take()
  for _ = 1, number() do
    local key, place = job_key(jobs, take()), take()
    if redis.call('EXISTS', key) == 1 then
      redis.call('HSET', key, 'entry', place)
    end
  end
end

-- Whatever their states: those of these jobs that are the tenant's.
function operations.erase_jobs()
  local jobs, tenant, ids = take(), take(), list()
  for _, id in ipairs(ids) do
    local key = job_key(jobs, id)
    if redis.call('HGET', key, 'tenant') == tenant then
      local dedupe = close(key, jobs, id)
      if dedupe ~= '' and redis.call('GET', dedupe) == id then
        redis.call('DEL', dedupe)
      end
      redis.call('ZREM', jobs .. 'delayed', id)
      redis.call('ZREM', jobs .. 'dead', id)
      redis.call('DEL', key)
    end
  end
end
