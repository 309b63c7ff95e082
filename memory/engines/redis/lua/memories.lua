-- A memory is a hash that the index sees, and an entry in its tenant's hash of accesses, which the index does not see: any
-- change of an indexed hash, even of a field that is not indexed, inserts its vector anew ([M] 1 to 3 ms).
-- Its field `ledger` says how it is counted and where it stands: version, 1 if counted, tokens, bytes, namespace label,
-- session key or -, place in the session.

-- What became of a write: the values of memory.engines.base.Written.
local DONE, CLASH, FULL = 'done', 'clash', 'full'

local function read_ledger(text)
  local ledger = {}
  ledger.version, ledger.counted, ledger.tokens, ledger.bytes, ledger.namespace, ledger.session, ledger.seq =
    string.match(text, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  return ledger
end

local function ledger_of(key)
  local text = redis.call('HGET', key, 'ledger')
  return text and read_ledger(text)
end

-- Fields of a hash; no call of Lua's takes more than some thousands of arguments.
local function many(key, fields)
  local values = {}
  for first = 1, #fields, 1000 do
    for _, value in ipairs(redis.call('HMGET', key, unpack(fields, first, math.min(first + 999, #fields)))) do
      values[#values + 1] = value
    end
  end
  return values
end

local function count(usage, field, amount)
  if redis.call('HINCRBY', usage, field, amount) == 0 then
    redis.call('HDEL', usage, field)
  end
end

local function book(usage, ledger, sign)
  if ledger.counted ~= '1' then
    return
  end
  for _, scope in ipairs({ '', ledger.namespace }) do
    count(usage, scope .. ':memories', sign)
    count(usage, scope .. ':tokens', whole(sign * ledger.tokens))
    count(usage, scope .. ':bytes', whole(sign * ledger.bytes))
  end
end

local function enter(usage, member, ledger)
  book(usage, ledger, 1)
  if ledger.session ~= '-' then
    redis.call('ZADD', ledger.session, ledger.seq, member)
  end
end

local function leave(usage, member, ledger)
  book(usage, ledger, -1)
  if ledger.session ~= '-' then
    redis.call('ZREM', ledger.session, member)
  end
end

-- A scope is what one owner has in one namespace. Its journal tells which of its memories were written last, the newest at the
-- end: each entry is the stamp of its write and the memory. Of that engines keep small scopes in step (journal.py). Journals are
-- fields of a hash for each namespace, under the fourth of a memory's labels (query.py).
local JOURNAL_BYTES = 32 * 24

local function take_journals()
  return { base = take(), stamp = take() }
end

local function scope_of(key)
  return string.match(redis.call('HGET', key, 'labels'), '^%x+,%x+,%x+,(%x+)')
end

local function note(journals, scope, member, ledger)
  local key = journals.base .. ledger.namespace
  local journal = (redis.call('HGET', key, scope) or '') .. journals.stamp .. member
  redis.call('HSET', key, scope, string.sub(journal, -JOURNAL_BYTES))
end

-- The first of its fields is the ledger.
local function take_memory()
  local memory =
    { key = take(), usage = take(), access = take(), member = take(), accessed = take(), fields = list() }
  memory.ledger = read_ledger(memory.fields[2])
  return memory
end

-- A figure without a limit is the empty string, as is the namespace of the tenant's own limits.
local function take_limits()
  local limits = {}
  for i = 1, number() do
    limits[i] = { namespace = take(), memories = number(), bytes = number() }
  end
  return limits
end

local function passes(usage, field, added, limit)
  return limit and added > 0 and tonumber(redis.call('HGET', usage, field) or 0) + added > limit
end

-- Whether the memory may be written, over the one of ledger `old` if that is given: no figure that it raises would pass
-- its limit.
local function has_room(limits, memory, old)
  local new = memory.ledger
  local memories = new.counted - (old and old.counted or 0)
  local bytes = new.counted * new.bytes - (old and old.counted * old.bytes or 0)
  for _, limit in ipairs(limits) do
    local scope = limit.namespace
    if scope == '' or scope == new.namespace then
      if
        passes(memory.usage, scope .. ':memories', memories, limit.memories)
        or passes(memory.usage, scope .. ':bytes', bytes, limit.bytes)
      then
        return false
      end
    end
  end
  return true
end

local function store(memory)
  redis.call('HSET', memory.key, unpack(memory.fields))
  redis.call('HSET', memory.access, memory.member, memory.accessed)
  enter(memory.usage, memory.member, memory.ledger)
end

-- Writes of an engine whose vectors the index no longer takes would never be found. Answers the refusal, if there is one, and the
-- generation that a reindexing is filling, if one is under way.
local function check_generation()
  local meta, generation = take(), take()
  local current, next = unpack(redis.call('HMGET', meta, 'generation', 'next_generation'))
  if current ~= generation then
    return redis.error_reply(current and 'STALE the store was made another embedder\'s' or 'LOST the store is empty')
  end
  return nil, next
end

function operations.insert()
  local refusal = check_generation()
  if refusal then
    return refusal
  end
  local journals, limits, written = take_journals(), take_limits(), {}
  for i = 1, number() do
    local memory, entries = take_memory(), take_entries()
    if redis.call('EXISTS', memory.key) == 1 then
      written[i] = CLASH
    elseif not has_room(limits, memory) then
      written[i] = FULL
    else
      store(memory)
      note(journals, scope_of(memory.key), memory.member, memory.ledger)
      append_all(entries)
      written[i] = DONE
    end
  end
  return written
end

function operations.replace()
  local refusal, next = check_generation()
  if refusal then
    return refusal
  end
  local journals = take_journals()
  local expected, limits, memory, entries = take(), take_limits(), take_memory(), take_entries()
  local old = ledger_of(memory.key)
  if not old or old.version ~= expected then
    return CLASH
  end
  if not has_room(limits, memory, old) then
    return FULL
  end
  local left = scope_of(memory.key)
  leave(memory.usage, memory.member, old)
  store(memory)
  local entered = scope_of(memory.key)
  note(journals, entered, memory.member, memory.ledger)
  if left ~= entered then
    note(journals, left, memory.member, old)
  end
  if next then
    redis.call('HDEL', memory.key, 'vector_' .. next)
  end
  append_all(entries)
  return DONE
end

function operations.delete()
  local journals = take_journals()
  local base, usage, access, members, any = take(), take(), take(), list(), false
  local deleted = {}
  for i, member in ipairs(members) do
    local ledger = ledger_of(base .. member)
    deleted[i] = ledger and 1 or 0
    if ledger then
      note(journals, scope_of(base .. member), member, ledger)
      leave(usage, member, ledger)
      redis.call('DEL', base .. member)
      redis.call('HDEL', access, member)
      any = true
    end
  end
  if any then
    append_all(take_entries())
  end
  return deleted
end

-- One field of several memories, and the access of each.
function operations.read()
  local field, base, access, members = take(), take(), take(), list()
  local values = {}
  for i, member in ipairs(members) do
    values[i] = redis.call('HGET', base .. member, field)
  end
  return { values, many(access, members) }
end

-- An access is three doubles: when, how often accessed, how often searched. Answers the new ones.
function operations.touch()
  local access, at, accesses, searches, members = take(), number(), number(), number(), list()
  local touched = {}
  for _, member in ipairs(members) do
    local packed = redis.call('HGET', access, member)
    if packed then
      local last, accessed, searched = struct.unpack('>ddd', packed)
      packed = struct.pack('>ddd', accesses > 0 and at or last, accessed + accesses, searched + searches)
      redis.call('HSET', access, member, packed)
      touched[#touched + 1] = member
      touched[#touched + 1] = packed
    end
  end
  return touched
end

local function take_conditions()
  local conditions, fields = {}, { 'labels' }
  for i = 1, number() do
    local field = take()
    if field == 'labels' then
      conditions[i] = { labels = list() }
    else
      fields[#fields + 1] = field
      conditions[i] = { place = #fields, low = number(), high = number() }
    end
  end
  return conditions, fields
end

local function holds_any(labels, wanted)
  for _, label in ipairs(wanted) do
    if string.find(labels, label, 1, true) then
      return true
    end
  end
  return false
end

local function allowed(conditions, values)
  for _, condition in ipairs(conditions) do
    if condition.labels then
      if not holds_any(values[1], condition.labels) then
        return false
      end
    else
      local value = tonumber(values[condition.place])
      if value < condition.low or value > condition.high then
        return false
      end
    end
  end
  return true
end

-- The same conditions as a search's (query.py), but by walking the sessions. Answers hits, and the access of each.
function operations.neighbours()
  local base, access = take(), take()
  local conditions, fields = take_conditions()
  local seen, members, hits = {}, {}, {}
  for _ = 1, number() do
    local session, first, last = take(), take(), take()
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', session, first, last)) do
      if not seen[member] then
        seen[member] = true
        local values = redis.call('HMGET', base .. member, 'hit', unpack(fields))
        local hit = table.remove(values, 1)
        if hit and allowed(conditions, values) then
          members[#members + 1] = member
          hits[#hits + 1] = hit
        end
      end
    end
  end
  return { hits, many(access, members) }
end

-- For a reindexing: the vector goes in only where the memory is still the one that was embedded.
function operations.revector()
  local field, stored = take(), 0
  for _ = 1, number() do
    local journals, key, member, version, vector = take_journals(), take(), take(), take(), take()
    local ledger = ledger_of(key)
    if ledger and ledger.version == version then
      redis.call('HSET', key, field, vector)
      note(journals, scope_of(key), member, ledger)
      stored = stored + 1
    end
  end
  return stored
end
