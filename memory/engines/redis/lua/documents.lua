-- A document is a hash that Redis expires; its indexes are sorted sets of plain keys. What expires takes its unique keys
-- along, which expire with it, but stays in the indexes: each has beside it the times at which its members end, and whoever
-- reads or writes it first removes those.

local function ends_of(index)
  return index .. ':~'
end

local function purge(index)
  local ends = ends_of(index)
  local ended = redis.call('ZRANGEBYSCORE', ends, '-inf', whole(now), 'LIMIT', 0, 1000)
  while #ended > 0 do
    redis.call('ZREM', index, unpack(ended))
    redis.call('ZREM', ends, unpack(ended))
    ended = redis.call('ZRANGEBYSCORE', ends, '-inf', whole(now), 'LIMIT', 0, 1000)
  end
end

local function words(text)
  local found = {}
  for word in string.gmatch(text or '', '%S+') do
    found[#found + 1] = word
  end
  return found
end

local function take_document()
  local document = { key = take(), name = take(), value = take(), order = take(), seconds = number() }
  document.indexes = list()
  return document
end

local function leave_indexes(key, name)
  for _, index in ipairs(words(redis.call('HGET', key, 'indexes'))) do
    redis.call('ZREM', index, name)
    redis.call('ZREM', ends_of(index), name)
  end
end

local function expire(key, at)
  if at then
    redis.call('PEXPIREAT', key, whole(at))
  else
    redis.call('PERSIST', key)
  end
end

local function write(document)
  local key, name = document.key, document.name
  local at = document.seconds >= 0 and now + document.seconds * 1000
  leave_indexes(key, name)
  for _, index in ipairs(document.indexes) do
    purge(index)
    redis.call('ZADD', index, document.order, name)
    if at then
      redis.call('ZADD', ends_of(index), whole(at), name)
    end
  end
  redis.call('HINCRBY', key, 'version', 1)
  redis.call('HSET', key, 'value', document.value, 'name', name, 'indexes', table.concat(document.indexes, ' '))
  expire(key, at)
  for _, unique in ipairs(words(redis.call('HGET', key, 'unique'))) do
    expire(unique, at)
  end
end

function operations.create_document()
  local document, unique, entries = take_document(), list(), take_entries()
  if redis.call('EXISTS', document.key) == 1 then
    return 0
  end
  for _, key in ipairs(unique) do
    if redis.call('EXISTS', key) == 1 then
      return 0
    end
  end
  for _, key in ipairs(unique) do
    redis.call('SET', key, document.key)
  end
  if #unique > 0 then
    redis.call('HSET', document.key, 'unique', table.concat(unique, ' '))
  end
  write(document)
  append_all(entries)
  return 1
end

function operations.replace_document()
  local document, expected, entries = take_document(), take(), take_entries()
  if redis.call('HGET', document.key, 'version') ~= expected then
    return 0
  end
  write(document)
  append_all(entries)
  return 1
end

local function delete_document()
  local key, name = take(), take()
  if redis.call('EXISTS', key) == 0 then
    return 0
  end
  leave_indexes(key, name)
  for _, unique in ipairs(words(redis.call('HGET', key, 'unique'))) do
    redis.call('DEL', unique)
  end
  redis.call('DEL', key)
  return 1
end

operations.delete_document = delete_document

function operations.find_document()
  local key = redis.call('GET', take())
  return key and redis.call('HMGET', key, 'name', 'value', 'version')
end

-- `base` with a document's plain key is the key it is stored under.
function operations.list_documents()
  local index, base, offset, limit = take(), take(), number(), number()
  purge(index)
  local found = {}
  if limit > 0 then
    for _, name in ipairs(redis.call('ZRANGE', index, offset, offset + limit - 1)) do
      local value, version = unpack(redis.call('HMGET', base .. name, 'value', 'version'))
      if value then
        found[#found + 1] = { name, value, version }
      end
    end
  end
  return { redis.call('ZCARD', index), found }
end
