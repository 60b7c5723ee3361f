-- GCRA, for each of several quotas in their order; the first that is used up ends it.
-- KEYS: one for each. ARGV: for each, in nanoseconds, the time in which one comes back and that in which
-- all of them do; and how many are taken
local function text(number)
    return string.format('%.0f', number)
end

local time = redis.call('TIME')
local at = tonumber(time[1]) * 1000000 + tonumber(time[2])
for place, key in ipairs(KEYS) do
    local each, full, units = tonumber(ARGV[place * 3 - 2]), tonumber(ARGV[place * 3 - 1]), tonumber(ARGV[place * 3])
    -- In which time all of them would be back, as it was at a moment in microseconds: a time of day in
    -- nanoseconds is more than a number of Lua holds.
    local since, debt = 0, 0
    local known = redis.pcall('GET', key)
    if type(known) == 'string' then
        local moment, left = string.match(known, '^(%d+):(%d+)$')
        since, debt = tonumber(moment) or 0, tonumber(left) or 0
    end
    -- A clock that went back gives nothing, and takes nothing for longer than until now.
    if since > at then since = at end
    debt = math.max(0, math.min(debt, full) - (at - since) * 1000)
    local next = debt + each * units
    local passes = next <= full
    if passes then debt = next end
    if debt > 0 then
        redis.call('SET', key, text(at) .. ':' .. text(math.ceil(debt)), 'PX', text(math.ceil(debt / 1000000) + 1))
    end
    if not passes then return {text(place), text(math.ceil(next - full))} end
end
return {'0', '0'}
