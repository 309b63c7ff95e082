local of_any_version =
  { claim = true, begin_step = true, end_step = true, hold = true, unlock = true, tell_places = true }

-- The operation that was asked for, if the store is of the version of who asks.
local function perform()
  local meta, version, operation = take(), number(), take()
  local stored, stepping = unpack(redis.call('HMGET', meta, 'schema', 'stepping'))
  if stored and not of_any_version[operation] then
    if tonumber(stored) > version then
      return redis.error_reply('STALE a later version of Remora has brought the store forward: update this one')
    end
    if stepping or tonumber(stored) < version then
      return redis.error_reply('OUTDATED the store is of an earlier version of Remora')
    end
  end
  return operations[operation]()
end

return perform()
