-- Which embedder the vectors are of. The first engine to come claims the store; the answer is what the store then is.
function operations.claim()
  local meta, schema, embedder, dimension = take(), take(), take(), take()
  if redis.call('EXISTS', meta) == 0 then
    redis.call('HSET', meta, 'schema', schema, 'embedder', embedder, 'dimension', dimension, 'generation', 1)
  end
  return redis.call('HGETALL', meta)
end

-- The version whose step is to be taken next, or again where one was interrupted; 0 where there is none.
function operations.begin_step()
  local meta, latest = take(), number()
  local version, stepping = unpack(redis.call('HMGET', meta, 'schema', 'stepping'))
  version = tonumber(version or latest)
  if stepping then
    return version - 1
  end
  if version >= latest then
    return 0
  end
  redis.call('HSET', meta, 'schema', whole(version + 1), 'stepping', 1)
  return version
end

function operations.end_step()
  redis.call('HDEL', take(), 'stepping')
end

function operations.hold()
  local lock, mine = take(), take()
  return redis.call('GET', lock) == mine and redis.call('PEXPIRE', lock, take()) or 0
end

function operations.unlock()
  local lock, mine = take(), take()
  if redis.call('GET', lock) == mine then
    redis.call('DEL', lock)
  end
end

-- The generation that a reindexing for this embedder fills: the one of an interrupted run for it, else a new one.
function operations.begin_reindex()
  local meta, embedder, dimension = take(), take(), take()
  local current, next, name, size =
    unpack(redis.call('HMGET', meta, 'generation', 'next_generation', 'next_embedder', 'next_dimension'))
  if not (next and name == embedder and size == dimension) then
    next = whole(math.max(tonumber(current), tonumber(next or 0)) + 1)
    redis.call('HSET', meta, 'next_generation', next, 'next_embedder', embedder, 'next_dimension', dimension)
  end
  return next
end

function operations.end_reindex()
  local meta, embedder, dimension, generation = take(), take(), take(), take()
  redis.call('HSET', meta, 'embedder', embedder, 'dimension', dimension, 'generation', generation)
  redis.call('HDEL', meta, 'next_generation', 'next_embedder', 'next_dimension')
end
