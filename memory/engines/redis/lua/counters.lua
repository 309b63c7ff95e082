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

-- A window may be wanted more than once; `held` is what was taken of it before.
function operations.take()
  local wanted, held, after, all = {}, {}, {}, true
  for i = 1, number() do
    local one = { key = take(), limit = number(), length = number(), amount = number() }
    one.ends = now - now % one.length + one.length
    held[one.key] = held[one.key] or tonumber(redis.call('GET', one.key) or 0)
    after[one.key] = (after[one.key] or held[one.key]) + one.amount
    one.allowed = after[one.key] <= one.limit
    all = all and one.allowed
    wanted[i] = one
  end
  local answers = {}
  for i, one in ipairs(wanted) do
    if all and one.amount ~= 0 then
      redis.call('SET', one.key, whole(after[one.key]), 'PXAT', whole(one.ends))
    end
    local taken = (all and after or held)[one.key]
    answers[i] = { one.allowed and 1 or 0, whole(math.max(one.limit - taken, 0)), whole(one.ends) }
  end
  return answers
end
