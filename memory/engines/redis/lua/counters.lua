local function add(key, name, amount)
  if redis.call('HINCRBY', key, name, amount) < 0 then
    redis.call('HSET', key, name, 0)
  end
  return redis.call('HGET', key, name) -- as text: a number of Lua's is exact only up to 2^53
end

function operations.add()
  local key, sums = take(), {}
  for i = 1, number() do
    sums[i] = add(key, take(), take())
  end
  return sums
end

function operations.reserve()
  local key, name, amount, limit = take(), take(), number(), number()
  if tonumber(redis.call('HGET', key, name) or 0) + amount > limit then
    return 0
  end
  add(key, name, whole(amount))
  return 1
end

function operations.take()
  local key, limit, window, amount = take(), number(), number(), number()
  local ends = now - now % window + window
  local taken = tonumber(redis.call('GET', key) or 0)
  local allowed = taken + amount <= limit
  if allowed then
    taken = taken + amount
    redis.call('SET', key, whole(taken), 'PXAT', whole(ends))
  end
  return { allowed and 1 or 0, math.max(limit - taken, 0), whole(ends) }
end
