-- A stream is a sorted set of equal scores, so in the order of its members, each of which begins with its id: 16 digits
-- of microseconds and six that tell apart what one of them brought. A Redis stream of one entry takes [M] four times the memory,
-- and most are so short: every memory has a history.

local function next_id(key)
  local last = redis.call('ZRANGE', key, -1, -1)[1]
  local at, place = microseconds, 0
  if last and tonumber(string.sub(last, 1, 16)) >= at then
    at, place = tonumber(string.sub(last, 1, 16)), tonumber(string.sub(last, 18, 23)) + 1
    if place > 999999 then
      at, place = at + 1, 0
    end
  end
  return string.format('%016.0f-%06d', at, place)
end

local function take_entry()
  return { key = take(), registry = take(), stream = take(), text = take(), longest = number() }
end

local function take_entries()
  local entries = {}
  for i = 1, number() do
    entries[i] = take_entry()
  end
  return entries
end

local function append(entry)
  redis.call('ZADD', entry.key, 0, next_id(entry.key) .. ':' .. entry.text)
  redis.call('SADD', entry.registry, entry.stream)
  if entry.longest > 0 then
    redis.call('ZREMRANGEBYRANK', entry.key, 0, -entry.longest - 1)
  end
end

local function append_all(entries)
  for _, entry in ipairs(entries) do
    append(entry)
  end
end

function operations.append()
  append_all(take_entries())
end

-- The registry holds names, from which the keys are made: they are too many to be given.
function operations.erase_log()
  local registry, base, names = take(), take(), list()
  if #names == 0 then
    names = redis.call('SPOP', registry, 500)
  end
  for _, name in ipairs(names) do
    redis.call('UNLINK', base .. name)
    redis.call('SREM', registry, name)
  end
  return #names
end
