-- One script for all operations of a file: ARGV is the operation's name and then its arguments, one after the other.
-- Keys come whole from Python (keys.py) as arguments, since which ones are needed depends on the arguments themselves.

local operations = {}

local position = 0

local function take()
  position = position + 1
  return ARGV[position]
end

local function number()
  return tonumber(take())
end

-- A count, and as many arguments.
local function list()
  local items = {}
  for i = 1, number() do
    items[i] = take()
  end
  return items
end

-- As Redis wants integers; 0 - 0 * 1 is -0 to Lua.
local function whole(value)
  return value == 0 and '0' or string.format('%.0f', value)
end

local time = redis.call('TIME')
local microseconds = time[1] * 1000000 + time[2]
local now = math.floor(microseconds / 1000)
