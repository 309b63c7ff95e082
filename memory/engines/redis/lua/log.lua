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

local function append()
  local key, registry, name, entry, longest = take(), take(), take(), take(), number()
  redis.call('ZADD', key, 0, next_id(key) .. ':' .. entry)
  redis.call('SADD', registry, name)
  if longest > 0 then
    redis.call('ZREMRANGEBYRANK', key, 0, -longest - 1)
  end
end

local function append_all()
  for _ = 1, number() do
    append()
  end
end

function operations.append()
  append_all()
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
